"""The supervisor: starts what may start, notices who is gone, goes home when nobody needs it."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import psutil
import pytest
from filelock import FileLock, Timeout
from sqlalchemy import update

from tests.unit.jobs.tiles import tiny_project
from tl_core.config import FreezeConfig, RunSpec, TrainConfig
from tl_core.jobs import supervisor as module
from tl_core.jobs.log import EventLog
from tl_core.jobs.processes import alive
from tl_core.jobs.queue import Queue
from tl_core.jobs.schema import open_engine, runs
from tl_core.jobs.submit import submit_training
from tl_core.jobs.supervisor import Supervisor, ensure_running
from tl_core.storage import Home


class FakeProcess:
    """A child that ends when the test says so."""

    pid = 0

    def __init__(self) -> None:
        self.code: int | None = None

    def poll(self) -> int | None:
        return self.code


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch) -> dict[str, FakeProcess]:
    started: dict[str, FakeProcess] = {}

    def start(name: str, *arguments: str, **_: Any) -> FakeProcess:
        return started.setdefault(arguments[0] if arguments else name, FakeProcess())

    monkeypatch.setattr(module, "start_detached", start)
    return started


def test_one_training_at_a_time_and_the_next_when_it_is_over(
    home: Home, children: dict[str, FakeProcess]
) -> None:
    boss, queue = Supervisor(home), Queue(open_engine(home))
    first, second = queue.submit("train", {}), queue.submit("train", {})
    boss.tick()
    boss.tick()
    assert list(children) == [first]
    queue.end(first, "finished")
    children[first].code = 0
    boss.tick()
    boss.tick()
    assert list(children) == [first, second]
    assert queue.get(first).state == "finished"


def test_taking_in_pictures_does_not_wait_for_training(
    home: Home, children: dict[str, FakeProcess]
) -> None:
    boss, queue = Supervisor(home), Queue(open_engine(home))
    ids = [queue.submit(kind, {}) for kind in ("train", "import", "download", "sample")]
    boss.tick()
    assert list(children) == ids[:3]  # two in the side lane


def test_a_killed_worker_leaves_an_interrupted_run(
    home: Home, children: dict[str, FakeProcess]
) -> None:
    boss, queue = Supervisor(home), Queue(open_engine(home))
    run_id = queue.submit("train", {})
    boss.tick()
    queue.started(run_id, 1)
    children[run_id].code = -9
    boss.tick()
    row = queue.get(run_id)
    assert (row.state, row.exit_code) == ("interrupted", -9)
    assert row.error is not None
    assert "Resume it" in row.error["hint"]


def test_a_run_of_an_earlier_supervisor_is_noticed_when_it_vanishes(
    home: Home, children: dict[str, FakeProcess]
) -> None:
    engine = open_engine(home)
    boss, queue = Supervisor(home), Queue(engine)
    run_id = queue.submit("train", {})
    queue.claim("train", "an earlier one")
    queue.started(run_id, 2**22 + 1)  # no such process
    boss.tick()
    assert queue.get(run_id).state == "running"  # its last sign of life is fresh
    with engine.begin() as connection:
        connection.execute(update(runs).values(heartbeat_at=time.time() - 60))
    boss.tick()
    assert queue.get(run_id).state == "interrupted"


def test_a_slow_but_living_worker_is_left_alone(
    home: Home, children: dict[str, FakeProcess], monkeypatch: pytest.MonkeyPatch
) -> None:
    boss, queue = Supervisor(home), Queue(open_engine(home))
    run_id = queue.submit("train", {})
    queue.claim("train", "an earlier one")
    queue.started(run_id, os.getpid())
    monkeypatch.setattr(module, "STALE_S", -1.0)  # any sign of life counts as old
    boss.tick()
    assert queue.get(run_id).state == "running"


def test_a_number_that_was_given_away_again_is_not_the_worker() -> None:
    now = time.time()
    assert alive(os.getpid(), now)
    assert not alive(os.getpid(), now - 10_000)  # this process is younger than that sign of life
    assert not alive(None, now)


def test_the_task_process_is_started_when_there_is_a_task(
    home: Home, children: dict[str, FakeProcess]
) -> None:
    boss, queue = Supervisor(home), Queue(open_engine(home))
    boss.tick()
    assert children == {}
    queue.submit("predict", {})
    boss.tick()
    boss.tick()
    assert list(children) == ["tl_core.jobs.tasks"]


def test_it_goes_home_when_nobody_is_there(
    home: Home, children: dict[str, FakeProcess], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LONELY_S", -1.0)
    boss, queue = Supervisor(home), Queue(open_engine(home))
    assert not boss.tick()
    run_id = queue.submit("train", {})
    monkeypatch.setattr(module, "LONELY_S", 1e-9)
    boss.tick()
    assert run_id in children


def test_only_one_serves_a_home(home: Home, children: dict[str, FakeProcess]) -> None:
    with FileLock(home.root / "supervisor.lock"):
        done = threading.Thread(target=ensure_running, args=(home,))
        done.start()
        done.join()
    assert children == {}
    ensure_running(home)
    assert list(children) == ["tl_core.jobs.supervisor"]


@pytest.fixture
def served(home: Home) -> Iterator[Home]:
    """A home with a real supervisor, ended afterwards together with what it started."""
    ensure_running(home)
    lock = FileLock(home.root / "supervisor.lock")
    until(lambda: _is_held(lock))
    yield home
    pid = _service_pid(home)
    for process in [*psutil.Process(pid).children(recursive=True), psutil.Process(pid)]:
        process.kill()
    # let the zombie be reaped by whoever owns it; nothing of ours runs any more


def _is_held(lock: FileLock) -> bool:
    try:
        lock.acquire(blocking=False)
    except Timeout:
        return True
    lock.release()
    return False


def _service_pid(home: Home) -> int:
    from sqlalchemy import select

    from tl_core.jobs.schema import services

    with open_engine(home).connect() as connection:
        query = select(services.c.pid).where(services.c.name == module.SUPERVISOR)
        return int(connection.execute(query).scalar_one())


def until(reached: Callable[[], bool], limit_s: float = 90.0) -> None:
    """Wait for a condition; fail loudly when it never comes."""
    waiting = threading.Event()
    end = time.monotonic() + limit_s
    while not reached():
        if time.monotonic() > end:
            pytest.fail("waited in vain")
        waiting.wait(0.1)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_real_worker_is_killed_noticed_resumed_and_another_waits(served: Home) -> None:
    engine = open_engine(served)
    queue, log = Queue(engine), EventLog(engine)
    project_id = tiny_project(served, engine)
    spec = RunSpec(
        freeze=FreezeConfig(layers="all"),
        train=TrainConfig(epochs=40, lr=1e-4, batch_size=4, image_size=64),
    )
    run_id = submit_training(served, engine, project_id, spec)
    waiting = submit_training(served, engine, project_id, spec)
    until(lambda: log.last(run_id, "checkpoint_saved") is not None)
    assert queue.get(waiting).place == 1
    queue.command(waiting, "stop")
    pid = queue.get(run_id).pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    until(lambda: queue.get(run_id).state == "interrupted")
    queue.requeue(run_id)
    until(lambda: log.last(run_id, "run_resumed") is not None)
    queue.command(run_id, "pause")
    until(lambda: queue.get(run_id).state == "paused")
    queue.command(run_id, "stop")
    until(lambda: queue.get(run_id).over)
    row = queue.get(run_id)
    assert row.state == "finished", row.error
    assert row.result is not None
    assert row.result["reason"] == "stopped"
    assert queue.get(waiting).state == "cancelled"


def test_who_died_over_pictures_is_told_what_to_do_with_pictures(
    home: Home, children: dict[str, FakeProcess]
) -> None:
    boss, queue = Supervisor(home), Queue(open_engine(home))
    hints = {}
    for kind in ("import", "train", "check"):
        run_id = queue.submit(kind, {})
        boss.tick()
        children[run_id].code = -9
        boss.tick()
        row = queue.get(run_id)
        assert row.state == "interrupted"
        assert row.error is not None
        hints[kind] = row.error["hint"]
    assert hints == {
        "import": "The pictures you had before are untouched; bring the new ones again.",
        "train": "Resume it: training goes on after the last finished epoch.",
        "check": "What was there before is untouched; ask for it again.",
    }
