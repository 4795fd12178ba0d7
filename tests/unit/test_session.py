"""The engine as the pages see it: short reads and writes, settings that last, files that go."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.pages import seed
from tl_core.config import DataConfig, FreezeConfig, RunSpec, TrainConfig, changed
from tl_core.data.rows import RowStore
from tl_core.errors import (
    ConfigError,
    DataError,
    LayerGroupError,
    RunNotFoundError,
    TooFewImagesError,
)
from tl_core.events import CheckpointSaved, Progress
from tl_core.jobs import estimate, work
from tl_core.jobs.log import Writer
from tl_core.jobs.schema import open_engine
from tl_core.jobs.work import Context
from tl_core.session import Studio
from tl_core.storage import Home, disk_error
from tl_core.train import defaults


@pytest.fixture
def studio(home: Home) -> Studio:
    return Studio(home)


def test_the_sample_is_one_call(studio: Studio) -> None:
    project, task_id = studio.start_sample_project(per_class=5)
    assert project.sample
    row = studio.task(task_id)
    assert (row.kind, row.lane, row.spec) == ("sample", "side", {"options": {"per_class": 5}})


def test_settings_survive_a_new_session(studio: Studio, home: Home) -> None:
    project = seed.project_with_pictures(studio)
    spec = RunSpec(freeze=FreezeConfig(layers="last:1"), train=TrainConfig(seed=5))
    studio.save_draft(project.id, spec)
    assert Studio(home).draft(project.id) == spec


def test_automatic_settings_are_resolved_and_explained(studio: Studio) -> None:
    project = seed.project_with_pictures(studio)
    spec = studio.resolved_draft(project.id)
    for value in (spec.train.lr, spec.train.epochs, spec.train.batch_size, spec.train.image_size):
        assert value is not None
    assert {"train.lr", "train.epochs"} <= studio.reasons(project.id).keys()


def test_a_remedy_starts_a_run_that_knows_its_parent(studio: Studio) -> None:
    project = seed.project_with_pictures(studio)
    first = seed.finished_run(studio, project)
    second = studio.start_changed(first, {"train.lr": 1e-4})
    spec = RunSpec.from_dict(studio.run(second).spec)
    assert (spec.train.lr, spec.parent) == (1e-4, first)
    assert studio.draft(project.id).train.lr == 1e-4


def test_a_remedy_of_a_stage_leaves_the_drafted_way_through_the_stages(studio: Studio) -> None:
    project = seed.project_with_pictures(studio)
    staged = changed(studio.draft(project.id), {"freeze.layers": "last:2", "freeze.stages": "auto"})
    studio.save_draft(project.id, staged)
    first = seed.finished_run(studio, project, spec=staged)
    changes = {"train.lr": 1e-4, "train.weight_decay": 0.05}
    second = RunSpec.from_dict(studio.run(studio.start_changed(first, changes)).spec)
    assert (second.freeze.stages, second.train.lr) == ("off", 1e-4)
    draft = studio.draft(project.id)
    assert (draft.freeze, draft.train.lr) == (staged.freeze, staged.train.lr)
    assert draft.train.weight_decay == 0.05


def test_what_cannot_be_trained_is_refused_with_a_sentence(studio: Studio) -> None:
    project = studio.create("Empty")
    with pytest.raises(TooFewImagesError, match="no pictures yet"):
        studio.start(project.id)
    ready = seed.project_with_pictures(studio)
    with pytest.raises(LayerGroupError, match="too many"):
        studio.start(ready.id, RunSpec(freeze=FreezeConfig(layers="last:99")))
    with pytest.raises(ConfigError, match="There is no setting"):
        studio.start_changed(seed.finished_run(studio, ready), {"train.x": 1})


def test_a_run_keeps_its_pictures_when_the_set_changes(studio: Studio) -> None:
    project = seed.project_with_pictures(studio)
    run_id = seed.finished_run(studio, project)
    before = studio.snapshot(run_id)
    studio.resplit(project.id, DataConfig(val_fraction=0.4, seed=9))
    assert studio.snapshot(run_id) == before
    assert studio.data(project.id).n_val != len(before.part("val"))


def test_progress_says_which_steps_are_done(studio: Studio) -> None:
    project = studio.create("New")
    assert not any(studio.progress_of(project.id).values())
    ready = seed.project_with_pictures(studio)
    done = studio.progress_of(ready.id)
    assert (done["data"], done["model"], done["train"]) == (True, True, False)
    seed.finished_run(studio, ready)
    done = studio.progress_of(ready.id)
    assert done["train"]
    assert done["evaluate"]
    assert not done["export"]


def test_more_blocks_take_longer(studio: Studio, home: Home) -> None:
    project = seed.project_with_pictures(studio)
    assert studio.estimate(project.id).seconds is None
    estimate.keep_rate(home, 1e10, "cpu")

    def seconds(layers: str) -> float:
        spec = replace(studio.draft(project.id), freeze=FreezeConfig(layers=layers))
        studio.save_draft(project.id, replace(spec, train=TrainConfig(epochs=10)))
        told = studio.estimate(project.id)
        assert told.seconds is not None
        assert 0 < told.trainable <= told.parameters
        return told.seconds

    assert seconds("head") < seconds("last:1") < seconds("all")


def test_a_run_in_stages_is_told_with_all_that_may_run(home: Home) -> None:
    estimate.keep_rate(home, 1e10, "cpu")
    card = Studio(home).card_of(RunSpec().model.name)
    pictures = {"card": card, "n_train": 100, "n_classes": 2}

    def told(layers: str, stages: str = "off", **more: Any) -> estimate.Estimate:
        spec = RunSpec(freeze=FreezeConfig(layers=layers, stages=stages))
        settled = defaults.resolved(spec, **pictures)
        return estimate.expected(home, settled, card, n_train=100, n_val=20, n_classes=2, **more)

    parts = [told(layers) for layers in ("head", "last:1", "last:2")]
    seconds = [one.seconds for one in parts if one.seconds is not None]
    whole = told("last:2", "ask")
    assert len(seconds) == 3 and whole.seconds is not None
    assert whole.seconds == pytest.approx(sum(seconds) - 2 * estimate.START_S)
    assert (whole.stages, whole.epochs) == (3, sum(one.epochs for one in parts))
    assert whole.least_seconds == pytest.approx(seconds[0])
    assert whole.memory_mb == max(one.memory_mb for one in parts)
    assert whole.trainable == parts[-1].trainable
    assert told("last:2", "gradual").least_seconds is None, "nothing ends it sooner"
    assert told("last:2", "ask", ran=1).seconds == pytest.approx(seconds[0])
    assert told("head", "ask").stages == 1


def test_stages_in_the_draft_do_not_lengthen_the_comparison(home: Home) -> None:
    estimate.keep_rate(home, 1e10, "cpu")
    card = Studio(home).card_of(RunSpec().model.name)

    def told(stages: str) -> float | None:
        spec = RunSpec(freeze=FreezeConfig(layers="last:2", stages=stages))
        return estimate.comparison_seconds(
            home, spec, card=card, n_train=100, n_classes=2, detail_px=None, channels=3
        )

    assert told("ask") == told("off") is not None


def test_estimates_learn_from_the_runs_done(home: Home) -> None:
    estimate.keep_rate(home, 1e10, "cpu")
    spec = RunSpec(train=TrainConfig(epochs=10, image_size=128, batch_size=16))
    card = Studio(home).card_of(spec.model.name)

    def told() -> float:
        seconds = estimate.expected(home, spec, card, n_train=100, n_val=20, n_classes=2).seconds
        assert seconds is not None
        return seconds

    real = 3 * told()
    for _ in range(3):
        estimate.learn_from(home, told(), real)
    assert told() == pytest.approx(real, rel=0.05)


def test_a_photo_is_checked_before_it_is_kept(studio: Studio) -> None:
    digest = studio.keep_picture("a.png", seed.picture(1)).digest
    assert studio.home.has_blob(digest)
    with pytest.raises(DataError, match=r"letter\.jpg"):
        studio.keep_picture("letter.jpg", b"Dear all")


def test_taking_in_needs_a_source(studio: Studio) -> None:
    project = studio.create("New")
    with pytest.raises(DataError, match="No pictures were given"):
        studio.take_in(project.id)


def test_a_long_run_is_read_to_its_end(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tl_core.jobs.log.LIMIT", 50)
    project = seed.project_with_pictures(studio)
    run_id = seed.finished_run(studio, project)
    writer = Writer(open_engine(studio.home), run_id, clock=itertools.count(1).__next__)
    for number in range(120):
        writer.append(Progress(stage="x", done=number, total=0))
    writer.append(CheckpointSaved(epoch=9, best_epoch=7))
    assert studio.catch_up(run_id).best_epoch == 7


def test_deleting_a_project_at_work_stops_the_work(studio: Studio, home: Home) -> None:
    project = seed.project_with_pictures(studio)
    run_id = studio.start(project.id)
    row = studio.queue.claim("train", "test", run_id)
    assert row is not None

    def train(context: Context) -> dict[str, Any]:
        studio.delete(project.id)
        assert context.lost.wait(30)
        assert context.orders.poll() == "stop"
        context.emit(Progress(stage="on", done=0, total=0))
        return {}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(work, "_function", lambda kind: train)
        work.carry_out(home, open_engine(home), row)
    with pytest.raises(RunNotFoundError):
        studio.run(run_id)
    assert not (home.root / "runs" / run_id).exists()
    assert studio.log.after(run_id) == []


def test_a_full_disk_leaves_a_run_that_can_go_on(studio: Studio, home: Home) -> None:
    project = seed.project_with_pictures(studio)
    run_id = studio.start(project.id)
    row = studio.queue.claim("train", "test", run_id)
    assert row is not None

    def train(context: Context) -> dict[str, Any]:
        context.checkpoint.write_bytes(b"epoch 3")
        raise disk_error(context.checkpoint, OSError(28, "No space left on device"))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(work, "_function", lambda kind: train)
        closed = work.carry_out(home, open_engine(home), row)
    assert closed.state == "interrupted"
    assert closed.error is not None
    assert "No space left" in closed.error["message"]


def test_a_process_whose_run_was_given_away_leaves_it_alone(studio: Studio, home: Home) -> None:
    project = seed.project_with_pictures(studio)
    run_id = studio.start(project.id)
    row = studio.queue.claim("train", "test", run_id)
    assert row is not None
    studio.queue.started(run_id, 1)  # somebody else
    work.carry_out(home, open_engine(home), row)
    assert studio.run(run_id).state == "running"
    assert studio.log.after(run_id) == []


def prepared_rows(home: Home) -> RowStore:
    return RowStore(home.folder("cache", "features") / "a", shape=(2,), dtype="f2")


@pytest.mark.parametrize("end", [lambda s, p: s.delete(p), lambda s, p: (s.delete(p), s.delete(p))])
def test_deleting_removes_what_nobody_else_uses(
    studio: Studio, home: Home, end: Callable[[Studio, str], object]
) -> None:
    gone = seed.project_with_pictures(studio, "Gone")
    run_id = seed.finished_run(studio, gone)
    kept = seed.project_with_pictures(studio, "Kept", per_class=6)
    shared = studio.library.digests(kept.id)
    own = studio.library.digests(gone.id) - shared
    assert own
    assert shared & studio.library.digests(gone.id)
    for digests in (own, shared):
        with prepared_rows(home).adding(sorted(digests)) as rows:
            rows[:] = 1
    end(studio, gone.id)
    assert [project.name for project in studio.projects()] == ["Kept"]
    assert not any(home.has_blob(digest) for digest in own)
    assert all(home.has_blob(digest) for digest in shared)
    assert prepared_rows(home).keys() == shared
    assert not (home.root / "runs" / run_id).exists()
    assert studio.log.after(run_id) == []
