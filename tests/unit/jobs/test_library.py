"""Projects and their pictures: replaced whole or not at all, split again without losing any."""

from __future__ import annotations

import pytest

from tl_core.config import DataConfig
from tl_core.data.intake import ImageRecord, Intake, Quarantined
from tl_core.errors import ConfigError, JobError
from tl_core.jobs.library import Library
from tl_core.jobs.schema import open_engine
from tl_core.jobs.submit import missing_for_training
from tl_core.storage import Home


def intake(per_class: int = 20, classes: tuple[str, ...] = ("ants", "bees")) -> Intake:
    records = tuple(
        ImageRecord(
            path=f"{label}/{i:03}.jpg",
            label=label,
            split=None,
            digest=f"{label}{i:03}".ljust(64, "0"),
            width=10,
            height=10,
            bytes=100,
            format="JPEG",
        )
        for label in classes
        for i in range(per_class)
    )
    return Intake(
        records=records,
        quarantine=(Quarantined(file="x.txt", reason="not a picture", code="not_a_picture"),),
        given_splits=(),
        notes=("a note",),
    )


@pytest.fixture
def library(home: Home) -> Library:
    return Library(open_engine(home))


def test_a_set_is_kept_with_its_quarantine_and_notes(library: Library) -> None:
    project = library.create("Insects")
    library.replace_images(project.id, intake(), DataConfig())
    project = library.get(project.id)
    assert (project.n_images, project.n_classes, project.data_version) == (40, 2, 1)
    assert project.notes == ("a note",)
    assert [one.file for one in library.quarantine(project.id)] == ["x.txt"]
    rows = library.classes(project.id)
    assert [(row.label, row.total, row.train, row.val, row.test) for row in rows] == [
        ("ants", 20, 14, 3, 3),
        ("bees", 20, 14, 3, 3),
    ]


def test_a_set_that_cannot_be_written_leaves_the_old_one(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = library.create("Insects")
    library.replace_images(project.id, intake(5), DataConfig())

    def broken(*_: object) -> object:
        raise OSError("disk full")

    monkeypatch.setattr("tl_core.jobs.library.refused_rows", broken)
    with pytest.raises(OSError, match="disk full"):
        library.replace_images(project.id, intake(50), DataConfig())
    assert library.count(project.id) == 10
    assert library.get(project.id).data_version == 1


def test_pages_of_pictures_do_not_overlap(library: Library) -> None:
    project = library.create("Insects")
    library.replace_images(project.id, intake(), DataConfig())
    pages = [library.images(project.id, offset=at, limit=15) for at in (0, 15, 30)]
    assert [len(page) for page in pages] == [15, 15, 10]
    assert len({row.id for page in pages for row in page}) == 40


def test_deleting_a_project_forgets_all_of_it(library: Library) -> None:
    project = library.create("Insects")
    library.replace_images(project.id, intake(), DataConfig())
    library.delete(project.id)
    assert library.count(project.id) == 0
    with pytest.raises(JobError, match="not here"):
        library.get(project.id)


def test_a_project_needs_a_name(library: Library) -> None:
    with pytest.raises(ConfigError, match="1 to 80 characters"):
        library.create("   ")


def test_what_is_missing_for_training(library: Library) -> None:
    project = library.create("Insects")
    assert missing_for_training(library.classes(project.id)) == "There are no pictures yet."
    library.replace_images(project.id, intake(20, ("ants",)), DataConfig())
    assert "only one class (ants)" in missing_for_training(library.classes(project.id))
    library.replace_images(project.id, intake(1), DataConfig())
    assert "ants and bees have fewer than 2 training pictures" in missing_for_training(
        library.classes(project.id)
    )
    library.replace_images(project.id, intake(20), DataConfig())
    assert missing_for_training(library.classes(project.id)) == ""
