"""The learning curve of a project, as background work, on pictures drawn for the purpose."""

from __future__ import annotations

from pathlib import Path

import pytest

from tl_core.config import DataConfig
from tl_core.data.intake import take_in
from tl_core.data.sample import SampleOptions, write_sample
from tl_core.errors import TooFewImagesError
from tl_core.jobs.library import Library
from tl_core.jobs.queue import Queue
from tl_core.jobs.schema import open_engine
from tl_core.jobs.work import carry_out
from tl_core.storage import Home
from tl_core.worth.growth import growth_from_dict


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
