"""The report on the Export page: asked for, with pictures or without, and offered once written."""

from __future__ import annotations

import pytest

from tests.pages.conftest import OpenPage, texts
from tests.pages.seed import end_task, finished_run, project_with_pictures
from tl_core.jobs.reported import report_file
from tl_core.session import Project, Studio
from tl_ui.texts import report as text


@pytest.fixture
def project(studio: Studio) -> Project:
    return project_with_pictures(studio)


@pytest.fixture
def run(studio: Studio, project: Project) -> str:
    return finished_run(studio, project)


def waiting(studio: Studio) -> list[dict[str, object]]:
    return [row.spec for row in studio.active() if row.kind == "report"]


def test_it_is_written_on_request(
    open_page: OpenPage, studio: Studio, project: Project, run: str
) -> None:
    app = open_page("export", project=project.id, run=run)
    assert text.INTRO in texts(app) and text.command(run, pictures=True) in texts(app)
    app.button(key="report.go").click().run()
    assert waiting(studio) == [{"run_id": run, "pictures": True}]
    assert "report.go" not in [one.key for one in app.button]


def test_the_switch_leaves_pictures_out(
    open_page: OpenPage, studio: Studio, project: Project, run: str
) -> None:
    app = open_page("export", project=project.id, run=run)
    app.toggle(key="report.pictures").set_value(False).run()
    assert "--no-pictures" in texts(app)
    app.button(key="report.go").click().run()
    assert waiting(studio) == [{"run_id": run, "pictures": False}]


def test_a_written_report_is_offered_and_can_be_written_again(
    open_page: OpenPage, studio: Studio, project: Project, run: str
) -> None:
    path = report_file(studio.home, run, pictures=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("<!doctype html>", encoding="utf-8")
    app = open_page("export", project=project.id, run=run)
    assert app.button(key="report.go").label == text.AGAIN
    assert text.download(0) in [one.label for one in app.get("download_button")]
    app.toggle(key="report.pictures").set_value(False).run()
    assert app.button(key="report.go").label == text.MAKE


def test_a_failure_is_told(open_page: OpenPage, studio: Studio, project: Project, run: str) -> None:
    app = open_page("export", project=project.id, run=run)
    app.button(key="report.go").click().run()
    (task,) = [row.id for row in studio.active() if row.kind == "report"]
    end_task(studio, task, state="failed")
    app.run()
    assert text.FAILED in texts(app) and not app.exception
