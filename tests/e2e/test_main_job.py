"""The main job in a real browser: sample in, classifier out, and the script runs elsewhere."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.serving import WIDE, Server, settled, until
from tl_core.jobs.log import EventLog
from tl_core.jobs.queue import Queue
from tl_core.jobs.schema import open_engine
from tl_core.storage import Home

PATIENCE_MS = 240_000  # two cores shared with a training run


def open_page(page: Page, name: str) -> None:
    """Go to another page by the menu, as a user does."""
    link = page.get_by_test_id("stSidebarNav").get_by_role("link", name=name, exact=False)
    link.first.click()
    page.wait_for_url(re.compile(f"/{name.lower()}"))
    settled(page)


def button(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).first.click()


def latest_run(server: Server) -> str:
    return Queue(open_engine(Home(server.home))).rows(kind="train")[0].id


def epochs(server: Server, run_id: str) -> int:
    log = EventLog(open_engine(Home(server.home)))
    return sum(entry.event.name == "epoch_done" for entry in log.after(run_id))


def points(page: Page) -> int:
    """Points on the validation loss curve as plotly has drawn them."""
    found = page.evaluate(
        """() => {
            const plot = document.querySelector('.js-plotly-plot');
            return plot ? Math.max(...plot.data.map((one) => (one.x || []).length)) : 0;
        }"""
    )
    return int(found)


@pytest.mark.timeout(900)
def test_the_main_job(server: Server, page: Page, shots: Path, tmp_path: Path) -> None:
    errors: list[str] = []
    page.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
    page.goto(server.url)
    settled(page)
    page.screenshot(path=shots / "home.png")

    # the sample, one click
    button(page, "Try the sample")
    page.wait_for_url(re.compile("/data"), timeout=PATIENCE_MS)
    expect(page.get_by_text("Every class has 40 pictures.")).to_be_visible(timeout=PATIENCE_MS)
    settled(page)
    page.screenshot(path=shots / "data.png")

    # model and layers as they are, then train
    open_page(page, "Model")
    expect(page.get_by_text("ResNet-10-T").first).to_be_visible()
    page.screenshot(path=shots / "model.png")
    open_page(page, "Layers")
    page.screenshot(path=shots / "layers.png")
    open_page(page, "Train")
    button(page, "Start training")
    page.wait_for_url(re.compile(r"run="))
    run_id = latest_run(server)
    assert run_id in page.url

    # the curve moves, and a refresh in the middle loses nothing
    until(lambda: epochs(server, run_id) >= 2, 240, "training did not get going")
    until(lambda: points(page) >= 2, 60, "the curve does not show the epochs done")
    before = points(page)
    whole = Queue(open_engine(Home(server.home))).get(run_id).spec["train"]["epochs"]
    after = min(before + 1, whole)  # a run of seconds may be over by now
    until(lambda: points(page) >= after, 120, "the curve does not move")
    page.reload()
    settled(page)
    assert run_id in page.url
    until(lambda: points(page) >= after, 60, "the curve was lost in the refresh")
    until(lambda: epochs(server, run_id) >= 9, 240, "training does not go on")
    page.set_viewport_size({"width": 1280, "height": 1060})  # the curves whole, for the README
    page.mouse.move(0, 0)
    until(lambda: points(page) >= 9, 60, "the curve does not follow")
    page.screenshot(path=shots / "train.png")
    page.set_viewport_size(WIDE)  # type: ignore[arg-type]

    # the result
    expect(
        page.get_by_role("link", name="Judge it")
        .or_(page.get_by_role("button", name="Judge it"))
        .first
    ).to_be_visible(timeout=PATIENCE_MS)
    row = Queue(open_engine(Home(server.home))).get(run_id)
    assert row.state == "finished"
    assert row.result is not None
    assert row.result["val_accuracy"] > 1 / 3  # six classes; chance is one in six
    page.screenshot(path=shots / "train-finished.png")
    open_page(page, "Evaluate")
    right = round(row.result["test_accuracy"] * 100)
    expect(page.get_by_text(re.compile(rf"\b{right}(\.\d)?\s?%")).first).to_be_visible()
    page.screenshot(path=shots / "evaluate.png")

    # take it away, and use it where there is no Thaw
    open_page(page, "Export")
    button(page, "Make the bundle")
    expect(page.get_by_text(re.compile(r"\d+ of \d+ the same answer")).first).to_be_visible(
        timeout=PATIENCE_MS
    )
    page.screenshot(path=shots / "export.png")
    with page.expect_download(timeout=PATIENCE_MS) as waiting:
        page.get_by_role("link", name="Download").or_(
            page.get_by_role("button", name="Download")
        ).first.click()
    archive = tmp_path / "bundle.zip"
    waiting.value.save_as(archive)
    bring_again(page, server, archive, shots)
    assert not [line for line in errors if "Content Security Policy" in line], errors
    run_elsewhere(archive, tmp_path / "elsewhere", Home(server.home), run_id)


def bring_again(page: Page, server: Server, archive: Path, shots: Path) -> None:
    """Somebody else opens the bundle in the studio and asks it about a photo."""
    page.goto(server.url)
    settled(page)
    page.get_by_text("Somebody sent you a classifier?").click()
    page.locator("input[type=file]").first.set_input_files(archive)
    expect(page.get_by_text("bundle.zip")).to_be_visible()
    button(page, "Bring it")
    page.wait_for_url(re.compile("/predict"), timeout=PATIENCE_MS)
    expect(page.get_by_text(re.compile("knows 6 classes"))).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_text(re.compile("got the same answers"))).to_be_visible()
    settled(page)
    tile = next(Path("assets/sample_tiles").glob("*.webp"))
    page.locator("input[type=file]").first.set_input_files(tile)
    expect(page.get_by_text(re.compile("sure: |Leaning towards|Undecided")).first).to_be_visible(
        timeout=PATIENCE_MS
    )
    page.screenshot(path=shots / "brought.png")


def run_elsewhere(archive: Path, folder: Path, home: Home, run_id: str) -> None:
    """Unpack the bundle, install what it asks for in a fresh environment, classify a picture."""
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(folder)
    bundle = next(folder.rglob("predict.py")).parent
    environment = folder / "venv"
    venv.create(environment, with_pip=True)
    python = environment / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    installed = subprocess.run(
        [python, "-m", "pip", "install", "-q", "-r", bundle / "requirements.txt"],
        capture_output=True,
        text=True,
        check=False,
    )
    if installed.returncode != 0 and not os.environ.get("CI"):
        pytest.skip(f"no package index can be reached: {installed.stderr[-200:]}")
    assert installed.returncode == 0, installed.stderr
    snapshot = json.loads((home.run_dir(run_id) / "data.json").read_text(encoding="utf-8"))
    picture = folder / "picture.jpg"
    picture.write_bytes(home.local_blob(snapshot["images"][0]["digest"]).read_bytes())
    told = subprocess.run(
        [python, "predict.py", "--json", picture],
        cwd=bundle,
        env={key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
        capture_output=True,
        text=True,
        check=True,
    )
    answer = json.loads(told.stdout.splitlines()[0])
    assert answer["answer"] in snapshot["classes"]
    assert sum(answer["probabilities"].values()) == pytest.approx(1, abs=1e-4)
