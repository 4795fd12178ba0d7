"""The tool that writes features of source pictures: which pictures, which scale, the same again."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from pyarrow import parquet

from tests.conftest import SHARED
from tl_core.advise.shipped import read_source
from tl_core.models.catalog import ASSETS, DEFAULT_MODEL, card, weights_path
from tl_core.models.facts import ModelCard
from tl_core.storage import file_digest
from tools import source_features
from tools.source_features import (
    KEPT,
    Looker,
    balanced,
    catalogued,
    changes,
    measured,
    pictures_of,
)

SOURCE = SHARED / "data" / "tiny_imagenet_200_valid.parquet"


def file_of(colour: np.ndarray, rng: np.random.Generator) -> bytes:
    body = io.BytesIO()
    values = (colour + rng.normal(0, 30, (24, 24, 3))).clip(0, 255).astype(np.uint8)
    Image.fromarray(values).save(body, "PNG")
    return body.getvalue()


def test_every_class_is_drawn_from_alike() -> None:
    labels = np.repeat(np.arange(7), [3, 9, 9, 9, 9, 9, 9])
    rows = balanced(labels, 21, 0)
    assert list(rows) == sorted(set(rows)) and list(np.bincount(labels[rows])) == [3] * 7
    counts = np.bincount(labels[balanced(labels, 25, 0)], minlength=7)
    assert counts[0] == 3 and sorted(counts[1:]) == [3, 3, 4, 4, 4, 4]
    assert list(balanced(labels, 21, 1)) != list(rows)


def test_a_table_becomes_features_and_a_scale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    colours, labels = rng.uniform(40, 215, (4, 3)), np.repeat(np.arange(4), 8)
    table = {"image": [file_of(colours[one], rng) for one in labels], "label": labels}
    path = tmp_path / "pictures.parquet"
    parquet.write_table(pa.table(table), path)
    monkeypatch.setattr(source_features, "DRAWS", 6)
    contents, read = pictures_of(path)
    assert list(read) == list(labels)
    source = measured(card(DEFAULT_MODEL), contents, read, kept=12, seed=0)
    assert source.features.shape == (12, 512)
    assert np.array_equal(source.features, source.features.astype(np.float16))
    assert source.weights == file_digest(weights_path(card(DEFAULT_MODEL)))
    assert [(one.what, one.kinds) for one in source.rungs] == [
        ("same", 0),
        ("kinds", 1),
        ("kinds", 2),
        ("grey", 0),
        ("blurred", 0),
        ("shuffled", 0),
    ]
    same, one, two = (rung.value for rung in source.rungs[:3])
    assert same < two < one


def test_shuffled_pictures_have_the_same_pixels_elsewhere() -> None:
    values = np.random.default_rng(0).integers(0, 255, (16, 16, 3), dtype=np.uint8)
    image = Image.fromarray(values)
    shuffled = np.asarray(changes(16)["shuffled"](image))
    assert sorted(map(tuple, shuffled.reshape(-1, 3))) == sorted(map(tuple, values.reshape(-1, 3)))
    assert (shuffled != values).mean() > 0.9


def test_the_catalogue_is_given_the_file_and_keeps_the_rest() -> None:
    body = catalogued(card(DEFAULT_MODEL))
    shipped = json.loads((ASSETS / "catalog.json").read_text(encoding="utf-8"))
    assert body == shipped
    assert ModelCard.from_dict(body["models"][0]) == card(DEFAULT_MODEL)


@pytest.mark.shared
@pytest.mark.slow
def test_the_shipped_features_come_out_again() -> None:
    if not SOURCE.is_file():
        pytest.skip("the picture sets are not beside this checkout")
    facts = card(DEFAULT_MODEL)
    source = read_source(facts)
    assert source is not None
    contents, labels = pictures_of(SOURCE)
    rows = balanced(labels, KEPT, 0)[:24]
    looker = Looker(facts.name, source.image_size)
    again = looker.features([looker.square(contents[at]) for at in rows])
    assert np.allclose(again, source.features[:24], atol=2e-3)
