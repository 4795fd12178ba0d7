"""What must stay on one side: copies, names and bursts joined through any chain."""

from __future__ import annotations

from dataclasses import replace

from tests.unit.data.test_bursts import far_apart, shots
from tests.unit.data.test_split import records
from tl_core.config import DataConfig
from tl_core.data.divided import divided
from tl_core.data.split import assign_splits
from tl_core.data.together import connected, readable, units_of


def test_a_chain_of_reasons_joins() -> None:
    taken = shots([0, 1, 60, 120]) + far_apart(20)
    taken[1] = replace(taken[1], digest="same")  # a burst, a copy of it, and that one's patient
    taken[2] = replace(taken[2], digest="same", group="patient 17")
    taken[3] = replace(taken[3], group="patient 17")
    found = units_of(taken)
    assert found.unit[:4] == (0, 0, 0, 0) and len(set(found.unit)) == 21
    assert found.names[0] == "patient 17"
    assert found.why == {"patient": 1}
    assert units_of(taken, bursts=False).unit[:4] == (0, 1, 1, 1)


def test_groups_are_counted_by_what_made_them() -> None:
    found = records({"a": 12})
    names = ["patient 1"] * 2 + ["patient 2"] * 2 + ["g7"] * 2 + ["lot"] * 2 + ["patient 3"]
    grouped = [replace(one, group=name) for one, name in zip(found, names, strict=False)]
    twice = [*grouped, *found[9:], found[9]]
    bursts = shots([0, 1], label="b") + far_apart(20, label="b")
    assert units_of(twice + bursts).why == {
        "patient": 2,
        "burst": 1,
        "copy": 1,
        "group": 1,
        "set kept together": 1,
    }


def test_names_do_not_depend_on_the_order() -> None:
    found = [replace(one, group="plant 2") for one in records({"a": 3})] + records({"b": 2})
    there, back = units_of(found), units_of(found[::-1])
    assert set(there.names) == set(back.names)
    assert readable("plant 2") == "plant 2" and readable("g12") == "" and readable("ab12") == ""


def test_components() -> None:
    assert connected([(0, 1), (3, 4), (1, 3)], 6) == [0, 0, 1, 0, 0, 2]
    assert connected([], 2) == [0, 1]
    assert connected([()], 1) == [0]


def test_bursts_stay_on_one_side_unless_they_are_let_go() -> None:
    taken = [
        one
        for number in range(12)
        for one in shots([100.0 * number + at for at in range(3)], start=3 * number)
    ]
    bursts = [tuple(range(at, at + 3)) for at in range(0, 36, 3)]
    for seed in range(5):
        kept = assign_splits(taken, DataConfig(seed=seed))
        assert all(len({kept[at] for at in burst}) == 1 for burst in bursts)
        loose = assign_splits(taken, DataConfig(seed=seed, bursts=False))
        assert any(len({loose[at] for at in burst}) > 1 for burst in bursts)


def test_a_division_is_counted_with_its_groups() -> None:
    found = records({"a": 10, "b": 3})
    grouped = [
        replace(one, group="patient 1" if one.label == "b" else f"plant {i // 2}")
        for i, one in enumerate(found)
    ]
    parts = assign_splits(grouped, DataConfig())
    told = divided(grouped, parts)
    a, b = told.classes
    assert (a.pictures, a.units, b.pictures, b.units) == (10, 5, 3, 1)
    assert sum(a.pictures_in.values()) == 10 and sum(a.units_in.values()) == 5
    assert told.groups == 6 and told.in_groups == 13 and told.torn == 0
    assert [one.label for one in told.alone] == ["b"]
    assert divided(grouped, ["train", "val"] * 6 + ["train"]).torn == 6
