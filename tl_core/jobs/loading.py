"""A finished run's classifier, ready to answer. Imports torch."""

from __future__ import annotations

from dataclasses import dataclass

from safetensors.torch import load_file
from sqlalchemy import Engine
from torch import nn

from tl_core.config import RunSpec
from tl_core.errors import RunStateError
from tl_core.jobs.confidence import AS_TRAINED, temperature_of
from tl_core.jobs.continuing import WEIGHTS
from tl_core.jobs.queue import Queue, RunRow
from tl_core.jobs.submit import Snapshot, read_snapshot
from tl_core.models.build import build
from tl_core.models.catalog import card
from tl_core.models.facts import ModelCard
from tl_core.models.groups import layer_groups
from tl_core.models.outputs import divide_outputs
from tl_core.probe.deep import restored_deep_probe
from tl_core.storage import Home

__all__ = ["Classifier", "load_classifier"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Classifier:
    """A trained network with what it takes to feed it and to read its answers."""

    model: nn.Module
    classes: tuple[str, ...]
    card: ModelCard
    spec: RunSpec
    snapshot: Snapshot
    row: RunRow

    @property
    def size_px(self) -> int:
        """Side of the square input."""
        return self.spec.train.image_size or self.card.input_px


def load_classifier(
    home: Home, engine: Engine, run_id: str, *, as_trained: bool = False
) -> Classifier:
    """Load a finished run's best weights, in eval mode on the CPU.

    Its confidence is the present one, unless it is asked for ``as_trained``.

    Raises:
        RunNotFoundError: No such run.
        RunStateError: It has no finished result.
    """
    row = Queue(engine).get(run_id)
    path = home.run_dir(run_id) / WEIGHTS
    if row.kind != "train" or not path.is_file():
        raise RunStateError(
            f"Run {run_id} is {row.state}, it has no classifier yet.",
            hint="Wait for it to end, or resume it.",
        )
    spec = RunSpec.from_dict(row.spec)
    snapshot = read_snapshot(home, run_id)
    facts = card(spec.model.name).for_channels(spec.model.channels)
    model = build(
        spec.model.name,
        n_classes=len(snapshot.classes),
        weights="random",  # every value is replaced by the trained one below
        dropout=spec.train.dropout,
        image_size=spec.train.image_size,
        channels=facts.channels,
    )
    state = load_file(path)
    if spec.freeze.layers == "deep-probe":
        size = spec.train.image_size or facts.input_px
        model = restored_deep_probe(model, layer_groups(model), state, image_size=size)
    else:
        model.load_state_dict(state)
    temperature = AS_TRAINED if as_trained else temperature_of(home, run_id)
    if temperature != AS_TRAINED:
        divide_outputs(model, temperature)
    model.eval()
    return Classifier(
        model=model,
        classes=snapshot.classes,
        card=facts,
        spec=spec,
        snapshot=snapshot,
        row=row,
    )
