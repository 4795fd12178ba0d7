"""Home: begin, open, rename and delete projects; what is at work; what came out."""

from __future__ import annotations

import subprocess
import sys

from tests.pages import seed
from tests.pages.conftest import ROOT, OpenPage, texts
from tl_core.session import Studio
from tl_ui.texts import home as text


def test_an_empty_studio_offers_the_two_beginnings(open_page: OpenPage) -> None:
    app = open_page("home")
    said = texts(app)
    assert text.LEAD in said
    assert text.SAMPLE_BODY in said
    assert app.button(key="home.sample").label == text.SAMPLE_GO
    assert text.PROJECTS not in said
    assert text.RUNS not in said


def test_one_click_starts_the_sample_and_goes_to_its_pictures(
    open_page: OpenPage, studio: Studio
) -> None:
    app = open_page("home")
    app.button(key="home.sample").click().run()
    assert not app.exception
    project = studio.projects()[0]
    assert project.sample
    task = studio.active()[0]
    assert (task.kind, task.project_id) == ("sample", project.id)
    assert task.spec["options"]["per_class"] == 40
    assert app.query_params["project"] == project.id


def test_faults_chosen_for_the_sample_are_planted(open_page: OpenPage, studio: Studio) -> None:
    app = open_page("home")
    app.slider(key="home.per_class").set_value(20)
    app.slider(key="home.wrong_labels").set_value(10)
    app.slider(key="home.near_duplicates").set_value(5)
    app.toggle(key="home.shortcut").set_value(True)
    app.toggle(key="home.light").set_value(True)
    app.button(key="home.sample").click().run()
    assert studio.active()[0].spec["options"] == {
        "per_class": 20,
        "wrong_labels": 0.1,
        "near_duplicates": 0.05,
        "shortcut": True,
        "second_lighting": True,
    }


def test_a_new_project_is_made_and_opened(open_page: OpenPage, studio: Studio) -> None:
    app = open_page("home")
    app.text_input(key="home.name").set_value("Leaves")
    app.button(key="home.create").click().run()
    assert not app.exception
    assert [one.name for one in studio.projects()] == ["Leaves"]
    assert app.query_params["project"] == studio.projects()[0].id


def test_a_project_without_a_name_is_refused_kindly(open_page: OpenPage, studio: Studio) -> None:
    app = open_page("home")
    app.button(key="home.create").click().run()
    assert "A project needs a name" in app.error[0].value.replace("\\", "")
    assert studio.projects() == []


def test_a_project_shows_its_size_and_that_it_was_not_trained(
    open_page: OpenPage, studio: Studio
) -> None:
    project = seed.project_with_pictures(studio, "Insects *1*")
    said = texts(open_page("home"))
    assert "Insects \\*1\\*" in said  # shown as typed
    assert text.size(36, 3) in said
    assert text.NOT_TRAINED in said
    assert studio.project(project.id) is not None


def test_a_finished_run_shows_its_accuracy_with_the_interval(
    open_page: OpenPage, studio: Studio
) -> None:
    project = seed.project_with_pictures(studio)
    run_id = seed.finished_run(studio, project)
    measured = text.measured(studio.run(run_id).result)
    assert measured is not None
    said = texts(open_page("home"))
    assert measured[0] == "Right on test pictures"
    assert f"{measured[0]} {measured[1]}" in said  # the number of the card
    assert measured[2] in said
    assert text.in_a_line(measured) in said
    assert text.RUNS in said


def test_failed_and_interrupted_runs_say_so(open_page: OpenPage, studio: Studio) -> None:
    project = seed.project_with_pictures(studio)
    seed.failed_run(studio, project)
    assert text.outcome("failed") in texts(open_page("home"))
    other = seed.project_with_pictures(studio, "Other")
    seed.interrupted_run(studio, other)
    assert text.outcome("interrupted") in texts(open_page("home"))


def test_work_is_shown_while_it_goes_on(open_page: OpenPage, studio: Studio) -> None:
    project = seed.project_with_pictures(studio)
    seed.running_run(studio, project)
    seed.queued_run(studio, project)
    seed.task(studio, "import", project_id=project.id, state="running", progress=("Reading", 3, 9))
    app = open_page("home")
    said = texts(app)
    assert text.WORKING in said
    progress = [one.proto.text for one in app.get("progress")]
    assert "54 % done" in progress
    assert "Reading: 3 of 9" in progress
    assert any(words.startswith("Waiting for its turn") for words in progress)


def test_opening_a_project_goes_to_where_it_goes_on(open_page: OpenPage, studio: Studio) -> None:
    empty = studio.create("Empty")
    full = seed.project_with_pictures(studio, "Full")
    done = seed.project_with_pictures(studio, "Done")
    seed.finished_run(studio, done)
    for project, title in ((empty, "Data"), (full, "Model"), (done, "Evaluate")):
        app = open_page("home")
        app.button(key=f"home.open.{project.id}").click().run()
        assert not app.exception
        assert app.title[0].value == title
        assert app.query_params["project"] == project.id


def test_renaming_and_deleting_ask_first(open_page: OpenPage, studio: Studio) -> None:
    project = seed.project_with_pictures(studio)
    seed.finished_run(studio, project)
    app = open_page("home")
    app.get("menu_button")[0].click(text.RENAME).run()
    assert any(one.label == text.RENAME_LABEL for one in app.text_input)
    app = open_page("home")
    app.get("menu_button")[0].click(text.DELETE).run()
    assert not app.exception
    assert text.deletion(36, 1, 0) in texts(app)
    assert studio.project(project.id) is not None


def test_what_is_lost_is_counted() -> None:
    assert "36 pictures and 2 runs" in text.deletion(36, 2, 0)
    assert "1 picture and 1 run" in text.deletion(1, 1, 0)
    assert "Work on it is stopped" in text.deletion(36, 2, 1)


def test_the_tiles_and_the_default_are_those_of_the_sample_set() -> None:
    from tl_core.data.sample import CLASSES, SampleOptions
    from tl_ui.views.beginning import PER_CLASS, TILES

    assert sorted(path.stem for path in TILES.glob("*.webp")) == sorted(CLASSES)
    assert SampleOptions().per_class == PER_CLASS


def test_the_first_page_needs_no_numpy() -> None:
    code = (
        "import sys, tl_ui.views.home, tl_ui.views.beginning, tl_ui.shell; "
        "print([one for one in ('numpy', 'pandas') if one in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_times_in_words() -> None:
    assert text.ago(20) == "just now"
    assert text.ago(61) == "1 minute ago"
    assert text.ago(7300) == "2 hours ago"
    assert text.ago(90_000) == "yesterday"
    assert text.ago(200_000) == "2 days ago"


def test_a_result_prefers_the_test_pictures() -> None:
    both = {
        "val_accuracy": 0.9,
        "val_accuracy_ci": [0.8, 0.95],
        "test_accuracy": 0.8,
        "test_accuracy_ci": [0.7, 0.88],
    }
    assert text.measured(both) == ("Right on test pictures", "80 %", "likely between 70 and 88 %")
    only_val = {**both, "test_accuracy": None, "test_accuracy_ci": None}
    assert text.measured(only_val) == (
        "Right on validation pictures",
        "90 %",
        "likely between 80 and 95 %",
    )
    assert text.measured(None) is None
