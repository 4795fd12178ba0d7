"""Which way of computing is fastest: measured for this network on this machine, then remembered.

Every way is checked against float32 before it may win. A trial has to pay for itself: what could
save less than it costs is not tried, so that a head on a few hundred pictures does not wait longer
for the choice than for its features. See docs/decisions/0012.
"""

from __future__ import annotations

import copy
import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tl_core.cache.numerics import Numerics, exact_on, prepared, settled
from tl_core.models.fusing import cast_prefix, fused_copy
from tl_core.storage import Home, read_json, write_json

__all__ = ["choose_prefix", "choose_step", "features"]

VERSION = 3  # of what is remembered
GAIN = 1.15  # a lower precision must be this much faster to be taken
FINER = 1.05  # and another layout, batch or number of threads this much
CLEAR = 1.3  # times faster than any other way: no need to look again
PREFIX_ERROR = 0.05  # most relative error (L2 per picture, median) a lower precision may add
LARGEST = 6e4  # float16, in which features are kept, ends at 65,504
USUAL, LARGER = 32, 64  # pictures at a time
USUAL_PX = 192  # side from which half as many fit the caches
FEW_THREADS = 5  # below, larger batches only miss the caches
CHECKED = 8  # pictures on which a way's answers are compared with float32's
CALL_S = 0.25  # a trial has fewer pictures where the network is so slow that 32 take longer
ROUNDS = 5  # of a race at most
PAID = 0.05  # share of the expected work that looking again may take
TRIED = 0.01  # share of the pictures that one call of a trial may have
FINER_PICTURES = 4000  # pictures from which the finer choices can pay for being tried
FINER_S = 0.6  # a call of a trial at most, for them: some seconds in all
STEP_S = 0.03  # a training step is repeated for so long, its time being told beforehand
WORTH_S = 1.0  # of training steps, below which nothing is gained by a lower precision


@dataclass(frozen=True, slots=True)
class _Known:
    """What was measured before: the way, its seconds per picture, whether every way was tried."""

    numerics: Numerics
    seconds: float
    complete: bool


def choose_prefix(
    prefix: nn.Module,
    images: Tensor,
    *,
    pictures: int,
    signature: str,
    home: Home | None = None,
) -> tuple[Numerics, float]:
    """Measure the ways through the frozen blocks, or recall what was measured before.

    Args:
        prefix: The frozen blocks, images -> tensor or tuple of tensors; in eval mode.
        images: (B, 3, S, S) float32, normalised, on the device; the first few are used.
        pictures: How many the blocks are about to be given; decides what is worth trying.
        signature: Says which network, cut, size and device this is; the key it is kept under.
        home: Where it is remembered; None = nowhere.

    Returns:
        The way, and its seconds per picture.
    """
    path = _path(home, f"prefix|{signature}")
    known = _recalled(path)
    finer = pictures >= FINER_PICTURES
    if known is not None and (known.complete or not finer):
        return known.numerics, known.seconds
    trial = _Trial(prefix, images)
    if known is None:
        numerics, seconds = trial.precision(pictures)
    else:
        numerics, seconds = known.numerics, known.seconds
    if finer:
        numerics, seconds = trial.finer(numerics, seconds)
    prepared(prefix, numerics, lambda: trial.copy_of(numerics))
    _remember(path, _Known(numerics, seconds, finer), signature)
    return numerics, seconds


def choose_step(
    steps: Callable[[], AbstractContextManager[Callable[[Numerics], float]]],
    numerics: Numerics,
    *,
    passes: int,
    batch: int,
    signature: str,
    home: Home | None = None,
) -> tuple[Numerics, float]:
    """Measure training steps in float32 and, where they take long enough, in bfloat16.

    Args:
        steps: Gives a function that takes one training step and returns its seconds; nothing is
            changed once the context is left. Not called when there is nothing to measure.
        numerics: As the frozen blocks are computed.
        passes: Pictures that will be trained on, epochs counted.
        batch: Pictures of a step.
        signature: As for ``choose_prefix``; what trains, and the batch, are part of it.
        home: Where it is remembered; None = nowhere.

    Returns:
        ``numerics`` with the precision of training, and seconds of a step per picture.
    """
    path = _path(home, f"step|{signature}|{sorted(numerics.prefix_key.items())}")
    known = _recalled(path)
    if known is not None and (known.complete or known.seconds * passes < WORTH_S):
        precision = known.numerics.train_precision
        return replace(numerics, train_precision=precision), known.seconds
    lower = replace(numerics, train_precision="bfloat16")
    with steps() as step:
        seconds = _race([lambda: step(numerics)], patience_s=STEP_S, told=True)[0] / batch
        complete = seconds * passes >= WORTH_S
        if complete:
            works = [lambda: step(numerics), lambda: step(lower)]
            patience = max(STEP_S, min(PAID * seconds * passes, 8 * STEP_S))
            exact, fast = (one / batch for one in _race(works, patience_s=patience, told=True))
            numerics, seconds = (lower, fast) if fast * GAIN < exact else (numerics, exact)
    _remember(path, _Known(numerics, seconds, complete), signature)
    return numerics, seconds


def features(prefix: nn.Module, images: Tensor) -> tuple[Tensor, ...]:
    """What frozen blocks give, as a tuple, without gradients."""
    with torch.no_grad():
        found = prefix(images)
    return found if isinstance(found, tuple) else (found,)


# -- trials ----------------------------------------------------------------------------------------


class _Trial:
    """Ways through frozen blocks, tried on a few pictures; copies are made when first needed."""

    def __init__(self, prefix: nn.Module, images: Tensor) -> None:
        self._prefix = prefix
        self._cuda = images.is_cuda
        self._folded: nn.Module | None = None
        self._copies: dict[tuple[str, str], nn.Module] = {}
        begun = time.perf_counter()
        self._checked = images[:CHECKED]
        self._reference = features(prefix, self._checked)
        if self._cuda:
            torch.cuda.synchronize()
        self._each = (time.perf_counter() - begun) / len(self._checked)
        close = images.shape[-1] > USUAL_PX
        usual = LARGER if self._cuda else (USUAL // 2 if close else USUAL)
        self._images = images[:usual].repeat(-(-usual // len(images[:usual])), 1, 1, 1)[:usual]

    def copy_of(self, numerics: Numerics) -> nn.Module:
        """The blocks made ready for a way."""
        name = (numerics.precision, numerics.memory_format)
        if name not in self._copies:
            if self._folded is None:
                self._folded = fused_copy(self._prefix)
            self._copies[name] = cast_prefix(
                copy.deepcopy(self._folded), dtype=numerics.dtype, memory_format=numerics.layout
            )
        return self._copies[name]

    def precision(self, pictures: int) -> tuple[Numerics, float]:
        """The faster of float32 and bfloat16 that gives float32's answer; seconds a picture."""
        n = min(self._count(CALL_S), max(CHECKED, int(pictures * TRIED)))
        exact = exact_on(self._images.device)
        usual = replace(exact, fused=True, stored="float16", prefix_batch=len(self._images))
        ways: list[Numerics] = []
        works: list[Callable[[], Any]] = []
        for way in (usual, replace(usual, precision="bfloat16")):
            work = self._work(way, n)
            if _agrees(work(), self._reference):
                ways.append(way)
                works.append(work)
        if not ways:
            least = _race([lambda: features(self._prefix, self._images[:n])], patience_s=0.0)
            return replace(exact, prefix_batch=usual.prefix_batch), least[0] / n
        patience = PAID * pictures * self._each
        found = [one / n for one in _race(works, patience_s=patience, warm=True)]
        best = min(
            range(len(ways)),
            key=lambda i: found[i] * (GAIN if ways[i].precision == "bfloat16" else 1.0),
        )
        return ways[best], found[best]

    def finer(self, numerics: Numerics, seconds: float) -> tuple[Numerics, float]:
        """Layout, threads and batch, one after the other, as long as a trial is quick."""
        for change in self._variants(numerics):
            way = replace(numerics, **change)
            n = max(numerics.prefix_batch, way.prefix_batch)
            if seconds * n > FINER_S or not numerics.fused:
                continue
            works = [self._work(numerics, numerics.prefix_batch), self._work(way, way.prefix_batch)]
            if not _agrees(works[1](), self._reference):
                continue
            mine, other = _race(works, patience_s=FINER_S)
            seconds, other = mine / numerics.prefix_batch, other / way.prefix_batch
            if other * FINER < seconds:
                numerics, seconds = way, other
        return numerics, seconds

    def _variants(self, numerics: Numerics) -> Iterator[dict[str, Any]]:
        yield {"memory_format": "contiguous"}
        threads = torch.get_num_threads()
        if not self._cuda and threads > 1:
            yield {"threads": threads // 2}
        if self._cuda or threads >= FEW_THREADS:
            yield {"prefix_batch": 4 * numerics.prefix_batch}

    def _count(self, call_s: float) -> int:
        """Pictures of one call, so that none takes much longer than ``call_s``."""
        return max(CHECKED, min(len(self._images), int(call_s / max(self._each, 1e-9))))

    def _work(self, way: Numerics, n: int) -> Callable[[], tuple[Tensor, ...]]:
        fast = self.copy_of(way)
        images = self._images.repeat(-(-n // len(self._images)), 1, 1, 1)[:n]
        images = images.contiguous(memory_format=way.layout)

        def work() -> tuple[Tensor, ...]:
            with settled(way):
                return features(fast, images)

        return work


def _race(
    works: Sequence[Callable[[], Any]],
    *,
    patience_s: float,
    told: bool = False,
    warm: bool = False,
) -> list[float]:
    """Least seconds of each, in turns, so that a busy moment of the machine hits all of them.

    Args:
        works: Each is called once for nothing (the first call allocates), then until one is
            clearly the fastest or the patience is at an end.
        patience_s: Once the first round is over.
        told: They return their own seconds.
        warm: They have been called before.
    """
    for work in [] if warm else works:
        work()
    least = [float("inf")] * len(works)
    end = float("inf")
    for _ in range(ROUNDS):
        for i, work in enumerate(works):
            begun = time.perf_counter()
            seconds = work()
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            least[i] = min(least[i], seconds if told else time.perf_counter() - begun)
        end = min(end, time.perf_counter() + patience_s)
        if time.perf_counter() >= end or _clear(least):
            break
    return least


def _clear(least: Sequence[float]) -> bool:
    """Whether there is more than one and the fastest leaves no doubt."""
    ranked = sorted(least)
    return len(ranked) > 1 and ranked[0] * CLEAR < ranked[1]


def _agrees(found: tuple[Tensor, ...], reference: tuple[Tensor, ...]) -> bool:
    """Whether the first pictures' features are the reference's, as near as a low precision can."""
    for one, exact in zip(found, reference, strict=True):
        a, b = one[: len(exact)].float().flatten(1), exact.float().flatten(1)
        if not torch.isfinite(a).all() or float(b.abs().max()) > LARGEST:
            return False
        error = (a - b).norm(dim=1) / b.norm(dim=1).clamp_min(1e-12)
        if float(error.median()) > PREFIX_ERROR:
            return False
    return True


# -- memory ----------------------------------------------------------------------------------------


def _path(home: Home | None, signature: str) -> Path | None:
    if home is None:
        return None
    text = f"{VERSION}|{torch.__version__}|{torch.get_num_threads()}|{signature}"
    name = hashlib.sha256(text.encode()).hexdigest()[:24]
    return home.folder("cache", "numerics") / f"{name}.json"


def _recalled(path: Path | None) -> _Known | None:
    if path is None or not path.is_file():
        return None
    try:
        body = read_json(path)
        return _Known(Numerics(**body["numerics"]), float(body["seconds"]), bool(body["complete"]))
    except (OSError, ValueError, TypeError, KeyError):
        path.unlink(missing_ok=True)  # of another version, or damaged: measured again
        return None


def _remember(path: Path | None, known: _Known, signature: str) -> None:
    if path is not None:
        write_json(path, {**asdict(known), "of": signature})
