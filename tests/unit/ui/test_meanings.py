"""What explanations say of limits is what the code does."""

from __future__ import annotations

from importlib import import_module

import pytest

from tl_core.check.findings import KINDS, DataFinding
from tl_core.check.gap import MOST
from tl_core.export.bundle import MAX_SAMPLES
from tl_core.export.certificate import TOLERANCE
from tl_core.probe.path import FEW_FOLDS, FOLDS, MANY
from tl_core.train.recipe import FIT_PICTURES
from tl_ui.texts import about_check, about_data, about_train, about_use
from tl_ui.texts.meanings import Meaning


@pytest.mark.parametrize(("place", "value"), about_check.LIMITS.items())
def test_limits_of_the_check_are_those_that_are_told(place: tuple[str, str], value: float) -> None:
    module, name = place
    assert getattr(import_module(module), name) == value


def test_other_numbers_are_those_that_are_told() -> None:
    assert MOST == about_data.MOST_JUDGED
    assert FIT_PICTURES == about_train.MOST_FIT
    assert MAX_SAMPLES == about_use.MOST
    assert float(about_use.TOLERANCE) == TOLERANCE
    assert (FOLDS, FEW_FOLDS, MANY) == (5, 3, 1000)  # in about_train.strengths


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_finding_is_explained_without_its_numbers_too(kind: str) -> None:
    meaning = about_check.finding(DataFinding(kind=kind, severity="info", sentence="So it is."))
    assert isinstance(meaning, Meaning)
    for answer in (meaning.means, meaning.computed, meaning.changes):
        assert isinstance(answer, str)
        assert answer.endswith(".") and "None" not in answer


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("dark", "32 %"),
        ("bright", "95 %"),
        ("odd_shape", "35 %"),
        ("low_information", "3 bits"),
        ("odd_size", "3 times"),
    ],
)
def test_limits_of_quality_are_those_of_the_library(kind: str, told: str) -> None:
    manager = import_module("cleanvision.issue_managers.image_property_issue_manager")
    limits = manager.ImagePropertyIssueManager().get_default_params()
    asked = {
        "dark": limits["dark"]["threshold"] == 0.32,
        "bright": limits["light"]["threshold"] == 0.05,
        "odd_shape": limits["odd_aspect_ratio"]["threshold"] == 0.35,
        "low_information": limits["low_information"]["threshold"]
        == pytest.approx(3 * limits["low_information"]["normalizing_factor"]),
        "odd_size": limits["odd_size"]["iqr_factor"] == 3.0,
    }
    assert asked[kind]
    found = DataFinding(kind=kind, severity="info", sentence="So it is.")
    assert told in str(about_check.finding(found).computed)
