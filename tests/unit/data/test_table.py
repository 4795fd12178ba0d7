"""Tables of labels: every way to write one, what is decided, and hostile ones."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import openpyxl
import pytest
from PIL import Image

from tl_core.data.intake import take_in
from tl_core.data.layout import Layout, read_layout
from tl_core.data.table_file import MAX_ROWS, is_table, read_rows
from tl_core.data.table_names import PictureNames
from tl_core.data.tabled import Table
from tl_core.errors import DataError, EmptyDatasetError, UnreadableTableError
from tl_core.storage import Home

FLAT = ("images/a.jpg", "images/b.JPG", "images/c.png", "images/d.jpg")
LABELS = "file,label\na.jpg,ant\nb.jpg,bee\nc.png,ant\nd.jpg,bee\n"


def layout(
    table: str | bytes,
    names: Sequence[str] = FLAT,
    *,
    name: str = "labels.csv",
    alone: bool = False,
) -> Layout:
    content = table.encode() if isinstance(table, str) else table
    read = Table(name=name, rows=read_rows(name, content))
    return read_layout([*names, name], tables=[read], alone=alone)


def labels(found: Layout) -> dict[str, str]:
    return {one.path.rsplit("/", 1)[-1]: one.label for one in found.pictures}


def reasons(found: Layout) -> dict[str, str]:
    return {one.file: one.reason for one in found.quarantine}


def workbook(rows: Sequence[Sequence[object]]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(list(row))  # type: ignore[union-attr]
    sink = io.BytesIO()
    book.save(sink)
    return sink.getvalue()


ALL = {"a.jpg": "ant", "b.JPG": "bee", "c.png": "ant", "d.jpg": "bee"}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("labels.csv", LABELS.encode()),
        ("labels.csv", LABELS.encode("utf-8-sig")),
        ("labels.csv", LABELS.encode("utf-16")),
        ("labels.csv", LABELS.encode("utf-16-le")),
        ("labels.csv", LABELS.replace(",", ";").encode()),
        ("labels.csv", ("sep=;\r\n" + LABELS.replace(",", ";")).encode()),
        ("labels.csv", LABELS.replace(",", "|").encode()),
        ("labels.csv", LABELS.replace("\n", "\r\n").encode()),
        ("Labels.TSV", LABELS.replace(",", "\t").encode()),
        ("labels.xlsx", workbook([line.split(",") for line in LABELS.splitlines()])),
        ("labels.csv", LABELS.replace("file,label", "Image ID,Diagnosis").encode()),
        ("labels.csv", LABELS.replace("file,label", "PATH,Species").encode()),
        ("labels.csv", LABELS.replace("file,label\n", "").encode()),
        ("labels.csv", LABELS.replace(".jpg", "").replace(".png", "").encode()),
        ("labels.csv", LABELS.replace(".png", ".jpg").encode()),
        ("labels.csv", LABELS.upper().replace("ANT", "ant").replace("BEE", "bee").encode()),
        ("labels.csv", LABELS.replace("\n", "\nimages\\", 4).encode()),
        ("labels.csv", LABELS.replace("\n", "\n/home/me/set/images/", 4).encode()),
        ("labels.csv", LABELS.replace("\n", "\n./old folder/", 4).encode()),
        ("images/labels.csv", LABELS.encode()),
        ("labels.csv", b"label,file\nant,a.jpg\nbee,b.jpg\nant,c.png\nbee,d.jpg\n"),
        ("labels.csv", b"id,ant,bee\na,1,0\nb,0,1\nc,1.0,0.0\nd,,1\n"),
        ("labels.csv", b"image,what it is\na,ant\nb,bee\nc,ant\nd,bee\n"),
        ("labels.csv", b"id,class,class_name\na,0,ant\nb,1,bee\nc,0,ant\nd,1,bee\n"),
    ],
)
def test_a_table_is_understood_however_it_is_written(name: str, content: bytes) -> None:
    found = layout(content, name=name)
    assert labels(found) == ALL
    assert not found.quarantine
    assert f"{name} names the class of 4 of 4 pictures" in found.notes[0]


def test_latin_letters_without_a_mark_are_read_as_excel_writes_them() -> None:
    found = layout("file,label\na.jpg,Fuß\nb.jpg,Rübe\nc.png,Fuß\nd.jpg,Rübe\n".encode("cp1252"))
    assert set(labels(found).values()) == {"Fuß", "Rübe"}


def test_groups_and_parts_come_from_their_columns() -> None:
    found = layout(
        "image,label,Patient_ID,split\na,ant,7,train\nb,bee,7,training\nc,ant,8,valid\nd,bee,9,TEST\n"
    )
    assert [(one.split, one.group) for one in found.pictures] == [
        ("train", "patient 7"),
        ("train", "patient 7"),
        ("val", "patient 8"),
        ("test", "patient 9"),
    ]
    assert found.parts_from == "labels.csv gives"
    assert "The column Patient_ID gives 3 groups" in found.notes[1]


def test_a_column_of_parts_is_known_by_its_cells_and_other_columns_are_named() -> None:
    found = layout("file,label,Used for,age\na,x,train,1\nb,y,train,2\nc,x,val,3\nd,y,test,4\n")
    assert [one.split for one in found.pictures] == ["train", "train", "val", "test"]
    assert found.notes[-1].startswith("Column not used: age. A column called group")


def test_a_group_that_given_parts_tear_apart_is_said() -> None:
    found = layout("file,label,plant,split\na,x,7,train\nb,y,7,test\nc,x,8,train\nd,y,9,test\n")
    assert any(
        note.startswith("1 group is in more than one of the given parts") and "plant 7" in note
        for note in found.notes
    )


def test_a_split_without_training_is_not_kept() -> None:
    found = layout("file,label,split\na,x,test\nb,y,test\nc,x,val\nd,y,val\n")
    assert {one.split for one in found.pictures} == {None}
    assert "labels.csv gives no training part" in " ".join(found.notes)


def test_a_column_called_fold_that_holds_numbers_is_no_split() -> None:
    found = layout("file,label,fold\na,x,1\nb,y,2\nc,x,3\nd,y,4\n")
    assert {one.split for one in found.pictures} == {None}


def test_what_does_not_fit_is_left_out_with_its_reason() -> None:
    names = [*FLAT, "images/e.jpg", "images/f.jpg", "images/g.jpg"]
    found = layout(
        "file,label\na,ant\nb,bee\nb,bee\nc,ant\nc,bee\nd,\ne,ant;bee\nf,ant\nzz.jpg,ant\ny.jpg,bee\n",
        names,
    )
    assert labels(found) == {"a.jpg": "ant", "b.JPG": "bee", "f.jpg": "ant"}
    assert reasons(found) == {
        "images/c.png": "has more than one class in labels.csv (ant, bee)",
        "images/d.jpg": "has no class in labels.csv",
        "images/e.jpg": "has more than one class in labels.csv (ant, bee)",
        "images/g.jpg": "has no row in labels.csv",
    }
    assert found.notes[:4] == (
        "labels.csv names the class of 5 of 7 pictures.",
        "2 pictures without a row or a class were left out: images/d.jpg, images/g.jpg.",
        "2 pictures with more than one class were left out: images/c.png, images/e.jpg.",
        "2 rows of labels.csv name files that are not here: zz.jpg, y.jpg.",
    )


def test_several_columns_of_labels_and_several_ones_are_several_classes() -> None:
    found = layout("file,label1,label2\na,x,\nb,y,y\nc,x,y\nd,,y\n")
    assert labels(found) == {"a.jpg": "x", "b.JPG": "y", "d.jpg": "y"}
    found = layout("file,x,y\na,1,0\nb,0,1\nc,1,1\nd,0,0\n", [*FLAT, "images/e.jpg"])
    assert reasons(found)["images/c.png"] == "has more than one class in labels.csv (x, y)"
    assert reasons(found)["images/d.jpg"] == "has no class in labels.csv"


def test_a_name_with_a_semicolon_is_a_name_when_no_part_stands_alone() -> None:
    found = layout('file,label\na,"Ant; red"\nb,"Bee; big"\nc,"Ant; red"\nd,"Bee; big"\n')
    assert set(labels(found).values()) == {"Ant; red", "Bee; big"}


def test_a_class_name_of_any_length_is_not_taken() -> None:
    found = layout(f"file,label\na,x\nb,y\nc,x\nd,{'y' * 81}\n")
    assert reasons(found)["images/d.jpg"] == "has a class of more than 80 characters in labels.csv"


def test_folders_that_are_classes_of_the_table_are_followed() -> None:
    names = ("ants/1.jpg", "ants/2.jpg", "bees/3.jpg", "bees/4.jpg", "5.jpg", "6.jpg")
    found = layout("file,label,hive\n1,ants,A\n2,Bees,A\n3,bees,B\n4,bees,B\n5,bees,C\n", names)
    assert labels(found) == {
        "1.jpg": "ants", "2.jpg": "ants", "3.jpg": "bees", "4.jpg": "bees", "5.jpg": "bees",
    }  # fmt: skip
    assert reasons(found) == {"6.jpg": "is not inside a class folder and has no row in labels.csv"}
    assert (
        "labels.csv names another class than the folder for 1 picture, and the folders were "
        "followed: ants/2.jpg (Bees)."
    ) in found.notes


def test_folders_that_stand_for_the_classes_one_to_one_keep_their_names() -> None:
    names = ("ants/1.jpg", "ants/2.jpg", "bees/3.jpg")
    found = layout("file,label\n1,0\n2,0\n3,1\n", names)
    assert set(labels(found).values()) == {"ants", "bees"}
    assert "the folders' names are used" in " ".join(found.notes)


def test_folders_that_are_no_classes_give_way_to_the_table() -> None:
    names = ("part_1/1.jpg", "part_1/2.jpg", "part_2/3.jpg", "part_2/4.jpg")
    found = layout("image_id,dx\n1,nv\n2,mel\n3,nv\n4,mel\n", names)
    assert set(labels(found).values()) == {"nv", "mel"}
    assert "The folders (part_1, part_2) are not the classes" in " ".join(found.notes)
    assert "(column dx)" in found.notes[0]


def test_a_table_without_classes_gives_groups_to_class_folders() -> None:
    names = ("ants/1.jpg", "ants/2.jpg", "bees/3.jpg", "bees/4.jpg")
    found = layout("file,patient,age\n1,A,3\n2,A,4\n3,B,5\n4,B,6\n", names, name="people.csv")
    assert [(one.label, one.group) for one in found.pictures] == [
        ("ants", "patient A"), ("ants", "patient A"), ("bees", "patient B"), ("bees", "patient B"),
    ]  # fmt: skip
    assert not found.quarantine


def test_flat_parts_with_a_table_and_an_unlabelled_test_folder() -> None:
    names = ("train/1.jpg", "train/2.jpg", "val/3.jpg", *(f"test/{i}.jpg" for i in range(9, 30)))
    found = layout("file,label\n1.jpg,x\n2.jpg,y\n3.jpg,x\n", names)
    assert [(one.path, one.label, one.split) for one in found.pictures] == [
        ("train/1.jpg", "x", "train"), ("train/2.jpg", "y", "train"), ("val/3.jpg", "x", "val"),
    ]  # fmt: skip
    assert len(found.quarantine) == 21


def test_a_table_per_part_and_a_table_of_groups_are_joined() -> None:
    tables = [
        Table(name="a.csv", rows=read_rows("a.csv", b"file,label\na,x\nb,y\n")),
        Table(name="b.csv", rows=read_rows("b.csv", b"file,label\nc,x\nd,y\n")),
        Table(name="c.csv", rows=read_rows("c.csv", b"file,lot\na,1\nb,1\nc,2\nd,2\n")),
        Table(name="d.csv", rows=read_rows("d.csv", b"file,label\na,z\n")),
    ]
    found = read_layout([*FLAT, "a.csv", "b.csv", "c.csv", "d.csv"], tables=tables)
    assert [(one.label, one.group) for one in found.pictures] == [
        ("x", "lot 1"), ("y", "lot 1"), ("x", "lot 2"), ("y", "lot 2"),
    ]  # fmt: skip
    assert reasons(found) == {"d.csv": "is a table about pictures that a.csv names already"}


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ("file,label\nother.jpg,x\n", "is a table or a list, not a picture"),
        ("file,label\na,x\n", "is a table that names only 1 of 4 pictures"),
        ("file,size,colour\na,1,2\nb,1,2\nc,3,4\nd,5,6\n",
         "is a table without a column called label, class or category"),
        ("", "is a table or a list, not a picture"),
    ],
)  # fmt: skip
def test_a_table_about_something_else_stays_left_out(table: str, reason: str) -> None:
    names = ("x/a.jpg", "x/b.jpg", "y/c.jpg", "y/d.jpg")
    found = layout(table, names)
    assert len(found.pictures) == 4
    assert reasons(found) == {"labels.csv": reason}


def test_a_named_table_is_the_set() -> None:
    found = layout("file,label\na,x\nb,y\n", [*FLAT, "notes.txt", "more/z.jpg"], alone=True)
    assert labels(found) == {"a.jpg": "x", "b.JPG": "y"}
    assert not found.quarantine
    assert found.notes[0] == (
        "labels.csv names the class of 2 pictures. 3 other pictures beside it have no row."
    )
    with pytest.raises(UnreadableTableError, match=r"labels.csv is a table that names no picture"):
        layout("file,label\nz.jpg,x\n", alone=True)


def test_names_that_could_be_several_pictures_are_none() -> None:
    names = PictureNames(["x/1.jpg", "y/1.jpg", "y/2.jpg", "y/2.png", "A.jpg", "a.jpg"])
    assert names.find("1.jpg") is None
    assert names.find("1") is None
    assert names.find("y/1") == "y/1.jpg"
    assert names.find("1.jpg", folder="x") == "x/1.jpg"
    assert names.find("2") is None
    assert names.find("2.png") == "y/2.png"
    assert names.find("a.jpg") == "a.jpg"
    assert names.find("A.JPG") is None
    assert names.find("z/1.jpg") is None
    assert names.find("../../etc/1") is None


# -- hostile ---------------------------------------------------------------------------------------


def test_a_formula_is_text_and_nothing_else() -> None:
    found = layout('file,label\na,"=HYPERLINK(""http://x"",""y"")"\nb,@x\nc,=1+1\nd,-x\n')
    assert labels(found)["c.png"] == "=1+1"


def test_more_rows_than_anybody_labels_are_refused() -> None:
    body = b"file,label\n" + b"a,x\n" * (MAX_ROWS + 1)
    with pytest.raises(UnreadableTableError, match="more than 200,000 rows"):
        read_rows("labels.csv", body)


def test_many_cells_and_huge_ones_stay_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = read_rows("labels.csv", b"file,label\na," + b"x" * 100_000 + b"\n")
    assert len(rows[1][1]) == 2_000
    assert len(read_rows("labels.csv", b"," * 50_000 + b"x\na,b\n")) == 1
    monkeypatch.setattr("tl_core.data.table_file.MAX_CELLS", 100)
    with pytest.raises(UnreadableTableError, match="more than 100 cells"):
        read_rows("labels.csv", b"a,b,c,d\n" * 30)
    monkeypatch.setattr("tl_core.data.table_file.MAX_BYTES", 10)
    with pytest.raises(UnreadableTableError, match="of more than"):
        read_rows("labels.csv", b"a,b,c,d\n" * 30)


def test_a_quote_that_never_closes_swallows_nothing() -> None:
    body = 'file,label\na,"x\n' + "".join(f"p{i},y\n" for i in range(40_000))
    assert len(read_rows("labels.csv", body.encode())) == 40_002


def test_numbers_dates_and_truth_of_a_sheet_are_written_as_people_do() -> None:
    import datetime

    rows = read_rows(
        "t.xlsx", workbook([[1, 2.0, 2.5, True, datetime.datetime(2026, 5, 1), None, "x"]])
    )
    assert rows == [("1", "2", "2.5", "true", "2026-05-01", "", "x")]


def with_member(name: str, content: bytes) -> bytes:
    """An Excel file with one member replaced."""
    sink = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(workbook([["file", "label"], ["a", "x"]]))) as old,
        zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for member in old.namelist():
            new.writestr(member, content if member == name else old.read(member))
    return sink.getvalue()


SHEET = "xl/worksheets/sheet1.xml"
ENTITIES = b"""<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>
<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1">
<c r="A1" t="inlineStr"><is><t>&b;</t></is></c></row></sheetData></worksheet>"""
FAR = b"""<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>
<row r="999999999"><c r="A999999999"><v>1</v></c></row></sheetData></worksheet>"""
WIDE = (
    b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
    + b"".join(b'<row><c r="XFD%d"><v>1</v></c></row>' % (n + 1) for n in range(20_000))
    + b"</sheetData></worksheet>"
)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (with_member(SHEET, ENTITIES), "with entities"),
        (with_member(SHEET, b"<worksheet>" + b" " * (40 << 20)), "unpacks to far more"),
        (with_member(SHEET, FAR), "more than 200,000 rows"),
        (with_member(SHEET, WIDE), "more than 4,000,000 cells"),
        (with_member(SHEET, b"<worksheet"), "broken or protected"),
        (with_member("xl/workbook.xml", b"no xml"), "broken or protected"),
        (b"PK\x03\x04 not a zip", "broken or protected"),
        (b"\xd0\xcf\x11\xe0" + bytes(600), "broken or protected"),
    ],
)
def test_hostile_and_broken_sheets_are_refused(content: bytes, reason: str) -> None:
    with pytest.raises(UnreadableTableError, match=reason):
        read_rows("t.xlsx", content)


def test_a_sheet_that_lies_about_the_size_of_its_members_is_refused() -> None:
    whole = bytearray(with_member(SHEET, b"<worksheet>" + b" " * (40 << 20)))
    at = whole.rfind(b"PK\x01\x02", 0, whole.find(SHEET.encode(), len(whole) - 2000))
    whole[at + 24 : at + 28] = (1000).to_bytes(4, "little")
    with pytest.raises(UnreadableTableError):
        read_rows("t.xlsx", bytes(whole))


def test_a_saved_value_counts_and_links_are_not_followed() -> None:
    body = b"""<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>
<row r="1"><c r="A1"><f>'[http://127.0.0.1:1/x.xlsx]S'!A1</f><v>7</v></c>
<c r="B1" t="str"><f>WEBSERVICE("http://127.0.0.1:1")</f><v>ant</v></c></row></sheetData></worksheet>"""
    assert read_rows("t.xlsx", with_member(SHEET, body)) == [("7", "ant")]


# -- whole sets ------------------------------------------------------------------------------------


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "set"
    for i in range(8):
        path = folder / "photos" / f"p{i}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((16, 16, 3), 20 * i, np.uint8)).save(path, "JPEG")
    rows = "".join(f"p{i}.jpg,{'odd' if i % 2 else 'even'},{i // 2}\n" for i in range(8))
    (folder / "labels.csv").write_text(f"file,label,lot\n{rows}", encoding="utf-8")
    return folder


def packed(folder: Path, target: Path) -> Path:
    with zipfile.ZipFile(target, "w") as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, f"wrapped/{path.relative_to(folder).as_posix()}")
    return target


def test_a_table_in_a_folder_and_in_a_zip(pictures: Path, tmp_path: Path, home: Home) -> None:
    for source in (pictures, packed(pictures, tmp_path / "set.zip")):
        intake = take_in(source, home)
        assert [(one.label, one.group) for one in intake.records[:3]] == [
            ("even", "lot 0"),
            ("odd", "lot 0"),
            ("even", "lot 1"),
        ]
        assert not intake.quarantine


def test_a_table_is_a_source_of_its_own(pictures: Path, tmp_path: Path, home: Home) -> None:
    assert len(take_in(pictures / "labels.csv", home).records) == 8
    away = tmp_path / "away" / "elsewhere.csv"
    away.parent.mkdir()
    away.write_text("file,label\nphotos/p1.jpg,x\nphotos/p2.jpg,y\n", encoding="utf-8")
    assert [one.label for one in take_in(pictures, home, table=away).records] == ["x", "y"]
    with pytest.raises(DataError, match=r"elsewhere.csv is a table that names no picture"):
        take_in(away, home)


def test_loose_pictures_with_a_useless_table_say_what_is_wrong(pictures: Path, home: Home) -> None:
    table = pictures / "photos" / "labels.csv"
    (pictures / "labels.csv").unlink()
    table.write_text("file,age,weight\n" + "".join(f"p{i},1,2\n" for i in range(8)))
    with pytest.raises(EmptyDatasetError, match="without a column called label"):
        take_in(pictures / "photos", home)


def test_every_picture_goes_into_one_named_class(pictures: Path, home: Home) -> None:
    intake = take_in(pictures, home, label="new ones")
    assert {one.label for one in intake.records} == {"new ones"}
    assert len(intake.records) == 8


def test_shots_of_a_recording_stay_together_and_its_folder_is_no_class(home: Home) -> None:
    found = read_layout(["ants/recording 2026-11-26 17.15.02/1.jpg", "ants/2.jpg"])
    assert [(one.label, one.group) for one in found.pictures] == [
        ("ants", "recording 2026-11-26 17.15.02"),
        ("ants", ""),
    ]
    found = read_layout(["ants/recording 2026-11-26 17.15.02/1.jpg"])
    assert [one.label for one in found.pictures] == ["ants"]


def test_what_counts_as_a_table() -> None:
    assert [is_table(name) for name in ("a.CSV", "b/c.xlsx", "csv", "a.csv.zip")] == [
        True, True, False, False,
    ]  # fmt: skip
