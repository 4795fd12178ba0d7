"""The state of a run at an epoch boundary, in memory and as one safetensors file.

A checkpoint holds what training changed (trainable groups and their statistics, the optimizer's
memory), the best weights so far, the history and every validation picture's loss per epoch.
Frozen weights are not in it: they are rebuilt from their source and compared by digest. Random
states are not either: every epoch's randomness is a function of the seed and the epoch, and the
seed is part of the settings' digest.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from tl_core.errors import CheckpointError
from tl_core.events import (
    EpochDone,
    FindingRaised,
    event_from_dict,
    event_to_dict,
)
from tl_core.storage import atomic_path, disk_error

__all__ = ["Checkpoint", "read_checkpoint", "write_checkpoint", "write_tensors"]

VERSION = 1
KEY = "thaw"  # of the JSON among the file's metadata
STATE, BEST, OPTIMIZER, LOSSES = "state/", "best/", "optimizer/", "val_losses"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """Everything needed to go on after ``epoch`` (0 = nothing done yet).

    ``state`` and ``best_state`` are trainable weights and buffers by name, ``optimizer`` as
    ``optim.optimizer_state``; ``val_losses`` is float32 (epoch, n_val) in nats; ``batch_size`` is
    the one in use, which may be smaller than asked for. The digests are of the frozen weights and
    of the settings.
    """

    epoch: int
    best_epoch: int
    batch_size: int
    state: Mapping[str, Tensor]
    best_state: Mapping[str, Tensor]
    optimizer: Mapping[str, Tensor]
    history: tuple[EpochDone, ...]
    findings: tuple[FindingRaised, ...]
    val_losses: np.ndarray
    frozen_digest: str
    recipe_digest: str


def write_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write atomically: a reader finds the old file or the new one, whole.

    Raises:
        StorageError: The disk is full or not writable.
    """
    tensors = {f"{STATE}{name}": value for name, value in checkpoint.state.items()}
    tensors |= {f"{OPTIMIZER}{name}": value for name, value in checkpoint.optimizer.items()}
    if checkpoint.best_epoch != checkpoint.epoch:  # else the best weights are the current ones
        tensors |= {f"{BEST}{name}": value for name, value in checkpoint.best_state.items()}
    tensors[LOSSES] = torch.from_numpy(np.ascontiguousarray(checkpoint.val_losses, np.float32))
    facts = {
        "version": VERSION,
        "epoch": checkpoint.epoch,
        "best_epoch": checkpoint.best_epoch,
        "batch_size": checkpoint.batch_size,
        "history": [asdict(done) for done in checkpoint.history],
        "findings": [event_to_dict(one) for one in checkpoint.findings],
        "frozen_digest": checkpoint.frozen_digest,
        "recipe_digest": checkpoint.recipe_digest,
    }
    write_tensors(path, tensors, {KEY: json.dumps(facts)})


def write_tensors(
    path: Path, tensors: dict[str, Tensor], metadata: dict[str, str] | None = None
) -> None:
    """Write a safetensors file, whole or not at all.

    Args:
        path: The file.
        tensors: Contiguous, no two sharing memory.
        metadata: Strings kept in its head.

    Raises:
        StorageError: The disk is full or not writable.
    """
    try:
        with atomic_path(path) as part:
            save_file(tensors, part, metadata=metadata)
    except SafetensorError as err:  # how the library reports what the disk refused
        raise disk_error(path, err) from err


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a file of ``write_checkpoint``; nothing in it is executed.

    Raises:
        CheckpointError: It is missing, damaged, or written by a newer version.
    """
    try:
        with safe_open(path, framework="pt") as file:
            facts = json.loads((file.metadata() or {})[KEY])
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
        if facts["version"] > VERSION:
            raise CheckpointError(
                "The checkpoint was written by a newer Thaw.", hint="Update Thaw, then resume."
            )
        return _assemble(facts, tensors)
    except FileNotFoundError as err:
        raise CheckpointError(
            "This run has no checkpoint yet.", hint="Start it again from the beginning."
        ) from err
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as err:
        raise CheckpointError(
            f"The checkpoint {path.name} is damaged.", hint="Start the run again."
        ) from err


def _assemble(facts: dict[str, Any], tensors: dict[str, Tensor]) -> Checkpoint:
    state = _part(tensors, STATE)
    findings = [event_from_dict(body) for body in facts["findings"]]
    return Checkpoint(
        epoch=facts["epoch"],
        best_epoch=facts["best_epoch"],
        batch_size=facts["batch_size"],
        state=state,
        best_state=_part(tensors, BEST) or state,
        optimizer=_part(tensors, OPTIMIZER),
        history=tuple(EpochDone(**body) for body in facts["history"]),
        findings=tuple(one for one in findings if isinstance(one, FindingRaised)),
        val_losses=tensors[LOSSES].numpy(),
        frozen_digest=facts["frozen_digest"],
        recipe_digest=facts["recipe_digest"],
    )


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): value
        for name, value in tensors.items()
        if name.startswith(prefix)
    }
