"""A fast copy of frozen blocks gives the same features and leaves the network alone."""

from __future__ import annotations

from typing import Any

import pytest
import timm
import torch
from torch import Tensor, nn

from tl_core.errors import FrozenDriftError
from tl_core.models.cut import Cut, cut_network
from tl_core.models.freezing import apply_plan, frozen_digest, set_modes
from tl_core.models.fusing import fast_prefix
from tl_core.models.groups import layer_groups
from tl_core.models.joining import ConvAddRelu, ConvRelu, PoolOfPositive
from tl_core.models.plan import FreezePlan

SIZE = 64


def pictures(count: int = 3, size: int = SIZE) -> Tensor:
    return torch.randn(count, 3, size, size, generator=torch.Generator().manual_seed(1))


def with_statistics(model: nn.Module) -> nn.Module:
    """Batch statistics, scales and shifts that are no longer those of a new layer."""
    source = torch.Generator().manual_seed(2)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            state: Any = module
            with torch.no_grad():
                for one in (state.running_mean, state.bias):
                    one.copy_(0.3 * torch.randn(one.shape, generator=source))
                for one in (state.running_var, state.weight):
                    one.copy_(0.5 + torch.rand(one.shape, generator=source))
    return model


def network(architecture: str, layers: str = "head", **options: Any) -> tuple[Any, Any, Any, Cut]:
    torch.manual_seed(0)
    model = with_statistics(timm.create_model(architecture, num_classes=2, **options))
    groups = layer_groups(model)
    plan = FreezePlan.from_layers(layers, len(groups))
    apply_plan(model, groups, plan)
    set_modes(model, groups, plan, training=False)
    cut = cut_network(model, groups, plan, image_size=SIZE, freeze_norm_stats=False)
    assert cut is not None
    return model, groups, plan, cut


def norms(module: nn.Module) -> int:
    return sum(isinstance(one, nn.BatchNorm2d) for one in module.modules())


def relative(got: Tensor, want: Tensor) -> float:
    return float((got.float() - want).norm() / want.norm())


@pytest.mark.parametrize(
    ("architecture", "layers"),
    [
        ("resnet10t", "head"),
        ("resnet10t", "last:2"),
        ("mobilenetv3_small_100", "head"),  # activations inside the normalisations
        ("regnety_004", "last:1"),
        ("tf_efficientnetv2_b0", "last:1"),  # convolutions with padding of their own
    ],
)
def test_normalisations_are_folded_away(architecture: str, layers: str) -> None:
    model, groups, plan, cut = network(architecture, layers)
    before = frozen_digest(model, groups, plan)
    fast = fast_prefix(cut.prefix, dtype=torch.float32, memory_format=torch.channels_last)
    assert norms(cut.prefix) > 0 and norms(fast) == 0
    with torch.no_grad():
        (want,), (got,) = cut.prefix(pictures()), fast(pictures())
    assert got.shape == want.shape and got.dtype == torch.float32
    assert relative(got, want) < 1e-5
    assert frozen_digest(model, groups, plan) == before
    mine = {id(one) for one in (*model.parameters(), *model.buffers())}
    assert not any(id(one) in mine or one.requires_grad for one in fast.parameters())
    assert not any(one.training for one in fast.modules())


@pytest.mark.parametrize("architecture", ["resnet10t", "convnext_atto", "edgenext_xx_small"])
def test_lower_precision(architecture: str) -> None:
    _, _, _, cut = network(architecture, "last:1")
    fast = fast_prefix(cut.prefix, dtype=torch.bfloat16, memory_format=torch.channels_last)
    with torch.no_grad():
        (want,), (got,) = cut.prefix(pictures()), fast(pictures())
    assert got.dtype == torch.bfloat16
    assert relative(got, want) < 0.03  # bfloat16 has 8 bits
    kernels = [one for one in fast.parameters() if one.ndim == 4]
    assert all(one.is_contiguous(memory_format=torch.channels_last) for one in kernels)
    assert {one.dtype for one in fast.parameters()} == {torch.bfloat16}


def test_a_transformer_of_one_size() -> None:
    model = timm.create_model("vit_tiny_patch16_224", num_classes=0, depth=2, img_size=96).eval()
    fast = fast_prefix(model, dtype=torch.float32, memory_format=torch.contiguous_format)
    with torch.no_grad():
        assert torch.equal(fast(pictures(size=96)), model(pictures(size=96)))


def test_any_network_will_do() -> None:
    model = with_statistics(timm.create_model("resnet10t", num_classes=5)).eval()
    fast = fast_prefix(model, dtype=torch.float32, memory_format=torch.channels_last)
    with torch.no_grad():
        assert relative(fast(pictures()), model(pictures())) < 1e-5
    assert norms(fast) == 0 and norms(model) == 14
    assert all(one.requires_grad for one in model.parameters())


def test_training_mode_is_refused() -> None:
    model, groups, plan, cut = network("resnet10t")
    model.train()
    with pytest.raises(FrozenDriftError, match="must be at rest before they are copied"):
        fast_prefix(cut.prefix, dtype=torch.float32, memory_format=torch.channels_last)
    set_modes(model, groups, plan, training=True)
    fast_prefix(cut.prefix, dtype=torch.float32, memory_format=torch.channels_last)


class Used(nn.Module):
    """One convolution whose answer is used with and without its normalisation."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.norm = nn.BatchNorm2d(4)

    def forward(self, x: Tensor) -> Tensor:
        plain = self.conv(x)
        normed: Tensor = self.norm(plain)
        return normed + plain


def test_a_convolution_used_elsewhere_is_not_folded() -> None:
    model = with_statistics(Used()).eval()
    fast = fast_prefix(model, dtype=torch.float32, memory_format=torch.contiguous_format)
    assert norms(fast) == 1
    with torch.no_grad():
        assert torch.equal(fast(pictures()), model(pictures()))


def joined(module: nn.Module, kind: type[nn.Module] = ConvRelu) -> int:
    return sum(isinstance(one, kind) for one in module.modules())


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_relu_is_part_of_its_convolution(dtype: torch.dtype) -> None:
    _, _, _, cut = network("resnet10t")
    fast = fast_prefix(cut.prefix, dtype=dtype, memory_format=torch.channels_last)
    assert joined(fast) == 7 and joined(cut.prefix) == 0  # stem 3, one of each block
    assert joined(fast, ConvAddRelu) == 4  # the end of each block
    assert joined(fast, PoolOfPositive) == 1
    with torch.no_grad():
        (want,), (got,) = cut.prefix(pictures()), fast(pictures())
    assert relative(got, want) < (1e-5 if dtype == torch.float32 else 0.03)


def test_a_convolution_joined_with_its_relu_is_the_two_in_turn(monkeypatch: Any) -> None:
    torch.manual_seed(0)
    for options in ({"stride": 2, "padding": 1}, {"groups": 3, "bias": False}, {"dilation": 2}):
        conv = nn.Conv2d(3, 6, 3, **options)
        with torch.no_grad():
            want = torch.relu(conv(pictures()))
            torch.testing.assert_close(ConvRelu(conv)(pictures()), want)
            monkeypatch.setattr("tl_core.models.joining._at_once", lambda dtype: False)
            torch.testing.assert_close(ConvRelu(conv)(pictures()), want)
            monkeypatch.undo()


def test_a_convolution_joined_with_a_sum_is_the_three_in_turn(monkeypatch: Any) -> None:
    torch.manual_seed(0)
    for options in ({"stride": 2, "padding": 1}, {"groups": 3, "bias": False}, {"dilation": 2}):
        conv = nn.Conv2d(3, 6, 3, **options)
        with torch.no_grad():
            plain = conv(pictures())
            other = torch.randn_like(plain)
            want = torch.relu(plain + other)
            for layout in (torch.contiguous_format, torch.channels_last):
                x = pictures().contiguous(memory_format=layout)
                for one in (other, other.contiguous(memory_format=layout)):
                    torch.testing.assert_close(ConvAddRelu(conv)(x, one), want)
            monkeypatch.setattr("tl_core.models.joining._at_once", lambda dtype: False)
            torch.testing.assert_close(ConvAddRelu(conv)(pictures(), other), want)
            monkeypatch.undo()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("sides", [(8, 8), (2, 2), (6, 10), (7, 8), (5, 5)])
def test_pooling_positive_numbers_is_pooling(dtype: torch.dtype, sides: tuple[int, int]) -> None:
    pool = nn.MaxPool2d(3, 2, 1)
    x = torch.randn(2, 3, *sides).relu().to(dtype)
    x[0, 0, 0, 0] = float("inf")
    x[1, 2, 1, 1] = float("nan")
    for layout in (torch.contiguous_format, torch.channels_last):
        found = PoolOfPositive(pool)(x.contiguous(memory_format=layout))
        torch.testing.assert_close(found, pool(x), rtol=0, atol=0, equal_nan=True)


class Ends(nn.Module):
    """The end of a block: convolutions of two ways, added; which one is which does not matter."""

    def __init__(self, *, flipped: bool, seen: bool) -> None:
        super().__init__()
        self.left, self.right = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(3, 4, 1)
        self.act = nn.ReLU()
        self.flipped, self.seen = flipped, seen

    def forward(self, x: Tensor) -> Tensor:
        left, right = self.left(x), self.right(x)
        total = right + left if self.flipped else left + right
        cut: Tensor = self.act(total)
        return cut + total if self.seen else cut


@pytest.mark.parametrize("flipped", [False, True])
def test_the_end_of_a_block_is_one_step(flipped: bool) -> None:
    model = Ends(flipped=flipped, seen=False).eval()
    fast = fast_prefix(model, dtype=torch.float32, memory_format=torch.channels_last)
    assert joined(fast, ConvAddRelu) == 1
    with torch.no_grad():
        torch.testing.assert_close(fast(pictures()), model(pictures()))


def test_a_sum_seen_by_others_is_not_joined() -> None:
    model = Ends(flipped=False, seen=True).eval()
    fast = fast_prefix(model, dtype=torch.float32, memory_format=torch.channels_last)
    assert joined(fast, ConvAddRelu) == 0
    with torch.no_grad():
        torch.testing.assert_close(fast(pictures()), model(pictures()))


class Spread(nn.Module):
    """A sum of a picture and one number per channel: two shapes, which cannot be one step."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.gate = nn.Conv2d(3, 3, 3, padding=1), nn.AdaptiveAvgPool2d(1)
        self.act = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        cut: Tensor = self.act(self.conv(x) + self.gate(x))
        return cut


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_sum_of_two_shapes_gives_what_it_gave(dtype: torch.dtype) -> None:
    model = Spread().eval()
    fast = fast_prefix(model, dtype=dtype, memory_format=torch.channels_last)
    with torch.no_grad():
        want = model(pictures())
        assert relative(fast(pictures()), want) < (1e-5 if dtype == torch.float32 else 0.03)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_every_layout_and_type_can_be_computed(
    dtype: torch.dtype, layout: torch.memory_format
) -> None:
    _, _, _, cut = network("resnet10t")
    fast = fast_prefix(cut.prefix, dtype=dtype, memory_format=layout)
    with torch.no_grad():
        (want,), (got,) = cut.prefix(pictures()), fast(pictures())
    assert relative(got, want) < (1e-5 if dtype == torch.float32 else 0.03)


class Seen(nn.Module):
    """A convolution whose answer is used before and after its ReLU."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.act = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        plain = self.conv(x)
        cut: Tensor = self.act(plain)
        return cut + plain


def test_a_convolution_seen_by_others_is_not_joined() -> None:
    fast = fast_prefix(Seen().eval(), dtype=torch.float32, memory_format=torch.channels_last)
    assert joined(fast) == 0


class Twice(nn.Module):
    """The same blocks for a picture and its mirror image."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.norm = nn.BatchNorm2d(4)

    def forward(self, x: Tensor) -> Tensor:
        one: Tensor = self.norm(self.conv(x))
        two: Tensor = self.norm(self.conv(x.flip(3)))
        return one.mean((2, 3)) + two.mean((2, 3))


def test_blocks_passed_through_twice_are_folded_once() -> None:
    model = with_statistics(Twice()).eval()
    fast = fast_prefix(model, dtype=torch.float32, memory_format=torch.contiguous_format)
    assert norms(fast) == 0
    with torch.no_grad():
        assert relative(fast(pictures()), model(pictures())) < 1e-5


class Shared(nn.Module):
    """One normalisation behind two convolutions."""

    def __init__(self) -> None:
        super().__init__()
        self.one = nn.Conv2d(3, 4, 3)
        self.two = nn.Conv2d(3, 4, 3)
        self.norm = nn.BatchNorm2d(4)

    def forward(self, x: Tensor) -> Tensor:
        one: Tensor = self.norm(self.one(x))
        two: Tensor = self.norm(self.two(x))
        return one + two


def test_a_normalisation_behind_two_convolutions_is_not_folded() -> None:
    model = with_statistics(Shared()).eval()
    fast = fast_prefix(model, dtype=torch.float32, memory_format=torch.contiguous_format)
    assert norms(fast) == 1


def test_folding_that_changes_the_answer_is_left() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)).eval()
    convolution: Any = model[0]
    norm: Any = model[1]
    with torch.no_grad():  # what is left after the mean is rounding, when it is taken off late
        convolution.bias.fill_(3e5)
        norm.running_mean.fill_(3e5)
    fast = fast_prefix(model, dtype=torch.float32, memory_format=torch.contiguous_format)
    assert norms(fast) == 1
    norm.running_mean.fill_(3.0)
    convolution.bias.data.fill_(3.0)
    fast = fast_prefix(model, dtype=torch.float32, memory_format=torch.contiguous_format)
    assert norms(fast) == 0
    only = fast_prefix(
        model,
        dtype=torch.float32,
        memory_format=torch.contiguous_format,
        sample=torch.full((1, 3, 2, 2), 1.0),  # too small for the convolution
    )
    assert norms(only) == 1
