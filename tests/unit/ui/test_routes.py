"""Pictures, downloads, health and the chart library."""

import io
from pathlib import Path

import pytest
from PIL import Image
from starlette.applications import Starlette

from tests.unit.ui.client import TestClient
from tl_core.jobs.queue import Queue
from tl_core.jobs.schema import open_engine
from tl_core.storage import Home
from tl_ui.server.routes import PLOTLY_URL, routes_for


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def client(home: Home) -> TestClient:
    return TestClient(Starlette(routes=routes_for(home)), base_url="http://localhost")


@pytest.fixture
def digest(home: Home, tmp_path: Path) -> str:
    path = tmp_path / "photo.jpg"
    image = Image.new("RGB", (2400, 1200), (30, 90, 160))
    exif = image.getexif()
    exif[0x010E] = "taken at a secret place"
    image.save(path, exif=exif)
    stored: str = home.put_blob(path)
    return stored


@pytest.mark.parametrize("size", [160, 320])
def test_a_thumbnail_is_made_once_and_kept_by_the_browser(client, home, digest, size):
    answer = client.get(f"/thumb/{digest}/{size}.jpg")
    assert answer.status_code == 200 and answer.headers["content-type"] == "image/jpeg"
    assert max(Image.open(io.BytesIO(answer.content)).size) == size
    assert "immutable" in answer.headers["cache-control"]
    assert home.thumb(digest, size).is_file()
    tag = answer.headers["etag"]
    again = client.get(f"/thumb/{digest}/{size}.jpg", headers={"If-None-Match": tag})
    assert again.status_code == 304 and again.content == b""


def test_a_picture_is_at_most_screen_size_and_says_nothing_about_its_place(client, digest):
    answer = client.get(f"/picture/{digest}")
    image = Image.open(io.BytesIO(answer.content))
    assert image.format == "JPEG" and image.size == (1600, 800)
    assert not image.getexif() and b"secret" not in answer.content


@pytest.mark.parametrize(
    "path",
    [
        "/thumb/{digest}/161.jpg",
        "/thumb/{digest}/-160.jpg",
        "/thumb/" + "0" * 64 + "/160.jpg",
        "/thumb/..%2f..%2fthaw/160.jpg",
        "/thumb/{digest}x/160.jpg",
        "/picture/..",
        "/picture/%2e%2e%2fthaw.db",
        "/picture/" + "G" * 64,
        "/picture/" + "0" * 64,
    ],
)
def test_what_is_no_picture_is_not_found(client, digest, path):
    assert client.get(path.format(digest=digest)).status_code == 404


def test_a_stored_file_that_is_no_picture_is_not_served(client, home, tmp_path):
    path = tmp_path / "page.html"
    path.write_text("<script>alert(1)</script>")
    digest = home.put_blob(path)
    assert client.get(f"/picture/{digest}").status_code == 404
    assert client.get(f"/thumb/{digest}/160.jpg").status_code == 404


def test_an_export_is_downloaded_and_nothing_else_of_the_run(client, home):
    folder = home.run_dir("t0123456789")
    (folder / "export").mkdir()
    (folder / "export" / "thaw-bees.zip").write_bytes(b"PK-bundle")
    (folder / "weights.safetensors").write_bytes(b"private")
    answer = client.get("/api/export/t0123456789/thaw-bees.zip")
    assert answer.content == b"PK-bundle"
    assert 'filename="thaw-bees.zip"' in answer.headers["content-disposition"]
    part = client.get("/api/export/t0123456789/thaw-bees.zip", headers={"Range": "bytes=0-1"})
    assert part.status_code == 206 and part.content == b"PK"
    for path in (
        "t0123456789/..%2fweights.safetensors",
        "t0123456789/%2e%2e%2fweights.safetensors",
        "t0123456789/..%5cweights.safetensors",
        "t0123456789/.hidden",
        "../t0123456789/thaw-bees.zip",
        "..%2f..%2f/thaw.db",
        "t0123456789/missing.zip",
        "t0123456789/",
    ):
        assert client.get(f"/api/export/{path}").status_code == 404, path


def test_a_link_out_of_the_export_folder_is_not_followed(client, home):
    folder = home.run_dir("t0123456789") / "export"
    folder.mkdir()
    secret = home.root / "secret.txt"
    secret.write_text("secret")
    try:
        (folder / "link.txt").symlink_to(secret)
    except OSError:
        pytest.skip("this system does not let us make links")
    assert client.get("/api/export/t0123456789/link.txt").status_code == 404


def test_health_tells_whether_work_can_be_done(client, home):
    lonely = client.get("/api/health")
    assert lonely.status_code == 503 and lonely.json()["status"] == "degraded"
    assert lonely.json()["store_writable"] is True and lonely.json()["supervisor_age_s"] is None
    Queue(open_engine(home)).note_service("supervisor", 1)
    well = client.get("/api/health")
    assert well.status_code == 200 and well.json()["status"] == "ok"
    assert well.json()["disk_free_bytes"] > 0 and well.headers["cache-control"] == "no-store"


def test_the_chart_library_is_served_from_the_package(client):
    answer = client.get(PLOTLY_URL)
    assert answer.status_code == 200 and b"plotly.js v" in answer.content[:200]
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["content-type"].startswith("text/javascript")
