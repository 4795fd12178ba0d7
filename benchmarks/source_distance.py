"""How far are sets from what the embedded network learned on, and where does "far" begin?

``python -m benchmarks.source_distance [--draws 5] [--changed 2]`` prints a Markdown table: for
pictures of the source (the validation pictures of Tiny-ImageNet; all classes, five, and one), two
sets of photographs and the drawn sample, the smallest and largest distance of the early and the
late blocks over draws of pictures, what is told, and the same of changed pictures.
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
from pyarrow import parquet

from benchmarks.pictures import Pictures
from benchmarks.settings import MODEL, SIZE_PX
from tl_core.advise.advice import Candidate
from tl_core.advise.distance import norm_distances
from tl_core.advise.source import early, late, told
from tl_core.data.sample import SampleOptions, write_sample
from tl_core.jobs.advising import LOOKED
from tl_core.models.build import build
from tl_core.models.catalog import card
from tl_core.models.groups import layer_groups

ARCHIVES = Path(__file__).resolve().parents[2] / "shared" / "data"
SOURCE = "tiny_imagenet_200_valid.parquet"
SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}
NOISE = 40.0  # of 255
SQUARE = (SIZE_PX, SIZE_PX)

Change = Callable[[Image.Image], Image.Image]


def noisy(image: Image.Image) -> Image.Image:
    values = np.asarray(image.resize(SQUARE), np.float64)
    values = values + np.random.default_rng(0).normal(0, NOISE, values.shape)
    return Image.fromarray(values.clip(0, 255).astype(np.uint8))


CHANGES: dict[str, Change] = {
    "blurred": lambda one: one.resize(SQUARE).filter(ImageFilter.GaussianBlur(3)),
    "noisy": noisy,
    "darker": lambda one: ImageEnhance.Brightness(one).enhance(0.35),
    "paler": lambda one: ImageEnhance.Contrast(one).enhance(0.3),
    "grey": lambda one: ImageOps.grayscale(one).convert("RGB"),
    "inverted": ImageOps.invert,
}


def source_pictures() -> dict[str, list[Image.Image]]:
    """Validation pictures of the source: of all classes, of five, of one."""
    table = parquet.read_table(ARCHIVES / SOURCE)
    labels = np.array(table.column("label").to_pylist())
    contents = table.column("image")

    def opened(rows: np.ndarray) -> list[Image.Image]:
        return [Image.open(io.BytesIO(contents[int(at)].as_py())).convert("RGB") for at in rows]

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
    """The embedded network, asked for distances."""

    def __init__(self) -> None:
        self._model = build(MODEL, n_classes=2)
        self._groups = layer_groups(self._model)
        facts = card(MODEL)
        self._mean = torch.tensor(facts.mean).view(1, 3, 1, 1)
        self._std = torch.tensor(facts.std).view(1, 3, 1, 1)

    def asked(self, pictures: Sequence[Image.Image], draw: int) -> Candidate:
        """A candidate with the distance of one draw."""
        rng = np.random.default_rng(draw)
        chosen = rng.choice(len(pictures), min(LOOKED, len(pictures)), replace=False)
        square = [
            np.asarray(pictures[at].resize(SQUARE, Image.Resampling.BICUBIC)) for at in chosen
        ]
        x = torch.from_numpy(np.stack(square)).permute(0, 3, 1, 2).float() / 255
        batches = ((part - self._mean) / self._std for part in x.split(32))
        found = norm_distances(self._model, self._groups, batches)
        return Candidate(name=MODEL, title=MODEL, distance=found)


def row(network: Network, what: str, pictures: Sequence[Image.Image], draws: int) -> str:
    found = [network.asked(pictures, draw) for draw in range(draws)]
    ranges = []
    for measure in (early, late):
        values = [measure(one.distance) for one in found]
        ranges.append(f"{min(values):.3f} to {max(values):.3f}")
    kinds = Counter(told(one) for one in found)
    words = ", ".join(f"{kind} {n}" for kind, n in kinds.most_common())
    return f"| {what} | {draws} | {ranges[0]} | {ranges[1]} | {words} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--changed", type=int, default=2)
    args = parser.parse_args()
    network = Network()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        scratch = Path(folder)
        laid = Pictures(scratch, ARCHIVES)
        write_sample(scratch / "sample", SampleOptions(per_class=60))
        sets = source_pictures()
        sets |= {name: folder_pictures(laid.root(name)) for name in ("hymenoptera", "clothing")}
        sets["sample"] = folder_pictures(scratch / "sample")
        print("| pictures | draws | early blocks | last block | told |\n|---|---|---|---|---|")
        for name, pictures in sets.items():
            print(row(network, name, pictures, args.draws), flush=True)
        for name in ("source", "hymenoptera", "clothing", "sample"):
            for words, change in CHANGES.items():
                some = [change(one) for one in sets[name][: 2 * LOOKED]]
                print(row(network, f"{name}, {words}", some, args.changed), flush=True)


if __name__ == "__main__":
    main()
