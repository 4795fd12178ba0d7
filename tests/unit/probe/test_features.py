"""What every block makes of pictures: computed once, kept by content, measured when asked to."""

import numpy as np
import pytest
import torch

from tests.unit.probe.pictures import striped
from tests.unit.train.tiny import tiny_groups, tiny_net
from tl_core.cache.numerics import EXACT, Numerics
from tl_core.cache.shelf import Shelf
from tl_core.probe.features import BlockFeatures, both_views

SIZE = 32
FAST = Numerics(precision="bfloat16", stored="float16", fused=True)


@pytest.fixture
def looks(monkeypatch):
    """Sizes of the batches that went through a network."""
    counted = []

    def counting(network, images):
        counted.append(len(images))
        return both_views(network, images)

    monkeypatch.setattr("tl_core.probe.features.both_views", counting)
    return counted


def opened(home=None, *, model=None, numerics=EXACT, **options):
    return BlockFeatures(
        model or tiny_net().eval(),
        tiny_groups(),
        image_size=SIZE,
        mean=(0.5, 0.4, 0.3),
        std=(0.2, 0.3, 0.25),
        n_pictures=40,
        numerics=numerics,
        shelf=None if home is None else Shelf(home),
        home=home,
        **options,
    )


def keys(n, start=0):
    return [f"picture-{place}" for place in range(start, start + n)]


def test_a_row_is_what_the_network_gives():
    images, _ = striped(21, SIZE)
    looked, told = opened(), []
    found = looked.of(images, progress=lambda *one: told.append(one))
    assert found.shape == (21, looked.taps.width) and found.dtype == torch.float16
    assert told == [(0, 21), (21, 21)]
    mean = torch.tensor((0.5, 0.4, 0.3)).view(1, 3, 1, 1)
    std = torch.tensor((0.2, 0.3, 0.25)).view(1, 3, 1, 1)
    with torch.no_grad():
        want = both_views(looked.taps.network, (torch.from_numpy(images) / 255 - mean) / std)
    torch.testing.assert_close(found.float(), want, atol=2e-3, rtol=2e-3)
    assert looked.of(images[:0]).shape == (0, looked.taps.width)


def test_what_was_looked_at_is_not_looked_at_again(home, looks):
    images, _ = striped(40, SIZE)
    first = opened(home).of(images, keys(40))
    assert sum(looks) == 48  # three batches of 16
    looks.clear()
    again = opened(home).of(images[::-1].copy(), keys(40)[::-1])  # another object, another order
    assert looks == [] and torch.equal(again, first.flip(0))
    told = []
    opened(home).of(images, keys(40), lambda *one: told.append(one))
    assert told == [(0, 40), (40, 40)]


def test_a_picture_that_comes_later_costs_only_itself(home, looks):
    images, _ = striped(40, SIZE)
    opened(home).of(images[:24], keys(24))
    looks.clear()
    both = opened(home).of(images, keys(40))
    assert sum(looks) == 16
    torch.testing.assert_close(both, opened().of(images), atol=2e-3, rtol=2e-3)


@pytest.mark.parametrize("change", ["weights", "numerics", "fit", "mean"])
def test_other_circumstances_other_rows(home, looks, change):
    images, _ = striped(16, SIZE)
    opened(home, facts={"fit": "squash"}).of(images, keys(16))
    looks.clear()
    model, options = tiny_net().eval(), {"facts": {"fit": "squash"}}
    if change == "weights":
        with torch.no_grad():
            next(model.parameters()).mul_(1.01)
    elif change == "numerics":
        options["numerics"] = FAST
    elif change == "fit":
        options["facts"] = {"fit": "pad"}
    looked = opened(home, model=model, **options)
    if change == "mean":
        looked._mean = (0.1, 0.4, 0.3)
    looked.of(images, keys(16))
    assert sum(looks) == 16


def test_nothing_is_kept_without_names(home, looks):
    images, _ = striped(16, SIZE)
    opened(home).of(images)
    opened(home).of(images)
    assert sum(looks) == 32


def test_how_to_compute_is_measured_once_and_remembered(home, monkeypatch):
    images, _ = striped(16, SIZE)
    looked = opened(home, numerics=None)
    numerics = looked.numerics(images)
    assert numerics.prefix_batch == 32 and numerics.stored == "float16" and looked.seconds > 0
    monkeypatch.setattr("tl_core.cache.choosing._Trial", None)  # would be called to measure again
    assert opened(home, numerics=None).numerics(images) == numerics
    assert np.isfinite(looked.of(images).numpy()).all()
