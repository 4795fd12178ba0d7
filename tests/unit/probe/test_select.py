"""Every block is heard, and what is where gets the share it is given."""

import pytest
import torch

from tl_core.probe.pooling import Block
from tl_core.probe.select import PLACED, prepared_features

BLOCKS = (
    Block(group="a", placed=False, size=4),
    Block(group="a", placed=True, size=40),
    Block(group="b", placed=False, size=10),
    Block(group="b", placed=True, size=6),
    Block(group="b", placed=False, size=5),  # a second one of the same kind counts with the first
)
WIDTH = sum(one.size for one in BLOCKS)


def features(n=200):
    source = torch.Generator().manual_seed(0)
    x = torch.randn(n, WIDTH, generator=source) * torch.linspace(0.5, 20, WIDTH) + 3
    x[:, 2] = 1.0  # says nothing
    return x.half()


@pytest.mark.parametrize("placed", [0.85, 0.4])
def test_groups_share_evenly_and_kinds_as_told(placed):
    ready = prepared_features(features(), BLOCKS)
    x = ready.scaled(placed)
    assert float(x.mean(0).abs().max()) < 1e-3
    assert float(x.square().sum(1).mean()) == pytest.approx(1.0, abs=1e-3)
    lengths = [float(one.square().sum(1).mean()) for one in x.split([b.size for b in BLOCKS], 1)]
    assert lengths[1] == pytest.approx(placed / 2, abs=1e-3)
    assert lengths[3] == pytest.approx(placed / 2, abs=1e-3)
    assert lengths[0] == pytest.approx((1 - placed) / 2, abs=1e-3)
    assert lengths[2] + lengths[4] == pytest.approx((1 - placed) / 2, abs=1e-3)
    assert float(x[:, 2].abs().max()) == 0.0


def test_products_are_those_of_the_scaled_features():
    ready = prepared_features(features(60), BLOCKS)
    rows = torch.arange(0, 60, 2)
    for placed in PLACED:
        x = ready.scaled(placed)
        torch.testing.assert_close(
            ready.mixed(ready.products(None), placed), x @ x.t(), atol=1e-4, rtol=1e-3
        )
        some = ready.mixed(ready.products(rows), placed)
        torch.testing.assert_close(some, x[rows] @ x[rows].t(), atol=1e-4, rtol=1e-3)


def test_weights_of_pictures_become_weights_of_features():
    ready = prepared_features(features(30), BLOCKS)
    of_pictures = torch.randn(3, 30)
    torch.testing.assert_close(ready.weighted(of_pictures, 0.4), of_pictures @ ready.scaled(0.4))


@pytest.mark.parametrize("placed", [False, True])
def test_one_kind_alone_has_everything(placed):
    ready = prepared_features(features()[:, 3:12], (Block(group="a", placed=placed, size=9),))
    assert len(ready.shares) == 1
    share = ready.shares[0]
    assert float(ready.scaled(share).square().sum(1).mean()) == pytest.approx(1.0, abs=1e-3)
    x = ready.scaled(share)
    torch.testing.assert_close(
        ready.mixed(ready.products(None), share), x @ x.t(), atol=1e-4, rtol=1e-3
    )
