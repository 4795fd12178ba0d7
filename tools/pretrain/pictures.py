"""Tiny-ImageNet-200 as arrays: decoded once, kept, read from the disk as needed."""

from __future__ import annotations

import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.lib.format import open_memmap
from PIL import Image

from tl_core.storage import read_json, write_json

__all__ = ["SIDE", "Pictures", "opened"]

SIDE = 64  # pixels of every picture
PARTS = {"train": "*train*.parquet", "valid": "*valid*.parquet"}
AT_ONCE = 1000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pictures:
    """One part of the set: ``images`` uint8 (N, 3, 64, 64), ``labels`` int64 (N,)."""

    images: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...]  # WordNet ids; the label is the position

    def __len__(self) -> int:
        return len(self.labels)


def opened(folder: Path, part: str, kept: Path, *, most: int = 0) -> Pictures:
    """The pictures of a part, decoded at the first time.

    Args:
        folder: Holds the parquet files, with columns ``image`` (encoded bytes), ``label``
            (0..199) and ``wnid``.
        part: "train" or "valid".
        kept: Where the decoded pictures are kept.
        most: Take this many of them, spread over the set; 0 = all.

    Raises:
        FileNotFoundError: The files are not in the folder.
    """
    images, facts = kept / f"{part}.npy", kept / f"{part}.json"
    if not facts.is_file():
        files = sorted(folder.glob(PARTS[part]))
        if not files:
            raise FileNotFoundError(f"no {PARTS[part]} in {folder}")
        kept.mkdir(parents=True, exist_ok=True)
        write_json(facts, _decoded(files, images))
    told = read_json(facts)
    array = np.load(images, mmap_mode="r")
    labels = np.array(told["labels"], dtype=np.int64)
    if most and most < len(labels):
        some = np.linspace(0, len(labels) - 1, most).round().astype(int)
        array, labels = array[some], labels[some]
    return Pictures(images=array, labels=labels, classes=tuple(told["classes"]))


def _decoded(files: list[Path], target: Path) -> dict[str, Any]:
    """Write all pictures; returns labels and classes."""
    n = sum(pq.ParquetFile(one).metadata.num_rows for one in files)
    array = open_memmap(target, mode="w+", dtype=np.uint8, shape=(n, 3, SIDE, SIDE))
    labels: list[int] = []
    names: dict[int, str] = {}
    with ThreadPoolExecutor() as pool:
        for rows in _rows(files):
            begin = len(labels)
            for at, picture in enumerate(pool.map(_picture, (one["image"] for one in rows))):
                array[begin + at] = picture
            labels += [int(one["label"]) for one in rows]
            names |= {int(one["label"]): str(one["wnid"]) for one in rows}
    array.flush()
    return {"labels": labels, "classes": [names[at] for at in range(len(names))]}


def _rows(files: list[Path]) -> Iterator[list[dict[str, Any]]]:
    for one in files:
        for batch in pq.ParquetFile(one).iter_batches(AT_ONCE):
            yield batch.to_pylist()


def _picture(encoded: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(encoded)) as image:
        return np.asarray(image.convert("RGB")).transpose(2, 0, 1)
