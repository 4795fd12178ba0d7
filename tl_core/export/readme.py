"""The README of a bundle, in plain words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tl_core.data.reading import Reading
from tl_core.evaluate.words import sentences

__all__ = ["bundle_readme"]

RESIZE_WORDS = {
    "pad": "the whole picture is kept; the rest of the square is filled with a plain colour",
    "squash": "the whole picture is kept and bent into a square",
    "crop": "the middle square is kept, the sides are cut off",
}

TEXT = """\
# A picture classifier: {title}

It tells {n_classes} classes apart: {classes}.

## Use it

Python 3.10 or newer is needed, and three packages:

    pip install -r requirements.txt
    python predict.py PICTURE_OR_FOLDER...

prints one line per picture. `--json` prints everything for other programs, `--csv answers.csv`
writes a table that a spreadsheet opens. Nothing is sent anywhere.

## How good is it?

{score}

It always answers with one of its classes, also for a picture that shows none of them.

## Does it answer as it did in the app?

{certificate} The details are in `certificate.json`.

## In a program of your own

`model.onnx` takes `image`: uint8, (pictures, 3, {size_px}, {size_px}), RGB, 0 to 255. It gives
`probabilities`: float32, (pictures, {n_classes}), in the order of `labels.json`. Normalisation and
softmax are inside. Pictures are turned upright by the camera's note and brought to {size_px} x
{size_px} pixels: {resize} (`preprocessing.json`; `to_pixels` in `predict.py` does it).{reading}
`model.safetensors` and `spec.json` hold the weights and all settings, to go on training in Thaw.
`MODEL_CARD.md` says what it learned from, its scores in detail and its limits.
{further}{repeat}
## Where it comes from

The network started from **{title}** ({name}), trained on {source}. Licence of those weights:
{licence}.{commercial} Your own pictures are not in this folder; what you may do with a network
trained on them is for you to know.
"""

REPEAT = """
`python repeat.py PICTURES` trains it again with Thaw from the same pictures, which it recognises
by their content, and compares the scores; `repeat.ipynb` is the same as a notebook. Of your
pictures only their SHA-256 and their classes are in `pictures.json`, not a single name.
"""


def bundle_readme(
    classes: Sequence[str],
    card_facts: Mapping[str, Any],
    preprocessing: Mapping[str, Any],
    report: Mapping[str, Any] | None,
    certificate: Mapping[str, Any],
    further: str = "",
    repeats: bool = False,
) -> str:
    """Write the README's text.

    Args:
        classes: Names in output order.
        card_facts: name, title, source_data, licence and commercial of the backbone.
        preprocessing: size_px, resize and reading.
        report: Of ``build_report``, or None when the run was not evaluated.
        certificate: Of ``certify``.
        further: Paragraphs on further forms in the bundle.
        repeats: Whether ``repeat.py`` is in it.

    Returns:
        Markdown.
    """
    score = "\n".join(f"- {line}" for line in sentences(report)) if report else ""
    return TEXT.format(
        title=card_facts.get("title") or card_facts.get("name") or "own network",
        name=card_facts.get("name") or "no catalogue name",
        n_classes=len(classes),
        classes=", ".join(classes),
        score=score or "It was not evaluated before the export.",
        certificate=certificate["sentence"],
        size_px=preprocessing["size_px"],
        further=further,
        repeat=REPEAT if repeats else "",
        reading=_reading(preprocessing.get("reading")),
        resize=RESIZE_WORDS.get(str(preprocessing["resize"]), str(preprocessing["resize"])),
        source=card_facts.get("source_data") or "data its publisher does not name",
        licence=card_facts.get("licence") or "not stated by the publisher",
        commercial=_commercial(card_facts.get("commercial")),
    )


def _reading(values: Mapping[str, Any] | None) -> str:
    """How grey of more than 8 bits was read in training, as a further sentence."""
    rule = Reading.from_dict(values)
    if rule is None:
        return ""
    words = "Grey of more than 8 bits is read by the rule of the training pictures"
    return f"\n{words}:\n{rule.in_words()}."


def _commercial(allowed: object) -> str:
    if allowed is False:
        return " **It forbids commercial use.**"
    if allowed is None:
        return " Whether commercial use is allowed is not known."
    return ""
