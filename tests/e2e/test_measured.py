"""What the coach measures on the user's pictures, in a real browser: asked for with the mouse, seen
to go on after a refresh in the middle, answered, and taken over where there is something to take.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.serving import Server, browser_path, settled, until
from tests.e2e.test_main_job import PATIENCE_MS, button
from tests.pages import seed
from tests.pages.test_transfer import FOUND
from tl_core.config import DataConfig, ModelConfig, changed
from tl_core.data.intake import Intake, take_in
from tl_core.data.sample import SampleOptions, write_sample
from tl_core.jobs.queue import RunRow
from tl_core.models.catalog import DEFAULT_MODEL
from tl_core.session import SAMPLE_NAME, Project, Studio
from tl_core.storage import Home
from tl_ui.texts import advice, growth, rates, tasks, transfer

PER_CLASS, SIDE_PX = 32, 96  # of the drawn pictures; by themselves 40 of 192
NOT_HERE = "resnet18.tv_in1k"  # chosen, but its weights are not on this machine


@dataclass(frozen=True, kw_only=True)
class Place:
    """A server over a home with two small samples that were trained and judged; in the home of the
    second one a control has ended.
    """

    server: Server
    studio: Studio
    sample: Project
    told: Project


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    browser_path()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("THAW_NO_WORKERS", "1")  # until everything is placed
        studio = Studio(Home(tmp_path_factory.mktemp("measured") / "home"))
        folder = tmp_path_factory.mktemp("drawn") / "set"
        write_sample(folder, SampleOptions(per_class=PER_CLASS, size_px=SIDE_PX))
        drawn = take_in(folder, studio.home)
        sample, told = (judged_sample(studio, drawn) for _ in range(2))
        result = {
            "transfer": FOUND.to_dict(),
            "model": studio.draft(told.id).model.name,
            "title": "ResNet-10-T",
            "seconds": 400.0,
            "data_version": told.data_version,
        }
        seed.task(studio, "control", project_id=told.id, state="finished", result=result)
    server = Server(studio.home.root)
    server.start()
    yield Place(server=server, studio=studio, sample=sample, told=told)
    server.end_everything()


def judged_sample(studio: Studio, drawn: Intake) -> Project:
    """The built-in sample as a project, with a run whose report is made up."""
    project = studio.library.create(SAMPLE_NAME, sample=True)
    studio.library.replace_images(project.id, drawn, DataConfig())
    seed.finished_run(studio, studio.library.get(project.id))
    return studio.library.get(project.id)


def visit(server: Server, page: Page, path: str, project: Project, *, view: str = "") -> None:
    page.goto(f"{server.url}/{path}?project={project.id}" + (f"&view={view}" if view else ""))
    settled(page)


def newest(studio: Studio, kind: str, project: Project) -> RunRow | None:
    return next(iter(studio.queue.rows(project_id=project.id, kind=kind, limit=1)), None)


def asked(studio: Studio, page: Page, card: Locator, label: str, kind: str, of: Project) -> str:
    """Click, see the progress, refresh while it goes on; returns the task, the same as before."""
    card.get_by_role("button", name=label, exact=True).click()
    expect(card.get_by_role("progressbar")).to_be_visible()
    row = newest(studio, kind, of)
    assert row is not None and row.active
    page.reload()
    settled(page)
    # either it still goes on, with its progress, or it has been answered meanwhile
    now = newest(studio, kind, of)
    assert now is not None and now.id == row.id
    if studio.task(row.id).active:
        expect(card.get_by_role("progressbar").or_(card.locator("strong")).first).to_be_visible()
    return row.id


def answered(studio: Studio, task_id: str) -> dict[str, object]:
    until(lambda: studio.task(task_id).over, PATIENCE_MS / 1000, "no answer comes")
    row = studio.task(task_id)
    assert row.state == "finished" and row.result, row.error
    return dict(row.result)


@pytest.mark.timeout(300)
def test_a_network_measured_on_the_pictures_is_chosen(place: Place, page: Page) -> None:
    server, studio, sample = place.server, place.studio, place.sample
    draft = studio.draft(sample.id)
    studio.save_draft(sample.id, changed(draft, {"model": ModelConfig(name=NOT_HERE)}))
    visit(server, page, "model", sample)
    card = page.locator(".st-key-advice")
    task_id = asked(studio, page, card, advice.GO, "advise", sample)
    found = answered(studio, task_id)
    assert found["because"] == "alone"
    expect(card.get_by_text(advice.COMPARED)).to_be_visible(timeout=PATIENCE_MS)
    expect(card.get_by_text(advice.NOT_AMONG)).to_be_visible()
    card.get_by_role("button", name=advice.CHOOSE, exact=True).click()
    expect(card.get_by_role("button", name=advice.IS_CHOSEN, exact=True)).to_be_disabled()
    assert studio.draft(sample.id).model.name == DEFAULT_MODEL
    expect(card.get_by_text(advice.NOT_AMONG)).to_have_count(0)


@pytest.mark.timeout(300)
def test_a_rate_found_on_the_pictures_is_used(place: Place, page: Page) -> None:
    server, studio, sample = place.server, place.studio, place.sample
    visit(server, page, "layers", sample)
    button(page, rates.FIND)
    card = page.locator(".st-key-rate_found")
    expect(card.get_by_role("progressbar")).to_be_visible()
    row = newest(studio, "lr_find", sample)
    assert row is not None and row.active
    page.reload()
    settled(page)
    expect(card.get_by_text(rates.TITLE, exact=True)).to_be_visible()
    expect(page.get_by_role("button", name=rates.FIND, exact=True)).to_have_count(0)
    found = answered(studio, row.id)["found"]
    assert isinstance(found, dict)
    expect(card.locator(".js-plotly-plot")).to_be_visible(timeout=PATIENCE_MS)
    assert found["rate"] is not None, found
    assert studio.draft(sample.id).train.lr != found["rate"]
    card.get_by_role("button", name=rates.use(found["rate"]), exact=True).click()
    expect(card.get_by_role("button", name=rates.IN_USE, exact=True)).to_be_disabled()
    assert studio.draft(sample.id).train.lr == found["rate"]
    expect(page.get_by_role("button", name=re.compile("Back to automatic"))).to_be_visible()


@pytest.mark.timeout(300)
def test_what_more_pictures_would_bring_is_measured(place: Place, page: Page) -> None:
    server, studio, sample = place.server, place.studio, place.sample
    visit(server, page, "evaluate", sample, view="Improve")
    card = page.locator(".st-key-growth")
    task_id = asked(studio, page, card, growth.GO, "learning_curve", sample)
    found = answered(studio, task_id)["growth"]
    assert isinstance(found, dict) and len(found["classes"]) == 6
    expect(card.locator(".js-plotly-plot")).to_be_visible(timeout=PATIENCE_MS)
    expect(card.locator("strong").first).to_contain_text(re.compile("picture"))
    expect(card.get_by_test_id("stDataFrame")).to_be_visible()
    expect(card.get_by_role("progressbar")).to_have_count(0)


@pytest.mark.timeout(300)
def test_the_control_is_stopped_gone_on_with_and_told(place: Place, page: Page) -> None:
    server, studio, sample = place.server, place.studio, place.sample
    visit(server, page, "evaluate", sample, view="Improve")
    card = page.locator(".st-key-transfer")
    first = asked(studio, page, card, transfer.GO, "control", sample)
    assert studio.task(first).active  # from scratch takes minutes
    card.get_by_role("button", name=tasks.CANCEL, exact=True).click()
    expect(card.get_by_text(transfer.STOPPED)).to_be_visible(timeout=PATIENCE_MS)
    until(lambda: studio.task(first).over, 60, "the control is not stopped")
    card.get_by_role("button", name=transfer.GO_ON, exact=True).click()
    expect(card.get_by_role("progressbar")).to_be_visible()
    again = newest(studio, "control", sample)
    assert again is not None and again.id != first
    card.get_by_role("button", name=tasks.CANCEL, exact=True).click()
    expect(card.get_by_role("button", name=transfer.GO_ON, exact=True)).to_be_visible(
        timeout=PATIENCE_MS
    )
    # the end of one, as a worker leaves it
    visit(server, page, "evaluate", place.told, view="Improve")
    expect(card.locator("strong").first).to_contain_text("Transfer helps")
    expect(card.locator(".js-plotly-plot")).to_be_visible()
    expect(card.get_by_text(transfer.STALE)).to_have_count(0)
