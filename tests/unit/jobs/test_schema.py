"""Opening a home: several processes at once, the same tables."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import inspect, select, text, update

from tests.unit.jobs.test_library import intake
from tl_core.config import DataConfig
from tl_core.errors import StorageError
from tl_core.jobs.curation import Curation
from tl_core.jobs.library import Library
from tl_core.jobs.queue import Queue
from tl_core.jobs.schema import VERSION, about, metadata, open_engine
from tl_core.storage import Home


def test_a_fresh_home_may_be_opened_by_many_at_once(home: Home) -> None:
    failed: list[BaseException] = []
    together = threading.Barrier(8)

    def work() -> None:
        together.wait()
        try:
            open_engine(home)
        except BaseException as err:
            failed.append(err)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert set(inspect(open_engine(home)).get_table_names()) == set(metadata.tables)


def test_a_store_of_a_newer_version_is_not_touched(home: Home) -> None:
    with open_engine(home).begin() as connection:
        connection.execute(update(about).values(version=VERSION + 1))
    with pytest.raises(StorageError, match="newer Thaw") as caught:
        open_engine(home)
    assert "THAW_HOME" in caught.value.hint


def test_a_store_of_the_first_version_is_brought_up(home: Home) -> None:
    engine = open_engine(home)
    project = Library(engine).create("Insects")
    Library(engine).replace_images(project.id, intake(), DataConfig())
    with engine.begin() as connection:  # as version 1 left it
        connection.execute(text("DROP TABLE changes"))
        for name in ("excluded", "group_key", "taken", "camera"):
            connection.execute(text(f"ALTER TABLE images DROP COLUMN {name}"))
        connection.execute(text("ALTER TABLE projects DROP COLUMN reading"))
        connection.execute(update(about).values(version=1))
    engine = open_engine(home)
    assert Library(engine).count(project.id) == 40
    assert Library(engine).get(project.id).reading == {}
    assert Library(engine).records(project.id)[1][0].camera == ""
    assert Curation(engine).exclude(project.id, [1], title="out") == 1
    with engine.connect() as connection:
        assert connection.execute(select(about.c.version)).scalar() == VERSION


def test_a_store_from_before_runs_had_tags_keeps_its_runs_and_takes_tags(home: Home) -> None:
    engine = open_engine(home)
    project = Library(engine).create("Insects")
    run_id = Queue(engine).submit("train", {}, project_id=project.id, name="first")
    with engine.begin() as connection:  # as version 3 left it
        connection.execute(text("ALTER TABLE projects DROP COLUMN compared"))
        for name in ("tags", "note", "tested_at"):
            connection.execute(text(f"ALTER TABLE runs DROP COLUMN {name}"))
        connection.execute(update(about).values(version=3))
    engine = open_engine(home)
    row = Queue(engine).get(run_id)
    assert (row.name, row.tags, row.note, row.tested_at) == ("first", (), "", None)
    assert Library(engine).get(project.id).compared == {}
    Queue(engine).describe(run_id, name="second", tags=["good"], note="bright ones only")
    row = Queue(open_engine(home)).get(run_id)
    assert (row.name, row.tags, row.note) == ("second", ("good",), "bright ones only")
    with engine.connect() as connection:
        assert connection.execute(select(about.c.version)).scalar() == VERSION
