"""The seal of a set of pictures: one number that is the same for the same pictures only.

A sum over the pictures, so that neither their order matters nor the rest when a few of them change.
It knows each picture's number, content, class and part.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from tl_core.errors import RunNotFoundError
from tl_core.jobs.library import ImageRow
from tl_core.storage import Home, read_json, write_json

__all__ = ["MODULUS", "keep_seal", "picture_seal", "run_seal", "seal_of"]

MODULUS = 2**128
SCHEMA = 1
NAME = "seal.json"


def picture_seal(number: int, digest: str, label: str, split: str) -> int:
    """What one picture adds to the seal."""
    text = "\0".join((str(number), digest, label, split))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=16).digest())


def seal_of(images: Iterable[ImageRow]) -> int:
    """The seal of a set."""
    total = sum(picture_seal(one.id, one.digest, one.label, one.split) for one in images)
    return total % MODULUS


def keep_seal(home: Home, run_id: str, images: Iterable[ImageRow]) -> None:
    """Write the seal of a run's pictures beside their list."""
    write_json(home.run_dir(run_id) / NAME, {"schema": SCHEMA, "seal": f"{seal_of(images):032x}"})


def run_seal(home: Home, run_id: str) -> int:
    """The seal that a run was started with.

    Raises:
        RunNotFoundError: The run was started before seals were kept.
    """
    path = home.run_dir(run_id) / NAME
    if not path.is_file():
        raise RunNotFoundError(f"The seal of run {run_id} is not known.")
    return int(read_json(path)["seal"], 16)
