"""Pictures laid out flat: what a network takes for alike lies together, and how far that holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["FEWEST", "NEAR", "Company", "company", "laid_out", "neighbours_kept"]

FEWEST = 8  # pictures: fewer make no map
NEAR = 10  # neighbours looked at
AXES = 50  # principal axes kept before: more adds time and noise (van der Maaten and Hinton 2008)
CROWD = 30.0  # perplexity: about how many neighbours each picture tries to keep
STRANGE = 0.2  # of its neighbours share a picture's class at most, and another class has over half
AT_ONCE = 512  # rows compared together


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """Among which pictures one stands: ``same`` is the share of its nearest that have its class,
    ``most`` the class most of them have, ``share`` how many have that, of all.
    """

    same: float
    most: str
    share: float

    def strange(self, label: str) -> bool:
        """Whether a picture of class ``label`` stands among pictures of another class."""
        return self.most != label and self.same <= STRANGE and self.share > 0.5


def laid_out(features: NDArray[np.float32], *, seed: int = 0) -> NDArray[np.float32]:
    """(N, 2) places of the pictures on a map, the same for the same features and seed.

    Near on the map means alike; far apart means little, and sizes of and gaps between islands mean
    nothing.

    Args:
        features: (N, D) rows of unit length, N >= ``FEWEST``.
        seed: Of the random start of the solver.

    Raises:
        ValueError: Fewer than ``FEWEST`` rows.

    Source:
        t-SNE, van der Maaten and Hinton 2008, begun with the first two principal axes (Kobak and
        Berens 2019, Nat. Commun. 10, 5416), as scikit-learn computes it.
    """
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    n, width = features.shape
    if n < FEWEST:
        raise ValueError(f"{n} pictures make no map")
    rows = np.asarray(features, dtype=np.float64)
    if not (rows != rows[0]).any():
        return np.zeros((n, 2), dtype=np.float32)
    axes = min(AXES, n - 1, width)
    rows = PCA(axes, random_state=seed, svd_solver="full").fit_transform(rows)
    if axes < 2:
        rows = np.column_stack([rows, np.zeros(n)])
    crowd = min(CROWD, (n - 1) / 4)
    solver = TSNE(perplexity=crowd, init="pca", learning_rate="auto", random_state=seed)
    places = solver.fit_transform(rows.astype(np.float32))
    return np.asarray(places, dtype=np.float32)


def company(features: NDArray[np.float32], labels: Sequence[str]) -> list[Company]:
    """Among which pictures each stands, itself not counted.

    Of a class of fewer than ``NEAR`` + 1 pictures no more neighbours are looked at than it has
    other pictures, but at least one.

    Args:
        features: (N, D) rows of unit length.
        labels: N classes.
    """
    names = sorted(set(labels))
    number = {name: position for position, name in enumerate(names)}
    own = np.array([number[one] for one in labels], dtype=np.int64)
    others = np.bincount(own, minlength=len(names)) - 1
    found: list[Company] = []
    for start, order in _nearest(features, NEAR):
        for place, row in enumerate(order, start):
            near = own[row[: max(1, min(NEAR, others[own[place]]))]]
            counts = np.bincount(near, minlength=len(names))
            most = int(counts.argmax())
            found.append(
                Company(
                    same=float(counts[own[place]] / len(near)),
                    most=names[most],
                    share=float(counts[most] / len(near)),
                )
            )
    return found


def neighbours_kept(features: NDArray[np.float32], places: NDArray[np.float32]) -> float:
    """Of every picture's ``NEAR`` nearest on the map, the share that are its most alike, 0..1."""
    kept, n = 0, len(features)
    near = min(NEAR, n - 1)
    flat = np.asarray(places, dtype=np.float32)
    for start, order in _nearest(features, near):
        part = flat[start : start + len(order)]
        away = ((part[:, None] - flat[None]) ** 2).sum(axis=2)
        away[np.arange(len(part)), start + np.arange(len(part))] = np.inf
        drawn = np.argpartition(away, near - 1, axis=1)[:, :near]
        both = zip(order.tolist(), drawn.tolist(), strict=True)
        kept += sum(len(set(a) & set(b)) for a, b in both)
    return kept / (n * near)


def _nearest(features: NDArray[np.float32], n: int) -> Iterator[tuple[int, NDArray[np.intp]]]:
    """For some rows after the other: the first one's place, and each one's ``n`` most alike."""
    held = np.asarray(features, dtype=np.float32)
    n = min(n, len(held) - 1)
    for start in range(0, len(held), AT_ONCE):
        part = held[start : start + AT_ONCE]
        alike = part @ held.T
        alike[np.arange(len(part)), start + np.arange(len(part))] = -np.inf
        yield start, np.argsort(-alike, axis=1, kind="stable")[:, :n]
