"""The tables, and the engine that reaches them.

SQLite in WAL mode by default: many readers beside one writer, and a killed process leaves no half
a transaction. ``THAW_DATABASE_URL`` names another database (PostgreSQL) instead.

======== ==========================================================================================
projects one row per project: name, draft of the settings, how pictures are split and read, and
         which runs are compared
images   one row per picture of a project's current set, those left out included
changes  the history of that set: what was changed, before and after
marks    pictures selected in the gallery, so that a selection outlives the page
refused  files that were not taken in, with the reason
runs     every piece of background work, training or not: the queue and its outcome; of trainings
         also tags, a note, and when they were first compared on the test pictures
events   what runs say, numbered per run from 1
commands what pages ask of a running run: pause, continue, stop, open:2 or keep:2 at a gate
services one row per long-lived process with its last sign of life
about    one row: the version of these tables
======== ==========================================================================================
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Any

from filelock import FileLock
from sqlalchemy import (
    JSON,
    Column,
    Connection,
    Engine,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    event,
    insert,
    inspect,
    select,
    text,
    update,
)
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool
from sqlalchemy.schema import CreateIndex, CreateTable

from tl_core.errors import StorageError
from tl_core.storage import Home

__all__ = [
    "changes",
    "commands",
    "events",
    "images",
    "marks",
    "open_engine",
    "projects",
    "refused",
    "runs",
    "scrub",
    "services",
]

VERSION = 4  # of the tables; a change of columns raises it and brings a step from the one before
metadata = MetaData()

projects = Table(
    "projects",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("name", Text, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("updated_at", Float, nullable=False),
    Column("draft", JSON, nullable=False),
    Column("data_config", JSON, nullable=False),
    Column("notes", JSON, nullable=False),
    Column("given_splits", JSON, nullable=False),
    Column("sample", Integer, nullable=False, default=0),
    Column("data_version", Integer, nullable=False, default=0),
    Column("reading", JSON, nullable=False, default=dict, server_default="{}"),
    Column("compared", JSON, nullable=False, default=dict, server_default="{}"),
)

images = Table(
    "images",
    metadata,
    Column("project_id", String(32), primary_key=True),
    Column("image_id", Integer, primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("path", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("given_split", String(8)),
    Column("split", String(8), nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("bytes", Integer, nullable=False),
    Column("format", String(16), nullable=False),
    Column("excluded", Integer, nullable=False, default=0, server_default="0"),
    Column("group_key", Text),
    Column("taken", Float),
    Column("camera", Text, nullable=False, default="", server_default=""),
    Index("images_by_class", "project_id", "label", "split"),
)

changes = Table(
    "changes",
    metadata,
    Column("project_id", String(32), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("at", Float, nullable=False),
    Column("title", Text, nullable=False),
    Column("before", JSON, nullable=False),
    Column("after", JSON, nullable=False),
    Column("config_before", JSON, nullable=False),
    Column("config_after", JSON, nullable=False),
    Column("undone", Integer, nullable=False, default=0),
)

marks = Table(
    "marks",
    metadata,
    Column("project_id", String(32), primary_key=True),
    Column("image_id", Integer, primary_key=True),
)

refused = Table(
    "refused",
    metadata,
    Column("project_id", String(32), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("file", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("code", String(32), nullable=False),
)

runs = Table(
    "runs",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("project_id", String(32), nullable=False, index=True),
    Column("kind", String(16), nullable=False),
    Column("lane", String(8), nullable=False),
    Column("name", Text, nullable=False),
    Column("spec", JSON, nullable=False),
    Column("state", String(12), nullable=False),
    Column("queued_at", Float, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("started_at", Float),
    Column("ended_at", Float),
    Column("heartbeat_at", Float),
    Column("claimed_by", String(64)),
    Column("pid", Integer),
    Column("exit_code", Integer),
    Column("error", JSON),
    Column("result", JSON),
    Column("tags", JSON, nullable=False, default=list, server_default="[]"),
    Column("note", Text, nullable=False, default="", server_default=""),
    Column("tested_at", Float),
    Index("runs_by_lane", "lane", "state", "queued_at"),
)

events = Table(
    "events",
    metadata,
    Column("run_id", String(32), primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("at", Float, nullable=False),
    Column("kind", String(24), nullable=False),
    Column("body", JSON, nullable=False),
)

commands = Table(
    "commands",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("run_id", String(32), nullable=False, index=True),
    Column("kind", String(12), nullable=False),
    Column("at", Float, nullable=False),
)

services = Table(
    "services",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("pid", Integer, nullable=False),
    Column("heartbeat_at", Float, nullable=False),
)


about = Table("about", metadata, Column("version", Integer, primary_key=True))

_ADDED = (  # columns that came after the first version: table, name, type
    ("images", "excluded", "INTEGER NOT NULL DEFAULT 0"),
    ("images", "group_key", "TEXT"),
    ("images", "taken", "FLOAT"),
    ("images", "camera", "TEXT NOT NULL DEFAULT ''"),
    ("projects", "reading", "JSON NOT NULL DEFAULT '{}'"),
    ("projects", "compared", "JSON NOT NULL DEFAULT '{}'"),
    ("runs", "tags", "JSON NOT NULL DEFAULT '[]'"),
    ("runs", "note", "TEXT NOT NULL DEFAULT ''"),
    ("runs", "tested_at", "FLOAT"),
)


def open_engine(home: Home) -> Engine:
    """Connect to the store of a home, creating its tables when missing.

    Connections are opened per use (NullPool): they are cheap on SQLite, and no thread or forked
    process can then inherit one.
    """
    url = os.environ.get("THAW_DATABASE_URL") or f"sqlite:///{home.database}"
    engine = create_engine(url, poolclass=NullPool)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _sqlite_settings)
    # One at a time: turning a fresh SQLite file to WAL does not wait for others by itself.
    with FileLock(home.root / "store.lock"), engine.begin() as connection:
        for table in metadata.sorted_tables:
            connection.execute(CreateTable(table, if_not_exists=True))
            for index in table.indexes:
                connection.execute(CreateIndex(index, if_not_exists=True))
        found = connection.execute(select(about.c.version)).scalar()
        if found is None:
            connection.execute(insert(about).values(version=VERSION))
        elif found < VERSION:
            _bring_up(connection)
    if found is not None and found < VERSION:
        scrub(engine, whole=True)
    if found is not None and found > VERSION:
        raise StorageError(
            "This store was written by a newer Thaw.",
            hint="Update Thaw, or name another folder by THAW_HOME.",
        )
    return engine


def scrub(engine: Engine, *, whole: bool = False) -> None:
    """Leave nothing of deleted rows in the files of SQLite; other databases see to it themselves.

    Deleted rows are overwritten at once (``secure_delete``), but live on in the log of changes
    until it is emptied. ``whole`` also writes the file anew, for one in which rows were deleted
    before they were overwritten. Left for the next time where another process is at work.
    """
    if engine.dialect.name != "sqlite":
        return
    with suppress(OperationalError), engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT")
        if whole:
            connection.execute(text("VACUUM"))
        connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))


def _bring_up(connection: Connection) -> None:
    """Add what newer versions have to tables that an older one made; their rows stay."""
    for table, name, kind in _ADDED:
        there = {column["name"] for column in inspect(connection).get_columns(table)}
        if name not in there:
            connection.execute(text(f"ALTER TABLE {table} ADD COLUMN {name} {kind}"))
    connection.execute(update(about).values(version=VERSION))


def _sqlite_settings(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA busy_timeout=10000")  # ms a writer waits for another
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute("PRAGMA secure_delete=ON")  # deleted rows are overwritten, not just let go of
    cursor.close()
