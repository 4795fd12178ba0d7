"""The kernel distance in words: places on a scale, and no word where nothing is known."""

from __future__ import annotations

from dataclasses import replace

from tl_core.advise import words
from tl_core.advise.advice import BlockDistance, Candidate, Rung, SourceDistance
from tl_core.advise.scale import ladder, no_farther, scale

RUNGS = (
    Rung(what="same", value=-0.0001, low=-0.001, high=0.001),
    Rung(what="kinds", kinds=2, value=0.04, low=0.02, high=0.06),
    Rung(what="grey", value=0.05, low=0.04, high=0.06),
    Rung(what="blurred", value=0.25, low=0.24, high=0.26),
    Rung(what="shuffled", value=0.5, low=0.49, high=0.51),
)


def candidate(value: float, half: float = 0.01, **more: object) -> Candidate:
    kid = SourceDistance(
        value=value, low=value - half, high=value + half, pictures=90, compared=600, rungs=RUNGS
    )
    body = {"name": "resnet10t.tiny_imagenet", "title": "Thaw", "kid": kid, **more}
    return Candidate(**body)  # type: ignore[arg-type]


def test_the_sentence_says_where_on_the_scale() -> None:
    near = scale(candidate(0.045))
    assert "no farther from those it learned from than its own pictures of only 2 classes" in near
    assert "yours are at 9.0 (likely 7.0 to 11), those of 2 classes at 4.0 to 12." in near
    nearer = scale(candidate(0.12))
    assert "yours are at 24 (likely 22 to 26)," in nearer
    assert "are farther from those it learned from than its own pictures of only 2" in nearer
    assert "nearer than its own pictures strongly blurred (50)." in nearer
    assert "about as far as its own pictures strongly blurred (50)." in scale(candidate(0.255))
    beyond = scale(candidate(0.9))
    assert "yours are at 180" in beyond
    assert "farther than its own pictures with every pixel shuffled (100)." in beyond


def test_the_interval_decides_what_is_no_farther() -> None:
    for value, half, wanted in ((0.0, 0.01, True), (0.08, 0.03, True), (0.08, 0.01, False)):
        kid = candidate(value, half).kid
        assert kid is not None and no_farther(kid) is wanted


def test_below_zero_by_chance_is_zero() -> None:
    assert "yours are at 0 (likely 0 to 1.8)," in scale(candidate(-0.001))
    assert "yours are at 0.2 (likely 0 to 0.4)," in scale(candidate(0.001, 0.0011))


def test_the_ladder_goes_from_near_to_far_with_the_users_pictures_in_it() -> None:
    kid = candidate(0.12).kid
    assert kid is not None
    assert ladder(kid) == [
        ("0", "others of its own pictures"),
        ("8.0", "its own pictures of only 2 classes"),
        ("10", "its own pictures in grey"),
        ("24", ""),
        ("50", "its own pictures strongly blurred"),
        ("100", "its own pictures with every pixel shuffled"),
    ]


def test_where_there_are_no_source_features_it_says_so() -> None:
    for why, said in (
        ("unshipped", "only for the weights that come with Thaw"),
        ("channels", "three colour channels"),
        ("size", "at this picture size"),
        ("damaged", "missing or belongs to other weights"),
    ):
        one = candidate(0.1, kid=None, no_kid=why)
        assert said in scale(one) and "cannot be compared" in scale(one)
        assert scale(one) in words.distance(one)
    assert scale(candidate(0.1, kid=None)) == ""  # results from before


def test_both_parts_of_the_evidence_are_told_and_rank_nothing() -> None:
    blocks = (BlockDistance(title="B", layers=1, distance=0.02),)
    both = words.distance(replace(candidate(0.12), distance=blocks))
    assert "close to those it learned from" in both and "yours are at 24" in both
    assert both.endswith(words.NO_REASON)
    alone = words.distance(candidate(0.12))
    assert "keeps no statistics" in alone and "yours are at 24" in alone
