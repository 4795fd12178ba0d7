"""Random numbers that depend on what they are for, never on what was drawn before.

Everything random in epoch ``e`` (order, augmentation, dropout) is a function of ``(seed, e)``
alone. A run taken up again at an epoch boundary therefore draws what an uninterrupted run would
have drawn, without storing the state of any generator.
"""

from __future__ import annotations

import hashlib

import torch

__all__ = ["generator", "mix", "seed_network"]


def mix(*parts: int | str) -> int:
    """Fold parts into one seed, 0..2**63-1; neighbouring parts give unrelated seeds."""
    text = "/".join(str(part) for part in parts)
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def generator(*parts: int | str) -> torch.Generator:
    """A CPU generator of its own, seeded by ``mix(*parts)``."""
    return torch.Generator().manual_seed(mix(*parts))


def seed_network(seed: int, epoch: int) -> None:
    """Seed the process-wide generators that dropout layers draw from, on every device."""
    torch.manual_seed(mix(seed, epoch, "network"))
