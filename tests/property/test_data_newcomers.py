"""Pictures that join later, for any set: nobody changes sides, shares hold, order is nothing."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tl_core.config import DataConfig
from tl_core.data.newcomers import parts_of_newcomers
from tl_core.data.records import ImageRecord
from tl_core.data.split import assign_splits

SPLITS = ("train", "val", "test")


def record(number: int, label: str, digest: str, group: str) -> ImageRecord:
    return ImageRecord(
        path=f"{label}/{number}.jpg",
        label=label,
        split=None,
        digest=digest,
        width=1,
        height=1,
        bytes=1,
        format="JPEG",
        group=group,
    )


@st.composite
def joined(draw: Any, *, tied: bool) -> tuple[list[ImageRecord], list[ImageRecord]]:
    """A set and pictures that join it, some of them copies or of one group when ``tied``."""
    out: list[ImageRecord] = []
    for index in range(draw(st.integers(1, 3))):
        for number in range(draw(st.integers(1, 40))):
            content = draw(st.integers(0, 40)) if tied else len(out)
            group = f"g{draw(st.integers(0, 9))}" if tied and draw(st.booleans()) else ""
            out.append(record(number, f"class {index}", f"{content:04x}", group))
    there = draw(st.integers(0, len(out)))
    random.Random(draw(st.integers(0, 99))).shuffle(out)
    return out[:there], out[there:]


@given(joined(tied=True))
def test_copies_and_groups_stay_on_one_side(
    sets: tuple[list[ImageRecord], list[ImageRecord]],
) -> None:
    there, new = sets
    config = DataConfig()
    old = assign_splits(there, config)
    parts = parts_of_newcomers(there, old, new, config)
    assert set(parts) <= set(SPLITS)
    tested = {
        key
        for one, part in zip(there, old, strict=True)
        if part == "test"
        for key in (one.digest, one.group)
        if key
    }
    sides: dict[str, set[str]] = defaultdict(set)
    for one, part in zip(new, parts, strict=True):
        if one.digest in tested or one.group in tested:
            assert part == "test"
        for key in (one.digest, one.group):
            if key:
                sides[key].add(part)
    assert all(len(found) == 1 for found in sides.values())


@given(joined(tied=False))
def test_shares_hold_and_the_order_is_nothing(
    sets: tuple[list[ImageRecord], list[ImageRecord]],
) -> None:
    there, new = sets
    config = DataConfig()
    old = assign_splits(there, config)
    parts = parts_of_newcomers(there, old, new, config)
    backwards = parts_of_newcomers(there, old, new[::-1], config)[::-1]
    assert parts == backwards
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for one, part in zip([*there, *new], [*old, *parts], strict=True):
        counts[one.label][part] += 1
    for label in {one.label for one in new}:
        n = counts[label].total()
        assert counts[label]["train"] >= 1
        for part, share in (("val", config.val_fraction), ("test", config.test_fraction)):
            had = sum(p == part and one.label == label for one, p in zip(there, old, strict=True))
            wanted = max(had, round(n * share))
            assert abs(counts[label][part] - wanted) <= 1
