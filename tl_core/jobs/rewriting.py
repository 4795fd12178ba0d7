"""Inside one transaction: what a change to a set reads and writes, and one step back or forth."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from tl_core.config import DataConfig
from tl_core.data.split import assign_splits
from tl_core.jobs.image_rows import in_parts, record_of
from tl_core.jobs.schema import changes, images, projects

__all__ = [
    "Values",
    "add_change",
    "config_of",
    "divided",
    "state_of",
    "stored",
    "take_step",
    "touch",
    "write_values",
]

FIELDS = ("label", "excluded", "group_key", "split")

Values = Mapping[int, Mapping[str, Any]]  # picture's number -> column -> value


def take_step(connection: Connection, project_id: str, *, back: bool) -> str | None:
    """Undo the last change or redo the first undone one; returns its title, None without one."""
    wanted = changes.c.undone == (0 if back else 1)
    order = changes.c.number.desc() if back else changes.c.number.asc()
    query = select(changes).where(changes.c.project_id == project_id, wanted)
    row = connection.execute(query.order_by(order).limit(1)).first()
    if row is None:
        return None
    values = row.before if back else row.after
    write_values(connection, project_id, {int(key): one for key, one in values.items()})
    connection.execute(
        update(changes)
        .where(changes.c.project_id == project_id, changes.c.number == row.number)
        .values(undone=1 if back else 0)
    )
    config = DataConfig(**(row.config_before if back else row.config_after))
    touch(connection, project_id, config)
    return str(row.title)


def state_of(connection: Connection, project_id: str) -> int:
    """The number of the last change that is not undone; 0 when there is none."""
    query = select(func.max(changes.c.number)).where(
        changes.c.project_id == project_id, changes.c.undone == 0
    )
    return int(connection.execute(query).scalar() or 0)


def config_of(connection: Connection, project_id: str) -> DataConfig:
    """How a project's pictures are divided."""
    query = select(projects.c.data_config).where(projects.c.id == project_id)
    return DataConfig(**connection.execute(query).scalar_one())


def stored(
    connection: Connection, project_id: str, numbers: Iterable[int]
) -> dict[int, dict[str, Any]]:
    """What pictures are now: number -> column -> value, for those that exist."""
    found: dict[int, dict[str, Any]] = {}
    for some in in_parts(list(numbers)):
        query = select(images).where(images.c.project_id == project_id, images.c.image_id.in_(some))
        for row in connection.execute(query):
            found[row.image_id] = {name: getattr(row, name) for name in FIELDS}
    return found


def write_values(connection: Connection, project_id: str, values: Values) -> None:
    """Set columns of pictures, those of equal values in one statement."""
    alike: dict[tuple[str, Any], list[int]] = {}
    for number, fields in values.items():
        for name, value in fields.items():
            alike.setdefault((name, value), []).append(number)
    for (name, value), numbers in alike.items():
        for some in in_parts(numbers):
            connection.execute(
                update(images)
                .where(images.c.project_id == project_id, images.c.image_id.in_(some))
                .values({name: value})
            )


def divided(
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


def add_change(
    connection: Connection,
    project_id: str,
    title: str,
    *,
    before: Values,
    after: Values,
    config_before: DataConfig,
    config_after: DataConfig,
) -> None:
    """Write a row of the history behind the last one; what was undone cannot be made again then."""
    mine = changes.c.project_id == project_id
    connection.execute(delete(changes).where(mine, changes.c.undone == 1))
    connection.execute(
        insert(changes).values(
            project_id=project_id,
            number=state_of(connection, project_id) + 1,
            at=time.time(),
            title=title,
            before={str(number): dict(fields) for number, fields in before.items()},
            after={str(number): dict(fields) for number, fields in after.items()},
            config_before=asdict(config_before),
            config_after=asdict(config_after),
            undone=0,
        )
    )


def touch(connection: Connection, project_id: str, config: DataConfig | None) -> None:
    """Say that the set is another one now; keep how it is divided when that changed too."""
    more = {} if config is None else {"data_config": asdict(config)}
    connection.execute(
        update(projects)
        .where(projects.c.id == project_id)
        .values(data_version=projects.c.data_version + 1, updated_at=time.time(), **more)
    )
