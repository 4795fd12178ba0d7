"""The main job on a set of real photographs, through the browser: upload, choose, train, judge.

``python -m benchmarks.real_photos SET.zip ["Head only" "Last block"]`` starts a studio of its own,
brings the zip with the uploader, picks each preset on the Layers page, trains with the settings a
newcomer gets and prints seconds (from the click on Start to the result) and accuracies.
"""

from __future__ import annotations

import argparse
import re
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page

from tests.e2e.serving import WIDE, Server, open_browser, settled, until
from tests.e2e.test_own_pictures import new_project
from tl_core.cli.show import percent
from tl_core.session import Studio
from tl_core.storage import Home

PATIENCE_S = 3600.0


def bring(server: Server, page: Page, archive: Path) -> float:
    """Upload the set; seconds until its counts are on the page."""
    new_project(server, page, archive.stem)
    begun = time.perf_counter()
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name=re.compile("zip", re.IGNORECASE)).first.click()
    chooser.value.set_files(archive)
    page.get_by_text("Next: Model").first.wait_for(timeout=PATIENCE_S * 1000)
    return time.perf_counter() - begun


def train(server: Server, page: Page, preset: str) -> str:
    """Pick a preset, start, wait for the end; the finished run's id."""
    studio = Studio(Home(server.home))
    project = studio.projects()[0].id
    page.goto(f"{server.url}/layers?project={project}")
    settled(page)
    page.get_by_role("radio", name=preset, exact=True).click()
    settled(page)
    before = {row.id for row in studio.runs()}
    page.goto(f"{server.url}/train?project={project}&run=new")
    settled(page)
    page.get_by_role("button", name=re.compile("^Start")).first.click()
    until(lambda: {row.id for row in studio.runs()} - before, 60, "no run was started")
    run_id = ({row.id for row in studio.runs()} - before).pop()
    until(lambda: studio.run(run_id).over, PATIENCE_S, "the run does not end")
    page.get_by_text("Judge it").first.wait_for(timeout=60_000)
    return run_id


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("archive", type=Path)
    parser.add_argument("presets", nargs="*", default=["Head only", "Last block"])
    options = parser.parse_args()
    with open_browser() as browser, tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder) / "home")
        server.start()
        page = browser.new_context(viewport=WIDE).new_page()  # type: ignore[arg-type]
        page.set_default_timeout(120_000)
        studio = Studio(Home(server.home))
        print(
            f"{options.archive.name}: taken in after {bring(server, page, options.archive):.1f} s"
        )
        for preset in options.presets:
            begun = time.perf_counter()
            run_id = train(server, page, preset)
            seconds = time.perf_counter() - begun
            row = studio.run(run_id)
            result = row.result or {}
            print(
                f"{preset}: {result['epochs']} epochs, {seconds:.1f} s, validation "
                f"{percent(result['val_accuracy'], result['val_accuracy_ci'])}, test "
                f"{percent(result['test_accuracy'], result['test_accuracy_ci'])}",
                flush=True,
            )
        server.end_everything()


if __name__ == "__main__":
    main()
