"""The names of what the coach can say, and what of it still stands when more was said.

Needs nothing but events, so that pages can ask what stands.
"""

from __future__ import annotations

from collections.abc import Iterable

from tl_core.events import FindingRaised, Severity

__all__ = [
    "FOLLOW_UPS",
    "OF_A_STAGE",
    "SEVERITIES",
    "SILENCED_BY",
    "VERDICTS",
    "renamed",
    "standing",
]

VERDICTS = (
    "diverged",
    "oscillating",
    "rate_too_low",
    "no_signal",
    "underfit",
    "overfit",
    "overconfident",
    "noisy_validation",
    "plateau",
    "memorised",
)  # in the order in which they are looked for
FOLLOW_UPS = ("remedy_helped", "remedy_harmed", "remedy_unclear")
SEVERITIES: tuple[Severity, ...] = ("info", "warning", "problem")

RENAMED = {"too_few_val": "noisy_validation"}  # what runs of earlier versions have stored
SILENCED_BY: dict[str, frozenset[str]] = {
    "oscillating": frozenset({"diverged"}),
    "rate_too_low": frozenset({"diverged"}),
    "no_signal": frozenset({"diverged", "rate_too_low"}),
    "underfit": frozenset({"diverged", "oscillating", "rate_too_low", "no_signal"}),
    "overfit": frozenset({"diverged"}),
    "overconfident": frozenset({"diverged", "overfit"}),
    "plateau": frozenset(
        {
            *("diverged", "oscillating", "rate_too_low", "no_signal"),
            *("underfit", "overfit", "overconfident"),
        }
    ),
    "memorised": frozenset({"diverged", "no_signal", "overfit", "overconfident"}),
}  # what only follows from another verdict, or contradicts it, is not said beside it
OF_A_STAGE = frozenset({"diverged", "oscillating", "rate_too_low", "plateau"})
# what says something of one stage of a run only, and silences nothing in another


def renamed(verdict: str) -> str:
    """The present name of a verdict that an earlier version may have stored."""
    return RENAMED.get(verdict, verdict)


def standing(findings: Iterable[FindingRaised]) -> list[FindingRaised]:
    """The last word on every verdict, without those that a later one has overtaken; gravest first.

    Args:
        findings: Of one run, in the order they were raised.
    """
    last = {renamed(one.verdict): one for one in findings}

    def silenced(name: str, by: str) -> bool:
        return by in last and (by not in OF_A_STAGE or last[by].stage == last[name].stage)

    silent = {
        name
        for name in last
        if any(silenced(name, by) for by in SILENCED_BY.get(name, frozenset()))
    }
    return sorted(
        (one for name, one in last.items() if name not in silent),
        key=lambda one: (-SEVERITIES.index(one.severity), one.since_epoch),
    )
