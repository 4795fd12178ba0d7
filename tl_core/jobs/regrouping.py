"""Pictures that belong on one side of the split: groups joined, and restored ones placed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from sqlalchemy import Connection, select

from tl_core.data.placed import SPLITS
from tl_core.data.together import connected, units_of
from tl_core.jobs.image_rows import record_of
from tl_core.jobs.rewriting import config_of
from tl_core.jobs.schema import images

__all__ = ["joined", "sides"]


def joined(
    connection: Connection, project_id: str, groups: Iterable[Sequence[int]]
) -> dict[int, str]:
    """The group of every picture once ``groups`` are kept together as well.

    A group that holds a picture of an earlier one takes that whole group in. The earlier name
    stays when there was one only ("patient 17"); several become a group with a name of its own.

    Returns:
        Picture's number -> name of its group, for all pictures of the groups that were touched.
    """
    query = select(images.c.image_id, images.c.group_key).where(
        images.c.project_id == project_id, images.c.group_key.is_not(None)
    )
    named: dict[str, set[int]] = {}
    for row in connection.execute(query):
        named.setdefault(str(row.group_key), set()).add(int(row.image_id))
    apart = [*map(list, groups)]
    numbers = sorted({number for one in (*apart, *named.values()) for number in one})
    place = {number: at for at, number in enumerate(numbers)}
    both = [[place[number] for number in one] for one in (*apart, *named.values())]
    unit = connected(both, len(numbers))
    touched = {unit[place[number]] for one in apart for number in one}
    parts: dict[int, tuple[set[int], set[str]]] = {one: (set(), set()) for one in sorted(touched)}
    for number in numbers:
        if unit[place[number]] in parts:
            parts[unit[place[number]]][0].add(number)
    for name, members in named.items():
        one = unit[place[next(iter(members))]]
        if one in parts:
            parts[one][1].add(name)
    return _with_names(parts.values(), set(named))


def _with_names(parts: Iterable[tuple[set[int], set[str]]], taken: set[str]) -> dict[int, str]:
    found: dict[int, str] = {}
    for members, names in parts:
        name = next(iter(names)) if len(names) == 1 else f"g{min(members)}"
        while len(names) != 1 and name in taken - names:
            name += "'"
        taken.add(name)
        found |= dict.fromkeys(members, name)
    return found


def sides(connection: Connection, project_id: str, numbers: Sequence[int]) -> dict[int, str]:
    """The parts that pictures must take when they come back into the set.

    While a picture was left out, its copies and the others of its group or burst may have been
    divided anew. It joins them; where the folders gave its part it keeps it.

    Returns:
        Picture's number -> part, for those whose part has to change.
    """
    query = select(images).where(images.c.project_id == project_id)
    rows = list(connection.execute(query.order_by(images.c.image_id)))
    config = config_of(connection, project_id)
    unit = units_of([record_of(row) for row in rows], bursts=config.bursts).unit
    coming = {row.image_id for row in rows if row.image_id in set(numbers) and row.excluded}
    part_of: dict[int, str] = {}
    # Where nobody of a unit is in the set, all of it goes to the side that nothing learns from.
    for row, one in sorted(
        zip(rows, unit, strict=True),
        key=lambda pair: (pair[0].excluded, -SPLITS.index(pair[0].split)),
    ):
        if not row.excluded or row.image_id in coming:
            part_of.setdefault(one, row.split)
    given = {row.given_split for row in rows} - {None}
    return {
        row.image_id: part_of[one]
        for row, one in zip(rows, unit, strict=True)
        if row.image_id in coming
        and part_of[one] != row.split
        and _may_move(row.given_split, part_of[one], given)
    }


def _may_move(own: str | None, part: str, given: Collection[str]) -> bool:
    """Whether a picture's part was drawn, so that it may be another one; ``given`` are the parts
    that folders gave, of which without training none counts.
    """
    if own is None or "train" not in given or given == {"train"}:
        return True
    return own == "train" and "val" not in given and part != "test"
