"""The coach: verdicts on a run from its history and every validation picture's loss. No torch.

The rules, their order and their measured error rates are in docs/findings.md. Each finding is one
plain sentence, the numbers it rests on, and remedies that are changes to the settings.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from tl_core.config import RunSpec
from tl_core.diagnose import remedies
from tl_core.diagnose.curves import (
    fall_per_epoch,
    generalisation_gap,
    half_width,
    needed_pictures,
    rise_since_best,
)
from tl_core.events import EpochDone, FindingRaised, FinishReason, Severity
from tl_core.intervals import wilson

__all__ = ["SEVERITIES", "VERDICTS", "Coach"]

VERDICTS = ("diverged", "no_signal", "underfit", "overfit", "too_few_val", "memorised")
SEVERITIES: tuple[Severity, ...] = ("info", "warning", "problem")

RISE_Z = 2.5  # standard errors; error rates in docs/findings.md
RISE_PROBLEM = 0.5  # of the best validation loss; a rise that large is called a problem
HALF_WIDTH = 0.05  # an accuracy not known to +-5 points is called uncertain (decision 0007)
GOOD_FIT = (
    0.95  # accuracy on training pictures above which nothing is left to learn (decision 0007)
)
STILL_FALLING = 0.01  # of the training loss per epoch (decision 0007)
HARDLY_MOVED = (
    0.9  # of ln(classes); a training loss above it at the end has learned next to nothing
)
CHANCE_TIMES = (
    1.2  # times ln(classes), the loss of pure guessing; above is divergence (decision 0007)
)
BEST_TIMES = 4.0  # times the lowest training loss; above is divergence (decision 0007)
SETTLED = 0.25  # of the run; before, a high loss may still be warm-up


class Coach:
    """Judges a run after each epoch; pass it to ``train.loop.fit`` as ``judge``.

    It remembers nothing: the same history gives the same findings, also after a resume.

    Args:
        spec: Settings of the run, resolved; remedies are computed from them.
        n_classes: Classes of the set.
        val_labels: int (n_val,), class positions of the validation pictures, for the majority.
    """

    def __init__(self, spec: RunSpec, *, n_classes: int, val_labels: np.ndarray) -> None:
        self.spec = spec
        self.n_classes = n_classes
        counts = np.bincount(np.asarray(val_labels, dtype=np.int64), minlength=n_classes)
        self.majority = float(counts.max() / max(1, counts.sum()))

    def __call__(
        self,
        history: Sequence[EpochDone],
        val_losses: np.ndarray,
        raised: Sequence[FindingRaised],
        end: FinishReason | None,
    ) -> list[FindingRaised]:
        """Findings that are new, or more severe than when they were raised.

        Args:
            history: Epochs done, in order.
            val_losses: float (epochs, n_val) in nats, rows aligned with ``history``.
            raised: Findings raised before.
            end: Why the run ends here; None while it goes on.
        """
        rules: tuple[Callable[[], FindingRaised | None], ...] = (
            lambda: self._diverged(history, end),
            lambda: self._no_signal(history, end),
            lambda: self._underfit(history, end),
            lambda: self._overfit(history, val_losses),
            lambda: self._too_few_val(history, end),
            lambda: self._memorised(history, val_losses, end),
        )
        known = {one.verdict: SEVERITIES.index(one.severity) for one in raised}
        found: list[FindingRaised] = []
        for rule in rules:
            one = rule()
            if one is not None and SEVERITIES.index(one.severity) > known.get(one.verdict, -1):
                found.append(one)
        harmed = known.keys() | {one.verdict for one in found}
        if harmed & {"overfit", "no_signal", "diverged"}:  # "no harm done" would contradict them
            found = [one for one in found if one.verdict != "memorised"]
        return found

    def _diverged(
        self, history: Sequence[EpochDone], end: FinishReason | None
    ) -> FindingRaised | None:
        cures = remedies.for_divergence(self.spec)
        epoch = len(history)
        if end == "diverged":
            return FindingRaised(
                verdict="diverged",
                since_epoch=epoch + 1,
                epoch=epoch,
                severity="problem",
                sentence="The training broke down: the loss is no longer a number.",
                evidence=f"It happened in epoch {epoch + 1}, at a learning rate of "
                f"{self.spec.train.lr or 0:g}.",
                remedies=cures,
            )
        if epoch < 2 or epoch < SETTLED * (self.spec.train.epochs or 0):
            return None
        chance = math.log(self.n_classes)
        last = min(done.train_loss for done in history[-2:])
        lowest = min(done.train_loss for done in history)
        bad = last > CHANCE_TIMES * chance or (last > BEST_TIMES * lowest and last > chance / 2)
        if not bad:
            return None
        return FindingRaised(
            verdict="diverged",
            since_epoch=epoch - 1,
            epoch=epoch,
            severity="problem",
            sentence="The training is running away: it gets worse instead of better.",
            evidence=f"The training loss is {history[-1].train_loss:.2f}; guessing would give "
            f"{chance:.2f}, and the lowest so far was {lowest:.2f}.",
            remedies=cures,
        )

    def _no_signal(
        self, history: Sequence[EpochDone], end: FinishReason | None
    ) -> FindingRaised | None:
        if end not in ("completed", "early_stop") or not history:
            return None
        best = _best(history)
        low, high = wilson(round(best.val_acc * best.n_val), best.n_val)
        if low > self.majority:
            return None
        return FindingRaised(
            verdict="no_signal",
            since_epoch=1,
            epoch=len(history),
            severity="problem" if best.val_acc <= self.majority else "warning",
            sentence="It is not shown that this is better than always giving the same answer.",
            evidence=f"Validation accuracy {_percent(best.val_acc)} (95 % interval {_percent(low)} "
            f"to {_percent(high)}, {best.n_val} pictures); always answering the largest class "
            f"gives {_percent(self.majority)}. Check the labels, or add pictures.",
            remedies=remedies.for_no_signal(self.spec),
        )

    def _underfit(
        self, history: Sequence[EpochDone], end: FinishReason | None
    ) -> FindingRaised | None:
        if end != "completed" or len(history) < 2:
            return None
        last, gap = history[-1], generalisation_gap(history[-1])
        if last.fit_acc >= GOOD_FIT or gap.low > 0:
            return None
        fall = fall_per_epoch(history)
        chance = math.log(self.n_classes)
        hardly_moved = HARDLY_MOVED * chance < last.train_loss <= CHANCE_TIMES * chance
        improving = _best(history).epoch > 0.8 * len(history)
        if not hardly_moved and not (fall > STILL_FALLING and improving):
            return None
        moved = (
            f"the training loss is {last.train_loss:.2f} where guessing gives {chance:.2f}"
            if hardly_moved
            else f"the training loss was still falling by {_percent(fall)} per epoch"
        )
        return FindingRaised(
            verdict="underfit",
            since_epoch=1,
            epoch=len(history),
            severity="warning",
            sentence="It has not learned all it could from the training pictures.",
            evidence=f"Only {_percent(last.fit_acc)} of the training pictures are right, "
            f"validation is as good ({_percent(last.val_acc)}), and {moved}.",
            remedies=remedies.for_underfitting(self.spec, hardly_moved=hardly_moved),
        )

    def _overfit(
        self, history: Sequence[EpochDone], val_losses: np.ndarray
    ) -> FindingRaised | None:
        rise = rise_since_best(val_losses)
        if rise is None or rise.z <= RISE_Z:
            return None
        best, recent = history[rise.best - 1], history[-5:]
        if _mean([done.train_loss for done in recent]) >= best.train_loss:
            return None
        accuracy = _mean([done.val_acc for done in recent])
        large = rise.mean > RISE_PROBLEM * best.val_loss
        gap = generalisation_gap(history[-1])
        fell = accuracy < best.val_acc - 1 / best.n_val
        return FindingRaised(
            verdict="overfit",
            since_epoch=rise.best + 1,
            epoch=len(history),
            severity="problem" if large else "warning",
            sentence="It is learning the training pictures by heart and gets worse on new ones."
            if fell
            else "It grows too sure of itself: right as often, but more wrong where it is wrong.",
            evidence=f"On the same {rise.n} validation pictures the loss has risen by "
            f"{rise.mean:.2f} since epoch {rise.best} ({rise.z:.1f} standard errors), while the "
            f"training loss fell from {best.train_loss:.2f} to {recent[-1].train_loss:.2f}. "
            f"Accuracy: training pictures {_percent(history[-1].fit_acc)}, validation "
            f"{_percent(history[-1].val_acc)} (gap {_points(gap.value)}, 95 % interval "
            f"{_points(gap.low)} to {_points(gap.high)}). Epoch {rise.best} is kept.",
            remedies=remedies.for_overfitting(self.spec, accuracy_fell=fell),
        )

    def _too_few_val(
        self, history: Sequence[EpochDone], end: FinishReason | None
    ) -> FindingRaised | None:
        half_way = len(history) >= (self.spec.train.epochs or 0) / 2
        if not history or (end is None and not half_way):
            return None
        best = _best(history)
        half = half_width(round(best.val_acc * best.n_val), best.n_val)
        if half <= HALF_WIDTH:
            return None
        needed = needed_pictures(best.val_acc, HALF_WIDTH)
        return FindingRaised(
            verdict="too_few_val",
            since_epoch=1,
            epoch=len(history),
            severity="info",
            sentence=f"With {best.n_val} validation pictures the accuracy is only known to about "
            f"{_points(half, sign='±')}.",
            evidence=f"At {_percent(best.val_acc)}, about {needed} validation pictures would be "
            f"needed to know it to {_points(HALF_WIDTH, sign='±')}. Smaller differences between "
            "runs may be chance.",
        )

    def _memorised(
        self, history: Sequence[EpochDone], val_losses: np.ndarray, end: FinishReason | None
    ) -> FindingRaised | None:
        """A gap without harm: worth a word, because the curves look alarming."""
        if end is None or end == "diverged" or not history:
            return None
        rise = rise_since_best(val_losses)
        gap = generalisation_gap(history[-1])
        if gap.low <= 0 or (rise is not None and rise.z > RISE_Z):
            return None
        return FindingRaised(
            verdict="memorised",
            since_epoch=1,
            epoch=len(history),
            severity="info",
            sentence="It knows its training pictures better than new ones, which has done no harm.",
            evidence=f"Training pictures {_percent(history[-1].fit_acc)}, validation "
            f"{_percent(history[-1].val_acc)} (gap {_points(gap.value)}, 95 % interval "
            f"{_points(gap.low)} to {_points(gap.high)}); the validation loss has not clearly "
            "risen.",
        )


def _best(history: Sequence[EpochDone]) -> EpochDone:
    return min(history, key=lambda done: (done.val_loss, done.epoch))


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if abs(share) >= 0.1 or share == 0 else f"{100 * share:.1f} %"


def _points(share: float, sign: str = "") -> str:
    return f"{sign}{100 * share:.0f} points"
