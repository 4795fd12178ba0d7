"""A bundle brought to another machine: it answers there and can be gone on from."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sqlalchemy import Engine

from tests.unit.jobs.test_probing import run
from tests.unit.jobs.tiles import write_tiles
from tl_core.cli.main import main
from tl_core.config import RunSpec
from tl_core.errors import DataError, ExportError
from tl_core.jobs import confidence, exporting
from tl_core.jobs.batches import kept_batch
from tl_core.jobs.predicting import predict_with_run
from tl_core.jobs.queue import Queue
from tl_core.jobs.quick import KINDS
from tl_core.jobs.removing import in_use
from tl_core.jobs.schema import open_engine
from tl_core.jobs.work import Context
from tl_core.session import Studio
from tl_core.storage import Home


def made(folder: Path, layers: str) -> Path:
    """A bundle made in a home of its own that is gone, its answers then beside it."""
    home = Home(folder / "home")
    engine = open_engine(home)
    run_id, _ = run(home, engine, freeze__layers=layers)
    with pytest.MonkeyPatch.context() as patched:  # so few pictures promise nothing
        patched.setattr(confidence, "conformal_limit", lambda answers, promised: 0.3)
        exporting.write_run_bundle(home, engine, run_id, folder / "birds")
    write_tiles(folder / "new", per_class=4)
    files = [(path.name, path) for path in sorted((folder / "new").rglob("*.png"))]
    then = predict_with_run(home, engine, run_id, files)
    (folder / "then.json").write_text(json.dumps(then))
    shutil.rmtree(home.root)
    return folder


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("sender"), "exact-head")


@pytest.fixture
def studio(home: Home) -> Studio:
    return Studio(home)


def done(
    home: Home, engine: Engine, kind: str, project_id: str, **spec: object
) -> tuple[str, dict[str, Any]]:
    queue = Queue(engine)
    task = queue.submit(kind, spec, project_id=project_id)
    row = queue.get(task)
    assert queue.claim(row.lane, "test", task) is not None
    result = KINDS[kind](Context(home, engine, queue.get(task)))
    queue.end(task, "finished", exit_code=0, result=result)
    return task, result


def brought_to(studio: Studio, sent: Path) -> str:
    engine = open_engine(studio.home)
    project = studio.create("Birds")
    where = str(sent / "birds.zip")
    _, told = done(studio.home, engine, "bring_bundle", project.id, folder=where, name="birds.zip")
    assert told == {"name": "birds", "classes": 2, "weights": True}
    return project.id


@pytest.mark.parametrize("layers", ["exact-head", "deep-probe"])
def test_it_answers_as_it_did_where_it_was_made(
    studio: Studio, sent: Path, tmp_path: Path, layers: str
) -> None:
    sent = sent if layers == "exact-head" else made(tmp_path, layers)
    project_id = brought_to(studio, sent)
    found = studio.brought(project_id)
    assert found is not None and found.certified == "same" and found.obstacle == ""
    assert found.classes == ("down", "up") and found.scores is not None
    files = sorted((sent / "new").rglob("*.png"))
    digests = [studio.keep_picture(path.name, path.read_bytes()).digest for path in files]
    engine = open_engine(studio.home)
    _, told = done(studio.home, engine, "predict", project_id, bundle=True, digests=digests)
    then = json.loads((sent / "then.json").read_text())
    assert [one["file"] for one in told["answers"]] == digests
    for now, before in zip(told["answers"], then, strict=True):
        assert now["top"][0][0] == before["top"][0][0]
        assert now["top"][0][1] == pytest.approx(before["top"][0][1], abs=1e-4)


def test_many_pictures_are_answered_with_the_classes_that_are_likely(
    studio: Studio, sent: Path, tmp_path: Path
) -> None:
    project_id = brought_to(studio, sent)
    shutil.copytree(sent / "new", tmp_path / "in")
    (tmp_path / "in" / "broken.png").write_bytes(b"no picture")
    engine = open_engine(studio.home)
    task, told = done(
        studio.home, engine, "predict_many", project_id, bundle=True, folder=str(tmp_path / "in")
    )
    assert (told["pictures"], told["errors"]) == (9, 1)
    batch = kept_batch(studio.home, project_id, task)
    assert batch is not None and batch.promised == 0.9 and not batch.refuses
    digest = next(one.digest for one in batch.rows if one.digest)
    assert digest in in_use(studio.home, engine)
    studio.forget_answers(project_id, task)
    assert kept_batch(studio.home, project_id, task) is None
    assert not studio.home.has_blob(digest)


def test_a_training_begins_with_its_weights(studio: Studio, sent: Path) -> None:
    project_id = brought_to(studio, sent)
    model, found = studio.draft(project_id).model, studio.brought(project_id)
    assert found is not None
    assert (model.name, model.weights) == ("resnet10t.tiny_imagenet", "file")
    assert model.weights_file == found.weights and studio.home.has_blob(found.weights)
    assert found.weights in in_use(studio.home, open_engine(studio.home))
    studio.save_draft(project_id, RunSpec())
    assert found.weights in in_use(studio.home, open_engine(studio.home)), "offered still"


def test_a_choice_made_before_stays(studio: Studio, sent: Path) -> None:
    project = studio.create("Mine")
    mine = RunSpec.from_dict({"train": {"epochs": 3}})
    studio.save_draft(project.id, mine)
    where = str(sent / "birds")
    done(studio.home, open_engine(studio.home), "bring_bundle", project.id, folder=where)
    assert studio.draft(project.id) == mine


def test_it_goes_with_its_project(studio: Studio, sent: Path, tmp_path: Path) -> None:
    project_id = brought_to(studio, sent)
    engine = open_engine(studio.home)
    folder = str(sent / "new")
    done(studio.home, engine, "predict_many", project_id, bundle=True, folder=folder)
    assert studio.home.bundle_dir(project_id).is_dir() and studio.home.blobs()
    studio.delete(project_id)
    assert not studio.home.bundle_dir(project_id).exists()
    assert not studio.home.blobs()


def test_what_is_no_bundle_leaves_the_old_one(studio: Studio, sent: Path, tmp_path: Path) -> None:
    project_id = brought_to(studio, sent)
    (tmp_path / "b.zip").write_bytes(b"no zip")
    engine = open_engine(studio.home)
    with pytest.raises(ExportError):
        done(studio.home, engine, "bring_bundle", project_id, folder=str(tmp_path / "b.zip"))
    with pytest.raises(DataError, match="nothing at"):
        done(studio.home, engine, "bring_bundle", project_id, folder=str(tmp_path / "c.zip"))
    assert studio.brought(project_id) is not None
    assert not [one for one in (studio.home.root / "bundles").iterdir() if one.name != project_id]


def test_weights_of_another_network_are_told_and_it_answers_all_the_same(
    studio: Studio, sent: Path, tmp_path: Path
) -> None:
    shutil.copytree(sent / "birds", tmp_path / "birds")
    spec = json.loads((tmp_path / "birds" / "spec.json").read_text())
    for name, why in (("resnet18.a1_in1k", "tensors"), ("nothing.at_all", "nothing.at_all")):
        spec["model"]["name"] = name
        (tmp_path / "birds" / "spec.json").write_text(json.dumps(spec))
        project = studio.create(name)
        engine = open_engine(studio.home)
        done(studio.home, engine, "bring_bundle", project.id, folder=str(tmp_path / "birds"))
        found = studio.brought(project.id)
        assert found is not None and found.weights == "" and why in found.obstacle
        assert studio.draft(project.id) == RunSpec()


def test_the_command_line_answers_archives_and_goes_on_from_a_bundle(
    home: Home, sent: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.make_archive(str(tmp_path / "new"), "zip", sent / "new")
    bundle = str(sent / "birds.zip")
    where = ["--home", str(home.root)]
    assert main(["predict", bundle, str(tmp_path / "new.zip"), "--json", *where]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    told = json.loads(line)
    assert len(told["pictures"]) == 8 and told["promised"] == 0.9
    assert all(one["likely"] is not None for one in told["pictures"])
    assert main(["predict", bundle, str(tmp_path / "new.zip"), "--none", *where]) == 2
    assert "none of these" in capsys.readouterr().err
    rng = np.random.default_rng(0)
    for label, low in (("dark", 0), ("light", 150)):
        (tmp_path / "own" / label).mkdir(parents=True)
        for at in range(8):
            pixels = rng.integers(low, low + 100, size=(40, 40, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "own" / label / f"{at}.png")
    own = str(tmp_path / "own")
    asked = ["train", own, "--weights", bundle, "--layers", "exact-head", "--image-size", "64"]
    assert main([*asked, *where]) == 0
    model = Studio(home).runs()[0].spec["model"]
    assert (model["name"], model["weights"]) == ("resnet10t.tiny_imagenet", "file")
    assert main([*asked, "--model", "resnet18.a1_in1k", *where]) == 2
    assert "Leave --model out" in capsys.readouterr().err
