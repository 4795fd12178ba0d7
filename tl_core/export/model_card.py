"""MODEL_CARD.md: what a classifier is, what it learned from, and how far it can be trusted.

The form is that of Hugging Face's model cards: a block of metadata in YAML, then sections. Facts
of the run only; what is not known is said to be not known. No picture, no file name and no name of
a group of pictures goes in.

Source:
    Mitchell and others 2019, Model Cards for Model Reporting, arXiv:1810.03993.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from tl_core.evaluate.words import percent, sentences

__all__ = ["UNKNOWN", "model_card"]

UNKNOWN = "Not known."
PARTS = (("train", "training"), ("val", "validation"), ("test", "test"))
WITHHELD = ("group",)  # kinds whose names are the user's own names of folders or series
KINDS = {
    "brightness": "brightness",
    "sharpness": "sharpness",
    "side": "size",
    "shape": "shape",
    "format": "file format",
    "camera": "camera",
}
LAYERS = {
    "head": "only the head was trained, the backbone stayed as it was",
    "exact-head": "one linear head was solved on the outputs of the frozen backbone",
    "deep-probe": "one linear head was solved on the outputs of every block of the frozen backbone",
    "all": "all blocks were trained",
    "scratch": "all blocks were trained from random values, nothing was transferred",
}

TEXT = """\
---
{metadata}
---

# A picture classifier: {title}

## What it is

It looks at one picture and divides 100 % among {n_classes} classes: {classes}. It was made with
Thaw, a studio for transfer learning, from the backbone {name}.

**Intended use:** pictures of the same kind, taken in the same way, as those it learned from, each
showing one of its classes, where a person can check answers that matter.

**Not intended:** pictures that show none of its classes (it answers with one of them all the
same); pictures from another source, camera or place before it was tested on them; decisions about
people, health or safety that no person checks. Whether it is fit for any such use was not examined.

## What it learned from

{data}

Findings of the data check: {findings}

## How it was trained

{training}

## How good it is

{scores}

## How far its confidence can be believed

{confidence}

## Limits

{limits}

## Where the backbone comes from

{title} ({name}), trained on {source}. Licence of its weights: {licence}.{commercial}
Licence of this classifier: {unknown_lower} It was not chosen in the app; whoever passes the
classifier on has to choose it, and the rights in the training pictures and the licence above bind
that choice.

## How to repeat it

{repeat}
"""


def model_card(
    classes: Sequence[str],
    card_facts: Mapping[str, Any],
    preprocessing: Mapping[str, Any],
    report: Mapping[str, Any] | None,
    spec: Mapping[str, Any],
    data: Mapping[str, Any] | None,
    *,
    repeats: bool = False,
) -> str:
    """Write the card's text.

    Args:
        classes: Names in output order.
        card_facts: name, title, source_data, licence, commercial and embedded of the backbone.
        preprocessing: size_px and resize.
        report: Of ``build_report``, or None when the run was not evaluated.
        spec: ``RunSpec.to_dict()``, resolved.
        data: ``counts`` (class to part to pictures), ``divided`` and ``origin`` (sentences),
            ``findings`` ([kind, pictures] pairs, None = not checked); None when not known.
        repeats: Whether ``repeat.py`` is in the bundle.

    Returns:
        Markdown.
    """
    name = str(card_facts.get("name") or "own network")
    return TEXT.format(
        metadata=_metadata(name, card_facts),
        title=_plain(str(card_facts.get("title") or name)),
        name=_plain(name),
        n_classes=len(classes),
        classes=", ".join(map(_plain, classes)),
        data=_data(classes, data),
        findings=_findings(data),
        training=_training(spec, preprocessing),
        scores=_scores(report),
        confidence=_confidence(report),
        limits=_limits(report, data),
        source=_plain(str(card_facts.get("source_data") or "data its publisher does not name")),
        licence=_plain(str(card_facts.get("licence") or "not stated by the publisher")),
        commercial=_commercial(card_facts.get("commercial")),
        unknown_lower=UNKNOWN.lower(),
        repeat=_repeat(repeats),
    )


def _plain(text: str) -> str:
    """A user's text as text: no markup, no second line."""
    one_line = " ".join(text.split())
    return re.sub(r"([\\`*_{}\[\]#+!|~$])", r"\\\1", html.escape(one_line, quote=False))


def _metadata(name: str, card_facts: Mapping[str, Any]) -> str:
    lines = [
        "license: unknown",
        "library_name: onnx",
        "pipeline_tag: image-classification",
        "tags:",
        *(f"- {tag}" for tag in ("image-classification", "transfer-learning", "onnx", "thaw")),
        "metrics:",
        "- accuracy",
    ]
    if name != "own network" and not card_facts.get("embedded", False):
        lines.append(f"base_model: {json.dumps(f'timm/{name}')}")  # a JSON string is one of YAML
    return "\n".join(lines)


def _data(classes: Sequence[str], data: Mapping[str, Any] | None) -> str:
    if data is None:
        return f"Which pictures they were: {UNKNOWN.lower()}"
    rows = ["| class | training | validation | test |", "|---|---:|---:|---:|"]
    for label in classes:
        counts = data["counts"].get(label, {})
        told = " | ".join(f"{counts.get(part, 0):,}" for part, _ in PARTS)
        rows.append(f"| {_plain(label)} | {told} |")
    divided = data.get("divided") or f"How they were divided: {UNKNOWN.lower()}"
    origin = data.get("origin") or UNKNOWN
    return "\n".join([*rows, "", divided, "", f"Where the pictures came from: {origin}"])


def _findings(data: Mapping[str, Any] | None) -> str:
    found = None if data is None else data.get("findings")
    if found is None:
        return "these pictures were not checked, or the check is not kept."
    if not found:
        return "none."
    told = (f"{kind.replace('_', ' ')} ({n:,} pictures)" if n else kind.replace("_", " ")
            for kind, n in found)  # fmt: skip
    return f"{', '.join(told)}. They are about the set as it was at the time of the check."


def _training(spec: Mapping[str, Any], preprocessing: Mapping[str, Any]) -> str:
    layers = str(spec.get("freeze", {}).get("layers", ""))
    train = spec.get("train", {})
    lines = [
        f"- Layers: `{layers}`" + (f"; {LAYERS[layers]}" if layers in LAYERS else ""),
        f"- Pictures of {preprocessing['size_px']} x {preprocessing['size_px']} pixels, "
        f"resized by `{preprocessing['resize']}`",
    ]
    if layers not in ("exact-head", "deep-probe"):
        named = {"epochs": "epochs at most", "lr": "learning rate", "batch_size": "batch size",
                 "weight_decay": "weight decay", "schedule": "schedule"}  # fmt: skip
        lines += [f"- {words}: {train[key]}" for key, words in named.items() if key in train]
    lines.append(f"- Seed: {train.get('seed', 'not known')}. All settings are in `spec.json`")
    return "\n".join(lines)


def _interval(ci: Sequence[float] | None) -> str:
    return f"{percent(ci[0])} to {percent(ci[1])}" if ci else "-"


def _scores(report: Mapping[str, Any] | None) -> str:
    if report is None:
        return "It was not evaluated before the export."
    lines = [f"- {_plain(line)}" for line in sentences(report)]
    if report["per_class"]:
        lines += ["", "| class | pictures | found | 95 % interval | precision | 95 % interval |"]
        lines.append("|---|---:|---:|---|---:|---|")
    for row in report["per_class"]:
        found, kept = row["recall"], row["precision"]
        lines.append(
            f"| {_plain(row['class'])} | {row['support']} "
            f"| {'-' if found is None else percent(found)} | {_interval(row['recall_ci'])} "
            f"| {'-' if kept is None else percent(kept)} | {_interval(row['precision_ci'])} |"
        )
    kinds = [one for one in report.get("slices") or () if one["by"] not in WITHHELD]
    if kinds:
        lines += ["", "| kind of picture | pictures | right | 95 % interval | clearly different |"]
        lines.append("|---|---:|---:|---|---|")
    for one in kinds:
        lines.append(
            f"| {KINDS.get(one['by'], one['by'])}: {_plain(str(one['value']))} | {one['n']} "
            f"| {percent(one['share'])} | {_interval(one['ci'])} "
            f"| {'yes' if one['clear'] else 'cannot tell'} |"
        )
    return "\n".join(lines)


def _confidence(report: Mapping[str, Any] | None) -> str:
    found = (report or {}).get("calibration") or {}
    if "ece" not in found:
        return UNKNOWN
    verdict = (
        "That is more than chance alone explains: do not take its percentages at their word."
        if found["alarm"]
        else "That is no more than chance alone would show on so many pictures."
    )
    return (
        f"On average it claims {percent(found['mean_confidence'])} and is right "
        f"{percent(found['accuracy'])}. Expected calibration error {found['ece']:.3f}; a "
        f"classifier whose claims are right shows up to {found['null_p95']:.3f} here. {verdict}"
    )


def _limits(report: Mapping[str, Any] | None, data: Mapping[str, Any] | None) -> str:
    lines = ["- It knows its own classes only, and one per picture."]
    if report is None:
        lines.append("- How often it is right was not measured.")
    else:
        what = {"test": "it never saw", "val": "that were not trained on"}.get(report["split"], "")
        lines.append(
            f"- The figures above are from {report['n']} pictures {what} of the same set. On "
            "pictures from elsewhere it can be worse, and by how much was not measured."
        )
        if report["split"] == "val" and report.get("chose_epoch", True):
            lines.append("- Those pictures chose the best epoch, which flatters a little.")
    few = [] if data is None else [
        label for label, counts in data["counts"].items() if counts.get("train", 0) < 20
    ]  # fmt: skip
    if few:
        lines.append(f"- Fewer than 20 training pictures: {', '.join(map(_plain, few))}.")
    lines.append("- Whether it treats groups of people or places alike was not examined.")
    return "\n".join(lines)


def _commercial(allowed: object) -> str:
    if allowed is False:
        return " **It forbids commercial use.**"
    return "" if allowed else " Whether commercial use is allowed is not known."


def _repeat(repeats: bool) -> str:
    if not repeats:
        return "The settings are in `spec.json`; which pictures they were is not in this folder."
    return (
        "With Thaw and the same pictures: `python repeat.py PICTURES`. It recognises the pictures "
        "by their SHA-256, says which are missing, trains with the same seed and compares scores."
    )
