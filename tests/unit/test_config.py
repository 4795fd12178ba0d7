"""Settings: limits are checked where they are, and a spec survives its journey as JSON."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tl_core.config import (
    PROBES,
    AugmentConfig,
    DataConfig,
    FreezeConfig,
    ModelConfig,
    RunSpec,
    TrainConfig,
    block_parts,
    changed,
    limits_of,
    parse_layers,
)
from tl_core.errors import ConfigError


def values_of(kind: type[Any]) -> st.SearchStrategy[Any]:
    """Any valid config of this kind, drawn from the limits on its fields."""
    drawn: dict[str, st.SearchStrategy[Any]] = {}
    for one in fields(kind):
        if "options" in one.metadata:
            drawn[one.name] = st.sampled_from(one.metadata["options"])
        elif "low" in one.metadata:
            low, high = one.metadata["low"], one.metadata["high"]
            number: st.SearchStrategy[Any] = (
                st.integers(low, high) if isinstance(low, int) else st.floats(low, high)
            )
            drawn[one.name] = st.none() | number if one.default is None else number
        elif isinstance(one.default, bool):
            drawn[one.name] = st.booleans()
    return st.builds(kind, **drawn)


SPECS = st.builds(
    RunSpec,
    model=st.builds(ModelConfig, name=st.text(min_size=1, max_size=20)),
    freeze=st.builds(
        FreezeConfig,
        layers=st.sampled_from(
            ["head", "all", "scratch", "last:2", "first:1", "custom:0,3", *PROBES]
        ),
    ),
    augment=values_of(AugmentConfig),
    train=values_of(TrainConfig),
    note=st.text(max_size=20),
)


@given(spec=SPECS)
def test_a_spec_survives_json(spec: RunSpec) -> None:
    assert RunSpec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec


@pytest.mark.parametrize(
    ("kind", "field", "value", "sentence"),
    [
        (TrainConfig, "lr", 2.0, "lr is 2.0, outside 1e-06 to 1.0."),
        (TrainConfig, "lr", float("nan"), "lr is nan, outside"),
        (TrainConfig, "epochs", 2.5, "epochs must be a whole number, not 2.5."),
        (TrainConfig, "epochs", True, "epochs must be a whole number, not True."),
        (TrainConfig, "epochs", 0, "epochs is 0, outside 1 to 500."),
        (TrainConfig, "resize", "stretch", "resize cannot be 'stretch'."),
        (TrainConfig, "weight_decay", None, "weight_decay must be a number, not None."),
        (TrainConfig, "views", 0, "views is 0, outside 1 to 64."),
        (TrainConfig, "cache", None, "cache must be yes or no."),
        (TrainConfig, "head_start", "zero", "head_start cannot be 'zero'."),
        (AugmentConfig, "flip", 1, "flip must be yes or no."),
        (AugmentConfig, "mixup", -0.1, "mixup is -0.1, outside 0.0 to 2.0."),
    ],
)
def test_values_out_of_range_name_their_field(
    kind: type[Any], field: str, value: object, sentence: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        kind(**{field: value})
    assert caught.value.field == field
    assert sentence in caught.value.message


def test_too_little_left_for_training_is_refused() -> None:
    with pytest.raises(ConfigError, match="more than 80 %"):
        DataConfig(val_fraction=0.5, test_fraction=0.5)


def test_a_weights_file_must_be_named() -> None:
    with pytest.raises(ConfigError, match="No weights file"):
        ModelConfig(weights="file")


@pytest.mark.parametrize(
    "layers", ["", "heads", "last", "last:0", "last:x", "head:1", "first:1,2", "deep-probe:2"]
)
def test_layer_choices_that_are_none(layers: str) -> None:
    with pytest.raises(ConfigError, match="is not a choice of layers") as caught:
        FreezeConfig(layers=layers)
    assert "last:N" in caught.value.hint


def test_layer_choices_are_read() -> None:
    assert parse_layers("last:2") == ("last", (2,))
    assert parse_layers("custom:3,0,3") == ("custom", (0, 3))
    assert parse_layers(" all ") == ("all", ())
    assert [parse_layers(probe) for probe in PROBES] == [(probe, ()) for probe in PROBES]


def test_changes_are_checked_like_values() -> None:
    spec = changed(RunSpec(), {"train.lr": 1e-4, "freeze.layers": "last:1", "parent": "r1"})
    assert (spec.train.lr, spec.freeze.layers, spec.parent) == (1e-4, "last:1", "r1")
    with pytest.raises(ConfigError, match="There is no setting 'train.speed'"):
        changed(RunSpec(), {"train.speed": 1})
    with pytest.raises(ConfigError, match="outside"):
        changed(RunSpec(), {"train.lr": 7.0})


def test_settings_from_a_newer_version_are_not_guessed_at() -> None:
    with pytest.raises(ConfigError, match="newer Thaw"):
        RunSpec.from_dict({"schema": 99})


def test_unknown_fields_of_the_same_schema_are_ignored() -> None:
    assert RunSpec.from_dict({"schema": 1, "train": {"seed": 3, "new": 1}}).train.seed == 3


def test_limits_can_be_read_for_the_widget() -> None:
    assert limits_of(TrainConfig, "lr")["scale"] == "log"
    assert limits_of(TrainConfig, "resize")["options"] == ("pad", "squash", "crop")


def test_a_division_stored_before_there_were_bursts_keeps_them_together() -> None:
    assert DataConfig(val_fraction=0.2, test_fraction=0.1, seed=3).bursts
    with pytest.raises(ConfigError, match="bursts must be yes or no"):
        DataConfig(bursts=1)  # type: ignore[arg-type]


def test_rates_of_single_blocks_are_read() -> None:
    assert block_parts("") == {}
    assert block_parts(" 3:0.05, 4:1e-3,") == {3: 0.05, 4: 0.001}


@pytest.mark.parametrize(
    "words", ["3", "3=0.1", "x:0.1", "-1:0.1", "3:0", "3:11", "3:nan", "3:0.1,3:0.2", "3:0.1;4:1"]
)
def test_an_impossible_rate_of_a_block_is_refused(words: str) -> None:
    with pytest.raises(ConfigError, match="is not the rate of a block") as err:
        TrainConfig(block_rates=words)
    assert err.value.field == "block_rates"
    assert "3:0.05,4:0.2" in err.value.hint
