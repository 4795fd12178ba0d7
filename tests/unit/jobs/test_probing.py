"""Heads that are solved: runs of the exact head and the deep probe, and the instant baseline."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine

from tests.unit.jobs.tiles import tiny_project
from tl_core.config import RunSpec, changed
from tl_core.errors import TooFewImagesError
from tl_core.events import (
    EngineChosen,
    EpochDone,
    RunFinished,
    RunStarted,
    StepDone,
    StrengthTried,
)
from tl_core.export.load import Bundle
from tl_core.jobs.exporting import write_run_bundle
from tl_core.jobs.library import Library
from tl_core.jobs.loading import load_classifier
from tl_core.jobs.log import EventLog
from tl_core.jobs.queue import Queue
from tl_core.jobs.quick import KINDS
from tl_core.jobs.schema import open_engine
from tl_core.jobs.submit import submit_training
from tl_core.jobs.training import train
from tl_core.jobs.work import Context
from tl_core.storage import Home, read_json


@pytest.fixture
def engine(home: Home) -> Engine:
    return open_engine(home)


def run(home: Home, engine: Engine, **changes: Any) -> tuple[str, dict[str, Any]]:
    spec = changed(RunSpec(), {key.replace("__", "."): v for key, v in changes.items()})
    project = tiny_project(home, engine)
    run_id = submit_training(home, engine, project, changed(spec, {"train.image_size": 64}))
    row = Queue(engine).claim("train", "test", run_id)
    assert row is not None
    context = Context(home, engine, row)
    result = train(context)
    context.flush() if hasattr(context, "flush") else None
    return run_id, result


def events(engine: Engine, run_id: str) -> list[Any]:
    return [entry.event for entry in EventLog(engine).all_after(run_id)]


@pytest.mark.parametrize("layers", ["exact-head", "deep-probe"])
def test_a_probe_run_tells_its_story_and_predicts_as_it_was_judged(
    home: Home, engine: Engine, layers: str
) -> None:
    run_id, result = run(home, engine, freeze__layers=layers)
    told = events(engine, run_id)
    kinds = [type(one) for one in told]
    assert kinds.count(RunStarted) == kinds.count(EngineChosen) == kinds.count(EpochDone) == 1
    assert StepDone not in kinds and kinds.count(StrengthTried) >= 2
    assert kinds[-1] is RunFinished
    (done,) = [one for one in told if isinstance(one, EpochDone)]
    tried = [one for one in told if isinstance(one, StrengthTried)]
    assert all(one.loss > 0 and 0 <= one.accuracy <= 1 for one in tried)
    assert done.is_best and done.val_loss > 0
    report = read_json(home.run_dir(run_id) / "report-val.json")
    assert result["val_accuracy"] == report["accuracy"]["value"]
    assert abs(result["val_accuracy"] - done.val_acc) <= 0.2  # 16-bit features against 32-bit
    one = load_classifier(home, engine, run_id)
    assert one.size_px == 64 and not one.model.training


def test_a_deep_probe_leaves_as_a_bundle_that_answers_alike(
    home: Home, engine: Engine, tmp_path: Any
) -> None:
    run_id, _ = run(home, engine, freeze__layers="deep-probe")
    written = write_run_bundle(home, engine, run_id, tmp_path / "bundle")
    certificate = written["certificate"]
    assert certificate["same_answers"] == certificate["pictures"]
    bundle = Bundle.open(tmp_path / "bundle")
    assert list(bundle.classes) == ["down", "up"]


def test_a_fine_tuning_run_begins_at_the_exact_head_and_keeps_how_it_is_computed(
    home: Home, engine: Engine
) -> None:
    run_id, _ = run(home, engine, freeze__layers="last:1", train__epochs=2)
    body = read_json(home.run_dir(run_id) / "engine.json")
    assert body["decided"]["views"] == 2 and body["chosen"]["cut"] == "stage4"
    chosen = next(one for one in events(engine, run_id) if isinstance(one, EngineChosen))
    assert chosen.expected_seconds is not None and chosen.expected_seconds > 0
    assert any((home.root / "cache" / "features").iterdir())


def test_the_baseline_is_the_accuracy_of_the_exact_head(home: Home, engine: Engine) -> None:
    project = tiny_project(home, engine)
    task_id = Queue(engine).submit("baseline", {}, project_id=project)
    row = Queue(engine).claim("quick", "test", task_id)
    assert row is not None
    found = KINDS["baseline"](Context(home, engine, row))
    assert found["model"] == "resnet10t.tiny_imagenet" and found["n_val"] == 6
    assert found["ci"][0] <= found["accuracy"] <= found["ci"][1]
    assert found["accuracy"] * found["n_val"] == pytest.approx(
        np.rint(found["accuracy"] * found["n_val"])
    )
    assert 0 < found["majority"] < 1 and found["data_version"] == 1


def test_no_baseline_without_pictures(home: Home, engine: Engine) -> None:
    project = Library(engine).create("Empty").id
    task_id = Queue(engine).submit("baseline", {}, project_id=project)
    row = Queue(engine).claim("quick", "test", task_id)
    assert row is not None
    with pytest.raises(TooFewImagesError):
        KINDS["baseline"](Context(home, engine, row))


def test_measuring_a_draft_makes_its_estimate_measured(home: Home, engine: Engine) -> None:
    from tl_core.jobs.estimate import expected
    from tl_core.models.catalog import DEFAULT_MODEL, card
    from tl_core.train.defaults import resolved

    spec = changed(RunSpec(), {"freeze.layers": "last:1", "train.image_size": 64})
    facts = card(DEFAULT_MODEL)
    spec = resolved(spec, card=facts, n_train=24, n_classes=2)
    numbers = {"n_train": 24, "n_val": 6, "n_classes": 2}
    assert expected(home, spec, facts, **numbers).seconds is None
    task_id = Queue(engine).submit("measure", {"spec": spec.to_dict(), "n_classes": 2})
    row = Queue(engine).claim("quick", "test", task_id)
    assert row is not None
    KINDS["measure"](Context(home, engine, row))
    told = expected(home, spec, facts, **numbers)
    assert told.seconds is not None and told.seconds > 0
    assert told.prefix_ms and told.suffix_ms and told.views == 2 and told.cache_mb
