"""Two runs on the same pictures: matched honestly, told apart only where the pictures show it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from statsmodels.stats.contingency_tables import mcnemar as other_mcnemar
from statsmodels.stats.multitest import multipletests

from tl_core.evaluate.answers import Answers
from tl_core.evaluate.paired import LEVEL, Judged, compared, holm, matched, needed
from tl_core.intervals import mcnemar

CLASSES = ("ants", "bees")


def judged(
    run: str,
    right: Sequence[bool],
    *,
    pictures: Sequence[str] = (),
    labels: Sequence[int] = (),
    sure: float | Sequence[float] = 0.8,
    seen: Sequence[str] = (),
    classes: tuple[str, ...] = CLASSES,
) -> Judged:
    n = len(right)
    true = np.array(labels if len(labels) else [0] * n, dtype=np.int64)
    given = np.where(right, true, (true + 1) % len(classes))
    share = np.broadcast_to(np.asarray(sure, dtype=float), n)
    table = np.repeat(((1 - share) / (len(classes) - 1))[:, None], len(classes), axis=1)
    table[np.arange(n), given] = share
    names = tuple(pictures) or tuple(f"p{i}" for i in range(n))
    return Judged(
        run=run,
        answers=Answers(
            images=tuple(str(i) for i in range(n)),
            pictures=names,
            labels=true,
            probabilities=table,
            classes=classes,
        ),
        seen=frozenset(seen),
    )


def some(run: str, n: int, wrong: set[int], **options: object) -> Judged:
    return judged(run, [i not in wrong for i in range(n)], **options)  # type: ignore[arg-type]


def test_pictures_are_matched_by_content_and_class_in_any_order() -> None:
    one = judged("a", [True] * 3, pictures=["x", "y", "z"], labels=[0, 1, 0])
    other = judged("b", [True] * 3, pictures=["z", "x", "y"], labels=[0, 0, 0])
    found = matched(one, other)
    assert [(i, j) for i, j in zip(found.first, found.second, strict=True)] == [(0, 1), (2, 0)]
    assert (found.relabelled, found.learned, found.alone) == (1, 0, 0)


def test_classes_in_another_order_are_the_same_classes() -> None:
    one = judged("a", [True], pictures=["x"], labels=[0])
    other = judged("b", [True], pictures=["x"], labels=[1], classes=("wasps", "ants"))
    assert len(matched(one, other).first) == 1


def test_what_one_has_learned_from_is_left_out_and_counted() -> None:
    one = judged("a", [True] * 4, pictures=["p", "q", "r", "s"])
    other = judged("b", [True] * 3, pictures=["q", "r", "t"], seen=["p", "r"])
    found = matched(one, other)
    assert [one.answers.pictures[i] for i in found.first] == ["q"]
    assert (found.learned, found.alone, found.relabelled) == (2, 2, 0)


def test_a_picture_that_is_there_twice_counts_once() -> None:
    one = judged("a", [True, False], pictures=["x", "x"])
    found = matched(one, judged("b", [True], pictures=["x"]))
    assert list(found.first) == [0]


def test_a_clear_difference_names_its_side_and_its_interval_leaves_zero_out() -> None:
    better, worse = some("a", 60, {1}), some("b", 60, set(range(12)))
    (pair,) = compared([better, worse], [(0, 1)])
    assert (pair.verdict, pair.surer, pair.needed) == ("first", "first", None)
    assert (pair.n, pair.only_first, pair.only_second) == (60, 11, 0)
    assert pair.p_accuracy == pytest.approx(mcnemar(11, 0))
    assert 0 < pair.accuracy.low < pair.accuracy.value < pair.accuracy.high
    assert pair.loss.high < 0 < pair.second_loss - pair.first_loss
    (back,) = compared([worse, better], [(0, 1)])
    assert back.verdict == back.surer == "second"
    assert back.accuracy.low == pytest.approx(-pair.accuracy.high)


def test_mcnemar_is_that_of_statsmodels() -> None:
    for first, second in ((0, 6), (3, 12), (5, 5), (1, 7)):
        theirs = other_mcnemar([[10, first], [second, 10]], exact=True).pvalue
        assert mcnemar(first, second) == pytest.approx(theirs)


@pytest.mark.parametrize("only_first", range(14))
@pytest.mark.parametrize("only_second", [0, 1, 3])
def test_interval_and_verdict_never_contradict_each_other(
    only_first: int, only_second: int
) -> None:
    n = 50
    wrong_second = set(range(only_first))
    wrong_first = set(range(20, 20 + only_second))
    (pair,) = compared([some("a", n, wrong_first), some("b", n, wrong_second)], [(0, 1)])
    leaves_out = pair.accuracy.low > 0 or pair.accuracy.high < 0
    assert leaves_out is (pair.verdict != "cannot tell")
    assert pair.accuracy.low <= pair.accuracy.value <= pair.accuracy.high


def test_runs_that_agree_everywhere_are_not_certain_to_be_equal() -> None:
    (pair,) = compared([some("a", 40, {1}), some("b", 40, {1})], [(0, 1)])
    assert (pair.verdict, pair.surer, pair.needed) == ("cannot tell", "cannot tell", None)
    assert pair.accuracy.low < 0 < pair.accuracy.high
    assert (pair.loss.value, pair.p_loss) == (0.0, 1.0)


def test_probabilities_can_tell_where_answers_cannot() -> None:
    rng = np.random.default_rng(1)
    bold = 0.9 + 0.05 * rng.random(60)
    shy = 0.6 + 0.05 * rng.random(60)
    (pair,) = compared([some("a", 60, {3}, sure=bold), some("b", 60, {4}, sure=shy)], [(0, 1)])
    assert (pair.verdict, pair.surer) == ("cannot tell", "first")
    assert pair.loss.high < 0


def test_too_few_pictures_say_nothing_and_cost_the_others_nothing() -> None:
    better, worse = some("a", 60, set()), some("b", 60, set(range(6)))
    elsewhere = judged("c", [True] * 3, pictures=["p0", "p1", "far"])
    alone = compared([better, worse], [(0, 1)])[0]
    found = compared([better, worse, elsewhere], [(0, 1), (0, 2)])
    assert found[1].verdict == "too few" and found[1].n == 2
    assert found[0].p_accuracy == alone.p_accuracy < LEVEL


def test_more_comparisons_ask_for_more() -> None:
    runs = [some("a", 60, set()), some("b", 60, set(range(6))), some("c", 60, {1, 2})]
    single = compared(runs, [(0, 1)])[0]
    several = compared(runs, [(0, 1), (0, 2), (1, 2)])[0]
    assert (single.verdict, several.verdict) == ("first", "cannot tell")
    assert several.level > single.level
    assert several.accuracy.low < single.accuracy.low
    assert several.needed is not None and several.needed > 60


@pytest.mark.parametrize("seed", range(5))
def test_holm_is_that_of_statsmodels(seed: int) -> None:
    chances = np.random.default_rng(seed).random(6) ** 4
    _, theirs, _, _ = multipletests(chances, method="holm")
    assert [p for p, _ in holm(list(chances))] == pytest.approx(list(theirs))


def test_the_level_of_holm_is_the_one_a_comparison_was_tested_at() -> None:
    found = holm([0.04, 0.001, 0.03])
    assert [level for _, level in found] == pytest.approx([LEVEL / 2, LEVEL / 3, LEVEL / 2])
    assert [p < LEVEL for p, _ in found] == [
        raw <= level for raw, (_, level) in zip([0.04, 0.001, 0.03], found, strict=True)
    ]
    assert holm([]) == []


def test_the_number_of_pictures_named_really_tells_four_times_of_five() -> None:
    first, second, n = 7, 2, 100
    wanted = needed(first, second, n)
    assert wanted is not None and wanted > n
    rng = np.random.default_rng(0)
    draws = rng.multinomial(wanted, [first / n, second / n, 1 - (first + second) / n], 400)
    told = np.mean([mcnemar(int(one[0]), int(one[1])) < LEVEL for one in draws])
    assert 0.72 < told < 0.88


def test_a_difference_nobody_could_show_names_no_number() -> None:
    assert needed(5, 5, 100) is None
    assert needed(100, 99, 1000) is None


def test_equal_runs_are_rarely_called_different_and_intervals_hold() -> None:
    rng = np.random.default_rng(3)
    alarms = held = 0
    for _ in range(120):
        n = 40
        sure = [np.clip(rng.normal(0.8, 0.12, n), 0.51, 0.99) for _ in range(3)]
        runs = [
            judged(name, rng.random(n) < 0.8, sure=one)
            for name, one in zip("abc", sure, strict=True)
        ]
        found = compared(runs, [(0, 1), (0, 2), (1, 2)])
        alarms += any(one.verdict != "cannot tell" for one in found)
        held += compared(runs, [(0, 1)])[0].surer == "cannot tell"
    assert alarms <= 9  # 5 % of 120, and what chance adds
    assert held >= 107


@pytest.mark.parametrize("shift", [0.0, 0.02, 0.05, 0.08, 0.12, 0.2])
def test_interval_and_chance_of_the_loss_never_contradict_each_other(shift: float) -> None:
    rng = np.random.default_rng(7)
    sure = np.clip(rng.normal(0.75, 0.1, 40), 0.51, 0.99)
    other = np.clip(sure - shift + rng.normal(0, 0.15, 40), 0.51, 0.99)
    (pair,) = compared([some("a", 40, {1}, sure=sure), some("b", 40, {1}, sure=other)], [(0, 1)])
    leaves_out = pair.loss.low > 0 or pair.loss.high < 0
    assert leaves_out is (pair.surer != "cannot tell")
    assert leaves_out is (pair.p_loss < LEVEL)


def test_the_same_answers_give_the_same_numbers_every_time() -> None:
    runs = [some("a", 30, {1, 2}), some("b", 30, {2, 3, 4}, sure=0.7)]
    assert compared(runs, [(0, 1)]) == compared(runs, [(0, 1)])


def test_many_pictures_are_compared_without_drawing() -> None:
    (pair,) = compared(
        [some("a", 3000, set(range(50))), some("b", 3000, set(range(200)))], [(0, 1)]
    )
    assert (pair.verdict, pair.surer) == ("first", "first")
    assert pair.loss.low < pair.loss.value < pair.loss.high < 0
