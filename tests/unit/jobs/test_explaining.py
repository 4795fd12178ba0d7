"""Why a run answered so: every kind of run, kept with the run, and on the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.unit.jobs.test_probing import run
from tl_core.cli.main import main
from tl_core.errors import ConfigError
from tl_core.jobs.explaining import Explainer, folder_of
from tl_core.jobs.queue import Queue
from tl_core.jobs.quick import KINDS
from tl_core.jobs.removing import forget_run
from tl_core.jobs.schema import open_engine
from tl_core.jobs.work import Context
from tl_core.storage import Home


def asked(home: Home, run_id: str, digest: str, **more: Any) -> dict[str, Any]:
    engine = open_engine(home)
    queue = Queue(engine)
    task = queue.submit("explain", {"run_id": run_id, "digest": digest, **more})
    row = queue.claim("quick", "test", task)
    assert row is not None
    return KINDS["explain"](Context(home, engine, row))


@pytest.mark.parametrize("layers", ["exact-head", "deep-probe"])
@pytest.mark.parametrize("method", ["gradcam", "integrated"])
def test_a_run_says_why_it_answered_so(home: Home, layers: str, method: str) -> None:
    run_id, _ = run(home, open_engine(home), freeze__layers=layers)
    made = Explainer(home, open_engine(home), run_id)
    picture = made.one.snapshot.part("test")[0]
    body = asked(home, run_id, picture.digest, method=method)
    assert body["target"] == body["top"][0][0]
    assert (body["gap"] is None) == (method == "gradcam")
    assert body["gap"] is None or body["gap"] < 0.05
    assert -1 <= body["sanity"]["rank"] <= 1 and body["sanity"]["draws"] == 3
    assert body["sanity"]["trusted"] == (body["sanity"]["rank"] < 0.5)
    for name in ("photo", "heat", "overlay"):
        assert Path(body[name]).parent == folder_of(home, run_id) / picture.digest
        Image.open(body[name]).verify()
    assert [one["title"] for one in body["blocks"]] == [one.title for one in made.groups[:-1]]
    rows = body["neighbours"]["rows"]
    train = {one.digest: one.label for one in made.train}
    assert len(rows) == 6 and all(train[one["digest"]] == one["label"] for one in rows)
    assert [one["distance"] for one in rows] == sorted(one["distance"] for one in rows)


def test_what_was_made_is_kept_with_the_run_and_goes_with_it(home: Home) -> None:
    engine = open_engine(home)
    run_id, _ = run(home, engine, freeze__layers="exact-head")
    made = Explainer(home, engine, run_id)
    picture = made.train[0]
    first = asked(home, run_id, picture.digest)
    assert picture.digest not in [one["digest"] for one in first["neighbours"]["rows"]]
    assert asked(home, run_id, picture.digest) == first  # its seconds too: nothing was computed
    other = next(one for one in made.one.classes if one != first["target"])
    assert asked(home, run_id, picture.digest, target=other)["target"] == other
    with pytest.raises(ConfigError, match="knows no class"):
        asked(home, run_id, picture.digest, target="wasps")
    with pytest.raises(ConfigError, match="no method"):
        asked(home, run_id, picture.digest, method="guess")
    Queue(engine).end(run_id, "finished", exit_code=0)
    forget_run(home, engine, run_id)
    assert not [one for one in home.root.rglob("*") if "gradcam" in one.name]


def test_the_command_line_writes_maps_and_says_what_they_are_worth(
    home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_id, _ = run(home, open_engine(home), freeze__layers="exact-head")
    Image.new("RGB", (50, 40), (200, 30, 30)).save(tmp_path / "red.png")
    (tmp_path / "broken.png").write_bytes(b"no picture")
    out = tmp_path / "out"
    options = ["--out", str(out), "--home", str(home.root)]
    files = [str(tmp_path / "red.png"), str(tmp_path / "broken.png")]
    capsys.readouterr()
    assert main(["explain", run_id, *files, *options, "--method", "integrated", "--json"]) == 0
    told = capsys.readouterr()
    (row,) = json.loads(told.out)
    assert "broken.png" in told.err
    assert Path(row["overlay"]) == out / "001-red-integrated.png"
    assert all(Path(one["file"]).is_file() for one in row["blocks"])
    assert main(["explain", run_id, files[0], *options]) == 0
    assert main(["explain", "nothing", files[0], *options]) == 2
