"""Uploads: interrupted and resumed, limits, and nobody else's pages."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette

from tests.unit.ui.client import TestClient
from tl_core.storage import Home
from tl_ui.server.routes import routes_for
from tl_ui.server.uploads import MAX_CHUNK_BYTES, STALE_S, Uploads

ID = "0123456789abcdef" * 2
GIB = 2**30


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def client_of(home: Home, **limits: Any) -> TestClient:
    limits.setdefault("free_and_total", lambda: (100 * GIB, 500 * GIB))
    app = Starlette(routes=routes_for(home, Uploads(home, **limits)))
    return TestClient(app, base_url="http://localhost:8501")


def headers(offset: int, total: int, **more: str) -> dict[str, str]:
    return {
        "X-Thaw": "1",
        "Upload-Offset": str(offset),
        "Upload-Length": str(total),
        "Upload-Name": "bees%20%26%20ants.zip",
        "Upload-Kind": "zip",
        **more,
    }


def put(client: Any, body: bytes, offset: int, total: int, upload_id: str = ID, **more: str) -> Any:
    return client.put(
        f"/api/upload/{upload_id}", content=body, headers=headers(offset, total, **more)
    )


def offset_of(client: Any, upload_id: str = ID) -> int:
    answer = client.head(f"/api/upload/{upload_id}", headers={"X-Thaw": "1"})
    assert answer.status_code == 200
    return int(answer.headers["Upload-Offset"])


def uploads_in(home: Home) -> list[str]:
    return sorted(path.name for path in home.folder("uploads").iterdir())


def test_an_upload_in_three_chunks_arrives_whole(home):
    client, body = client_of(home), os.urandom(25_000)
    assert offset_of(client) == 0
    for start in range(0, 25_000, 10_000):
        answer = put(client, body[start : start + 10_000], start, 25_000)
        assert answer.status_code == 200
    assert answer.json() == {"offset": 25_000, "complete": True}
    assert (home.folder("uploads") / f"{ID}.upload").read_bytes() == body
    note = json.loads((home.folder("uploads") / f"{ID}.json").read_text(encoding="utf-8"))
    assert note["name"] == "bees & ants.zip" and note["kind"] == "zip" and note["total"] == 25_000
    assert uploads_in(home) == [f"{ID}.json", f"{ID}.upload"]


def test_an_interrupted_upload_goes_on_where_it_stopped(home):
    body = os.urandom(9_000)
    put(client_of(home), body[:4_000], 0, 9_000)
    part = home.folder("uploads") / f"{ID}.part"
    part.write_bytes(body[:4_321])  # a chunk of which only a part came through
    later = client_of(home)  # another server process
    assert offset_of(later) == 4_321
    refused = put(later, body[4_000:], 4_000, 9_000)
    assert refused.status_code == 409 and refused.json()["offset"] == 4_321
    assert part.read_bytes() == body[:4_321]
    assert put(later, body[4_321:], 4_321, 9_000).json()["complete"] is True
    assert (home.folder("uploads") / f"{ID}.upload").read_bytes() == body


def test_a_finished_upload_is_recognised_and_not_written_again(home):
    client = client_of(home)
    put(client, b"abc", 0, 3)
    assert offset_of(client) == 3
    assert put(client, b"xyz", 0, 3).status_code == 409
    assert (home.folder("uploads") / f"{ID}.upload").read_bytes() == b"abc"


@pytest.mark.parametrize(
    "upload_id",
    [
        "..%2f..%2fetc%2fpasswd",
        "..",
        "ABCDEF0123456789",
        "0123",
        "0" * 65,
        f"{ID}.upload",
        "%00" * 9,
    ],
)
def test_a_bad_id_touches_nothing(home, upload_id):
    client = client_of(home)
    for answer in (
        client.head(f"/api/upload/{upload_id}", headers={"X-Thaw": "1"}),
        put(client, b"abc", 0, 3, upload_id=upload_id),
        client.delete(f"/api/upload/{upload_id}", headers={"X-Thaw": "1"}),
    ):
        assert answer.status_code in (400, 404, 405)
    assert uploads_in(home) == []
    assert not list(home.root.rglob("passwd*"))


@pytest.mark.parametrize(
    "bad",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "http://localhost:9999"},
        {"Origin": "null"},
        {"X-Thaw": "0"},
    ],
)
def test_a_foreign_page_is_refused(home, bad):
    client = client_of(home)
    answer = put(client, b"abc", 0, 3, **bad)
    assert answer.status_code == 403
    assert "Thaw's own pages" in answer.json()["message"]
    assert uploads_in(home) == []


def test_the_own_page_is_let_in(home):
    answer = put(client_of(home), b"abc", 0, 3, Origin="http://localhost:8501")
    assert answer.status_code == 200


def test_a_plain_form_of_another_site_cannot_upload(home):
    answer = client_of(home).put(f"/api/upload/{ID}", content=b"abc")
    assert answer.status_code == 403


def test_too_large_an_upload_is_refused_with_a_way_out(home):
    answer = put(client_of(home, limit_bytes=1000), b"abc", 0, 1001)
    assert answer.status_code == 413
    assert "disk" in answer.json()["hint"]
    assert uploads_in(home) == []


def test_a_full_disk_is_noticed_before_the_chunk_is_written(home):
    client = client_of(home, free_and_total=lambda: (GIB + 10, 500 * GIB))
    answer = put(client, b"a" * 100, 0, 100)
    assert answer.status_code == 507
    assert "space" in answer.json()["message"] and "THAW_HOME" in answer.json()["hint"]
    assert uploads_in(home) == []


def test_a_small_disk_keeps_its_twentieth_free(home):
    roomy = client_of(home, free_and_total=lambda: (600, 10_000))
    assert put(roomy, b"a" * 100, 0, 100).status_code == 200
    tight = client_of(home, free_and_total=lambda: (599, 10_000))
    assert put(tight, b"a" * 100, 0, 100, upload_id="f" * 32).status_code == 507


def test_more_bytes_than_announced_are_dropped(home):
    client = client_of(home)
    put(client, b"abc", 0, 10)
    answer = put(client, b"d" * 8, 3, 10)
    assert answer.status_code == 413
    assert offset_of(client) == 3


def test_a_chunk_has_a_largest_size(home):
    client = client_of(home)
    answer = put(client, b"a" * (MAX_CHUNK_BYTES + 1), 0, 2 * MAX_CHUNK_BYTES)
    assert answer.status_code == 413 and offset_of(client) == 0


@pytest.mark.parametrize(
    "bad",
    [
        {"Upload-Offset": "-1"},
        {"Upload-Offset": "abc"},
        {"Upload-Length": "0"},
        {"Upload-Length": "9" * 30},
        {"Upload-Kind": "exe"},
    ],
)
def test_a_request_that_makes_no_sense_is_refused(home, bad):
    assert put(client_of(home), b"abc", 0, 3, **bad).status_code in (400, 413)
    assert uploads_in(home) == []


def test_the_declared_size_cannot_change_on_the_way(home):
    client = client_of(home)
    put(client, b"abc", 0, 10)
    assert put(client, b"def", 3, 20).status_code == 400


def test_a_cancelled_upload_leaves_nothing(home):
    client = client_of(home)
    put(client, b"abc", 0, 10)
    assert client.delete(f"/api/upload/{ID}", headers={"X-Thaw": "1"}).status_code == 204
    assert uploads_in(home) == [] and offset_of(client) == 0


def test_parts_nobody_touches_go_after_a_week(home):
    put(client_of(home), b"abc", 0, 10)
    uploads = Uploads(home)
    written = (home.folder("uploads") / f"{ID}.part").stat().st_mtime
    assert uploads.clear_stale(now=written + STALE_S - 60) == 0
    assert uploads.clear_stale(now=written + STALE_S + 60) == 2
    assert uploads_in(home) == []


def test_a_name_is_kept_as_words_never_as_a_path(home):
    put(client_of(home), b"abc", 0, 3, **{"Upload-Name": "..%2F..%2Fevil.zip"})
    assert uploads_in(home) == [f"{ID}.json", f"{ID}.upload"]
    assert not list(Path(home.root).parent.rglob("evil.zip"))
