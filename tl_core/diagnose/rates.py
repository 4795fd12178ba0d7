"""Rules about the learning rate: far too high, too high, too low."""

from __future__ import annotations

import math

import numpy as np

from tl_core.config import PROBES
from tl_core.diagnose import remedies
from tl_core.diagnose.curves import HIGH_RATE, alternation
from tl_core.diagnose.seen import GOOD_FIT, HARDLY_MOVED, Seen, mean, percent
from tl_core.events import FindingRaised

__all__ = ["diverged", "oscillating", "rate_too_low"]

CHANCE_TIMES = 1.2  # times ln(classes), the loss of pure guessing; above is divergence (0007)
BEST_TIMES = 4.0  # times the lowest training loss; above is divergence (decision 0007)
SETTLED = 0.25  # of the run; before, a high loss may still be warm-up

TURNS = 0.85  # of the steps go the other way than the one before; noise does so in 0.67 of them
SWING = 0.05  # of the loss, from one epoch to the next; less does no harm
SWING_Z = 4.0  # standard errors by which the swing differs from none (decision 0021)

THROWN = 2.5  # times the loss shortly before; with one beyond guessing, no noise does it
THROWN_TIMES = 2  # epochs; once may be the statistics of the first steps

LITTLE = 0.02  # of the loss the run began with; a fall below it is next to nothing
BUDGET = 0.4  # of the epochs; by then every schedule has had its highest rate
LEAST_EPOCHS = 4
LOWER = 1 / 3  # of the rate known to work; only below it is a rate called too low
UNLEARNED = 0.1  # of the loss of guessing; opened blocks at a working rate get below it


def diverged(seen: Seen) -> FindingRaised | None:
    """The loss is no number any more, or runs away.

    A stage has a warm-up of its own; how low the loss has been is known from the whole run.
    """
    cures = remedies.for_divergence(seen.spec)
    epoch = seen.epoch
    if seen.end == "diverged":
        return FindingRaised(
            verdict="diverged",
            since_epoch=epoch + 1,
            epoch=epoch,
            severity="problem",
            sentence="The training broke down: the loss is no longer a number.",
            evidence=f"It happened in epoch {epoch + 1}, at a learning rate of {seen.lr:g}.",
            remedies=cures,
        )
    if len(seen.own) < 2 or len(seen.own) < SETTLED * seen.planned:
        return None
    last = min(done.train_loss for done in seen.own[-2:])
    lowest = min(done.train_loss for done in seen.history)
    far = last > BEST_TIMES * lowest and last > seen.chance / 2
    if not far and last <= CHANCE_TIMES * seen.chance:
        return None
    return FindingRaised(
        verdict="diverged",
        since_epoch=epoch - 1,
        epoch=epoch,
        severity="problem",
        sentence="The training is running away: it gets worse instead of better.",
        evidence=f"The training loss is {seen.history[-1].train_loss:.2f}; guessing would give "
        f"{seen.chance:.2f}, and the lowest so far was {lowest:.2f}.",
        remedies=cures,
    )


def oscillating(seen: Seen) -> FindingRaised | None:
    """The loss jumps up and down from one epoch to the next, as when steps overshoot.

    Either again and again by a part of its value, or some few times to beyond that of guessing,
    from which a run may recover when its rate falls. Looked for in the validation loss: the
    training loss may alternate because versions of the pictures are used in turn.
    """
    peak = max((done.lr for done in seen.own), default=0.0)
    high = [at for at, done in enumerate(seen.own) if done.lr >= HIGH_RATE * peak]
    if not high or high[-1] != len(seen.own) - 1:  # the rate has fallen: it says nothing new
        return None
    curve = seen.own_losses[high[0] :].mean(axis=1, dtype=float)
    thrown, swing = _thrown(curve, seen.chance), alternation(curve)
    if len(thrown) >= THROWN_TIMES:
        since = seen.begun + high[0] + thrown[0] + 1
        evidence = (
            f"The validation loss was thrown up to "
            f"{', '.join(f'{curve[at]:.2f}' for at in thrown[:4])}, beyond that of guessing "
            f"({seen.chance:.2f}), from {min(curve[max(0, thrown[0] - 2) : thrown[0]]):.2f} just "
            f"before"
        )
    elif swing and swing.turns > TURNS and swing.share > SWING and swing.z > SWING_Z:
        since = seen.epoch - swing.epochs + 1
        evidence = (
            f"In {percent(swing.turns)} of the last {swing.epochs} epochs the validation loss "
            f"turned round, by {percent(swing.share)} of its value each time ({swing.z:.1f} "
            f"standard errors); by chance it turns in 67 %"
        )
    else:
        return None
    return FindingRaised(
        verdict="oscillating",
        since_epoch=since,
        epoch=seen.epoch,
        severity="warning",
        sentence="The steps are too large: the loss jumps to and fro from one epoch to the next.",
        evidence=f"{evidence}. The learning rate is {seen.lr:g}.",
        remedies=remedies.for_oscillation(seen.spec),
    )


def rate_too_low(seen: Seen) -> FindingRaised | None:
    """Next to nothing was learned although a good part of the run is over.

    Said only where a larger rate is known to work, or, where none is known, where the loss is still
    that of guessing: else a flat curve may as well mean that there is nothing left to learn.
    """
    own = seen.own
    if len(own) < max(LEAST_EPOCHS, math.ceil(BUDGET * seen.planned)):
        return None
    first = mean([done.train_loss for done in own[:2]])
    last = mean([done.train_loss for done in own[-2:]])
    drop = (first - last) / first if first > 0 else 1.0
    guessing = HARDLY_MOVED * seen.chance < last <= CHANCE_TIMES * seen.chance
    usual = seen.usual_lr
    low = guessing if usual is None else seen.lr < LOWER * usual
    still = abs(drop) < LITTLE or (usual is not None and guessing)
    learned = own[-1].fit_acc >= GOOD_FIT and not _blocks_could_learn(seen, last)
    if not low or not still or learned:
        return None
    known = (
        f"guessing gives {seen.chance:.2f}"
        if usual is None
        else f"a rate of {usual:g} is known to work with these layers"
    )
    return FindingRaised(
        verdict="rate_too_low",
        since_epoch=seen.begun + 1,
        epoch=seen.epoch,
        severity="warning",
        sentence="The steps are too small: the network has hardly moved.",
        evidence=f"In {len(own)} of {seen.planned} epochs{seen.of_the_stage} the training loss "
        f"went from {first:.3f} to {last:.3f}, at a learning rate of {seen.lr:g}; {known}.",
        remedies=remedies.for_low_rate(seen.spec, usual),
    )


# -- inside ----------------------------------------------------------------------------------------


def _thrown(curve: np.ndarray, chance: float) -> list[int]:
    """Positions at which a loss is beyond guessing and far above both or one of the two before."""
    return [
        at
        for at in range(1, len(curve))
        if curve[at] > max(CHANCE_TIMES * chance, THROWN * min(curve[max(0, at - 2) : at]))
    ]


def _blocks_could_learn(seen: Seen, loss: float) -> bool:
    """Whether opened blocks are known to get further, although the training pictures are right.

    A head begins as the best one for frozen blocks, so most training pictures are right before
    anything is learned; that says nothing of the blocks behind it.
    """
    opened = seen.spec.freeze.layers not in ("head", *PROBES)
    return opened and seen.usual_lr is not None and loss > UNLEARNED * seen.chance
