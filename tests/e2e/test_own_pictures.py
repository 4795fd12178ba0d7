"""Bringing pictures through the browser: a zip, a folder, and a real set when it is here."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.serving import Server, settled
from tests.e2e.test_main_job import PATIENCE_MS, button
from tests.unit.jobs.tiles import write_tiles


def new_project(server: Server, page: Page, name: str) -> None:
    page.goto(server.url)
    settled(page)
    start_more = page.get_by_text("Start something new")
    if start_more.count():
        start_more.first.click()
    page.get_by_label("Name of the project").fill(name)
    button(page, "Start")
    page.wait_for_url(re.compile("/data"))
    settled(page)


def test_a_zip_lands_with_its_quarantine(server: Server, page: Page, tmp_path: Path) -> None:
    folder = write_tiles(tmp_path / "tiles", per_class=10)
    archive = tmp_path / "tiles.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for file in sorted(folder.rglob("*.png")):
            packed.write(file, f"wrapped/{file.relative_to(folder)}")
        packed.writestr("wrapped/up/broken.jpg", b"\xff\xd8\xff\xe0 cut off")
        packed.writestr("__MACOSX/wrapped/up/._000.png", b"junk")
    new_project(server, page, "From a zip")
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name=re.compile("zip", re.IGNORECASE)).first.click()
    chooser.value.set_files(archive)
    expect(page.get_by_text("Every class has 10 pictures.")).to_be_visible(timeout=PATIENCE_MS)
    page.get_by_role("radio", name=re.compile("Left out")).first.click()
    expect(page.get_by_text("wrapped/up/broken.jpg").first).to_be_attached(timeout=PATIENCE_MS)


def test_a_folder_of_class_folders_lands(server: Server, page: Page, tmp_path: Path) -> None:
    folder = write_tiles(tmp_path / "my tiles", per_class=8)
    new_project(server, page, "From a folder")
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name=re.compile("folder", re.IGNORECASE)).first.click()
    chooser.value.set_files(folder)
    expect(page.get_by_text("Every class has 8 pictures.")).to_be_visible(timeout=PATIENCE_MS)


@pytest.mark.shared
def test_real_photographs_land(server: Server, page: Page, shared_dir: Path) -> None:
    new_project(server, page, "Hymenoptera")
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name=re.compile("zip", re.IGNORECASE)).first.click()
    chooser.value.set_files(shared_dir / "hymenoptera.zip")
    expect(page.get_by_text("397").first).to_be_visible(timeout=PATIENCE_MS)
    page.get_by_role("radio", name=re.compile("Left out")).first.click()
    expect(page.get_by_text(re.compile(r"imageNotFound\.gif")).first).to_be_attached(
        timeout=PATIENCE_MS
    )


def test_a_deep_link_may_be_the_very_first_request(tmp_path: Path, page: Page) -> None:
    server = Server(tmp_path / "home")
    server.start()
    try:
        page.goto(f"{server.url}/model")
        settled(page)
        menu = page.get_by_test_id("stSidebarNav")
        expect(menu.get_by_role("link", name="Home")).to_be_visible()
        expect(menu.get_by_role("link", name="Evaluate")).to_be_visible()
        expect(page.get_by_text("No project is open.").first).to_be_visible()
    finally:
        server.end_everything()
