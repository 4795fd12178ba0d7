"""Pictures that join later: shares hold, nobody changes sides, undo leaves them out again."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from tl_core.config import DataConfig
from tl_core.data.intake import ImageRecord, Intake, Quarantined
from tl_core.data.newcomers import parts_of_newcomers
from tl_core.jobs import adding
from tl_core.jobs.curation import Curation
from tl_core.jobs.library import Library
from tl_core.jobs.schema import open_engine
from tl_core.storage import Home


def record(label: str, number: int, **more: object) -> ImageRecord:
    values = {
        "path": f"{label}/{number:03}.jpg",
        "label": label,
        "split": None,
        "digest": f"{label}{number:03}".ljust(64, "0"),
        "width": 10,
        "height": 10,
        "bytes": 100,
        "format": "JPEG",
    }
    return ImageRecord(**{**values, **more})  # type: ignore[arg-type]


def intake(*records: ImageRecord, **more: object) -> Intake:
    values = {"records": tuple(records), "quarantine": (), "given_splits": (), "notes": ()}
    return Intake(**{**values, **more})  # type: ignore[arg-type]


def many(label: str, numbers: range, **more: object) -> list[ImageRecord]:
    return [record(label, number, **more) for number in numbers]


@pytest.fixture
def library(home: Home) -> Library:
    return Library(open_engine(home))


@pytest.fixture
def project(library: Library) -> str:
    made = library.create("Insects")
    first = intake(*many("ants", range(20)), *many("bees", range(20)), notes=("a note",))
    library.replace_images(made.id, first, DataConfig())
    return made.id


def state(library: Library, project: str) -> list[tuple[int, str, str, str]]:
    rows = library.images(project, limit=None)
    return [(row.id, row.path, row.label, row.split) for row in rows]


def test_what_is_there_stays_and_the_new_ones_hold_the_shares(
    library: Library, project: str
) -> None:
    before = state(library, project)
    added = library.add_images(project, intake(*many("ants", range(100, 140))))
    assert (added.pictures, added.new_classes) == (40, ())
    after = state(library, project)
    assert after[:40] == before
    assert [row[0] for row in after[40:]] == list(range(41, 81))
    ants = next(row for row in library.classes(project) if row.label == "ants")
    assert (ants.train, ants.val, ants.test) == (42, 9, 9)
    assert library.get(project).data_version == 2


def test_one_by_one_the_shares_hold_too(library: Library, project: str) -> None:
    for number in range(100, 140):
        library.add_images(project, intake(record("ants", number)))
    ants = next(row for row in library.classes(project) if row.label == "ants")
    assert (ants.train, ants.val, ants.test) == (42, 9, 9)


def test_a_new_class_appears_with_all_its_parts(library: Library, project: str) -> None:
    added = library.add_images(project, intake(*many("wasps", range(20))))
    assert added.new_classes == ("wasps",)
    wasps = library.classes(project)[-1]
    assert (wasps.label, wasps.train, wasps.val, wasps.test) == ("wasps", 14, 3, 3)


def test_copies_and_groups_go_where_theirs_are(library: Library, project: str) -> None:
    parts = {row.digest: row.split for row in library.images(project, limit=None)}
    records = [
        replace(one, path=f"new/{one.path}", label="wasps") for one in many("ants", range(20))
    ]
    added = library.add_images(project, intake(*records))
    assert len(added.elsewhere) == 20
    new = [row for row in library.images(project, limit=None) if row.id > 40]
    assert [row.split for row in new] == [parts[row.digest] for row in new]
    assert "20 added pictures are here in another class as well" in library.get(project).notes[-1]


def test_a_test_picture_never_becomes_training_by_its_group(library: Library) -> None:
    made = library.create("Leaves")
    grouped = [record("a", i, group=f"plant {i // 4}") for i in range(40)]
    library.replace_images(made.id, intake(*grouped, *many("b", range(40))), DataConfig())
    sides = {
        one.group: part
        for one, part in zip(*library.records(made.id)[1:], strict=True)
        if one.group
    }
    more = [record("a", 100 + i, group=f"plant {i}") for i in range(10)]
    library.add_images(made.id, intake(*more))
    _, records, parts = library.records(made.id)
    for one, part in zip(records, parts, strict=True):
        assert not one.group or part == sides[one.group]


def test_a_recording_stays_whole_and_leaves_one_to_learn_from() -> None:
    records = [record("a", i, group=f"recording {i // 10}") for i in range(40)]
    parts = parts_of_newcomers([], [], records, DataConfig())
    assert all(len(set(parts[i : i + 10])) == 1 for i in range(0, 40, 10))
    assert Counter(parts) == {"train": 20, "val": 10, "test": 10}
    assert set(parts_of_newcomers([], [], records[:10], DataConfig())) == {"train"}


def test_the_order_in_which_pictures_come_changes_nothing() -> None:
    there, new = many("a", range(10)), many("a", range(100, 130))
    parts = ["train"] * 10
    one = parts_of_newcomers(there, parts, new, DataConfig())
    other = parts_of_newcomers(there[::-1], parts, new[::-1], DataConfig())[::-1]
    assert one == other


def test_a_copy_of_what_was_left_out_keeps_its_side(library: Library, project: str) -> None:
    curation = Curation(library._engine)
    tested = [row for row in library.images(project, limit=None) if row.split == "test"]
    curation.exclude(project, [row.id for row in tested], title="left out")
    copies = [replace(record("x", i), digest=row.digest) for i, row in enumerate(tested)]
    library.add_images(project, intake(*copies))
    new = [row for row in library.images(project, limit=None) if row.label == "x"]
    assert {row.split for row in new} == {"test"}


def test_nothing_is_added_a_second_time(library: Library, project: str) -> None:
    again = [replace(one, path=f"again/{one.path}") for one in many("ants", range(20))]
    added = library.add_images(project, intake(*again))
    assert (added.pictures, added.known) == (0, 20)
    assert library.count(project) == 40
    assert Curation(library._engine).history(project) == []
    project_now = library.get(project)
    assert project_now.data_version == 1
    assert project_now.notes[-1] == "20 pictures were here already and not added a second time."


def test_paths_that_are_taken_get_a_number(library: Library, project: str) -> None:
    same = [record("ants", 0, digest=f"{i:064}") for i in range(3)]
    library.add_images(project, intake(*same))
    assert [row[1] for row in state(library, project)[40:]] == [
        "ants/000 (2).jpg",
        "ants/000 (3).jpg",
        "ants/000 (4).jpg",
    ]


def test_adding_is_one_row_of_the_history(library: Library, project: str) -> None:
    curation = Curation(library._engine)
    before = state(library, project)
    library.add_images(project, intake(*many("wasps", range(12))))
    after = state(library, project)
    assert [one.title for one in curation.history(project)] == ["12 pictures added to wasps"]
    assert curation.undo(project) == "12 pictures added to wasps"
    assert state(library, project) == before
    assert library.count(project, excluded=True) == 12
    curation.redo(project)
    assert state(library, project) == after
    curation.undo(project)
    library.add_images(project, intake(*many("flies", range(3)), *many("gnats", range(3))))
    assert [one.title for one in curation.history(project)] == ["6 pictures added to 2 classes"]


def test_refused_files_and_notes_are_joined(library: Library, project: str) -> None:
    bad = Quarantined(file="x.gif", reason="is damaged", code="damaged")
    for _ in range(2):
        library.add_images(
            project,
            intake(
                record("ants", 200),
                quarantine=(bad,),
                notes=(
                    "All pictures are in one class, ants. Training needs at least two classes.",
                    "1 file was left out.",
                    "The folders give a training part; no test part.",
                    "Something else.",
                ),
            ),
        )
    assert [one.file for one in library.quarantine(project)] == ["x.gif"]
    assert library.get(project).notes == (
        "a note",
        "Something else.",
        "1 picture was here already and not added a second time.",
    )


def test_parts_that_are_given_to_a_drawn_set_are_kept_until_it_is_divided(
    library: Library, project: str
) -> None:
    more = [record("ants", 100 + i, split=("train", "test")[i % 2]) for i in range(10)]
    library.add_images(project, intake(*more, given_splits=("train", "test")))
    parts = [row[3] for row in state(library, project)[40:]]
    assert parts == ["train", "test"] * 5
    assert {one.split for one in library.records(project)[1]} == {None}
    assert library.get(project).given_splits == ()


def test_a_set_of_given_parts_gives_them_to_what_joins(library: Library) -> None:
    made = library.create("Given")
    parts = ("train", "train", "train", "val", "test")
    old = [record(name, i, split=parts[i % 5]) for name in "ab" for i in range(50)]
    library.replace_images(
        made.id, intake(*old, given_splits=("train", "val", "test")), DataConfig()
    )
    library.add_images(made.id, intake(*many("c", range(50))))
    wanted = library.classes(made.id)[-1]
    assert (wanted.train, wanted.val, wanted.test) == (30, 10, 10)
    before = state(library, made.id)
    Curation(library._engine).divide(made.id, DataConfig(seed=9), title="again")
    assert state(library, made.id) == before


@pytest.mark.parametrize("place", ["image_rows", "add_change", "refused_rows", "_notes"])
def test_a_failure_in_the_middle_leaves_the_old_set(
    library: Library, project: str, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = state(library, project), library.get(project)
    real = getattr(adding, place)

    def broken(*given: object, **more: object) -> object:
        result = real(*given, **more)
        raise OSError(f"disk full after {result is not None}")

    monkeypatch.setattr(adding, place, broken)
    with pytest.raises(OSError, match="disk full"):
        library.add_images(project, intake(*many("wasps", range(1500))))
    assert (state(library, project), library.get(project)) == before
    assert library.count(project, excluded=True) == 0
