"""A project's pictures at a glance, as pages ask for it on every rerun."""

from __future__ import annotations

from dataclasses import dataclass

from tl_core.config import DataConfig
from tl_core.jobs.library import ClassRow, Library
from tl_core.jobs.submit import missing_for_training

__all__ = ["DataView", "data_view"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DataView:
    """A project's pictures at a glance. ``missing`` is empty when they can be trained on;
    ``detail_px`` is the shorter side of the middle one. Files that could not be used are in
    ``n_quarantine``, pictures that the user left out in ``n_left_out``.
    """

    classes: tuple[ClassRow, ...]
    n_images: int
    n_train: int
    n_val: int
    n_test: int
    n_quarantine: int
    n_left_out: int
    notes: tuple[str, ...]
    given_splits: tuple[str, ...]
    config: DataConfig
    missing: str
    detail_px: int | None


def data_view(library: Library, project_id: str) -> DataView:
    """Counts, notes and what is missing."""
    project = library.get(project_id)
    rows = library.classes(project_id)
    return DataView(
        classes=tuple(rows),
        n_images=sum(row.total for row in rows),
        n_train=sum(row.train for row in rows),
        n_val=sum(row.val for row in rows),
        n_test=sum(row.test for row in rows),
        n_quarantine=len(library.quarantine(project_id)),
        n_left_out=library.count(project_id, excluded=True),
        notes=project.notes,
        given_splits=project.given_splits,
        config=DataConfig(**project.data_config),
        missing=missing_for_training(rows),
        detail_px=library.detail_px(project_id),
    )
