"""The Export page: a bundle is made once, its certificate shown, and the zip offered again."""

from __future__ import annotations

import zipfile
from typing import Any

import pytest

from tests.pages.conftest import OpenPage, texts
from tests.pages.seed import (
    end_task,
    export_file,
    finished_run,
    project_with_pictures,
    running_run,
)
from tl_core.session import Project, Studio
from tl_core.storage import read_json, write_json
from tl_ui.texts import export as text


@pytest.fixture
def project(studio: Studio) -> Project:
    return project_with_pictures(studio)


def tasks(studio: Studio, run_id: str) -> list[str]:
    return [
        row.id for row in studio.active() if row.kind == "export" and row.spec["run_id"] == run_id
    ]


def certify(studio: Studio, run_id: str, pictures: int = 48) -> None:
    folder = studio.home.run_dir(run_id) / "export" / f"thaw-{run_id}"
    found = {
        "pictures": pictures,
        "same_answers": pictures,
        "largest_difference": 0.0003,
        "sentence": "There were no held-out pictures, so nothing was compared.",
    }
    write_json(folder / "certificate.json", found)


def test_without_a_finished_run_it_is_sent_to_train(
    studio: Studio, project: Project, open_page: OpenPage
) -> None:
    running_run(studio, project)
    app = open_page("export", project=project.id)
    assert "No training run of this project has finished yet." in texts(app)
    assert "make" not in [button.key for button in app.button]


def test_empty_project_is_sent_to_its_pictures(studio: Studio, open_page: OpenPage) -> None:
    app = open_page("export", project=studio.create("Empty").id)
    assert "There are no pictures to train on yet." in texts(app)


def test_it_says_what_is_inside_and_makes_it_once(
    studio: Studio, project: Project, open_page: OpenPage
) -> None:
    run_id = finished_run(studio, project)
    app = open_page("export", project=project.id, run=run_id)
    said = texts(app)
    assert all(f"`{name}`" in said for name in text.CONTENTS)
    assert f"python -m tl_core export {run_id} --out thaw-{run_id}" in said
    app.button(key="make").click().run()
    assert len(tasks(studio, run_id)) == 1
    assert "make" not in [button.key for button in app.button]
    assert app.get("progress")


def test_making_is_found_again_after_a_refresh(
    studio: Studio, project: Project, open_page: OpenPage
) -> None:
    run_id = finished_run(studio, project)
    studio.ask("export", project.id, run_id=run_id)
    app = open_page("export", project=project.id, run=run_id)
    assert app.get("progress")
    assert "make" not in [button.key for button in app.button]


def test_the_certificate_is_shown_and_the_file_offered(
    studio: Studio, project: Project, open_page: OpenPage
) -> None:
    run_id = finished_run(studio, project)
    app = open_page("export", project=project.id, run=run_id)
    app.button(key="make").click().run()
    path = export_file(studio, run_id)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"thaw-{run_id}/model.onnx", bytes(200_000))
        archive.writestr(f"thaw-{run_id}/labels.json", "[]")
    certify(studio, run_id)
    end_task(studio, tasks(studio, run_id)[0], result={"zip": str(path)})
    app.run()
    said = texts(app)
    assert "48 of 48 the same answer" in said
    assert "0\\.0003" in said
    assert "| `model.onnx` | 0.2 MB |" in said
    assert f"cd thaw-{run_id}" in said
    offered: list[Any] = list(app.get("download_button"))
    assert [one.label for one in offered] == ["Download (0.2 MB)"]


def test_a_file_already_there_is_offered_again(
    studio: Studio, project: Project, open_page: OpenPage
) -> None:
    run_id = finished_run(studio, project)
    export_file(studio, run_id)
    app = open_page("export", project=project.id, run=run_id)
    assert app.get("download_button")
    assert text.AGAIN in {button.label for button in app.button}
    assert text.NO_CERTIFICATE in texts(app)


def test_nothing_compared_is_said(studio: Studio, project: Project, open_page: OpenPage) -> None:
    run_id = finished_run(studio, project)
    export_file(studio, run_id)
    certify(studio, run_id, pictures=0)
    said = texts(open_page("export", project=project.id, run=run_id))
    assert "so nothing was compared" in said


def test_a_failure_says_why_and_lets_try_again(
    studio: Studio, project: Project, open_page: OpenPage
) -> None:
    run_id = finished_run(studio, project)
    app = open_page("export", project=project.id, run=run_id)
    app.button(key="make").click().run()
    error = {
        "code": "export_mismatch",
        "message": "The exported file does not answer as the app does.",
        "hint": "Nothing was exported.",
    }
    end_task(studio, tasks(studio, run_id)[0], state="failed", error=error)
    app.run()
    said = texts(app)
    assert text.FAILED in said
    assert "does not answer as the app does" in said
    app.button(key="make").click().run()
    assert len(tasks(studio, run_id)) == 1


def test_forms_asked_for_are_made_and_no_others(
    studio: Studio, project: Project, open_page: OpenPage
) -> None:
    run_id = finished_run(studio, project)
    app = open_page("export", project=project.id, run=run_id)
    app.checkbox(key="form.int8").check().run()
    app.button(key="make").click().run()
    spec = studio.task(tasks(studio, run_id)[0]).spec
    assert (spec["int8"], spec["timm"], spec["torch_export"]) == (True, False, False)


def test_what_8_bits_lose_stands_beside_the_certificate(
    studio: Studio, project: Project, open_page: OpenPage
) -> None:
    run_id = finished_run(studio, project)
    export_file(studio, run_id)
    certify(studio, run_id)
    path = studio.home.run_dir(run_id) / "export" / f"thaw-{run_id}" / "certificate.json"
    told = {"pictures": 9, "sentence": "**The loss is real: use the full network.**"}
    write_json(path, {**read_json(path), "int8": told})
    said = texts(open_page("export", project=project.id, run=run_id))
    assert "The loss is real" in said
    assert text.INT8 in said
