"""What a report tells of how good a run is: scores, mistakes, confidence, folds, its parent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from sqlalchemy import Engine

from tl_core.errors import ConfigError, RunNotFoundError
from tl_core.evaluate import comparison_words
from tl_core.evaluate.answers import Answers
from tl_core.evaluate.confidence import reliability
from tl_core.evaluate.thresholds import cheapest, counted
from tl_core.evaluate.words import percent
from tl_core.jobs.comparing import Comparing
from tl_core.jobs.crossed import crossing_of
from tl_core.jobs.differing import NOT_USED, differences
from tl_core.jobs.explaining import folder_of
from tl_core.jobs.library import ImageRow
from tl_core.jobs.queue import RunRow
from tl_core.jobs.report_data import LARGE_PX, embedded, embedded_file
from tl_core.jobs.results import Results
from tl_core.report import figures
from tl_core.report.words import SCORES, kind_name, score_row, setting
from tl_core.storage import Home, read_json
from tl_core.worth.crossing import crossing_sentences

__all__ = ["crossing_facts", "line_facts", "mistakes", "parent_facts", "score_facts"]

KINDS = 6  # of pictures told
NAMED = ("camera", "group")  # kinds whose values may name somebody
MISTAKES = 8
CELLS = 12  # classes up to which the whole matrix is shown; else the most frequent mistakes
PAIRS = 12
OVERLAY_PX = 224


def score_facts(
    report: Mapping[str, Any], answers: Answers | None, temperature: float, *, pictures: bool
) -> dict[str, Any]:
    """Tables and figures of a judgement.

    Args:
        report: Of ``tl_core.evaluate.report``.
        answers: Of the same pictures; None where they were not kept.
        temperature: What outputs are divided by; 1 as trained.
        pictures: Whether what may name a picture or a person may be told.
    """
    scores = report.get("scores") or {
        name: report[name] for name in ("accuracy", "balanced_accuracy")
    }
    accuracy, majority = report["accuracy"], report["majority"]
    return {
        "bar": figures.interval_bar(accuracy["value"], *accuracy["ci"][:2], line=majority["value"]),
        "rows": [score_row(name, scores[name]) for name in SCORES if name in scores],
        "classes": report["per_class"],
        "matrix": _matrix(report) if len(report["classes"]) <= CELLS else None,
        "pairs": _pairs(report),
        "kinds": _kinds(report, pictures=pictures),
        "kinds_hidden": not pictures
        and any(one["by"] in NAMED for one in report.get("slices") or []),
        "calibration": _calibration(report, answers, temperature),
    }


def _matrix(report: Mapping[str, Any]) -> list[list[dict[str, Any]]]:
    """Cells with the share of their row."""
    return [
        [
            {
                "count": n,
                "share": round(n / max(1, sum(row)), 3),
                "right": i == j,
            }
            for j, n in enumerate(row)
        ]
        for i, row in enumerate(report["confusion"])
    ]


def _pairs(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    names, matrix = report["classes"], report["confusion"]
    wrong = [
        {"true": names[i], "given": names[j], "count": n, "of": sum(row)}
        for i, row in enumerate(matrix)
        for j, n in enumerate(row)
        if i != j and n
    ]
    return sorted(wrong, key=lambda one: -one["count"])[:PAIRS]


def _kinds(report: Mapping[str, Any], *, pictures: bool) -> list[dict[str, Any]]:
    found = [one for one in report.get("slices") or [] if pictures or one["by"] not in NAMED]
    return [
        {
            "name": kind_name(one["by"], one["value"]),
            "n": one["n"],
            "share": one["share"],
            "ci": list(one["ci"]),
            "expected": one["expected"],
            "verdict": ("weaker" if one["gap"] < 0 else "better") if one["clear"] else "not clear",
        }
        for one in found[:KINDS]
    ]


def _calibration(
    report: Mapping[str, Any], answers: Answers | None, temperature: float
) -> dict[str, Any]:
    found = report["calibration"]
    claims, right = percent(found["mean_confidence"]), percent(found["accuracy"])
    if found["alarm"]:
        too = "high" if found["mean_confidence"] > found["accuracy"] else "low"
        said = f"Its confidence is too {too}: on average it claims {claims} and is right {right}."
    else:
        said = (
            f"On average it claims {claims} and is right {right}; these pictures do not show "
            "that its confidence is off."
        )
    if temperature != 1.0:
        said += f" The confidence was corrected on the validation pictures ({temperature:.2f})."
    panel = None
    if answers is not None and len(answers) >= 10:
        steps = [(one.confidence, one.right, one.low, one.high) for one in reliability(answers)]
        panel = figures.reliability_panel(steps)
    return {"sentence": said, "panel": panel}


def line_facts(
    answers: Answers | None, val: Answers | None, label: str, miss: float
) -> dict[str, Any] | None:
    """Where the line for one class is drawn, and what it gives; None where nothing was kept.

    Raises:
        ConfigError: There is no such class, or a miss that costs nothing.
    """
    if answers is None:
        return None
    if label not in answers.classes:
        raise ConfigError(
            f"There is no class {label!r}.",
            field="class",
            hint=f"Classes: {', '.join(answers.classes)}.",
        )
    if not miss > 0:
        raise ConfigError("A miss must cost more than nothing.", field="miss")
    position = answers.classes.index(label)
    threshold = cheapest(val or answers, position, miss=miss, alarm=1.0)
    now = counted(answers, position, threshold, miss=miss)
    return {
        "label": label,
        "miss": f"{miss:g}",
        "threshold": percent(threshold),
        "hits": now.hits,
        "of": now.hits + now.missed,
        "alarms": now.alarms,
        "others": now.alarms + now.passed,
        "same": val is None or val is answers,
    }


def mistakes(
    home: Home, run_id: str, report: Mapping[str, Any], rows: Sequence[ImageRow]
) -> list[dict[str, Any]]:
    """The most confident mistakes with their pictures, and heat maps where some are kept."""
    by_id = {str(one.id): one for one in rows}
    found = []
    for one in report["mistakes"]:
        row = by_id.get(one["image"])
        picture = embedded(home, row.digest, LARGE_PX) if row else ""
        if row is None or not picture:
            continue
        found.append(
            {
                "picture": picture,
                "file": PurePosixPath(row.path).name,
                "true": one["true"],
                "given": one["predicted"],
                "sure": percent(one["confidence"]),
                "heat": _heat(folder_of(home, run_id) / row.digest),
            }
        )
        if len(found) == MISTAKES:
            break
    return found


def _heat(folder: Path) -> dict[str, Any] | None:
    """A map that was made earlier; None where there is none."""
    kept = sorted(folder.glob("*-v*.json")) if folder.is_dir() else []
    for path in kept:
        body = read_json(path)
        address = embedded_file(folder / body["overlay"], OVERLAY_PX)
        if address and not body["empty"]:
            trusted = bool(body["sanity"]["trusted"])
            return {"picture": address, "target": body["target"], "trusted": trusted}
    return None


def crossing_facts(home: Home, run_id: str) -> dict[str, Any] | None:
    """The run's cross-validation; None when there is none."""
    result = Results(home).crossing(run_id)
    if result is None:
        return None
    found = crossing_of(result)
    share = (found.accuracy.value, found.accuracy.low, found.accuracy.high)
    return {
        "sentences": crossing_sentences(found),
        "dots": figures.dots(found.values, share, found.one),
        "one": percent(found.one),
        "all": percent(found.accuracy.value),
    }


def parent_facts(home: Home, engine: Engine, row: RunRow) -> dict[str, Any] | None:
    """The run beside the one it was changed from, on the validation pictures both know.

    None when it was changed from none, or that one is not here any more.
    """
    parent = str(row.spec.get("parent") or "")
    if not parent:
        return None
    try:
        comparing = Comparing(home, engine)
        before = comparing.facts(parent).row
        found = comparing.compare([row.id, parent], split="val", reference=parent)
    except RunNotFoundError:
        return None
    names = {row.id: "this run", parent: "the earlier one"}
    pair = next(iter(found.pairs), None)
    said = []
    if pair is not None:
        said = [comparison_words.verdict(pair, names)]
        said += [comparison_words.numbers(pair, names)] if pair.n else []
    return {
        "id": parent,
        "name": before.name,
        "sentences": [f"{one[0].upper()}{one[1:]}" for one in said],
        "differences": [
            (one.path, *("-" if two is NOT_USED else setting(two) for two in one.values))
            for one in differences([before.spec, row.spec])
        ],
    }
