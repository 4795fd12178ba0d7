"""Changes to a set of pictures: relabelled, left out, kept together, divided anew; each undoable.

Every change is one row of the history: what it is called, and the values before and after of every
picture it touched. Undoing writes the values before back, redoing those after; a new change drops
what was undone. Runs keep their own list of pictures, so that none of it reaches into them.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, Engine, delete, func, insert, select, update

from tl_core.check.findings import Repair
from tl_core.config import DataConfig
from tl_core.data.split import assign_splits
from tl_core.errors import ConfigError
from tl_core.jobs.library import record_of
from tl_core.jobs.schema import changes, images, projects

__all__ = ["Change", "Curation"]

FIELDS = ("label", "excluded", "group_key", "split")
AT_ONCE = 500  # pictures named in one statement
LONGEST = 80  # characters of a class's name

Values = Mapping[int, Mapping[str, Any]]  # picture's number -> column -> value


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One row of the history. ``at`` is Unix seconds; ``pictures`` how many it touched."""

    number: int
    at: float
    title: str
    pictures: int
    undone: bool


class Curation:
    """The history of a project's pictures.

    Args:
        engine: From ``open_engine``.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def relabel(self, project_id: str, labels: Mapping[int, str], *, title: str) -> int:
        """Give pictures (by number) other classes; returns how many really changed.

        Raises:
            ConfigError: A class without a name, or with one longer than 80 characters.
        """
        clean = {number: _class_name(name) for number, name in labels.items()}
        values = {number: {"label": name} for number, name in clean.items()}
        return self._apply(project_id, values, title=title)

    def exclude(self, project_id: str, numbers: Iterable[int], *, title: str) -> int:
        """Leave pictures out; they stay in the store and can be restored."""
        return self._apply(project_id, {one: {"excluded": 1} for one in numbers}, title=title)

    def restore(self, project_id: str, numbers: Iterable[int], *, title: str) -> int:
        """Take pictures that were left out in again."""
        return self._apply(project_id, {one: {"excluded": 0} for one in numbers}, title=title)

    def repair(self, project_id: str, repair: Repair, *, title: str) -> int:
        """Do what a finding of the data check offers; returns how many pictures changed."""
        values: dict[int, dict[str, Any]] = {}
        for number in repair.exclude:
            values.setdefault(number, {})["excluded"] = 1
        for number, label in repair.relabel.items():
            values.setdefault(number, {})["label"] = _class_name(label)
        for group in repair.together:
            for number in group:
                values.setdefault(number, {})["group_key"] = _group_name(group)
        config = None
        if repair.together:
            with self._engine.connect() as connection:
                config = _config(connection, project_id)
        return self._apply(project_id, values, title=title, config=config)

    def divide(self, project_id: str, config: DataConfig, *, title: str) -> int:
        """Divide the pictures anew; parts given by folders stay as given."""
        return self._apply(project_id, {}, title=title, config=config)

    def history(self, project_id: str) -> list[Change]:
        """Every change, the newest first."""
        query = select(changes).where(changes.c.project_id == project_id)
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(changes.c.number.desc()))
            return [
                Change(
                    number=row.number,
                    at=row.at,
                    title=row.title,
                    pictures=len(row.after),
                    undone=bool(row.undone),
                )
                for row in rows
            ]

    def undo(self, project_id: str) -> str | None:
        """Take the last change back; returns its title, None when there is none."""
        return self._step(project_id, back=True)

    def redo(self, project_id: str) -> str | None:
        """Make the change that was undone last again; returns its title, or None."""
        return self._step(project_id, back=False)

    # -- inside --------------------------------------------------------------------------------

    def _apply(
        self,
        project_id: str,
        values: Values,
        *,
        title: str,
        config: DataConfig | None = None,
    ) -> int:
        with self._engine.begin() as connection:
            old_config = _config(connection, project_id)
            old = _stored(connection, project_id, values)
            before = {
                number: {name: old[number][name] for name in new if old[number][name] != new[name]}
                for number, new in values.items()
                if number in old
            }
            before = {number: fields for number, fields in before.items() if fields}
            after = {
                number: {name: values[number][name] for name in fields}
                for number, fields in before.items()
            }
            _write(connection, project_id, after)
            if config is not None:
                moved = _divided(connection, project_id, config)
                for number, (part, other) in moved.items():
                    before.setdefault(number, {})["split"] = part
                    after.setdefault(number, {})["split"] = other
                _write(connection, project_id, {n: {"split": o} for n, (_, o) in moved.items()})
            if not after and (config is None or config == old_config):
                return 0
            mine = changes.c.project_id == project_id
            connection.execute(delete(changes).where(mine, changes.c.undone == 1))
            last = connection.execute(select(func.max(changes.c.number)).where(mine)).scalar()
            connection.execute(
                insert(changes).values(
                    project_id=project_id,
                    number=(last or 0) + 1,
                    at=time.time(),
                    title=title,
                    before=_as_json(before),
                    after=_as_json(after),
                    config_before=asdict(old_config),
                    config_after=asdict(config or old_config),
                    undone=0,
                )
            )
            _touch(connection, project_id, config)
            return len(after)

    def _step(self, project_id: str, *, back: bool) -> str | None:
        wanted = changes.c.undone == (0 if back else 1)
        order = changes.c.number.desc() if back else changes.c.number.asc()
        query = select(changes).where(changes.c.project_id == project_id, wanted)
        with self._engine.begin() as connection:
            row = connection.execute(query.order_by(order).limit(1)).first()
            if row is None:
                return None
            values = row.before if back else row.after
            _write(connection, project_id, {int(key): one for key, one in values.items()})
            connection.execute(
                update(changes)
                .where(changes.c.project_id == project_id, changes.c.number == row.number)
                .values(undone=1 if back else 0)
            )
            config = DataConfig(**(row.config_before if back else row.config_after))
            _touch(connection, project_id, config)
            return str(row.title)


def _config(connection: Connection, project_id: str) -> DataConfig:
    query = select(projects.c.data_config).where(projects.c.id == project_id)
    return DataConfig(**connection.execute(query).scalar_one())


def _stored(
    connection: Connection, project_id: str, numbers: Iterable[int]
) -> dict[int, dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {}
    for some in _batches(list(numbers)):
        query = select(images).where(images.c.project_id == project_id, images.c.image_id.in_(some))
        for row in connection.execute(query):
            found[row.image_id] = {name: getattr(row, name) for name in FIELDS}
    return found


def _write(connection: Connection, project_id: str, values: Values) -> None:
    """Set columns of pictures, those of equal values in one statement."""
    alike: dict[tuple[str, Any], list[int]] = {}
    for number, fields in values.items():
        for name, value in fields.items():
            alike.setdefault((name, value), []).append(number)
    for (name, value), numbers in alike.items():
        for some in _batches(numbers):
            connection.execute(
                update(images)
                .where(images.c.project_id == project_id, images.c.image_id.in_(some))
                .values({name: value})
            )


def _divided(
    connection: Connection, project_id: str, config: DataConfig
) -> dict[int, tuple[str, str]]:
    """Pictures whose part changes: number -> (part now, part then). Those left out stay."""
    query = select(images).where(images.c.project_id == project_id, images.c.excluded == 0)
    rows = list(connection.execute(query.order_by(images.c.image_id)))
    parts = assign_splits([record_of(row) for row in rows], config)
    return {
        row.image_id: (row.split, part)
        for row, part in zip(rows, parts, strict=True)
        if row.split != part
    }


def _touch(connection: Connection, project_id: str, config: DataConfig | None) -> None:
    more = {} if config is None else {"data_config": asdict(config)}
    connection.execute(
        update(projects)
        .where(projects.c.id == project_id)
        .values(data_version=projects.c.data_version + 1, updated_at=time.time(), **more)
    )


def _group_name(numbers: Sequence[int]) -> str:
    return f"g{min(numbers)}"


def _class_name(name: str) -> str:
    name = " ".join(name.split())
    if not 1 <= len(name) <= LONGEST:
        raise ConfigError(f"A class needs a name of 1 to {LONGEST} characters.", field="label")
    return name


def _as_json(values: Values) -> dict[str, dict[str, Any]]:
    return {str(number): dict(fields) for number, fields in values.items()}


def _batches(numbers: Sequence[int]) -> Iterable[Sequence[int]]:
    return (numbers[start : start + AT_ONCE] for start in range(0, len(numbers), AT_ONCE))
