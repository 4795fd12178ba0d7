"""Depthwise convolutions asked for differently give the same answers and the same gradients."""

from __future__ import annotations

import copy

import pytest
import timm
import torch
from torch import nn

from tools.pretrain.quick import quickened


@pytest.mark.parametrize("kernel", [3, 5])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("size", [8, 11])
def test_one_convolution(kernel: int, stride: int, size: int) -> None:
    torch.manual_seed(0)
    plain = nn.Conv2d(6, 6, kernel, stride, kernel // 2, groups=6, bias=False)
    quick = quickened(nn.Sequential(copy.deepcopy(plain)))
    x, y = (torch.randn(3, 6, size, size, generator=torch.Generator().manual_seed(1)) for _ in "ab")
    x, y = x.requires_grad_(), y.requires_grad_()
    one, other = plain(x), quick(y)
    assert one.shape == other.shape
    torch.testing.assert_close(one, other)
    (one**2).sum().backward()
    (other**2).sum().backward()
    torch.testing.assert_close(x.grad, y.grad)
    torch.testing.assert_close(plain.weight.grad, next(quick.parameters()).grad)


def test_a_network_keeps_its_names_and_its_answers() -> None:
    plain = timm.create_model("lcnet_050", num_classes=5).eval()
    quick = quickened(copy.deepcopy(plain))
    changed = [one for one in quick.modules() if type(one).__name__ == "_Depthwise"]
    assert len(changed) > 5
    assert list(plain.state_dict()) == list(quick.state_dict())
    x = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        torch.testing.assert_close(plain(x), quick(x), rtol=1e-4, atol=1e-5)
    with torch.autocast("cpu", torch.bfloat16):
        assert copy.deepcopy(quick)(x).dtype == torch.bfloat16


def test_what_is_not_depthwise_stays_as_it_is() -> None:
    kinds = nn.Sequential(
        nn.Conv2d(4, 4, 3, 2, 1),  # not depthwise
        nn.Conv2d(4, 4, 3, 1, 1, groups=4),  # fast already
        nn.Conv2d(4, 4, 3, 2, 0, groups=4),  # smaller than its borders
        nn.Conv2d(4, 8, 3, 2, 1, groups=4),  # two kernels a channel
        nn.Conv2d(4, 4, 3, 2, 2, groups=4, dilation=2),
        nn.Conv2d(4, 4, 4, 2, 2, groups=4),
    )
    assert {type(one) for one in quickened(kinds)} == {nn.Conv2d}
