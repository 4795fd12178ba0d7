"""A bundle's repeat.py trains the same network from the same pictures under other names."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.jobs.tiles import tiny_project, write_tiles
from tl_core.config import RunSpec, changed
from tl_core.jobs.exporting import write_run_bundle
from tl_core.jobs.queue import Queue
from tl_core.jobs.schema import open_engine
from tl_core.jobs.submit import submit_training
from tl_core.jobs.work import carry_out
from tl_core.storage import Home

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = Home(tmp_path_factory.mktemp("home"))
    engine = open_engine(home)
    project = tiny_project(home, engine)
    small = {"freeze.layers": "exact-head", "train.image_size": 64}
    run_id = submit_training(home, engine, project, changed(RunSpec(), small))
    row = Queue(engine).claim("train", "test", run_id)
    assert row is not None
    assert carry_out(home, engine, row).state == "finished"
    target = tmp_path_factory.mktemp("out") / "bundle"
    write_run_bundle(home, engine, run_id, target)
    return target


def renamed(folder: Path) -> Path:
    """The tiles in other folders and under other names, with the classes drawn together."""
    (folder / "all" / "pictures").mkdir(parents=True)
    for number, file in enumerate(sorted(write_tiles(folder / "tiles").rglob("*.png"))):
        shutil.copy(file, folder / "all" / "pictures" / f"x{number}.png")
    return folder / "all"


def repeat(bundle: Path, pictures: Path, home: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(bundle / "repeat.py"), str(pictures), str(home)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_trains_again_with_the_same_score(bundle: Path, tmp_path: Path) -> None:
    done = repeat(bundle, renamed(tmp_path), tmp_path / "home")
    assert done.returncode == 0, done.stderr
    assert "All 24 pictures were found." in done.stdout
    assert "The same." in done.stdout


def test_missing_pictures_are_counted_by_class(bundle: Path, tmp_path: Path) -> None:
    pictures = renamed(tmp_path)
    for number in (0, 1):
        (pictures / "pictures" / f"x{number}.png").unlink()
    done = repeat(bundle, pictures, tmp_path / "home")
    assert done.returncode == 2
    assert "2 of the 24 pictures are missing, of: down." in done.stderr
