"""Pages of mapped files: given back on time, and never what they hold."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import psutil
import pytest

from tl_core.data import mapped, segments
from tl_core.data.mapped import ADVICE, Pages
from tl_core.data.rows import RowStore

pytestmark = pytest.mark.skipif(ADVICE is None, reason="this system takes no such advice")
MB = 1 << 20


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mapped, "KEPT_BYTES", 4 * MB)
    monkeypatch.setattr(mapped, "EVERY_BYTES", 2 * MB)
    monkeypatch.setattr(segments, "SMALL_BYTES", 0)


def resident() -> int:
    return int(psutil.Process().memory_info().rss)


def filled(folder: Path, n: int) -> RowStore:
    store = RowStore(folder, shape=(MB,), dtype=np.uint8)
    with store.adding([str(i) for i in range(n)]) as rows:
        pages = Pages([rows])
        for i in range(n):
            rows[i] = i
            pages.used(MB)
    return store


def test_reading_a_large_array_leaves_little_of_it_in_memory(tmp_path: Path) -> None:
    rows = filled(tmp_path / "rows", 64).rows([str(i) for i in range(64)])
    before = resident()
    for i in range(64):
        assert (rows[i : i + 1] == i).all()
    assert resident() - before < 16 * MB


def test_what_was_written_before_pages_were_given_back_is_stored(tmp_path: Path) -> None:
    found = filled(tmp_path / "rows", 9).rows([str(i) for i in range(9)])
    assert [int(row[-1]) for row in found] == list(range(9))


def test_rows_taken_from_others_count_with_them(tmp_path: Path) -> None:
    rows = filled(tmp_path / "rows", 32).rows([str(i) for i in range(32)])
    before = resident()
    for i in range(32):
        assert int(rows.take(np.array([i]))[np.array([0])][0, 0]) == i
    assert resident() - before < 16 * MB


def test_small_arrays_stay_and_arrays_in_memory_are_left_alone(tmp_path: Path) -> None:
    rows = filled(tmp_path / "rows", 3).rows(["0", "1", "2"])
    before = resident()
    for _ in range(4):
        rows[0:3].sum()
    assert resident() - before >= 3 * MB
    array = np.arange(10)
    Pages([array, array[2:]]).used(100 * MB)
    assert (array == np.arange(10)).all()
