"""The command in a report gives the settings of the run, or says what it cannot."""

from __future__ import annotations

import shlex
from typing import Any

import pytest

from tl_core.cli.commands import spec_of
from tl_core.cli.main import build_parser
from tl_core.config import RunSpec, changed
from tl_core.report.command import train_command
from tl_core.storage import Home

RESOLVED = {"train.epochs": 20, "train.lr": 0.001, "train.batch_size": 16, "train.image_size": 128}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"freeze.layers": "deep-probe", "train.resize": "pad", "train.seed": 7},
        {"freeze.layers": "last:2", "freeze.stages": "auto", "train.block_rates": "3:0.05"},
        {"train.cache": False, "train.weight_decay": 0.1, "augment.mixup": 0.2},
        {"train.head_start": "random", "train.views": 4, "model.channels": 1},
        {
            "augment.flip": False,
            "augment.crop": 1.0,
            "augment.rotate": 0.0,
            "augment.color": 0.0,
        },
    ],
)
def test_it_gives_the_same_settings(home: Home, changes: dict[str, Any]) -> None:
    spec = changed(RunSpec(), {**RESOLVED, **changes})
    command, missing = train_command(spec)
    words = shlex.split(command)
    assert words[:3] == ["python", "-m", "tl_core"] and missing == []
    found = spec_of(build_parser().parse_args(words[3:]), home)
    if spec.freeze.layers == "deep-probe":  # the others have no effect
        for name in ("image_size", "resize", "seed"):
            assert getattr(found.train, name) == getattr(spec.train, name)
        assert found.freeze == spec.freeze
    else:
        assert found == spec


def test_what_no_option_says_is_said() -> None:
    spec = changed(RunSpec(), {"augment.rotate": 90.0, "goes_on": True, "parent": "t1"})
    _, missing = train_command(spec)
    assert len(missing) == 2 and "went on" in missing[0] and "no option" in missing[1]
    spec = changed(RunSpec(), {"model.weights_file": "a" * 64, "model.weights": "file"})
    command, missing = train_command(spec)
    assert "--weights WEIGHTS.safetensors" in command and len(missing) == 1
