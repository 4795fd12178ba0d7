"""Whether pictures that come in are like those that were learned from, and how they differ.

Every measure of the pictures that come in is compared with the same measure of held-out pictures
(which were not learned from, so that their distances are fair). What is told is corrected for the
number of measures: for pictures of the same kind something is told in at most 5 of 100 batches.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from tl_core.intervals import ALARM, holm

__all__ = ["FEWEST", "LEAST", "Drift", "drifted", "of_the_same_mix"]

FEWEST = 20  # pictures of either side: fewer tell nothing
LEAST = 0.15  # largest difference of the shares below a value that is worth a word


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """One measure that is not as it was.

    ``apart`` is the largest difference between the shares of both sides below any value, 0..1;
    ``higher`` says whether the middle of the new pictures is higher; ``then`` and ``now`` are the
    middles; ``chance`` is corrected for the number of measures.
    """

    measure: str
    apart: float
    higher: bool
    then: float
    now: float
    chance: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def of_the_same_mix(held: Sequence[str], new: Sequence[str]) -> NDArray[np.int64]:
    """Positions of held-out pictures that were answered in the same shares as new ones.

    A batch of one class is not to be called different because that class looks otherwise than the
    mean of all. So many times as many are taken as half of the new ones allow; of classes of which
    fewer are held out, all.

    Args:
        held: Class answered of each held-out picture.
        new: Class answered of each picture that came in.
    """
    wanted = Counter(new)
    places: dict[str, list[int]] = {}
    for place in np.random.default_rng(0).permutation(len(held)).tolist():
        places.setdefault(held[place], []).append(place)
    ratios = sorted((len(places.get(name, ())) / n, n) for name, n in wanted.items())
    times, passed = 0.0, 0
    for ratio, n in ratios:  # the median over the new pictures
        times, passed = ratio, passed + n
        if 2 * passed >= len(new):
            break
    taken = [
        place
        for name, n in wanted.items()
        for place in places.get(name, [])[: max(1, round(times * n))]
    ]
    return np.array(sorted(taken), dtype=np.int64)


def drifted(
    known: Mapping[str, NDArray[np.float64]], new: Mapping[str, NDArray[np.float64]]
) -> list[Drift]:
    """The measures in which new pictures differ from known ones, the clearest first.

    Args:
        known: Measure -> (K,) values of held-out pictures.
        new: Measure -> (N,) values of the pictures that came in, the same measures.

    Returns:
        [] when nothing differs clearly, or there are too few pictures to tell.

    Source:
        Kolmogorov 1933 and Smirnov 1948 (two samples); Holm 1979.
    """
    measures = [
        name for name in known if name in new and min(len(known[name]), len(new[name])) >= FEWEST
    ]
    tests = [stats.ks_2samp(new[name], known[name]) for name in measures]
    corrected = holm([float(one.pvalue) for one in tests])
    found = [
        Drift(
            measure=name,
            apart=float(test.statistic),
            higher=bool(np.median(new[name]) > np.median(known[name])),
            then=float(np.median(known[name])),
            now=float(np.median(new[name])),
            chance=chance,
        )
        for name, test, (chance, _) in zip(measures, tests, corrected, strict=True)
        if chance < ALARM and test.statistic >= LEAST
    ]
    return sorted(found, key=lambda one: -one.apart)
