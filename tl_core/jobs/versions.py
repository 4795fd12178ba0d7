"""Versions of a set: which runs were trained on which state of it, and what changed since a run.

A state is known by its seal: the same pictures with the same classes and parts have the same one,
however they came to be so. Undoing a change therefore leads back to the very state that a run was
trained on. The seals of the history follow from the set as it is and the values before and after
each change; nothing else is stored for them. Runs are only read here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, Row, select

from tl_core.errors import RunNotFoundError
from tl_core.jobs.library import ImageRow
from tl_core.jobs.schema import changes, images, projects, runs
from tl_core.jobs.seal import MODULUS, picture_seal, run_seal, seal_of
from tl_core.jobs.submit import Snapshot, read_snapshot
from tl_core.storage import Home

__all__ = ["Since", "Versions", "between"]

KEPT = 64  # comparisons of a run with its set that are kept in memory

_State = tuple[str, str, str, int]  # digest, label, part, left out


@dataclass(frozen=True, slots=True, kw_only=True)
class Since:
    """How a set differs from what a run was trained on, in pictures.

    ``moved`` have another class, ``parted`` the same class in another part, ``left_out`` are out of
    the set now, ``added`` are in it that the run did not know. ``replaced`` says that it is another
    set altogether; the numbers are then 0.
    """

    moved: int = 0
    parted: int = 0
    left_out: int = 0
    added: int = 0
    replaced: bool = False

    def __bool__(self) -> bool:
        return bool(self.moved or self.parted or self.left_out or self.added or self.replaced)


class Versions:
    """What runs and states of a set have to do with each other.

    Args:
        home: Where runs keep their lists of pictures.
        engine: From ``open_engine``.
    """

    def __init__(self, home: Home, engine: Engine) -> None:
        self._home = home
        self._engine = engine
        self._steps: dict[tuple[str, int, float], tuple[int, int]] = {}  # seals before and after
        self._of_runs: dict[str, int] = {}
        self._since: dict[tuple[str, int], Since] = {}

    def used(self, project_id: str) -> dict[int, list[str]]:
        """The training runs of each state that had any: state's number -> ids, newest first.

        Runs of a state that no step back or forth leads to any more are under -1.
        """
        by_seal: dict[int, list[str]] = {}
        query = select(runs.c.id).where(runs.c.project_id == project_id, runs.c.kind == "train")
        with self._engine.connect() as connection:
            found = connection.execute(query.order_by(runs.c.queued_at.desc())).scalars().all()
        for run_id in found:
            if (seal := self._of_run(str(run_id))) is not None:
                by_seal.setdefault(seal, []).append(str(run_id))
        if not by_seal:
            return {}
        states = self._states(project_id)
        used = {number: by_seal[seal] for number, seal in states.items() if seal in by_seal}
        unreachable = by_seal.keys() - set(states.values())
        if unreachable:
            used[-1] = [
                run_id for seal in by_seal if seal in unreachable for run_id in by_seal[seal]
            ]
        return used

    def since(self, run_id: str, project_id: str) -> Since | None:
        """What changed in the set since a run was started; None when its pictures are not known.

        A comparison is kept until the set changes again.
        """
        version = select(projects.c.data_version).where(projects.c.id == project_id)
        with self._engine.connect() as connection:
            now = connection.execute(version).scalar()
        if now is None:
            return None
        if (run_id, now) not in self._since:
            try:
                then = read_snapshot(self._home, run_id).images
            except RunNotFoundError:
                return None
            while len(self._since) >= KEPT:
                self._since.pop(next(iter(self._since)))
            self._since[run_id, now] = _compared(then, self._rows(project_id))
        return self._since[run_id, now]

    # -- inside --------------------------------------------------------------------------------

    def _rows(self, project_id: str) -> dict[int, _State]:
        columns = (images.c.image_id, images.c.digest, images.c.label, images.c.split)
        query = select(*columns, images.c.excluded).where(images.c.project_id == project_id)
        with self._engine.connect() as connection:
            return {row[0]: (row[1], row[2], row[3], row[4]) for row in connection.execute(query)}

    def _states(self, project_id: str) -> dict[int, int]:
        """The seal of every state that undo and redo lead to, by the state's number."""
        about = select(changes.c.number, changes.c.at, changes.c.undone)
        mine = changes.c.project_id == project_id
        with self._engine.connect() as connection:
            found = connection.execute(about.where(mine).order_by(changes.c.number)).all()
        keys = [(project_id, int(row.number), float(row.at)) for row in found]
        if any(key not in self._steps for key in keys):
            self._walk(project_id)
        if not keys:
            return {0: _seal_of_rows(self._rows(project_id))}
        states = {0: self._steps[keys[0]][0]} if keys[0] in self._steps else {}
        return states | {key[1]: self._steps[key][1] for key in keys if key in self._steps}

    def _walk(self, project_id: str) -> None:
        """Go through the whole history from the set as it is and keep each step's seals."""
        query = select(changes).where(changes.c.project_id == project_id)
        with self._engine.connect() as connection:
            found = connection.execute(query.order_by(changes.c.number)).all()
        rows = self._rows(project_id)
        here = _seal_of_rows(rows)
        seal, walked = here, dict(rows)
        for row in reversed([one for one in found if not one.undone]):
            before = _stepped(walked, row.before, seal)
            self._steps[_key(project_id, row)] = (before, seal)
            seal = before
        seal, walked = here, dict(rows)
        for row in (one for one in found if one.undone):
            after = _stepped(walked, row.after, seal)
            self._steps[_key(project_id, row)] = (seal, after)
            seal = after

    def _of_run(self, run_id: str) -> int | None:
        if run_id not in self._of_runs:
            try:
                self._of_runs[run_id] = run_seal(self._home, run_id)
            except RunNotFoundError:
                try:  # of a run from before seals were kept
                    self._of_runs[run_id] = seal_of(read_snapshot(self._home, run_id).images)
                except RunNotFoundError:
                    return None
        return self._of_runs[run_id]


def between(first: Snapshot, second: Snapshot) -> Since:
    """How the pictures of one run differ from those of an earlier one."""
    now = {one.id: (one.digest, one.label, one.split, 0) for one in second.images}
    return _compared(first.images, now)


def _key(project_id: str, row: Row[Any]) -> tuple[str, int, float]:
    return (project_id, int(row.number), float(row.at))


def _seal_of_rows(rows: Mapping[int, _State]) -> int:
    return sum(_part_of(number, *row) for number, row in rows.items()) % MODULUS


def _stepped(rows: dict[int, _State], values: Mapping[str, Mapping[str, Any]], seal: int) -> int:
    """The seal once some columns of some pictures have other values; ``rows`` is changed so."""
    for key, fields in values.items():
        number = int(key)
        if number not in rows:
            continue
        digest, label, split, excluded = rows[number]
        now = (
            digest,
            fields.get("label", label),
            fields.get("split", split),
            fields.get("excluded", excluded),
        )
        seal += _part_of(number, *now) - _part_of(number, *rows[number])
        rows[number] = now
    return seal % MODULUS


def _part_of(number: int, digest: str, label: str, split: str, excluded: int) -> int:
    return 0 if excluded else picture_seal(number, digest, label, split)


def _compared(then: Sequence[ImageRow], now: Mapping[int, _State]) -> Since:
    moved = parted = left_out = known = 0
    numbers = set()
    for one in then:
        row = now.get(one.id)
        if row is None or row[0] != one.digest:
            left_out += 1
            continue
        known += 1
        numbers.add(one.id)
        _, label, split, excluded = row
        if excluded:
            left_out += 1
        elif label != one.label:
            moved += 1
        elif split != one.split:
            parted += 1
    if then and not known:
        return Since(replaced=True)
    added = sum(1 for number, row in now.items() if not row[3] and number not in numbers)
    return Since(moved=moved, parted=parted, left_out=left_out, added=added)
