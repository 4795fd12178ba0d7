"""Cross-validation of a run: every picture once, test pictures never, and nothing done is lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine, update

from tests.pages import seed
from tests.unit.jobs.tiles import tiny_project
from tl_core.config import FreezeConfig, RunSpec, changed
from tl_core.errors import CancelledError, ConfigError, RunStateError
from tl_core.jobs import crossed, crossing, folding
from tl_core.jobs.continuing import Origin, keep_origin
from tl_core.jobs.queue import Queue
from tl_core.jobs.removing import forget_run
from tl_core.jobs.schema import images, open_engine, runs
from tl_core.jobs.submit import submit_training
from tl_core.jobs.training import train
from tl_core.jobs.work import Context, carry_out
from tl_core.session import Studio
from tl_core.storage import Home, read_json

N = 24  # training and validation pictures
SMALL = {"train.image_size": 32, "train.epochs": 2}


def trained(home: Home, engine: Engine, layers: str) -> str:
    project = tiny_project(home, engine, per_class=16)
    spec = changed(RunSpec(), {"freeze.layers": layers, **SMALL})
    run_id = submit_training(home, engine, project, spec)
    row = Queue(engine).claim("train", "test", run_id)
    assert row is not None
    train(Context(home, engine, row))
    Queue(engine).end(run_id, "finished", exit_code=0, result={"val_accuracy": 0.5})
    with engine.begin() as connection:
        connection.execute(update(runs).where(runs.c.id == run_id).values(state="finished"))
    return run_id


def context(home: Home, engine: Engine, run_id: str, **more: Any) -> Context:
    queue = Queue(engine)
    project = queue.get(run_id).project_id
    payload = {"run_id": run_id, "folds": 3, **more}
    task = queue.submit("cross_validate", payload, project_id=project)
    row = queue.claim("train", "test", task)
    assert row is not None and queue.started(task, 1)
    return Context(home, engine, queue.get(task))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, Engine, str]:
    """A home with a run whose head was solved."""
    home = Home(tmp_path_factory.mktemp("crossing"))
    engine = open_engine(home)
    return home, engine, trained(home, engine, "exact-head")


@pytest.mark.parametrize("layers", ["exact-head", "deep-probe", "last:1"])
def test_every_picture_is_answered_once_by_a_network_that_has_not_seen_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, layers: str
) -> None:
    home = Home(tmp_path)
    engine = open_engine(home)
    run_id = trained(home, engine, layers)
    seen: list[tuple[set[int], set[int]]] = []
    way = folding.learner

    def watched(ground: Any, val_share: float, check: Callable[[], None]) -> Any:
        real = way(ground, val_share, check)

        class Watched:
            def answers(self, known: np.ndarray, out: np.ndarray, seed: int) -> np.ndarray:
                seen.append((set(known.tolist()), set(out.tolist())))
                return real.answers(known, out, seed)

        return Watched()

    monkeypatch.setattr(crossing, "learner", watched)
    result = crossing.cross_validate(context(home, engine, run_id))
    found = crossed.crossing_of(result)
    assert found.pictures == N and found.folds == 3 and len(found.values) == 3
    assert sorted(one for _, out in seen for one in out) == list(range(N))
    assert all(not known & out and len(known | out) == N for known, out in seen)
    assert found.accuracy.low <= found.accuracy.value <= found.accuracy.high
    assert [one.name for one in found.classes] == ["down", "up"]
    assert sum(one.pictures for one in found.classes) == N
    assert found.chose is (layers == "last:1")
    assert crossed.kept(home, run_id) == json.loads(json.dumps(result))


def test_a_trained_fold_does_not_choose_its_epoch_on_what_it_is_judged_by(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(tmp_path)
    engine = open_engine(home)
    run_id = trained(home, engine, "head")
    parts: list[tuple[set[int], set[int]]] = []
    real = folding.Trials.run

    def watched(self: Any, *, train: Any, held_out: Any, then: Any) -> Any:
        parts.append((set(train.tolist()), set(held_out.tolist())))
        return real(self, train=train, held_out=held_out, then=then)

    monkeypatch.setattr(folding.Trials, "run", watched)
    crossing.cross_validate(context(home, engine, run_id))
    done = read_json(crossed.parts(home, run_id))["folds"]
    assert len(parts) == len(done) == 3
    for (learned, chose), given in zip(parts, done.values(), strict=True):
        assert not learned & chose and chose
        assert len(learned) + len(chose) + len(given) == N


def test_test_pictures_take_no_part(place: tuple[Home, Engine, str]) -> None:
    home, engine, run_id = place
    before = crossing.cross_validate(context(home, engine, run_id))
    path = crossed.parts(home, run_id)
    path.unlink()
    with engine.begin() as connection:
        connection.execute(update(images).where(images.c.split == "test").values(label="down"))
    after = crossing.cross_validate(context(home, engine, run_id))
    assert before["crossing"] == after["crossing"]


def test_what_is_done_is_kept_and_more_repeats_go_on_with_it(
    place: tuple[Home, Engine, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    home, engine, run_id = place
    crossed.parts(home, run_id).unlink(missing_ok=True)
    learned = []
    way = folding._Exact.answers

    def some(self: Any, known: np.ndarray, out: np.ndarray, seed: int) -> np.ndarray:
        if len(learned) == 2:
            raise CancelledError("Stopped.")
        learned.append(len(out))
        return way(self, known, out, seed)

    monkeypatch.setattr(folding._Exact, "answers", some)
    with pytest.raises(CancelledError):
        crossing.cross_validate(context(home, engine, run_id))
    assert len(read_json(crossed.parts(home, run_id))["folds"]) == 2
    learned.clear()
    once = crossing.cross_validate(context(home, engine, run_id))
    assert len(learned) == 1
    learned.clear()
    monkeypatch.setattr(folding._Exact, "answers", way)
    again = crossing.cross_validate(context(home, engine, run_id, repeats=2))
    assert again["crossing"]["values"][:3] == once["crossing"]["values"]
    assert len(again["crossing"]["values"]) == 6


def test_a_stop_order_ends_it_as_cancelled(place: tuple[Home, Engine, str]) -> None:
    home, engine, run_id = place
    crossed.parts(home, run_id).unlink(missing_ok=True)
    queue = Queue(engine)
    task = queue.submit("cross_validate", {"run_id": run_id, "folds": 4})
    row = queue.claim("train", "test", task)
    assert row is not None
    queue.command(task, "stop")
    ended = carry_out(home, engine, row)
    assert ended.state == "failed" and (ended.error or {})["code"] == "cancelled"


def test_what_belongs_together_is_in_one_part() -> None:
    labels, units = np.tile([0, 1], 15), np.repeat(np.arange(10), 3)
    fold = crossing.folds_of(labels, units, np.arange(27), 5, 2)
    assert (fold[:, 27:] == -1).all()
    for unit in range(9):
        assert all(len(set(one[units == unit])) == 1 for one in fold)
    assert (fold[0] != fold[1]).any()


def test_weights_that_know_the_pictures_are_refused(place: tuple[Home, Engine, str]) -> None:
    home, engine, run_id = place
    keep_origin(home, run_id, Origin(run="t1", weights=True, epoch=3))
    with pytest.raises(RunStateError, match="have seen these pictures"):
        crossing.cross_validate(context(home, engine, run_id))
    (home.run_dir(run_id) / "origin.json").unlink()


@pytest.mark.parametrize("wrong", [{"folds": 1}, {"folds": 99}, {"repeats": 0}])
def test_numbers_out_of_range_are_told(
    place: tuple[Home, Engine, str], wrong: dict[str, int]
) -> None:
    home, engine, run_id = place
    with pytest.raises(ConfigError, match="outside"):
        crossing.cross_validate(context(home, engine, run_id, **wrong))


def test_a_run_that_is_not_over_has_nothing_to_judge(place: tuple[Home, Engine, str]) -> None:
    home, engine, run_id = place
    project = Queue(engine).get(run_id).project_id
    waiting = Queue(engine).submit("train", RunSpec().to_dict(), project_id=project)
    with pytest.raises(RunStateError, match="is queued"):
        crossing.cross_validate(context(home, engine, waiting))
    Queue(engine).command(waiting, "stop")


def test_blocks_opened_in_stages_are_opened_at_once(home: Home) -> None:
    studio = Studio(home)
    staged = FreezeConfig(layers="last:2", stages="auto")
    spec = replace(seed.short_spec(), freeze=staged)
    project = seed.project_with_pictures(studio, per_class=20)
    run_id = seed.finished_run(studio, project, spec=spec)
    engine = open_engine(home)
    own = context(home, engine, run_id)
    found, was_staged = crossing._settings(own, own.queue.get(run_id))
    assert was_staged and found.freeze == FreezeConfig(layers="last:2")
    assert found.train == RunSpec.from_dict(own.queue.get(run_id).spec).train


def test_nothing_is_written_for_a_run_that_was_removed_meanwhile(home: Home) -> None:
    studio = Studio(home)
    run_id = seed.finished_run(studio, seed.project_with_pictures(studio, per_class=20))
    own = context(home, open_engine(home), run_id)
    done = crossing._Done(own, run_id, "key")
    done.keep(0, 0, np.array([1, 0]), 1.0)
    assert crossing._Done(own, run_id, "key").of(0, 0) == [1, 0]
    assert crossing._Done(own, run_id, "other").of(0, 0) is None
    forget_run(home, open_engine(home), run_id)
    with pytest.raises(CancelledError, match="was removed"):
        done.keep(0, 1, np.array([1]), 1.0)
    assert not (home.root / "runs" / run_id).exists()


def test_it_goes_with_the_run(place: tuple[Home, Engine, str]) -> None:
    home, engine, run_id = place
    crossing.cross_validate(context(home, engine, run_id))
    row = Queue(engine).get(run_id)
    assert crossed.crossing_seconds(row, repeats=2) is not None
    forget_run(home, engine, run_id)
    assert crossed.kept(home, run_id) is None
    assert not (home.root / "runs" / run_id).exists()
