"""The Layers page: every choice lands in the stored draft, and "automatic" is one click away."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.pages.conftest import OpenPage, texts
from tests.pages.seed import end_task, picture, project_with_pictures, task
from tl_core.config import NO_AUGMENT, FreezeConfig, ModelConfig
from tl_core.jobs.estimate import keep_cost, keep_description, keep_rate
from tl_core.session import Project, Studio
from tl_core.train.forecast import Cost
from tl_ui.texts import layers as text
from tl_ui.views.layers import preset_of

COST = Cost(prefix=1e-3, suffix=2e-4, suffix_forward=1e-4)


@pytest.fixture
def project(studio: Studio) -> Project:
    keep_rate(studio.home, 1e10, "CPU")
    return project_with_pictures(studio)


def asked(studio: Studio, kind: str) -> list[str]:
    return [row.id for row in studio.active() if row.kind == kind]


def control(app: AppTest, key: str) -> Any:
    return app.get_by_key(key)


def preset(app: AppTest, project: Project) -> Any:
    return control(app, f"{project.id}.preset")


def test_empty_project_is_sent_to_its_pictures(studio: Studio, open_page: OpenPage) -> None:
    app = open_page("layers", project=studio.create("Empty").id)
    assert "There are no pictures to train on yet." in texts(app)
    assert not app.get("segmented_control")


def test_no_project_is_sent_home(open_page: OpenPage) -> None:
    assert "No project is open." in texts(open_page("layers"))


def test_says_what_learns_how_long_and_how_much(project: Project, open_page: OpenPage) -> None:
    app = open_page("layers", project=project.id)
    said = texts(app)
    assert "only the head learns your classes" in said
    assert "Learns under 1 %" in said
    # 512 features x 3 classes and a bias each, not the 10 classes the catalogue was counted with
    assert r"1,539 of 4\.92 million parameters" in said
    assert "Expected time" in said
    assert "…" not in said.split("Expected time")[1].split("\n")[0]


@pytest.mark.parametrize(
    ("chosen", "layers"),
    [
        ("last", "last:1"),
        ("several", "last:2"),
        ("all", "all"),
        ("first", "first:1"),
        ("scratch", "scratch"),
    ],
)
def test_a_preset_is_kept_in_the_draft(
    studio: Studio, project: Project, open_page: OpenPage, chosen: str, layers: str
) -> None:
    app = open_page("layers", project=project.id)
    preset(app, project).set_value(chosen).run()
    assert studio.draft(project.id).freeze.layers == layers
    assert not app.exception


def test_of_the_two_groups_of_presets_one_has_the_choice(
    studio: Studio, project: Project, open_page: OpenPage
) -> None:
    app = open_page("layers", project=project.id)
    solved = control(app, f"{project.id}.probe")
    assert (preset(app, project).value, solved.value) == ("head", None)
    solved.set_value("deep-probe").run()
    assert studio.draft(project.id).freeze.layers == "deep-probe"
    assert preset(app, project).value is None
    control(app, f"{project.id}.probe").set_value(None).run()  # clicked once more: it stays
    assert control(app, f"{project.id}.probe").value == "deep-probe"
    preset(app, project).set_value("all").run()
    assert studio.draft(project.id).freeze.layers == "all"
    assert control(app, f"{project.id}.probe").value is None


def test_last_blocks_asks_how_many(studio: Studio, project: Project, open_page: OpenPage) -> None:
    app = open_page("layers", project=project.id)
    preset(app, project).set_value("several").run()
    control(app, f"{project.id}.several").set_value(4).run()
    assert studio.draft(project.id).freeze.layers == "last:4"


def test_a_choice_of_single_blocks_is_shown_as_such(
    studio: Studio, project: Project, open_page: OpenPage
) -> None:
    draft = replace(studio.draft(project.id), freeze=FreezeConfig(layers="custom:0,3,5"))
    studio.save_draft(project.id, draft)
    app = open_page("layers", project=project.id)
    assert preset(app, project).value == "custom"
    assert "Your own choice of blocks" in texts(app)


def test_a_choice_for_another_network_falls_back_to_the_head(
    studio: Studio, project: Project, open_page: OpenPage
) -> None:
    draft = replace(studio.draft(project.id), freeze=FreezeConfig(layers="last:40"))
    studio.save_draft(project.id, draft)
    open_page("layers", project=project.id)
    assert studio.draft(project.id).freeze.layers == "head"


def test_the_rate_is_automatic_until_chosen_and_again_after_one_click(
    studio: Studio, project: Project, open_page: OpenPage
) -> None:
    app = open_page("layers", project=project.id)
    slider = app.select_slider(key=f"{project.id}.train.lr")
    assert slider.value == 0.01
    slider.set_value(0.002).run()
    assert studio.draft(project.id).train.lr == 0.002
    assert "Back to automatic: 0.01" in texts(app)
    app.button(key=f"{project.id}.train.lr.usual").click().run()
    assert studio.draft(project.id).train.lr is None
    assert app.select_slider(key=f"{project.id}.train.lr").value == 0.01


def test_choosing_the_automatic_value_is_automatic(
    studio: Studio, project: Project, open_page: OpenPage
) -> None:
    app = open_page("layers", project=project.id)
    epochs = app.number_input(key=f"{project.id}.train.epochs")
    usual = epochs.value
    epochs.set_value(7).run()
    assert studio.draft(project.id).train.epochs == 7
    app.number_input(key=f"{project.id}.train.epochs").set_value(usual).run()
    assert studio.draft(project.id).train.epochs is None


def test_other_blocks_bring_another_automatic_rate(project: Project, open_page: OpenPage) -> None:
    app = open_page("layers", project=project.id)
    preset(app, project).set_value("scratch").run()
    assert app.select_slider(key=f"{project.id}.train.lr").value == 0.001
    assert r"0\.001 is the usual rate" in texts(app)


def test_settings_survive_leaving_the_page(
    studio: Studio, project: Project, open_page: OpenPage
) -> None:
    app = open_page("layers", project=project.id)
    app.slider(key=f"{project.id}.train.dropout").set_value(30).run()
    control(app, f"{project.id}.train.resize").set_value("crop").run()
    control(app, f"{project.id}.augment").set_value("off").run()
    spec = studio.draft(project.id)
    assert (spec.train.dropout, spec.train.resize) == (0.3, "crop")
    assert spec.augment == NO_AUGMENT
    again = open_page("layers", project=project.id)
    assert again.slider(key=f"{project.id}.train.dropout").value == 30
    assert "The middle square" in texts(again)


def test_a_machine_not_measured_yet_is_measured_once(studio: Studio, open_page: OpenPage) -> None:
    project = project_with_pictures(studio)
    app = open_page("layers", project=project.id)
    assert "measuring this machine" in texts(app)
    assert len(asked(studio, "measure")) == 1
    app.run()
    assert len(asked(studio, "measure")) == 1
    keep_rate(studio.home, 1e10, "CPU")
    end_task(studio, asked(studio, "measure")[0])
    app.run()
    assert "measuring this machine" not in texts(app)


def test_a_picture_is_measured_for_every_choice_once(
    studio: Studio, project: Project, open_page: OpenPage
) -> None:
    app = open_page("layers", project=project.id)
    assert "a first guess; it is being measured" in texts(app)
    (head,) = asked(studio, "measure")
    assert studio.task(head).spec["spec"]["freeze"]["layers"] == "head"
    preset(app, project).set_value("last").run()
    (last,) = asked(studio, "measure")
    assert studio.task(head).state == "cancelled"
    assert studio.task(last).spec["spec"]["freeze"]["layers"] == "last:1"
    spec = studio.resolved_draft(project.id)
    keep_cost(studio.home, spec, COST, bytes=2e3)
    end_task(studio, last)
    app.run()
    assert "being measured" not in texts(app)
    assert not asked(studio, "measure")


def test_examples_are_asked_for_and_shown(
    studio: Studio, project: Project, open_page: OpenPage, tmp_path: Path
) -> None:
    app = open_page("layers", project=project.id)
    assert "Making examples from your pictures" in texts(app)
    (first,) = asked(studio, "preview")
    assert studio.task(first).spec["spec"]["train"]["image_size"] == 128
    file = tmp_path / "one.png"
    file.write_bytes(picture())
    row = {"label": "ants", "path": "", "original": str(file), "changed": [str(file)] * 4}
    end_task(studio, first, result={"rows": [row], "size_px": 128})
    app.run()
    assert len(app.get("image")) == 5
    assert "Making examples" not in texts(app)
    assert not asked(studio, "preview")


def test_other_changes_replace_the_examples_asked_for(
    studio: Studio, project: Project, open_page: OpenPage
) -> None:
    app = open_page("layers", project=project.id)
    (first,) = asked(studio, "preview")
    control(app, f"{project.id}.augment").set_value("strong").run()
    (second,) = asked(studio, "preview")
    assert studio.task(first).state == "cancelled"
    assert studio.task(second).spec["spec"]["augment"]["crop"] == 0.5


def test_failed_examples_say_why_and_are_not_asked_for_again(
    studio: Studio, project: Project, open_page: OpenPage
) -> None:
    app = open_page("layers", project=project.id)
    end_task(studio, asked(studio, "preview")[0], state="failed")
    app.run()
    assert "The archive is broken" in texts(app)
    assert not asked(studio, "preview")
    app.button(key="preview_again").click().run()
    assert len(asked(studio, "preview")) == 1


UNKNOWN = "resnet14t.c3_in1k"  # in the index, not in the catalogue


def test_an_unknown_network_is_looked_into_first(
    studio: Studio, project: Project, open_page: OpenPage
) -> None:
    draft = replace(studio.draft(project.id), model=ModelConfig(name=UNKNOWN))
    studio.save_draft(project.id, draft)
    app = open_page("layers", project=project.id)
    assert "Looking into this network" in texts(app)
    assert not app.get("segmented_control")
    assert len(asked(studio, "describe")) == 1
    end_task(studio, asked(studio, "describe")[0], state="failed")
    app.run()
    assert "The blocks of this network could not be found." in texts(app)


def test_a_description_under_way_is_found_again(
    studio: Studio, project: Project, open_page: OpenPage
) -> None:
    draft = replace(studio.draft(project.id), model=ModelConfig(name=UNKNOWN))
    studio.save_draft(project.id, draft)
    task(studio, "describe", {"model": UNKNOWN}, state="running", progress=("Looking", 1, 2))
    app = open_page("layers", project=project.id)
    assert len(asked(studio, "describe")) == 1
    assert [bar.text for bar in app.get("progress")] == ["Looking: 1 of 2"]


def test_the_head_of_a_described_network_is_sized_for_the_classes(
    studio: Studio, project: Project, open_page: OpenPage
) -> None:
    name = UNKNOWN
    body = {"name": "stem", "title": "Stem", "knows": "edges", "macs": 9, "output": [8, 4, 4]}
    head = {"name": "head", "title": "Head", "knows": "your classes", "macs": 9, "output": [2]}
    groups = [{**body, "parameters": 1000}, {**head, "parameters": 2 * 101}]
    keep_description(studio.home, name, groups)
    draft = replace(studio.draft(project.id), model=ModelConfig(name=name))
    studio.save_draft(project.id, draft)
    app = open_page("layers", project=project.id)
    assert "303 of 1,303 parameters" in texts(app).replace("\\", "")
    assert not asked(studio, "describe")


def test_the_way_on_leads_to_a_new_run(
    studio: Studio, project: Project, open_page: OpenPage
) -> None:
    app = open_page("layers", project=project.id)
    app.button(key="next_train").click().run()
    assert app.query_params["run"] == "new"
    assert app.query_params["project"] == project.id


def choose_layers(studio: Studio, project: Project, layers: str) -> None:
    draft = replace(studio.draft(project.id), freeze=FreezeConfig(layers=layers))
    studio.save_draft(project.id, draft)


def fields_shown(app: AppTest, project: Project) -> set[str]:
    """Dotted settings that have a control on the page."""
    prefix = f"{project.id}."
    controls = [*app.slider, *app.select_slider, *app.number_input, *app.toggle, *app.selectbox]
    controls += app.get("button_group")
    names = {str(one.key).removeprefix(prefix) for one in controls}
    return {name for name in names if name.startswith(("train.", "augment."))}


@pytest.mark.parametrize("layers", ["deep-probe", "exact-head"])
def test_a_probe_leaves_out_what_has_no_effect_and_says_why(
    studio: Studio, project: Project, open_page: OpenPage, layers: str
) -> None:
    choose_layers(studio, project, layers)
    spec = studio.resolved_draft(project.id)
    keep_cost(studio.home, spec, COST, bytes=2e3)
    app = open_page("layers", project=project.id)
    assert control(app, f"{project.id}.probe").value == layers
    assert fields_shown(app, project) == {
        "train.image_size",
        "train.resize",
        "train.seed",
    }
    said = texts(app)
    for sentence in (
        text.PRESET_SENTENCES[layers],
        text.BLOCKS_HINT_PROBE[layers],
        text.PROBE_LEARNING,
        text.PROBE_SEEING,
        text.MORE_PROBE,
        text.PROBE_LEARNS,
    ):
        assert sentence in said.replace("\\", "")
    assert "one pass over 24 training pictures" in said


@pytest.mark.parametrize(
    ("layers", "there", "gone", "why"),
    [
        (
            "head",
            {"augment.feature_noise", "train.cache", "train.views", "augment.mixup"},
            {"train.backbone_lr", "train.block_decay", "train.head_start"},
            text.NO_BLOCK_LEARNS,
        ),
        (
            "all",
            {"train.backbone_lr", "train.head_start", "augment.mixup", "train.views"},
            {"train.cache", "augment.feature_noise", "augment.feature_brightness"},
            text.NOTHING_FROZEN,
        ),
        (
            "scratch",
            {"augment.mixup", "train.dropout"},
            {"train.head_start", "train.backbone_lr", "train.cache"},
            text.NO_PRETRAINED,
        ),
    ],
)
def test_settings_without_effect_vanish_with_a_sentence(
    studio: Studio,
    project: Project,
    open_page: OpenPage,
    layers: str,
    there: set[str],
    gone: set[str],
    why: str,
) -> None:
    choose_layers(studio, project, layers)
    app = open_page("layers", project=project.id)
    shown = fields_shown(app, project)
    assert there <= shown
    assert not gone & shown
    assert why in texts(app)


def test_everything_that_acts_on_the_last_block_can_be_set(
    studio: Studio, project: Project, open_page: OpenPage
) -> None:
    choose_layers(studio, project, "last:1")
    app = open_page("layers", project=project.id)
    app.number_input(key=f"{project.id}.augment.mixup").set_value(0.2).run()
    app.slider(key=f"{project.id}.augment.feature_noise").set_value(10).run()
    app.slider(key=f"{project.id}.augment.feature_brightness").set_value(20).run()
    app.toggle(key=f"{project.id}.train.cache").set_value(False).run()
    control(app, f"{project.id}.train.head_start").set_value("random").run()
    spec = studio.draft(project.id)
    augment = spec.augment
    assert (augment.mixup, augment.feature_noise, augment.feature_brightness) == (0.2, 0.1, 0.2)
    assert (spec.train.cache, spec.train.head_start) == (False, "random")
    # changes to features are apart from those to pictures, and stay when those are chosen anew
    assert control(app, f"{project.id}.augment").value == "mild"
    control(app, f"{project.id}.augment").set_value("off").run()
    assert studio.draft(project.id).augment == replace(
        NO_AUGMENT, mixup=0.2, feature_noise=0.1, feature_brightness=0.2
    )


def test_versions_are_automatic_until_chosen(
    studio: Studio, project: Project, open_page: OpenPage
) -> None:
    app = open_page("layers", project=project.id)
    slider = app.select_slider(key=f"{project.id}.train.views")
    assert slider.value == "automatic"
    slider.set_value(8).run()
    assert studio.draft(project.id).train.views == 8
    app.button(key=f"{project.id}.train.views.usual").click().run()
    assert studio.draft(project.id).train.views is None
    app.select_slider(key=f"{project.id}.train.views").set_value(4).run()
    app.select_slider(key=f"{project.id}.train.views").set_value("automatic").run()
    assert studio.draft(project.id).train.views is None


def test_measured_costs_are_told(studio: Studio, project: Project, open_page: OpenPage) -> None:
    spec = studio.resolved_draft(project.id)
    keep_cost(studio.home, spec, COST, bytes=2e6)
    said = texts(open_page("layers", project=project.id))
    assert "of every picture once, 1 ms a picture, and their answers are kept (96 MB)" in said
    assert "a learning step of the rest takes 0.2 ms more." in said
    off = replace(spec.train, cache=False, views=None)
    studio.save_draft(project.id, replace(spec, train=off))
    assert "compute every picture anew every epoch" in texts(
        open_page("layers", project=project.id)
    )


def test_presets_know_every_form() -> None:
    forms = {
        "head": "head",
        "last:1": "last",
        "last:3": "several",
        "first:1": "first",
        "first:2": "custom",
        "custom:0,5": "custom",
        "all": "all",
        "scratch": "scratch",
        "deep-probe": "deep-probe",
    }
    assert {layers: preset_of(layers) for layers in forms} == forms


def test_the_time_of_a_run_in_stages_is_of_all_that_may_run(
    studio: Studio, project: Project, open_page: OpenPage
) -> None:
    draft = studio.draft(project.id)

    def said(stages: str) -> str:
        freeze = FreezeConfig(layers="last:2", stages=stages)
        studio.save_draft(project.id, replace(draft, freeze=freeze))
        return texts(open_page("layers", project=project.id))

    plain = said("off")
    assert text.time_value(studio.estimate(project.id)) in plain and "up to" not in plain
    asked = said("ask")
    told = studio.estimate(project.id)
    assert text.time_value(told).startswith("up to ")
    assert text.time_value(told) in asked
    words = text.time_words(told, 100)
    assert words.startswith("at most 65 epochs in 3 stages over 100 training pictures; the head")
    said("gradual")
    told = studio.estimate(project.id)
    assert not text.time_value(told).startswith("up to")
    assert text.time_words(told, 100) == "65 epochs in 3 stages over 100 training pictures"
