"""Features of source pictures beside the weights: the right ones, or none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tl_core.advise.advice import Rung
from tl_core.advise.shipped import SourceFeatures, read_source, source_distance, write_source
from tl_core.models.catalog import (
    ASSETS,
    DEFAULT_MODEL,
    card,
    embedded_names,
    source_path,
    weights_path,
)
from tl_core.models.facts import ModelCard
from tl_core.storage import file_digest

RUNGS = (
    Rung(what="same", value=0.0, low=-0.01, high=0.01),
    Rung(what="kinds", kinds=2, value=0.3, low=0.2, high=0.4),
    Rung(what="kinds", kinds=20, value=0.1, low=0.05, high=0.2),
    Rung(what="shuffled", value=2.0, low=1.9, high=2.1),
)


def kept(tmp_path: Path, **more: object) -> ModelCard:
    """The embedded network with a small file of its own."""
    facts = card(DEFAULT_MODEL)
    path = tmp_path / "source.safetensors"
    body = {
        "features": np.random.default_rng(0).gamma(1, 1, (30, 8)),
        "image_size": 64,
        "weights": file_digest(weights_path(facts)),
        "pictures": "thirty pictures",
        "rungs": RUNGS,
    }
    write_source(path, SourceFeatures(**{**body, **more}))  # type: ignore[arg-type]
    return replace(facts, source_file=str(path), source_sha256=file_digest(path))


@pytest.mark.parametrize("name", embedded_names())
def test_every_embedded_network_ships_those_of_its_own_weights(name: str) -> None:
    facts = card(name)
    assert (ASSETS / facts.source_file) == source_path(facts)
    source = read_source(facts)
    assert source is not None  # else run tools/source_features.py for it again
    assert source.features.shape[1] == facts.features and len(source.features) >= 500
    assert np.isfinite(source.features).all()
    assert source.image_size == facts.input_px
    assert source_path(facts).stat().st_size < 1_500_000
    value = {one.what: one.value for one in source.rungs if one.what != "kinds"}
    assert value["same"] < 0.01 * value["shuffled"]
    assert max(value, key=value.__getitem__) == "shuffled"
    parts = [one for one in source.rungs if one.what == "kinds"]
    assert [one.kinds for one in parts] == sorted(one.kinds for one in parts)
    assert parts[0].value > parts[-1].value > 0
    assert all(one.low <= one.value <= one.high for one in source.rungs)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    source = read_source(kept(tmp_path))
    assert source is not None
    wanted = np.random.default_rng(0).gamma(1, 1, (30, 8))
    assert np.allclose(source.features, wanted, rtol=1e-3)
    assert (source.image_size, source.pictures, source.rungs) == (64, "thirty pictures", RUNGS)


def test_other_weights_another_file_and_a_damaged_one_are_not_used(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    good = kept(tmp_path)
    assert read_source(replace(good, source_sha256="0" * 64)) is None
    assert "not the file of the catalogue" in caplog.text
    assert read_source(kept(tmp_path, weights="1" * 64)) is None
    assert "made with other weights" in caplog.text
    assert read_source(replace(good, source_file=str(tmp_path / "gone"))) is None
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"no features")
    torn = replace(good, source_file=str(broken), source_sha256=file_digest(broken))
    assert read_source(torn) is None
    mine, units = np.ones((20, 8)), np.arange(20)
    options = {"weights": "pretrained", "image_size": 64, "n_classes": 2}
    assert source_distance(torn, mine, units, **options) == (None, "damaged")  # type: ignore[arg-type]


def test_it_is_compared_only_where_that_means_something(tmp_path: Path) -> None:
    facts = kept(tmp_path)
    mine, units = np.random.default_rng(1).gamma(1, 1, (40, 8)), np.arange(40) // 2

    def compared(facts: ModelCard, weights: str = "pretrained", size: int = 64, n: int = 3):
        return source_distance(facts, mine, units, weights=weights, image_size=size, n_classes=n)

    found, why = compared(facts)
    assert found is not None and why == ""
    assert (found.pictures, found.compared) == (40, 30)
    assert found.low < found.value < found.high
    assert [(one.what, one.kinds) for one in found.rungs] == [
        ("same", 0),
        ("kinds", 2),
        ("shuffled", 0),
    ]
    many, _ = compared(facts, n=15)
    assert many is not None and [one.kinds for one in many.rungs] == [0, 20, 0]
    assert compared(facts, weights="file") == (None, "unshipped")
    assert compared(card("resnet18.tv_in1k")) == (None, "unshipped")
    assert compared(facts.for_channels(5)) == (None, "channels")
    assert compared(facts, size=96) == (None, "size")
