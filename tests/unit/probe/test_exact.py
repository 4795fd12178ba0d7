"""The exact head: for features as they are, and inside the network it came from."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch import nn

from tests.unit.probe.pictures import told_apart
from tl_core.errors import ConfigError, DataError, LayerGroupError
from tl_core.models.build import build
from tl_core.models.groups import LayerGroup, layer_groups
from tl_core.probe import path
from tl_core.probe.exact import ExactHead, fit_exact_head, start_head


def test_it_reads_features_as_they_are():
    x, y = told_apart(300, 30, 4)
    moved = x * torch.linspace(0.1, 50, 30) + 7
    plain, strange = fit_exact_head(x, y, 4), fit_exact_head(moved, y, 4)
    assert plain.weight.shape == (4, 30) and plain.bias.shape == (4,)
    torch.testing.assert_close(plain.logits(x), strange.logits(moved), atol=0.02, rtol=0.02)
    assert plain.strength == strange.strength


def test_it_is_the_regression_it_says_it_is(monkeypatch):
    monkeypatch.setattr("tl_core.probe.path.BOLDEST", 1e-9)  # nothing after the regression
    x, y = told_apart(250, 20, 3)
    head = fit_exact_head(x, y, 3, strengths=(1e-3,))
    standard = ((x - x.mean(0)) / x.std(0, correction=0) / 20**0.5).double().numpy()
    reference = LogisticRegression(C=1 / (1e-3 * 250), tol=1e-9, max_iter=5000)
    expected = reference.fit(standard, y.numpy()).predict_proba(standard)
    found = torch.softmax(head.logits(x), 1).numpy()
    np.testing.assert_allclose(found, expected, atol=5e-3)


def test_its_claim_holds_on_new_pictures():
    x, y = told_apart(2000, 60, 5, apart=0.8)
    told = []
    head = fit_exact_head(x[:500], y[:500], 5, report=lambda *one: told.append(one))
    assert head.cv_accuracy is not None and head.cv_loss is not None
    logits = head.logits(x[500:])
    assert float((logits.argmax(1) == y[500:]).float().mean()) == pytest.approx(
        head.cv_accuracy, abs=0.06
    )
    assert float(nn.functional.cross_entropy(logits, y[500:])) == pytest.approx(
        head.cv_loss, abs=0.1
    )
    assert [one[0] for one in told] == [one.strength for one in head.tried]


def test_the_same_seed_gives_the_same_head():
    x, y = told_apart(60, 90, 3)
    one, two = fit_exact_head(x, y, 3, seed=5), fit_exact_head(x, y, 3, seed=5)
    assert torch.equal(one.weight, two.weight)


def test_features_that_say_nothing_get_no_weight():
    x, y = told_apart(80, 12, 2)
    x[:, 3], x[:, 7] = 5.0, 0.0
    head = fit_exact_head(x, y, 2)
    assert head.weight[:, [3, 7]].abs().max() == 0
    assert torch.isfinite(fit_exact_head(torch.ones(8, 4), torch.arange(8) % 2, 2).weight).all()


def test_the_smallest_sets_are_learnt():
    x, y = told_apart(4, 50, 2, apart=5.0)
    head = fit_exact_head(x, y, 2)
    assert head.cv_accuracy is not None
    assert torch.equal(head.logits(x).argmax(1), y)


def test_classes_of_one_picture_are_learnt_but_nothing_is_claimed():
    x, y = told_apart(3, 50, 3, apart=5.0)
    head = fit_exact_head(x, y, 3)
    assert head.cv_loss is None and head.cv_accuracy is None and head.tried == ()
    assert torch.equal(head.logits(x).argmax(1), y)


def test_a_large_set_is_solved_from_a_part_of_it(monkeypatch):
    x, y = told_apart(600, 20, 3)
    whole = fit_exact_head(x, y, 3)
    monkeypatch.setattr(path, "FULL_ROWS", 200)
    monkeypatch.setattr(path, "FULL_CELLS", 1)
    part = fit_exact_head(x, y, 3)
    agree = (part.logits(x).argmax(1) == whole.logits(x).argmax(1)).float().mean()
    assert float(agree) > 0.97


@pytest.mark.parametrize(
    ("labels", "classes", "error"),
    [
        (torch.tensor([0, 3]), 3, ConfigError),
        (torch.tensor([-1, 0]), 3, ConfigError),
    ],
)
def test_labels_must_be_class_positions(labels, classes, error):
    with pytest.raises(error, match="Labels must be from 0 to 2"):
        fit_exact_head(torch.randn(2, 4), labels, classes)


def test_what_cannot_be_solved_is_said():
    with pytest.raises(DataError, match="no training picture"):
        fit_exact_head(torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64), 2)
    with pytest.raises(ConfigError, match="not finite"):
        fit_exact_head(torch.tensor([[torch.inf], [0.0]]), torch.tensor([0, 1]), 2)


@pytest.mark.parametrize(
    "name",
    [
        "resnet10t.tiny_imagenet",
        "mobilenetv3_small_100.lamb_in1k",
        "convnext_atto.d2_in1k",
        "vit_tiny_patch16_224.augreg_in21k_ft_in1k",
    ],
)
def test_the_network_answers_as_the_head(name):
    model = build(name, n_classes=3, weights="random", image_size=64)
    seen = []
    model.get_classifier().register_forward_pre_hook(lambda module, args: seen.append(args[0]))
    images = torch.randn(9, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        model(images)
    features = seen[0].flatten(1)
    head = fit_exact_head(features, torch.arange(9) % 3, 3)
    start_head(model, layer_groups(model), head)
    with torch.no_grad():
        torch.testing.assert_close(model(images), head.logits(features), atol=1e-4, rtol=1e-4)


class OnePixel(nn.Module):
    """A classifier that is a convolution of one pixel."""

    def __init__(self, bias: bool = True) -> None:
        super().__init__()
        self.body = nn.Conv2d(3, 6, 3)
        self.head = nn.Conv2d(6, 2, 1, bias=bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.body(x).mean((2, 3), keepdim=True)).flatten(1)


def parts(*names):
    return tuple(
        LayerGroup(index=i, name=name, title=name, knows="", modules=(name,), parameters=1)
        for i, name in enumerate(names)
    )


def some_head(width=6):
    return ExactHead(
        weight=torch.randn(2, width),
        bias=torch.randn(2),
        strength=1.0,
        cv_loss=None,
        cv_accuracy=None,
        tried=(),
    )


def test_a_convolution_of_one_pixel_is_a_head_too():
    model, head = OnePixel(), some_head()
    start_head(model, parts("body", "head"), head)
    x = torch.randn(4, 3, 8, 8)
    with torch.no_grad():
        expected = head.logits(model.body(x).mean((2, 3)))
        torch.testing.assert_close(model(x), expected)


@pytest.mark.parametrize("model", [OnePixel(bias=False), nn.ModuleDict({"head": nn.ReLU()})])
def test_another_kind_of_head_is_refused(model):
    with pytest.raises(LayerGroupError, match="not one linear layer"):
        start_head(model, parts("body", "head"), some_head())


def test_a_head_of_another_size_is_refused():
    with pytest.raises(LayerGroupError, match="right size"):
        start_head(OnePixel(), parts("body", "head"), some_head(width=5))
