"""The network in 8-bit whole numbers, smaller and mostly faster, and what that costs, measured.

Static quantisation by onnxruntime: each layer's weights per channel, its inputs by the range they
had on training pictures. Of several ways the first that agrees with the full network on other
pictures is kept: on validation pictures where test pictures judge, else on training pictures.
docs/decisions/0033-more-exports.md.
"""

from __future__ import annotations

import logging
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tl_core.errors import ExportError
from tl_core.evaluate.answers import Answers
from tl_core.evaluate.paired import Judged, Pair, compared
from tl_core.evaluate.words import percent
from tl_core.export.extras import HeldOut
from tl_core.export.onnx import INPUT

__all__ = ["INT8", "LOSS", "measured_loss", "quantised_sentence", "write_int8"]

INT8 = "model.int8.onnx"
LEAST = 8  # training pictures below which ranges mean nothing
AGREE = 0.98  # of the pictures that choose; the first way that reaches it is kept
OFTEN = 0.95  # of the held-out pictures with the same answer; below it that is said
LOSS = 0.02  # of the held-out pictures; a larger loss is said to be not tolerable
HARDLY = 0.9  # of the full size; above it the sentence says that little is saved
BATCH = 8
TIMED, WARM = 30, 5  # passes of one picture each
OPERATORS = ["Conv", "Gemm", "MatMul"]  # where the time goes; softmax and pixels stay as they are
WAYS = ("all layers", "all but the first and the last layer", "weights only")


def write_int8(folder: Path, pictures: NDArray[np.uint8]) -> dict[str, Any]:
    """Write ``model.int8.onnx`` beside ``model.onnx``.

    Args:
        folder: Holds ``model.onnx``; nothing else in it is looked at.
        pictures: (N, C, S, S) uint8. The first and every second one, of training, calibrates;
            the others choose between the ways.

    Returns:
        ``way`` (of ``WAYS``), ``calibration_pictures``, ``choosing_pictures`` and ``tried`` (way
        to the share of the choosing pictures with the same answer; None = could not be made).

    Raises:
        ExportError: Too few pictures, or onnxruntime cannot quantise this network.
    """
    if len(pictures) < LEAST:
        raise ExportError(
            f"The 8-bit network needs {LEAST} training pictures that can be read.",
            hint="Export without it, or bring more pictures.",
        )
    ranges, choosing = pictures[::2], pictures[1::2]
    full = _session(folder / "model.onnx")
    wanted = _answers(full, choosing)
    tried: dict[str, float | None] = {}
    with tempfile.TemporaryDirectory(prefix=".int8-", dir=folder.parent) as scratch:
        for number, way in enumerate(WAYS):
            part = Path(scratch) / f"{number}.onnx"
            try:
                _quantise(folder / "model.onnx", part, way, ranges)
                got = _answers(_session(part), choosing)
            except Exception:  # each way fails in its own manner on some operator
                logging.getLogger(__name__).info("not quantised: %s", way, exc_info=True)
                tried[way] = None
                continue
            tried[way] = float((got == wanted).mean())
            if tried[way] >= AGREE:  # type: ignore[operator]
                break
        made = {way: share for way, share in tried.items() if share is not None}
        if not made:
            raise ExportError(
                "This network cannot be written in 8-bit numbers.", hint="Export without them."
            )
        best = max(made, key=lambda way: made[way])
        (Path(scratch) / f"{WAYS.index(best)}.onnx").replace(folder / INT8)
    return {
        "way": best,
        "calibration_pictures": len(ranges),
        "choosing_pictures": len(choosing),
        "tried": tried,
    }


def measured_loss(folder: Path, held: HeldOut, classes: Sequence[str]) -> dict[str, Any]:
    """Ask both networks about all held-out pictures.

    Returns:
        ``split``, ``pictures``, ``agree`` (same answers), ``right_full``, ``right_int8``,
        ``largest_difference`` of a probability, ``difference`` (of the shares right, 8-bit less
        full, None with no pictures to compare) with ``interval`` and ``level``, ``tolerable`` and
        ``verdict``; ``megabytes`` and ``median_ms`` (one picture) of both.
    """
    full, small = _session(folder / "model.onnx"), _session(folder / INT8)
    rows: list[list[NDArray[Any]]] = [[], []]
    for batch in held.batches():
        for answers, session in zip(rows, (full, small), strict=True):
            answers.append(session.run(None, {INPUT: batch})[0])
    body: dict[str, Any] = {"split": held.split, "pictures": len(held.labels)}
    if len(held.labels):
        before, after = (np.concatenate(one).astype(np.float64) for one in rows)
        body["agree"] = int((before.argmax(1) == after.argmax(1)).sum())
        body["largest_difference"] = float(np.abs(before - after).max())
        first, second = (_judged(name, held, p, classes)
                         for name, p in (("int8", after), ("full", before)))  # fmt: skip
        body["right_int8"] = int(first.answers.right.sum())
        body["right_full"] = int(second.answers.right.sum())
        body |= _told(compared([first, second], [(0, 1)])[0])
    else:
        body |= {"tolerable": None, "verdict": "not measured", "difference": None}
    sizes = [(folder / name).stat().st_size / 1e6 for name in ("model.onnx", INT8)]
    body["megabytes"] = {"full": sizes[0], "int8": sizes[1]}
    shape = full.get_inputs()[0].shape[1:]
    body["median_ms"] = _timed({"full": full, "int8": small}, [int(one) for one in shape])
    return body


def quantised_sentence(found: dict[str, Any]) -> str:
    """What the 8-bit network costs and saves, in plain words."""
    if not found.get("pictures"):
        return "There were no held-out pictures, so what the 8-bit network loses was not measured."
    size, speed = found["megabytes"], found["median_ms"]
    head = (
        f"The 8-bit network gives the same answer as the full one for {found['agree']} of "
        f"{found['pictures']} held-out pictures; right before {found['right_full']}, after "
        f"{found['right_int8']}"
    )
    if found["difference"] is not None:
        low, high = found["interval"]
        head += f" (difference {_points(found['difference'])} points, {_points(low)} to "
        head += f"{_points(high)} at {percent(found['level'])})"
    verdict = {
        "worse": "**The loss is real: use the full network where answers matter.**",
        "not tolerable": "**The loss is not tolerable: use the full network.**",
        "no loss shown": "No loss is shown, within the interval.",
        "too few": "So few pictures cannot show whether anything is lost.",
    }[found["verdict"]]
    if found["agree"] < OFTEN * found["pictures"]:
        verdict += " But more than one picture in twenty is answered differently."
    if size["int8"] > HARDLY * size["full"]:
        verdict += " It is hardly smaller: only a few layers could be written in 8 bits."
    return (
        f"{head}. {verdict} {size['int8']:.1f} instead of {size['full']:.1f} MB, "
        f"{speed['int8']:.1f} instead of {speed['full']:.1f} ms a picture on the machine that "
        "made it."
    )


# -- inside ----------------------------------------------------------------------------------------


def _points(share: float) -> str:
    return f"{share * 100:+.1f}"


def _told(pair: Pair) -> dict[str, Any]:
    gap = pair.accuracy
    if pair.verdict == "too few":
        return {"difference": None, "tolerable": None, "verdict": "too few"}
    worse = pair.verdict == "second"
    tolerable = not worse and gap.value >= -LOSS
    words = "worse" if worse else "no loss shown" if tolerable else "not tolerable"
    return {
        "difference": gap.value,
        "interval": [gap.low, gap.high],
        "level": pair.level,
        "compared_pictures": pair.n,
        "tolerable": tolerable,
        "verdict": words,
    }


def _judged(name: str, held: HeldOut, rows: NDArray[Any], classes: Sequence[str]) -> Judged:
    answers = Answers(
        images=held.pictures,
        pictures=held.pictures,
        labels=held.labels,
        probabilities=rows,
        classes=tuple(classes),
    )
    return Judged(run=name, answers=answers, seen=())


def _session(path: Path) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def _answers(session: Any, pictures: NDArray[np.uint8]) -> NDArray[np.int64]:
    rows = [session.run(None, {INPUT: batch})[0] for batch in _batches(pictures)]
    found: NDArray[np.int64] = np.concatenate(rows).argmax(axis=1)
    return found


def _batches(pictures: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    for start in range(0, len(pictures), BATCH):
        yield pictures[start : start + BATCH]


def _timed(sessions: dict[str, Any], shape: Sequence[int]) -> dict[str, float]:
    """Median milliseconds for one picture; both asked in turn, so that both meet the same noise."""
    one = np.random.default_rng(0).integers(0, 256, (1, *shape), dtype=np.uint8)
    taken: dict[str, list[float]] = {name: [] for name in sessions}
    for _ in range(WARM + TIMED):
        for name, session in sessions.items():
            begun = time.perf_counter()
            session.run(None, {INPUT: one})
            taken[name].append(1e3 * (time.perf_counter() - begun))
    return {name: statistics.median(times[WARM:]) for name, times in taken.items()}


@contextmanager
def _quiet() -> Iterator[None]:
    """Inside, only errors are logged: onnxruntime advises what is done here anyway."""
    root = logging.getLogger()
    before = root.level
    root.setLevel(logging.ERROR)
    try:
        yield
    finally:
        root.setLevel(before)


@_quiet()
def _quantise(source: Path, target: Path, way: str, ranges: NDArray[np.uint8]) -> None:
    import onnx
    from onnxruntime import quantization as q

    ready = target.with_suffix(".ready.onnx")
    q.quant_pre_process(str(source), str(ready), skip_symbolic_shape=True)
    if way == WAYS[2]:
        q.quantize_dynamic(
            str(ready), str(target), per_channel=True, reduce_range=True,
            weight_type=q.QuantType.QInt8, op_types_to_quantize=["Gemm", "MatMul"],
        )  # fmt: skip
        return
    nodes = [one.name for one in onnx.load(ready).graph.node if one.op_type in OPERATORS]
    q.quantize_static(
        str(ready),
        str(target),
        _reader(ranges),
        quant_format=q.QuantFormat.QDQ,
        op_types_to_quantize=OPERATORS,
        per_channel=True,
        reduce_range=True,  # processors without 8-bit dot products would saturate
        activation_type=q.QuantType.QUInt8,
        weight_type=q.QuantType.QInt8,
        nodes_to_exclude=[nodes[0], nodes[-1]] if way == WAYS[1] and nodes else [],
    )


def _reader(ranges: NDArray[np.uint8]) -> Any:
    from onnxruntime.quantization import CalibrationDataReader

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        """Gives the calibrating pictures a few at a time."""

        def __init__(self) -> None:
            self._batches = _batches(ranges)

        def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
            batch = next(self._batches, None)
            return None if batch is None else {INPUT: batch}

    return Reader()
