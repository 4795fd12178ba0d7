"""How well "none of these" and the warning of other pictures do on real photographs.

``python -m benchmarks.foreign`` trains the embedded backbone on both photo sets (exact head and
deep probe), shows each what the other knows, and counts what is refused; then it draws batches of
held-out pictures, as they are and changed, and counts how often they are said to be different.
Skips with a reason where the photographs are not at hand.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageFilter
from sklearn.metrics import roc_auc_score

from tl_core.check.looks import look_at
from tl_core.cli.commands import project_for
from tl_core.config import RunSpec, changed
from tl_core.data.decode import open_rgb
from tl_core.data.intake import take_in
from tl_core.data.pixels import fit_square
from tl_core.evaluate.drift import drifted, of_the_same_mix
from tl_core.evaluate.foreign import away_from, limit_for, refusal
from tl_core.evaluate.predict import probabilities
from tl_core.explain.neighbours import features_of
from tl_core.jobs.embedding import kept_features, normalised
from tl_core.jobs.loading import Classifier, load_classifier
from tl_core.jobs.queue import Queue
from tl_core.jobs.schema import open_engine
from tl_core.jobs.submit import submit_training
from tl_core.jobs.work import carry_out
from tl_core.storage import Home

ARCHIVES = Path(__file__).resolve().parents[2] / "shared" / "data"
SETS = {
    "hymenoptera": ARCHIVES / "hymenoptera.zip",
    "clothing": ARCHIVES / "clothing_small.zip",
}
THUMB_PX = 160  # at which looks are taken
LAYERS = ("exact-head", "deep-probe")
BATCHES = 500
SIZES = (20, 50, 150)
MOST = 300  # pictures of a set that are changed or shown to the other
CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "as they are": lambda image: image,
    "30 % darker": lambda image: ImageEnhance.Brightness(image).enhance(0.7),
    "blurred": lambda image: image.filter(ImageFilter.GaussianBlur(max(image.size) / 100)),
    "pale": lambda image: ImageEnhance.Color(image).enhance(0.4),
}
_Rows = NDArray[np.float32]


def trained(home: Home, source: Path, layers: str) -> Classifier:
    """A run on a set of photographs."""
    engine = open_engine(home)
    project = project_for(home, engine, source, take_in(source, home))
    run_id = submit_training(home, engine, project, changed(RunSpec(), {"freeze.layers": layers}))
    row = Queue(engine).claim("train", "benchmark", run_id)
    assert row is not None
    ended = carry_out(home, engine, row)
    assert ended.state == "finished", ended.error
    return load_classifier(home, engine, run_id)


def part(home: Home, one: Classifier, name: str) -> _Rows:
    """Features of a part of a run."""
    found: _Rows = kept_features(home, one, name, lambda done, total: None).astype(np.float32)
    return found


def seen(
    home: Home, one: Classifier, digests: list[str], change: Callable[[Image.Image], Image.Image]
) -> tuple[_Rows, _Rows, dict[str, NDArray[np.float64]]]:
    """Features, probabilities and looks of pictures after a change."""
    pixels, looks = [], []
    for digest in digests:
        with home.open_blob(digest) as stream:
            image = change(open_rgb(stream, max_side_px=2 * one.size_px))
        pixels.append(np.asarray(fit_square(image, one.size_px, one.spec.train.resize)))
        image.thumbnail((THUMB_PX, THUMB_PX))
        looks.append(look_at(image))
    stacked = np.stack(pixels).transpose(0, 3, 1, 2)
    shares = probabilities(one.model, stacked, mean=one.card.mean, std=one.card.std)
    rows = [
        features_of(one.model, normalised(one, stacked[start : start + 32]))
        for start in range(0, len(stacked), 32)
    ]
    look = np.array(looks)
    color = look["color"].reshape(len(digests), -1).astype(np.float64)
    measured = {
        "brightness": look["brightness"].reshape(-1).astype(np.float64),
        "sharpness": look["edges"].reshape(-1).astype(np.float64),
        "colour": color[:, 0] - color[:, 2],
    }
    return np.concatenate(rows), shares, measured


def refusing(home: Home, one: Classifier, foreign: list[str], what: str) -> None:
    """Print what is refused of known and of foreign pictures, and by which score they part."""
    train, val, test = (part(home, one, name) for name in ("train", "val", "test"))
    labels = {
        name: [row.label for row in one.snapshot.part(name)] for name in ("train", "val", "test")
    }
    name = "test" if len(test) else "val"
    known = [row.digest for row in one.snapshot.part(name)][:MOST]
    same = CHANGES["as they are"]
    ours, ours_p, _ = seen(home, one, known, same)
    theirs, theirs_p, _ = seen(home, one, foreign, same)
    truth = np.r_[np.zeros(len(ours)), np.ones(len(theirs))]
    away = np.r_[away_from(ours, train), away_from(theirs, train)]
    sure = 1.0 - np.r_[ours_p.max(axis=1), theirs_p.max(axis=1)]
    limit = limit_for(away_from(val, train), 0.05)
    assert limit is not None
    refused = away > limit
    left = refusal(train, labels["train"], val, labels["val"], test, labels["test"])
    assert left is not None
    print(
        f"{what:28s} AUROC distance {roc_auc_score(truth, away):.3f}, probability "
        f"{roc_auc_score(truth, sure):.3f}; refused of {len(ours)} known "
        f"{refused[: len(ours)].mean():.1%}, of {len(theirs)} foreign "
        f"{refused[len(ours) :].mean():.1%}, of classes left out {left.found} of {left.foreign}",
        flush=True,
    )


def warning(home: Home, one: Classifier, what: str) -> None:
    """Print how often batches are said to be different; both sides are drawn anew every time."""
    train = part(home, one, "train")
    held = [row.digest for row in one.snapshot.part("val") + one.snapshot.part("test")]
    held = [held[i] for i in np.random.default_rng(0).permutation(len(held))][: 2 * MOST]
    measured, answered = {}, {}
    for name, change in CHANGES.items():
        features, shares, looks = seen(home, one, held, change)
        measured[name] = {**looks, "distance": away_from(features, train)}
        answered[name] = shares.argmax(axis=1)
    known, n = measured["as they are"], len(held)

    def told(name: str, then: NDArray[np.int64], now: NDArray[np.int64]) -> bool:
        mixed = of_the_same_mix(
            [str(answer) for answer in answered["as they are"][then]],
            [str(answer) for answer in answered[name][now]],
        )
        old = {key: values[then][mixed] for key, values in known.items()}
        return bool(drifted(old, {key: values[now] for key, values in measured[name].items()}))

    for name in CHANGES:
        cells = []
        for size in (one for one in SIZES if one <= n // 2):
            rng, count = np.random.default_rng(1), 0
            for _ in range(BATCHES):
                order = rng.permutation(n)
                count += told(name, order[: n // 2], order[n // 2 : n // 2 + size])
            cells.append(f"{size} pictures {count / BATCHES:.1%}")
        print(f"{what:28s} {name:12s} told: {', '.join(cells)}", flush=True)
    _one_class(what, answered["as they are"], told)


def _one_class(
    what: str,
    answers: NDArray[np.int64],
    told: Callable[[str, NDArray[np.int64], NDArray[np.int64]], bool],
) -> None:
    """The same for batches of which all pictures were answered alike."""
    shares = []
    for answer in np.unique(answers):
        mine = np.flatnonzero(answers == answer)
        if len(mine) < 3 * SIZES[0]:
            continue
        rng, count = np.random.default_rng(1), 0
        for _ in range(BATCHES // 5):
            now = rng.choice(mine, SIZES[0], replace=False)
            count += told("as they are", np.setdiff1d(np.arange(len(answers)), now), now)
        shares.append(count / (BATCHES // 5))
    if shares:
        print(
            f"{what:28s} one class    told: {SIZES[0]} pictures, {len(shares)} classes, mean "
            f"{np.mean(shares):.1%}, at most {max(shares):.1%}",
            flush=True,
        )


def main() -> None:
    """Print the tables."""
    there = {name: path for name, path in SETS.items() if path.is_file()}
    if len(there) < 2:
        print("The photographs are not at hand: nothing to measure.")
        return
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder))
        for layers in LAYERS:
            runs = {name: trained(home, path, layers) for name, path in there.items()}
            for name, one in runs.items():
                others = [run for other, run in runs.items() if other != name]
                foreign = [row.digest for run in others for row in run.snapshot.part("val")]
                refusing(home, one, foreign[:MOST], f"{name}, {layers}")
            for name, one in runs.items():
                warning(home, one, f"{name}, {layers}")


if __name__ == "__main__":
    main()
