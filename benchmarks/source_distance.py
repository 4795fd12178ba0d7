"""How far are sets from what an embedded network learned on, and where does "far" begin?

``python -m benchmarks.source_distance [MODEL] [--draws 5] [--changed 2] [--resize squash]`` prints
a Markdown table: for pictures of the source (the validation pictures of Tiny-ImageNet whose
features do not ship; all classes, five, and one), two sets of photographs and the drawn sample, the
smallest and largest distance of the early and the late blocks over draws of pictures and what is
told of them, the kernel distance (KID) of all of up to 1,000 pictures with its 95 % interval and
its place on the scale that is shown, and the same of changed pictures. ``--resize`` is how pictures
become square.
"""

from __future__ import annotations

import argparse
import io
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

from benchmarks.pictures import Pictures
from tl_core.advise.advice import Candidate
from tl_core.advise.distance import norm_distances
from tl_core.advise.scale import no_farther, of_hundred
from tl_core.advise.shipped import source_distance
from tl_core.advise.source import early, late, told
from tl_core.config import RunSpec
from tl_core.data.pixels import RESIZE_MODES, fit_square
from tl_core.data.sample import SampleOptions, write_sample
from tl_core.jobs.distances import LOOKED
from tl_core.models.build import build
from tl_core.models.catalog import DEFAULT_MODEL, card, embedded_names
from tl_core.models.groups import layer_groups
from tools.source_features import KEPT, Looker, balanced, pictures_of

ARCHIVES = Path(__file__).resolve().parents[2] / "shared" / "data"
SOURCE = "tiny_imagenet_200_valid.parquet"
SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}
NOISE = 40.0  # of 255
CLASSES = {
    "source": 200,
    "source, 5 classes": 5,
    "source, 1 class": 1,
    "hymenoptera": 2,
    "clothing": 10,
    "sample": 6,
}
HEAD = (
    "| pictures | draws | early blocks | last block | told | pictures compared | KID | of 100 | "
    "as few of its classes | told of the whole |"
)

Change = Callable[[Image.Image], Image.Image]


def noisy(image: Image.Image) -> Image.Image:
    values = np.asarray(image, np.float64)
    values = values + np.random.default_rng(0).normal(0, NOISE, values.shape)
    return Image.fromarray(values.clip(0, 255).astype(np.uint8))


CHANGES: dict[str, Change] = {
    "blurred": lambda one: one.filter(ImageFilter.GaussianBlur(3)),
    "noisy": noisy,
    "darker": lambda one: ImageEnhance.Brightness(one).enhance(0.35),
    "paler": lambda one: ImageEnhance.Contrast(one).enhance(0.3),
    "grey": lambda one: ImageOps.grayscale(one).convert("RGB"),
    "inverted": ImageOps.invert,
}


def source_pictures() -> dict[str, list[Image.Image]]:
    """Validation pictures of the source, none of which ships: of all classes, of five, of one."""
    contents, every = pictures_of(ARCHIVES / SOURCE)
    others = np.setdiff1d(np.arange(len(every)), balanced(every, KEPT, 0))
    labels = every[others]

    def opened(rows: np.ndarray) -> list[Image.Image]:
        return [Image.open(io.BytesIO(contents[at])).convert("RGB") for at in others[rows]]

    rng = np.random.default_rng(0)
    classes = np.unique(labels)
    five = rng.choice(classes, 5, replace=False)
    return {
        "source": opened(rng.choice(len(labels), 1000, replace=False)),
        "source, 5 classes": opened(np.flatnonzero(np.isin(labels, five))),
        "source, 1 class": opened(np.flatnonzero(labels == five[0])),
    }


def folder_pictures(root: Path) -> list[Image.Image]:
    paths = sorted(one for one in root.rglob("*") if one.suffix.lower() in SUFFIXES)
    some = np.random.default_rng(0).permutation(len(paths))[:1000]
    return [Image.open(paths[at]).convert("RGB") for at in some]


class Network:
    """An embedded network, asked for distances of square pictures."""

    def __init__(self, name: str) -> None:
        self.name, self.facts = name, card(name)
        self._model = build(name, n_classes=2)
        self._groups = layer_groups(self._model)
        facts = self.facts
        self._mean = torch.tensor(facts.mean).view(1, 3, 1, 1)
        self._std = torch.tensor(facts.std).view(1, 3, 1, 1)
        self._looker = Looker(name, facts.input_px)

    def asked(self, squares: Sequence[Image.Image], draw: int) -> Candidate:
        """A candidate with the distance of one draw."""
        rng = np.random.default_rng(draw)
        chosen = rng.choice(len(squares), min(LOOKED, len(squares)), replace=False)
        square = [np.asarray(squares[at]) for at in chosen]
        x = torch.from_numpy(np.stack(square)).permute(0, 3, 1, 2).float() / 255
        batches = ((part - self._mean) / self._std for part in x.split(32))
        found = norm_distances(self._model, self._groups, batches)
        return Candidate(name=self.name, title=self.name, distance=found)

    def whole(self, squares: Sequence[Image.Image], n_classes: int) -> str:
        """The kernel distance of all pictures, as cells of the table."""
        kid, _ = source_distance(
            self.facts,
            self._looker.features(squares),
            np.arange(len(squares)),
            weights="pretrained",
            image_size=self.facts.input_px,
            n_classes=n_classes,
        )
        assert kid is not None
        at = [of_hundred(kid, value) for value in (kid.value, kid.low, kid.high)]
        part = next(one for one in kid.rungs if one.what == "kinds")
        like = f"{of_hundred(kid, part.low)} to {of_hundred(kid, part.high)} ({part.kinds})"
        words = "no farther" if no_farther(kid) else "farther"
        return (
            f"{kid.pictures} | {kid.value:.4f} ({kid.low:.4f} to {kid.high:.4f}) | "
            f"{at[0]} ({at[1]} to {at[2]}) | {like} | {words}"
        )


def row(
    network: Network, what: str, squares: Sequence[Image.Image], draws: int, n_classes: int
) -> str:
    found = [network.asked(squares, draw) for draw in range(draws)]
    ranges = []
    for measure in (early, late):
        values = [measure(one.distance) for one in found]
        ranges.append(f"{min(values):.3f} to {max(values):.3f}")
    kinds = Counter(told(one) for one in found)
    words = ", ".join(f"{kind} {n}" for kind, n in kinds.most_common())
    whole = network.whole(squares, n_classes)
    return f"| {what} | {draws} | {ranges[0]} | {ranges[1]} | {words} | {whole} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?", default=DEFAULT_MODEL, choices=embedded_names())
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--changed", type=int, default=2)
    parser.add_argument("--resize", choices=RESIZE_MODES, default=RunSpec().train.resize)
    args = parser.parse_args()
    network = Network(args.model)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        scratch = Path(folder)
        laid = Pictures(scratch, ARCHIVES)
        write_sample(scratch / "sample", SampleOptions(per_class=60))
        sets = source_pictures()
        sets |= {name: folder_pictures(laid.root(name)) for name in ("hymenoptera", "clothing")}
        sets["sample"] = folder_pictures(scratch / "sample")
        print(f"{HEAD}\n|{'---|' * HEAD.count(' | ')}---|")
        squares = {
            name: [fit_square(one, network.facts.input_px, args.resize) for one in pictures]
            for name, pictures in sets.items()
        }
        for name, some in squares.items():
            print(row(network, name, some, args.draws, CLASSES[name]), flush=True)
        for name in ("source", "hymenoptera", "clothing", "sample"):
            for words, change in CHANGES.items():
                some = [change(one) for one in squares[name][: 2 * LOOKED]]
                print(
                    row(network, f"{name}, {words}", some, args.changed, CLASSES[name]), flush=True
                )


if __name__ == "__main__":
    main()
