"""A remedy goes on from the best epoch of a run where it can, and says why where it cannot."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from safetensors.torch import load_file
from sqlalchemy import Engine

from tests.unit.jobs.tiles import tiny_project
from tl_core.config import DataConfig, FreezeConfig, RunSpec, TrainConfig, changed
from tl_core.events import EpochDone, Event, FindingRaised, RunFinished, Warned
from tl_core.jobs import continuing
from tl_core.jobs.curation import Curation
from tl_core.jobs.following import answers_of
from tl_core.jobs.queue import Queue, RunRow
from tl_core.jobs.schema import open_engine
from tl_core.jobs.submit import read_snapshot, submit_training
from tl_core.jobs.work import carry_out
from tl_core.session import Studio
from tl_core.storage import Home, read_json

SPEC = RunSpec(
    freeze=FreezeConfig(layers="head"),
    train=TrainConfig(epochs=2, lr=1e-2, batch_size=8, image_size=32),
)


def trained(home: Home, engine: Engine, run_id: str) -> tuple[RunRow, list[Event]]:
    heard: list[Event] = []
    row = Queue(engine).claim("train", "test", run_id)
    assert row is not None
    return carry_out(home, engine, row, heard.append), heard


def test_a_remedy_goes_on_from_the_best_epoch_and_says_what_came_of_it(home: Home) -> None:
    engine = open_engine(home)
    project_id = tiny_project(home, engine)
    first = submit_training(home, engine, project_id, SPEC)
    row, _ = trained(home, engine, first)
    assert row.state == "finished"
    studio = Studio(home)
    second = studio.start_changed(
        first,
        {"freeze.layers": "last:1", "train.lr": 1e-6, "train.epochs": 1},
        go_on=True,
        verdict="underfit",
        remedy="Unfreeze one more block",
    )
    row, heard = trained(home, engine, second)
    assert row.state == "finished", row.error

    origin = studio.origin(second)
    assert origin is not None and origin.weights and origin.run == first
    assert origin.epoch == (studio.run(first).result or {})["best_epoch"]
    assert not (home.run_dir(second) / continuing.START).is_file(), "removed when it is over"
    before, after = (load_file(home.run_dir(one) / "model.safetensors") for one in (first, second))
    for name, value in before.items():  # steps of a millionth: it is still the same network
        if "num_batches" not in name:
            assert (value - after[name]).abs().max() < 1e-3, name
    epochs = [event for event in heard if isinstance(event, EpochDone)]
    assert epochs[0].val_loss == pytest.approx(_best_loss(studio, first), abs=0.02)

    found = [event for event in heard if isinstance(event, FindingRaised)][-1]
    assert found.verdict == "remedy_unclear"
    assert f"went on from epoch {origin.epoch}" in found.evidence
    assert isinstance(heard[-1], RunFinished)
    assert found in heard[-1].findings, "the last line of the command line carries it"


def _best_loss(studio: Studio, run_id: str) -> float:
    return min(done.val_loss for done in studio.catch_up(run_id).history)


def test_what_every_picture_was_answered_is_kept(home: Home) -> None:
    engine = open_engine(home)
    run_id = submit_training(home, engine, tiny_project(home, engine), SPEC)
    trained(home, engine, run_id)
    found = answers_of(home, run_id, "val")
    report = read_json(home.run_dir(run_id) / "report-val.json")
    rows = read_snapshot(home, run_id).part("val")
    assert found.keys() == {f"{row.digest} {row.label}" for row in rows}
    assert sum(one.right for one in found.values()) == report["accuracy"]["right"]
    mean = sum(one.loss for one in found.values()) / len(found)
    assert mean == pytest.approx(report["log_loss"], abs=1e-4)
    assert answers_of(home, "t0000000000", "val") == {}

    whole = Studio(home).answers(run_id, "val")
    assert whole is not None and whole.images == tuple(str(row.id) for row in rows)
    assert int(whole.right.sum()) == report["accuracy"]["right"]
    assert float(whole.losses.mean()) == pytest.approx(report["log_loss"], abs=1e-4)
    assert whole.probabilities.sum(axis=1) == pytest.approx(np.ones(len(rows)))
    assert Studio(home).answers(run_id, "train") is None
    assert Studio(home).answers("t0000000000", "val") is None


def finished(home: Home, engine: Engine, spec: RunSpec = SPEC) -> RunRow:
    """A run that has ended and kept some file as its network."""
    run_id = submit_training(home, engine, tiny_project(home, engine), spec)
    queue = Queue(engine)
    queue.claim("train", "test", run_id)
    queue.started(run_id, 1)
    (home.run_dir(run_id) / continuing.WEIGHTS).write_bytes(b"weights")
    queue.end(run_id, "finished", exit_code=0, result={"best_epoch": 3})
    return queue.get(run_id)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"train.lr": 1e-4}, ""),
        ({"freeze.layers": "last:2"}, ""),
        ({"train.image_size": 64}, ""),
        ({"freeze.layers": "scratch"}, "from scratch"),
        ({"freeze.layers": "deep-probe"}, "solved"),
        ({"model.name": "resnet18.a1_in1k"}, "are others"),
        ({"model.channels": 1}, "are others"),
    ],
)
def test_what_the_settings_allow(home: Home, changes: dict[str, object], words: str) -> None:
    earlier = finished(home, open_engine(home))
    spec = changed(RunSpec.from_dict(earlier.spec), changes)
    found = continuing.obstacle(home, spec, earlier)
    assert (words in found) if words else not found


def test_a_run_without_a_network_is_not_gone_on_from(home: Home) -> None:
    earlier = finished(home, open_engine(home))
    (home.run_dir(earlier.id) / continuing.WEIGHTS).unlink()
    spec = RunSpec.from_dict(earlier.spec)
    assert "kept no network" in continuing.obstacle(home, spec, earlier)
    at_work = replace(earlier, state="running")
    assert not continuing.obstacle(home, spec, at_work), "it will have kept one when it ends"


def begun(home: Home, engine: Engine, earlier: RunRow) -> continuing.Origin:
    spec = replace(RunSpec.from_dict(earlier.spec), parent=earlier.id, goes_on=True)
    run_id = submit_training(home, engine, earlier.project_id, spec)
    return continuing.begin(home, engine, run_id, spec, read_snapshot(home, run_id))


def test_pictures_it_was_trained_on_never_judge_it(home: Home) -> None:
    engine = open_engine(home)
    earlier = finished(home, engine)
    first = begun(home, engine, earlier)
    assert first.weights and first.epoch == 3
    train = {row.digest for row in read_snapshot(home, earlier.id).part("train")}
    assert set(first.seen) == train
    config = DataConfig(val_fraction=0.25, test_fraction=0.25, seed=9)
    Curation(engine).divide(earlier.project_id, config, title="Divided again")
    again = begun(home, engine, earlier)
    assert not again.weights and "divided anew" in again.why


def test_a_deleted_run_is_started_anew(home: Home) -> None:
    engine = open_engine(home)
    earlier = finished(home, engine)
    spec = replace(RunSpec.from_dict(earlier.spec), parent=earlier.id, goes_on=True)
    run_id = submit_training(home, engine, earlier.project_id, spec)
    Studio(home).remove(earlier.id)
    origin = continuing.begin(home, engine, run_id, spec, read_snapshot(home, run_id))
    assert not origin.weights and "not here any more" in origin.why


def test_where_a_run_began_is_decided_once(home: Home) -> None:
    engine = open_engine(home)
    earlier = finished(home, engine)
    spec = replace(RunSpec.from_dict(earlier.spec), parent=earlier.id, goes_on=True)
    run_id = submit_training(home, engine, earlier.project_id, spec)
    snapshot = read_snapshot(home, run_id)
    first = continuing.begin(home, engine, run_id, spec, snapshot)
    Studio(home).remove(earlier.id)
    assert continuing.begin(home, engine, run_id, spec, snapshot) == first
    assert continuing.start_weights(home, run_id).read_bytes() == b"weights"


@pytest.mark.slow
def test_a_start_that_does_not_fit_is_told_and_made_anew(home: Home) -> None:
    engine = open_engine(home)
    earlier = finished(home, engine)  # its file is no network at all
    from safetensors.torch import save_file
    from torch import zeros

    save_file({"other": zeros(1)}, home.run_dir(earlier.id) / continuing.WEIGHTS)
    run_id = Studio(home).start_changed(
        earlier.id, {"train.epochs": 1}, go_on=True, verdict="overfit", remedy="One epoch"
    )
    row, heard = trained(home, engine, run_id)
    assert row.state == "finished", row.error
    assert [e.hint for e in heard if isinstance(e, Warned) and e.code == "started_anew"] == [
        "Its weights do not fit this network."
    ]
    found = [event for event in heard if isinstance(event, FindingRaised)][-1]
    assert "has not kept what it answered" in found.evidence
