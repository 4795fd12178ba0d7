"""Rules about the end of a curve: validation that cannot tell, and a standstill."""

from __future__ import annotations

import math

from tl_core.diagnose import remedies
from tl_core.diagnose.curves import (
    HIGH_RATE,
    half_width,
    needed_pictures,
    restlessness,
    rise_since_best,
    standstill,
)
from tl_core.diagnose.seen import GOOD_FIT, HARDLY_MOVED, Seen, mean, percent, points
from tl_core.events import FindingRaised

__all__ = ["noisy_validation", "plateau"]

HALF_WIDTH = 0.05  # an accuracy not known to +-5 points is called uncertain (decision 0007)
LAST = 0.3  # of the epochs; what a standstill is looked for in
ENOUGH = 0.6  # of a plan at a constant rate; earlier, it may only have paused
LEAST_WINDOW = 5  # epochs
STOOD = 0.05  # of the loss; a fall that is surely smaller is a standstill (decision 0021)


def noisy_validation(seen: Seen) -> FindingRaised | None:
    """The validation accuracy is known too roughly to lean on, or jumps from epoch to epoch."""
    if not seen.history or (seen.end is None and len(seen.own) < seen.planned / 2):
        return None
    best = seen.best
    half = half_width(round(best.val_acc * best.n_val), best.n_val)
    jumps = restlessness([done.val_acc for done in seen.own])
    if half > HALF_WIDTH:
        needed = needed_pictures(best.val_acc, HALF_WIDTH)
        sentence = (
            f"With {best.n_val} validation pictures the accuracy is only known to about "
            f"{points(half, sign='±')}."
        )
        evidence = (
            f"At {percent(best.val_acc)}, about {needed} validation pictures would be needed to "
            f"know it to {points(HALF_WIDTH, sign='±')}. Smaller differences between runs may be "
            "chance."
        )
    elif jumps > HALF_WIDTH:
        sentence = "The validation accuracy jumps from one epoch to the next."
        evidence = (
            f"It differs by about {points(jumps, sign='±')} from epoch to epoch, more than the "
            f"{best.n_val} validation pictures explain ({points(half, sign='±')}). A lucky epoch "
            "may have been kept."
        )
    else:
        return None
    return FindingRaised(
        verdict="noisy_validation",
        since_epoch=1,
        epoch=seen.epoch,
        severity="info",
        sentence=sentence,
        evidence=evidence,
        remedies=remedies.for_noise(few=half > HALF_WIDTH),
    )


def plateau(seen: Seen) -> FindingRaised | None:
    """Neither loss has moved for the last third, though training pictures are still answered wrong.

    Looked for only while the rate is high: under a falling rate, to come to rest is the purpose.
    A standstill is shown, not assumed: a fall of more than 5 % is ruled out. With few validation
    pictures it cannot be, and nothing is said.
    """
    own = seen.own
    steady = seen.spec.train.schedule == "constant" and len(own) >= ENOUGH * seen.planned
    if seen.end != "completed" and not (seen.end is None and steady):
        return None
    window = max(LEAST_WINDOW, math.ceil(LAST * len(own)))
    if len(own) < 2 * window + 2 or own[-1].fit_acc >= GOOD_FIT:
        return None
    if own[-1].lr < HIGH_RATE * max(done.lr for done in own):
        return None
    before = mean([done.train_loss for done in own[-2 * window : -window]])
    after = mean([done.train_loss for done in own[-window:]])
    if abs(before - after) > STOOD * before or after > HARDLY_MOVED * seen.chance:
        return None
    stood = standstill(seen.own_losses, window)
    rise = rise_since_best(seen.val_losses, seen.begins)
    if stood.most > STOOD * stood.level or (rise is not None and rise.z > 2):
        return None
    fell = percent(max(0.0, stood.most / stood.level))
    return FindingRaised(
        verdict="plateau",
        since_epoch=seen.epoch - window + 1,
        epoch=seen.epoch,
        severity="info",
        sentence="It has stopped getting better; more epochs like these would change nothing.",
        evidence=f"Over the last {window} epochs the training loss stayed at {after:.2f} (before: "
        f"{before:.2f}), and the validation loss fell by {fell} at most (95 %), though only "
        f"{percent(own[-1].fit_acc)} of the training pictures are right.",
        remedies=remedies.for_plateau(seen.spec),
    )
