"""Measuring networks on a project's pictures: kept, stoppable, and blind to test pictures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from tests.unit.jobs.tiles import tiny_project
from tl_core.advise import words
from tl_core.advise.advice import Advice, advice_from_dict
from tl_core.config import ModelConfig
from tl_core.errors import CancelledError, TooFewImagesError, UnknownModelError
from tl_core.jobs import advising
from tl_core.jobs.library import Library
from tl_core.jobs.queue import Queue
from tl_core.jobs.quick import KINDS
from tl_core.jobs.schema import open_engine
from tl_core.jobs.work import Context, carry_out
from tl_core.models.catalog import DEFAULT_MODEL, card, weights_path
from tl_core.storage import Home

TO_FETCH = "resnet18.tv_in1k"


@pytest.fixture
def engine(home: Home, monkeypatch: pytest.MonkeyPatch) -> Engine:
    monkeypatch.setenv("HF_HUB_CACHE", str(home.root / "hub"))
    return open_engine(home)


def context(home: Home, engine: Engine, project: str, **spec: Any) -> Context:
    task_id = Queue(engine).submit("advise", spec, project_id=project)
    row = Queue(engine).claim("side", "test", task_id)
    assert row is not None
    return Context(home, engine, row)


def advised(home: Home, engine: Engine, project: str, **spec: Any) -> Advice:
    result = KINDS["advise"](context(home, engine, project, **spec))
    return advice_from_dict(json.loads(json.dumps(result)))


def test_one_network_is_measured_beside_a_random_one(
    home: Home, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tiny_project(home, engine, per_class=16)
    test = {row.digest for row in Library(engine).images(project, split="test", limit=None)}
    opened: list[str] = []
    real = advising.open_pixels

    def watched(home: Home, digests: Any, **options: Any) -> Any:
        opened.extend(digests)
        return real(home, digests, **options)

    monkeypatch.setattr(advising, "open_pixels", watched)
    found = advised(home, engine, project)
    assert opened and not test & set(opened)
    (only,) = found.ranked
    assert (only.name, only.group, found.because) == (DEFAULT_MODEL, 1, "alone")
    assert only.scores and only.cost and only.cost.ms > 0
    assert only.scores.accuracy.low <= only.scores.accuracy.value <= only.scores.accuracy.high
    assert only.cost.parameters == card(DEFAULT_MODEL).backbone_parameters
    assert len(only.distance) == 5
    assert only.kid is not None and only.no_kid == "" and only.kid.pictures == found.pictures
    assert only.kid.low < only.kid.value < only.kid.high
    assert [one.kinds for one in only.kid.rungs if one.what == "kinds"] == [2]  # as many as here
    assert "yours are at" in words.distance(only)
    control = found.control
    assert control is not None and control.weights == "random" and control.behind is not None
    assert control.kid is None and control.distance == ()
    assert found.pictures + len(test) == 32
    assert found.to_dict() == advice_from_dict(found.to_dict()).to_dict()
    assert "No other network was measured" in words.verdict(found)


def test_what_is_not_here_is_listed_and_stops_nobody(home: Home, engine: Engine) -> None:
    project = tiny_project(home, engine, per_class=16)
    found = advised(home, engine, project, models=[TO_FETCH, DEFAULT_MODEL], control=False)
    assert [one.name for one in found.ranked] == [DEFAULT_MODEL]
    (missing,) = found.missing
    assert (missing.name, missing.state) == (TO_FETCH, "not_here")
    told = words.unmeasured(missing)
    assert "not on this machine" in told and "download it on the Model page" in told


def test_own_weights_are_measured_beside_published_ones(home: Home, engine: Engine) -> None:
    project = tiny_project(home, engine, per_class=16)
    digest = home.put_blob(weights_path(card(DEFAULT_MODEL)))
    mine = ModelConfig(name=DEFAULT_MODEL, weights="file", weights_file=digest)
    chosen = {"name": mine.name, "weights": mine.weights, "weights_file": digest}
    found = advised(home, engine, project, chosen=chosen, control=False)
    assert {one.weights for one in found.ranked} == {"file", "pretrained"}
    one, other = found.ranked
    assert one.scores and other.scores
    assert one.scores.accuracy == other.scores.accuracy  # the same weights
    kids = {each.weights: (each.kid is not None, each.no_kid) for each in found.ranked}
    assert kids == {"file": (False, "unshipped"), "pretrained": (True, "")}
    assert one.group == other.group == 1
    assert "cannot be told apart" in words.verdict(found)


def test_a_broken_one_is_told_and_the_others_are_measured(home: Home, engine: Engine) -> None:
    project = tiny_project(home, engine, per_class=16)
    chosen = {"name": DEFAULT_MODEL, "weights": "file", "weights_file": "0" * 64}
    found = advised(home, engine, project, chosen=chosen, control=False)
    assert [one.weights for one in found.ranked] == ["pretrained"]
    assert found.missing[0].state == "failed" and found.missing[0].reason


def test_it_is_cheap_the_second_time_and_the_same(
    home: Home, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tiny_project(home, engine, per_class=16)
    first = advised(home, engine, project, control=False)
    computed: list[int] = []
    from tl_core.cache.views import Views

    real = Views.compute_rows
    monkeypatch.setattr(
        Views, "compute_rows", lambda self, *a: computed.append(1) or real(self, *a)
    )
    again = advised(home, engine, project, control=False)
    assert not computed
    assert again.ranked[0].scores == first.ranked[0].scores


def test_it_can_be_stopped(home: Home, engine: Engine) -> None:
    project = tiny_project(home, engine, per_class=16)
    at_work = context(home, engine, project)
    assert Queue(engine).started(at_work.row.id, 1)
    Queue(engine).command(at_work.row.id, "stop")
    at_work.orders._row = Queue(engine).get(at_work.row.id)
    with pytest.raises(CancelledError):
        KINDS["advise"](at_work)


def test_too_few_pictures_get_a_sentence(home: Home, engine: Engine) -> None:
    project = tiny_project(home, engine, per_class=6)
    with pytest.raises(TooFewImagesError, match="too few pictures to measure networks on") as told:
        advised(home, engine, project)
    assert "at least 20" in told.value.hint
    empty = Library(engine).create("Nothing").id
    with pytest.raises(TooFewImagesError):
        advised(home, engine, empty)


def test_a_wrong_name_is_said(home: Home, engine: Engine, tmp_path: Path) -> None:
    project = tiny_project(home, engine, per_class=16)
    task_id = Queue(engine).submit("advise", {"models": ["resnet99"]}, project_id=project)
    row = Queue(engine).claim("side", "test", task_id)
    assert row is not None
    closed = carry_out(home, engine, row)
    assert closed.state == "failed" and closed.error
    assert closed.error["code"] == UnknownModelError.code
