"""Classify pictures with the network in this folder.

    python predict.py PICTURE_OR_FOLDER...            one line per picture
    python predict.py --json PICTURE_OR_FOLDER...     one JSON object per line
    python predict.py --csv answers.csv FOLDER        a table for a spreadsheet
    python predict.py --model model.int8.onnx PICTURE another network of this folder

Needs onnxruntime, numpy and pillow (requirements.txt) and the files beside it: model.onnx,
labels.json, preprocessing.json. HEIC photos need pi-heif as well, DICOM needs pydicom and unusual
TIFF tifffile. Other programs may import ``Classifier`` from here.

Pictures are read as they were in training: turned upright by the camera's note (EXIF),
transparency laid on white, CMYK and palettes converted, of 16-bit colour the upper half. Grey of
more than 8 bits follows the rule in preprocessing.json ("reading"); without one 16-bit grey is
divided by 257 and other grey stretched from its smallest to its largest value. DICOM follows the
window it brings. Of several pages or frames the first one counts.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tl_core.export.pictures_template import UnusableError, pixels_and_note

SUFFIXES = {".jpg", ".jpeg", ".mpo", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"}
SUFFIXES |= {".avif", ".heic", ".heif", ".dcm", ".dicom"}
BATCH = 16  # pictures at a time


# -- from pixels to answers ------------------------------------------------------------------------


class Classifier:
    """The network of a bundle.

    Args:
        model: Path or content of model.onnx.
        classes: Names in the order of the network's outputs.
        preprocessing: ``size_px``, ``resize``, ``pad_color``, ``reading``.

    Raises:
        UnusableError: The parts do not belong together, or onnxruntime is missing.
    """

    def __init__(
        self, model: str | bytes, classes: Sequence[str], preprocessing: dict[str, Any]
    ) -> None:
        try:
            import onnxruntime
        except ImportError as err:
            raise UnusableError(
                "onnxruntime is not installed: run  pip install -r requirements.txt"
            ) from err
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3  # errors only
        try:
            self._session = onnxruntime.InferenceSession(
                model, options, providers=["CPUExecutionProvider"]
            )
            size_px = self._session.get_inputs()[0].shape[-1]
            n_outputs = self._session.get_outputs()[0].shape[-1]
        except Exception as err:
            raise UnusableError(f"model.onnx cannot be opened ({type(err).__name__})") from err
        if n_outputs != len(classes) or size_px != preprocessing.get("size_px"):
            raise UnusableError(
                "model.onnx, labels.json and preprocessing.json do not belong together"
            )
        self.classes = list(classes)
        self.preprocessing = preprocessing

    @classmethod
    def from_folder(cls, folder: Path, model: str = "model.onnx") -> Classifier:
        """Open the bundle in ``folder``, or another network in it.

        Raises:
            UnusableError: A file is missing or broken.
        """
        try:
            classes = json.loads((folder / "labels.json").read_text(encoding="utf-8"))
            preprocessing = json.loads((folder / "preprocessing.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as err:
            raise UnusableError(f"{folder} is not a whole bundle ({err})") from err
        return cls(str(folder / model), classes, preprocessing)

    def probabilities(self, pixels: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """(N, 3, S, S) uint8 to (N, C) float32; each row sums to 1."""
        rows: np.ndarray[Any, Any] = self._session.run(None, {"image": pixels})[0]
        return rows

    def answers(self, files: Iterable[Path]) -> Iterator[dict[str, Any]]:
        """One answer per file, in order: file, answer, confidence, probabilities, error, note.

        A file that cannot be read has a sentence in ``error``, and ``answer`` is None; ``note``
        says what was looked at of a file that holds more than one picture.
        """
        batch: list[tuple[str, tuple[np.ndarray[Any, Any], str] | str]] = []
        for file in files:
            try:
                batch.append((str(file), pixels_and_note(file, self.preprocessing)))
            except UnusableError as err:
                batch.append((str(file), str(err)))
            if len(batch) == BATCH:
                yield from self._answer(batch)
                batch = []
        yield from self._answer(batch)

    def _answer(
        self, batch: list[tuple[str, tuple[np.ndarray[Any, Any], str] | str]]
    ) -> Iterator[dict[str, Any]]:
        pixels = [one[0] for _, one in batch if not isinstance(one, str)]
        rows = iter(self.probabilities(np.stack(pixels)) if pixels else ())
        for name, one in batch:
            if isinstance(one, str):
                yield answer_of(name, self.classes, None, one)
            else:
                yield answer_of(name, self.classes, next(rows), note=one[1])


def answer_of(
    file: str,
    classes: Sequence[str],
    row: np.ndarray[Any, Any] | None,
    error: str = "",
    note: str = "",
) -> dict[str, Any]:
    """One answer as plain values; ``row`` is (C,) probabilities, None when there is an error."""
    if row is None:
        return {
            "file": file,
            "answer": None,
            "confidence": None,
            "probabilities": {},
            "error": error,
            "note": note,
        }
    best = int(np.argmax(row))
    named = {name: float(value) for name, value in zip(classes, row, strict=True)}
    return {
        "file": file,
        "answer": classes[best],
        "confidence": float(row[best]),
        "probabilities": named,
        "error": "",
        "note": note,
    }


def answer_line(answer: dict[str, Any], top: int = 3) -> str:
    """One answer for people: the file and its most probable classes."""
    if answer["error"]:
        return f"{answer['file']}: {answer['error']}"
    ranked = sorted(answer["probabilities"].items(), key=lambda pair: -pair[1])[:top]
    shown = ", ".join(f"{name} {value * 100:.1f} %" for name, value in ranked)
    note = f" ({answer['note']})" if answer.get("note") else ""
    return f"{answer['file']}: {shown}{note}"


# -- files in, lines or a table out ----------------------------------------------------------------


def find_pictures(paths: Iterable[Path]) -> Iterator[Path]:
    """The files named, and the picture files of the folders named and all folders below them."""
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        for file in sorted(path.rglob("*")):
            hidden = any(part.startswith(".") for part in file.relative_to(path).parts)
            if file.suffix.lower() in SUFFIXES and not hidden and file.is_file():
                yield file


def write_csv(answers: Iterable[dict[str, Any]], classes: Sequence[str], target: Path) -> int:
    """Write a table with one row per picture and one column per class; returns the rows."""
    part = target.with_name(target.name + ".part")
    rows = 0
    with part.open("w", encoding="utf-8-sig", newline="") as sink:
        table = csv.writer(sink)
        table.writerow(["file", "answer", "confidence", *classes, "error"])
        for one in answers:
            shares = [f"{one['probabilities'][c]:.6f}" if not one["error"] else "" for c in classes]
            sure = f"{one['confidence']:.6f}" if not one["error"] else ""
            table.writerow([one["file"], one["answer"] or "", sure, *shares, one["error"]])
            rows += 1
    part.replace(target)
    return rows


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; 0 = all answered, 1 = some files were no pictures, 2 = cannot start."""
    parser = argparse.ArgumentParser(description="Classify pictures with this bundle.")
    parser.add_argument("paths", nargs="+", type=Path, metavar="PICTURE_OR_FOLDER")
    parser.add_argument("--top", type=int, default=3, help="classes shown per picture (3)")
    parser.add_argument(
        "--model", default="model.onnx", metavar="FILE", help="another network of this folder"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object per line")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write a table instead")
    given = parser.parse_args(arguments)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError):
            stream.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    failed = 0

    def counted(answers: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        nonlocal failed
        for one in answers:
            if one["error"]:
                failed += 1
                print(f"{one['file']}: {one['error']}", file=sys.stderr)
            yield one

    try:
        network = Classifier.from_folder(Path(__file__).resolve().parent, given.model)
        files = list(find_pictures(given.paths))
        if not files:
            raise UnusableError("There is no picture in what was given.")
        answers = counted(network.answers(files))
        if given.csv:
            print(f"{write_csv(answers, network.classes, given.csv)} rows in {given.csv}")
        else:
            for one in answers:
                if given.json:
                    print(json.dumps(one, ensure_ascii=False))
                elif not one["error"]:
                    print(answer_line(one, given.top))
    except (UnusableError, OSError) as err:
        print(err, file=sys.stderr)
        return 2
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
