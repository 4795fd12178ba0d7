"""What was worked out of a network, kept with it for as long as the network stays as it is.

A cut, a fast copy or a digest of frozen blocks costs more than some heads cost to train, and one
run needs each several times; a search needs them for every run. Whether anything changed is told
by torch's own count of changes to every tensor, which costs nothing. Nothing is kept alive: what is
kept goes with the network, and a copy of the network starts with nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from torch import Tensor, nn

__all__ = ["kept", "structure", "weights"]

NAME = "_thaw_kept"  # among the network's own attributes
MOST = 8  # things kept per network; the oldest goes first
Found = TypeVar("Found")
Token = tuple[Hashable, ...]


class _Kept(dict[Hashable, tuple[Token, Any]]):
    """A dictionary that is not copied along with the network that has it."""

    def __deepcopy__(self, memo: dict[int, Any]) -> _Kept:
        return _Kept()

    def __reduce__(self) -> tuple[type[_Kept], tuple[()]]:
        return _Kept, ()


def kept(
    network: nn.Module, name: Hashable, token: Token | None, make: Callable[[], Found]
) -> Found:
    """What ``make`` gives, made once for as long as ``token`` stays the same.

    Args:
        network: What it is kept with.
        name: Of the thing, with everything it depends on besides the network.
        token: Of the network's state, from ``structure`` or ``weights``; None = not known, so it is
            made anew and not kept.
        make: Called when there is nothing to give. It may change the network only in ways that the
            token does not tell.
    """
    if token is None:
        return make()
    held: _Kept = network.__dict__.setdefault(NAME, _Kept())
    known = held.pop(name, None)
    found = known[1] if known is not None and known[0] == token else make()
    held[name] = token, found  # last, as the youngest
    while len(held) > MOST:
        del held[next(iter(held))]
    return found


def structure(network: nn.Module) -> Token:
    """Which modules and tensors a network is made of; their values may change."""
    modules = tuple((name, id(one)) for name, one in network.named_modules())
    return (*modules, *(id(one) for one in (*network.parameters(), *network.buffers())))


def weights(network: nn.Module) -> Token | None:
    """Its structure, and how often each tensor was changed; None where torch does not count.

    Writing through ``Tensor.data`` is not counted, and Thaw does not do it.
    """
    tensors: list[Tensor] = [*network.parameters(), *network.buffers()]
    if any(one.is_inference() for one in tensors):
        return None
    return (*structure(network), *((one._version, one.dtype, one.device) for one in tensors))
