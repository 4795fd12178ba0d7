"""Files appear whole or not at all, and nothing is written outside the home."""

from __future__ import annotations

from pathlib import Path

import pytest

from tl_core.errors import StorageError
from tl_core.storage import Home, atomic_path, file_digest, read_json, write_json


def test_a_blob_is_kept_once_under_its_digest(home: Home, tmp_path: Path) -> None:
    one = tmp_path / "a.bin"
    one.write_bytes(b"picture")
    digest = home.put_blob(one)
    assert digest == file_digest(one) == home.put_blob(one)
    assert home.has_blob(digest)
    assert home.open_blob(digest).read() == b"picture"
    assert home.local_blob(digest).read_bytes() == b"picture"
    assert home.blob_size(digest) == 7


def test_blobs_may_lie_in_any_store_fsspec_knows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THAW_BLOBS", "memory://thaw-test")
    home = Home(tmp_path / "far")
    one = tmp_path / "a.bin"
    one.write_bytes(b"far away")
    digest = home.put_blob(one)
    assert home.local_blob(digest).read_bytes() == b"far away"
    assert home.local_blob(digest).is_relative_to(home.root)


def test_a_missing_blob_is_said_kindly(home: Home) -> None:
    with pytest.raises(StorageError, match="is missing") as caught:
        home.local_blob("0" * 64)
    assert "Data page" in caught.value.hint


@pytest.mark.parametrize("name", ["", "../x", "a/b", "a\\b", ".", "a b"])
def test_an_id_cannot_leave_the_home(home: Home, name: str) -> None:
    with pytest.raises(StorageError, match="not a valid id"):
        home.run_dir(name)


def test_an_error_while_writing_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "x.json"
    write_json(target, {"old": True})
    with pytest.raises(ValueError, match="half way"), atomic_path(target) as part:
        part.write_text("{", encoding="utf-8")
        raise ValueError("half way")
    assert read_json(target) == {"old": True}
    assert [path.name for path in tmp_path.iterdir()] == ["x.json"]


def test_a_home_that_cannot_be_made_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(StorageError, match="cannot be created") as caught:
        Home(tmp_path / "file" / "home")
    assert "THAW_HOME" in caught.value.hint
