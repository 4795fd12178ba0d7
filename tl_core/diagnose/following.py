"""What came of a remedy: two runs compared on the same validation pictures. No torch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from tl_core.events import FindingRaised
from tl_core.intervals import mcnemar, paired_mean

__all__ = ["Answer", "Effect", "compared", "followed_up", "not_comparable"]

LEVEL = 0.975  # of each of the two comparisons, so that both together err in 5 of 100 (Bonferroni)
LEAST = 0.02  # of the earlier loss; a smaller change is no help and no harm, however sure
FEWEST = 6  # pictures; fewer cannot tell even if all of them change
SENTENCES = {
    "remedy_helped": "“{}” helped.",
    "remedy_harmed": "“{}” made it worse.",
    "remedy_unclear": "It cannot be told whether “{}” helped.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a network said of one picture: its loss in nats, and whether it was right."""

    loss: float
    right: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """A later network against an earlier one on the same pictures.

    ``change`` is the later mean loss minus the earlier one, between ``low`` and ``high`` (97.5 %);
    ``p_value`` of McNemar's exact test on the pictures that changed sides; ``needed`` pictures
    would show a change of the loss as large as this one, None where there is none to show.
    """

    n: int
    loss_before: float
    loss_after: float
    change: float
    low: float
    high: float
    right_before: int
    right_after: int
    newly_right: int
    newly_wrong: int
    p_value: float
    needed: int | None
    verdict: str


def compared(before: Mapping[str, Answer], after: Mapping[str, Answer]) -> Effect | None:
    """Compare answers about the pictures that both know.

    Args:
        before: Picture to answer, of the earlier network.
        after: The same of the later one.

    Returns:
        None when fewer than six pictures are known to both.

    Source:
        Student's paired interval for the loss, McNemar 1947 (exact) for the accuracy.
    """
    both = sorted(before.keys() & after.keys())
    n = len(both)
    if n < FEWEST:
        return None
    changes = [after[key].loss - before[key].loss for key in both]
    change, low, high = paired_mean(changes, LEVEL)
    gained = sum(after[key].right and not before[key].right for key in both)
    lost = sum(before[key].right and not after[key].right for key in both)
    p_value = mcnemar(gained, lost)
    half = (high - low) / 2
    needed = math.ceil(n * (half / abs(change)) ** 2) if change else None
    loss_before = sum(before[key].loss for key in both) / n
    large = abs(change) > LEAST * loss_before
    return Effect(
        n=n,
        loss_before=loss_before,
        loss_after=sum(after[key].loss for key in both) / n,
        change=change,
        low=low,
        high=high,
        right_before=sum(before[key].right for key in both),
        right_after=sum(after[key].right for key in both),
        newly_right=gained,
        newly_wrong=lost,
        p_value=p_value,
        needed=needed,
        verdict=_verdict(
            -1 if large and high < 0 else int(large and low > 0),
            gained - lost if p_value < 1 - LEVEL else 0,
        ),
    )


def followed_up(effect: Effect, *, remedy: str, began: str, epoch: int) -> FindingRaised:
    """State what came of a remedy, as a finding of the run that was started with it.

    Args:
        effect: From ``compared``.
        remedy: What it was called.
        began: Where the run began, as a sentence.
        epoch: Epochs the run did.
    """
    n = effect.n
    told = (
        f"On the same {n} validation pictures the loss is {effect.loss_after:.3f}, before "
        f"{effect.loss_before:.3f} (difference {effect.change:+.3f}, 97.5 % interval "
        f"{effect.low:+.3f} to {effect.high:+.3f}); {effect.right_after} are right, before "
        f"{effect.right_before} ({effect.newly_right} newly right, {effect.newly_wrong} newly "
        f"wrong, p = {effect.p_value:.2g}). {began}"
    )
    if effect.verdict == "remedy_unclear" and effect.needed is not None and effect.needed > n:
        told += f" To show a difference this small, it would take about {effect.needed:,} pictures."
    return _finding(effect.verdict, remedy, told, epoch)


def not_comparable(*, remedy: str, why: str, epoch: int) -> FindingRaised:
    """The same when there is nothing to compare with; ``why`` is a sentence."""
    return _finding("remedy_unclear", remedy, why, epoch)


def _verdict(loss: int, gain: int) -> str:
    """Better where one comparison shows it and the other does not show the contrary.

    Args:
        loss: -1 where it surely fell, 1 where it surely rose, else 0.
        gain: Pictures gained less those lost, where that is no chance, else 0.
    """
    better, worse = loss < 0 or gain > 0, loss > 0 or gain < 0
    if better == worse:
        return "remedy_unclear"
    return "remedy_helped" if better else "remedy_harmed"


def _finding(verdict: str, remedy: str, evidence: str, epoch: int) -> FindingRaised:
    return FindingRaised(
        verdict=verdict,
        since_epoch=1,
        epoch=epoch,
        severity="warning" if verdict == "remedy_harmed" else "info",
        sentence=SENTENCES[verdict].format(remedy),
        evidence=evidence,
    )
