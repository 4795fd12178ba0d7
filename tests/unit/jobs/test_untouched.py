"""Test pictures are for the final evaluation: nothing learns from them, or chooses by them."""

from __future__ import annotations

import ast
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, update

from tests.arch.sources import python_files, shown, tree_of
from tests.unit.check.sets import scene
from tests.unit.jobs.tiles import tiny_project
from tl_core.config import DataConfig, RunSpec, changed
from tl_core.data.intake import take_in
from tl_core.jobs.library import Library
from tl_core.jobs.queue import Queue
from tl_core.jobs.quick import KINDS
from tl_core.jobs.schema import images, open_engine
from tl_core.jobs.submit import submit_training
from tl_core.jobs.training import train
from tl_core.jobs.work import Context
from tl_core.storage import Home, read_json

LAYERS = ("head", "last:1", "exact-head", "deep-probe")
# Who asks for the test part of a run, and what for; a new place is to be thought about.
ASKS = {
    "tl_core/jobs/training.py": "prepares them, and counts them for the events",
    "tl_core/jobs/judging.py": "judges at the end",
    "tl_core/jobs/comparing.py": "shows those that finished runs answer differently",
    "tl_core/jobs/embedding.py": "lays them out on the map of a finished run",
    "tl_core/jobs/mapping.py": "shows them on that map",
    "tl_core/jobs/familiar.py": "compares pictures that come in with them, after training",
    "tl_ui/views/predict.py": "offers one as an example to try",
    "tl_core/jobs/exporting.py": "tries the bundle on them after training",
    "tl_core/jobs/continuing.py": "refuses to go on where they have taught or chosen before",
}


def done(home: Home, layers: str, *, other_test: bool) -> tuple[dict[str, Any], bytes]:
    """A run's result and weights; ``other_test``: every test picture is of the other class."""
    engine = open_engine(home)
    project = tiny_project(home, engine)
    if other_test:
        with engine.begin() as connection:
            mine = (images.c.project_id == project) & (images.c.split == "test")
            for row in list(connection.execute(images.select().where(mine))):
                label = {"up": "down", "down": "up"}[row.label]
                here = mine & (images.c.image_id == row.image_id)
                connection.execute(update(images).where(here).values(label=label))
    small = {"freeze.layers": layers, "train.image_size": 64, "train.epochs": 3}
    run_id = submit_training(home, engine, project, changed(RunSpec(), small))
    row = Queue(engine).claim("train", "test", run_id)
    assert row is not None
    result = train(Context(home, engine, row))
    weights = (home.run_dir(run_id) / "model.safetensors").read_bytes()
    report = read_json(home.run_dir(run_id) / "report-val.json")
    return {**result, "val": report["accuracy"]}, weights


@pytest.mark.parametrize("layers", LAYERS)
def test_a_run_learns_and_chooses_the_same_whatever_the_test_part_is(
    tmp_path_factory: pytest.TempPathFactory, layers: str
) -> None:
    first, second = (Home(tmp_path_factory.mktemp(name)) for name in ("one", "two"))
    one, weights = done(first, layers, other_test=False)
    # a busy machine may find another precision faster the second time, which is no other learning
    measured = first.folder("cache", "numerics")
    shutil.copytree(measured, second.folder("cache", "numerics"), dirs_exist_ok=True)
    two, same = done(second, layers, other_test=True)
    assert weights == same
    for name in ("val", "val_accuracy", "best_epoch", "epochs", "reason"):
        assert one[name] == two[name], name
    assert one["test_accuracy"] == pytest.approx(1 - two["test_accuracy"])


def scenes(home: Home, engine: Engine) -> str:
    """A project of 20 scenes of each class, no two of them alike."""
    with tempfile.TemporaryDirectory() as folder:
        for number in range(40):
            path = Path(folder) / ("up", "down")[number % 2] / f"{number}.png"
            path.parent.mkdir(exist_ok=True)
            scene(number, side=64).save(path)
        intake = take_in(Path(folder), home)
    project = Library(engine).create("Scenes")
    Library(engine).replace_images(project.id, intake, DataConfig(test_fraction=0.25))
    return project.id


def asked(home: Home, kind: str, *, other_test: bool) -> dict[str, Any]:
    """The result of a quick task, with the labels of the test part as they are or exchanged."""
    engine = open_engine(home)
    project = scenes(home, engine)
    if other_test:
        rows = Library(engine).images(project, split="test", limit=None)
        with engine.begin() as connection:
            for row in rows:
                here = (images.c.project_id == project) & (images.c.image_id == row.id)
                label = {"up": "down", "down": "up"}[row.label]
                connection.execute(update(images).where(here).values(label=label))
    task = Queue(engine).submit(kind, {}, project_id=project)
    row = Queue(engine).claim({"check": "side"}.get(kind, "quick"), "test", task)
    assert row is not None
    return KINDS[kind](Context(home, engine, row))


@pytest.mark.parametrize("kind", ["baseline", "check"])
def test_what_is_said_before_training_does_not_know_the_test_labels(
    tmp_path_factory: pytest.TempPathFactory, kind: str
) -> None:
    one = asked(Home(tmp_path_factory.mktemp("one")), kind, other_test=False)
    two = asked(Home(tmp_path_factory.mktemp("two")), kind, other_test=True)
    if kind == "check":
        assert one["honesty"] is not None and one["honesty"]["pictures"] < one["pictures"]
        one["findings"], two["findings"] = _learnt(one), _learnt(two)
    for name in one.keys() - {"seconds"}:
        assert one[name] == two[name], name


def _learnt(result: dict[str, Any]) -> list[Any]:
    """Findings that come from learning; counts and copies look at every picture's record."""
    kinds = ("wrong_labels", "shortcut", "gap")
    return [one for one in result["findings"] if one["kind"] in kinds]


def test_nobody_else_asks_for_the_test_part() -> None:
    found = set()
    for path in python_files("tl_core", "tl_ui", "pages"):
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                words = [
                    ast.unparse(one) for one in (*node.args, *(k.value for k in node.keywords))
                ]
                if node.func.attr == "part" and "'train'" not in words and "'val'" not in words:
                    found.add(shown(path))
    assert found == set(ASKS)
