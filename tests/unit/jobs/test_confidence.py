"""A corrected confidence reaches whatever loads the classifier, and can be taken back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from tests.unit.jobs.test_continuing import SPEC, trained
from tests.unit.jobs.tiles import tiny_project
from tl_core.config import FreezeConfig
from tl_core.errors import ModelError, RunStateError, TooFewImagesError
from tl_core.evaluate.confidence import tempered
from tl_core.evaluate.predict import probabilities
from tl_core.jobs.confidence import change_temperature, temperature_of
from tl_core.jobs.loading import Classifier, load_classifier
from tl_core.jobs.schema import open_engine
from tl_core.jobs.submit import submit_training
from tl_core.models.outputs import divide_outputs
from tl_core.session import Studio
from tl_core.storage import Home, read_json


def answers(one: Classifier) -> np.ndarray:
    pictures = np.random.default_rng(0).integers(0, 255, (6, 3, 32, 32), dtype=np.uint8)
    return probabilities(one.model, pictures, mean=one.card.mean, std=one.card.std)


@pytest.mark.parametrize("layers", ["head", "deep-probe"])
def test_a_loaded_classifier_speaks_with_its_present_confidence(home: Home, layers: str) -> None:
    engine = open_engine(home)
    spec = replace(SPEC, freeze=FreezeConfig(layers=layers))
    run_id = submit_training(home, engine, tiny_project(home, engine), spec)
    row, _ = trained(home, engine, run_id)
    assert row.state == "finished", row.error
    before = answers(load_classifier(home, engine, run_id))
    change_temperature(home, run_id, 2.5)
    assert temperature_of(home, run_id) == 2.5
    after = answers(load_classifier(home, engine, run_id))
    assert after == pytest.approx(tempered(before.astype(np.float64), 2.5), abs=1e-5)
    report = read_json(home.run_dir(run_id) / "report-val.json")
    now = Studio(home).answers(run_id, "val")
    assert now is not None
    assert report["calibration"]["mean_confidence"] == pytest.approx(now.confidence.mean())
    assert report["accuracy"]["right"] == int(now.right.sum())
    change_temperature(home, run_id, 1.0)
    assert answers(load_classifier(home, engine, run_id)) == pytest.approx(before)


def test_what_cannot_be_corrected_says_why(home: Home) -> None:
    engine = open_engine(home)
    run_id = submit_training(home, engine, tiny_project(home, engine), SPEC)
    with pytest.raises(RunStateError, match="has not kept what it answered"):
        Studio(home).correct_confidence(run_id)
    trained(home, engine, run_id)
    with pytest.raises(TooFewImagesError, match="It takes 20 validation pictures"):
        Studio(home).correct_confidence(run_id)


def test_only_a_network_with_one_last_layer_can_be_divided() -> None:
    model = nn.Sequential(nn.Linear(4, 3))
    with pytest.raises(ModelError, match="no single last layer"):
        divide_outputs(model, 2.0)

    class Ending(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.head = nn.Linear(4, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            found: torch.Tensor = self.head(x)
            return found

    ending, x = Ending(), torch.randn(2, 4)
    before = ending(x)
    divide_outputs(ending, 2.0)
    assert torch.allclose(ending(x), before / 2)
