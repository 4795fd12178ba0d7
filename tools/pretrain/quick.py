"""Depthwise convolutions that train fast on a processor: the same sums, asked for differently.

In torch 2.14 the backward pass of a depthwise convolution leaves the fast kernels in two cases: a
stride of two in bfloat16 takes some ten times as long as a stride of one (64 channels of 48 x 48,
128 pictures, two cores: 139 ms beside 14), and a 5 x 5 kernel in bfloat16 three times as long as in
float32. So the first is computed at every place, of which every second is kept, and the second in
float32. A whole step at 96 px is 1.75 times as fast with it (lcnet_100, mobilenetv3_small_100; the
plain network measured in turn). Other networks and devices are left as they are.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["quickened"]

WIDE = 5  # a kernel from here on is computed in float32


class _Depthwise(nn.Conv2d):
    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, C, ceil(H / stride), ceil(W / stride))."""
        down, across = self.stride
        if self.kernel_size[0] < WIDE:
            found = F.conv2d(x, self.weight, self.bias, 1, self.padding, 1, self.groups)
        else:
            with torch.autocast(x.device.type, enabled=False):
                found = F.conv2d(
                    x.float(), self.weight, self.bias, 1, self.padding, 1, self.groups
                ).to(x.dtype)
        return found[:, :, ::down, ::across] if max(self.stride) > 1 else found


def quickened(model: nn.Module) -> nn.Module:
    """The network itself; its depthwise convolutions compute as this module says.

    Names and weights stay, so that they can be written and read as those of the plain network.
    """
    for one in model.modules():
        if type(one) is nn.Conv2d and _slow(one):
            one.__class__ = _Depthwise
    return model


def _slow(conv: nn.Conv2d) -> bool:
    """Depthwise, with what the fast kernels do not take, and as large as its borders."""
    return (
        conv.groups == conv.in_channels == conv.out_channels > 1
        and (max(conv.stride) > 1 or conv.kernel_size[0] >= WIDE)
        and conv.dilation == (1, 1)
        and conv.padding_mode == "zeros"
        and conv.padding == tuple(one // 2 for one in conv.kernel_size)
        and all(one % 2 for one in conv.kernel_size)
    )
