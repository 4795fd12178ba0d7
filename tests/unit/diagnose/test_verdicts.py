"""What stands when more than one thing was said."""

from __future__ import annotations

import pytest

from tests.pages.seed import finding
from tl_core.diagnose.verdicts import FOLLOW_UPS, SILENCED_BY, VERDICTS, renamed, standing
from tl_core.events import FindingRaised


def said(*verdicts: str) -> list[FindingRaised]:
    return [finding(number, verdict=one) for number, one in enumerate(verdicts, start=3)]


def names(found: list[FindingRaised]) -> list[str]:
    return [one.verdict for one in found]


def test_the_last_word_on_a_verdict_stands() -> None:
    found = standing(said("overfit", "overfit"))
    assert [one.epoch for one in found] == [4]


def test_what_a_later_verdict_explains_does_not_stand_any_more() -> None:
    assert names(standing(said("overconfident", "memorised", "overfit"))) == ["overfit"]


def test_old_names_and_follow_ups_stand() -> None:
    found = standing(said("too_few_val", "remedy_helped"))
    assert set(names(found)) == {"too_few_val", "remedy_helped"}
    assert renamed("too_few_val") == "noisy_validation"
    assert names(standing(said("too_few_val", "noisy_validation"))) == ["noisy_validation"]


@pytest.mark.parametrize("verdict", VERDICTS)
def test_nothing_is_silenced_by_what_it_silences(verdict: str) -> None:
    causes = SILENCED_BY.get(verdict, frozenset())
    assert causes <= set(VERDICTS) and not causes & set(FOLLOW_UPS)
    for cause in causes:
        assert verdict not in SILENCED_BY.get(cause, frozenset())
