"""Using a bundle inside Thaw: the same code as its own ``predict.py``, on a folder or a zip."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tl_core.errors import ExportError
from tl_core.export.pictures_template import UnusableError
from tl_core.export.predict_template import (
    Classifier,
    answer_line,
    answer_of,
    find_pictures,
    write_csv,
)

__all__ = ["Bundle", "answer_line", "answer_of", "find_pictures", "write_csv"]

LARGEST_MODEL = 2_000_000_000  # bytes read from a zip; an ONNX file cannot be larger
LARGEST_TEXT = 10_000_000
NEEDED = ("model.onnx", "labels.json", "preprocessing.json")


class Bundle:
    """An exported classifier, ready to answer. Make one with ``Bundle.open``."""

    def __init__(self, classifier: Classifier) -> None:
        self._classifier = classifier

    @classmethod
    def open(cls, path: Path) -> Bundle:
        """Open a bundle's folder or its zip. Nothing in it is run, a zip is not unpacked.

        Raises:
            ExportError: It is no bundle, or a part of it is missing or broken.
        """
        try:
            if path.is_dir():
                return cls(Classifier.from_folder(path))
            model, classes, preprocessing = _from_zip(path)
            return cls(Classifier(model, classes, preprocessing))
        except (UnusableError, OSError, ValueError, TypeError, zipfile.BadZipFile) as err:
            raise ExportError(
                f"{path.name} is not a bundle that can be used: {err}",
                hint="Name the folder or the zip that Export has written.",
            ) from err

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in output order."""
        return tuple(self._classifier.classes)

    def predict(self, paths: Iterable[Path]) -> Iterator[dict[str, Any]]:
        """Answers for files and for the pictures in folders: file, answer, confidence,
        probabilities (by class) and error (a sentence; empty when there is an answer).
        """
        return self._classifier.answers(find_pictures(paths))


def _from_zip(path: Path) -> tuple[bytes, list[str], dict[str, Any]]:
    with zipfile.ZipFile(path) as archive:
        found: dict[str, bytes] = {}
        for entry in archive.infolist():
            name = entry.filename.replace("\\", "/")
            if name.count("/") > 1 or name.rpartition("/")[2] not in NEEDED:
                continue
            limit = LARGEST_MODEL if name.endswith(".onnx") else LARGEST_TEXT
            if entry.file_size > limit:
                raise ValueError(f"{name} is too large")
            with archive.open(entry) as source:
                found[name.rpartition("/")[2]] = source.read(limit)
    missing = [name for name in NEEDED if name not in found]
    if missing:
        raise ValueError(f"{missing[0]} is missing")
    return (
        found["model.onnx"],
        json.loads(found["labels.json"]),
        json.loads(found["preprocessing.json"]),
    )
