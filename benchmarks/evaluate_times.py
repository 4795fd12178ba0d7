"""How quick the Evaluate page is with many test pictures, view by view.

``python -m benchmarks.evaluate_times [PICTURES]`` writes a project of made-up pictures and a
finished run into a home of its own, opens each view of the page in headless Chromium a few times,
and prints the median of the seconds from asking for the page until it is drawn and idle, beside the
same with 100 test pictures. The answers of the run are drawn at random; nothing is trained.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from unittest.mock import patch

from playwright.sync_api import Page

from benchmarks.studio_times import READY
from tests.e2e.serving import WIDE, Server, open_browser
from tests.pages import seed
from tl_core.session import Studio
from tl_core.storage import Home
from tl_ui.texts import closer, mending
from tl_ui.texts.evaluate import VIEWS

CLASSES = tuple(f"class {letter}" for letter in "abcdefghij")
PARTS = ("train", "val", "test", "test")  # in turn: half of the pictures are for the test
ROUNDS = 5
FEW = 100


def written(home: Path, pictures: int) -> str:
    """A project with so many test pictures and a finished run; returns the page's address."""
    studio = Studio(Home(home))
    per_class = max(4, 2 * pictures // len(CLASSES))
    project = seed.project_with_pictures(
        studio, f"{pictures} test pictures", classes=CLASSES, per_class=per_class, parts=PARTS
    )
    run_id = seed.finished_run(studio, project, right=0.8)
    seed.drawn_map(studio, run_id)
    return f"evaluate?project={project.id}&run={run_id}"


def idle(page: Page) -> None:
    """Wait until the page is drawn and nothing runs."""
    page.wait_for_function(READY, arg="Evaluate", timeout=120_000)


def opened(page: Page, address: str) -> float:
    """Seconds until a fresh visit is drawn."""
    begun = time.perf_counter()
    page.goto(address)
    idle(page)
    return time.perf_counter() - begun


def clicked(page: Page, name: str) -> float:
    """Seconds from a click on one of a row of choices until the page is drawn."""
    begun = time.perf_counter()
    page.get_by_role("radio", name=name, exact=True).first.click()
    page.wait_for_timeout(30)
    idle(page)
    return time.perf_counter() - begun


def measured(page: Page, address: str) -> dict[str, list[float]]:
    """Seconds of every view, ``ROUNDS`` times."""
    times: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        times.setdefault("opened afresh", []).append(opened(page, address))
        for name in (VIEWS["mistakes"], mending.WAYS["map"], mending.WAYS["cell"]):
            times.setdefault(name, []).append(clicked(page, name))
        times.setdefault(VIEWS["closer"], []).append(clicked(page, VIEWS["closer"]))
        for name in list(closer.VIEWS.values())[1:]:
            times.setdefault(f"{VIEWS['closer']}: {name}", []).append(clicked(page, name))
        for name in (VIEWS["better"], VIEWS["result"]):
            times.setdefault(name, []).append(clicked(page, name))
        clicked(page, VIEWS["closer"])  # its first view again, for the next round
        clicked(page, next(iter(closer.VIEWS.values())))
    return times


def main() -> None:
    """Print a line per view."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pictures", nargs="?", type=int, default=5000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, patch.dict("os.environ", THAW_NO_WORKERS="1"):
        home = Path(folder) / "home"
        addresses = [written(home, n) for n in (FEW, options.pictures)]
        server = Server(home)
        server.start()
        try:
            with open_browser() as browser:
                page = browser.new_context(viewport=WIDE).new_page()  # type: ignore[arg-type]
                few, many = (measured(page, f"{server.url}/{one}") for one in addresses)
        finally:
            server.end_everything()
    print(f"{'view':40s}  {FEW:>8,}  {options.pictures:>8,}  ratio")
    for name in many:
        small, large = statistics.median(few[name]), statistics.median(many[name])
        print(f"{name:40s}  {small:6.2f} s  {large:6.2f} s  {large / small:5.1f}")


if __name__ == "__main__":
    main()
