"""Looking through a set, a page at a time, and the selection that is kept while doing so.

Everything is asked of the store in pages and counts, so that a set of 10,000 pictures costs no more
than one of a hundred. The selection ("marks") is part of the store: it outlives the page, a refresh
and a restart. Pictures in the set and pictures left out are never looked at or selected together.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Engine, and_, delete, func, insert, select

from tl_core.jobs.image_rows import in_parts
from tl_core.jobs.schema import images, marks

__all__ = ["ORDERS", "Gallery", "Look", "Picture"]

_ORDER: dict[str, tuple[Any, ...]] = {
    "taken_in": (images.c.image_id,),
    "newest": (images.c.image_id.desc(),),
    "name": (images.c.path, images.c.image_id),
    "smallest": (images.c.width * images.c.height, images.c.image_id),
    "largest": ((images.c.width * images.c.height).desc(), images.c.image_id),
    "time": (images.c.taken.is_(None), images.c.taken, images.c.image_id),
}
ORDERS = tuple(_ORDER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Which pictures are looked at, and in what order.

    ``text`` is searched for in the file's name, whatever its capitals; ``marked`` shows only what
    is selected, ``excluded`` what was left out; ``order`` is one of ``ORDERS``.
    """

    label: str | None = None
    split: str | None = None
    text: str = ""
    marked: bool = False
    excluded: bool = False
    order: str = "taken_in"


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One picture in the gallery. Sizes are in pixels; ``group`` is "" when it stands alone."""

    id: int
    digest: str
    path: str
    label: str
    split: str
    width: int
    height: int
    group: str
    marked: bool


class Gallery:
    """The pictures of any project as they are looked through and selected.

    Args:
        engine: From ``open_engine``.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    # -- looking -------------------------------------------------------------------------------

    def page(self, project_id: str, look: Look, *, offset: int, limit: int) -> list[Picture]:
        """Some of the pictures looked at, in their order."""
        query = (
            select(images, marks.c.image_id.is_not(None).label("marked"))
            .outerjoin(marks, _ours())
            .where(_matching(project_id, look))
            .order_by(*_ORDER[look.order])
        )
        with self._engine.connect() as connection:
            return [_picture(row) for row in connection.execute(query.offset(offset).limit(limit))]

    def some(self, project_id: str, numbers: Sequence[int]) -> list[Picture]:
        """Pictures by number, in the order asked for; without those unknown or left out."""
        found: dict[int, Picture] = {}
        mine = (images.c.project_id == project_id) & (images.c.excluded == 0)
        with self._engine.connect() as connection:
            for part in in_parts(numbers):
                query = (
                    select(images, marks.c.image_id.is_not(None).label("marked"))
                    .outerjoin(marks, _ours())
                    .where(mine, images.c.image_id.in_(part))
                )
                found |= {row.image_id: _picture(row) for row in connection.execute(query)}
        return [found[number] for number in dict.fromkeys(numbers) if number in found]

    def count(self, project_id: str, look: Look) -> int:
        """How many pictures are looked at."""
        query = select(func.count()).select_from(images).where(_matching(project_id, look))
        with self._engine.connect() as connection:
            return int(connection.execute(query).scalar_one())

    def has_times(self, project_id: str) -> bool:
        """Whether a camera's clock is known of any picture."""
        query = select(images.c.image_id).where(
            images.c.project_id == project_id, images.c.taken.is_not(None)
        )
        with self._engine.connect() as connection:
            return connection.execute(query.limit(1)).first() is not None

    def labels_left_out(self, project_id: str) -> list[str]:
        """Classes of the pictures that were left out, in alphabetical order."""
        query = (
            select(images.c.label)
            .distinct()
            .where(images.c.project_id == project_id, images.c.excluded == 1)
        )
        with self._engine.connect() as connection:
            return sorted(str(label) for label in connection.execute(query).scalars())

    # -- selecting -----------------------------------------------------------------------------

    def mark(self, project_id: str, numbers: Iterable[int]) -> None:
        """Select pictures; those selected already, and numbers of no picture, are passed over."""
        with self._engine.begin() as connection:
            for some in in_parts(sorted(set(numbers))):
                wanted = and_(images.c.project_id == project_id, images.c.image_id.in_(some))
                connection.execute(_insert_where(wanted))

    def unmark(self, project_id: str, numbers: Iterable[int]) -> None:
        """Take pictures out of the selection."""
        with self._engine.begin() as connection:
            for some in in_parts(sorted(set(numbers))):
                connection.execute(
                    delete(marks).where(
                        marks.c.project_id == project_id, marks.c.image_id.in_(some)
                    )
                )

    def mark_all(self, project_id: str, look: Look) -> None:
        """Add everything looked at to the selection."""
        with self._engine.begin() as connection:
            connection.execute(_insert_where(_matching(project_id, look)))

    def unmark_all(self, project_id: str, *, excluded: bool = False) -> None:
        """Select nothing of the set, or nothing of what was left out."""
        there = select(images.c.image_id).where(
            images.c.project_id == project_id, images.c.excluded == int(excluded)
        )
        with self._engine.begin() as connection:
            connection.execute(
                delete(marks).where(marks.c.project_id == project_id, marks.c.image_id.in_(there))
            )

    def marked(self, project_id: str, *, excluded: bool = False) -> list[int]:
        """Numbers of the selected pictures, in their order."""
        query = _selected(images.c.image_id, project_id, excluded=excluded)
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(images.c.image_id))
            return [int(row.image_id) for row in rows]

    def marked_classes(self, project_id: str, *, excluded: bool = False) -> dict[str, int]:
        """How many pictures of each class are selected; classes in alphabetical order."""
        query = _selected(images.c.label, project_id, excluded=excluded)
        counted = query.add_columns(func.count().label("n")).group_by(images.c.label)
        with self._engine.connect() as connection:
            found = {str(row.label): int(row.n) for row in connection.execute(counted)}
        return dict(sorted(found.items()))


def _ours() -> ColumnElement[bool]:
    return and_(marks.c.project_id == images.c.project_id, marks.c.image_id == images.c.image_id)


def _is_marked() -> ColumnElement[bool]:
    return select(marks.c.image_id).where(_ours()).correlate(images).exists()


def _matching(project_id: str, look: Look) -> ColumnElement[bool]:
    rules = [images.c.project_id == project_id, images.c.excluded == int(look.excluded)]
    if look.label is not None:
        rules.append(images.c.label == look.label)
    if look.split is not None:
        rules.append(images.c.split == look.split)
    if look.text.strip():
        rules.append(images.c.path.icontains(look.text.strip(), autoescape=True))
    if look.marked:
        rules.append(_is_marked())
    return and_(*rules)


def _insert_where(wanted: ColumnElement[bool]) -> Any:
    rows = select(images.c.project_id, images.c.image_id).where(wanted, ~_is_marked())
    return insert(marks).from_select(["project_id", "image_id"], rows)


def _selected(column: Any, project_id: str, *, excluded: bool) -> Any:
    return (
        select(column)
        .join(marks, _ours())
        .where(images.c.project_id == project_id, images.c.excluded == int(excluded))
    )


def _picture(row: Any) -> Picture:
    return Picture(
        id=row.image_id,
        digest=row.digest,
        path=row.path,
        label=row.label,
        split=row.split,
        width=row.width,
        height=row.height,
        group=row.group_key or "",
        marked=bool(row.marked),
    )
