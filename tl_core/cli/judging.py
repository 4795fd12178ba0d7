"""``evaluate``: scores with intervals, one class with its line, sets of answers, confidence."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tl_core.cli.show import as_lines, percent, table
from tl_core.cli.tasks import carried_out, no_result_yet
from tl_core.errors import ConfigError, NoTestImagesError, RunStateError
from tl_core.evaluate.confidence import judged_sets
from tl_core.evaluate.thresholds import Counted, cheapest, counted, curves
from tl_core.evaluate.words import sentences
from tl_core.jobs.queue import RunRow
from tl_core.jobs.schema import open_engine
from tl_core.jobs.submit import read_snapshot
from tl_core.plain_table import write_csv
from tl_core.session import Studio
from tl_core.storage import Home

__all__ = ["evaluate"]

NAMES = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "macro_f1": "F1 (macro)",
    "macro_auc": "area under ROC (macro)",
    "top2": "top 2",
    "top3": "top 3",
    "top5": "top 5",
    "log_loss": "log loss",
}
COLUMNS = ("file", "class", "answer", "confidence", "right", "part")
NUMBERS = ("macro_f1", "macro_auc", "log_loss")


def evaluate(options: argparse.Namespace) -> int:
    """Print the report of a finished run, and what else was asked about it."""
    studio = Studio(Home(options.home))
    row = studio.run(options.run_id)
    if options.again:
        wanted = {"run_id": row.id}
        engine = open_engine(studio.home)
        carried_out(studio.home, engine, "judge", row.project_id, wanted, "The judging")
    if options.confidence == "corrected":
        studio.correct_confidence(row.id)
    elif options.confidence == "as-trained":
        studio.confidence_as_trained(row.id)
    report = _report(studio, row, options.split)
    line = _line(studio, row, report, options) if options.label else None
    sets = _sets(studio, row, report, options.sets) if options.sets else None
    temperature = studio.temperature(row.id)
    if options.csv:
        _write(studio, row, Path(options.csv))
    if options.json:
        more = {"temperature": temperature, "line": line, "sets": sets}
        as_lines({"run_id": row.id, **report, **{k: v for k, v in more.items() if v is not None}})
        return 0
    print("\n".join(sentences(report)))
    if temperature != 1.0:
        print(f"Its confidence was corrected (temperature {temperature:.2f}).")
    _print_scores(report)
    _print_classes(report)
    _print_kinds(report)
    if line is not None:
        _print_line(line)
    if sets is not None:
        _print_sets(sets)
    return 0


def _report(studio: Studio, row: RunRow, split: str | None) -> dict[str, Any]:
    for one in [split] if split else ["test", "val"]:
        report = studio.report(row.id, one)
        if report is not None:
            return report
    if row.state != "finished":
        raise no_result_yet(row)
    raise NoTestImagesError(
        "This set has no test pictures.", hint="Ask for --split val, or bring a test folder."
    )


def _answers(studio: Studio, row: RunRow, split: str) -> Any:
    found = studio.answers(row.id, split)
    if found is None:
        raise RunStateError(
            f"Run {row.id} has not kept what it answered.", hint="Ask for --again first."
        )
    return found


def _write(studio: Studio, row: RunRow, target: Path) -> None:
    """Every validation and test picture, wrong answers first, the surest of them first."""
    paths = {str(one.id): one.path for one in read_snapshot(studio.home, row.id).images}
    rows = []
    for split in ("val", "test"):
        if split == "test" and studio.report(row.id, "test") is None:
            continue
        found = _answers(studio, row, split)
        told = zip(
            found.images, found.labels, found.given, found.confidence, found.right, strict=True
        )
        for image, label, given, sure, right in told:
            classes = found.classes[int(label)], found.classes[int(given)]
            rows.append((paths[image], *classes, round(float(sure), 4), int(right), split))
    rows.sort(key=lambda one: (one[4], -one[3], one[0]))
    write_csv(target, COLUMNS, rows)


def _line(
    studio: Studio, row: RunRow, report: Mapping[str, Any], options: argparse.Namespace
) -> dict[str, Any]:
    """The line for one class: chosen on validation pictures, counted on those of the report."""
    if options.label not in report["classes"]:
        known = ", ".join(report["classes"])
        raise ConfigError(
            f"There is no class {options.label!r}.", field="class", hint=f"Classes: {known}."
        )
    if not options.miss > 0:
        raise ConfigError("A miss must cost more than nothing.", field="miss")
    answers = _answers(studio, row, report["split"])
    chosen_on = studio.answers(row.id, "val") or answers
    position = report["classes"].index(options.label)
    threshold = cheapest(chosen_on, position, miss=options.miss, alarm=1.0)
    now = counted(answers, position, threshold, miss=options.miss)
    told = {"class": options.label, "miss": options.miss, **asdict(now)}
    for name in ("found", "false_alarms", "precision"):
        share = getattr(now, name)
        told[name] = None if share is None else list(share)
    try:
        drawn = curves(answers, position, answers.units)
    except ValueError:  # all pictures are of it, or none
        return told
    return {**told, "auc": list(drawn.area), "average_precision": drawn.average_precision}


def _sets(
    studio: Studio, row: RunRow, report: Mapping[str, Any], promised: float
) -> dict[str, Any]:
    if not 0.5 <= promised < 1.0:
        raise ConfigError("The promise is a share from 0.5 to below 1.", field="sets")
    answers = _answers(studio, row, report["split"])
    found = judged_sets(studio.answers(row.id, "val") or answers, answers, promised)
    if found is None:
        raise ConfigError(
            f"There are too few validation pictures to promise {promised:g}.",
            field="sets",
            hint="Ask for less, or give validation more pictures.",
        )
    return asdict(found)


def _print_scores(report: Mapping[str, Any]) -> None:
    found = report.get("scores") or {}
    rows = []
    for name in (one for one in NAMES if one in found):
        value, (low, high) = found[name]["value"], found[name]["ci"]
        if name in NUMBERS:
            rows.append([NAMES[name], f"{value:.3f}", f"{low:.3f} to {high:.3f}"])
        else:
            rows.append([NAMES[name], percent(value), f"{percent(low)} to {percent(high)}"])
    if rows:
        print("\n" + table(rows, ["score", "value", "95 % interval"]))
    if report.get("groups", report["n"]) != report["n"]:
        print(f"{report['n']} pictures in {report['groups']} groups that belong together")


def _print_classes(report: Mapping[str, Any]) -> None:
    cells = [
        [
            one["class"],
            str(one["support"]),
            percent(one["precision"]),
            percent(one["recall"]),
            f"{one['f1']:.3f}" if one["f1"] is not None else "-",
        ]
        for one in report["per_class"]
    ]
    print("\n" + table(cells, ["class", "pictures", "precision", "recall", "F1"]))


def _print_kinds(report: Mapping[str, Any]) -> None:
    for one in report.get("slices") or []:
        if one["clear"]:
            low, high = one["gap_ci"]
            print(
                f"\n{one['by']} {one['value']}: {one['right']} of {one['n']} right, "
                f"{100 * one['gap']:+.0f} points beside what the others lead one to expect "
                f"({100 * low:+.0f} to {100 * high:+.0f})"
            )


def _print_line(line: Mapping[str, Any]) -> None:
    now = Counted(
        **{name: line[name] for name in ("threshold", "hits", "missed", "alarms", "passed", "cost")}
    )
    print(
        f"\nSay {line['class']!r} from {percent(min(1.0, now.threshold))} on, where a miss is "
        f"worth {line['miss']:g} false alarms: {now.hits} of {now.hits + now.missed} found, "
        f"{now.alarms} of {now.alarms + now.passed} others taken for it, cost {now.cost:g}."
    )


def _print_sets(sets: Mapping[str, Any]) -> None:
    low, high = sets["expected"]
    print(
        f"\nSets that promise {percent(sets['promised'])}: the true class is in "
        f"{sets['covered']} of {sets['n']} (between {percent(low)} and {percent(high)} is to be "
        f"expected); {sets['mean_size']:.2f} classes a set."
    )
