"""Maps and tokens as averages and maxima, the same by two ways of computing them."""

import pytest
import torch

from tl_core.probe import pooling
from tl_core.probe.pooling import Layout, Pool, Scheme, layout_of

FINE = Scheme(cells=3, peaks=True)


def noise(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def test_a_map_is_pooled_whole_and_in_cells():
    x = noise(2, 5, 6, 6)
    found = Pool(Layout(kind="map", channels=5, side=6), FINE)(x)
    assert found.shape == (2, 5 * 20)
    average, maximum, cells, peaks = found.split([5, 5, 45, 45], 1)
    torch.testing.assert_close(average, x.mean((2, 3)))
    torch.testing.assert_close(maximum, x.amax((2, 3)))
    corner = x[:, :, 4:, :2]  # last row of cells, first column
    torch.testing.assert_close(cells.view(2, 3, 3, 5)[:, 2, 0], corner.mean((2, 3)))
    torch.testing.assert_close(peaks.view(2, 3, 3, 5)[:, 2, 0], corner.amax((2, 3)))


@pytest.mark.parametrize("side", [1, 2, 3, 4, 7, 32])
@pytest.mark.parametrize("cells", [0, 2, 3])
def test_the_form_for_export_gives_the_same(side, cells):
    x = noise(2, 3, side, side + 1)
    few = min(cells, side)
    one, two = pooling._at_once(x, few, True), pooling._by_slices(x, few, True)
    for a, b in zip(one, two, strict=True):
        assert (a is None) == (b is None) == (few == 0)
        if a is not None and b is not None:
            torch.testing.assert_close(a, b)


@pytest.mark.parametrize("cells", [0, 2, 3])
@pytest.mark.parametrize("peaks", [False, True])
@pytest.mark.parametrize(
    ("shape", "extra"), [((4, 5, 5), 0), ((5, 5, 4), 0), ((26, 4), 1), ((4,), 0), ((4, 1, 1), 0)]
)
def test_the_width_is_known_before(shape, extra, cells, peaks):
    scheme = Scheme(cells=cells, peaks=peaks)
    layout = layout_of(shape, extra=extra)
    pool = Pool(layout, scheme)
    width = pool(noise(2, *shape)).shape[1]
    assert width == layout.values(scheme) == sum(one.size for one in pool.blocks("a"))


def test_tokens_and_maps_with_channels_last_are_read_as_the_same_map():
    x = noise(2, 4, 5, 5)
    plain = Pool(Layout(kind="map", channels=4, side=5), FINE)(x)
    last = Pool(layout_of((5, 5, 4)), FINE)(x.permute(0, 2, 3, 1))
    tokens = torch.cat([noise(2, 1, 4), x.flatten(2).transpose(1, 2)], 1)
    read = Pool(layout_of((26, 4), extra=1), FINE)(tokens)
    torch.testing.assert_close(last, plain)
    torch.testing.assert_close(read[:, 4:], plain)
    torch.testing.assert_close(read[:, :4], tokens[:, 0])


def test_layouts_are_read_from_shapes():
    assert layout_of((8, 4, 4)) == Layout(kind="map", channels=8, side=4)
    assert layout_of((4, 4, 8)) == Layout(kind="last", channels=8, side=4)
    assert layout_of((4, 4, 4)) == Layout(kind="map", channels=4, side=4)
    assert layout_of((8, 1, 1)) == Layout(kind="vector", channels=8)
    assert layout_of((50, 6), extra=1) == Layout(kind="tokens", channels=6, side=7, extra=1)
    assert layout_of((51, 6)) == Layout(kind="tokens", channels=6, side=7, extra=2)
    assert layout_of((1, 2, 3, 4)) is None


def test_the_answer_is_float32_whatever_comes_in():
    x = noise(2, 4, 6, 6).bfloat16()
    assert Pool(layout_of((4, 6, 6)), FINE)(x).dtype == torch.float32
