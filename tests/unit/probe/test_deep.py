"""The deep probe learns, is one ordinary classifier afterwards, and leaves Thaw as one."""

import numpy as np
import onnxruntime
import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.unit.probe.pictures import striped
from tests.unit.train.tiny import tiny_groups, tiny_net
from tl_core.cache.numerics import EXACT
from tl_core.data.pixels import open_pixels
from tl_core.errors import CheckpointError, DataError
from tl_core.export.onnx import PixelsToProbabilities, write_onnx
from tl_core.models.build import build
from tl_core.models.groups import layer_groups
from tl_core.probe import features, path
from tl_core.probe.deep import fit_deep_probe, held_out_probabilities, restored_deep_probe
from tl_core.probe.features import BlockFeatures

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
SIZE = 32


def opened(n=40, model=None, groups=None, **options):
    return BlockFeatures(
        model or tiny_net().eval(),
        groups or tiny_groups(),
        image_size=SIZE,
        mean=MEAN,
        std=STD,
        n_pictures=n,
        **{"numerics": EXACT, **options},
    )


def fitted(n=40, model=None, groups=None, labels=None, **options):
    images, found = striped(n, SIZE)
    looked = opened(n, model, groups)
    labels = torch.from_numpy(found if labels is None else labels)
    return fit_deep_probe(looked, looked.of(images), labels, n_classes=2, **options)


def logits_of(probe, images):
    mean, std = torch.tensor(MEAN).view(1, 3, 1, 1), torch.tensor(STD).view(1, 3, 1, 1)
    with torch.no_grad():
        return probe((torch.from_numpy(images).float() / 255 - mean) / std)


def test_it_learns_and_its_claim_holds_on_new_pictures():
    told = []
    probe, choice = fitted(80, report=lambda *one: told.append(one))
    images, labels = striped(60, SIZE, seed=9)
    accuracy = (logits_of(probe, images).argmax(1).numpy() == labels).mean()
    assert accuracy > 0.9
    assert choice.cv_accuracy == pytest.approx(accuracy, abs=0.1)
    assert len(told) == len(choice.tried)
    assert [one[3] for one in told] == list(range(1, len(told) + 1))
    best = min((one for _, one in choice.tried), key=lambda one: one.loss)
    assert (choice.cv_loss, choice.strength) == (best.loss, best.strength)


def test_what_is_told_is_of_held_out_pictures():
    labels = np.random.default_rng(0).integers(0, 2, 80)  # nothing to understand, all to remember
    told = []
    _, choice = fitted(80, labels=labels, report=lambda *one: told.append(one))
    assert len({share for share, _ in choice.tried}) == 2
    assert all(loss > 0.6 and accuracy < 0.65 for _, loss, accuracy, _, _ in told)


def test_the_training_pictures_logits_come_with_it():
    probe, choice = fitted()
    images, _ = striped(40, SIZE)
    torch.testing.assert_close(choice.logits, logits_of(probe, images), atol=0.02, rtol=0.02)


def test_a_picture_and_its_mirror_image_get_the_same_answer():
    probe, _ = fitted()
    images, _ = striped(5, SIZE, seed=3)
    mirrored = np.ascontiguousarray(images[..., ::-1])
    torch.testing.assert_close(logits_of(probe, images), logits_of(probe, mirrored))


def test_the_network_below_is_not_changed():
    model = tiny_net()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    fitted(model=model)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_the_same_seed_gives_the_same_probe():
    one, two = fitted(seed=4)[0], fitted(seed=4)[0]
    assert torch.equal(one.head.weight, two.head.weight)


def test_a_large_set_is_solved_from_a_part_of_it(monkeypatch):
    images, labels = striped(60, SIZE, seed=9)
    monkeypatch.setattr(path, "FULL_ROWS", 40)
    monkeypatch.setattr(path, "FULL_CELLS", 1)
    probe, choice = fitted(120)
    assert (logits_of(probe, images).argmax(1).numpy() == labels).mean() > 0.9
    assert choice.logits.shape == (120, 2)


def test_features_are_fewer_where_pictures_are_many(monkeypatch):
    monkeypatch.setattr(features, "FEATURE_BYTES", 40 * 2 * 100)
    probe, _ = fitted(40)
    assert probe.head.in_features <= 100


def test_classes_of_one_picture_are_learnt_but_nothing_is_claimed():
    probe, choice = fitted(2)
    assert choice.cv_loss is None and choice.cv_accuracy is None and choice.tried == ()
    images, labels = striped(2, SIZE)
    assert (logits_of(probe, images).argmax(1).numpy() == labels).all()


def test_no_picture_is_an_error():
    with pytest.raises(DataError, match="no training picture"):
        fitted(0)


def test_it_is_saved_and_restored(tmp_path):
    model = build("resnet10t.tiny_imagenet", n_classes=2)
    probe, _ = fitted(12, model=model, groups=layer_groups(model))
    save_file(probe.state_dict(), tmp_path / "probe.safetensors")
    other = build("resnet10t.tiny_imagenet", n_classes=2, weights="random", seed=5)
    back = restored_deep_probe(
        other, layer_groups(other), load_file(tmp_path / "probe.safetensors"), image_size=SIZE
    )
    images, _ = striped(4, SIZE, seed=1)
    torch.testing.assert_close(logits_of(back, images), logits_of(probe, images))


def test_weights_of_something_else_are_refused():
    probe, _ = fitted()
    state = probe.state_dict()
    short = {**state, "head.weight": state["head.weight"][:, :7]}
    for wrong in ({}, short, {"head.weight": state["head.weight"]}):
        with pytest.raises(CheckpointError, match="not those of a deep probe"):
            restored_deep_probe(tiny_net(), tiny_groups(), wrong, image_size=SIZE)


def test_it_is_exported_like_every_other_network(tmp_path):
    model = build("resnet10t.tiny_imagenet", n_classes=2)
    probe, _ = fitted(12, model=model, groups=layer_groups(model))
    path = tmp_path / "model.onnx"
    write_onnx(probe, path, classes=["a", "b"], size_px=SIZE, mean=MEAN, std=STD)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    whole = PixelsToProbabilities(probe, MEAN, STD).eval()
    for n in (1, 2, 5):
        images, _ = striped(n, SIZE, seed=n)
        with torch.inference_mode():
            expected = whole(torch.from_numpy(images)).numpy()
        found = session.run(None, {"image": images})[0]
        np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.shared
@pytest.mark.slow
def test_real_photographs(shared_dir, home):
    from tl_core.data.intake import take_in

    records = take_in(shared_dir / "hymenoptera.zip", home).records
    classes = sorted({one.label for one in records})
    labels = np.array([classes.index(one.label) for one in records])
    train = np.array([one.split == "train" for one in records])
    images = open_pixels(home, [one.digest for one in records], size_px=128, resize="squash").images
    model = build("resnet10t.tiny_imagenet", n_classes=2)
    looked = BlockFeatures(
        model,
        layer_groups(model),
        image_size=128,
        mean=MEAN,
        std=STD,
        n_pictures=len(records),
    )
    found = looked.of(images)
    probe, choice = fit_deep_probe(
        looked, found[train], torch.from_numpy(labels[train]), n_classes=2
    )
    logits = probe.head(found[~train].float())
    assert (logits.argmax(1).numpy() == labels[~train]).mean() >= 0.77
    assert choice.cv_accuracy is not None and choice.cv_accuracy > 0.75


def judged(labels, n=120):
    images, _ = striped(n, SIZE)
    looked = opened(n)
    return held_out_probabilities(
        looked, looked.of(images), torch.from_numpy(labels), n_classes=2
    ).numpy()


def test_a_picture_is_judged_by_those_who_have_not_seen_it():
    _, labels = striped(120, SIZE)
    labels = labels.copy()
    wrong = np.arange(0, 120, 20)
    labels[wrong] = 1 - labels[wrong]
    found = judged(labels)
    np.testing.assert_allclose(found.sum(1), 1, atol=1e-5)
    assert (found.argmax(1)[wrong] != labels[wrong]).mean() > 0.8  # nobody learnt them by heart
    assert (found.argmax(1) == labels).mean() > 0.8


def test_the_only_picture_of_a_class_is_not_judged():
    images, labels = striped(40, SIZE)
    looked = opened(40)
    labels = np.where(np.arange(40) == 7, 2, labels)
    found = held_out_probabilities(
        looked, looked.of(images), torch.from_numpy(labels), n_classes=3
    ).numpy()
    assert np.isnan(found[7]).all() and np.isfinite(np.delete(found, 7, 0)).all()


def test_a_large_set_is_judged_in_parts(monkeypatch):
    monkeypatch.setattr(path, "FULL_ROWS", 40)
    monkeypatch.setattr(path, "FULL_CELLS", 1)
    _, labels = striped(120, SIZE)
    found = judged(labels)
    assert np.isfinite(found).all() and (found.argmax(1) == labels).mean() > 0.8
