"""How quick the studio feels: first paint, page switches while a run trains, event to screen.

``python -m benchmarks.studio_times`` starts a studio of its own on this machine, trains on the
generated sample, and uses it in headless Chromium. Prints medians and 95th percentiles; targets
are printed beside them and nothing fails on a slow machine.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from playwright.sync_api import Browser, Page

from tests.e2e.serving import WIDE, Server, open_browser, settled, until
from tl_core.config import RunSpec, TrainConfig
from tl_core.events import EpochDone
from tl_core.jobs.log import EventLog
from tl_core.jobs.queue import Queue
from tl_core.jobs.schema import open_engine
from tl_core.session import Studio
from tl_core.storage import Home

PAGES = ("Data", "Model", "Layers", "Train", "Evaluate", "Predict", "Export", "Train")
WATCH = """() => {
    window.seen = [];
    let last = 0;
    setInterval(() => {
        const plot = document.querySelector('.js-plotly-plot');
        const n = plot ? Math.max(0, ...plot.data.map((one) => (one.x || []).length)) : 0;
        if (n !== last) { last = n; window.seen.push([n, Date.now() / 1000]); }
    }, 10);
}"""
READY = """(title) => {
    const app = document.querySelector('[data-testid="stApp"]');
    const head = document.querySelector('h1');
    return app && app.dataset.testScriptState === 'notRunning' && head
        && head.textContent.trim().startsWith(title);
}"""


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which ``share`` of the values lie (nearest rank)."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, max(0, round(share * len(ranked)) - 1))]


def first_paint(browser: Browser, runs: int) -> tuple[list[float], list[float]]:
    """Seconds from starting ``streamlit run`` to health, and to the first page drawn."""
    health, paint = [], []
    for _ in range(runs):
        with tempfile.TemporaryDirectory() as folder:
            server = Server(Path(folder) / "home")
            context = browser.new_context(viewport=WIDE)  # type: ignore[arg-type]
            page = context.new_page()
            begun = time.perf_counter()
            server.start()
            health.append(time.perf_counter() - begun)
            page.goto(server.url)
            page.wait_for_selector("h1")
            paint.append(time.perf_counter() - begun)
            context.close()
            server.end_everything()
    return health, paint


def switches(page: Page, rounds: int) -> list[float]:
    """Milliseconds from a click in the menu to the new page, drawn and idle."""
    times = []
    for _ in range(rounds):
        for name in PAGES:
            link = page.get_by_test_id("stSidebarNav").get_by_role("link", name=name)
            begun = time.perf_counter()
            link.first.click()
            page.wait_for_function(READY, arg=name, polling=10)
            times.append((time.perf_counter() - begun) * 1000)
    return times


def delays(page: Page, log: EventLog, run_id: str, seconds: float) -> list[float]:
    """Seconds from an epoch's event in the worker to its point on the curve."""
    page.evaluate(WATCH)
    page.wait_for_timeout(seconds * 1000)
    seen = {int(n): at for n, at in page.evaluate("() => window.seen")}
    first = min(seen)  # was there when the watch began
    told = [entry for entry in log.after(run_id) if isinstance(entry.event, EpochDone)]
    return [
        seen[number] - entry.at
        for number, entry in enumerate(told, start=1)
        if number in seen and number > first
    ]


def training(server: Server) -> tuple[str, str]:
    """Start the sample project and a run long enough to measure beside; its ids."""
    studio = Studio(Home(server.home))
    project, task_id = studio.start_sample_project()
    until(lambda: studio.task(task_id).over, 120, "the sample was not drawn")
    spec = RunSpec(train=TrainConfig(epochs=500))
    finished = studio.start(project.id, replace(spec, train=TrainConfig(epochs=1)))
    until(lambda: studio.run(finished).over, 120, "the first run did not end")
    run_id = studio.start(project.id, spec)
    log = EventLog(open_engine(Home(server.home)))
    until(lambda: log.last(run_id, "epoch_done") is not None, 120, "training did not start")
    return project.id, run_id


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--starts", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--watch", type=float, default=45.0, help="seconds to watch the curve")
    options = parser.parse_args()
    print(f"{platform.system()} {platform.machine()}, Python {platform.python_version()}")
    with open_browser() as browser, tempfile.TemporaryDirectory() as folder:
        health, paint = first_paint(browser, options.starts)
        print(f"start to health   median {statistics.median(health):.2f} s")
        print(
            f"start to paint    median {statistics.median(paint):.2f} s, "
            f"slowest {max(paint):.2f} s (target under 2 s)"
        )
        server = Server(Path(folder) / "home")
        server.start()
        project_id, run_id = training(server)
        page = browser.new_context(viewport=WIDE).new_page()  # type: ignore[arg-type]
        page.set_default_timeout(60_000)
        page.goto(f"{server.url}/train?project={project_id}&run={run_id}")
        settled(page)
        log = EventLog(open_engine(Home(server.home)))
        late = delays(page, log, run_id, options.watch)
        print(
            f"event to screen   median {statistics.median(late):.2f} s, "
            f"95 % {percentile(late, 0.95):.2f} s, n={len(late)} (target under 1.5 s)"
        )
        times = switches(page, options.rounds)
        print(
            f"page switch       median {statistics.median(times):.0f} ms, "
            f"95 % {percentile(times, 0.95):.0f} ms, n={len(times)}, while a run trains "
            "(target under 300 ms)"
        )
        Queue(open_engine(Home(server.home))).command(run_id, "stop")
        server.end_everything()


if __name__ == "__main__":
    main()
