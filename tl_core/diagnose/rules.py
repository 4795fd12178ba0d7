"""The coach: verdicts on a run from its history and every validation picture's loss. No torch.

The rules, their order and their measured error rates are in docs/findings.md. Each finding is one
plain sentence, the numbers it rests on, and remedies, most of which are changes to the settings.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from tl_core.config import RunSpec
from tl_core.diagnose import fitting, rates, settling
from tl_core.diagnose.seen import Seen
from tl_core.diagnose.verdicts import OF_A_STAGE, SEVERITIES, SILENCED_BY, VERDICTS, renamed
from tl_core.events import EpochDone, FindingRaised, FinishReason

__all__ = ["SEVERITIES", "VERDICTS", "Coach"]

RULES: dict[str, Callable[[Seen], FindingRaised | None]] = {
    "diverged": rates.diverged,
    "oscillating": rates.oscillating,
    "rate_too_low": rates.rate_too_low,
    "no_signal": fitting.no_signal,
    "underfit": fitting.underfit,
    "overfit": fitting.overfit,
    "overconfident": fitting.overconfident,
    "noisy_validation": settling.noisy_validation,
    "plateau": settling.plateau,
    "memorised": fitting.memorised,
}  # the order in which they are asked: what explains the others comes first


GROWING = {"overfit", "overconfident"}  # what may become more severe; the others are said once
ONCE = {"noisy_validation"}  # of a run; the others once in each of its stages


class Coach:
    """Judges a run after each epoch; pass it to ``train.loop.fit`` as ``judge``.

    It remembers nothing: the same history gives the same findings, also after a resume.

    Args:
        spec: Settings of the run, resolved; remedies are computed from them.
        n_classes: Classes of the set.
        val_labels: int (n_val,), class positions of the validation pictures, for the majority.
        usual_lr: A rate known to work with these settings; without it, one is called too low only
            while the loss is that of guessing.
        begins: Epochs done when each stage of a run in stages began, that of the stage at work
            last; ``spec`` and ``usual_lr`` are of that stage.
    """

    def __init__(
        self,
        spec: RunSpec,
        *,
        n_classes: int,
        val_labels: np.ndarray,
        usual_lr: float | None = None,
        begins: Sequence[int] = (0,),
    ) -> None:
        self.spec = spec
        self.n_classes = n_classes
        self.usual_lr = usual_lr
        self.begins = tuple(begins)
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
        seen = Seen(
            spec=self.spec,
            n_classes=self.n_classes,
            majority=self.majority,
            usual_lr=self.usual_lr,
            history=history,
            val_losses=val_losses,
            end=end,
            begins=self.begins,
        )
        stage = len(self.begins) - 1
        said = [(renamed(one.verdict), one) for one in raised]
        known = {
            verdict: SEVERITIES.index(one.severity)
            for verdict, one in said
            if one.stage == stage or verdict in ONCE
        }
        before = {verdict for verdict, one in said if verdict not in OF_A_STAGE}
        found: list[FindingRaised] = []
        for verdict, rule in RULES.items():
            if verdict in known and verdict not in GROWING:
                continue
            if SILENCED_BY.get(verdict, frozenset()) & (known.keys() | before):
                continue
            one = rule(seen)
            if one is not None and SEVERITIES.index(one.severity) > known.get(verdict, -1):
                found.append(replace(one, stage=stage))
                known[verdict] = SEVERITIES.index(one.severity)
        return found
