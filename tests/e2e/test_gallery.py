"""The gallery in a real browser: selected by range, moved, undone; a selection that lasts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect

from tests.e2e.serving import NARROW, WIDE, Server, settled, until
from tests.e2e.test_main_job import open_page
from tests.pages import seed
from tl_core.session import Project, Studio
from tl_core.storage import Home

MANY = 60  # pictures per class: two pages with three classes


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Studio, Project]]:
    """A server over a home with one project of 180 pictures."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("THAW_NO_WORKERS", "1")
        home = tmp_path_factory.mktemp("gallery") / "home"
        studio = Studio(Home(home))
        project = seed.project_with_pictures(studio, per_class=MANY)
        server = Server(home)
        server.start()
        yield server, studio, project
        server.end_everything()


def open_gallery(page: Page, server: Server, project: Project) -> Locator:
    """Go to the pictures; returns those of the page."""
    page.goto(f"{server.url}/data?project={project.id}")
    settled(page)
    page.get_by_role("radio", name="Pictures", exact=True).first.click()
    cells = page.locator("button.one")
    expect(cells.first).to_be_visible()
    settled(page)
    return cells


def serious(page: Page) -> list[str]:
    """What axe finds critical or serious."""
    found = Axe().run(page).response["violations"]
    return [one["id"] for one in found if one["impact"] in ("critical", "serious")]


def selected(page: Page, words: str) -> None:
    expect(page.get_by_text(re.compile(words)).first).to_be_visible()


@pytest.mark.timeout(300)
def test_pictures_are_selected_moved_and_taken_back(
    place: tuple[Server, Studio, Project], page: Page, shots: Path
) -> None:
    server, studio, project = place
    cells = open_gallery(page, server, project)
    expect(cells).to_have_count(120)
    cells.nth(2).click()
    cells.nth(6).click(modifiers=["Shift"])
    selected(page, "5 selected: ants")
    page.screenshot(path=shots / "gallery.png")
    assert serious(page) == []
    assert studio.gallery.marked(project.id) == [3, 4, 5, 6, 7]

    # the keyboard: one further, with the one on the way
    cells.nth(6).focus()
    page.keyboard.press("Shift+ArrowRight")
    selected(page, "6 selected: ants")
    page.keyboard.press("Space")
    selected(page, "5 selected: ants")

    # another page, a refresh, another session: it is still there
    page.get_by_role("button", name=re.compile("(^|page )2$", re.IGNORECASE)).last.click()
    expect(page.get_by_text("121 to 180 of 180 pictures")).to_be_visible()
    page.locator("button.one").last.click()
    selected(page, "6 selected: 5 ants, 1 wasps")
    cells = open_gallery(page, server, project)
    selected(page, "6 selected: 5 ants, 1 wasps")
    expect(cells.nth(4)).to_have_attribute("aria-pressed", "true")
    expect(cells.nth(7)).to_have_attribute("aria-pressed", "false")

    # moved to a class of a new name
    page.get_by_role("button", name="Move to").click()
    page.get_by_role("combobox", name="Class").last.fill("hornets")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Move 6 pictures").click()
    selected(page, "6 pictures moved from 2 classes to hornets")
    settled(page)
    counts = {row.label: row.total for row in studio.library.classes(project.id)}
    assert counts == {"ants": MANY - 5, "bees": MANY, "hornets": 6, "wasps": MANY - 1}
    page.get_by_role("button", name="Undo").first.click()
    until(lambda: len(studio.library.classes(project.id)) == 3, 20, "it was not undone")


@pytest.mark.timeout(300)
@pytest.mark.parametrize("look", ["wide-light", "narrow-dark"])
def test_undo_is_in_reach_wherever_one_has_scrolled_to(
    place: tuple[Server, Studio, Project], browser: Browser, shots: Path, look: str
) -> None:
    server, studio, _ = place
    project = seed.project_with_pictures(studio, f"Scrolled {look}", per_class=MANY)
    studio.curation.exclude(project.id, [studio.images(project.id)[0].id], title="one left out")
    width, scheme = look.split("-")
    context = browser.new_context(
        viewport=WIDE if width == "wide" else NARROW,  # type: ignore[arg-type]
        color_scheme=scheme,  # type: ignore[arg-type]
    )
    page = context.new_page()
    cells = open_gallery(page, server, project)
    cells.nth(110).scroll_into_view_if_needed()
    undo = page.get_by_role("button", name="Undo")
    expect(undo).to_be_in_viewport(ratio=1)
    page.screenshot(path=shots / f"gallery-scrolled-{look}.png")
    page.get_by_role("button", name="History").click()
    expect(page.get_by_text("As the pictures were brought")).to_be_visible()
    assert serious(page) == []
    page.keyboard.press("Escape")
    undo.click()  # nothing lies over it
    until(lambda: studio.library.count(project.id, excluded=True) == 0, 20, "it was not undone")
    over = page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth")
    assert over <= 0, f"{over} px stick out sideways"
    context.close()


@pytest.mark.timeout(300)
def test_no_click_is_lost_however_fast(place: tuple[Server, Studio, Project], page: Page) -> None:
    server, studio, project = place
    studio.gallery.unmark_all(project.id)
    open_gallery(page, server, project)
    page.locator("ul:has(button.one)").evaluate(
        """(list) => [...list.querySelectorAll('button.one')].slice(0, 50).forEach(
            (button, place) => setTimeout(() => button.click(), place * 12))"""
    )
    selected(page, "50 selected: ants")
    assert studio.gallery.marked(project.id) == list(range(1, 51))
    page.keyboard.press("Control+a")  # nothing has the focus here: it is not ours
    page.locator("button.one").nth(3).focus()
    page.keyboard.press("Control+a")
    selected(page, "120 selected")
    page.keyboard.press("Escape")
    until(lambda: not studio.gallery.marked(project.id), 20, "the page was not let go")

    # nor one that is followed by leaving the page at once
    page.locator("button.one").nth(0).click()
    page.locator("button.one").nth(9).click()
    open_page(page, "Model")
    open_page(page, "Data")
    selected(page, "2 selected: ants")
    assert studio.gallery.marked(project.id) == [1, 10]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_picture_is_looked_at_closely_on_a_phone(
    place: tuple[Server, Studio, Project], browser: Browser, shots: Path, scheme: str
) -> None:
    server, studio, project = place
    studio.gallery.unmark_all(project.id)
    context = browser.new_context(
        viewport=NARROW,
        has_touch=True,
        color_scheme=scheme,  # type: ignore[arg-type]
    )
    page = context.new_page()
    cells = open_gallery(page, server, project)
    cells.nth(1).tap()
    cells.nth(2).tap()
    selected(page, "2 selected: ants")
    page.screenshot(path=shots / f"gallery-phone-{scheme}.png")
    over = page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth")
    assert over <= 0, f"{over} px stick out sideways"
    page.get_by_role("button", name="Look closely: 002.png").first.tap()
    dialog = page.get_by_role("dialog", name="002.png")
    expect(dialog.get_by_text("24 × 24")).to_be_visible()
    dialog.get_by_role("button", name="Next").tap()
    expect(page.get_by_role("dialog", name="003.png")).to_be_visible()
    page.get_by_role("dialog").get_by_role("button", name="Select", exact=True).tap()
    assert serious(page) == []
    page.keyboard.press("Escape")
    selected(page, "3 selected: ants")
    expect(page.locator("button.one").nth(3)).to_be_focused()
    context.close()


@pytest.mark.timeout(300)
def test_a_line_around_points_chooses_pictures_that_are_mended_and_trained_again(
    place: tuple[Server, Studio, Project], page: Page, shots: Path
) -> None:
    server, studio, _ = place
    project = seed.project_with_pictures(studio, "Mended", per_class=40)
    run_id = seed.finished_run(studio, project)
    seed.drawn_map(studio, run_id)
    page.goto(f"{server.url}/evaluate?project={project.id}&run={run_id}&view=Mistakes")
    settled(page)
    page.get_by_role("radio", name="Map", exact=True).click()
    drawn = page.get_by_role("figure", name=re.compile("^Map of "))  # not the matrix before it
    expect(drawn.locator(".point").first).to_be_visible()
    settled(page)
    expect(page.get_by_test_id("stPlotlyChart")).to_have_count(1)
    drawn.scroll_into_view_if_needed()
    ground = drawn.locator(".nsewdrag").first.bounding_box()
    assert ground is not None
    left, top = ground["x"] + 0.1 * ground["width"], ground["y"] + 20
    right, bottom = ground["x"] + 0.9 * ground["width"], ground["y"] + 0.5 * ground["height"]
    page.mouse.move(left, top)
    page.mouse.down()
    for x, y in ((right, top), (right, bottom), (left, bottom), (left, top)):
        page.mouse.move(x, y, steps=6)
    page.mouse.up()
    cells = page.locator("button.one")
    expect(cells.first).to_be_visible()
    settled(page)
    assert 4 < cells.count() < 120
    cells.nth(0).click()
    cells.nth(1).click()
    selected(page, "2 selected")
    page.screenshot(path=shots / "mistakes-map.png")
    assert serious(page) == []
    page.get_by_role("button", name="Leave out").click()
    until(lambda: studio.library.count(project.id, excluded=True) == 2, 20, "not left out")
    page.get_by_role("button", name="Train again").click()
    until(lambda: len(studio.runs(project.id)) == 2, 20, "no run was started")
    row = studio.runs(project.id)[0]
    assert row.spec["parent"] == run_id
    studio.stop(row.id)
