"""Rows on disk: what is found again, what a crash may leave, indexing, and the budget."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from tl_core.data import segments
from tl_core.data.rows import Rows, RowStore, evict, forget
from tl_core.errors import StorageError
from tl_core.storage import write_json

SHAPE = (3, 4)


def store_at(folder: Path, shape: tuple[int, ...] = SHAPE, dtype: object = np.uint8) -> RowStore:
    return RowStore(folder, shape=shape, dtype=dtype)


def values(key: str, shape: tuple[int, ...] = SHAPE) -> np.ndarray:
    rng = np.random.default_rng(int.from_bytes(key.encode(), "little"))
    return rng.integers(0, 255, shape, dtype=np.uint8)


def add(store: RowStore, keys: list[str]) -> None:
    with store.adding(keys) as rows:
        for row, key in zip(rows, keys, strict=True):
            row[:] = values(key, store.shape)


def wanted(keys: list[str]) -> np.ndarray:
    return np.stack([values(key) for key in keys])


@pytest.fixture
def store(tmp_path: Path) -> RowStore:
    """Two segments, abc and de."""
    found = store_at(tmp_path / "one")
    add(found, list("abc"))
    add(found, list("de"))
    return found


@pytest.fixture(params=["in memory", "mapped"])
def _either_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "mapped":
        monkeypatch.setattr(segments, "SMALL_BYTES", 0)


# -- storing and finding again ---------------------------------------------------------------------


def test_rows_are_found_again_by_key_in_any_order(store: RowStore) -> None:
    assert store.missing(["x", "a", "x", "e", "y"]) == ["x", "y"]
    again = store_at(store.folder)
    assert again.missing(list("abcde")) == []
    for keys in ("abcde", "a", "edcba", "caac", ""):
        rows = again.rows(list(keys))
        assert rows.shape == (len(keys), *SHAPE) and rows.dtype == np.uint8
        assert (np.asarray(rows) == (wanted(list(keys)) if keys else 0)).all()
    with pytest.raises(StorageError, match="2 of 3 prepared rows are missing"):
        again.rows(["x", "a", "y"])


def test_a_store_sees_what_another_one_adds_and_takes_away(store: RowStore) -> None:
    other = store_at(store.folder)
    assert other.missing(["f"]) == ["f"]
    add(store, ["f"])
    assert other.missing(["f"]) == []
    kept = other.rows(["f", "a"])
    assert evict(store.folder.parent, limit_bytes=0) > 0
    assert other.missing(["f"]) == ["f"]
    assert (np.asarray(kept) == wanted(["f", "a"])).all()  # what is open stays readable
    assert other.bytes == 0 and not store.folder.exists()
    add(other, ["f"])
    assert store.missing(["f"]) == []


def test_the_same_row_added_twice_at_once_is_harmless(tmp_path: Path) -> None:
    one, two = store_at(tmp_path / "s"), store_at(tmp_path / "s")
    with one.adding(["a", "b"]) as first, two.adding(["b", "c"]) as second:
        first[:], second[:] = wanted(["a", "b"]), wanted(["b", "c"])
        assert one.missing(["a", "b"]) == ["a", "b"]  # not before they are whole
    assert (np.asarray(store_at(tmp_path / "s").rows(list("abc"))) == wanted(list("abc"))).all()


def test_adding_from_many_threads(tmp_path: Path) -> None:
    names = [[f"{n}-{i}" for i in range(5)] for n in range(8)]
    threads = [
        threading.Thread(target=add, args=(store_at(tmp_path / "s"), keys)) for keys in names
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    everything = [key for keys in names for key in keys]
    assert (np.asarray(store_at(tmp_path / "s").rows(everything)) == wanted(everything)).all()


def test_appending_takes_rows_as_they_come(tmp_path: Path) -> None:
    store = store_at(tmp_path / "s")
    keys = [f"k{i}" for i in range(1234)]  # the header has to grow
    with store.appending() as append:
        for key in keys:
            append(key, values(key))
        append("k0", values("other"))  # there already
        append("turned", values("turned", (4, 3)).T)  # not contiguous
        with pytest.raises(ValueError, match="does not belong here"):
            append("z", np.zeros((4, 3), np.uint8))
        with pytest.raises(ValueError, match="does not belong here"):
            append("z", np.zeros(SHAPE, np.float32))
        assert store.missing(["k0"]) == ["k0"]
    again = store_at(tmp_path / "s")
    assert (np.asarray(again.rows(keys)) == wanted(keys)).all()
    assert (again.rows(["turned"])[0] == values("turned", (4, 3)).T).all()
    (path,) = store.folder.glob("*.npy")
    assert np.load(path).shape == (1235, *SHAPE)  # an ordinary npy file


def test_nothing_appended_leaves_nothing(tmp_path: Path) -> None:
    store = store_at(tmp_path / "s")
    with store.appending():
        pass
    with store.adding([]):
        pass
    assert [path.name for path in store.folder.iterdir()] == ["used"]


@pytest.mark.parametrize("way", ["adding", "appending"])
@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_an_error_leaves_nothing_behind(
    store: RowStore, way: str, error: type[BaseException]
) -> None:
    before = sorted(store.folder.iterdir())
    with pytest.raises(error):
        if way == "adding":
            with store.adding(["x", "y"]) as rows:
                rows[0] = 1
                raise error
        else:
            with store.appending() as append:
                append("x", values("x"))
                raise error
    assert sorted(store.folder.iterdir()) == before
    assert store.missing(["x", "y", "a"]) == ["x", "y"]


def test_a_key_comes_once_in_a_segment(store: RowStore) -> None:
    with pytest.raises(ValueError, match="a key comes twice"), store.adding(["x", "x"]):
        pass


def test_a_full_disk_is_told_and_leaves_nothing(
    store: RowStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = sorted(store.folder.iterdir())

    def full(*args: object, **options: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(np.lib.format, "open_memmap", full)
        with pytest.raises(StorageError, match="No space left"), store.adding(["x"]):
            pass
    with (
        pytest.raises(StorageError, match="No space left"),
        monkeypatch.context() as patch,
        store.appending() as append,
    ):
        append("x", values("x"))
        patch.setattr(np.lib.format, "write_array_header_1_0", full)
    with monkeypatch.context() as patch:
        patch.setattr(segments, "write_json", full_json)
        with pytest.raises(StorageError), store.adding(["x"]) as rows:
            rows[:] = 1
    assert sorted(store.folder.iterdir()) == before


def full_json(target: Path, body: object) -> None:
    raise StorageError(f"{target.name} could not be written.")


# -- what a crash may leave ------------------------------------------------------------------------


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def _longer(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"x")


def _no_header(path: Path) -> None:
    path.write_bytes(b"\0" * path.stat().st_size)


def _short_list(path: Path) -> None:
    write_json(path.with_suffix(".json"), {"keys": ["d"]})


HARM = {
    "array cut": _cut,
    "array too long": _longer,
    "array empty": lambda path: path.write_bytes(b""),
    "array gone": lambda path: path.unlink(),
    "array without header": _no_header,
    "list gone": lambda path: path.with_suffix(".json").unlink(),
    "list cut": lambda path: path.with_suffix(".json").write_text('{"keys": ["d",'),
    "list not text": lambda path: path.with_suffix(".json").write_bytes(b"\xff\xfe\0"),
    "list of another kind": lambda path: path.with_suffix(".json").write_text("[1]"),
    "list not a list": lambda path: path.with_suffix(".json").write_text('{"keys": 3}'),
    "list empty": lambda path: write_json(path.with_suffix(".json"), {"keys": []}),
    "list too short": _short_list,
}


@pytest.mark.parametrize("harm", HARM)
def test_what_is_not_whole_is_never_read(store: RowStore, harm: str) -> None:
    second = sorted(store.folder.glob("*.npy"))[1]
    HARM[harm](second)
    again = store_at(store.folder)
    assert again.missing(list("abcde")) == ["d", "e"]
    add(again, ["d", "e"])
    assert (np.asarray(again.rows(list("abcde"))) == wanted(list("abcde"))).all()


@pytest.mark.parametrize(
    ("shape", "dtype"), [((4, 3), np.uint8), ((12,), np.uint8), (SHAPE, np.int8), ((3, 2), "u2")]
)
def test_rows_of_another_kind_are_not_seen(
    store: RowStore, shape: tuple[int, ...], dtype: object
) -> None:
    assert store_at(store.folder, shape, dtype).missing(["a"]) == ["a"]


def test_leftovers_of_a_crash_are_swept_when_they_are_old(store: RowStore) -> None:
    old, new = store.folder / "old.npy", store.folder / "new.npy"
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (1e9, 1e9))
    for path in store.folder.glob("*.json"):
        os.utime(path.with_suffix(".npy"), (1e9, 1e9))  # whole: age does not matter
    add(store, ["f"])
    assert not old.exists() and new.exists()
    assert store_at(store.folder).missing(list("abcdef")) == []


# -- indexing --------------------------------------------------------------------------------------


@pytest.mark.usefixtures("_either_way")
@pytest.mark.parametrize("keys", ["abcde", "abc", "edcba", "adbea"])
def test_indexing_is_that_of_an_array(store: RowStore, keys: str) -> None:
    rows, plain = store.rows(list(keys)), wanted(list(keys))
    n = len(keys)
    assert (rows.shape, rows.ndim, len(rows), rows.nbytes) == (plain.shape, 3, n, plain.nbytes)
    indices = [
        *range(-n, n),
        np.int64(1),
        slice(None),
        slice(1, 3),
        slice(-2, None),
        slice(3, 1),
        slice(None, None, -1),
        slice(0, n, 2),
        [0, 2, 1],
        [],
        np.array([n - 1, 0, 0, -1]),
        np.array([], dtype=np.int64),
        np.arange(n) % 2 == 0,
        np.zeros(n, dtype=bool),
    ]
    for index in indices:
        found, expected = rows[index], plain[index]
        assert isinstance(found, np.ndarray) and found.dtype == np.uint8
        assert found.shape == expected.shape and (found == expected).all()
    assert all((one == other).all() for one, other in zip(rows, plain, strict=True))
    assert rows[0].flags.writeable and rows[:].flags.writeable  # torch asks for it
    for wrong in (n, -n - 1, [0, n], (0, 1), np.ones(n + 1, dtype=bool), 0.5):
        with pytest.raises(IndexError):
            rows[wrong]  # type: ignore[index]


@pytest.mark.usefixtures("_either_way")
def test_a_run_of_rows_is_not_copied_and_writing_stays_private(store: RowStore) -> None:
    rows = store.rows(list("bcde"))
    assert np.shares_memory(rows[0:2], rows[0])  # b and c lie together
    assert not np.shares_memory(rows[1:3], rows[1])  # c and d do not
    assert not np.shares_memory(rows[np.array([0, 1])], rows[0])
    whole = store.rows(list("abc"))
    assert np.shares_memory(np.asarray(whole), whole[0])
    assert not np.shares_memory(np.array(whole), whole[0])
    assert np.array(whole, copy=False).shape == (3, *SHAPE)
    with pytest.raises(ValueError, match="without a copy"):
        np.array(rows, copy=False)
    assert np.asarray(rows, dtype=np.float32).dtype == np.float32
    rows[0][:] = 0
    assert (store_at(store.folder).rows(["b"])[0] == values("b")).all()


def test_rows_of_an_array() -> None:
    array = np.arange(12, dtype=np.float16).reshape(4, 3)
    rows = Rows.of(array)
    assert rows.shape == (4, 3) and rows.dtype == np.float16
    assert np.shares_memory(rows[1:3], array) and (rows[[3, 0]] == array[[3, 0]]).all()
    assert Rows.of(array[:0])[:].shape == (0, 3)


def test_numbers_of_any_kind_come_back(tmp_path: Path) -> None:
    for dtype in (np.float16, np.float32, np.int64, np.uint16):
        store = RowStore(tmp_path / np.dtype(dtype).name, shape=(5,), dtype=dtype)
        with store.adding(["a", "b"]) as rows:
            rows[:] = np.arange(10).reshape(2, 5)
        assert store.rows(["b"])[0].tolist() == [5, 6, 7, 8, 9]
        assert store.rows(["b"]).dtype == dtype and store.row_bytes == 5 * np.dtype(dtype).itemsize


# -- the budget ------------------------------------------------------------------------------------


@contextmanager
def _aged(folder: Path, seconds: int) -> Iterator[None]:
    yield
    os.utime(folder / "used", (2e9 - seconds, 2e9 - seconds))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Stores old, middle and new, of one row each."""
    for name, seconds in (("old", 30), ("middle", 20), ("new", 10)):
        with _aged(tmp_path / "caches" / name, seconds):
            add(store_at(tmp_path / "caches" / name), [name])
    (tmp_path / "caches" / "note.txt").write_text("not a store")
    return tmp_path / "caches"


def left(root: Path) -> list[str]:
    return sorted(path.name for path in root.iterdir() if path.is_dir())


def test_the_least_recently_used_goes_first(root: Path) -> None:
    each = store_at(root / "new").bytes
    total = sum(path.stat().st_size for path in root.glob("*/*"))
    with _aged(root / "new", 10):
        pass  # looking at its size has made it the newest
    assert evict(root, limit_bytes=total) == 0
    assert evict(root, limit_bytes=total - 1) == each
    assert left(root) == ["middle", "new"]
    assert evict(root, limit_bytes=0) == 2 * each
    assert left(root) == [] and (root / "note.txt").exists()
    assert evict(root / "absent", limit_bytes=0) == 0


def test_using_a_store_makes_it_the_newest(root: Path) -> None:
    os.utime(root / "new" / "used", (1e9, 1e9))
    os.utime(root / "middle" / "used", (1e9 + 1, 1e9 + 1))
    os.utime(root / "old" / "used", (1e9 - 1, 1e9 - 1))
    store_at(root / "old").rows(["old"])
    evict(root, limit_bytes=3 * store_at(root / "old").bytes)
    assert left(root) == ["middle", "old"]


def test_what_is_in_use_is_kept(root: Path) -> None:
    assert evict(root, limit_bytes=0, keep=[root / "old"]) > 0
    assert left(root) == ["old"]
    assert store_at(root / "old").missing(["old"]) == []


def test_what_is_being_added_survives(root: Path) -> None:
    store = store_at(root / "old")
    with store.adding(["x"]) as rows:
        rows[:] = values("x")
        evict(root, limit_bytes=0)
        assert left(root) == ["old"]
    assert store_at(root / "old").missing(["old", "x"]) == ["old"]


def test_a_held_file_is_skipped(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unlink = Path.unlink

    def refuse(path: Path, missing_ok: bool = False) -> None:
        if path.suffix == ".npy" and path.parent.name == "old":
            raise PermissionError("in use by another process")  # what Windows says of a map
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", refuse)
    evict(root, limit_bytes=0)
    assert left(root) == ["old"]
    assert store_at(root / "old").missing(["old"]) == []


def test_forgetting_takes_the_rows_out_of_every_store(root: Path) -> None:
    add(store_at(root / "new"), ["old", "beside"])
    add(store_at(root / "new"), ["apart"])
    assert forget(root, {"old", "nowhere"}) > 0
    assert store_at(root / "old").missing(["old"]) == ["old"]
    assert store_at(root / "new").missing(["new", "old", "beside", "apart"]) == ["old", "beside"]
    assert forget(root, {"old"}) == 0
