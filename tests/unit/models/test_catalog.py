from pathlib import Path

import pytest

from tl_core.config import ModelConfig
from tl_core.errors import ConfigError, UnknownModelError
from tl_core.models import catalog
from tl_core.models.facts import ModelCard, groups_for

CARDS = catalog.cards()
IDS = [one.name for one in CARDS]
FAMILIES = {
    "VGG",
    "ResNet",
    "MobileNet",
    "EfficientNet",
    "ConvNeXt",
    "Vision transformer",
    "RegNet",
}


def test_about_twenty_five_with_all_families() -> None:
    assert 25 <= len(CARDS) <= 30
    assert {one.family for one in CARDS} >= FAMILIES
    assert len(set(IDS)) == len(IDS)
    assert len({one.title for one in CARDS}) == len(CARDS)


def test_the_default_is_embedded_and_first() -> None:
    assert ModelConfig().name == catalog.DEFAULT_MODEL == CARDS[0].name
    names = catalog.embedded_names()
    assert names[0] == catalog.DEFAULT_MODEL and names == tuple(IDS[: len(names)])
    with pytest.raises(ConfigError, match="ResNet-18 does not come with Thaw"):
        catalog.weights_path(catalog.card("resnet18.tv_in1k"))


def test_what_comes_along_is_small_and_has_cards() -> None:
    whole = sum(one.stat().st_size for one in catalog.ASSETS.rglob("*") if one.is_file())
    assert whole < 30_000_000
    for name in catalog.embedded_names():
        weights = catalog.weights_path(catalog.card(name))
        told = weights.with_suffix(".md").read_text("utf-8")
        for row in (
            "data",
            "recipe",
            "compute",
            "validation top-1",
            "transfer",
            "speed",
            "licence",
        ):
            assert f"\n| {row}" in told, (name, row)


@pytest.mark.parametrize("one", CARDS, ids=IDS)
def test_a_card_is_complete(one: ModelCard) -> None:
    for text in (one.title, one.family, one.summary, one.good_for, one.source_data, one.licence):
        assert text.strip()
    assert one.summary.endswith(".") and one.good_for.endswith(".")
    assert 4 <= len(one.groups) <= 9
    assert one.groups[-1].name == "head"
    assert len({group.name for group in one.groups}) == len(one.groups)
    assert all(group.parameters > 0 and group.title and group.knows for group in one.groups)
    assert all(group.macs > 0 and group.output for group in one.groups)
    assert one.groups[-1].parameters == (one.features + 1) * 10
    assert one.macs == sum(group.macs for group in one.groups)
    assert 0 < one.backbone_parameters <= one.parameters
    assert one.top1 is None or (50 < one.top1 < 90 and one.top1_px >= 96)
    assert catalog.valid_image_size(one, one.input_px) == one.input_px
    assert one.commercial is True  # the curated ones are all under permissive licences
    assert one.embedded == (one.download_mb == 0)
    assert ModelCard.from_dict(one.to_dict()) == one


def test_rates_differ_between_kinds() -> None:
    assert catalog.card("resnet50.tv_in1k").finetune_lr == 1e-4
    assert catalog.card("vit_small_patch14_dinov2.lvd142m").finetune_lr == 3e-5


def test_the_head_is_sized_for_the_users_classes() -> None:
    groups = groups_for(catalog.card("resnet18.tv_in1k"), 3)
    assert groups[-1].parameters == 3 * 512 + 3
    assert groups[-1].output == (3,)
    assert groups[:-1] == catalog.card("resnet18.tv_in1k").groups[:-1]
    assert groups_for(catalog.card("resnet101.tv_in1k"), 3) == ()


def test_a_network_outside_the_catalogue() -> None:
    one = catalog.card("resnet101.tv_in1k")
    assert one.groups == () and not one.embedded
    assert 40e6 < one.parameters < 50e6
    assert one.licence == "bsd-3-clause" and one.commercial is True
    assert catalog.card("convnextv2_atto.fcmae").commercial is False


def test_a_name_without_its_tag() -> None:
    assert catalog.card("vgg16").name == "vgg16.tv_in1k"


def test_an_unknown_name_suggests_others() -> None:
    with pytest.raises(UnknownModelError) as caught:
        catalog.card("resnet18.tv_in1q")
    assert caught.value.message == "There is no network called 'resnet18.tv_in1q'."
    assert "resnet18.tv_in1k" in caught.value.hint
    with pytest.raises(UnknownModelError) as caught:
        catalog.card("????")
    assert caught.value.hint == "Search for it on the Model page."


def test_search() -> None:
    found = catalog.search("convnext tiny")
    assert found and all("convnext" in row.name and "tiny" in row.name for row in found)
    assert found[0].in_catalogue
    assert catalog.search("MobileNet-V3", limit=3) == catalog.search("mobilenetv3", limit=3)
    assert len(catalog.search("", limit=7)) == 7
    assert catalog.search("no such network") == []
    sizes = [row.parameters_m for row in catalog.search("regnety") if not row.in_catalogue]
    assert sizes == sorted(sizes, key=lambda one: one or 0)


def test_every_card_is_in_the_search_but_ours() -> None:
    rows = {row.name for row in catalog.search("", limit=10_000)}
    assert len(rows) > 1500
    assert {one.name for one in CARDS if not one.embedded} <= rows
    assert (catalog.ASSETS / "timm_index.json").stat().st_size < 400_000


@pytest.mark.parametrize(
    ("name", "size", "legal"),
    [
        ("resnet18.tv_in1k", 97, 97),
        ("resnet18.tv_in1k", 5, 32),
        ("resnet18.tv_in1k", 4000, 512),
        ("vit_tiny_patch16_224.augreg_in21k_ft_in1k", 100, 96),
        ("vit_small_patch14_dinov2.lvd142m", 128, 126),
        ("vit_small_patch14_dinov2.lvd142m", 32, 42),
        ("vit_small_patch14_dinov2.lvd142m", 512, 504),
        ("beit_base_patch16_224.in22k_ft_in22k_in1k", 128, 224),
    ],
)
def test_legal_picture_sizes(name: str, size: int, legal: int) -> None:
    assert catalog.valid_image_size(catalog.card(name), size) == legal


def test_downloaded_or_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    name = "resnet18.tv_in1k"
    assert catalog.is_downloaded(catalog.DEFAULT_MODEL)
    assert not catalog.is_downloaded(name)
    snapshot = tmp_path / f"models--timm--{name}" / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    assert not catalog.is_downloaded(name)
    (snapshot / "model.safetensors").write_bytes(b"x")
    assert catalog.is_downloaded(name)


def test_the_cache_folder_follows_the_hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for key in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(key, raising=False)
    assert catalog.hub_cache() == Path.home() / ".cache" / "huggingface" / "hub"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert catalog.hub_cache() == tmp_path / "huggingface" / "hub"
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    assert catalog.hub_cache() == tmp_path / "hf" / "hub"
