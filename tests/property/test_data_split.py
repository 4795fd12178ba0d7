"""Splits, for any set: disjoint and complete, stratified, repeatable, copies together."""

from __future__ import annotations

import random
import warnings
from collections import Counter, defaultdict
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedGroupKFold

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


@st.composite
def grouped_sets(draw: Any, *, across: bool) -> list[ImageRecord]:
    """Classes of groups of very different sizes; ``across``: groups may hold several classes."""
    out: list[ImageRecord] = []
    n_classes = draw(st.integers(1, 4))
    for group in range(draw(st.integers(1, 25))):
        label = draw(st.integers(0, n_classes - 1))
        for _ in range(draw(st.one_of(st.integers(1, 4), st.integers(1, 40)))):
            other = draw(st.integers(0, n_classes - 1)) if across else label
            made = record(len(out), f"class {other}", f"{len(out):04x}", None)
            out.append(replace(made, group=f"patient {group}"))
    return out


@given(records=grouped_sets(across=True), config=configs, shuffle=st.integers(0, 99))
def test_groups_are_whole_and_order_does_not_matter(
    records: list[ImageRecord], config: DataConfig, shuffle: int
) -> None:
    splits = assign_splits(records, config)
    sides: dict[str, set[str]] = defaultdict(set)
    for one, part in zip(records, splits, strict=True):
        sides[one.group].add(part)
    assert all(len(parts) == 1 for parts in sides.values())
    order = list(range(len(records)))
    random.Random(shuffle).shuffle(order)
    assert assign_splits([records[i] for i in order], config) == [splits[i] for i in order]


@given(records=grouped_sets(across=False), config=configs)
def test_every_class_has_what_its_groups_allow(
    records: list[ImageRecord], config: DataConfig
) -> None:
    splits = assign_splits(records, config)
    groups: dict[str, Counter[str]] = defaultdict(Counter)
    for one in records:
        groups[one.label][one.group] += 1
    for label, counts in per_class(records, splits).items():
        n, sizes = sum(counts.values()), groups[label]
        assert counts["train"] >= 1
        assert (counts["val"] >= 1) == (len(sizes) >= 2)
        assert (counts["test"] >= 1) == (len(sizes) >= 3 and config.test_fraction > 0)
        for part, share in (("val", config.val_fraction), ("test", config.test_fraction)):
            assert abs(counts[part] - share * n) <= 1.5 * max(sizes.values()) + 1


@given(sizes=st.lists(st.integers(1, 12), min_size=8, max_size=30), config=configs)
def test_a_group_more_in_one_class_changes_nothing_in_another(
    sizes: list[int], config: DataConfig
) -> None:
    def made(label: str, several: list[int]) -> list[ImageRecord]:
        return [
            replace(record(i, label, f"{label}{at}-{i}", None), group=f"{label} {at}")
            for at, size in enumerate(several)
            for i in range(size)
        ]

    here, there = made("a", sizes), made("b", sizes)
    before = assign_splits(here + there, config)[: len(here)]
    assert (
        assign_splits(here + there + made("b", [*sizes, 3])[len(there) :], config)[: len(here)]
        == before
    )


def test_shares_are_met_more_closely_than_by_scikit_learn() -> None:
    """Groups of Pareto sizes, some across classes; both draw a fifth each for val and test."""
    ours, theirs, ours_empty, theirs_empty = [], [], 0, 0
    for seed in range(25):
        rng = random.Random(seed)
        records: list[ImageRecord] = []
        n_classes = rng.randint(2, 5)
        for group in range(rng.randint(3 * n_classes, 12 * n_classes)):
            label, across = group % n_classes, rng.random() < 0.2
            for _ in range(min(60, int(3 * rng.paretovariate(1.0)))):
                other = rng.randrange(n_classes) if across else label
                made = record(len(records), f"class {other}", f"{len(records):04x}", None)
                records.append(replace(made, group=f"patient {group}"))
        config = DataConfig(val_fraction=0.2, test_fraction=0.2, seed=seed)
        missed, empty = distance(records, assign_splits(records, config))
        ours.append(missed)
        ours_empty += empty
        folds = StratifiedGroupKFold(5, shuffle=True, random_state=seed)
        parts = ["train"] * len(records)
        labels = [one.label for one in records]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a class may have fewer pictures than folds
            divided = folds.split(labels, labels, [one.group for one in records])
            for part, (_, held) in zip(("test", "val"), divided, strict=False):
                for at in held:
                    parts[at] = part
        missed, empty = distance(records, parts)
        theirs.append(missed)
        theirs_empty += empty
    assert sum(ours) < 0.7 * sum(theirs)
    assert ours_empty == 0 < theirs_empty


def distance(records: list[ImageRecord], parts: list[str]) -> tuple[float, int]:
    """Mean distance from a fifth, in shares of the class; classes without validation or test."""
    missed, empty = [], 0
    for counts in per_class(records, parts).values():
        n = sum(counts.values())
        missed += [abs(counts[part] / n - 0.2) for part in ("val", "test")]
        empty += (counts["val"] == 0) + (counts["test"] == 0)
    return sum(missed) / len(missed), empty
