"""Changes to a set: made whole, undone and made again exactly, never reaching into runs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select, update

from tests.unit.jobs.test_library import intake
from tl_core.check.findings import Repair
from tl_core.config import DataConfig
from tl_core.errors import ConfigError
from tl_core.jobs.curation import Curation
from tl_core.jobs.library import Library
from tl_core.jobs.schema import images, open_engine
from tl_core.storage import Home


class Desk:
    """A project of 20 ants (1 to 20) and 20 bees (21 to 40)."""

    def __init__(self, home: Home) -> None:
        self.engine = open_engine(home)
        self.library, self.curation = Library(self.engine), Curation(self.engine)
        self.id = self.library.create("Insects").id
        self.library.replace_images(self.id, intake(), DataConfig())

    def state(self) -> list[Any]:
        """Everything a change may touch."""
        there = self.library.images(self.id, limit=None)
        gone = self.library.images(self.id, excluded=True, limit=None)
        config = self.library.get(self.id).data_config
        return [there, gone, self.library.records(self.id), config]

    @property
    def version(self) -> int:
        return self.library.get(self.id).data_version


@pytest.fixture
def desk(home: Home) -> Desk:
    return Desk(home)


def test_pictures_left_out_are_nowhere_but_can_be_restored(desk: Desk) -> None:
    before = desk.state()
    assert desk.curation.exclude(desk.id, [1, 2, 21], title="out") == 3
    assert [row.total for row in desk.library.classes(desk.id)] == [18, 19]
    assert desk.library.count(desk.id) == 37 and desk.library.count(desk.id, excluded=True) == 3
    assert desk.library.get(desk.id).n_images == 37
    assert {1, 2, 21}.isdisjoint(desk.library.records(desk.id)[0])
    assert desk.version == 2
    assert len(desk.library.digests(desk.id)) == 40  # their content must stay in the store
    assert desk.curation.restore(desk.id, [1, 2, 21], title="in") == 3
    assert desk.state() == before


def test_a_class_is_renamed_and_merged(desk: Desk) -> None:
    numbers = [row.id for row in desk.library.images(desk.id, label="bees", limit=None)]
    assert desk.curation.relabel(desk.id, dict.fromkeys(numbers, " big  bees "), title="r") == 20
    assert [row.label for row in desk.library.classes(desk.id)] == ["ants", "big bees"]
    desk.curation.relabel(desk.id, dict.fromkeys(numbers, "ants"), title="m")
    assert [row.total for row in desk.library.classes(desk.id)] == [40]
    for name in ("", " ", "x" * 81):
        with pytest.raises(ConfigError):
            desk.curation.relabel(desk.id, {1: name}, title="bad")


def test_every_change_is_undone_and_made_again_exactly(desk: Desk) -> None:
    states = [desk.state()]
    desk.curation.exclude(desk.id, [3, 4], title="one")
    states.append(desk.state())
    desk.curation.relabel(desk.id, {5: "bees", 25: "ants"}, title="two")
    states.append(desk.state())
    repair = Repair(together=((6, 7, 8), (30, 31)))
    desk.curation.repair(desk.id, repair, title="three")
    states.append(desk.state())
    desk.curation.divide(desk.id, DataConfig(val_fraction=0.4, seed=3), title="four")
    states.append(desk.state())
    for title, state in zip(("four", "three", "two", "one"), states[-2::-1], strict=True):
        assert desk.curation.undo(desk.id) == title
        assert desk.state() == state
    assert desk.curation.undo(desk.id) is None
    for title, state in zip(("one", "two", "three", "four"), states[1:], strict=True):
        assert desk.curation.redo(desk.id) == title
        assert desk.state() == state
    assert desk.curation.redo(desk.id) is None


def test_the_history_says_what_was_done(desk: Desk) -> None:
    desk.curation.exclude(desk.id, [1, 2], title="one")
    desk.curation.exclude(desk.id, [3], title="two")
    desk.curation.undo(desk.id)
    history = desk.curation.history(desk.id)
    told = [(row.title, row.pictures, row.undone) for row in history]
    assert told == [("two", 1, True), ("one", 2, False)]
    desk.curation.exclude(desk.id, [4], title="three")  # what was undone is gone now
    assert [row.title for row in desk.curation.history(desk.id)] == ["three", "one"]


def test_what_changes_nothing_is_not_kept(desk: Desk) -> None:
    assert desk.curation.exclude(desk.id, [], title="none") == 0
    assert desk.curation.restore(desk.id, [1], title="there already") == 0
    assert desk.curation.exclude(desk.id, [999], title="unknown") == 0
    assert desk.curation.divide(desk.id, DataConfig(), title="the same") == 0
    assert desk.curation.history(desk.id) == [] and desk.version == 1


def test_dividing_anew_keeps_every_picture(desk: Desk) -> None:
    before = {row.path for row in desk.library.images(desk.id, limit=None)}
    config = DataConfig(val_fraction=0.3, test_fraction=0.0, seed=5)
    desk.curation.divide(desk.id, config, title="again")
    assert {row.path for row in desk.library.images(desk.id, limit=None)} == before
    assert desk.library.count(desk.id, split="test") == 0
    assert desk.library.count(desk.id, label="ants", split="val") == 6


def test_groups_stay_on_one_side_whatever_the_seed(desk: Desk) -> None:
    groups = [tuple(range(1, 8)), tuple(range(21, 26))]
    desk.curation.repair(desk.id, Repair(together=tuple(groups)), title="together")
    for seed in range(8):
        desk.curation.divide(desk.id, DataConfig(val_fraction=0.4, seed=seed), title="again")
        part = {row.id: row.split for row in desk.library.images(desk.id, limit=None)}
        assert all(len({part[one] for one in group}) == 1 for group in groups)
        assert {"train", "val", "test"} == set(part.values())


def test_a_repair_does_all_it_offers_at_once(desk: Desk) -> None:
    repair = Repair(exclude=(1,), relabel={2: "bees"}, together=((3, 4),))
    desk.curation.repair(desk.id, repair, title="all")
    assert desk.library.count(desk.id) == 39
    assert desk.library.some_images(desk.id, [2])[0].label == "bees"
    assert len(desk.curation.history(desk.id)) == 1


def groups_of(desk: Desk) -> dict[int, str]:
    numbers, records, _ = desk.library.records(desk.id)
    return {n: one.group for n, one in zip(numbers, records, strict=True) if one.group}


def test_groups_that_share_a_picture_become_one(desk: Desk) -> None:
    desk.curation.repair(desk.id, Repair(together=((1, 2), (3, 4), (30, 31))), title="one")
    before = desk.state()
    assert groups_of(desk) == {1: "g1", 2: "g1", 3: "g3", 4: "g3", 30: "g30", 31: "g30"}
    desk.curation.repair(desk.id, Repair(together=((2, 9), (4, 9), (11, 12))), title="two")
    found = groups_of(desk)
    assert len({found[one] for one in (1, 2, 3, 4, 9)}) == 1
    assert found[30] == "g30" and found[11] == found[12] == "g11"
    part = {row.id: row.split for row in desk.library.images(desk.id, limit=None)}
    assert len({part[one] for one in (1, 2, 3, 4, 9)}) == 1
    desk.curation.undo(desk.id)
    assert desk.state() == before


def test_a_group_with_a_name_keeps_it(home: Home) -> None:
    desk = Desk(home)
    records = list(intake().records)
    for place, group in ((0, "patient 7"), (1, "patient 7"), (2, "patient 8"), (9, "g6")):
        records[place] = replace(records[place], group=group)
    body = replace(intake(), records=tuple(records))
    desk.library.replace_images(desk.id, body, DataConfig())
    desk.curation.repair(desk.id, Repair(together=((2, 20),)), title="one")
    assert {groups_of(desk)[one] for one in (1, 2, 20)} == {"patient 7"}
    desk.curation.repair(desk.id, Repair(together=((6, 7),)), title="two")
    assert groups_of(desk)[6] == groups_of(desk)[7] == "g6'"  # g6 is somebody else's
    assert groups_of(desk)[10] == "g6"
    desk.curation.repair(desk.id, Repair(together=((1, 3),)), title="three")
    assert {groups_of(desk)[one] for one in (1, 2, 3, 20)} == {"g1"}  # of two patients


def test_a_class_is_renamed_with_what_was_left_out(desk: Desk) -> None:
    desk.curation.exclude(desk.id, [1, 2], title="out")
    parts = {row.id: row.split for row in desk.library.images(desk.id, limit=None)}
    assert desk.curation.rename(desk.id, ["ants"], "emmets", title="renamed") == 20
    desk.curation.restore(desk.id, [1, 2], title="in")
    assert [(row.label, row.total) for row in desk.library.classes(desk.id)] == [
        ("bees", 20),
        ("emmets", 20),
    ]
    now = {row.id: row.split for row in desk.library.images(desk.id, limit=None)}
    assert parts.items() <= now.items()  # nobody moved to another part
    assert desk.curation.rename(desk.id, ["bees", "emmets"], "insects", title="merged") == 40
    desk.curation.undo(desk.id)
    assert len(desk.library.classes(desk.id)) == 2


def test_a_typed_class_is_the_one_that_is_there(desk: Desk) -> None:
    assert desk.curation.class_for(desk.id, " ANTS ") == "ants"
    assert desk.curation.class_for(desk.id, "wasps") == "wasps"
    desk.curation.exclude_class(desk.id, "ants", title="gone")
    assert desk.curation.class_for(desk.id, "Ants") == "ants"  # its pictures can come back
    with pytest.raises(ConfigError):
        desk.curation.class_for(desk.id, "  ")


def test_a_class_is_left_out_whole(desk: Desk) -> None:
    assert desk.curation.exclude_class(desk.id, "ants", title="gone") == 20
    assert [row.label for row in desk.library.classes(desk.id)] == ["bees"]
    desk.curation.undo(desk.id)
    assert len(desk.library.classes(desk.id)) == 2


def test_a_restored_picture_joins_its_group(desk: Desk) -> None:
    group = tuple(range(1, 7))
    desk.curation.repair(desk.id, Repair(together=(group,)), title="together")
    desk.curation.exclude(desk.id, [6], title="out")
    for seed in range(1, 30):  # until the others of the group are somewhere else
        desk.curation.divide(desk.id, DataConfig(val_fraction=0.5, seed=seed), title="again")
        part = {row.id: row.split for row in desk.library.images(desk.id, limit=None)}
        if part[1] != desk.library.images(desk.id, excluded=True)[0].split:
            break
    else:
        pytest.fail("the group never moved")
    before = desk.state()
    desk.curation.restore(desk.id, [6], title="in")
    assert desk.library.some_images(desk.id, [6])[0].split == part[1]
    desk.curation.undo(desk.id)
    assert desk.state() == before


def test_copies_that_come_back_together_come_back_to_one_side(desk: Desk) -> None:
    """Each was left out while it was on another side; the one that nothing learns from counts."""
    with desk.engine.begin() as connection:
        mine = images.c.project_id == desk.id
        digest = select(images.c.digest).where(mine, images.c.image_id == 1).scalar_subquery()
        both = update(images).where(mine, images.c.image_id.in_([1, 2]))
        connection.execute(both.values(digest=digest, excluded=1))
        for number, part in ((1, "train"), (2, "test")):
            one = update(images).where(mine, images.c.image_id == number)
            connection.execute(one.values(split=part))
    desk.curation.restore(desk.id, [1, 2], title="in")
    assert {row.split for row in desk.library.some_images(desk.id, [1, 2])} == {"test"}


def test_where_only_validation_is_drawn_a_restored_copy_joins_its_copy(desk: Desk) -> None:
    with desk.engine.begin() as connection:
        mine = images.c.project_id == desk.id
        connection.execute(update(images).where(mine).values(given_split="train"))
        last = update(images).where(mine, images.c.image_id > 30)
        connection.execute(last.values(given_split="test", split="test"))
        digest = select(images.c.digest).where(mine, images.c.image_id == 1).scalar_subquery()
        for number, part, out in ((1, "val", 0), (2, "train", 1)):
            one = update(images).where(mine, images.c.image_id == number)
            connection.execute(one.values(digest=digest, split=part, excluded=out))
    desk.curation.restore(desk.id, [2], title="in")
    assert {row.split for row in desk.library.some_images(desk.id, [1, 2])} == {"val"}


def test_new_pictures_begin_a_new_history(desk: Desk) -> None:
    desk.curation.exclude(desk.id, [1], title="out")
    desk.library.replace_images(desk.id, intake(), DataConfig())
    assert desk.curation.history(desk.id) == []
    assert desk.library.count(desk.id, excluded=True) == 0


def test_pictures_come_by_number_in_the_order_asked_for(desk: Desk) -> None:
    desk.curation.exclude(desk.id, [5], title="out")
    rows = desk.library.some_images(desk.id, [30, 5, 999, 1])
    assert [row.id for row in rows] == [30, 1]


def test_many_pictures_are_changed_in_one_step(home: Home) -> None:
    engine = open_engine(home)
    library, curation = Library(engine), Curation(engine)
    project = library.create("Many")
    library.replace_images(project.id, intake(per_class=1600), DataConfig())
    assert curation.exclude(project.id, range(1, 1601), title="ants") == 1600
    assert [row.label for row in library.classes(project.id)] == ["bees"]
    curation.undo(project.id)
    assert library.count(project.id) == 3200
