"""Changes to a set of pictures: relabelled, left out, kept together, divided anew; each undoable.

Every change is one row of the history: what it is called, and the values before and after of every
picture it touched. Undoing writes the values before back, redoing those after; a new change drops
what was undone. Runs keep their own list of pictures, so that none of it reaches into them.

The state of a set after change number n is called state n; state 0 is the set as it was brought.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, select

from tl_core.check.findings import Repair
from tl_core.config import DataConfig
from tl_core.data.naming import class_name, known_name
from tl_core.errors import DataError
from tl_core.jobs.library import ImageRow
from tl_core.jobs.regrouping import joined, sides
from tl_core.jobs.rewriting import (
    Values,
    add_change,
    config_of,
    divided,
    state_of,
    stored,
    take_step,
    touch,
    write_values,
)
from tl_core.jobs.schema import changes, images

__all__ = ["Change", "Curation"]


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
        self._sizes: dict[tuple[str, int, float], int] = {}  # a row of the history never changes

    def relabel(self, project_id: str, labels: Mapping[int, str], *, title: str) -> int:
        """Give pictures (by number) other classes; returns how many really changed.

        No picture moves to another part of the split by it.

        Raises:
            ConfigError: A class without a name, or with one longer than 80 characters.
        """
        clean = {number: class_name(name) for number, name in labels.items()}
        values = {number: {"label": name} for number, name in clean.items()}
        return self._apply(project_id, values, title=title)

    def class_for(self, project_id: str, name: str, *, instead_of: str = "") -> str:
        """The class that a typed name means: one that is there when only its capitals differ.

        Args:
            project_id: Whose classes.
            name: As typed.
            instead_of: A class that gets this name and so is no match itself.

        Raises:
            ConfigError: As ``relabel``.
        """
        query = select(images.c.label).distinct().where(images.c.project_id == project_id)
        with self._engine.connect() as connection:
            there = set(connection.execute(query).scalars())
        return known_name(name, there - {instead_of})

    def rename(self, project_id: str, classes: Sequence[str], name: str, *, title: str) -> int:
        """Give every picture of some classes one class: a renaming, or a merger of several.

        Those left out come along, or restoring one would bring the old class back.

        Raises:
            ConfigError: As ``relabel``.
        """
        numbers = self._of_classes(project_id, classes)
        return self.relabel(project_id, dict.fromkeys(numbers, name), title=title)

    def exclude_class(self, project_id: str, label: str, *, title: str) -> int:
        """Leave every picture of a class out, and with them the class."""
        return self.exclude(project_id, self._of_classes(project_id, [label]), title=title)

    def exclude(self, project_id: str, numbers: Iterable[int], *, title: str) -> int:
        """Leave pictures out; they stay in the store and can be restored."""
        return self._apply(project_id, {one: {"excluded": 1} for one in numbers}, title=title)

    def restore(self, project_id: str, numbers: Iterable[int], *, title: str) -> int:
        """Take pictures that were left out in again, on the side where their copies are now."""
        values: dict[int, dict[str, Any]] = {one: {"excluded": 0} for one in numbers}
        with self._engine.connect() as connection:
            for number, part in sides(connection, project_id, list(values)).items():
                values[number]["split"] = part
        return self._apply(project_id, values, title=title)

    def repair(self, project_id: str, repair: Repair, *, title: str) -> int:
        """Do what a finding of the data check offers; returns how many pictures changed."""
        values: dict[int, dict[str, Any]] = {}
        for number in repair.exclude:
            values.setdefault(number, {})["excluded"] = 1
        for number, label in repair.relabel.items():
            values.setdefault(number, {})["label"] = class_name(label)
        config = None
        if repair.together:
            with self._engine.connect() as connection:
                config = config_of(connection, project_id)
                groups = joined(connection, project_id, repair.together)
            for number, name in groups.items():
                values.setdefault(number, {})["group_key"] = name
        return self._apply(project_id, values, title=title, config=config)

    def as_it_was(self, project_id: str, pictures: Sequence[ImageRow], *, title: str) -> int:
        """Make the set what a run was trained on: its pictures, classes and parts, no others.

        Pictures that the project does not have any more are passed over.

        Args:
            project_id: Whose set.
            pictures: As the run's snapshot lists them.
            title: Of the change; it is undone like any other.

        Raises:
            DataError: None of them is here any more.
        """
        wanted = {(one.id, one.digest): one for one in pictures}
        query = select(images.c.image_id, images.c.digest).where(images.c.project_id == project_id)
        values: dict[int, dict[str, Any]] = {}
        with self._engine.connect() as connection:
            for row in connection.execute(query):
                one = wanted.get((row.image_id, row.digest))
                values[row.image_id] = (
                    {"excluded": 1}
                    if one is None
                    else {"excluded": 0, "label": one.label, "split": one.split}
                )
        if not any(not one["excluded"] for one in values.values()):
            raise DataError(
                "None of the pictures of this run is in the project any more.",
                hint="The run itself still works: evaluate, try or export it.",
            )
        return self._apply(project_id, values, title=title)

    def divide(self, project_id: str, config: DataConfig, *, title: str) -> int:
        """Divide the pictures anew; parts given by folders stay as given."""
        return self._apply(project_id, {}, title=title, config=config)

    def history(self, project_id: str, limit: int | None = None) -> list[Change]:
        """Every change, or the newest ``limit`` of them, the newest first."""
        about = (changes.c.number, changes.c.at, changes.c.title, changes.c.undone)
        query = select(*about).where(changes.c.project_id == project_id)
        query = query.order_by(changes.c.number.desc()).limit(limit)
        with self._engine.connect() as connection:
            return [
                Change(
                    number=row.number,
                    at=row.at,
                    title=row.title,
                    pictures=self._size(connection, project_id, row.number, row.at),
                    undone=bool(row.undone),
                )
                for row in connection.execute(query).all()
            ]

    def undo(self, project_id: str) -> str | None:
        """Take the last change back; returns its title, None when there is none."""
        return self._step(project_id, back=True)

    def redo(self, project_id: str) -> str | None:
        """Make the change that was undone last again; returns its title, or None."""
        return self._step(project_id, back=False)

    def go_to(self, project_id: str, number: int) -> int:
        """Undo or redo until the set is in state ``number``; returns how many steps that took."""
        steps = 0
        with self._engine.begin() as connection:
            while (here := state_of(connection, project_id)) != number:
                back = here > number
                if take_step(connection, project_id, back=back) is None:
                    break
                steps += 1
        return steps

    # -- inside --------------------------------------------------------------------------------

    def _of_classes(self, project_id: str, classes: Sequence[str]) -> list[int]:
        query = select(images.c.image_id).where(
            images.c.project_id == project_id, images.c.label.in_(list(classes))
        )
        with self._engine.connect() as connection:
            return [int(one) for one in connection.execute(query).scalars()]

    def _size(self, connection: Connection, project_id: str, number: int, at: float) -> int:
        key = (project_id, number, at)
        if key not in self._sizes:
            mine = (changes.c.project_id == project_id) & (changes.c.number == number)
            after = connection.execute(select(changes.c.after).where(mine)).scalar_one()
            self._sizes[key] = len(after)
        return self._sizes[key]

    def _apply(
        self,
        project_id: str,
        values: Values,
        *,
        title: str,
        config: DataConfig | None = None,
    ) -> int:
        with self._engine.begin() as connection:
            old_config = config_of(connection, project_id)
            old = stored(connection, project_id, values)
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
            write_values(connection, project_id, after)
            if config is not None:
                moved = divided(connection, project_id, config)
                for number, (part, other) in moved.items():
                    before.setdefault(number, {})["split"] = part
                    after.setdefault(number, {})["split"] = other
                write_values(
                    connection, project_id, {n: {"split": o} for n, (_, o) in moved.items()}
                )
            if not after and (config is None or config == old_config):
                return 0
            add_change(
                connection,
                project_id,
                title,
                before=before,
                after=after,
                config_before=old_config,
                config_after=config or old_config,
            )
            touch(connection, project_id, config)
            return len(after)

    def _step(self, project_id: str, *, back: bool) -> str | None:
        with self._engine.begin() as connection:
            return take_step(connection, project_id, back=back)


def _as_json(values: Values) -> dict[str, dict[str, Any]]:
    return {str(number): dict(fields) for number, fields in values.items()}
