"""Splits by example."""

from __future__ import annotations

from typing import Any

import pytest

from tl_core.config import DataConfig
from tl_core.data.records import ImageRecord
from tl_core.data.split import assign_splits, split_counts


def records(sizes: dict[str, int], split: str | None = None, start: int = 0) -> list[ImageRecord]:
    return [
        ImageRecord(
            path=f"{split}/{label}/{number}",
            label=label,
            split=split,
            digest=f"{label}{start + number}",
            width=1,
            height=1,
            bytes=1,
            format="PNG",
        )
        for label, size in sizes.items()
        for number in range(size)
    ]


def counts(found: list[ImageRecord], **settings: Any) -> dict[str, dict[str, int]]:
    return split_counts([one.label for one in found], assign_splits(found, DataConfig(**settings)))


@pytest.mark.parametrize(
    ("n", "train", "val", "test"),
    [(1, 1, 0, 0), (2, 1, 1, 0), (3, 1, 1, 1), (4, 2, 1, 1), (10, 6, 2, 2), (100, 70, 15, 15)],
)
def test_small_and_large_classes(n: int, train: int, val: int, test: int) -> None:
    assert counts(records({"a": n})) == {"a": {"train": train, "val": val, "test": test}}


def test_without_a_test_share_there_is_no_test_part() -> None:
    assert counts(records({"a": 20}), test_fraction=0.0)["a"] == {"train": 17, "val": 3, "test": 0}


def test_given_training_and_validation_make_no_test_part() -> None:
    found = records({"a": 8, "b": 8}, "train") + records({"a": 2, "b": 3}, "val", start=50)
    assert counts(found) == {
        "a": {"train": 8, "val": 2, "test": 0},
        "b": {"train": 8, "val": 3, "test": 0},
    }


def test_given_training_and_test_get_validation_from_training() -> None:
    found = records({"a": 20}, "train") + records({"a": 5}, "test", start=50)
    assert counts(found)["a"] == {"train": 17, "val": 3, "test": 5}


@pytest.mark.parametrize("part", ["train", "val", "test"])
def test_a_single_given_part_is_divided_like_none(part: str) -> None:
    assert counts(records({"a": 20}, part)) == counts(records({"a": 20}))


def test_pictures_without_a_part_beside_given_ones_are_for_training() -> None:
    found = records({"a": 4}, "train") + records({"a": 2}, "val", 20) + records({"a": 3}, None, 40)
    assert counts(found)["a"] == {"train": 7, "val": 2, "test": 0}


def test_groups_of_copies_larger_than_the_share_still_give_validation_something() -> None:
    twice = [one for one in records({"a": 4}) for _ in range(2)]
    assert counts(twice, test_fraction=0.0, val_fraction=0.1)["a"] == {
        "train": 6,
        "val": 2,
        "test": 0,
    }
    assert counts([records({"a": 1})[0]] * 9)["a"] == {"train": 9, "val": 0, "test": 0}


def test_another_seed_draws_others_and_more_pictures_move_few() -> None:
    found = records({"a": 200})
    first = assign_splits(found, DataConfig(seed=1))
    assert first != assign_splits(found, DataConfig(seed=2))
    more = assign_splits(records({"a": 202}), DataConfig(seed=1))[:200]
    assert sum(a != b for a, b in zip(first, more, strict=True)) <= 6


def test_the_draw_is_the_same_in_every_version() -> None:
    drawn = assign_splits(records({"a": 8, "b": 4}), DataConfig(seed=7))
    assert "".join(part[:2] for part in drawn) == "tetrtrtrvatrtrtr" + "tevatrtr"


def test_split_counts_of_nothing() -> None:
    assert split_counts([], []) == {}
    assert assign_splits([], DataConfig()) == []
