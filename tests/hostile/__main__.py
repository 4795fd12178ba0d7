"""``python -m tests.hostile``: take the corpus in and print what came of it."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.hostile.counting import containers, entries, one_set
from tests.hostile.pictures import GROUPS
from tests.hostile.sets import KINDS
from tests.hostile.watching import Place


def main() -> None:
    """Everything that ``test_corpus.py`` takes in."""
    groups = {name: len(dict(make())) for name, make in GROUPS.items()}
    told = ", ".join(f"{n} {name}" for name, n in groups.items())
    sys.stdout.write(f"{sum(groups.values()):,} hostile files ({told})\n")
    with tempfile.TemporaryDirectory() as folder:
        place = Place.at(Path(folder) / "place")
        for kind in KINDS:
            sys.stdout.write(one_set(place, kind).line() + "\n")
        sys.stdout.write(containers(place).line() + "\n")
        for kind in ("zip", "tar"):
            for n in (100_000, 250_000):
                counted, code = entries(place, n, kind)
                sys.stdout.write(counted.line() + (f" ({code})\n" if code else "\n"))


if __name__ == "__main__":
    main()
