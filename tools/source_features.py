"""Write what an embedded network sees in pictures of its source, beside its weights.

    python -m tools.source_features MODEL PICTURES.parquet [--pictures 600] [--seed 0]

MODEL is an embedded network of the catalogue, PICTURES a table with the columns ``image`` (the
bytes of a file) and ``label``, of the kind the network learned from, but none that it learned from:
for the networks trained on Tiny-ImageNet its validation pictures. It takes a few minutes on two
cores. The features of some pictures, as many of each class, become ``<weights>_source.safetensors``
in float16; the others, as they are, of few classes and changed, become the scale that is kept with
them (``tl_core.advise.scale``). The card in ``assets/catalog.json`` is given the file and its
SHA-256. Run it again whenever the weights change: features of other weights are not used, and a
test fails.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageFilter, ImageOps
from pyarrow import parquet
from torch import nn

from tl_core.advise.advice import Rung
from tl_core.advise.kid import kernel_distance
from tl_core.advise.shipped import SourceFeatures, write_source
from tl_core.config import RunSpec
from tl_core.data.decode import decode
from tl_core.data.pixels import fit_square
from tl_core.errors import ModelError
from tl_core.models.build import build
from tl_core.models.catalog import ASSETS, card, source_path, weights_path
from tl_core.models.cut import cut_network
from tl_core.models.facts import ModelCard
from tl_core.models.freezing import apply_plan, set_modes
from tl_core.models.groups import layer_groups
from tl_core.models.plan import FreezePlan
from tl_core.storage import file_digest
from tools.build_catalog import say, with_source, write

Change = Callable[[Image.Image], Image.Image]

KEPT = 600  # pictures whose features are kept
CHANGED = 400  # pictures that are changed
DRAWS = 40  # of other pictures, and of classes
DRAWN = 200  # other pictures in a draw
KINDS = (1, 2, 3, 5, 10, 20, 50, 100)  # classes in a part of the source, half of them at most
SHARES = (0.05, 0.95)  # between them lie nine tenths of the draws
BLUR = 0.025  # radius over the side of the picture
BATCH = 64


class Looker:
    """A network asked for what its head reads of square pictures, exactly as a run asks it."""

    def __init__(self, name: str, image_size: int) -> None:
        self.image_size, facts = image_size, card(name)
        model = build(name, n_classes=2, image_size=image_size)
        self._prefix = _before_head(model, image_size)
        self._mean = torch.tensor(facts.mean).view(1, -1, 1, 1)
        self._std = torch.tensor(facts.std).view(1, -1, 1, 1)

    def square(self, content: bytes) -> Image.Image:
        """A file as the network is shown it."""
        found = decode(io.BytesIO(content), max_side_px=2 * self.image_size)
        return fit_square(found.image, self.image_size, RunSpec().train.resize)

    def features(self, squares: Sequence[Image.Image]) -> np.ndarray:
        """(N, D) float32."""
        return np.concatenate(
            [self._seen(squares[at : at + BATCH]) for at in range(0, len(squares), BATCH)]
        )

    def _seen(self, squares: Sequence[Image.Image]) -> np.ndarray:
        x = torch.from_numpy(np.stack([np.asarray(one) for one in squares]))
        x = (x.permute(0, 3, 1, 2).float() / 255 - self._mean) / self._std
        with torch.no_grad():
            (found,) = self._prefix(x)
        return found.flatten(1).numpy()


def main() -> int:
    """Write the file and the catalogue."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--pictures", type=int, default=KEPT, dest="kept")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    facts = card(args.model)
    contents, labels = pictures_of(args.pictures)
    source = measured(facts, contents, labels, kept=args.kept, seed=args.seed)
    write_source(source_path(facts), source)
    say(0, 0, f"{source_path(facts).name}: {source_path(facts).stat().st_size / 1000:.0f} kB")
    for one in source.rungs:
        say(0, 0, f"{one.what} {one.kinds or ''} {one.value:.4f} ({one.low:.4f} to {one.high:.4f})")
    write(ASSETS / "catalog.json", catalogued(facts), wide=False)
    return 0


def pictures_of(path: Path) -> tuple[list[bytes], np.ndarray]:
    """Files and their classes, int (N,), of a table."""
    table = parquet.read_table(path, columns=["image", "label"])
    return table.column("image").to_pylist(), np.array(table.column("label").to_pylist())


def balanced(labels: np.ndarray, n: int, seed: int) -> np.ndarray:
    """Positions of ``n`` pictures, sorted: as many of every class, give or take one."""
    rng = np.random.default_rng(seed)
    mixed = rng.permutation(len(labels))
    place = np.empty(len(labels), np.int64)  # of each picture among those of its class
    for label in np.unique(labels):
        mine = mixed[labels[mixed] == label]
        place[mine] = np.arange(len(mine))
    order = mixed[np.argsort(place[mixed], kind="stable")]
    found: np.ndarray = np.sort(order[:n])
    return found


def measured(
    facts: ModelCard, contents: Sequence[bytes], labels: np.ndarray, *, kept: int, seed: int
) -> SourceFeatures:
    """Features of ``kept`` pictures, and the scale from all others."""
    looker = Looker(facts.name, facts.input_px)
    squares = [looker.square(one) for one in contents]
    every = looker.features(squares)
    mine = balanced(labels, kept, seed)
    others = np.setdiff1d(np.arange(len(labels)), mine)
    source = every[mine].astype(np.float16).astype(np.float32)  # as it will be read
    rng = np.random.default_rng(seed)
    rungs = [_others(source, every[others], rng)]
    for kinds in KINDS:
        if 2 * kinds <= len(np.unique(labels)):
            rungs.append(_kinds(source, every[others], labels[others], kinds, rng))
    some = others[balanced(labels[others], CHANGED, seed)]
    for what, change in changes(facts.input_px).items():
        found = kernel_distance(looker.features([change(squares[at]) for at in some]), source)
        rungs.append(Rung(what=what, value=found.value, low=found.low, high=found.high))
    return SourceFeatures(
        features=source,
        image_size=facts.input_px,
        weights=file_digest(weights_path(facts)),
        pictures=f"{len(mine)} pictures of the kind it learned from: {facts.source_data}",
        rungs=tuple(rungs),
    )


def changes(size_px: int) -> dict[str, Change]:
    """How pictures of the source are changed for the scale."""

    def shuffled(image: Image.Image) -> Image.Image:
        values = np.asarray(image)
        pixels = np.random.default_rng(0).permutation(values.reshape(-1, values.shape[-1]))
        return Image.fromarray(pixels.reshape(values.shape))

    return {
        "grey": lambda one: ImageOps.grayscale(one).convert("RGB"),
        "blurred": lambda one: one.filter(ImageFilter.GaussianBlur(BLUR * size_px)),
        "shuffled": shuffled,
    }


def catalogued(facts: ModelCard) -> dict[str, Any]:
    """The catalogue with the card's new file, all else as it was."""
    body: dict[str, Any] = json.loads((ASSETS / "catalog.json").read_text(encoding="utf-8"))
    found = with_source(facts)
    for one in body["models"]:
        if one["name"] == facts.name:
            one |= {"source_file": found.source_file, "source_sha256": found.source_sha256}
    return body


# -- inside ----------------------------------------------------------------------------------------


def _before_head(model: nn.Module, image_size: int) -> nn.Module:
    groups = layer_groups(model)
    plan = FreezePlan.from_layers("head", len(groups))
    apply_plan(model, groups, plan)
    set_modes(model, groups, plan, training=False)
    cut = cut_network(model, groups, plan, image_size=image_size, freeze_norm_stats=True)
    if cut is None or len(cut.shapes) != 1:
        raise ModelError("The network cannot be divided before its head.")
    return cut.prefix


def _others(source: np.ndarray, others: np.ndarray, rng: np.random.Generator) -> Rung:
    """Draws of other pictures of the source: the zero of the scale."""
    n = min(DRAWN, len(others))
    drawn = [others[rng.choice(len(others), n, replace=False)] for _ in range(DRAWS)]
    return _rung("same", source, drawn)


def _kinds(
    source: np.ndarray,
    others: np.ndarray,
    labels: np.ndarray,
    kinds: int,
    rng: np.random.Generator,
) -> Rung:
    """Draws of classes, with all their other pictures."""
    classes = np.unique(labels)
    some = [rng.choice(classes, kinds, replace=False) for _ in range(DRAWS)]
    return _rung("kinds", source, [others[np.isin(labels, one)] for one in some], kinds)


def _rung(what: str, source: np.ndarray, drawn: Sequence[np.ndarray], kinds: int = 0) -> Rung:
    values = np.array([kernel_distance(one, source).value for one in drawn])
    low, high = np.quantile(values, SHARES)
    return Rung(
        what=what, value=float(values.mean()), low=float(low), high=float(high), kinds=kinds
    )


if __name__ == "__main__":
    sys.exit(main())
