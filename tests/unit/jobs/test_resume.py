"""Training cannot be lost: killed in every epoch and resumed, it ends with the same numbers."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.jobs.tiles import tiny_project
from tl_core.config import FreezeConfig, RunSpec, TrainConfig
from tl_core.jobs.log import EventLog
from tl_core.jobs.queue import Queue
from tl_core.jobs.schema import open_engine
from tl_core.jobs.submit import submit_training
from tl_core.jobs.view import RunView, fold
from tl_core.storage import Home, file_digest, read_json

ROOT = Path(__file__).resolve().parents[3]
SPEC = RunSpec(
    freeze=FreezeConfig(layers="last:1"),
    train=TrainConfig(epochs=4, lr=1e-3, batch_size=8, image_size=32, dropout=0.2, seed=7),
)


def process(home: Home, module: str, *arguments: str) -> int:
    environment = {**os.environ, "THAW_HOME": str(home.root), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


def outcome(home: Home, run_id: str) -> dict[str, object]:
    """All numbers of a finished run: every epoch, the result, the weights to the bit."""
    engine = open_engine(home)
    view = fold(RunView(run_id=run_id), EventLog(engine).after(run_id))
    folder = home.run_dir(run_id)
    assert view.finished is not None
    return {
        "history": view.history,
        "finished": replace(view.finished, findings=[]),
        "findings": view.findings,
        "weights": file_digest(folder / "model.safetensors"),
        "reports": [read_json(folder / f"report-{split}.json") for split in ("val", "test")],
    }


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
@pytest.mark.slow
def test_killed_in_every_epoch_a_run_ends_as_if_it_never_was(home: Home) -> None:
    engine = open_engine(home)
    queue = Queue(engine)
    project_id = tiny_project(home, engine)
    undisturbed = submit_training(home, engine, project_id, SPEC)
    assert queue.claim("train", "test", undisturbed) is not None
    assert process(home, "tl_core.jobs.worker", undisturbed) == 0

    run_id = submit_training(home, engine, project_id, SPEC)
    moments = [
        ("step_done", 1),  # in the middle of an epoch, before there is any checkpoint
        ("step_done", 2),
        ("epoch_done", 3),  # the epoch is in the log, its checkpoint is not on disk
        ("checkpoint_saved", 4),
        ("judging", 0),  # after the last epoch
    ]
    for name, epoch in moments:
        assert queue.claim("train", "test", run_id) is not None
        code = process(home, "tests.unit.jobs.killer", run_id, name, str(epoch))
        assert code == -9, f"was not killed at {name} {epoch}"
        assert queue.end(run_id, "interrupted", exit_code=code)
        queue.requeue(run_id)
    assert queue.claim("train", "test", run_id) is not None
    assert process(home, "tl_core.jobs.worker", run_id) == 0

    assert queue.get(run_id).state == "finished"
    assert outcome(home, run_id) == outcome(home, undisturbed)
