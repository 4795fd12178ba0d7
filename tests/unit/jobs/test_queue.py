"""The queue: one truth per run, never taken twice, commands only for the living."""

from __future__ import annotations

import threading

import pytest

from tl_core.errors import RunNotFoundError, RunStateError
from tl_core.jobs.queue import Queue
from tl_core.jobs.schema import open_engine
from tl_core.storage import Home


@pytest.fixture
def queue(home: Home) -> Queue:
    return Queue(open_engine(home))


def test_a_second_run_waits_and_knows_its_place(queue: Queue) -> None:
    first = queue.submit("train", {})
    second = queue.submit("train", {})
    third = queue.submit("train", {})
    assert [queue.get(one).place for one in (first, second, third)] == [1, 2, 3]
    assert queue.claim("train", "w") is not None
    assert [queue.get(one).place for one in (second, third)] == [1, 2]
    assert queue.get(first).place is None


def test_lanes_do_not_wait_for_each_other(queue: Queue) -> None:
    queue.submit("train", {})
    predict = queue.submit("predict", {})
    claimed = queue.claim("quick", "w")
    assert claimed is not None
    assert claimed.id == predict


def test_claiming_at_the_same_time_takes_a_run_once(queue: Queue) -> None:
    for _ in range(8):
        queue.submit("train", {})
    taken: list[str] = []
    lock = threading.Lock()

    def work() -> None:
        for _ in range(8):
            row = queue.claim("train", threading.current_thread().name)
            if row is not None:
                with lock:
                    taken.append(row.id)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == len(set(taken)) == 8


def test_stopping_a_waiting_run_takes_it_off_the_queue(queue: Queue) -> None:
    run_id = queue.submit("train", {})
    queue.command(run_id, "stop")
    assert queue.get(run_id).state == "cancelled"
    assert queue.claim("train", "w") is None


def test_a_finished_run_cannot_be_paused(queue: Queue) -> None:
    run_id = queue.submit("train", {})
    queue.claim("train", "w")
    queue.started(run_id, 1)
    assert queue.end(run_id, "finished", result={"val_accuracy": 0.5})
    with pytest.raises(RunStateError, match="finished, it cannot be asked to pause"):
        queue.command(run_id, "pause")


def test_a_run_is_closed_once(queue: Queue) -> None:
    run_id = queue.submit("train", {})
    queue.claim("train", "w")
    assert queue.end(run_id, "finished")
    assert not queue.end(run_id, "interrupted", exit_code=-9)
    assert queue.get(run_id).state == "finished"


def test_only_an_interrupted_run_is_resumed(queue: Queue) -> None:
    run_id = queue.submit("train", {})
    queue.claim("train", "w")
    with pytest.raises(RunStateError, match="only an interrupted run can be resumed"):
        queue.requeue(run_id)
    queue.end(run_id, "interrupted", exit_code=-9, error={"code": "x", "message": "", "hint": ""})
    queue.requeue(run_id)
    row = queue.get(run_id)
    assert (row.state, row.error, row.exit_code) == ("queued", None, None)


def test_orders_given_before_a_resume_do_not_count(queue: Queue) -> None:
    run_id = queue.submit("train", {})
    queue.claim("train", "w")
    queue.command(run_id, "stop")
    queue.end(run_id, "interrupted")
    queue.requeue(run_id)
    row = queue.claim("train", "w")
    assert row is not None
    assert queue.commands_after(run_id, 0, row.started_at or 0.0) == []


def test_a_run_at_work_is_not_removed(queue: Queue) -> None:
    run_id = queue.submit("train", {})
    queue.claim("train", "w")
    with pytest.raises(RunStateError, match="still at work"):
        queue.remove(run_id)
    queue.end(run_id, "failed")
    queue.remove(run_id)
    with pytest.raises(RunNotFoundError, match="There is no run"):
        queue.get(run_id)


def test_services_have_an_age(queue: Queue) -> None:
    assert queue.service_age("server") is None
    queue.note_service("server", 1)
    queue.note_service("server", 2)
    age = queue.service_age("server")
    assert age is not None
    assert age < 60
