"""The whole way with pictures of five channels, of which no colour tells the classes apart."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile

from tl_core.cli.main import main

QUICK = ["--image-size", "64"]


@pytest.fixture(scope="module")
def stained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """16-bit pictures whose classes differ in the fourth and the fifth channel only."""
    root = tmp_path_factory.mktemp("set") / "stained"
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:48, :48]
    for number, label in enumerate(("left", "right")):
        (root / label).mkdir(parents=True)
        for i in range(14):
            values = rng.normal(300, 40, (48, 48, 5))
            top, side = rng.uniform(12, 36, 2)
            spot = np.exp(-((y - top) ** 2 + (x - side) ** 2) / 60)
            values[..., 0] += 900 * spot
            values[..., 3 + number] += 9000 * spot
            tifffile.imwrite(
                root / label / f"{i}.tif",
                values.clip(0, 65_535).astype(np.uint16),
                photometric="minisblack",
                planarconfig="contig",
                metadata=None,
            )
    return root


def test_five_channels_are_trained_exported_and_asked(
    stained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = ["--home", str(tmp_path / "home")]
    assert main(["train", str(stained), "--layers", "deep-probe", *QUICK, *home]) == 0
    end = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert end["val_accuracy"] == 1.0
    run_id = end["run_id"]
    bundle = tmp_path / "bundle"
    assert main(["export", run_id, "--out", str(bundle), "--json", *home]) == 0
    certificate = json.loads(capsys.readouterr().out)["certificate"]
    assert certificate["same_answers"] == certificate["pictures"] > 0
    prepared = json.loads((bundle / "preprocessing.json").read_text(encoding="utf-8"))
    assert prepared["channels"] == 5
    assert len(prepared["reading"]["planes"][0]) == 5
    told = []
    for source in (run_id, str(bundle)):
        assert main(["predict", source, str(stained / "right"), "--json", *home]) == 0
        told.append(json.loads(capsys.readouterr().out))
    for one, other in zip(*told, strict=True):
        assert one["top"][0][0] == other["top"][0][0] == "right"
        assert one["top"][0][1] == pytest.approx(other["top"][0][1], abs=1e-4)
    photo = Path(__file__).resolve().parents[3] / "docs" / "images" / "train.png"
    assert main(["predict", run_id, str(photo), "--json", *home]) == 2
    (answer,) = json.loads(capsys.readouterr().out)
    assert "has 3 channels, and 5 are needed" in answer["error"]


def test_grey_only_is_a_choice(stained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from tests.unit.jobs.tiles import write_tiles

    tiles = write_tiles(stained.parent / "tiles")
    assert main(["train", str(tiles), "--layers", "exact-head", "--channels", "1", *QUICK]) == 0
    end = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert end["reason"] == "completed"
