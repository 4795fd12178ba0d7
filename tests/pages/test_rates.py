"""Learning rates on the Layers page: asked for, shown with its rules, taken, and per block."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.pages.conftest import OpenPage, texts
from tests.pages.seed import end_task, project_with_pictures
from tl_core.config import FreezeConfig, changed
from tl_core.jobs.estimate import keep_rate
from tl_core.session import Project, RunRow, Studio
from tl_core.train.raterules import suggest
from tl_ui.rate_chart import rate_figure
from tl_ui.texts import rates as text
from tl_ui.texts.meanings import COMPUTED


@pytest.fixture
def project(studio: Studio) -> Project:
    keep_rate(studio.home, 1e10, "CPU")
    return project_with_pictures(studio)


def result(*, flat: bool = False, n_train: int = 245) -> dict[str, Any]:
    rates = np.geomspace(1e-5, 1, 100)
    decades = np.log10(rates)
    fall = 0.0 if flat else 0.5
    losses = 0.7 - fall / (1 + np.exp(-2 * (decades + 2.2))) + np.maximum(0, decades + 1) ** 2
    losses = losses + np.random.default_rng(0).normal(0, 0.01, 100)
    return {
        "rates": rates.tolist(),
        "losses": losses.tolist(),
        "seeds": 3,
        "n_train": n_train,
        "batch_size": 16,
        "passes": 1600 / n_train,
        "found": suggest(rates, losses).to_dict(),
        "model": "resnet10t.tiny_imagenet",
        "title": "Thaw ResNet-10T",
        "layers": "head",
        "seconds": 8.2,
        "data_version": 1,
        "pictures": "0",
    }


def made(studio: Studio) -> list[RunRow]:
    return studio.queue.rows(kind="lr_find")


def button(app: Any, project: Project, name: str) -> Any:
    return app.button(key=f"{project.id}.{name}")


def test_it_is_asked_for_once_and_its_suggestion_is_one_click_away(
    studio: Studio, project: Project, open_page: OpenPage
) -> None:
    app = open_page("layers", project=project.id)
    assert text.FIND_HINT.split(".")[0] in texts(app)
    button(app, project, "find_rate").click().run()
    (row,) = made(studio)
    assert row.project_id == project.id and row.state == "queued"
    body = result()
    end_task(studio, row.id, result=body)
    again = open_page("layers", project=project.id)  # another session, another day
    said = texts(again)
    value = body["found"]["rate"]
    assert "is suggested" in said and "rules agree" in said
    assert "By itself, Thaw takes 0.01" in said
    assert "100 rates, 3 runs averaged, each 6.5 passes" in said
    assert COMPUTED in said
    button(again, project, "use_rate").click().run()
    assert studio.draft(project.id).train.lr == value
    assert button(again, project, "use_rate").disabled
    assert len(made(studio)) == 1  # another rate is no other question


def test_a_redraw_with_the_sliders_old_value_does_not_undo_the_rate_just_taken(
    studio: Studio, project: Project, open_page: OpenPage
) -> None:
    app = open_page("layers", project=project.id)
    button(app, project, "find_rate").click().run()
    (row,) = made(studio)
    body = result()
    end_task(studio, row.id, result=body)
    app = open_page("layers", project=project.id)
    slider = f"{project.id}.train.lr"
    shown = app.select_slider(key=slider).value
    button(app, project, "use_rate").click().run()
    app.select_slider(key=slider).set_value(shown).run()  # sent before the browser had heard
    assert studio.draft(project.id).train.lr == body["found"]["rate"]
    assert app.select_slider(key=slider).value == body["found"]["rate"]
    app.select_slider(key=slider).set_value(0.05).run()  # a choice, at once after it
    assert studio.draft(project.id).train.lr == 0.05


def test_other_layers_are_another_question(
    studio: Studio, project: Project, open_page: OpenPage
) -> None:
    app = open_page("layers", project=project.id)
    button(app, project, "find_rate").click().run()
    end_task(studio, made(studio)[0].id, result=result())
    studio.save_draft(project.id, changed(studio.draft(project.id), {"freeze.layers": "last:1"}))
    app = open_page("layers", project=project.id)
    assert "is suggested" not in texts(app)
    assert button(app, project, "find_rate")


def test_no_answer_is_said_in_words_and_leaves_nothing_to_take(
    studio: Studio, project: Project, open_page: OpenPage
) -> None:
    app = open_page("layers", project=project.id)
    button(app, project, "find_rate").click().run()
    end_task(studio, made(studio)[0].id, result=result(flat=True))
    app = open_page("layers", project=project.id)
    assert "At no rate did the loss fall by more than its own noise" in texts(app)
    assert "By itself, Thaw takes 0.01" in texts(app)
    assert not [one for one in app.button if one.key == f"{project.id}.use_rate"]


def test_many_passes_are_said(studio: Studio, project: Project, open_page: OpenPage) -> None:
    app = open_page("layers", project=project.id)
    button(app, project, "find_rate").click().run()
    end_task(studio, made(studio)[0].id, result=result(n_train=24))
    assert "learning them by heart" in texts(open_page("layers", project=project.id))


def test_a_failure_is_said_and_can_be_tried_again(
    studio: Studio, project: Project, open_page: OpenPage
) -> None:
    app = open_page("layers", project=project.id)
    button(app, project, "find_rate").click().run()
    end_task(studio, made(studio)[0].id, state="failed")
    app = open_page("layers", project=project.id)
    assert text.FAILED in texts(app)
    button(app, project, "find_rate_again").click().run()
    assert len(made(studio)) == 2


@pytest.mark.parametrize("layers", ["deep-probe", "exact-head"])
def test_a_solved_head_has_no_rate_to_find(
    studio: Studio, project: Project, open_page: OpenPage, layers: str
) -> None:
    studio.save_draft(project.id, changed(studio.draft(project.id), {"freeze.layers": layers}))
    app = open_page("layers", project=project.id)
    assert "there is no learning rate" in texts(app)
    assert not [one for one in app.button if str(one.key).endswith("find_rate")]


def test_the_curve_marks_the_rules_and_is_not_flattened_by_its_end() -> None:
    body = result()
    figure = rate_figure(body, 0.01)
    names = [one.name for one in figure.data]
    for rule in text.RULES.values():
        assert any(str(name).startswith(rule) for name in names)
    assert figure.layout.xaxis.type == "log"
    assert figure.layout.yaxis.range[1] < max(body["losses"])
    marks = " ".join(one.text for one in figure.layout.annotations)
    assert text.SUGGESTED in marks and text.DEFAULT in marks
    assert len(rate_figure(result(flat=True), 0.01).layout.annotations) == 1


def test_each_open_block_shows_its_rate_and_can_have_its_own(
    studio: Studio, project: Project, open_page: OpenPage
) -> None:
    draft = replace(studio.draft(project.id), freeze=FreezeConfig(layers="last:2"))
    studio.save_draft(project.id, draft)
    app = open_page("layers", project=project.id)
    shown = [one for one in app.number_input if ".block_rate." in str(one.key)]
    assert [one.value for one in shown] == pytest.approx([0.04, 0.1])
    assert "The head learns at 0.001." in texts(app).replace("\\", "")
    place = int(str(shown[0].key).rpartition(".")[2])
    shown[0].set_value(0.25).run()
    assert studio.draft(project.id).train.block_rates == f"{place}:0.25"
    assert "learns at 0.00025, set by you" in texts(app)
    app.number_input(key=f"{project.id}.block_rate.{place}").set_value(0.04).run()
    assert studio.draft(project.id).train.block_rates == ""  # the rule's own
    app.number_input(key=f"{project.id}.block_rate.{place}").set_value(0.5).run()
    button(app, project, "block_rates.usual").click().run()
    assert studio.draft(project.id).train.block_rates == ""


def test_one_rate_needs_no_table(project: Project, open_page: OpenPage) -> None:
    app = open_page("layers", project=project.id)
    assert not [one for one in app.number_input if ".block_rate." in str(one.key)]
