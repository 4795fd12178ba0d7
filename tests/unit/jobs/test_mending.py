"""After pictures were mended a run follows with the same settings, from the old weights."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import Engine

from tests.unit.jobs.test_continuing import SPEC, trained
from tests.unit.jobs.tiles import tiny_project
from tl_core.config import FreezeConfig, RunSpec
from tl_core.jobs.queue import RunRow
from tl_core.jobs.schema import open_engine
from tl_core.jobs.submit import submit_training
from tl_core.session import Studio
from tl_core.storage import Home


@pytest.fixture
def engine(home: Home) -> Engine:
    return open_engine(home)


def first_run(home: Home, engine: Engine, spec: RunSpec = SPEC) -> tuple[Studio, RunRow]:
    run_id = submit_training(home, engine, tiny_project(home, engine), spec)
    row, _ = trained(home, engine, run_id)
    assert row.state == "finished", row.error
    return Studio(home), row


def mend(studio: Studio, row: RunRow, split: str, n: int = 1) -> None:
    some = studio.snapshot(row.id).part(split)[:n]
    other = {"up": "down", "down": "up"}
    studio.curation.relabel(
        row.project_id, {one.id: other[one.label] for one in some}, title="Mended"
    )


def test_what_was_mended_is_told_and_what_judges_is_counted(home: Home, engine: Engine) -> None:
    studio, row = first_run(home, engine)
    found = studio.mended(row)
    assert not found.since and (found.judging, found.after, found.obstacle) == (0, None, "")
    mend(studio, row, "train", 2)
    mend(studio, row, "val")
    left = studio.snapshot(row.id).part("test")[0]
    studio.curation.exclude(row.project_id, [left.id], title="Left out")
    found = studio.mended(row)
    assert found.since is not None
    assert (found.since.moved, found.since.left_out, found.judging) == (3, 1, 2)
    assert not found.solved


def test_the_next_run_goes_on_from_the_weights_on_the_mended_set(
    home: Home, engine: Engine
) -> None:
    studio, row = first_run(home, engine)
    mend(studio, row, "train")
    mend(studio, row, "val")
    after, _ = trained(home, engine, studio.start_mended(row))
    assert after.state == "finished", after.error
    origin = studio.origin(after.id)
    assert origin is not None and origin.weights and origin.run == row.id
    assert studio.versions.since(after.id, row.project_id) is not None
    found = studio.mended(row)
    assert found.after is not None and found.after.id == after.id and not found.newer
    (pair,) = studio.comparing.compare([after.id, row.id], split="val", reference=row.id).pairs
    assert pair.relabelled == 1  # the one that was mended asks another question now
    assert pair.n == len(studio.snapshot(row.id).part("val")) - 1
    mend(studio, after, "train")
    newer = studio.mended(row).newer
    assert newer is not None and newer.moved == 1


def test_a_solved_head_is_solved_anew(home: Home, engine: Engine) -> None:
    studio, row = first_run(home, engine, replace(SPEC, freeze=FreezeConfig(layers="exact-head")))
    mend(studio, row, "train")
    found = studio.mended(row)
    assert found.solved and found.obstacle
    after, _ = trained(home, engine, studio.start_mended(row))
    assert after.state == "finished", after.error
    origin = studio.origin(after.id)
    assert origin is not None and not origin.weights and origin.why == ""


def test_a_run_started_for_another_reason_is_not_taken_for_it(home: Home, engine: Engine) -> None:
    studio, row = first_run(home, engine)
    studio.start_changed(row.id, {"train.lr": 1e-3})
    assert studio.mended(row).after is None
    assert studio.draft(row.project_id).note == ""
