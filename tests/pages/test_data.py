"""Data: bring pictures, follow the intake, see what is there, divide it."""

from __future__ import annotations

import io
import zipfile

from tests.pages import seed
from tests.pages.conftest import OpenPage, texts
from tl_core.data.intake import Quarantined
from tl_core.session import ClassRow, Studio
from tl_ui.texts import curation
from tl_ui.texts import data as text


def view(app, name: str):
    """Switch to one of the closer looks."""
    control = next(one for one in app.button_group if one.key == "data.view")
    control.set_value(name).run()
    assert not app.exception
    return texts(app)


def test_without_a_project_the_page_sends_home(open_page: OpenPage) -> None:
    assert "No project is open" in texts(open_page("data"))


def test_an_empty_project_says_what_is_expected(open_page: OpenPage, studio: Studio) -> None:
    app = open_page("data", project=studio.create("Leaves").id)
    said = texts(app)
    assert text.EMPTY in said
    assert text.ONE_LABEL in said
    assert text.EXPECTED_ALT in said
    assert text.EXPECTED_NOTE in said
    assert len(app.get("file_uploader")) == 2  # without the launcher's routes: zip, and folder


def test_a_zip_is_queued_and_the_uploader_let_go(open_page: OpenPage, studio: Studio) -> None:
    project = studio.create("Leaves")
    app = open_page("data", project=project.id)
    app.get("file_uploader")[0].upload("leaves.zip", zipped()).run()
    assert not app.exception
    task = studio.active()[0]
    assert (task.kind, task.project_id) == ("import", project.id)
    upload = studio.home.folder("uploads") / f"{task.spec['upload_id']}.upload"
    assert zipfile.is_zipfile(upload)
    assert text.READING in texts(app)
    assert not app.get("file_uploader")


def test_a_folder_of_this_machine_is_queued(open_page: OpenPage, studio: Studio) -> None:
    app = open_page("data", project=studio.create("Leaves").id)
    app.text_input(key="data.folder").set_value("/data/leaves")
    app.button(key="data.read").click().run()
    assert studio.active()[0].spec == {"folder": "/data/leaves"}


def test_once_there_are_pictures_more_are_added_unless_asked_otherwise(
    open_page: OpenPage, studio: Studio
) -> None:
    project = seed.project_with_pictures(studio)
    app = open_page("data", project=project.id)
    assert text.MODE_NOTES["add"] in texts(app)
    app.text_input(key="data.folder").set_value("/data/more")
    app.button(key="data.read").click().run()
    assert studio.active()[0].spec == {"folder": "/data/more", "mode": "add"}


def test_a_set_can_still_be_replaced(open_page: OpenPage, studio: Studio) -> None:
    project = seed.project_with_pictures(studio)
    app = open_page("data", project=project.id)
    next(one for one in app.button_group if one.key == "data.mode").set_value("replace").run()
    assert text.MODE_NOTES["replace"] in texts(app)
    assert not [one for one in app.selectbox if one.label == text.INTO]
    app.get("file_uploader")[0].upload("leaves.zip", zipped()).run()
    assert "mode" not in studio.active()[0].spec


def test_single_pictures_go_into_a_class_that_is_there_or_new(
    open_page: OpenPage, studio: Studio
) -> None:
    project = seed.project_with_pictures(studio)
    app = open_page("data", project=project.id)
    into = next(one for one in app.selectbox if one.label == text.INTO)
    assert into.options == list(seed.CLASSES)
    into.set_value("wasps").run()
    singles = next(one for one in app.get("file_uploader") if one.label == text.into("wasps"))
    singles.upload("one.png", seed.picture(7)).run()
    assert not app.exception
    spec = studio.active()[0].spec
    assert (spec["mode"], spec["label"]) == ("add", "wasps")
    upload = studio.home.folder("uploads") / f"{spec['upload_id']}.upload"
    assert zipfile.ZipFile(upload).namelist() == ["wasps/one.png"]


def test_what_joined_is_told(open_page: OpenPage, studio: Studio) -> None:
    said = text.arrived({"added": 12, "known": 3, "pictures": 48, "quarantined": 1})
    assert said == "12 pictures were added. 3 were here already. 1 file was left out."


def test_an_empty_path_is_refused_kindly(open_page: OpenPage, studio: Studio) -> None:
    app = open_page("data", project=studio.create("Leaves").id)
    app.button(key="data.read").click().run()
    assert "No pictures were given" in app.error[0].value
    assert studio.active() == []


def test_the_sample_can_fill_an_empty_project(open_page: OpenPage, studio: Studio) -> None:
    project = studio.create("Leaves")
    app = open_page("data", project=project.id)
    app.button(key="data.sample").click().run()
    assert studio.active()[0].kind == "sample"
    assert text.DRAWING in texts(app)


def test_an_intake_at_work_is_found_again_and_can_be_cancelled(
    open_page: OpenPage, studio: Studio
) -> None:
    project = studio.create("Leaves")
    task = seed.task(
        studio, "import", project_id=project.id, state="running", progress=("Reading", 120, 240)
    )
    app = open_page("data", project=project.id)  # a new session: as after a refresh
    assert app.get("progress")[0].proto.text == "Reading: 120 of 240"
    assert text.LEAVE in texts(app)
    app.button(key=f"cancel.{task}").click().run()
    assert studio.queue.commands_after(task, 0, 0.0)[0][1] == "stop"


def test_the_old_pictures_stay_until_the_new_ones_are_there(
    open_page: OpenPage, studio: Studio
) -> None:
    project = seed.project_with_pictures(studio)
    seed.task(studio, "import", project_id=project.id, state="running")
    app = open_page("data", project=project.id)
    said = texts(app)
    assert text.KEPT in said
    assert "Pictures 36" in said
    assert not app.get("file_uploader")  # one intake at a time


def test_an_intake_that_ends_is_announced(open_page: OpenPage, studio: Studio) -> None:
    project = seed.project_with_pictures(studio)
    task = seed.task(studio, "import", project_id=project.id, state="running")
    app = open_page("data", project=project.id)
    seed.end_task(studio, task, result={"pictures": 36, "quarantined": 2})
    app.run()
    assert [one.value for one in app.toast] == ["36 pictures are here. 2 files were left out."]


def test_a_failed_intake_says_why_and_what_to_do(open_page: OpenPage, studio: Studio) -> None:
    project = studio.create("Leaves")
    seed.task(studio, "import", project_id=project.id, state="failed")
    app = open_page("data", project=project.id)
    said = app.error[0].value.replace("\\", "")
    assert seed.ERROR["message"] in said
    assert seed.ERROR["hint"] in said
    assert text.EMPTY in texts(app)  # and the way to try again


def test_a_failed_replacement_can_be_dismissed(open_page: OpenPage, studio: Studio) -> None:
    project = seed.project_with_pictures(studio)
    seed.task(studio, "import", project_id=project.id, state="failed")
    app = open_page("data", project=project.id)
    assert app.error
    app.button(key="data.dismiss").click().run()
    assert not app.error


def test_a_cancelled_intake_is_no_error(open_page: OpenPage, studio: Studio) -> None:
    project = studio.create("Leaves")
    error = {"code": "cancelled", "message": "Cancelled. Nothing was changed.", "hint": ""}
    seed.task(studio, "import", project_id=project.id, state="failed", error=error)
    app = open_page("data", project=project.id)
    assert not app.error
    assert "Cancelled" in app.info[0].value


def test_the_set_is_told_in_numbers_and_sentences(open_page: OpenPage, studio: Studio) -> None:
    project = seed.project_with_pictures(studio)
    app = open_page("data", project=project.id)
    numbers = {one.label: one.value for one in app.metric}
    assert numbers == {
        "Pictures": "36",
        "Classes": "3",
        "Training": "24",
        "Validation": "6",
        "Test": "6",
        "Left out": "2",
    }
    said = texts(app)
    assert "Every class has at least 12 pictures" in said
    assert text.balance(studio.data(project.id).classes) in said.replace("\\", "")
    assert list(app.dataframe[0].value[text.CLASS]) == list(seed.CLASSES)
    assert len(app.get("plotly_chart")) == 1
    assert not app.button(key="next_model").disabled


def test_what_was_taken_in_is_folded_once_the_set_is_changed(
    open_page: OpenPage, studio: Studio
) -> None:
    project = seed.project_with_pictures(studio)
    app = open_page("data", project=project.id)
    assert text.TAKEN_IN not in [one.label for one in app.expander]
    studio.curation.exclude(project.id, [1], title="one")
    app.run()
    folded = next(one for one in app.expander if one.label == text.TAKEN_IN)
    assert not folded.proto.expanded
    assert any("Every class has at least 12 pictures" in one.value for one in folded.markdown)
    studio.curation.undo(project.id)
    app.run()
    assert text.TAKEN_IN in [one.label for one in app.expander]


def test_a_long_class_name_leaves_room_for_the_numbers(open_page: OpenPage, studio: Studio) -> None:
    project = seed.project_with_pictures(studio, classes=("ants", "bees of the northern fields"))
    assert "158" in open_page("data", project=project.id).dataframe[0].proto.columns
    project = seed.project_with_pictures(studio)
    assert "158" not in open_page("data", project=project.id).dataframe[0].proto.columns


def test_a_set_that_cannot_be_trained_on_says_what_is_missing(
    open_page: OpenPage, studio: Studio
) -> None:
    project = seed.project_with_pictures(studio, classes=("ants",))
    app = open_page("data", project=project.id)
    assert "only one class" in app.warning[0].value
    assert app.button(key="next_model").disabled


def test_what_was_left_out_is_listed_with_its_reason(open_page: OpenPage, studio: Studio) -> None:
    project = seed.project_with_pictures(studio)
    app = open_page("data", project=project.id)
    said = view(app, "left").replace("\\", "")
    assert "- **ants/broken.gif** is damaged or cut off." in said
    assert "- **bees/notes.txt** is a text, not a picture." in said
    assert len(app.get("download_button")) == 1


def test_many_left_out_files_go_into_a_table(open_page: OpenPage, studio: Studio) -> None:
    many = [Quarantined(file=f"{i}.txt", reason="is a text", code="text") for i in range(50)]
    project = seed.project_with_pictures(studio, quarantine=many)
    app = open_page("data", project=project.id)
    view(app, "left")
    assert len(app.dataframe[0].value) == 50


def test_nothing_left_out(open_page: OpenPage, studio: Studio) -> None:
    project = seed.project_with_pictures(studio, quarantine=())
    assert curation.NOTHING_LEFT in view(open_page("data", project=project.id), "left")


def test_uneven_classes_are_named() -> None:
    rows = [row("ants", 90), row("bees", 10)]
    said = text.balance(rows)
    assert "largest class is ants with 90" in said
    assert "smallest bees with 10" in said
    assert "class by class" in said
    assert text.balance([row("ants", 5), row("bees", 5)]) == "Every class has 5 pictures."


def row(label: str, total: int) -> ClassRow:
    return ClassRow(label=label, total=total, train=total, val=0, test=0)


def zipped() -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr("ants/1.png", seed.picture(1))
    return sink.getvalue()
