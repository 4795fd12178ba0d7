"""What backbones are worth on photographs they never saw, and at which size each is best.

``python -m benchmarks.backbones WEIGHTS... [--sizes 96 128 160] [--seeds 5]`` takes safetensors
files named as `tools.pretrain` names them (``resnet10t_tiny_imagenet.safetensors``; a folder
before the name tells two of them apart) and prints, for each file and size, the accuracy of the
exact head on clean features: hymenoptera (training pictures to validation pictures), clothing
(training to validation and to test pictures). Then each file beside the first one, each at its best
size (by the validation pictures of clothing): the exact head fitted to as many draws of
four fifths of the training pictures as there are seeds, the same for both, asked about the same
test pictures of clothing; the difference with an interval over draws (Student) and over test
pictures (Student, of each picture's mean over the draws).
"""

from __future__ import annotations

import argparse
import io
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np
import timm
import torch
from safetensors.torch import load_file
from timm.data.constants import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD
from torch import Tensor, nn

from benchmarks.pictures import SUFFIXES
from tl_core.config import RunSpec
from tl_core.data.decode import decode
from tl_core.data.pixels import fit_square
from tl_core.intervals import paired_mean, wilson
from tl_core.probe.exact import fit_exact_head

ARCHIVES = Path(__file__).resolve().parents[2] / "shared" / "data"
SETS = {"hymenoptera": "hymenoptera.zip", "clothing": "clothing_small.zip"}
PARTS = {"train": "train", "val": "val", "validation": "val", "test": "test"}
SIZES = (64, 96, 112, 128, 144, 160, 192, 224)
SHARE = 0.8  # of the training pictures in a draw
BATCH = 64


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Files of one part of a set and their classes, int64 (N,)."""

    files: list[bytes]
    labels: Tensor


def parts_of(name: str) -> tuple[dict[str, Part], int]:
    """The parts of a set by name, and its number of classes."""
    found: dict[str, tuple[list[bytes], list[str]]] = {}
    with zipfile.ZipFile(ARCHIVES / SETS[name]) as archive:  # members are opened, never extracted
        for member in sorted(archive.namelist()):
            path = PurePosixPath(member)
            if len(path.parts) < 3 or path.suffix not in SUFFIXES or path.parts[-3] not in PARTS:
                continue
            files, labels = found.setdefault(PARTS[path.parts[-3]], ([], []))
            files.append(archive.read(member))
            labels.append(path.parts[-2])
    classes = sorted({one for _, labels in found.values() for one in labels})
    numbered = {
        part: Part(files, torch.tensor([classes.index(one) for one in labels]))
        for part, (files, labels) in found.items()
    }
    return numbered, len(classes)


class Backbone:
    """A network from a weights file, asked for what its head reads."""

    def __init__(self, path: Path) -> None:
        self.name = path.stem.removesuffix("_tiny_imagenet")
        weights = {
            name: value.float() if value.is_floating_point() else value
            for name, value in load_file(path).items()
        }
        classes = len(next(value for name, value in reversed(weights.items()) if _is_head(name)))
        self.model: nn.Module = timm.create_model(self.name, num_classes=classes).eval()
        self.model.load_state_dict(weights)
        self.label = f"{path.parent.name}/{self.name}"

    @torch.inference_mode()
    def features(self, squares: np.ndarray) -> tuple[Tensor, float]:
        """(N, D) float32 of uint8 (N, S, S, 3), and milliseconds of the network for each."""
        mean = torch.tensor(IMAGENET_DEFAULT_MEAN).view(1, -1, 1, 1)
        std = torch.tensor(IMAGENET_DEFAULT_STD).view(1, -1, 1, 1)
        found, seconds = [], 0.0
        for at in range(0, len(squares), BATCH):
            x = torch.from_numpy(squares[at : at + BATCH]).permute(0, 3, 1, 2).float() / 255
            x = (x - mean) / std
            begun = time.perf_counter()
            seen = self.model.forward_features(x)  # type: ignore[operator]
            found.append(self.model.forward_head(seen, pre_logits=True))  # type: ignore[operator]
            seconds += time.perf_counter() - begun
        return torch.cat(found), 1000 * seconds / len(squares)


@dataclass(slots=True)
class Best:
    """Where a backbone answers most validation pictures of clothing rightly."""

    right: int = -1
    size: int = 0
    features: dict[str, Tensor] = field(default_factory=dict)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights", nargs="+", type=Path)
    parser.add_argument("--sizes", nargs="*", type=int, default=list(SIZES))
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    backbones = [Backbone(one) for one in options.weights]
    best = [Best() for _ in backbones]
    parts = {name: parts_of(name) for name in SETS}
    print("| px | weights | numbers | hymenoptera val | clothing val | clothing test | ms |")
    print("|---|---|---|---|---|---|---|")
    for size in options.sizes:
        with ThreadPoolExecutor() as pool:  # decoded once for all of them
            squares = {
                (name, part): np.stack(list(pool.map(partial(_square, size=size), one.files)))
                for name, (found, _) in parts.items()
                for part, one in found.items()
            }
        for backbone, top in zip(backbones, best, strict=True):
            seen = {key: backbone.features(one) for key, one in squares.items()}
            cells, right, worn = [], 0, {}
            for name, part in (("hymenoptera", "val"), ("clothing", "val"), ("clothing", "test")):
                found, n_classes = parts[name]
                train, asked = seen[name, "train"][0], seen[name, part][0]
                answers = right_of(train, found["train"].labels, asked, n_classes)
                n = int((answers == found[part].labels).sum())
                cells.append(share(n, len(answers)))
                if name == "clothing":
                    worn |= {"train": train, part: asked}
                    right = n if part == "val" else right
            width, each = seen["clothing", "train"][0].shape[1], seen["clothing", "train"][1]
            row = (size, backbone.label, width, *cells, f"{each:.1f}")
            print("| " + " | ".join(str(one) for one in row) + " |", flush=True)
            if right > top.right:
                top.right, top.size, top.features = right, size, worn
    clothes, n_clothes = parts["clothing"]
    for backbone, mine in zip(backbones[1:], best[1:], strict=True):
        each_draw = np.array(
            [
                drawn(mine.features, best[0].features, clothes, n_clothes, seed)
                for seed in range(options.seeds)
            ]
        )
        print(
            f"\n{backbone.label} at {mine.size} px less {backbones[0].label} at {best[0].size} px, "
            f"clothing test, {options.seeds} draws of {SHARE:.0%} of the training pictures: over "
            f"draws {points(each_draw.mean(1))}, over test pictures {points(each_draw.mean(0))}"
        )


def right_of(train: Tensor, labels: Tensor, asked: Tensor, n_classes: int) -> Tensor:
    """Answers (M,) of the exact head."""
    return fit_exact_head(train, labels, n_classes, seed=0).logits(asked).argmax(1)


def drawn(
    mine: dict[str, Tensor],
    theirs: dict[str, Tensor],
    parts: dict[str, Part],
    n_classes: int,
    seed: int,
) -> np.ndarray:
    """Right (1) or wrong (0) of one less that of the other, for every test picture, one draw."""
    labels, answers = parts["train"].labels, parts["test"].labels
    rng = np.random.default_rng(seed)
    rows = rng.choice(len(labels), round(SHARE * len(labels)), replace=False)
    one, other = (
        right_of(found["train"][rows], labels[rows], found["test"], n_classes) == answers
        for found in (mine, theirs)
    )
    return (one.float() - other.float()).numpy()


def share(n: int, of: int) -> str:
    """Percent with Wilson's 95 % interval."""
    low, high = wilson(n, of)
    return f"{n / of:.1%} ({low:.1%} to {high:.1%})"


def points(values: np.ndarray) -> str:
    """Mean with Student's 95 % interval, in points."""
    mean, low, high = paired_mean(values.tolist())
    return f"{100 * mean:+.1f} ({100 * low:+.1f} to {100 * high:+.1f}) points"


def _is_head(name: str) -> bool:
    return name.split(".")[-2] in ("fc", "classifier", "head") and name.endswith("weight")


def _square(content: bytes, size: int) -> np.ndarray:
    image = decode(io.BytesIO(content), max_side_px=2 * size).image
    return np.asarray(fit_square(image, size, RunSpec().train.resize))


if __name__ == "__main__":
    main()
