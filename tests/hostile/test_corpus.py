"""The corpus of hostile files: none crashes, climbs out, harms others or vanishes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.hostile.counting import Counted, containers, entries, one_set
from tests.hostile.names import hostile_names
from tests.hostile.pictures import hostile_files
from tests.hostile.sets import KINDS
from tests.hostile.watching import Place

MOST_BYTES = 700 << 20  # one picture of 100 million pixels is 300 MB, torch is not imported

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place.at(tmp_path / "place")


def faultless(counted: Counted) -> None:
    assert counted.faults == {}, counted.line()
    assert counted.peak < MOST_BYTES, counted.line()


def test_there_are_more_than_a_thousand_hostile_files(tmp_path: Path) -> None:
    files = hostile_files()
    assert len(files) > 1000
    assert len(set(files.values())) > 1000
    assert len(set(hostile_names(tmp_path))) > 200


@pytest.mark.parametrize("kind", KINDS)
def test_a_hostile_file_harms_no_other(place: Place, kind: str) -> None:
    counted = one_set(place, kind)
    faultless(counted)
    assert counted.files > 1300
    assert counted.refused > 700


def test_a_hostile_archive_is_read_or_refused_with_a_sentence(place: Place) -> None:
    counted = containers(place)
    faultless(counted)
    assert counted.files > 400


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_a_hundred_thousand_entries_are_read_and_a_quarter_million_refused(
    place: Place, kind: str
) -> None:
    counted, code = entries(place, 100_000, kind)
    assert code == ""
    faultless(counted)
    assert counted.records == 6
    counted, code = entries(place, 250_000, kind)
    assert code == "unsafe_archive"
    faultless(counted)
