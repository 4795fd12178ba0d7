"""Shortcuts: can the class be told from what should not matter (light, border, size, file, camera)?

A simple rule (class means in whitened features, folds held out) guesses the class from each kind
of nuisance alone. It is an alarm when the guess is better than chance beyond doubt (labels mixed)
and reaches, less a margin for few pictures, a large part of what the network itself gains over
chance: then the network may have learnt the nuisance as well.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from tl_core.check.findings import CheckedSet, DataFinding

__all__ = ["NUISANCES", "Audit", "audit", "nuisances", "told_shortcuts"]

FOLDS = 5
SHUFFLES = 200
SURE_P = 0.01
OF_LIFT = 0.6  # of what the network gains over chance, all classes together
OF_ONE_LIFT, ONE_AT_LEAST = (
    0.8,
    0.85,
)  # for one class against the rest, which nature does more often
MARGIN = 1.64  # standard errors taken off a guess: 95 in 100 are better than that in truth
FEWEST = 10  # pictures of a class
MOST = 3000  # pictures that are looked at
RIDGE = 0.05  # of the mean variance, added to it
SQUARED = 12  # features up to which their squares are used too
CAMERAS = 12  # kinds told apart
CLIP = 4.0  # standard deviations
NUISANCES = {
    "light": "how bright they are",
    "colour": "their average colour",
    "sharpness": "how sharp they are",
    "border": "their border",
    "corners": "their corners",
    "size": "the size and shape of the picture",
    "file": "the kind of file",
    "camera": "the camera",
    "time": "when they were taken",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """What one nuisance tells. ``label`` is a class position, or -1 for all classes together.

    ``accuracy`` is balanced (0..1) with ``chance`` beside it; ``network`` the network's own, NaN
    when it is not known; ``p`` of the labels shuffled.
    """

    nuisance: str
    label: int
    accuracy: float
    chance: float
    network: float
    p: float


def nuisances(checked: CheckedSet, looks: np.ndarray) -> dict[str, np.ndarray]:
    """What should not matter, as numbers (N, D) by kind; kinds that do not vary are left out."""
    width, height = checked.widths.astype(float), checked.heights.astype(float)
    pixels = np.maximum(width * height, 1.0)
    found = {
        "light": np.column_stack(
            [looks["brightness"], looks["dark_end"], looks["light_end"], looks["color"][:, 3:]]
        ),
        "colour": looks["color"][:, :3],
        "sharpness": looks["octaves"],
        "border": looks["rim"],
        "corners": looks["corners"],
        "size": np.column_stack([np.log(width), np.log(height), np.log(width / height)]),
        "file": np.column_stack(
            [
                np.log(np.maximum(checked.sizes, 1) / pixels),
                np.log1p(looks["quality"]),
                _kinds(np.asarray(checked.formats)),
            ]
        ),
        "camera": _kinds(looks["camera"]),
        "time": _times(looks["taken"]),
    }
    return {name: values for name, values in found.items() if _varies(values)}


def audit(
    features: Mapping[str, np.ndarray],
    labels: np.ndarray,
    network: np.ndarray | None = None,
    *,
    seed: int = 0,
) -> list[Audit]:
    """Every nuisance that is an alarm, the strongest first.

    Args:
        features: Of ``nuisances``.
        labels: int (N,).
        network: int (N,), what the network that has not seen a picture takes it for; -1 = unknown.
        seed: Of folds and shuffles.
    """
    counts = np.bincount(labels)
    rows = np.flatnonzero(counts[labels] >= FEWEST)
    if len(np.unique(labels[rows])) < 2:
        return []
    rng = np.random.default_rng(seed)
    if len(rows) > MOST:
        rows = np.sort(rng.choice(rows, MOST, replace=False))
    kept, y = np.unique(labels[rows], return_inverse=True)
    fold = _folds(y, rng)
    known = network is not None and bool((network[rows] >= 0).any())
    own = _network_recalls(network[rows], kept, y) if known and network is not None else None
    found: list[Audit] = []
    for name, values in features.items():
        judge = _Judge(values[rows].astype(np.float64), fold, len(kept))
        found += _alarms(name, judge, y, kept, own, rng)
    return sorted(found, key=lambda one: one.chance - one.accuracy)


def told_shortcuts(checked: CheckedSet, found: list[Audit]) -> list[DataFinding]:
    """One finding per nuisance: all classes together where that is an alarm, else each class."""
    by_name: dict[str, list[Audit]] = {}
    for one in found:
        by_name.setdefault(one.nuisance, []).append(one)
    told = []
    for name, several in by_name.items():
        whole = [one for one in several if one.label < 0]
        shown = whole or several
        best = shown[0]
        what = NUISANCES[name]
        if whole:
            sentence = (
                f"The class can be told from {what} alone: {_of(best.accuracy)} right where chance "
                f"gives {_of(best.chance)}"
            )
        else:
            names = ", ".join(checked.classes[one.label] for one in shown[:3])
            sentence = (
                f"{names} can be told from the others by {what} alone: {_of(best.accuracy)} right "
                f"where chance gives {_of(best.chance)}"
            )
        if np.isfinite(best.network):
            sentence += f", and the network {_of(best.network)}"
        told.append(
            DataFinding(
                kind="shortcut",
                severity="problem",
                sentence=f"{sentence}. A network may learn that instead of what you mean.",
                advice=f"Collect pictures of every class that do not differ in {what}. If it "
                "belongs to the class (leaves are green), it is no fault.",
                evidence={
                    "nuisance": name,
                    "accuracy": best.accuracy,
                    "chance": best.chance,
                    "network": best.network if np.isfinite(best.network) else None,
                    "p": best.p,
                    "classes": [checked.classes[one.label] for one in shown if one.label >= 0],
                },
            )
        )
    return told


# -- judging ---------------------------------------------------------------------------------------


class _Judge:
    """Held-out guesses from one nuisance for any labels of the same pictures."""

    def __init__(self, values: np.ndarray, fold: np.ndarray, n_classes: int) -> None:
        self._n = n_classes
        self._parts: list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]] = []
        for number in range(int(fold.max()) + 1):
            learn, out = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
            known, held = _whitened(values[learn], values[out])
            self._parts.append((learn, out, known, held))

    def whole(self, y: np.ndarray) -> float:
        """Balanced accuracy over all classes."""
        guess = np.empty(len(y), np.int64)
        for learn, out, known, held in self._parts:
            means, _ = self._means(known, y[learn])
            guess[out] = (held @ means.T - (means**2).sum(1) / 2).argmax(1)
        return float(_recalls(guess, y, self._n).mean())

    def each(self, y: np.ndarray) -> np.ndarray:
        """Balanced accuracy of each class against the rest, (C,)."""
        is_it = np.zeros((len(y), self._n), bool)
        for learn, out, known, held in self._parts:
            means, counts = self._means(known, y[learn])
            total = known.sum(0)
            rest = (total - means * counts[:, None]) / np.maximum(len(learn) - counts, 1)[:, None]
            middle = ((means**2).sum(1) - (rest**2).sum(1)) / 2
            is_it[out] = held @ (means - rest).T > middle
        return _against_the_rest(is_it, y)[1]

    def one(self, at: int, y: np.ndarray) -> float:
        """Balanced accuracy of one class against the rest."""
        return float(self.each(y)[at])

    def _means(self, known: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        counts = np.bincount(y, minlength=self._n)
        sums = np.zeros((self._n, known.shape[1]))
        np.add.at(sums, y, known)
        return sums / np.maximum(counts, 1)[:, None], counts


def _alarms(
    name: str,
    judge: _Judge,
    y: np.ndarray,
    kept: np.ndarray,
    own: tuple[float, np.ndarray] | None,
    rng: np.random.Generator,
) -> list[Audit]:
    found = []
    counts = np.bincount(y)
    chance = 1 / len(kept)
    accuracy = judge.whole(y)
    network = float("nan") if own is None else own[0]
    needed = OF_LIFT * ((1.0 if own is None else network) - chance)
    if _surely(accuracy, counts) - chance >= max(needed, 0.0):
        p = _p_value(accuracy, judge.whole, y, rng)
        if p < SURE_P:
            found.append(
                Audit(
                    nuisance=name, label=-1, accuracy=accuracy, chance=chance, network=network, p=p
                )
            )
    if len(kept) == 2:
        return found
    for at, value in enumerate(judge.each(y).tolist()):
        one = float("nan") if own is None else float(own[1][at])
        least = max(ONE_AT_LEAST, 0.5 + OF_ONE_LIFT * ((1.0 if own is None else one) - 0.5))
        if _surely(value, np.array([counts[at], len(y) - counts[at]])) >= least:
            p = _p_value(value, partial(judge.one, at), y, rng)
            if p < SURE_P:
                found.append(
                    Audit(
                        nuisance=name,
                        label=int(kept[at]),
                        accuracy=value,
                        chance=0.5,
                        network=one,
                        p=p,
                    )
                )
    return found


def _surely(accuracy: float, counts: np.ndarray) -> float:
    """A balanced accuracy less its margin: the mean of recalls, each of so many pictures."""
    error = math.sqrt(accuracy * (1 - accuracy) * float((1 / counts).sum())) / len(counts)
    return accuracy - MARGIN * error


def _p_value(
    found: float, judged: Callable[[np.ndarray], float], y: np.ndarray, rng: np.random.Generator
) -> float:
    as_good = sum(judged(rng.permutation(y)) >= found for _ in range(SHUFFLES))
    return (1 + as_good) / (1 + SHUFFLES)


def _network_recalls(
    guess: np.ndarray, kept: np.ndarray, y: np.ndarray
) -> tuple[float, np.ndarray]:
    """Balanced accuracy of the network, and of each class against the rest."""
    known = guess >= 0
    number = np.full(int(max(guess.max(initial=0), kept.max())) + 1, -1)
    number[kept] = np.arange(len(kept))
    guess, truth = number[guess[known]], y[known]
    hit, balanced = _against_the_rest(guess[:, None] == np.arange(len(kept)), truth)
    return float(hit.mean()), balanced


def _against_the_rest(is_it: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Recall and balanced accuracy of each class, (C,); ``is_it`` (N, C) is what was guessed."""
    truth = y[:, None] == np.arange(is_it.shape[1])
    hit = (is_it & truth).sum(0) / np.maximum(truth.sum(0), 1)
    miss = (~is_it & ~truth).sum(0) / np.maximum((~truth).sum(0), 1)
    return hit, (hit + miss) / 2


def _recalls(guess: np.ndarray, y: np.ndarray, n: int) -> np.ndarray:
    right = np.bincount(y[guess == y], minlength=n)
    found: np.ndarray = right / np.maximum(np.bincount(y, minlength=n), 1)
    return found


def _folds(y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Pictures of each class dealt out to folds."""
    fold = np.empty(len(y), np.int64)
    for label in np.unique(y):
        mine = rng.permutation(np.flatnonzero(y == label))
        fold[mine] = np.arange(len(mine)) % FOLDS
    return fold


def _whitened(learn: np.ndarray, out: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both in coordinates in which the learnt pictures have variance about 1 in every direction."""
    middle, spread = learn.mean(0), learn.std(0)
    says = spread > 1e-9
    both = [
        ((part[:, says] - middle[says]) / spread[says]).clip(-CLIP, CLIP) for part in (learn, out)
    ]
    if both[0].shape[1] <= SQUARED:
        both = [np.column_stack([part, part**2]) for part in both]
    middle = both[0].mean(0)
    both = [part - middle for part in both]
    spread_of = both[0].T @ both[0] / max(1, len(learn))
    size = len(spread_of)
    values, vectors = np.linalg.eigh(spread_of + RIDGE * np.trace(spread_of) / size * np.eye(size))
    turn = vectors / np.sqrt(np.maximum(values, 1e-12))
    return both[0] @ turn, both[1] @ turn


def _kinds(values: np.ndarray) -> np.ndarray:
    """One column per kind, the most frequent ones."""
    kinds, counts = np.unique(values, return_counts=True)
    kinds = kinds[np.argsort(-counts, kind="stable")][:CAMERAS]
    found: np.ndarray = (values[:, None] == kinds).astype(float)
    return found


def _times(taken: np.ndarray) -> np.ndarray:
    """Order in time, hour of the day, and whether the time is known."""
    known = np.isfinite(taken)
    order = np.zeros(len(taken))
    order[known] = taken[known].argsort(kind="stable").argsort() / max(1, known.sum())
    hour = np.where(known, np.nan_to_num(taken) % 86400 / 86400, 0.0)
    return np.column_stack([order, np.cos(2 * np.pi * hour), np.sin(2 * np.pi * hour), known])


def _varies(values: np.ndarray) -> bool:
    return bool(len(values)) and bool((values.std(0) > 1e-9).any())


def _of(share: float) -> str:
    return f"{share * 100:.0f} of 100"
