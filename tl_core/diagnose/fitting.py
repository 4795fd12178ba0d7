"""Rules about what was learned: nothing, too little, too much, or by heart without harm."""

from __future__ import annotations

from tl_core.diagnose import remedies
from tl_core.diagnose.curves import (
    Rise,
    accuracy_fall,
    fall_per_epoch,
    generalisation_gap,
    rise_since_before,
    rise_since_best,
    still_falling,
)
from tl_core.diagnose.rates import CHANCE_TIMES
from tl_core.diagnose.seen import GOOD_FIT, HARDLY_MOVED, Seen, mean, percent, points
from tl_core.events import FindingRaised, Severity
from tl_core.intervals import wilson

__all__ = ["memorised", "no_signal", "overconfident", "overfit", "underfit"]

RISE_Z = 2.5  # standard errors; error rates in docs/findings.md
RISE_LEAST = 0.08  # of the best validation loss; less is no harm, however sure it is (0021)
RISE_LEAST_LATER = 0.25  # the same in a stage after the first, where its gate tells of less (0021)
RISE_PROBLEM = 0.5  # of the best validation loss; a rise that large is called a problem
BROUGHT_Z = 2.5  # standard errors by which a later stage must be better than those before it
MARKED = 0.3  # of the best validation loss; beside a gap such a rise needs less certainty (0021)
MARKED_Z = 1.645  # standard errors, one-sided 95 %
STEEP = 0.02  # of the training loss per epoch; where epochs are too few to ask validation (0021)
LEARNING = 0.01  # of the training loss per epoch; less is no learning (decision 0021)
IMPROVING = 0.06  # of the validation loss within five epochs at a high rate (decision 0021)
IMPROVING_Z = 1.645  # standard errors, one-sided 95 %
LIFT = 0.25  # of the way from the largest class to all right; more is not called no signal (0021)
LATE = 0.8  # of the epochs; a best epoch after it means that the run was still improving
FALL_Z = 1.25  # standard errors by which the accuracy must have fallen (decision 0021)
STEADY = 0.05  # of accuracy; a larger fall is ruled out where a less sure rise is told (0021)
STEADY_Z = 1.645  # standard errors, one-sided 95 %


def no_signal(seen: Seen) -> FindingRaised | None:
    """The best accuracy may be that of always giving the same answer."""
    if seen.end not in ("completed", "early_stop") or not seen.history:
        return None
    best = seen.best
    low, high = wilson(round(best.val_acc * best.n_val), best.n_val)
    if low > seen.majority or best.val_acc > _little(seen):
        return None
    return FindingRaised(
        verdict="no_signal",
        since_epoch=1,
        epoch=seen.epoch,
        severity="problem" if best.val_acc <= seen.majority else "warning",
        sentence="It is not shown that this is better than always giving the same answer.",
        evidence=f"Validation accuracy {percent(best.val_acc)} (95 % interval {percent(low)} "
        f"to {percent(high)}, {best.n_val} pictures); always answering the largest class "
        f"gives {percent(seen.majority)}.",
        remedies=remedies.for_no_signal(seen.spec, hardly_moved=_hardly_moved(seen)),
    )


def underfit(seen: Seen) -> FindingRaised | None:
    """Even the training pictures are not learned, and more could be."""
    if seen.end != "completed" or len(seen.own) < 2:
        return None
    last, gap = seen.history[-1], generalisation_gap(seen.history[-1])
    if last.fit_acc >= GOOD_FIT or gap.low > 0:
        return None
    hardly_moved = _hardly_moved(seen)
    learning = "" if hardly_moved else _learning(seen)
    if not hardly_moved and not learning:
        return None
    moved = (
        f"the training loss is {last.train_loss:.2f} where guessing gives {seen.chance:.2f}"
        if hardly_moved
        else learning
    )
    return FindingRaised(
        verdict="underfit",
        since_epoch=1,
        epoch=seen.epoch,
        severity="warning",
        sentence="It has not learned all it could from the training pictures.",
        evidence=f"Only {percent(last.fit_acc)} of the training pictures are right, "
        f"validation is as good ({percent(last.val_acc)}), and {moved}.",
        remedies=remedies.for_underfitting(seen.spec, hardly_moved=hardly_moved),
    )


def _brought_something(seen: Seen) -> bool:
    """Whether a later stage surely brought something; of the first one it is believed.

    A later stage begins near the best there was, so that its best epoch is late by chance already,
    and its loss falls at the end from where the high rate had put it.
    """
    since = rise_since_before(seen.val_losses, seen.begins)
    return not seen.begun or (since is not None and since.z < -BROUGHT_Z)


def overfit(seen: Seen) -> FindingRaised | None:
    """The validation loss rises and its accuracy falls, while the training loss falls.

    Rise, gap and fall are evidence each; where all three are there, none need be as sure as alone.
    """
    rise = _harm(seen) or _marked(seen)
    if rise is None or not _fell(seen, rise):
        return None
    return FindingRaised(
        verdict="overfit",
        since_epoch=rise.best + 1,
        epoch=seen.epoch,
        severity=_grave(seen, rise),
        sentence="It is learning the training pictures by heart and gets worse on new ones.",
        evidence=_risen(seen, rise),
        remedies=remedies.for_overfitting(seen.spec, best=_stop_at(seen)),
    )


def overconfident(seen: Seen) -> FindingRaised | None:
    """The validation loss rises and its accuracy does not fall."""
    rise = _harm(seen)
    if rise is None:
        rise = _marked(seen)
        if rise is None or not _steady(seen, rise):
            return None
    if _fell(seen, rise):
        return None
    return FindingRaised(
        verdict="overconfident",
        since_epoch=rise.best + 1,
        epoch=seen.epoch,
        severity=_grave(seen, rise),
        sentence="It grows too sure of itself: right as often, but more wrong where it is wrong.",
        evidence=_risen(seen, rise),
        remedies=remedies.for_overconfidence(seen.spec, best=_stop_at(seen)),
    )


def memorised(seen: Seen) -> FindingRaised | None:
    """A gap without harm: worth a word, because the curves look alarming."""
    if seen.end is None or seen.end == "diverged" or not seen.history:
        return None
    rise, last = rise_since_best(seen.val_losses, seen.begins), seen.history[-1]
    gap = generalisation_gap(last)
    if gap.low <= 0 or (rise is not None and rise.z > RISE_Z) or _marked(seen) is not None:
        return None
    return FindingRaised(
        verdict="memorised",
        since_epoch=1,
        epoch=seen.epoch,
        severity="info",
        sentence="It knows its training pictures better than new ones, which has done no harm.",
        evidence=f"Training pictures {percent(last.fit_acc)}, validation "
        f"{percent(last.val_acc)} (gap {points(gap.value)}, 95 % interval "
        f"{points(gap.low)} to {points(gap.high)}); the validation loss has not clearly risen.",
    )


# -- inside ----------------------------------------------------------------------------------------


def _little(seen: Seen) -> float:
    """An accuracy up to which next to nothing need have been learned."""
    return seen.majority + LIFT * (1 - seen.majority)


def _hardly_moved(seen: Seen) -> bool:
    """The training loss is about that of guessing, and training pictures are hardly told apart.

    A loss near guessing alone is also that of answers which are right but never sure.
    """
    last, chance = seen.history[-1], seen.chance
    near = HARDLY_MOVED * chance < last.train_loss <= CHANCE_TIMES * chance
    return near and last.fit_acc <= _little(seen)


def _learning(seen: Seen) -> str:
    """How it was still learning when the run ended, in words; "" when that is not shown.

    A falling training loss alone is no sign: it falls by as much in runs that have nothing more to
    learn about new pictures. So validation is asked, where there are epochs enough at a high rate.
    """
    fall = fall_per_epoch(seen.own)
    if seen.best.epoch <= seen.begun + LATE * len(seen.own) or fall <= LEARNING:
        return ""
    if not _brought_something(seen):
        return ""
    told = f"the training loss was still falling by {percent(fall)} per epoch"
    val = still_falling(seen.own, seen.own_losses)
    if val is None:
        return told if fall > STEEP else ""
    if val.share <= IMPROVING or val.z <= IMPROVING_Z:
        return ""
    return (
        f"{told}, and the validation loss by {percent(val.share)} within {val.epochs} epochs "
        f"({val.z:.1f} standard errors)"
    )


def _harm(seen: Seen) -> Rise | None:
    """A rise of the validation loss that is no chance, while the training loss fell."""
    rise = rise_since_best(seen.val_losses, seen.begins)
    if rise is None or rise.z <= RISE_Z or not _may_be_judged(seen, rise.best):
        return None
    least = RISE_LEAST_LATER if seen.begun else RISE_LEAST
    if rise.mean <= least * seen.history[rise.best - 1].val_loss:
        return None
    recent = mean([done.train_loss for done in seen.history[-5:]])
    return rise if recent < seen.history[rise.best - 1].train_loss else None


def _may_be_judged(seen: Seen, best: int) -> bool:
    """Whether a rise since an epoch can be more than what opening a block does at first.

    The loss jumps when a block is opened, and stays up while its rate is high. So in a stage after
    the first, a rise counts since an epoch at or after the last with its highest rate, or once
    the stage is over.
    """
    if not seen.begun or len(seen.own) >= seen.planned or seen.end == "early_stop":
        return True
    rates = [done.lr for done in seen.own]
    last_peak = max(at for at, rate in enumerate(rates) if rate == max(rates))
    return best > seen.begun + last_peak


def _marked(seen: Seen) -> Rise | None:
    """A large rise beside a gap, less sure than ``_harm`` asks for."""
    rise = rise_since_best(seen.val_losses, seen.begins)
    if rise is None or rise.z <= MARKED_Z or not _may_be_judged(seen, rise.best):
        return None
    best = seen.history[rise.best - 1]
    if rise.mean <= MARKED * best.val_loss or generalisation_gap(seen.history[-1]).low <= 0:
        return None
    return rise if mean([done.train_loss for done in seen.history[-5:]]) < best.train_loss else None


def _fell(seen: Seen, rise: Rise) -> bool:
    """Whether the accuracy fell rather than not; that there is harm is known before."""
    fall = accuracy_fall(seen.history, rise.best, seen.begins)
    return fall.value > max(1 / seen.history[-1].n_val, FALL_Z * fall.error)


def _steady(seen: Seen, rise: Rise) -> bool:
    """Whether a fall of the accuracy by five points is ruled out."""
    fall = accuracy_fall(seen.history, rise.best, seen.begins)
    return fall.value + STEADY_Z * fall.error < STEADY


def _grave(seen: Seen, rise: Rise) -> Severity:
    large = rise.mean > RISE_PROBLEM * seen.history[rise.best - 1].val_loss
    return "problem" if large else "warning"


def _stop_at(seen: Seen) -> int | None:
    """The epoch that stopping now would keep; None when the run is over."""
    return seen.best.epoch if seen.end is None else None


def _risen(seen: Seen, rise: Rise) -> str:
    best, last = seen.history[rise.best - 1], seen.history[-1]
    gap = generalisation_gap(last)
    return (
        f"On the same {rise.n} validation pictures the loss has risen by {rise.mean:.2f} since "
        f"epoch {rise.best} ({rise.z:.1f} standard errors), while the training loss fell from "
        f"{best.train_loss:.2f} to {last.train_loss:.2f}. Validation accuracy "
        f"{percent(best.val_acc)} then, {percent(last.val_acc)} now; training pictures "
        f"{percent(last.fit_acc)} (gap {points(gap.value)}, 95 % interval {points(gap.low)} to "
        f"{points(gap.high)}). Epoch {rise.best} is kept."
    )
