"""Pictures as rows of the store, there and back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from tl_core.data.quarantine import Quarantined
from tl_core.data.records import ImageRecord

__all__ = ["ROWS_AT_ONCE", "batches", "image_rows", "in_parts", "record_of", "refused_rows"]

ROWS_AT_ONCE = 1000
NAMED_AT_ONCE = 500  # pictures named in one statement


def record_of(row: Any) -> ImageRecord:
    """The record of a row of ``images``, with the part that its folder gave."""
    return ImageRecord(
        path=row.path,
        label=row.label,
        split=row.given_split,
        digest=row.digest,
        width=row.width,
        height=row.height,
        bytes=row.bytes,
        format=row.format,
        group=row.group_key or "",
        taken=row.taken,
        camera=row.camera,
    )


def image_rows(
    project_id: str, records: Sequence[ImageRecord], splits: Sequence[str], *, first: int = 1
) -> Iterable[dict[str, Any]]:
    """Rows of ``images``, numbered from ``first``; ``splits`` are the parts, aligned."""
    for number, (record, split) in enumerate(zip(records, splits, strict=True), start=first):
        values = asdict(record)
        given, group = values.pop("split"), values.pop("group")
        yield {
            **values,
            "project_id": project_id,
            "image_id": number,
            "given_split": given,
            "group_key": group or None,
            "excluded": 0,
            "split": split,
        }


def refused_rows(
    project_id: str, files: Sequence[Quarantined], *, first: int = 0
) -> Iterable[dict[str, Any]]:
    """Rows of ``refused``, in the order given."""
    for position, one in enumerate(files, start=first):
        yield {"project_id": project_id, "position": position, **asdict(one)}


def batches(rows: Iterable[dict[str, Any]]) -> Iterable[list[dict[str, Any]]]:
    """Rows in lists of at most ``ROWS_AT_ONCE``."""
    batch: list[dict[str, Any]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == ROWS_AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch


def in_parts(numbers: Sequence[int]) -> Iterable[Sequence[int]]:
    """Numbers of pictures, as many at a time as one statement may name."""
    starts = range(0, len(numbers), NAMED_AT_ONCE)
    return (numbers[start : start + NAMED_AT_ONCE] for start in starts)
