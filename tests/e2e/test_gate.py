"""A run in stages in a real browser: it waits, is answered after a refresh, and opens the block."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.serving import Server, settled
from tests.e2e.test_main_job import PATIENCE_MS, button, latest_run, open_page
from tl_core.events import GateClosed
from tl_core.jobs.log import EventLog
from tl_core.jobs.queue import Queue
from tl_core.jobs.schema import open_engine
from tl_core.storage import Home


@pytest.mark.timeout(900)
def test_a_block_is_opened_at_the_gate(server: Server, page: Page, shots: Path) -> None:
    page.goto(server.url)
    settled(page)
    button(page, "Try the sample")
    page.wait_for_url(re.compile("/data"), timeout=PATIENCE_MS)
    expect(page.get_by_text("Every class has 40 pictures.")).to_be_visible(timeout=PATIENCE_MS)
    settled(page)
    open_page(page, "Layers")
    page.get_by_text("Last block", exact=True).first.click()
    settled(page)
    page.get_by_text("In stages, I decide", exact=True).first.click()
    settled(page)
    open_page(page, "Train")
    button(page, "Start training")
    page.wait_for_url(re.compile(r"run="))
    question = page.get_by_text("Open Stage 4 too?")
    expect(question).to_be_visible(timeout=PATIENCE_MS)
    page.screenshot(path=shots / "gate.png")
    page.reload()
    settled(page)
    expect(question).to_be_visible(timeout=PATIENCE_MS)
    page.get_by_role("button", name="Open it").first.click()
    expect(
        page.get_by_role("link", name="Judge it")
        .or_(page.get_by_role("button", name="Judge it"))
        .first
    ).to_be_visible(timeout=PATIENCE_MS)
    engine = open_engine(Home(server.home))
    run_id = latest_run(server)
    assert Queue(engine).get(run_id).state == "finished"
    closed = [
        entry.event
        for entry in EventLog(engine).all_after(run_id)
        if isinstance(entry.event, GateClosed)
    ]
    assert [(one.opened, one.by) for one in closed] == [(True, "user")]
