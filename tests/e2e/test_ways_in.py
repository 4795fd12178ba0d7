"""Pictures one by one in a real browser: the webcam, the clipboard, a table, adding later."""

from __future__ import annotations

import base64
import io
import re
from collections import Counter
from pathlib import Path

import numpy as np
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Page, expect

from tests.e2e.serving import Server, settled, until
from tests.e2e.test_main_job import PATIENCE_MS, button, open_page
from tests.e2e.test_own_pictures import new_project
from tl_core.data.records import ImageRecord
from tl_core.jobs.library import Library
from tl_core.jobs.schema import open_engine
from tl_core.storage import Home

PASTE = """(pictures) => {
    const data = new DataTransfer();
    for (const one of pictures) {
        const bytes = Uint8Array.from(atob(one), (char) => char.charCodeAt(0));
        data.items.add(new File([bytes], "image.png", { type: "image/png" }));
    }
    const event = new ClipboardEvent("paste", { clipboardData: data, bubbles: true });
    document.body.dispatchEvent(event);
}"""


def picture(number: int) -> str:
    pixels = np.random.default_rng(number).integers(0, 255, (40, 40, 3), dtype=np.uint8)
    sink = io.BytesIO()
    Image.fromarray(pixels).save(sink, "PNG")
    return base64.b64encode(sink.getvalue()).decode()


def paste(page: Page, *numbers: int) -> None:
    page.evaluate(PASTE, [picture(number) for number in numbers])


def records(server: Server) -> list[ImageRecord]:
    library = Library(open_engine(Home(server.home)))
    project = library.projects()[0]
    return library.records(project.id)[1]


def counts(server: Server) -> Counter[str]:
    return Counter(one.label for one in records(server))


def name_class(page: Page, name: str) -> None:
    page.get_by_label("Name of the class").fill(name)


def bring(page: Page) -> None:
    page.get_by_role("button", name=re.compile(r"Bring in [\d,]+ picture")).click()


def test_webcam_shots_and_pasted_pictures_become_classes(
    server: Server, page: Page, shots: Path
) -> None:
    errors: list[str] = []
    page.on("pageerror", lambda err: errors.append(str(err)))
    new_project(server, page, "One by one")
    page.get_by_role("button", name="Single pictures or webcam").click()
    page.get_by_role("button", name="Use the webcam").click()
    expect(page.locator("video")).to_be_visible()
    until(lambda: page.locator("video").evaluate("(one) => one.videoWidth"), 60, "no picture came")
    button(page, "Take one")  # a class first
    expect(page.get_by_text("Type the name of the class first.")).to_be_visible()
    name_class(page, "desk")
    button(page, "Take 10")
    expect(page.get_by_text("desk: 10 pictures")).to_be_visible()
    hold = page.get_by_role("button", name="Hold to record")
    hold.hover()
    page.mouse.down()
    expect(page.get_by_text(re.compile(r"desk: (1[2-9]|[2-9]\d) pictures"))).to_be_visible()
    page.mouse.up()
    expect(hold).to_be_visible()
    page.screenshot(path=shots / "webcam.png", full_page=True)
    serious = [
        one["id"]
        for one in Axe().run(page).response["violations"]
        if one["impact"] in ("critical", "serious")
    ]
    assert serious == []
    page.get_by_role("button", name=re.compile("Remove picture .* of desk")).first.click()
    button(page, "Close the camera")
    expect(page.locator("video")).to_have_count(0)

    open_page(page, "Model")  # what was gathered waits
    open_page(page, "Data")
    expect(page.get_by_text(re.compile(r"desk: \d+ pictures"))).to_be_visible()
    paste(page, 1, 2, 3)
    expect(page.get_by_text("Which class are these 3 pictures of?")).to_be_visible()
    name_class(page, "noise")
    page.get_by_role("button", name="Put 3 pictures into it").click()
    expect(page.get_by_text("noise: 3 pictures")).to_be_visible()
    page.route("**/api/upload/*", lambda _: None)  # a network that says nothing
    bring(page)
    button(page, "Cancel")
    expect(page.get_by_text("noise: 3 pictures")).to_be_visible()  # nothing is lost
    page.unroute("**/api/upload/*")
    bring(page)
    expect(page.get_by_text("pictures are here").first).to_be_visible(timeout=PATIENCE_MS)
    found = records(server)
    desk = [one for one in found if one.label == "desk"]
    assert len(desk) >= 11
    assert all(re.fullmatch(r"recording [-\d]+ [.\d]+", one.group) for one in desk)
    assert len({one.group for one in desk}) <= 3
    assert counts(server)["noise"] == 3
    assert not [one.group for one in found if one.label == "noise" and one.group]
    assert errors == []


def test_pictures_are_added_to_a_class_later_and_undone(
    server: Server, page: Page, tmp_path: Path
) -> None:
    new_project(server, page, "Grows")
    folder = tmp_path / "set"
    folder.mkdir()
    for number in range(24):
        (folder / f"{number:02}.png").write_bytes(base64.b64decode(picture(100 + number)))
    rows = "".join(f"{number:02}.png;{'even' if number % 2 else 'odd'}\n" for number in range(24))
    (folder / "labels.csv").write_text(f"file;label\n{rows}", encoding="utf-8")
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose a folder").click()
    chooser.value.set_files(folder)
    expect(page.get_by_text("labels.csv names the class of 24 of 24 pictures.")).to_be_visible(
        timeout=PATIENCE_MS
    )
    settled(page)
    page.get_by_text("Add pictures or bring another set").click()
    page.get_by_role("button", name="Single pictures or webcam").click()
    page.get_by_role("button", name="odd", exact=True).click()
    paste(page, 1, 2)
    expect(page.get_by_text("odd: 2 pictures")).to_be_visible()
    name_class(page, "new ones")
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose its pictures").click()
    chooser.value.set_files(
        [{"name": f"{n}.png", "mimeType": "image/png", "buffer": base64.b64decode(picture(n))}
         for n in range(50, 56)]
    )  # fmt: skip
    expect(page.get_by_text("new ones: 6 pictures")).to_be_visible()
    bring(page)
    expect(page.get_by_text("8 pictures were added.")).to_be_visible(timeout=PATIENCE_MS)
    assert counts(server) == {"odd": 14, "even": 12, "new ones": 6}
    settled(page)
    button(page, "Undo")
    until(lambda: counts(server) == {"odd": 12, "even": 12}, 30, "nothing was undone")


def test_a_refused_camera_says_what_to_do(server: Server, page: Page) -> None:
    page.add_init_script(
        """navigator.mediaDevices.getUserMedia = () =>
            Promise.reject(new DOMException("no", "NotAllowedError"))"""
    )
    new_project(server, page, "No camera")
    page.get_by_role("button", name="Single pictures or webcam").click()
    page.get_by_role("button", name="Use the webcam").click()
    expect(page.get_by_text("The browser was not allowed to use the camera.")).to_be_visible()
    expect(page.get_by_role("button", name="Use the webcam")).to_be_visible()
