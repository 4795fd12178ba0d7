"""Splits, for any set: disjoint and complete, stratified, repeatable, copies together."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tl_core.config import DataConfig
from tl_core.data.records import ImageRecord
from tl_core.data.split import assign_splits, split_counts

configs = st.builds(
    DataConfig,
    val_fraction=st.floats(0.05, 0.4),
    test_fraction=st.one_of(st.just(0.0), st.floats(0.05, 0.4)),
    seed=st.integers(0, 2**31 - 1),
)


def record(number: int, label: str, digest: str, split: str | None) -> ImageRecord:
    return ImageRecord(
        path=f"{label}/{number}.jpg",
        label=label,
        split=split,
        digest=digest,
        width=1,
        height=1,
        bytes=1,
        format="JPEG",
    )


@st.composite
def sets(draw: Any, *, copies: bool, parts: tuple[str | None, ...] = (None,)) -> list[ImageRecord]:
    sizes = draw(st.lists(st.integers(1, 40), min_size=1, max_size=5))
    out: list[ImageRecord] = []
    for index, size in enumerate(sizes):
        for number in range(size):
            content = draw(st.integers(0, 30)) if copies else len(out)
            part = draw(st.sampled_from(parts))
            out.append(record(number, f"class {index}", f"{content:04x}", part))
    return out


def per_class(records: list[ImageRecord], splits: list[str]) -> dict[str, dict[str, int]]:
    return split_counts([one.label for one in records], splits)


@given(records=sets(copies=False), config=configs)
def test_complete_and_stratified_within_one(records: list[ImageRecord], config: DataConfig) -> None:
    splits = assign_splits(records, config)
    assert len(splits) == len(records)
    assert set(splits) <= {"train", "val", "test"}
    for label, counts in per_class(records, splits).items():
        n = sum(counts.values())
        assert n == sum(one.label == label for one in records)
        assert counts["train"] >= 1
        assert abs(counts["val"] - n * config.val_fraction) <= 1
        assert abs(counts["test"] - n * config.test_fraction) <= 1
        assert counts["val"] >= (n >= 2)
        assert counts["test"] >= (n >= 3 and config.test_fraction > 0)
        if config.test_fraction == 0:
            assert counts["test"] == 0


@given(records=sets(copies=True), config=configs, shuffle=st.integers(0, 99))
def test_order_does_not_matter_and_the_seed_decides(
    records: list[ImageRecord], config: DataConfig, shuffle: int
) -> None:
    splits = assign_splits(records, config)
    assert splits == assign_splits(records, config)
    order = list(range(len(records)))
    random.Random(shuffle).shuffle(order)
    shuffled = assign_splits([records[i] for i in order], config)
    assert shuffled == [splits[i] for i in order]


@given(records=sets(copies=True), config=configs)
def test_copies_stay_together_and_training_has_something(
    records: list[ImageRecord], config: DataConfig
) -> None:
    splits = assign_splits(records, config)
    sides = defaultdict(set)
    for one, side in zip(records, splits, strict=True):
        sides[one.digest].add(side)
    assert all(len(found) == 1 for found in sides.values())
    assert "train" in splits


@given(
    records=sets(copies=True, parts=("train", "val", "test", None)),
    config=configs,
)
def test_given_parts_are_kept(records: list[ImageRecord], config: DataConfig) -> None:
    given_parts = {one.split for one in records}
    splits = assign_splits(records, config)
    if {"train", "val"} <= given_parts:
        assert splits == [one.split or "train" for one in records]
    elif {"train", "test"} <= given_parts:
        for one, side in zip(records, splits, strict=True):
            assert (side == "test") == (one.split == "test")


@given(records=sets(copies=False, parts=("train", "test")), config=configs)
def test_validation_is_drawn_from_training_when_only_a_test_part_is_given(
    records: list[ImageRecord], config: DataConfig
) -> None:
    if {one.split for one in records} != {"train", "test"}:
        return
    splits = assign_splits(records, config)
    open_to = Counter(one.label for one in records if one.split == "train")
    drawn = Counter(one.label for one, side in zip(records, splits, strict=True) if side == "val")
    for label, n in open_to.items():
        assert abs(drawn[label] - n * config.val_fraction) <= 1
        assert drawn[label] >= (n >= 2)
        assert drawn[label] < n


@given(records=sets(copies=True), config=configs, data=st.data())
def test_groups_and_copies_stay_together(
    records: list[ImageRecord], config: DataConfig, data: Any
) -> None:
    names = data.draw(
        st.lists(st.sampled_from(["", "a", "b"]), min_size=len(records), max_size=len(records))
    )
    of_content: dict[str, str] = {}
    for one, name in zip(records, names, strict=True):
        of_content.setdefault(one.digest, name)
    grouped = [replace(one, group=of_content[one.digest]) for one in records]
    splits = assign_splits(grouped, config)
    sides: dict[str, set[str]] = defaultdict(set)
    for one, part in zip(grouped, splits, strict=True):
        sides[one.group or one.digest].add(part)
    assert all(len(parts) == 1 for parts in sides.values())
