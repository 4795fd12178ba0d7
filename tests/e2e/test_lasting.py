"""Training cannot be lost: a second tab, a restarted server, a killed worker, a stopped run."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.serving import WIDE, Server, settled, until
from tests.e2e.test_main_job import PATIENCE_MS, button, points
from tests.unit.jobs.tiles import tiny_project
from tl_core.config import FreezeConfig, RunSpec, TrainConfig
from tl_core.jobs.log import EventLog
from tl_core.jobs.queue import Queue
from tl_core.jobs.schema import open_engine
from tl_core.session import Studio
from tl_core.storage import Home

LONG = RunSpec(
    freeze=FreezeConfig(layers="all"),
    train=TrainConfig(epochs=500, lr=1e-5, batch_size=2, image_size=192),
)


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Server]:
    """A server with a home of its own, ready to be stopped and started."""
    server = Server(tmp_path / "home")
    server.start()
    yield server
    server.end_everything()


@pytest.mark.timeout(600)
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_nothing_is_lost(own: Server, page: Page, browser: Browser) -> None:
    home = Home(own.home)
    engine = open_engine(home)
    queue, log = Queue(engine), EventLog(engine)
    project_id = tiny_project(home, engine)
    run_id = Studio(home).start(project_id, LONG)
    address = f"{own.url}/train?project={project_id}&run={run_id}"
    page.goto(address)
    settled(page)
    until(lambda: points(page) >= 2, 120, "the curve does not appear")

    # a second tab sees the same run
    other = browser.new_context(viewport=WIDE).new_page()  # type: ignore[arg-type]
    other.goto(address)
    settled(other)
    until(lambda: points(other) >= 2, 60, "the second tab does not show the run")
    other.context.close()

    # pause and go on
    button(page, "Pause")
    until(lambda: queue.get(run_id).state == "paused", 60, "the run does not pause")
    expect(page.get_by_role("button", name="Continue")).to_be_visible(timeout=PATIENCE_MS)
    button(page, "Continue")
    until(lambda: queue.get(run_id).state == "running", 60, "the run does not go on")

    # the server stops and comes back; the worker never noticed, the open tab finds its way
    pid = queue.get(run_id).pid
    own.stop()
    before = log.after(run_id)[-1].seq
    until(lambda: log.after(run_id)[-1].seq > before, 60, "training stopped with the server")
    own.start()
    seen = points(page)
    until(lambda: points(page) > seen, 90, "the tab did not come back")
    assert queue.get(run_id).pid == pid

    # the worker is killed; the page says so and resumes it
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    expect(page.get_by_role("button", name="Resume")).to_be_visible(timeout=PATIENCE_MS)
    button(page, "Resume")
    until(lambda: log.last(run_id, "run_resumed") is not None, 90, "the run is not resumed")

    # a second run waits and says its place
    waiting = Studio(home).start(project_id, replace(LONG, note="second"))
    second = browser.new_context(viewport=WIDE).new_page()  # type: ignore[arg-type]
    second.goto(f"{own.url}/train?project={project_id}&run={waiting}")
    settled(second)
    expect(second.get_by_text(re.compile("queue|turn|first", re.IGNORECASE)).first).to_be_visible()
    button(second, "Take it off the queue")
    until(lambda: queue.get(waiting).state == "cancelled", 30, "it stays on the queue")
    second.context.close()

    # stop: the best epoch is kept and judged
    button(page, "Stop and keep the best epoch")
    until(lambda: queue.get(run_id).over, 120, "the run does not stop")
    row = queue.get(run_id)
    assert row.state == "finished", row.error
    assert row.result is not None
    assert row.result["reason"] == "stopped"
    expect(page.get_by_text(re.compile("Judge it")).first).to_be_visible(timeout=PATIENCE_MS)
