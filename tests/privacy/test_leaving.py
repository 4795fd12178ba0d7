"""What leaves the app says nothing about where and by whom the pictures were taken."""

from __future__ import annotations

import base64
import csv
import io
import re
import shutil
import sys
import zipfile
from pathlib import Path

import onnx
import pytest
from PIL import Image

from tests.conftest import ROOT
from tests.privacy.lived import Lived, found_in, live
from tests.privacy.marked import ENDINGS, MARK, PATH_MARK, marked_picture
from tl_core.cli.main import main
from tl_core.data.thumbs import ensure_thumb
from tl_core.jobs.reporting import report_html
from tl_core.jobs.schema import open_engine
from tl_core.session import Studio
from tl_ui.server.pictures import screen_picture

pytestmark = pytest.mark.slow

OUTSIDE = [MARK, PATH_MARK, str(ROOT), sys.prefix, str(Path.home())]


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Lived:
    return live(tmp_path_factory.mktemp("lived"))


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_markers_are_really_there(ending: str) -> None:
    assert marked_picture(ending, bright=True, seed=1).count(MARK.encode()) >= 3


def test_the_bundle_carries_nothing_of_the_pictures_and_of_this_machine(
    lived: Lived, tmp_path: Path
) -> None:
    (archive,) = Studio(lived.home).exported(lived.run)
    shutil.copy(archive, tmp_path / "bundle.zip")
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(tmp_path / "unpacked")
        assert not packed.comment
    words = [*OUTSIDE, lived.project]
    assert found_in(tmp_path, words) == {}
    names = [path.name for path in (tmp_path / "unpacked").rglob("*") if path.is_file()]
    assert not [name for name in names if name.endswith(("jpg", "png", "webp", "tif", "dcm"))]


def test_the_network_carries_only_what_it_needs(lived: Lived, tmp_path: Path) -> None:
    folder = lived.root / "runs" / lived.run / "export" / f"thaw-{lived.run}"
    model = onnx.load(folder / "model.onnx")
    told = {one.key for one in model.metadata_props}
    told |= {one.key for node in model.graph.node for one in node.metadata_props}
    assert told <= {"labels", "preprocessing", "thaw", "classes"}, told
    assert not [node.doc_string for node in model.graph.node if node.doc_string]


def test_reports_and_certificate_name_pictures_only_as_they_were_brought(lived: Lived) -> None:
    folder = lived.root / "runs" / lived.run
    reports = [*folder.glob("report-*.json"), *folder.rglob("certificate.json")]
    assert len(reports) == 3
    for path in reports:
        text = path.read_text(encoding="utf-8")
        assert not [word for word in OUTSIDE if word in text], path.name


@pytest.mark.parametrize("pictures", [True, False])
def test_a_report_carries_nothing_that_a_camera_or_this_machine_noted(
    lived: Lived, pictures: bool
) -> None:
    written = report_html(lived.home, open_engine(lived.home), lived.other_run, pictures=pictures)
    assert not [word for word in OUTSIDE if word in written]
    addresses = re.findall(r'src="data:image/jpeg;base64,([^"]*)"', written)
    assert bool(addresses) is pictures
    for one in addresses:
        body = base64.b64decode(one)
        assert MARK.encode() not in body
        with Image.open(io.BytesIO(body)) as image:
            assert not image.getexif()
    names = {Path(row.path).name for row in Studio(lived.home).images(lived.other)}
    if not pictures:
        assert not [name for name in names if name in written]


def test_thumbnails_and_screen_pictures_are_bare(lived: Lived, tmp_path: Path) -> None:
    home = lived.home
    digests = sorted({*Studio(home).library.digests(lived.project), lived.photo})
    assert len(digests) >= 24
    for digest in digests:
        paths = [ensure_thumb(home, digest, size) for size in (160, 320)]
        for path in (*paths, screen_picture(home, digest)):
            shutil.copy(path, tmp_path / path.name)
            with Image.open(path) as image:
                assert not image.getexif()
                assert image.info.keys() <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
    assert found_in(tmp_path, OUTSIDE) == {}


def test_pictures_made_for_the_preview_are_bare(lived: Lived) -> None:
    made = list((lived.root / "tasks").rglob("*.webp"))
    assert made
    for path in made:
        assert MARK.encode() not in path.read_bytes()


@pytest.mark.parametrize("source", ["bundle", "run"])
def test_a_table_of_predictions_names_files_as_they_were_given(
    lived: Lived,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    source: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    place = tmp_path / PATH_MARK
    (place / "new").mkdir(parents=True)
    for number, ending in enumerate(ENDINGS):
        body = marked_picture(ending, bright=True, seed=number)
        (place / "new" / f"{number}.{ending}").write_bytes(body)
    monkeypatch.chdir(place)
    given = lived.run if source == "run" else str(Studio(lived.home).exported(lived.run)[0])
    assert main(["predict", given, "new", "--csv", "out.csv", "--home", str(lived.root)]) == 0
    text = (place / "out.csv").read_text(encoding="utf-8-sig")
    files = [row["file"].replace("\\", "/") for row in csv.DictReader(io.StringIO(text))]
    assert files == [f"new/{number}.{ending}" for number, ending in enumerate(ENDINGS)]
    assert not [word for word in OUTSIDE if word in text]
