"""Printing: JSON lines for scripts, sentences and progress bars for people."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from typing import Any

from tqdm import tqdm

from tl_core.config import PROBES
from tl_core.events import (
    EngineChosen,
    EpochDone,
    Event,
    FindingRaised,
    GateClosed,
    GateOpened,
    Progress,
    RunFailed,
    RunResumed,
    RunStarted,
    StepDone,
    StrengthTried,
    Warned,
    event_to_dict,
)

__all__ = ["Bars", "EventPrinter", "as_lines", "engine_line", "percent", "table"]


def as_lines(body: Any) -> None:
    """Print one JSON line, at once."""
    print(json.dumps(body, ensure_ascii=False), flush=True)


def percent(share: float | None, interval: Sequence[float] | None = None) -> str:
    """``0.86, (0.75, 0.93)`` as "86.0 % (75-93 %)"."""
    if share is None:
        return "-"
    if interval is None:
        return f"{share:.1%}".replace("%", " %")
    return f"{100 * share:.1f} % ({100 * interval[0]:.0f}-{100 * interval[1]:.0f} %)"


def table(rows: Sequence[Sequence[str]], head: Sequence[str]) -> str:
    """Left-aligned columns under a head."""
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in [head, ["-" * width for width in widths], *rows]
    ]
    return "\n".join(lines)


def engine_line(event: EngineChosen, *, probe: bool = False) -> str:
    """How a run is computed, in one line."""
    if probe:
        looks = "once" if event.views == 1 else f"{event.views} times"
        how = f"every picture goes through the frozen network {looks}, {event.precision}"
    elif event.cache == "kept":
        versions = "1 version" if event.views == 1 else f"{event.views} versions"
        how = (
            f"frozen blocks computed once per picture and version, and kept: {versions}, "
            f"{event.precision}, {event.cache_mb:.1f} MB"
        )
    elif event.cache == "off":
        how = f"frozen blocks computed anew every epoch, {event.precision}"
    else:
        how = f"every block learns, {event.train_precision}"
    if event.expected_seconds is None:
        return how
    return f"{how}; about {max(1, round(event.expected_seconds))} s"


class Bars:
    """One progress bar at a time on stderr, and none when stderr is not a terminal."""

    def __init__(self) -> None:
        self._bar: tqdm[Any] | None = None
        self._stage = ""

    def report(self, stage: str, done: int, total: int, unit: str = "picture") -> None:
        """Show ``done`` of ``total`` (0 = unknown) of a stage; a new stage opens a new bar."""
        if not sys.stderr.isatty():
            return
        if self._bar is None or stage != self._stage:
            self.close()
            self._bar = tqdm(total=total or None, desc=stage, unit=f" {unit}", leave=False)
            self._stage = stage
        self._bar.n = done
        self._bar.refresh()
        if total and done >= total:
            self.close()

    def close(self) -> None:
        """Take the bar off the screen."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


class EventPrinter:
    """Prints the events of a run as they come.

    Args:
        machine: JSON lines on stdout instead of sentences.
        answer: Told what a run in stages asked, and the answer that was typed.
    """

    def __init__(
        self,
        *,
        machine: bool,
        answer: Callable[[GateOpened, bool], None] = lambda asked, opened: None,
    ) -> None:
        self._machine, self._answer = machine, answer
        self._bars = Bars()
        self._epochs = 0
        self._probe = False
        self._tried: list[StrengthTried] = []

    def __call__(self, event: Event) -> None:
        """Print one event; the final one is printed by the command, with its totals."""
        if self._machine:
            if event.name != "run_finished":
                as_lines(event_to_dict(event))
            return
        if not isinstance(event, StrengthTried | Progress):
            self._strengths()
        match event:
            case Progress():
                self._bars.report(event.stage, event.done, event.total, event.unit)
            case StepDone():
                self._bars.report(f"epoch {event.epoch}", event.step, event.steps, "step")
            case RunStarted():
                self._epochs = event.epochs
                self._probe = event.layers in PROBES
                self._say(_plan_line(event, self._probe))
            case EngineChosen():
                self._say(engine_line(event, probe=self._probe))
            case StrengthTried():
                self._tried.append(event)
                self._bars.report("trying strengths", event.done, event.total, "strength")
            case RunResumed():
                self._say(f"going on after epoch {event.epoch}")
            case EpochDone() if self._probe:
                self._say(
                    f"solved: validation loss {event.val_loss:.3f}  accuracy {event.val_acc:.1%}"
                )
            case EpochDone():
                best = "  best so far" if event.is_best else ""
                self._say(
                    f"epoch {event.epoch:>3}/{self._epochs}  loss {event.train_loss:.3f}  "
                    f"validation loss {event.val_loss:.3f}  accuracy {event.val_acc:.1%}{best}"
                )
            case GateOpened():
                self._ask(event)
            case GateClosed():
                self._say("the block is opened" if event.opened else "it stays as it is")
            case FindingRaised():
                self._say(f"! {event.sentence} ({event.evidence})")
            case Warned() | RunFailed():
                self._say(f"! {event.message} {event.hint}".rstrip())
            case _:
                pass

    def _ask(self, asked: GateOpened) -> None:
        """Say what a gate is about, and pass on what is typed where somebody can be asked."""
        time = (
            f"about {asked.expected_seconds:.0f} s, " if asked.expected_seconds is not None else ""
        )
        self._say(f"validation {asked.val_accuracy:.1%}. {gate_line(asked)}")
        self._say(f"next: {asked.block} ({asked.layers}), {time}{asked.epochs} epochs")
        if asked.asks and sys.stdin.isatty():
            try:
                typed = input("open it? [y/N] ")
            except EOFError:  # the terminal was closed: what there is is kept
                typed = ""
            self._answer(asked, typed.strip().lower() in ("y", "yes"))

    def _strengths(self) -> None:
        """The best of the strengths tried, once something else happens."""
        if not self._tried:
            return
        best = min(self._tried, key=lambda one: one.loss)
        self._say(
            f"strength {best.strength:.2g}, the best of {len(self._tried)}: cross-validated "
            f"loss {best.loss:.3f}  accuracy {best.accuracy:.1%}"
        )
        self._tried = []

    def _say(self, sentence: str) -> None:
        self._bars.close()
        print(sentence, flush=True)

    def close(self) -> None:
        """Take any bar off the screen."""
        self._bars.close()


def gate_line(asked: GateOpened) -> str:
    """What the stage before a gate brought."""
    if asked.gained is None or asked.fell is None:
        return "That is the head alone."
    return (
        f"The last block changed accuracy by {100 * asked.gained:+.1f} points and the loss by "
        f"{-asked.fell:+.3f} ({-(asked.fell_high or 0):+.3f} to {-(asked.fell_low or 0):+.3f})."
    )


def _plan_line(event: RunStarted, probe: bool) -> str:
    what = f"{event.model}, {event.layers}: "
    of = f"from {event.n_train} pictures on {event.device}"
    if probe:
        return f"{what}{event.trainable:,} numbers solved {of}; the network stays as it is"
    learn = f"{event.trainable:,} of {event.parameters:,} parameters learn {of}"
    open_blocks = [rate for rate in event.rates[:-1] if rate]
    rates = f"learning rate {event.lr:g}"
    if open_blocks:
        rates += f", blocks before the head {', '.join(f'{rate:.2g}' for rate in open_blocks)}"
    return f"{what}{learn}; {rates}"
