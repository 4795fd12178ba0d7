"""Inner products of pictures, in pieces and at half the work."""

import pytest
import torch

from tl_core.probe import spaces
from tl_core.probe.spaces import gram


@pytest.mark.parametrize("shape", [(1, 3), (7, 5), (40, 130), (65, 20)])
def test_the_gram_matrix_is_complete(shape, monkeypatch):
    monkeypatch.setattr(spaces, "ROWS", 16)
    monkeypatch.setattr(spaces, "COLUMNS", 32)
    x = torch.randn(*shape, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(gram(x), x @ x.t(), atol=1e-4, rtol=1e-4)


def test_features_are_shifted_scaled_and_widened_first():
    source = torch.Generator().manual_seed(1)
    x = torch.randn(12, 9, generator=source).half()
    shift, scale = torch.randn(9, generator=source), torch.rand(9, generator=source)
    plain = (x.float() - shift) * scale
    torch.testing.assert_close(gram(x, shift=shift, scale=scale), plain @ plain.t())
    assert x.dtype == torch.float16
