"""Which layer groups train: a plan from the user's choice of layers. No torch.

The head is new for the user's classes, so every plan trains it; the choice is about the pretrained
groups before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from tl_core.config import PROBES, parse_layers
from tl_core.errors import LayerGroupError

__all__ = ["FreezePlan"]

SMALL_BATCH = 32  # pictures; below, batch statistics are too noisy to learn from (decision 0006)
SMALL_SET = 500  # training pictures; below, they would forget the source statistics (decision 0006)


class _Group(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def parameters(self) -> int: ...


@dataclass(frozen=True, slots=True)
class FreezePlan:
    """One flag per layer group, stem -> head; True trains.

    ``scratch`` says that the pretrained weights are not wanted: everything trains, from random
    weights. The last flag (the head) is always True.
    """

    trainable: tuple[bool, ...]
    scratch: bool = False

    def __post_init__(self) -> None:
        if not self.trainable or not self.trainable[-1]:
            raise LayerGroupError(
                "The head must train: it is new for your classes.",
                hint="Leave the last block switched on.",
            )
        if self.scratch and not all(self.trainable):
            raise LayerGroupError(
                "A network trained from scratch has no frozen blocks.",
                hint="Switch every block on, or keep the pretrained weights.",
            )

    @classmethod
    def from_layers(cls, layers: str, n_groups: int) -> FreezePlan:
        """Read a layer choice (see ``config.FreezeConfig``) for a network of ``n_groups`` groups.

        ``last:N`` is the head and the N groups before it, ``first:N`` the first N groups and the
        head, ``custom:0,3`` those positions and the head.

        Raises:
            ConfigError: Not a layer choice (field="layers").
            LayerGroupError: The network has too few groups for it.
        """
        kind, numbers = parse_layers(layers)
        body = n_groups - 1
        if kind in ("last", "first") and numbers[0] > body:
            raise LayerGroupError(
                f"This network has {body} blocks before its head, so {layers!r} asks for too many.",
                hint=f"Choose a number from 1 to {body}, or all blocks.",
            )
        if kind == "custom" and numbers[-1] >= n_groups:
            raise LayerGroupError(
                f"There is no block {numbers[-1]}: this network's blocks are 0 to {body}.",
                hint=f"Choose positions from 0 (the input) to {body} (the head).",
            )
        chosen = {
            "head": set[int](),
            **{probe: set[int]() for probe in PROBES},
            "all": set(range(n_groups)),
            "scratch": set(range(n_groups)),
            "last": set(range(body - numbers[0], body)) if kind == "last" else set[int](),
            "first": set(range(numbers[0])) if kind == "first" else set[int](),
            "custom": set(numbers),
        }[kind]
        flags = tuple(index in chosen or index == body for index in range(n_groups))
        return cls(flags, scratch=kind == "scratch")

    def to_layers(self) -> str:
        """The shortest layer choice that gives this plan; ``from_layers`` reads it back."""
        if self.scratch:
            return "scratch"
        body = self.trainable[:-1]
        on = [index for index, flag in enumerate(body) if flag]
        if not on:
            return "head"
        if all(body):
            return "all"
        if on == list(range(len(body) - len(on), len(body))):
            return f"last:{len(on)}"
        if on == list(range(len(on))):
            return f"first:{len(on)}"
        return "custom:" + ",".join(str(index) for index in [*on, len(body)])

    @property
    def first_trainable(self) -> int:
        """Position of the first group that trains; the groups before it are the frozen prefix."""
        return self.trainable.index(True)

    def trainable_names(self, groups: Sequence[_Group]) -> tuple[str, ...]:
        """Names of the groups that train, stem -> head. ``groups`` may be facts or layer groups."""
        self.check(len(groups))
        return tuple(one.name for one, flag in zip(groups, self.trainable, strict=True) if flag)

    def trainable_parameters(self, groups: Sequence[_Group]) -> int:
        """How many parameters train."""
        self.check(len(groups))
        flags = zip(groups, self.trainable, strict=True)
        return sum(one.parameters for one, flag in flags if flag)

    def freeze_norm_stats(self, *, batch_size: int, n_train: int) -> bool:
        """Whether trainable pretrained groups should keep their source normalisation statistics.

        Small batches and small sets estimate them too badly; gamma and beta train all the same.
        From scratch there is nothing worth keeping.

        Source:
            docs/decisions/0006-layer-groups-and-frozen-norms.md.
        """
        return not self.scratch and (batch_size < SMALL_BATCH or n_train < SMALL_SET)

    def check(self, n_groups: int) -> None:
        """Raise when the plan was made for another network.

        Raises:
            LayerGroupError: The number of groups differs.
        """
        if n_groups != len(self.trainable):
            raise LayerGroupError(
                f"This layer choice is for {len(self.trainable)} blocks, "
                f"but the network has {n_groups}.",
                hint="Choose the layers again for this network.",
            )
