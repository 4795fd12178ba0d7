"""Which runs were trained on which state of a set, and what changed since."""

from __future__ import annotations

import pytest

from tests.unit.jobs.test_library import intake
from tl_core.check.findings import Repair
from tl_core.config import DataConfig, RunSpec
from tl_core.errors import RunNotFoundError
from tl_core.jobs.curation import Curation
from tl_core.jobs.library import Library
from tl_core.jobs.schema import open_engine
from tl_core.jobs.seal import NAME, run_seal, seal_of
from tl_core.jobs.submit import read_snapshot, submit_training
from tl_core.jobs.versions import Since, Versions
from tl_core.storage import Home


class Desk:
    """A project of 20 ants (1 to 20) and 20 bees (21 to 40), with runs."""

    def __init__(self, home: Home) -> None:
        self.home, self.engine = home, open_engine(home)
        self.library, self.curation = Library(self.engine), Curation(self.engine)
        self.versions = Versions(home, self.engine)
        self.id = self.library.create("Insects").id
        self.library.replace_images(self.id, intake(), DataConfig())

    def run(self) -> str:
        return submit_training(self.home, self.engine, self.id, RunSpec())

    def since(self, run_id: str) -> Since | None:
        return self.versions.since(run_id, self.id)


@pytest.fixture
def desk(home: Home) -> Desk:
    return Desk(home)


def test_every_state_names_its_runs(desk: Desk) -> None:
    assert desk.versions.used(desk.id) == {}
    first = desk.run()
    desk.curation.relabel(desk.id, {1: "bees"}, title="one")
    desk.curation.exclude(desk.id, [2, 3], title="two")
    second = desk.run()
    assert desk.versions.used(desk.id) == {0: [first], 2: [second]}
    desk.curation.undo(desk.id)
    third = desk.run()
    expected = {0: [first], 1: [third], 2: [second]}
    assert desk.versions.used(desk.id) == expected
    assert Versions(desk.home, desk.engine).used(desk.id) == expected  # nothing kept from before
    desk.curation.undo(desk.id)
    fourth = desk.run()
    assert desk.versions.used(desk.id) == expected | {0: [fourth, first]}


def test_a_state_is_reached_again_in_one_step(desk: Desk) -> None:
    first = desk.run()
    before = desk.library.images(desk.id, limit=None)
    desk.curation.relabel(desk.id, {1: "bees"}, title="one")
    desk.curation.repair(desk.id, Repair(together=((5, 6, 30),)), title="two")
    desk.curation.divide(desk.id, DataConfig(val_fraction=0.4, seed=3), title="three")
    after = desk.library.images(desk.id, limit=None)
    assert desk.curation.go_to(desk.id, 0) == 3
    assert desk.library.images(desk.id, limit=None) == before
    assert not desk.since(first)
    assert desk.curation.go_to(desk.id, 3) == 3
    assert desk.library.images(desk.id, limit=None) == after
    assert desk.curation.go_to(desk.id, 3) == 0
    assert desk.curation.go_to(desk.id, 99) == 0  # there is none


def test_what_changed_since_a_run_is_counted(desk: Desk) -> None:
    run = desk.run()
    assert desk.since(run) == Since() and not desk.since(run)
    desk.curation.relabel(desk.id, {1: "bees", 2: "wasps"}, title="one")
    desk.curation.exclude(desk.id, [5], title="two")
    assert desk.since(run) == Since(moved=2, left_out=1)
    desk.curation.divide(desk.id, DataConfig(val_fraction=0.4, seed=3), title="three")
    found = desk.since(run)
    assert found is not None and found.parted > 0
    desk.curation.go_to(desk.id, 0)
    assert not desk.since(run)


def test_pictures_that_a_run_did_not_know_are_counted(desk: Desk) -> None:
    desk.curation.exclude(desk.id, [5, 6], title="out")
    run = desk.run()
    desk.curation.undo(desk.id)
    assert desk.since(run) == Since(added=2)


def test_another_set_is_said_to_be_another(desk: Desk) -> None:
    run = desk.run()
    desk.library.replace_images(desk.id, intake(classes=("cats", "dogs")), DataConfig())
    assert desk.since(run) == Since(replaced=True)
    assert desk.versions.used(desk.id) == {-1: [run]}


def test_no_change_reaches_into_the_pictures_of_a_run(desk: Desk) -> None:
    run = desk.run()
    folder = desk.home.run_dir(run)
    kept = {path.name: path.read_bytes() for path in folder.iterdir()}
    snapshot = read_snapshot(desk.home, run)
    desk.curation.relabel(desk.id, {1: "bees"}, title="one")
    desk.curation.rename(desk.id, ["bees"], "wasps", title="two")
    desk.curation.exclude_class(desk.id, "ants", title="three")
    desk.curation.divide(desk.id, DataConfig(seed=9), title="four")
    desk.curation.go_to(desk.id, 1)
    desk.versions.used(desk.id)
    desk.since(run)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == kept
    assert read_snapshot(desk.home, run) == snapshot


def test_the_set_of_a_run_comes_back_even_when_its_state_was_dropped(desk: Desk) -> None:
    desk.curation.relabel(desk.id, {1: "bees"}, title="one")
    desk.curation.exclude(desk.id, [9], title="two")
    run = desk.run()
    desk.curation.go_to(desk.id, 0)
    desk.curation.exclude(desk.id, [20], title="another way")  # what was undone is dropped
    assert desk.versions.used(desk.id) == {-1: [run]}
    pictures = read_snapshot(desk.home, run).images
    assert desk.curation.as_it_was(desk.id, pictures, title="as it was") == 3
    assert tuple(desk.library.images(desk.id, limit=None)) == pictures
    assert desk.versions.used(desk.id) == {2: [run]}
    desk.curation.undo(desk.id)
    assert desk.library.count(desk.id, excluded=True) == 1


def test_a_run_from_before_seals_is_known_by_its_pictures(desk: Desk) -> None:
    run = desk.run()
    assert run_seal(desk.home, run) == seal_of(desk.library.images(desk.id, limit=None))
    (desk.home.run_dir(run) / NAME).unlink()
    with pytest.raises(RunNotFoundError):
        run_seal(desk.home, run)
    assert desk.versions.used(desk.id) == {0: [run]}
    (desk.home.run_dir(run) / "data.json").unlink()
    again = Versions(desk.home, desk.engine)
    assert again.used(desk.id) == {} and again.since(run, desk.id) is None


def test_the_seal_knows_number_content_class_and_part_but_no_order(desk: Desk) -> None:
    rows = desk.library.images(desk.id, limit=None)
    assert seal_of(rows) == seal_of(reversed(rows)) != seal_of(rows[1:])
    desk.curation.relabel(desk.id, {1: "bees"}, title="one")
    assert seal_of(desk.library.images(desk.id, limit=None)) != seal_of(rows)
