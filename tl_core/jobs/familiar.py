"""What a run is familiar with: where to say "none of these", and whether new pictures are alike.

Both rest on what the last layer reads of the run's own pictures, kept with the run. torch is
imported when something is to be computed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tl_core.errors import StorageError, UnreadableImageError
from tl_core.evaluate.drift import FEWEST, Drift, drifted, of_the_same_mix
from tl_core.evaluate.foreign import Refusal, away_from, refusal
from tl_core.jobs.batches import kept_refusal, refusal_path
from tl_core.jobs.confidence import answers_now
from tl_core.storage import Home, write_json

if TYPE_CHECKING:
    from tl_core.jobs.loading import Classifier

__all__ = ["Familiar"]

KNOWN_AT_MOST = 2000  # held-out pictures that new ones are compared with
PARTS = ("train", "val", "test")


class Familiar:
    """A run's own pictures as its last layer reads them.

    Args:
        home: The home.
        one: The run's classifier.
        report: Told how many of its pictures were looked at, of how many; only the first time.

    Raises:
        ModelError: The network does not say what its last layer reads.
        StorageError: A picture of the run is not there any more.
    """

    def __init__(
        self,
        home: Home,
        one: Classifier,
        report: Callable[[int, int], None] = lambda done, total: None,
    ) -> None:
        from tl_core.jobs.embedding import kept_features

        self._home, self._one = home, one
        total, done = len(one.snapshot.images), 0
        parts = []
        for part in PARTS:

            def told(n: int, _: int, before: int = done) -> None:
                report(before + n, total)

            parts.append(kept_features(home, one, part, told).astype(np.float32))
            done += len(parts[-1])
        self._learned, self._val, self._test = parts
        self.refusal = self._refusal()

    def away(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """(N,) how far pictures are from the nearest training picture, 0..2."""
        return away_from(features, self._learned)

    def drift(
        self, digests: Sequence[str], away: NDArray[np.float64], answers: Sequence[str]
    ) -> list[Drift] | None:
        """How stored pictures that came in differ from held-out ones that were answered alike.

        Args:
            digests: Of the pictures that came in.
            away: (N,) of them, from ``away``.
            answers: N classes answered.

        Returns:
            What differs; None where there are too few of either to compare.
        """
        held = [row for part in ("val", "test") for row in self._one.snapshot.part(part)]
        if not held:
            return None
        features = np.concatenate([one for one in (self._val, self._test) if len(one)])
        given = self._given()
        places = of_the_same_mix([given.get(str(row.id), row.label) for row in held], answers)
        places = places[:: max(1, -(-len(places) // KNOWN_AT_MOST))]
        if min(len(places), len(digests)) < FEWEST:
            return None
        known = _measures(self._home, [held[place].digest for place in places])
        new = _measures(self._home, digests)
        known["distance"] = self.away(features[places])
        new["distance"] = away
        return drifted(known, new)

    def _given(self) -> dict[str, str]:
        """What the run answered of its held-out pictures, by id, where that was kept."""
        found: dict[str, str] = {}
        for split in ("val", "test"):
            answers = answers_now(self._home, self._one.row.id, split)
            if answers is not None:
                names = [answers.classes[one] for one in answers.given.tolist()]
                found |= dict(zip(answers.images, names, strict=True))
        return found

    def _refusal(self) -> Refusal | None:
        path = refusal_path(self._home, self._one.row.id)
        if path.is_file():
            return kept_refusal(self._home, self._one.row.id)
        labels = [[row.label for row in self._one.snapshot.part(part)] for part in PARTS]
        found = refusal(self._learned, labels[0], self._val, labels[1], self._test, labels[2])
        write_json(path, {"refusal": found.to_dict() if found else None})
        return found


def _measures(home: Home, digests: Sequence[str]) -> dict[str, NDArray[np.float64]]:
    """Simple looks of stored pictures; {} where one cannot be looked at."""
    from tl_core.check.looks import looks_of

    with suppress(StorageError, UnreadableImageError):
        looks = looks_of(home, list(digests))
        color = looks["color"].astype(np.float64)
        return {
            "brightness": looks["brightness"].astype(np.float64),
            "sharpness": looks["edges"].astype(np.float64),
            "colour": color[:, 0] - color[:, 2],  # mean red less mean blue: how warm it is
        }
    return {}
