"""A run keeps its own pictures and the rule they were read by."""

from __future__ import annotations

from dataclasses import replace

from tests.unit.jobs.test_library import intake
from tl_core.config import DataConfig, RunSpec
from tl_core.data.reading import Reading
from tl_core.jobs.library import Library
from tl_core.jobs.schema import open_engine
from tl_core.jobs.submit import read_snapshot, submit_training
from tl_core.storage import Home, read_json, write_json

RULE = Reading(low=12, high=900, unit="HU", pictures=40)


def test_the_rule_goes_with_the_run(home: Home) -> None:
    engine = open_engine(home)
    library = Library(engine)
    project = library.create("CT")
    library.replace_images(project.id, replace(intake(), reading=RULE.to_dict()), DataConfig())
    run_id = submit_training(home, engine, project.id, RunSpec())
    library.replace_images(project.id, intake(), DataConfig())  # the set changes, the run does not
    assert Reading.from_dict(read_snapshot(home, run_id).reading) == RULE
    assert library.get(project.id).reading == {}


def test_a_run_of_an_earlier_version_has_no_rule(home: Home) -> None:
    engine = open_engine(home)
    library = Library(engine)
    project = library.create("Insects")
    library.replace_images(project.id, intake(), DataConfig())
    run_id = submit_training(home, engine, project.id, RunSpec())
    path = home.run_dir(run_id) / "data.json"
    body = read_json(path)
    del body["reading"]
    write_json(path, body)
    assert read_snapshot(home, run_id).reading == {}
    assert len(read_snapshot(home, run_id).images) == 40
