"""What a report tells of the network and of how it learned. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from tl_core.config import RunSpec
from tl_core.events import EpochDone, FindingRaised
from tl_core.jobs.submit import run_name
from tl_core.jobs.view import RunView
from tl_core.models.facts import ModelCard
from tl_core.models.plan import FreezePlan
from tl_core.report import figures, words

__all__ = ["model_facts", "training_facts"]

FOUND = 8  # findings of the coach told


def model_facts(spec: RunSpec, facts: ModelCard, view: RunView) -> dict[str, Any]:
    """The network, its first weights, and what of it learned."""
    weights = {
        "pretrained": f"pretrained on {facts.source_data}",
        "random": "random, nothing was learned before",
        "file": "a weights file of the user's own",
    }[spec.model.weights]
    if spec.freeze.layers == "scratch":
        weights = "random, nothing was learned before"
    started = view.started
    rows = [
        ("Network", f"{facts.title} ({facts.name})"),
        ("First weights", weights),
        ("Licence", facts.licence),
        ("What learned", _opened(spec, facts)),
    ]
    if started is not None:
        rows += [
            ("Numbers that learned", f"{started.trainable:,} of {started.parameters:,}"),
            ("Size of pictures", f"{started.image_size} x {started.image_size} pixels"),
            ("Computed on", started.device),
        ]
    how = {"squash": "squashed to a square", "pad": "padded to a square", "crop": "cropped"}
    rows.append(("Made square", how.get(spec.train.resize, spec.train.resize)))
    return {"rows": rows, "summary": facts.summary, "note": facts.note}


def _opened(spec: RunSpec, facts: ModelCard) -> str:
    told = run_name(spec).rsplit(", ", 1)[-1]
    if spec.freeze.layers == "exact-head":
        return "a new head, solved at once on what the last block sees; no block was changed"
    if spec.freeze.layers == "deep-probe":
        return "a new head, solved at once on what every block sees; no block was changed"
    if not facts.groups:
        return told
    plan = FreezePlan.from_layers(spec.freeze.layers, len(facts.groups))
    titles = [one.title for one, opened in zip(facts.groups, plan.trainable, strict=True) if opened]
    stages = "" if spec.freeze.stages == "off" else ", one block after the other"
    return f"{told}: {', '.join(titles)}{stages}" if len(titles) < len(facts.groups) else told


def training_facts(spec: RunSpec, view: RunView, *, solved: bool) -> dict[str, Any]:
    """How a run went: sentences, curves or strengths, findings and warnings."""
    said = []
    if view.elapsed_s:
        said.append(f"It took {words.span(view.elapsed_s)}.")
    found: dict[str, Any] = {"loss": None, "accuracy": None, "strengths": None}
    history = list(view.history)
    if solved:
        said.append(
            "Nothing was trained in steps: the head is the solution of an equation. How strongly "
            "it is held back was chosen by cross-validation on the training pictures."
        )
        if view.strengths:
            tried = [(one.strength, one.loss) for one in view.strengths]
            found["strengths"] = figures.strength_panel(tried)
    elif history:
        best = view.best_epoch
        reason = view.finished.reason if view.finished else ""
        said.append(words.ENDS.get(reason, ""))
        said.append(
            f"Of {words.plural(len(history), 'epoch')} (passes over the training pictures) number "
            f"{best} was kept: the one with the lowest validation loss."
        )
        said.append(words.augmented(asdict(spec.augment)))
        found |= _curves(history, best)
    if spec.parent and spec.remedy:
        said.append(f"This run was started to try a remedy of the coach: {spec.remedy}.")
    findings = view.finished.findings if view.finished else list(view.findings)
    return {
        **found,
        "sentences": [one for one in said if one],
        "findings": [_finding(one) for one in findings[:FOUND]],
        "warnings": [one.message for one in view.warnings],
    }


def _curves(history: Sequence[EpochDone], best: int | None) -> dict[str, Any]:
    pairs = {"loss": ("train_loss", "val_loss"), "accuracy": ("fit_acc", "val_acc")}
    return {
        name: figures.curve_panel(
            {
                "training": [getattr(one, train) for one in history],
                "validation": [getattr(one, val) for one in history],
            },
            best=best,
            share=name == "accuracy",
        )
        for name, (train, val) in pairs.items()
    }


def _finding(one: FindingRaised) -> dict[str, Any]:
    return {
        "severity": one.severity,
        "sentence": one.sentence,
        "evidence": one.evidence,
        "remedies": [remedy.label for remedy in one.remedies],
    }
