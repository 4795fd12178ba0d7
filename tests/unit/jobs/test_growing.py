"""Learning curve and control of a project, as background work, on pictures drawn for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tl_core.config import DataConfig
from tl_core.data.intake import take_in
from tl_core.data.sample import SampleOptions, write_sample
from tl_core.errors import TooFewImagesError
from tl_core.jobs import controlling
from tl_core.jobs.library import Library
from tl_core.jobs.queue import Queue
from tl_core.jobs.schema import open_engine
from tl_core.jobs.work import carry_out
from tl_core.storage import Home
from tl_core.worth import control
from tl_core.worth.budget import Budget
from tl_core.worth.growth import growth_from_dict
from tl_core.worth.transfer import transfer_from_dict


def asked(home: Home, root: Path, kind: str) -> str:
    engine = open_engine(home)
    library = Library(engine)
    project = library.create("Tiles")
    library.replace_images(project.id, take_in(root, home), DataConfig())
    return Queue(engine).submit(kind, {}, project_id=project.id, name=kind)


@pytest.mark.slow
def test_the_drawn_sample_has_a_curve(home: Home, tmp_path: Path) -> None:
    write_sample(tmp_path / "tiles", SampleOptions(per_class=24))
    task = asked(home, tmp_path / "tiles", "learning_curve")
    engine = open_engine(home)
    row = Queue(engine).claim("side", "test", task)
    assert row is not None
    done = carry_out(home, engine, row)
    assert done.state == "finished", done.error
    result = done.result
    assert result is not None
    found = growth_from_dict(result["growth"])
    _, records, splits = Library(engine).records(row.project_id)
    assert found.pictures == len(records) - splits.count("test")
    assert len(found.classes) == 6 and found.majority < 0.25
    shares = [one.value for one in found.overall.points]
    assert shares[-1] > shares[0] + 0.05
    assert all(one.low <= one.value <= one.high for one in found.overall.points)


def test_too_few_pictures_are_told(home: Home, tmp_path: Path) -> None:
    write_sample(tmp_path / "tiles", SampleOptions(per_class=4))
    engine = open_engine(home)
    task = asked(home, tmp_path / "tiles", "learning_curve")
    row = Queue(engine).claim("side", "test", task)
    assert row is not None
    done = carry_out(home, engine, row)
    assert done.state == "failed" and done.error is not None
    assert done.error["code"] == TooFewImagesError.code
    assert "It takes 40 pictures" in done.error["message"]


@pytest.mark.slow
def test_a_control_is_run_told_and_gone_on_with(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(controlling, "Budget", lambda: Budget(rates=(1e-3,), epochs=(1,)))
    write_sample(tmp_path / "tiles", SampleOptions(per_class=10))
    engine = open_engine(home)
    task = asked(home, tmp_path / "tiles", "control")
    row = Queue(engine).claim("train", "test", task)
    assert row is not None
    done = carry_out(home, engine, row)
    assert done.state == "finished" and done.result is not None, done.error
    found = transfer_from_dict(done.result["transfer"])
    assert found.verdict == "helps"  # one epoch of nothing against a network that has seen much
    assert len(found.arm("scratch").values) == 10 and found.image_px == 64
    _, records, splits = Library(engine).records(row.project_id)
    assert found.pictures == len(records) - splits.count("test")

    def never(*given: object) -> None:
        raise AssertionError("what was computed is computed again")

    monkeypatch.setattr(control, "_trained", never)
    queue = Queue(engine)
    again = queue.submit("control", {}, project_id=row.project_id, name="control")
    second = queue.claim("train", "test", again)
    assert second is not None
    repeated = carry_out(home, engine, second)
    assert repeated.state == "finished" and repeated.result is not None, repeated.error
    assert repeated.result["transfer"] == done.result["transfer"]
