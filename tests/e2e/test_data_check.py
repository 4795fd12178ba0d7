"""The data check in a real browser: asked for, read, repaired, undone."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.serving import NARROW, WIDE, Server, settled
from tests.e2e.test_main_job import PATIENCE_MS, button
from tests.e2e.test_own_pictures import new_project
from tests.unit.check.sets import recompressed, scene


def planted(path: Path) -> Path:
    """Two classes of 30 scenes; three of the first are there again, recompressed."""
    with zipfile.ZipFile(path, "w") as packed:
        for number in range(60):
            label = "left" if number < 30 else "right"
            packed.writestr(f"{label}/{number:02}.jpg", recompressed(scene(number), 95))
        for number in range(3):
            packed.writestr(f"left/again-{number}.jpg", recompressed(scene(number), 30))
    return path


@pytest.mark.timeout(600)
def test_copies_are_found_left_out_and_taken_back(
    server: Server, page: Page, shots: Path, tmp_path: Path
) -> None:
    new_project(server, page, "With copies")
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name=re.compile("zip", re.IGNORECASE)).first.click()
    chooser.value.set_files(planted(tmp_path / "copies.zip"))
    # the baseline comes by itself; the page is quiet once it is there
    expect(page.get_by_text("right in validation").first).to_be_visible(timeout=PATIENCE_MS)
    settled(page)
    button(page, "Check the pictures")
    look = page.get_by_role("button", name="Look at them")
    expect(look).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_role("radio", name="Classes")).to_be_checked()
    settled(page)
    page.screenshot(path=shots / "data-checked.png")
    page.set_viewport_size(NARROW)
    look.click()
    expect(page.get_by_role("radio", name="Check", exact=True)).to_be_checked()
    finding = page.get_by_text(re.compile("3 spare pictures"))
    expect(finding.first).to_be_in_viewport()  # the page went there by itself
    page.set_viewport_size(WIDE)
    finding.first.click()
    settled(page)
    page.screenshot(path=shots / "data-check.png", full_page=True)
    button(page, "Leave the spare copies out")
    expect(page.get_by_text("The pictures were changed since").first).to_be_visible()
    page.get_by_role("button", name=re.compile("Undo")).first.click()
    expect(page.get_by_role("button", name=re.compile("Redo")).first).to_be_visible()
