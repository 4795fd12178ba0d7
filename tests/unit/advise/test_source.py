"""Real pictures: those of the source are near, changed ones are told, as decision 0019 says."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageEnhance, ImageFilter
from pyarrow import parquet

from tests.conftest import SHARED
from tl_core.advise.advice import Candidate
from tl_core.advise.distance import norm_distances
from tl_core.advise.source import told
from tl_core.models.build import build
from tl_core.models.catalog import DEFAULT_MODEL, card
from tl_core.models.groups import layer_groups

SOURCE = SHARED / "data" / "tiny_imagenet_200_valid.parquet"
SIDE_PX, N = 128, 96


def far(pictures: list[Image.Image]) -> str:
    facts = card(DEFAULT_MODEL)
    model = build(DEFAULT_MODEL, n_classes=2)
    square = [
        np.asarray(one.resize((SIDE_PX, SIDE_PX), Image.Resampling.BICUBIC)) for one in pictures
    ]
    x = torch.from_numpy(np.stack(square)).permute(0, 3, 1, 2).float() / 255
    mean, std = (torch.tensor(one).view(1, 3, 1, 1) for one in (facts.mean, facts.std))
    found = norm_distances(model, layer_groups(model), ((x - mean) / std).split(32))
    return told(Candidate(name=DEFAULT_MODEL, title="", distance=found))


@pytest.mark.shared
@pytest.mark.slow
def test_the_source_is_near_and_blurred_or_dark_pictures_are_told() -> None:
    if not Path(SOURCE).is_file():
        pytest.skip("the picture sets are not beside this checkout")
    contents = parquet.read_table(SOURCE, columns=["image"]).column("image")
    rows = np.random.default_rng(7).choice(len(contents), N, replace=False)
    pictures = [Image.open(io.BytesIO(contents[int(at)].as_py())).convert("RGB") for at in rows]
    assert far(pictures) == "near"
    blur = ImageFilter.GaussianBlur(3)
    assert far([one.resize((SIDE_PX, SIDE_PX)).filter(blur) for one in pictures]) == "looks"
    assert far([ImageEnhance.Brightness(one).enhance(0.35) for one in pictures]) == "looks"
