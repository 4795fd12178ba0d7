"""What a control found: the pretrained network against the same one from scratch. No numpy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from tl_core.check.honesty import Share

__all__ = ["ARMS", "Arm", "Transfer", "transfer_from_dict"]

ARMS = ("pretrained", "scratch", "knn", "majority", "scratch_time", "pretrained_epochs")


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One way of answering: ``name`` of ARMS, accuracy over the folds, ``values`` of each fold
    and ``seconds`` to learn one fold.
    """

    name: str
    accuracy: Share
    values: tuple[float, ...]
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """A finished control.

    ``pictures`` of ``available`` took part (no test picture did), looked at with ``image_px``;
    ``difference`` is pretrained less scratch over ``repeats`` times ``folds`` folds, ``verdict``
    "helps", "hurts" or "cannot tell", and ``needed`` about how many pictures would tell, None
    where it is told or can never be. From scratch: ``lr`` and ``epochs`` as tuned, ``tried`` how
    many settings, ``epochs_in_time`` what fits into the time of the pretrained network.
    """

    pictures: int
    available: int
    image_px: int
    folds: int
    repeats: int
    difference: Share
    verdict: str
    needed: int | None
    arms: tuple[Arm, ...]
    lr: float
    epochs: int
    tried: int
    epochs_in_time: int

    def arm(self, name: str) -> Arm:
        """One of the arms by name."""
        return next(one for one in self.arms if one.name == name)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def transfer_from_dict(body: Mapping[str, Any]) -> Transfer:
    """What ``to_dict`` told."""
    arms = tuple(
        Arm(
            **{
                **one,
                "accuracy": Share(**one["accuracy"]),
                "values": tuple(one["values"]),
            }
        )
        for one in body["arms"]
    )
    return Transfer(**{**body, "difference": Share(**body["difference"]), "arms": arms})
