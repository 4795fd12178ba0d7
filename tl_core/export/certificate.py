"""The certificate: held-out pictures through the exported files in a fresh process, and compared.

The app's side is torch with the app's own decoding; the other side is the bundle's ``predict.py``
as a user would run it. They share no code on the way from the file to the answer.
"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from tl_core import __version__
from tl_core.data.reading import Reading
from tl_core.errors import ExportError, ExportMismatchError
from tl_core.evaluate.predict import FileAnswer, predict_files
from tl_core.storage import file_digest

__all__ = ["TOLERANCE", "certify", "compare"]

SCHEMA = 1
TOLERANCE = 1e-3  # in probability; float32 in another order differs by about 1e-6
TIMEOUT_S = 900  # for all pictures in the fresh process; the largest networks take a minute
PACKAGES = ("torch", "onnxruntime", "numpy", "pillow")
CERTIFIED = ("model.onnx", "labels.json", "preprocessing.json", "predict.py")


def certify(
    model: nn.Module,
    folder: Path,
    samples: Sequence[tuple[str, bytes]],
    *,
    classes: Sequence[str],
    preprocessing: Mapping[str, Any],
    date: str,
    report_progress: Callable[[int], None],
) -> dict[str, Any]:
    """Compare the app's answers with the exported files' answers.

    Args:
        model: On the CPU, as exported.
        folder: The bundle, complete but for its certificate.
        samples: (name, file content) of held-out pictures; may be empty.
        classes: Names in output order.
        preprocessing: size_px, resize, mean, std.
        date: Written into the certificate.
        report_progress: Called with 1 after the app's answers, 2 after the exported ones.

    Returns:
        The certificate: pictures, same_answers, largest_difference, tolerance, sentence, date,
        versions, and SHA-256 of the files it speaks of.

    Raises:
        ExportMismatchError: An answer differs by more than ``TOLERANCE``.
        ExportError: The exported script failed.
    """
    ours = predict_files(
        model,
        [(name, BytesIO(content)) for name, content in samples],
        size_px=int(preprocessing["size_px"]),
        resize=str(preprocessing["resize"]),
        mean=preprocessing["mean"],
        std=preprocessing["std"],
        channels=len(preprocessing["mean"]),
        reading=Reading.from_dict(preprocessing.get("reading")),
    )
    report_progress(1)
    theirs = _ask_exported(folder, samples)
    report_progress(2)
    found = compare(ours, theirs, classes)
    return {
        "schema": SCHEMA,
        "date": date,
        **found,
        "tolerance": TOLERANCE,
        "sentence": _sentence(found),
        "versions": {
            "thaw": __version__,
            "python": platform.python_version(),
            **{name: version(name) for name in PACKAGES},
        },
        "sha256": {name: file_digest(folder / name) for name in CERTIFIED},
    }


def compare(
    ours: Sequence[FileAnswer], theirs: Sequence[Mapping[str, Any]], classes: Sequence[str]
) -> dict[str, Any]:
    """Count equal answers and the largest difference of any probability.

    Args:
        ours: The app's answers.
        theirs: Answers of the exported script for the same pictures in the same order.
        classes: Names in output order.

    Returns:
        ``pictures``, ``same_answers`` and ``largest_difference``.

    Raises:
        ExportMismatchError: A difference above ``TOLERANCE``, or one side cannot read a picture.
    """
    same, largest = 0, 0.0
    for one, other in zip(ours, theirs, strict=True):
        if one.probabilities is None or other["error"]:
            raise _mismatch(f"{one.name} could not be read ({one.error or other['error']})")
        row = np.array([other["probabilities"].get(name, np.nan) for name in classes])
        difference = float(np.abs(row - one.probabilities).max())
        if not difference <= TOLERANCE:  # a NaN must not pass
            raise _mismatch(f"for {one.name} a probability differs by {difference:.3g}")
        largest = max(largest, difference)
        same += int(classes[int(one.probabilities.argmax())] == other["answer"])
    return {"pictures": len(ours), "same_answers": same, "largest_difference": largest}


def _mismatch(what: str) -> ExportMismatchError:
    return ExportMismatchError(
        f"The exported file does not answer as the app does: {what}.",
        hint="Nothing was exported. Please report this with the name of the network.",
    )


def _sentence(found: Mapping[str, Any]) -> str:
    n, same = found["pictures"], found["same_answers"]
    if n == 0:
        return "There were no held-out pictures, so nothing was compared."
    largest = found["largest_difference"]
    apart = f"{largest:.4f}" if largest >= 1e-4 else "below 0.0001"
    return (
        f"{same} of {n} the same answer, largest difference {apart}, "
        "compared in a fresh process on pictures it has not trained on."
    )


def _ask_exported(folder: Path, samples: Sequence[tuple[str, bytes]]) -> list[dict[str, Any]]:
    """The answers of the bundle's script, run as a process of its own that ignores this one's
    environment; pictures go through a temporary folder.
    """
    if not samples:
        return []
    # beside the bundle: killed, it leaves no picture outside the folder of its run
    with tempfile.TemporaryDirectory(prefix="thaw-certify-", dir=folder.parent) as scratch:
        files = []
        for number, (_, content) in enumerate(samples):
            file = Path(scratch) / f"{number:03d}.img"
            file.write_bytes(content)
            files.append(file.name)
        try:
            done = subprocess.run(
                [sys.executable, "-I", str(folder / "predict.py"), "--json", *files],
                cwd=scratch,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                timeout=TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired as err:
            raise ExportError(
                "The exported script took too long.", hint="Try again when the machine is free."
            ) from err
    if done.returncode not in (0, 1):
        raise ExportError(
            f"The exported script does not start: {_last_line(done.stderr)}",
            hint="Check that the packages of requirements.txt are installed.",
        )
    return [json.loads(line) for line in done.stdout.splitlines()]


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else "it said nothing."
