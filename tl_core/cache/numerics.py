"""How numbers are computed: chosen by measuring this network on this machine, then remembered.

bfloat16 doubles the speed of one processor and halves that of the next; nobody can tell without
trying. Every way is checked against float32 before it may win. See docs/decisions/0012.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from tl_core.models.fusing import fast_prefix
from tl_core.storage import Home, read_json, write_json

__all__ = ["EXACT", "Cost", "Numerics", "autocast", "choose", "prepared", "settled"]

GAIN = 1.15  # a lower precision must be this much faster to be taken
PREFIX_ERROR = 0.05  # most relative error (L2 per picture, median) a lower precision may add
TRY_S = 0.03  # per way that is tried, at least; some tenths of a second in all
ROUNDS = 3  # at least, however slow the network
FEW_THREADS = 5  # below, no batches larger than usual and than the run's own are tried
USUAL = 16
WAYS = (("float32", USUAL), ("bfloat16", USUAL), ("bfloat16", 64))  # precision, pictures at a time
LARGEST = 6e4  # float16, in which features are kept, ends at 65,504
VERSION = 1

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
FORMATS = {"channels_last": torch.channels_last, "contiguous": torch.contiguous_format}


@dataclass(frozen=True, slots=True, kw_only=True)
class Numerics:
    """How one network is computed on this machine.

    ``precision`` is of the frozen blocks, ``stored`` of what is kept of their output,
    ``train_precision`` of what trains (bfloat16 means autocast; its weights stay float32);
    ``prefix_batch`` pictures go through the frozen blocks at a time, always so many, because a
    batch of another size may round differently.
    """

    precision: str = "float32"
    stored: str = "float32"
    train_precision: str = "float32"
    memory_format: str = "channels_last"
    threads: int = 0  # 0 = as torch chose
    prefix_batch: int = 16
    fused: bool = False  # convolution and normalisation folded into one

    @property
    def layout(self) -> torch.memory_format:
        """For ``Tensor.to``."""
        return FORMATS[self.memory_format]

    @property
    def dtype(self) -> torch.dtype:
        """Of the frozen blocks."""
        return DTYPES[self.precision]

    @property
    def stored_dtype(self) -> torch.dtype:
        """Of what is kept."""
        return DTYPES[self.stored]

    @property
    def prefix_key(self) -> dict[str, Any]:
        """What of it changes the numbers that are kept."""
        names = ("precision", "stored", "memory_format", "prefix_batch", "fused")
        return {name: getattr(self, name) for name in names}


EXACT = Numerics()  # float32 throughout: the reference


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Seconds per picture: ``prefix`` through the frozen blocks, ``suffix`` one training step."""

    prefix: float
    suffix: float
    suffix_forward: float


def prepared(prefix: nn.Module, numerics: Numerics) -> nn.Module:
    """The frozen blocks ready to compute with; a copy unless they are taken as they are."""
    if numerics.precision == "float32" and not numerics.fused:
        return prefix
    return fast_prefix(prefix, dtype=numerics.dtype, memory_format=numerics.layout)


def autocast(numerics: Numerics, device: torch.device) -> AbstractContextManager[Any]:
    """The context training steps run in."""
    if numerics.train_precision == "float32":
        return nullcontext()
    return torch.autocast(device.type, dtype=DTYPES[numerics.train_precision])


@contextmanager
def settled(numerics: Numerics) -> Iterator[None]:
    """Use the chosen number of threads inside."""
    before = torch.get_num_threads()
    if numerics.threads:
        torch.set_num_threads(numerics.threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def choose(
    prefix: nn.Module | None,
    step: Callable[[Numerics, tuple[Tensor, ...] | Tensor], float] | None,
    images: Tensor,
    *,
    signature: str,
    home: Home | None = None,
) -> tuple[Numerics, Cost]:
    """Measure the ways to compute, or recall what was measured before.

    Args:
        prefix: The frozen blocks (images -> tuple of tensors), or None when nothing is frozen.
        step: Takes one training step's forward and backward pass without changing anything, for
            features (or images when ``prefix`` is None), and returns its seconds; None when there
            is nothing to train.
        images: (B, 3, S, S) float32, normalised, on the device; B is the batch size.
        signature: Says which network, cut, size and device this is; the key it is kept under.
        home: Where it is remembered; None = nowhere.
    """
    path = None if home is None else home.folder("cache", "numerics") / f"{_key(signature)}.json"
    if path is not None and path.is_file():
        try:
            body = read_json(path)
            return Numerics(**body["numerics"]), Cost(**body["cost"])
        except (OSError, ValueError, TypeError, KeyError):
            path.unlink(missing_ok=True)  # of another version, or damaged: measured again
    numerics, cost = _measured(prefix, step, images)
    if path is not None:
        body = {"numerics": asdict(numerics), "cost": asdict(cost), "of": signature}
        write_json(path, body)
    return numerics, cost


def _key(signature: str) -> str:
    text = f"{VERSION}|{torch.__version__}|{torch.get_num_threads()}|{signature}"
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def _measured(
    prefix: nn.Module | None,
    step: Callable[[Numerics, tuple[Tensor, ...] | Tensor], float] | None,
    images: Tensor,
) -> tuple[Numerics, Cost]:
    cpu = images.device.type == "cpu"
    numerics = Numerics(
        memory_format="channels_last" if cpu or images.is_cuda else "contiguous",
        threads=torch.get_num_threads() if cpu else 0,
    )
    seconds = 0.0
    inputs: tuple[Tensor, ...] | Tensor = images.contiguous(memory_format=numerics.layout)
    if prefix is not None:
        numerics, seconds = _prefix_choice(prefix, images, numerics)
        inputs = _features(prepared(prefix, numerics), images)
    train = forward = 0.0
    if step is not None:
        numerics, train = _train_choice(step, inputs, numerics)
        train /= len(images)
        forward = train / 3  # backward is about twice the forward pass
    return numerics, Cost(prefix=seconds, suffix=train, suffix_forward=forward)


def _prefix_choice(prefix: nn.Module, images: Tensor, numerics: Numerics) -> tuple[Numerics, float]:
    """The fastest way through the frozen blocks that gives float32's answer; seconds a picture."""
    reference = _features(prefix, images)
    ways: list[Numerics] = []
    works: list[Callable[[], Any]] = []
    for precision, size in WAYS:
        if size > max(USUAL, len(images)) and numerics.threads in range(1, FEW_THREADS):
            continue  # larger batches feed many cores; on a few they only miss the caches
        way = replace(
            numerics, fused=True, precision=precision, stored="float16", prefix_batch=size
        )
        fast = prepared(prefix, way)
        if not _agrees(_features(fast, images), reference):
            continue
        batch = images.repeat(-(-size // len(images)), 1, 1, 1)[:size]
        batch = batch.contiguous(memory_format=numerics.layout)
        ways.append(way)
        works.append(lambda fast=fast, batch=batch: _features(fast, batch))  # type: ignore[misc]
    if not ways:
        least = _race([lambda: _features(prefix, images)])
        return replace(numerics, stored="float32"), least[0] / len(images)
    least = _race(works)
    found = [seconds / way.prefix_batch for seconds, way in zip(least, ways, strict=True)]
    best = min(
        range(len(ways)),
        key=lambda i: found[i] * (GAIN if ways[i].precision == "bfloat16" else 1.0),
    )
    return ways[best], found[best]


def _train_choice(
    step: Callable[[Numerics, tuple[Tensor, ...] | Tensor], float],
    inputs: tuple[Tensor, ...] | Tensor,
    numerics: Numerics,
) -> tuple[Numerics, float]:
    lower = replace(numerics, train_precision="bfloat16")
    seconds, seconds_lower = _race(
        [lambda: step(numerics, inputs), lambda: step(lower, inputs)], told=True
    )
    return (lower, seconds_lower) if seconds_lower * GAIN < seconds else (numerics, seconds)


def _race(works: Sequence[Callable[[], Any]], *, told: bool = False) -> list[float]:
    """Least seconds of each, in turns, so that a busy moment of the machine hits all of them.

    Args:
        works: Each is called once for nothing (the first call allocates), then at least
            ``ROUNDS`` times.
        told: They return their own seconds.
    """
    for work in works:
        work()
    least = [float("inf")] * len(works)
    rounds, end = 0, time.perf_counter() + TRY_S * len(works)
    while rounds < ROUNDS or time.perf_counter() < end:
        rounds += 1
        for i, work in enumerate(works):
            begun = time.perf_counter()
            seconds = work()
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            least[i] = min(least[i], seconds if told else time.perf_counter() - begun)
    return least


def _features(prefix: nn.Module, images: Tensor) -> tuple[Tensor, ...]:
    with torch.no_grad():
        found = prefix(images)
    return found if isinstance(found, tuple) else (found,)


def _agrees(found: tuple[Tensor, ...], reference: tuple[Tensor, ...]) -> bool:
    for one, exact in zip(found, reference, strict=True):
        a, b = one.float().flatten(1), exact.float().flatten(1)
        if not torch.isfinite(a).all() or float(b.abs().max()) > LARGEST:
            return False
        error = (a - b).norm(dim=1) / b.norm(dim=1).clamp_min(1e-12)
        if float(error.median()) > PREFIX_ERROR:
            return False
    return True
