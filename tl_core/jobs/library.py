"""Projects and their pictures in the store."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy import Engine, Select, case, delete, func, insert, select, update

from tl_core.config import RGB, DataConfig, RunSpec
from tl_core.data.quarantine import Quarantined
from tl_core.data.records import ImageRecord, Intake
from tl_core.data.split import assign_splits
from tl_core.errors import ConfigError, JobError
from tl_core.jobs.adding import Added, add_images
from tl_core.jobs.image_rows import batches, image_rows, in_parts, record_of, refused_rows
from tl_core.jobs.schema import changes, commands, events, images, marks, projects, refused, runs

__all__ = ["Added", "ClassRow", "ImageRow", "Library", "Project", "record_of"]

SPLITS = ("train", "val", "test")


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A named set of pictures with its settings and runs. Times are Unix seconds."""

    id: str
    name: str
    created_at: float
    updated_at: float
    n_images: int
    n_classes: int
    sample: bool
    data_version: int
    draft: dict[str, Any]
    data_config: dict[str, Any]
    notes: tuple[str, ...]
    given_splits: tuple[str, ...]
    reading: dict[str, Any]
    compared: dict[str, Any] = field(default_factory=dict)  # see tl_core.jobs.comparing.Choice

    @property
    def channels(self) -> int:
        """Of its pictures: 3 unless they were read as something else."""
        return int(self.reading.get("channels", RGB))


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassRow:
    """Pictures of one class, in all and per part."""

    label: str
    total: int
    train: int
    val: int
    test: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRow:
    """One picture of a set. ``digest`` finds its content, ``id`` is its number in the set."""

    id: int
    digest: str
    path: str
    label: str
    split: str


class Library:
    """Projects, their pictures, and what was not taken in.

    Args:
        engine: From ``open_engine``.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    # -- projects ------------------------------------------------------------------------------

    def create(self, name: str, *, sample: bool = False) -> Project:
        """Start an empty project.

        Raises:
            ConfigError: The name is empty or longer than 80 characters.
        """
        name = _project_name(name)
        now = time.time()
        project_id = f"p{secrets.token_hex(5)}"
        with self._engine.begin() as connection:
            connection.execute(
                insert(projects).values(
                    id=project_id,
                    name=name,
                    created_at=now,
                    updated_at=now,
                    draft=RunSpec().to_dict(),
                    data_config=asdict(DataConfig()),
                    notes=[],
                    given_splits=[],
                    reading={},
                    sample=int(sample),
                    data_version=0,
                )
            )
        return self.get(project_id)

    def get(self, project_id: str) -> Project:
        """One project.

        Raises:
            JobError: No project of that id.
        """
        found = self._read(select(projects).where(projects.c.id == project_id))
        if not found:
            raise JobError("This project is not here (any more).", hint="Choose one on Home.")
        return found[0]

    def projects(self) -> list[Project]:
        """All projects, the one touched last first."""
        return self._read(select(projects).order_by(projects.c.updated_at.desc()))

    def update(self, project_id: str, **values: Any) -> None:
        """Change columns of a project (name, draft, data_config, compared)."""
        if "name" in values:
            values["name"] = _project_name(values["name"])
        with self._engine.begin() as connection:
            connection.execute(
                update(projects)
                .where(projects.c.id == project_id)
                .values(updated_at=time.time(), **values)
            )

    def delete(self, project_id: str) -> list[str]:
        """Forget a project with its pictures' records and runs; returns the ids of its runs."""
        with self._engine.begin() as connection:
            found = connection.execute(select(runs.c.id).where(runs.c.project_id == project_id))
            run_ids = [str(row.id) for row in found]
            for run_id in run_ids:
                connection.execute(delete(events).where(events.c.run_id == run_id))
                connection.execute(delete(commands).where(commands.c.run_id == run_id))
            for table in (images, refused, changes, marks, runs):
                connection.execute(delete(table).where(table.c.project_id == project_id))
            connection.execute(delete(projects).where(projects.c.id == project_id))
        return run_ids

    def _read(self, query: Select[Any]) -> list[Project]:
        counts = (
            select(
                images.c.project_id,
                func.count().label("n_images"),
                func.count(images.c.label.distinct()).label("n_classes"),
            )
            .where(images.c.excluded == 0)
            .group_by(images.c.project_id)
            .subquery()
        )
        joined = query.add_columns(counts.c.n_images, counts.c.n_classes).outerjoin_from(
            projects, counts, counts.c.project_id == projects.c.id
        )
        with self._engine.connect() as connection:
            return [
                Project(
                    id=row.id,
                    name=row.name,
                    created_at=row.created_at,
                    updated_at=row.updated_at,
                    n_images=row.n_images or 0,
                    n_classes=row.n_classes or 0,
                    sample=bool(row.sample),
                    data_version=row.data_version,
                    draft=row.draft,
                    data_config=row.data_config,
                    notes=tuple(row.notes),
                    given_splits=tuple(row.given_splits),
                    reading=row.reading or {},
                    compared=row.compared or {},
                )
                for row in connection.execute(joined)
            ]

    # -- pictures ------------------------------------------------------------------------------

    def replace_images(self, project_id: str, intake: Intake, config: DataConfig) -> None:
        """Make ``intake`` the project's set, in one transaction: the old set or the new, whole."""
        splits = assign_splits(intake.records, config)
        with self._engine.begin() as connection:
            for table in (images, refused, changes, marks):
                connection.execute(delete(table).where(table.c.project_id == project_id))
            for rows in batches(image_rows(project_id, intake.records, splits)):
                connection.execute(insert(images), rows)
            for rows in batches(refused_rows(project_id, intake.quarantine)):
                connection.execute(insert(refused), rows)
            connection.execute(
                update(projects)
                .where(projects.c.id == project_id)
                .values(
                    notes=list(intake.notes),
                    given_splits=list(intake.given_splits),
                    reading=intake.reading,
                    data_config=asdict(config),
                    data_version=projects.c.data_version + 1,
                    updated_at=time.time(),
                )
            )

    def add_images(self, project_id: str, intake: Intake) -> Added:
        """Let the pictures of ``intake`` join the set, in one transaction and one row of history.

        Those that are there keep number, class and part. A picture that is there already in the
        same class is not added a second time.
        """
        with self._engine.begin() as connection:
            return add_images(connection, project_id, intake)

    def classes(self, project_id: str) -> list[ClassRow]:
        """Counts per class and part, classes in alphabetical order."""
        query = (
            select(images.c.label, images.c.split, func.count().label("n"))
            .where(images.c.project_id == project_id, images.c.excluded == 0)
            .group_by(images.c.label, images.c.split)
        )
        counts: dict[str, dict[str, int]] = {}
        with self._engine.connect() as connection:
            for row in connection.execute(query):
                counts.setdefault(row.label, dict.fromkeys(SPLITS, 0))[row.split] = row.n
        return [
            ClassRow(label=label, total=sum(parts.values()), **parts)
            for label, parts in sorted(counts.items())
        ]

    def detail_px(self, project_id: str) -> int | None:
        """The shorter side of the middle picture in pixels; None without pictures."""
        shorter = case((images.c.width < images.c.height, images.c.width), else_=images.c.height)
        mine = (images.c.project_id == project_id) & (images.c.excluded == 0)
        with self._engine.connect() as connection:
            n = connection.execute(select(func.count()).where(mine)).scalar_one()
            query = select(shorter).where(mine).order_by(shorter).offset(n // 2).limit(1)
            found = connection.execute(query).scalar_one_or_none()
        return None if found is None else int(found)

    def images(
        self,
        project_id: str,
        *,
        label: str | None = None,
        split: str | None = None,
        excluded: bool = False,
        offset: int = 0,
        limit: int | None = 60,
    ) -> list[ImageRow]:
        """Pictures in the order of their numbers; those that were left out only when asked for."""
        query = _filtered(select(images), project_id, label, split, excluded=excluded)
        with self._engine.connect() as connection:
            found = connection.execute(
                query.order_by(images.c.image_id).offset(offset).limit(limit)
            )
            return [_image_row(row) for row in found]

    def some_images(self, project_id: str, numbers: Sequence[int]) -> list[ImageRow]:
        """Pictures by number, in the order asked for; without those unknown or left out."""
        found: dict[int, ImageRow] = {}
        mine = (images.c.project_id == project_id) & (images.c.excluded == 0)
        with self._engine.connect() as connection:
            for some in in_parts(numbers):
                query = select(images).where(mine, images.c.image_id.in_(some))
                found |= {row.image_id: _image_row(row) for row in connection.execute(query)}
        return [found[number] for number in numbers if number in found]

    def records(self, project_id: str) -> tuple[list[int], list[ImageRecord], list[str]]:
        """Everything known of the pictures: their numbers, records (with the part that the folders
        gave) and parts, aligned, in the order of the numbers; without those left out.
        """
        query = select(images).where(images.c.project_id == project_id, images.c.excluded == 0)
        with self._engine.connect() as connection:
            rows = list(connection.execute(query.order_by(images.c.image_id)))
        return (
            [row.image_id for row in rows],
            [record_of(row) for row in rows],
            [row.split for row in rows],
        )

    def count(
        self,
        project_id: str,
        label: str | None = None,
        split: str | None = None,
        *,
        excluded: bool = False,
    ) -> int:
        """Number of pictures, or of those that were left out."""
        whole = select(func.count()).select_from(images)
        query = _filtered(whole, project_id, label, split, excluded=excluded)
        with self._engine.connect() as connection:
            return int(connection.execute(query).scalar_one())

    def digests(self, project_id: str | None = None) -> set[str]:
        """Contents that the current set of a project (or of any project) refers to."""
        query = select(images.c.digest).distinct()
        if project_id is not None:
            query = query.where(images.c.project_id == project_id)
        with self._engine.connect() as connection:
            return {str(digest) for digest in connection.execute(query).scalars()}

    def quarantine(self, project_id: str) -> list[Quarantined]:
        """Files that were not taken in, with the reason."""
        query = select(refused).where(refused.c.project_id == project_id)
        with self._engine.connect() as connection:
            found = connection.execute(query.order_by(refused.c.position))
            return [Quarantined(file=row.file, reason=row.reason, code=row.code) for row in found]


def _image_row(row: Any) -> ImageRow:
    return ImageRow(
        id=row.image_id, digest=row.digest, path=row.path, label=row.label, split=row.split
    )


def _project_name(name: str) -> str:
    name = " ".join(name.split())
    if not 1 <= len(name) <= 80:
        raise ConfigError("A project needs a name of 1 to 80 characters.", field="name")
    return name


def _filtered(
    query: Any, project_id: str, label: str | None, split: str | None, *, excluded: bool
) -> Any:
    query = query.where(images.c.project_id == project_id, images.c.excluded == int(excluded))
    if label is not None:
        query = query.where(images.c.label == label)
    if split is not None:
        query = query.where(images.c.split == split)
    return query
