"""Networks measured on the user's pictures: asked for, waited for, shown again, and taken."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.pages import seed
from tests.pages.conftest import OpenPage, texts
from tl_core.advise.advice import (
    Advice,
    BlockDistance,
    Candidate,
    Cost,
    Difference,
    Measure,
    Rung,
    Scores,
    SourceDistance,
)
from tl_core.config import ModelConfig, RunSpec, changed
from tl_core.session import Project, RunRow, Studio
from tl_core.storage import Home
from tl_ui.texts import advice as text
from tl_ui.texts import meanings

EMBEDDED, OTHER, THIRD = "resnet10t.tiny_imagenet", "resnet18.tv_in1k", "vgg16.tv_in1k"
BLOCKS = tuple(
    BlockDistance(title=title, layers=3, distance=value)
    for title, value in (("Stem", 1.63), ("Stage 1", 2.15), ("Stage 4", 0.38))
)
KID = SourceDistance(
    value=0.1,
    low=0.09,
    high=0.11,
    pictures=397,
    compared=600,
    rungs=(
        Rung(what="same", value=0.0, low=-0.001, high=0.001),
        Rung(what="kinds", kinds=2, value=0.03, low=0.01, high=0.05),
        Rung(what="grey", value=0.04, low=0.03, high=0.05),
        Rung(what="blurred", value=0.25, low=0.24, high=0.26),
        Rung(what="shuffled", value=0.5, low=0.49, high=0.51),
    ),
)


@pytest.fixture(autouse=True)
def _nothing_downloaded(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(home.root / "hub"))


def share(value: float) -> Measure:
    return Measure(value=value, low=value - 0.05, high=value + 0.05)


def network(name: str, title: str, accuracy: float, *, ms: float = 10.0) -> Candidate:
    return Candidate(
        name=name,
        title=title,
        scores=Scores(
            accuracy=share(accuracy),
            balanced=accuracy - 0.01,
            log_loss=Measure(value=0.41, low=0.35, high=0.47),
            nearest=share(0.70),
            nearest5=share(0.74),
            evidence=-0.47,
        ),
        cost=Cost(ms=ms, macs=10**9, parameters=4_922_488, image_size=128),
        group=1,
    )


FIRST = replace(network(EMBEDDED, "Thaw ResNet-10T", 0.83), distance=BLOCKS)
CONTROL = replace(
    network(EMBEDDED, "Thaw ResNet-10T", 0.62),
    weights="random",
    control=True,
    group=0,
    behind=Difference(value=0.21, low=0.15, high=0.27, chance=1e-6),
)
MISSING = Candidate(
    name=THIRD,
    title="VGG-16",
    state="not_here",
    reason="Its weights are not on this machine.",
    hint="Choose it and download it.",
    download_mb=528.0,
)


def advice(project: Project, *candidates: Candidate, because: str = "alone") -> Advice:
    return Advice(
        candidates=candidates,
        because=because,
        pictures=397,
        units=390,
        left_out=0,
        classes=("ants", "bees"),
        folds=5,
        repeats=5,
        majority=0.51,
        seconds=40.0,
        data_version=project.data_version,
    )


def known(studio: Studio, found: Advice, project: Project) -> str:
    return seed.task(
        studio, "advise", project_id=project.id, state="finished", result=found.to_dict()
    )


def asked(studio: Studio) -> list[RunRow]:
    return studio.queue.rows(kind="advise")


def test_it_is_asked_for_by_a_button_and_never_by_itself(
    open_page: OpenPage, studio: Studio
) -> None:
    project = seed.project_with_pictures(studio)
    app = open_page("model", project=project.id)
    assert text.UNMEASURED in texts(app)
    assert asked(studio) == []
    app.button(key="advice.go").click().run()
    assert not app.exception
    (row,) = asked(studio)
    assert (row.lane, row.project_id) == ("side", project.id)
    assert row.spec["models"] == [EMBEDDED]
    assert row.spec["chosen"]["name"] == EMBEDDED
    assert text.WAITS in texts(app)
    assert not any(one.key == "advice.go" for one in app.button)  # not twice
    assert not app.button(key="next_layers").disabled


def test_one_network_stands_beside_guessing_neighbours_and_a_random_one(
    open_page: OpenPage, studio: Studio
) -> None:
    project = seed.project_with_pictures(studio)
    known(studio, advice(project, FIRST, CONTROL), project)
    app = open_page("model", project=project.id)
    said = texts(app).replace("\\", "")
    assert "tells your classes apart: 83 % right" in said
    assert "always guessing the largest class gives 51 %" in said
    assert "83 % right, likely 78 to 88 %" in said
    assert "is worth 21.0 points here" in said
    assert text.NEIGHBOURS in said and "74 % right" in said
    assert text.RANDOM in said and "62 % right" in said
    assert "10 ms a picture · 4.92 million parameters · 128 px" in said
    assert "light, contrast or sharpness" in said
    assert "Stem 1.63 · Stage 1 2.15 · Stage 4 0.38" in said
    assert app.button(key=f"advice.choose.{EMBEDDED}.").disabled
    assert asked(studio)[0].state == "finished" and len(asked(studio)) == 1


def test_the_distance_as_a_whole_is_a_place_on_a_scale(open_page: OpenPage, studio: Studio) -> None:
    project = seed.project_with_pictures(studio)
    known(studio, advice(project, replace(FIRST, kid=KID)), project)
    said = texts(open_page("model", project=project.id)).replace("\\", "")
    assert "yours are at 20 (likely 18 to 22), those of 2 classes at 2.0 to 10." in said
    assert "than its own pictures of only 2 classes are, but nearer than its own" in said
    assert "8.0 its own pictures in grey · **20 your pictures** · 50 its own pictures" in said
    assert "Kernel distance (KID): features of 397 of your pictures against those of 600" in said
    assert "It is 0.1000, with 95 % confidence 0.0900 to 0.1100" in said


def test_a_network_without_source_features_says_so(open_page: OpenPage, studio: Studio) -> None:
    project = seed.project_with_pictures(studio)
    other = replace(network(OTHER, "ResNet-18", 0.82), distance=BLOCKS, no_kid="unshipped")
    known(studio, advice(project, other), project)
    said = texts(open_page("model", project=project.id)).replace("\\", "")
    assert "only for the weights that come with Thaw" in said
    assert "yours are at" not in said and "Kernel distance" not in said


def test_ties_are_said_and_a_network_can_be_taken(open_page: OpenPage, studio: Studio) -> None:
    project = seed.project_with_pictures(studio)
    behind = Difference(value=0.01, low=-0.02, high=0.04, chance=0.4)
    far = Difference(value=0.2, low=0.1, high=0.3, chance=0.001)
    fast = replace(network(OTHER, "ResNet-18", 0.82, ms=4.0), behind=behind, top1=69.8)
    slow = replace(network(THIRD, "VGG-16", 0.63, ms=90.0), group=2, behind=far)
    found = advice(project, fast, FIRST, slow, because="faster")
    known(studio, found, project)
    app = open_page("model", project=project.id)
    said = texts(app).replace("\\", "")
    assert "ResNet-18 and Thaw ResNet-10T cannot be told apart on your 397 pictures." in said
    assert "none that is about as often right is as fast (4 ms a picture)" in said
    assert "1.0 point behind Thaw ResNet-10T (likely -2.0 to 4.0): cannot be told apart." in said
    assert text.LEVEL in said and text.BEHIND in said
    assert "20.0 points behind Thaw ResNet-10T (likely 10.0 to 30.0)." in said
    assert "ImageNet 70 %" in said
    app.button(key=f"advice.choose.{OTHER}.").click().run()
    assert studio.draft(project.id).model == ModelConfig(name=OTHER)
    assert app.button(key=f"advice.choose.{OTHER}.").disabled


def test_every_number_can_be_opened(open_page: OpenPage, studio: Studio) -> None:
    project = seed.project_with_pictures(studio)
    fast = replace(network(OTHER, "ResNet-18", 0.82), behind=None, distance=BLOCKS)
    known(studio, advice(project, fast, FIRST, CONTROL, because="faster"), project)
    said = texts(open_page("model", project=project.id))
    assert said.count(meanings.COMPUTED) == 7
    assert "Nadeau and Bengio" in said and "Holm" in said and "LogME" in said


def test_it_says_when_the_pictures_have_changed(open_page: OpenPage, studio: Studio) -> None:
    project = seed.project_with_pictures(studio)
    known(studio, advice(project, FIRST), project)
    assert text.STALE not in texts(open_page("model", project=project.id))
    studio.resplit(project.id, replace(studio.data(project.id).config, seed=7))
    app = open_page("model", project=project.id)
    assert text.STALE in texts(app)
    assert "83 % right" in texts(app)  # what was measured is still there
    app.button(key="advice.go").click().run()
    assert len(asked(studio)) == 2


def test_what_is_not_here_is_listed_with_what_to_do(open_page: OpenPage, studio: Studio) -> None:
    project = seed.project_with_pictures(studio)
    studio.save_draft(project.id, changed(RunSpec(), {"model": ModelConfig(name=THIRD)}))
    known(studio, advice(project, FIRST, MISSING), project)
    said = texts(open_page("model", project=project.id)).replace("\\", "")
    assert (
        "VGG-16 (528 MB): Its weights are not on this machine. Choose it and download it." in said
    )
    assert text.NOT_AMONG in said


def test_own_weights_are_called_so(open_page: OpenPage, studio: Studio) -> None:
    project = seed.project_with_pictures(studio)
    own = replace(FIRST, weights="file", weights_file="0" * 64)
    known(studio, advice(project, own), project)
    app = open_page("model", project=project.id)
    assert "your weights file" in texts(app)
    assert text.OWN_SEEN in texts(app)
    app.button(key=f"advice.choose.{EMBEDDED}.{'0' * 64}").click().run()
    assert studio.draft(project.id).model.weights_file == "0" * 64


def test_a_failure_is_told_and_what_was_known_stays(open_page: OpenPage, studio: Studio) -> None:
    project = seed.project_with_pictures(studio)
    known(studio, advice(project, FIRST), project)
    seed.task(studio, "advise", project_id=project.id, state="failed")
    app = open_page("model", project=project.id)
    said = texts(app)
    assert text.FAILED in said and "The archive is broken" in said
    assert "83 % right" in said
    cancelled = {"code": "cancelled", "message": "Cancelled.", "hint": ""}
    seed.task(studio, "advise", project_id=project.id, state="failed", error=cancelled)
    assert text.CANCELLED in texts(open_page("model", project=project.id))
