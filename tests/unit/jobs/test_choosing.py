"""Choices of layers compared on stored pictures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.unit.jobs.tiles import tiny_project
from tl_core.advise.source import LIMITS, Limits
from tl_core.config import RunSpec, changed
from tl_core.data.intake import take_in
from tl_core.data.records import ImageRecord
from tl_core.data.sample import SampleOptions, write_sample
from tl_core.errors import CancelledError, ConfigError, TooFewImagesError
from tl_core.jobs.choosing import choose_layers, raced
from tl_core.jobs.library import Library
from tl_core.jobs.queue import Queue
from tl_core.jobs.schema import open_engine
from tl_core.jobs.submit import submit_training
from tl_core.jobs.work import Context
from tl_core.models.catalog import DEFAULT_MODEL
from tl_core.storage import Home
from tl_core.train.defaults import COMPARED, COMPARED_SHIFTED

QUICK = changed(RunSpec(), {"train.image_size": 32})


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, list[ImageRecord]]:
    folder = tmp_path_factory.mktemp("race")
    write_sample(folder / "s", SampleOptions(per_class=6))
    home = Home(folder / "home")
    return home, list(take_in(folder / "s", home, working=(32, "squash")).records)


def test_every_choice_is_judged_on_the_same_pictures(taken: Any) -> None:
    home, records = taken
    found = raced(
        home, records, QUICK, candidates=("exact-head", "deep-probe", "last:1"), exhaustive=True
    )
    assert found.pictures == 36 and found.folds == 5
    for one in found.outcome.raced:
        assert len(one.right) == 5 and sum(one.judged) == 36 and one.seconds > 0
        assert not one.left
    judged = {one.judged for one in found.outcome.raced}
    assert len(judged) == 1
    assert found.outcome.of("deep-probe").accuracy > 0.5  # chance is a sixth


def test_the_same_seed_gives_the_same_race(taken: Any) -> None:
    home, records = taken
    first, again = (
        raced(home, records, QUICK, candidates=("exact-head", "deep-probe")) for _ in range(2)
    )
    assert [one.right for one in first.outcome.raced] == [one.right for one in again.outcome.raced]


@pytest.mark.parametrize("as_set", [True, False])
def test_blocks_are_compared_as_a_run_would_train_them(taken: Any, as_set: bool) -> None:
    home, records = taken
    ground: list[Any] = []

    def watched(entrants: Any, folds: int, **more: Any) -> Any:
        ground.append(entrants[0]._ground)
        raise CancelledError("seen")

    spec = changed(QUICK, {"train.lr": 0.0123, "train.epochs": 3})
    with pytest.MonkeyPatch.context() as patch, pytest.raises(CancelledError):
        patch.setattr("tl_core.jobs.choosing.race", watched)
        raced(home, records, spec, candidates=("exact-head", "last:1"), as_set=as_set)
    block, _ = ground[0].settled("last:1")
    assert ((block.train.lr, block.train.epochs) == (0.0123, 3)) == as_set
    head, _ = ground[0].settled("exact-head")
    assert head.train.lr != 0.0123, "a solved head has defaults of its own"


def test_a_gain_is_measured_with_the_settings_of_the_run_that_asks(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = open_engine(home)
    project = tiny_project(home, engine)
    run = submit_training(home, engine, project, changed(QUICK, {"train.lr": 0.0123}))
    Library(engine).update(project, draft=changed(QUICK, {"train.image_size": 64}).to_dict())
    seen: dict[str, Any] = {}

    def watched(home: Home, records: Any, spec: RunSpec, **more: Any) -> Any:
        seen.update(more, spec=spec)
        raise CancelledError("seen")

    monkeypatch.setattr("tl_core.jobs.choosing.raced", watched)
    queue = Queue(engine)
    for payload in ({"run": run, "candidates": ["exact-head", "last:1"]}, {}):
        queue.submit("choose_layers", payload, project_id=project)
        row = queue.claim("side", "test")
        assert row is not None
        with pytest.raises(CancelledError):
            choose_layers(Context(home, engine, row))
        size = seen["spec"].train.image_size
        assert (size, seen["as_set"]) == ((32, True) if payload else (64, False))
    assert queue.get(run).spec["train"]["lr"] == 0.0123


def test_what_belongs_together_is_held_out_together(taken: Any, monkeypatch: Any) -> None:
    home, records = taken
    grouped = [replace(one, group=f"{one.label} {at % 6}") for at, one in enumerate(records)]
    seen = []

    def watched(entrants: Any, folds: int, **more: Any) -> Any:
        seen.append(entrants[0]._ground.fold)
        raise CancelledError("seen")

    monkeypatch.setattr("tl_core.jobs.choosing.race", watched)
    with pytest.raises(CancelledError):
        raced(home, grouped * 1, QUICK, candidates=("exact-head",))
    (fold,) = seen
    sides: dict[str, set[int]] = {}
    for one, side in zip(grouped, fold, strict=True):
        sides.setdefault(one.group or "", set()).add(int(side))
    assert all(len(found) == 1 for found in sides.values())


def test_copies_that_nobody_joined_are_held_out_together(tmp_path: Path, monkeypatch: Any) -> None:
    write_sample(tmp_path / "s", SampleOptions(per_class=6, near_duplicates=0.3))
    home = Home(tmp_path / "home")
    records = list(take_in(tmp_path / "s", home, working=(32, "squash")).records)
    seen = []

    def watched(entrants: Any, folds: int, **more: Any) -> Any:
        seen.append(entrants[0]._ground)
        raise CancelledError("seen")

    monkeypatch.setattr("tl_core.jobs.choosing.race", watched)
    with pytest.raises(CancelledError):
        raced(home, records, QUICK, candidates=("exact-head",))
    (ground,) = seen
    assert len(np.unique(ground.units)) < len(records)
    for unit in np.unique(ground.units):
        assert len(np.unique(ground.fold[ground.units == unit])) == 1


def test_the_first_block_takes_part_where_the_pictures_look_different(
    taken: Any, monkeypatch: Any
) -> None:
    home, records = taken
    seen: list[list[str]] = []

    def watched(entrants: Any, folds: int, **more: Any) -> Any:
        seen.append([one.layers for one in entrants])
        raise CancelledError("seen")

    monkeypatch.setattr("tl_core.jobs.choosing.race", watched)
    for far in (0.0, 1e9):  # a limit that all pictures pass, and one that none does
        monkeypatch.setitem(LIMITS, DEFAULT_MODEL, Limits(early=far, late=1.0))
        with pytest.raises(CancelledError):
            raced(home, records, QUICK)
    assert seen == [list(COMPARED_SHIFTED), list(COMPARED)]


def test_a_network_too_short_for_a_choice_leaves_it_out(taken: Any) -> None:
    home, records = taken
    found = raced(home, records, QUICK, candidates=("exact-head", "last:99"))
    assert [one.layers for one in found.outcome.raced] == ["exact-head"]
    with pytest.raises(ConfigError):
        raced(home, records, QUICK, candidates=("last:99",))


def test_too_few_pictures_are_a_sentence(taken: Any) -> None:
    home, records = taken
    with pytest.raises(TooFewImagesError, match="too few training pictures"):
        raced(home, records[:4], QUICK)


def test_what_the_progress_raises_ends_it(taken: Any) -> None:
    home, records = taken

    def progress(stage: str, unit: str = "pictures") -> Any:
        def report(done: int, total: int) -> None:
            if unit == "trainings" and done == 2:
                raise CancelledError("enough")

        return report

    with pytest.raises(CancelledError):
        raced(home, records, QUICK, candidates=("exact-head", "deep-probe"), progress=progress)
