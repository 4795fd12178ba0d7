"""The service: answers as the bundle gives them, limits that hold, sentences for refusals."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.unit.export.conftest import CARD, CLASSES, PREPROCESSING, TinyNet, encoded, photo
from tests.unit.ui.client import TestClient
from tl_core.cli.main import main
from tl_core.export.bundle import write_bundle
from tl_core.export.load import Bundle
from tl_core.serve.app import LOOPBACK, create
from tl_core.serve.limits import Bucket, Limits

LOCAL = "http://127.0.0.1"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    folder: Path = write_bundle(
        TinyNet(),
        classes=CLASSES,
        card_facts=CARD,
        preprocessing=PREPROCESSING,
        report=None,
        spec={},
        sample_images=[("a.jpg", encoded(photo(), "JPEG"))],
        target=tmp_path_factory.mktemp("bundle") / "insects",
        date="2026-01-01",
    )
    torch.set_num_threads(threads)
    return folder


@pytest.fixture
def client(bundle: Path) -> Iterator[TestClient]:
    limits = Limits(megabytes=0.2, pictures=3, per_minute=100)
    with TestClient(create(Bundle.open(bundle), "Insects", limits), base_url=LOCAL) as opened:
        yield opened


def picture(seed: int = 0, name: str = "a.jpg") -> tuple[str, tuple[str, bytes]]:
    return "files", (name, encoded(photo(60 + seed, 50, seed=seed), "JPEG"))


def test_answers_are_those_of_the_bundle_itself(
    client: TestClient, bundle: Path, tmp_path: Path
) -> None:
    sent = [picture(seed, f"p{seed}.jpg") for seed in range(3)]
    found = client.post("/predict", files=sent).json()["answers"]
    assert [one["file"] for one in found] == ["p0.jpg", "p1.jpg", "p2.jpg"]
    for one, (_, (name, content)) in zip(found, sent, strict=True):
        path = tmp_path / name
        path.write_bytes(content)
        own = next(iter(Bundle.open(bundle).predict([path])))
        assert one == {**own, "file": name}


def test_what_is_no_picture_gets_a_sentence_and_the_rest_answers(client: TestClient) -> None:
    broken = ("files", ("notes.txt", b"no picture at all"))
    found = client.post("/predict", files=[picture(), broken]).json()["answers"]
    assert found[0]["answer"] in CLASSES and found[0]["error"] == ""
    assert found[1]["answer"] is None and found[1]["error"]
    assert "tmp" not in found[1]["error"] and "thaw-serve" not in found[1]["error"]


def test_nothing_sent_is_kept(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Path] = []
    own = Bundle.predict

    def watched(self: Bundle, paths: Any) -> Any:
        seen.extend(paths)
        assert all(one.is_file() for one in seen)
        return own(self, seen)

    monkeypatch.setattr(Bundle, "predict", watched)
    client.post("/predict", files=[picture()])
    assert seen and not any(one.exists() or one.parent.exists() for one in seen)


def test_too_many_pictures_and_too_many_bytes_are_turned_away(client: TestClient) -> None:
    many = client.post("/predict", files=[picture(seed) for seed in range(4)])
    assert many.status_code == 413 and many.json()["message"] == "A request may hold 3 pictures."
    large = client.post("/predict", files={"files": ("a.jpg", b"x" * 300_000)})
    assert large.status_code == 413 and "0.2 MB" in large.json()["message"]


def test_a_request_that_hides_its_length_is_ended_where_it_is_too_long(client: TestClient) -> None:
    def endless() -> Iterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="files"; filename="a.jpg"\r\n\r\n'
        for _ in range(100):
            yield b"x" * 10_000

    headers = {"content-type": "multipart/form-data; boundary=b"}
    answer = client.post("/predict", content=endless(), headers=headers)
    assert answer.status_code == 413


def test_nothing_to_look_at_is_said(client: TestClient) -> None:
    answer = client.post("/predict")
    assert answer.status_code == 422
    assert answer.json()["message"] == "There is no picture in what was sent."


def test_a_caller_that_asks_too_often_waits(bundle: Path) -> None:
    app = create(Bundle.open(bundle), "Insects", Limits(per_minute=2))
    with TestClient(app, base_url=LOCAL) as client:
        codes = [client.post("/predict", files=[picture()]).status_code for _ in range(3)]
        assert codes == [200, 200, 429]
        last = client.post("/predict", files=[picture()])
        assert 1 <= int(last.headers["retry-after"]) <= 31
        assert client.get("/health").status_code == 200, "looking is not asking"


def test_a_bucket_fills_again_and_knows_its_callers_apart() -> None:
    now = [0.0]
    bucket = Bucket(60, clock=lambda: now[0])
    assert [bucket.wait("a") for _ in range(60)] == [0.0] * 60
    assert bucket.wait("a") == pytest.approx(1.0) and bucket.wait("b") == 0.0
    now[0] = 1.0
    assert bucket.wait("a") == 0.0 and bucket.wait("a") > 0


def test_a_site_that_points_its_name_at_this_machine_gets_nothing(client: TestClient) -> None:
    answer = client.get("/about", headers={"host": "evil.example"})
    assert answer.status_code == 400
    assert client.get("/about", headers={"host": "localhost:8000"}).status_code == 200


def test_it_describes_itself_and_its_page_needs_no_other_server(client: TestClient) -> None:
    told = client.get("/openapi.json").json()
    assert set(told["paths"]) == {"/health", "/about", "/predict"}
    answers = set(told["paths"]["/predict"]["post"]["responses"])
    assert answers == {"200", "400", "413", "422", "429"}
    about = client.get("/about").json()
    assert about["classes"] == CLASSES and about["pictures"] == 3
    page = client.get("/").text
    assert "<h1>Insects</h1>" in page and "https://" not in page and "{{" not in page
    assert client.get("/docs").status_code == 404, "that page would come from elsewhere"


def test_a_name_cannot_become_markup(bundle: Path) -> None:
    app = create(Bundle.open(bundle), "<script>x</script>")
    with TestClient(app, base_url=LOCAL) as client:
        assert "<script>x" not in client.get("/").text


def test_the_command_listens_on_this_machine_only_unless_told(
    bundle: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    started: list[dict[str, Any]] = []
    monkeypatch.setattr("uvicorn.run", lambda app, **options: started.append(options))
    assert main(["serve", str(bundle)]) == 0
    assert started[0]["host"] == "127.0.0.1"
    told = capsys.readouterr()
    assert "answers at http://127.0.0.1:8000" in told.out and told.err == ""
    assert main(["serve", str(bundle), "--host", "0.0.0.0", "--json"]) == 0
    assert "there is no password" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["missing-bundle"], "There is no bundle missing-bundle."),
        (["BUNDLE", "--pictures", "0"], "--pictures must be above 0."),
    ],
)
def test_what_cannot_be_served_is_said(
    bundle: Path, options: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    real = [str(bundle) if one == "BUNDLE" else one for one in options]
    assert main(["serve", *real]) == 2
    assert sentence in capsys.readouterr().err


def test_options_have_the_limits_as_defaults() -> None:
    parser = argparse.ArgumentParser()
    from tl_core.cli.main import _serve_options

    _serve_options(parser)
    given = parser.parse_args(["x"])
    own = Limits()
    assert (given.megabytes, given.pictures, given.per_minute) == (
        own.megabytes,
        own.pictures,
        own.per_minute,
    )
    assert given.host in LOOPBACK
