"""The Compare page: runs listed, chosen, held against each other, named and run again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.pages import seed
from tests.pages.conftest import OpenPage, texts
from tl_core.config import FreezeConfig, RunSpec, TrainConfig
from tl_core.jobs.comparing import Choice
from tl_core.jobs.versions import Since
from tl_core.session import Project, Studio
from tl_ui.compare_charts import COLORS, Cost, cost_figure, curves_figure, gaps_figure
from tl_ui.texts import compare as text


@pytest.fixture
def project(studio: Studio) -> Project:
    return seed.project_with_pictures(studio, per_class=40)


@pytest.fixture
def three(studio: Studio, project: Project) -> list[str]:
    """A good head, a bad one from scratch, and a deep probe; the oldest first."""
    scratch = replace(
        seed.short_spec(), freeze=FreezeConfig(layers="scratch"), train=TrainConfig(epochs=3)
    )
    return [
        seed.finished_run(studio, project, right=0.98, seed=1),
        seed.finished_run(studio, project, right=0.3, seed=2, spec=scratch),
        seed.finished_probe(studio, project),
    ]


def compare_all(studio: Studio, project: Project, runs: list[str], **more: Any) -> None:
    studio.comparing.choose(project.id, Choice(runs=tuple(runs), **more))


def plain(app: AppTest) -> str:
    return texts(app).replace("\\", "")


def test_an_empty_project_is_sent_to_its_pictures(studio: Studio, open_page: OpenPage) -> None:
    app = open_page("compare", project=studio.create("Empty").id)
    assert "There are no pictures to train on yet." in texts(app)


def test_without_a_result_it_is_sent_to_train(
    studio: Studio, project: Project, open_page: OpenPage
) -> None:
    seed.running_run(studio, project)
    seed.failed_run(studio, project)
    assert "No training run of this project has finished yet." in texts(
        open_page("compare", project=project.id)
    )


def test_one_run_can_be_run_again_but_not_compared(
    studio: Studio, project: Project, open_page: OpenPage
) -> None:
    run_id = seed.finished_run(studio, project)
    app = open_page("compare", project=project.id)
    assert text.ONE_ONLY in texts(app)
    app.button(key=f"again.then.{run_id}").click().run()
    assert app.title[0].value == "Train"


def test_the_newest_two_are_compared_at_first_and_the_choice_lasts(
    studio: Studio, project: Project, three: list[str], open_page: OpenPage
) -> None:
    app = open_page("compare", project=project.id)
    chosen = app.multiselect(key=f"compare.chosen.{project.id}")
    assert set(chosen.value) == set(three[1:])
    chosen.set_value([three[0], three[1]]).run()
    assert set(Studio(studio.home).comparing.choice(project.id).runs) == set(three[:2])
    again = open_page("compare", project=project.id)
    assert again.multiselect(key=f"compare.chosen.{project.id}").value == [three[0], three[1]]
    assert studio.progress_of(project.id)["compare"]


def test_who_is_better_is_said_with_the_pictures_behind_it(
    studio: Studio, project: Project, three: list[str], open_page: OpenPage
) -> None:
    compare_all(studio, project, three[:2])
    said = plain(open_page("compare", project=project.id))
    assert "<b>A is better than B.</b>" in said
    assert "Of the same 18 pictures only B has" in said
    assert "What the pretrained network knows helps: A against B" in said
    assert text.VAL_WORDS in said


def test_a_run_that_is_as_good_cannot_be_told_apart(
    studio: Studio, project: Project, open_page: OpenPage
) -> None:
    runs = [seed.finished_run(studio, project, right=0.8, seed=n) for n in (1, 1)]
    compare_all(studio, project, runs)
    said = plain(open_page("compare", project=project.id))
    assert "Cannot tell B and A apart; each is right" in said
    assert text.NO_DISAGREEMENT in said
    assert text.NOTHING_DIFFERS in said


def test_another_run_can_be_the_one_that_others_are_held_against(
    studio: Studio, project: Project, three: list[str], open_page: OpenPage
) -> None:
    compare_all(studio, project, three)
    app = open_page("compare", project=project.id)
    assert "Corrected for 3 comparisons (every pair" in texts(app)
    app.selectbox(key=f"compare.against.{project.id}").set_value(three[1]).run()
    assert "Corrected for 2 comparisons." in texts(app)
    assert studio.comparing.choice(project.id).reference == three[1]


def test_many_looks_at_the_test_pictures_are_warned_of(
    studio: Studio, project: Project, three: list[str], open_page: OpenPage
) -> None:
    compare_all(studio, project, three[:2])
    app = open_page("compare", project=project.id)
    split: Any = app.get_by_key(f"compare.split.{project.id}")
    split.set_value("test").run()
    assert text.TEST_WORDS in texts(app)
    assert "were compared on the test pictures" not in texts(app)
    app.multiselect(key=f"compare.chosen.{project.id}").set_value(three).run()
    assert "3 runs of this project were compared on the test pictures" in texts(app)


def test_a_set_without_test_pictures_offers_none(studio: Studio, open_page: OpenPage) -> None:
    project = seed.project_with_pictures(studio, parts=("train", "val"))
    runs = [seed.finished_run(studio, project, seed=n) for n in (1, 2)]
    compare_all(studio, project, runs, split="test")
    app = open_page("compare", project=project.id)
    assert text.SPLIT not in [one.label for one in app.get("segmented_control")]
    assert text.VAL_ONLY in texts(app)
    assert "Which is better?" in texts(app)
    app.multiselect(key=f"compare.chosen.{project.id}").set_value(runs).run()
    assert not app.exception


def test_a_run_that_kept_no_answers_says_so(
    studio: Studio, project: Project, three: list[str], open_page: OpenPage
) -> None:
    (studio.home.run_dir(three[1]) / "answers-val.json").unlink()
    compare_all(studio, project, three)
    assert "B cannot be compared here: no answer" in plain(open_page("compare", project=project.id))


def test_runs_are_listed_with_what_they_are(
    studio: Studio, project: Project, three: list[str], open_page: OpenPage
) -> None:
    studio.comparing.describe(three[0], name="Mine", tags=["keeper"], note="bright ones")
    compare_all(studio, project, three[:2])
    table = open_page("compare", project=project.id).dataframe[0].value
    assert list(table[text.NAME])[-1] == "Mine"
    assert list(table[text.MARK]) == ["", "B", "A"]
    assert list(table[text.BLOCKS]) == ["Deep probe", "From scratch", "Head only"]
    assert list(table["state"]) == [text.AS_NOW] * 3
    assert list(table["tags"])[-1] == ["keeper"]
    assert list(table["pictures"]) == [120] * 3
    known = studio.comparing.facts(three[0]).accuracy["val"][0]
    assert list(table["right"])[-1] == round(100 * known, 1)


def test_the_list_can_be_searched_and_filtered(
    studio: Studio, project: Project, three: list[str], open_page: OpenPage
) -> None:
    studio.comparing.describe(three[0], name="Mine", tags=["keeper"], note="bright ones")
    app = open_page("compare", project=project.id)
    app.text_input(key="compare.search").set_value("BRIGHT mine").run()
    assert list(app.dataframe[0].value[text.NAME]) == ["Mine"]
    app.text_input(key="compare.search").set_value("").run()
    app.multiselect(key="compare.tags").set_value(["keeper"]).run()
    assert list(app.dataframe[0].value[text.NAME]) == ["Mine"]
    app.multiselect(key="compare.layers").set_value(["scratch"]).run()
    assert text.NONE_FIT in texts(app)
    assert "compare.networks" not in {one.key for one in app.multiselect}  # only one network


def test_the_set_of_an_earlier_run_is_said_to_be_earlier(
    studio: Studio, project: Project, open_page: OpenPage
) -> None:
    first = seed.finished_run(studio, project, seed=1)
    studio.curation.relabel(project.id, {1: "bees", 2: "bees"}, title="two")
    second = seed.finished_run(studio, project, seed=2)
    compare_all(studio, project, [first, second], reference=first)
    app = open_page("compare", project=project.id)
    assert list(app.dataframe[0].value["state"]) == [text.AS_NOW, "1 change ago"]
    assert "B has other pictures than A: 2 in another class." in plain(app)
    assert text.OTHER_STATES in plain(app)
    assert len(app.dataframe) == 1  # no setting differs


def test_only_settings_that_differ_are_listed_in_the_words_of_the_pages(
    studio: Studio, project: Project, three: list[str], open_page: OpenPage
) -> None:
    compare_all(studio, project, three)
    app = open_page("compare", project=project.id)
    table = app.dataframe[1].value
    rows = {row[text.SETTING]: [row[run] for run in three] for _, row in table.iterrows()}
    assert rows["Blocks that learn"] == ["Head only", "From scratch", "Deep probe"]
    assert rows["Epochs"] == ["6", "3", text.UNUSED]
    assert "Network" not in rows and "Dropout" not in rows
    assert text.SAME_PICTURES in plain(app)


def test_pictures_they_disagree_about_are_shown_a_few_at_a_time(
    studio: Studio, open_page: OpenPage
) -> None:
    project = seed.project_with_pictures(studio, per_class=100)
    runs = [
        seed.finished_run(studio, project, right=1.1, seed=1),
        seed.finished_run(studio, project, right=0.2, seed=2),
    ]
    compare_all(studio, project, runs)
    app = open_page("compare", project=project.id)
    shown = len(app.get("image")) or len(app.get("imgs"))
    found = studio.comparing.compare(runs, split="val")
    assert len(found.disagreements[runs[1]]) > text.SHOWN
    key = f"compare.kind.val.{runs[1]}.{runs[0]}"
    group: Any = app.get_by_key(key)
    assert group.options == [f"Only A right: {len(found.disagreements[runs[1]])}"]
    app.button(key="compare.more").click().run()
    assert not app.exception
    assert shown


def test_a_run_is_named_tagged_and_noted(
    studio: Studio, project: Project, three: list[str], open_page: OpenPage
) -> None:
    compare_all(studio, project, three[:2])
    app = open_page("compare", project=project.id)
    assert app.selectbox(key=f"compare.one.{project.id}").value == three[1]
    name = next(one for one in app.text_input if one.label == text.NEW_NAME)
    note = next(one for one in app.text_area if one.label == text.NEW_NOTE)
    name.set_value("The control")
    note.set_value("as bad as expected")
    next(one for one in app.button if one.label == text.KEEP).click().run()
    row = Studio(studio.home).run(three[1])
    assert (row.name, row.note) == ("The control", "as bad as expected")
    assert "The control" in texts(app)


def test_running_again_says_when_the_pictures_have_changed(
    studio: Studio, project: Project, open_page: OpenPage
) -> None:
    run_id = seed.finished_run(studio, project)
    app = open_page("compare", project=project.id)
    assert text.SAME in plain(app)
    studio.curation.exclude(project.id, [1, 2, 3], title="three")
    app = open_page("compare", project=project.id)
    assert "The pictures have changed since this run (3 left out)." in plain(app)
    app.button(key=f"again.then.{run_id}").click().run()
    newest = studio.runs(project.id)[0]
    assert len(studio.snapshot(newest.id).images) == 120
    assert newest.spec == studio.run(run_id).spec
    app = open_page("compare", project=project.id)
    app.button(key=f"again.now.{run_id}").click().run()
    assert len(studio.snapshot(studio.runs(project.id)[0].id).images) == 117


def test_settings_of_a_run_are_taken_over_to_be_changed(
    studio: Studio, project: Project, open_page: OpenPage
) -> None:
    spec = replace(seed.short_spec(), freeze=FreezeConfig(layers="last:1"), note="")
    run_id = seed.finished_run(studio, project, spec=spec)
    app = open_page("compare", project=project.id)
    app.button(key="compare.branch").click().run()
    assert app.title[0].value == "Layers"
    assert studio.draft(project.id) == RunSpec.from_dict(studio.run(run_id).spec)


def test_a_run_leads_to_its_own_result(
    studio: Studio, project: Project, three: list[str], open_page: OpenPage
) -> None:
    app = open_page("compare", project=project.id)
    app.selectbox(key=f"compare.one.{project.id}").set_value(three[0]).run()
    app.button(key="compare.judge").click().run()
    assert app.title[0].value == "Evaluate"
    assert app.query_params["run"] == three[0]


def test_what_users_write_cannot_become_markup(
    studio: Studio, project: Project, three: list[str], open_page: OpenPage
) -> None:
    hostile = "<img src=x onerror=alert(1)>"
    studio.comparing.describe(
        three[0], name=hostile, tags=["<b>x</b>"], note=f"[a](http://t) {hostile}"
    )
    compare_all(studio, project, three)
    app = open_page("compare", project=project.id)
    markup = "\n".join(str(one.value) for one in app.get("html"))
    assert "<img" not in markup and "<b>x" not in markup
    assert "&lt;img src=x" in markup


# -- the figures -----------------------------------------------------------------------------------


def test_every_run_keeps_its_colour_in_every_figure(
    studio: Studio, project: Project, three: list[str]
) -> None:
    rows = [studio.run(run_id) for run_id in three]
    views = [(n, f"{n}", studio.comparing.view(row)) for n, row in enumerate(rows)]
    curves = curves_figure(views, "val_loss")
    assert [one.line.color for one in curves.data] == list(COLORS[:3])
    assert list(curves.data[0].x) == [1, 2, 3, 4, 5, 6]
    solved = curves.data[2]
    assert (list(solved.x), solved.line.dash) == ([1, 6], "dot")
    found = studio.comparing.compare(three, split="val")
    gaps = gaps_figure([(1, "B", found.pairs[0].accuracy)], "points")
    assert gaps.data[0].marker.color == COLORS[1]
    assert gaps.data[0].x[0] == pytest.approx(100 * found.pairs[0].accuracy.value)


def test_the_line_of_costs_joins_what_nothing_beats() -> None:
    points = [
        Cost(mark="A", name="a", place=0, value=0.9, low=0.8, high=0.95, cost=50, unbeaten=True),
        Cost(mark="", name="b", place=None, value=0.7, low=0.6, high=0.8, cost=60, unbeaten=False),
        Cost(mark="B", name="c", place=1, value=0.8, low=0.7, high=0.9, cost=5, unbeaten=True),
    ]
    figure = cost_figure(points, "Seconds", log=True)
    assert list(figure.data[0].x) == [5, 50]
    assert figure.layout.xaxis.type == "log"
    assert [one.mode for one in figure.data[1:]] == ["markers", "markers+text", "markers+text"]


@pytest.mark.parametrize(
    ("layers", "words"),
    [
        ("head", "Head only"),
        ("last:1", "Last block"),
        ("last:3", "Last 3 blocks"),
        ("first:1", "First block"),
        ("all", "All blocks"),
        ("custom:0,2", "My choice: 1, 3"),
        ("deep-probe", "Deep probe"),
    ],
)
def test_blocks_are_called_as_on_the_layers_page(layers: str, words: str) -> None:
    assert text.blocks(layers) == words


def test_runs_with_other_pictures_are_named_together() -> None:
    said = text.other_pictures(
        ["A", "B", "D"], "C", text.pictures_changed(Since(moved=2, parted=1))
    )
    assert said == (
        "A, B and D have other pictures than C: 2 in another class, 1 in another part of the split."
    )
    assert text.pictures_changed(Since(replaced=True)) == "another set altogether"
    assert text.pictures_changed(Since()) == ""
    assert "not known" in text.pictures_changed(None)
