"""docs/benchmarks.md from the results: pure text, nothing is measured here."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.asking import Line, Question, Target
from benchmarks.medians import Measured, interval, median, present, range_of

__all__ = ["page", "section"]

UNMEASURED = "not measured yet"
UNMEASURED_SECTION = f"This question is {UNMEASURED}."
INTRO = """\
# How fast, and against what

Written by `make bench`; edit `benchmarks/tables.py` or `benchmarks/questions.py`, not this page.
Every number was measured on the machine named with it, both sides in one run of the command; a
row nobody measured says so.

How to read it:

- **A side is a process of its own** (a fresh interpreter). The clock starts after Python and its
  imports and stops at the result. Everything between counts for every side: reading the picture
  files, decoding, building the network, training, validating after every epoch. Thaw starts from
  an empty home, so its caches are empty and it measures the machine anew; its parts are named
  under the tables. The files themselves were just written, so all sides read them from memory.
- **Seconds are medians** over the runs, with the least and the most in brackets. The sides take
  turns, and run number i uses seed i on every side.
- **Accuracy** is of the epoch with the lowest validation loss, the median of the runs, with the
  95 % Wilson interval of its validation pictures. The same pictures choose the epoch and give the
  number, on every side alike, so it flatters everybody a little; the probes choose nothing on
  them. Thaw judges an epoch in the precision in which it trains (named under the tables), the
  others in float32; a run's report, in float32 too, is not timed here.
- **The plain loop** (`benchmarks/plain_loop.py`) is PyTorch as a careful person writes it: two
  lasting DataLoader workers, no gradient and no backward pass through frozen layers, frozen
  layers in evaluation mode. It takes Thaw's own batch, epochs, rates and schedule, and squashes
  pictures the same way. It leaves freed memory to the C library, as programs do; Thaw's processes
  keep it (decision 0012), and one line shows what that alone would give the plain loop.
- **fastai** (`benchmarks/fastai_loop.py`) has an environment of its own, with the same backbone
  and weights through timm, the same pictures, size, epochs and batch; head, rates and
  augmentation are its defaults. It keeps the scale and shift of frozen normalisation layers
  trainable, so its gradients run through the frozen blocks; that is how it comes.
- **Met or missed**: the target of the project beside the measured value.

`make bench` takes no arguments. `python -m benchmarks --only head` measures one question again
and replaces its section only; `--runs 5` takes more runs, `--more` goes on with rounds that were
made on this machine with this code, `--quick` tries the harness without touching this page.
fastai is put into `.venv-bench`; `THAW_BENCH_FASTAI` names another Python that has it, or `none`.
"""
COLUMNS = "| | measured | runs | validation accuracy (95 %) | times Thaw's | remarks |"


def page(
    questions: Sequence[Question], results: Mapping[str, Mapping[str, Any]], old: str = ""
) -> str:
    """The whole page.

    Args:
        questions: In the order of the page.
        results: By question: ``lines`` (label -> runs), ``machine``, ``date``.
        old: The page as it is; sections without results here are kept from it, so that a part can
            be measured again elsewhere than the rest.
    """
    kept = _sections(old)
    parts = [INTRO]
    for one in questions:
        before = kept.get(one.title, UNMEASURED_SECTION)
        known = one.name in results or UNMEASURED_SECTION in before
        parts.append(section(one, results.get(one.name)) if known else before)
    return "\n".join(parts)


def section(question: Question, result: Mapping[str, Any] | None) -> str:
    """One question: its table, targets and remarks."""
    told = [f"## {question.title}\n", f"{question.text}\n"]
    measured: Measured = result["lines"] if result else {}
    if result is None:
        told.append(f"{UNMEASURED_SECTION}\n")
    told += [COLUMNS, "|---|---|---|---|---|---|"]
    told += [
        _row(label, line, question, measured)
        for label, line in question.lines.items()
        if not line.hidden
    ]
    if question.targets:
        told += ["", "| target | measured | |", "|---|---|---|"]
        told += [_target(one, measured) for one in question.targets]
    for extra in question.extra(measured):
        told += ["", extra]
    if result is not None:
        told += ["", _where(result)]
    return "\n".join(told) + "\n"


def _row(label: str, line: Line, question: Question, measured: Measured) -> str:
    runs = present(measured, label)
    values = [line.times * one[line.key] for one in runs if one.get(line.key) is not None]
    if not values:
        why = next((one["missing"] for one in measured.get(label, ()) if "missing" in one), "")
        return f"| {label} | {UNMEASURED} | | | | {_sentence(why)} |"
    found = range_of(values)
    shown = f"{_number(found.median)} {line.unit}"
    if found.n > 1:
        shown += f" ({_number(found.least)} to {_number(found.most)})"
    cells = [label, shown, str(found.n), _accuracy(measured, label)]
    cells += [_ratio(found.median, line, question, measured), _remarks(line, runs)]
    return f"| {' | '.join(cells)} |"


def _accuracy(measured: Measured, label: str) -> str:
    accuracy, n = median(measured, label, "val_accuracy"), median(measured, label, "n_val")
    if accuracy is None or not n:
        across = median(measured, label, "cv_accuracy")
        return "" if across is None else f"{across:.3f} over the folds, best rate"
    low, high = interval(accuracy, int(n))
    return f"{accuracy:.3f} [{low:.3f}, {high:.3f}] of {int(n)}"


def _ratio(value: float, line: Line, question: Question, measured: Measured) -> str:
    if not line.base:
        return ""
    base = question.lines[line.base]
    under = median(measured, line.base, base.key)
    return f"{value / (base.times * under):.1f}" if under else ""


def _remarks(line: Line, runs: Sequence[Mapping[str, Any]]) -> str:
    """The note, the settings used, and what the time was spent on (of the last run)."""
    last, told = runs[-1], [line.note] if line.note else []
    settings = [
        f"{word} {last[key]:g}"
        for key, word in (("batch", "batch"), ("lr", "rate"), ("views", "views"))
        if last.get(key) is not None
    ]
    if settings:
        told.append(", ".join(settings))
    if last.get("precision"):
        told.append(f"{last['precision']}, {last['layout']}")
    if last.get("parts") and line.key == "seconds":
        parts = [f"{name} {_number(value)}" for name, value in last["parts"].items()]
        told.append(f"last run: {', '.join(parts)} s")
    return "; ".join(told)


def _target(target: Target, measured: Measured) -> str:
    limit = f"at least {target.least:g}" if target.least is not None else f"at most {target.most:g}"
    value = target.value(measured)
    if value is None:
        return f"| {limit} {target.text} | {UNMEASURED} | |"
    verdict = "met" if target.met(value) else "**missed**"
    return f"| {limit} {target.text} | {value:.{target.digits}f} | {verdict} |"


def _where(result: Mapping[str, Any]) -> str:
    one = result["machine"]
    return (
        f"Measured {result['date']} on {one['cores']} cores of {one['cpu']} ({one['capability']}), "
        f"{one['memory_gb']} GB, {one['system']}, Python {one['python']}, torch {one['torch']} "
        f"with {one['threads']} threads, timm {one['timm']}."
    )


def _sections(text: str) -> dict[str, str]:
    """Title -> section of an existing page."""
    parts = re.split(r"^(?=## )", text, flags=re.M)[1:]
    return {part.partition("\n")[0][3:]: f"{part.rstrip()}\n" for part in parts}


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _number(value: float) -> str:
    """Three significant digits or so."""
    digits = 3 if value < 0.1 else 2 if value < 10 else 1 if value < 100 else 0
    return f"{value:,.{digits}f}"
