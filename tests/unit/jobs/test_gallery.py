"""Looking through a set page by page, and a selection that lasts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.jobs.test_library import intake
from tl_core.config import DataConfig
from tl_core.data.records import Intake
from tl_core.jobs.curation import Curation
from tl_core.jobs.gallery import ORDERS, Gallery, Look
from tl_core.jobs.library import Library
from tl_core.jobs.schema import open_engine
from tl_core.storage import Home


class Desk:
    """A project of 20 ants (1 to 20) and 20 bees (21 to 40)."""

    def __init__(self, home: Home, body: Intake | None = None) -> None:
        engine = open_engine(home)
        self.library, self.curation = Library(engine), Curation(engine)
        self.gallery = Gallery(engine)
        self.id = self.library.create("Insects").id
        self.library.replace_images(self.id, body or intake(), DataConfig())

    def numbers(self, look: Look, offset: int = 0, limit: int = 100) -> list[int]:
        return [one.id for one in self.gallery.page(self.id, look, offset=offset, limit=limit)]


@pytest.fixture
def desk(home: Home) -> Desk:
    return Desk(home)


def test_a_page_at_a_time(desk: Desk) -> None:
    assert desk.numbers(Look(), offset=10, limit=5) == [11, 12, 13, 14, 15]
    assert desk.gallery.count(desk.id, Look()) == 40
    assert desk.numbers(Look(label="bees"), limit=2) == [21, 22]
    parts = {split: desk.gallery.count(desk.id, Look(split=split)) for split in ("train", "val")}
    assert parts == {"train": 28, "val": 6}
    first = desk.gallery.page(desk.id, Look(), offset=0, limit=1)[0]
    assert (first.path, first.label, first.width, first.marked) == (
        "ants/000.jpg", "ants", 10, False,
    )  # fmt: skip


def test_names_are_searched_as_typed(home: Home) -> None:
    records = list(intake().records)
    for place, path in enumerate(("ants/50%_off.jpg", "ants/ÄHRE.jpg", "ants/Wing.JPG")):
        records[place] = replace(records[place], path=path)
    desk = Desk(home, replace(intake(), records=tuple(records)))
    assert desk.numbers(Look(text="%_")) == [1]  # no wildcard
    assert desk.numbers(Look(text=" wing ")) == [3]
    assert desk.numbers(Look(text="ÄH")) == [2]
    assert desk.numbers(Look(text="ants/0")) == list(range(4, 21))
    assert desk.numbers(Look(text="nothing like it")) == []


def test_every_order_shows_every_picture_once(home: Home) -> None:
    records = list(intake().records)
    records[0] = replace(records[0], width=5, taken=20.0)
    records[1] = replace(records[1], width=50, taken=10.0, path="zz.jpg")
    desk = Desk(home, replace(intake(), records=tuple(records)))
    assert desk.gallery.has_times(desk.id)
    for order in ORDERS:
        assert sorted(desk.numbers(Look(order=order))) == list(range(1, 41)), order
    first = {order: desk.numbers(Look(order=order), limit=1)[0] for order in ORDERS}
    assert first == {
        "taken_in": 1, "newest": 40, "name": 1, "smallest": 1, "largest": 2, "time": 2,
    }  # fmt: skip
    assert desk.numbers(Look(order="name"))[-1] == 2


def test_a_selection_lasts_over_pages_filters_and_restarts(desk: Desk, home: Home) -> None:
    desk.gallery.mark(desk.id, [3, 4, 4, 25, 999])
    desk.gallery.mark(desk.id, [4])
    again = Gallery(open_engine(home))
    assert again.marked(desk.id) == [3, 4, 25]  # no number without a picture
    assert again.marked_classes(desk.id) == {"ants": 2, "bees": 1}
    assert desk.numbers(Look(marked=True)) == [3, 4, 25]
    assert desk.gallery.count(desk.id, Look(marked=True, label="bees")) == 1
    desk.gallery.unmark(desk.id, [3, 999])
    assert [one.id for one in again.page(desk.id, Look(), offset=0, limit=40) if one.marked] == [
        4,
        25,
    ]


def test_everything_shown_is_selected_and_nothing_else(desk: Desk) -> None:
    desk.gallery.mark(desk.id, [30])
    desk.gallery.mark_all(desk.id, Look(label="ants", split="val"))
    assert len(desk.gallery.marked(desk.id)) == 4
    desk.gallery.mark_all(desk.id, Look())
    assert desk.gallery.marked(desk.id) == list(range(1, 41))
    desk.gallery.unmark_all(desk.id)
    assert desk.gallery.marked(desk.id) == []


def test_what_was_left_out_is_selected_apart(desk: Desk) -> None:
    desk.curation.exclude(desk.id, [1, 2, 21], title="out")
    desk.gallery.mark_all(desk.id, Look(excluded=True, label="ants"))
    desk.gallery.mark(desk.id, [5])
    assert desk.gallery.marked(desk.id, excluded=True) == [1, 2]
    assert desk.gallery.marked(desk.id) == [5]
    assert desk.gallery.labels_left_out(desk.id) == ["ants", "bees"]
    desk.gallery.unmark_all(desk.id, excluded=True)
    assert desk.gallery.marked(desk.id) == [5]
    assert desk.numbers(Look(excluded=True)) == [1, 2, 21]


def test_projects_do_not_see_each_other(desk: Desk, home: Home) -> None:
    other = Desk(home)
    other.gallery.mark_all(other.id, Look())
    assert desk.gallery.marked(desk.id) == []
    assert desk.numbers(Look(marked=True)) == []
    desk.gallery.mark(desk.id, [1])
    other.library.delete(other.id)
    assert other.gallery.marked(other.id) == [] and desk.gallery.marked(desk.id) == [1]


def test_another_set_begins_without_a_selection(desk: Desk) -> None:
    desk.gallery.mark(desk.id, [1])
    desk.library.replace_images(desk.id, intake(), DataConfig())
    assert desk.gallery.marked(desk.id) == []


def test_ten_thousand_are_selected_at_once(home: Home) -> None:
    desk = Desk(home, intake(per_class=5000))
    desk.gallery.mark_all(desk.id, Look())
    assert len(desk.gallery.marked(desk.id)) == 10_000
    desk.gallery.unmark(desk.id, range(1, 5001))
    assert desk.gallery.marked_classes(desk.id) == {"bees": 5000}
