"""Which learning rate each block gets: discriminative rates by rule, or set by hand. No torch.

The head learns at the rate that is asked for. A pretrained block knows something already, the more
general the nearer it is to the picture, so it learns more slowly (Howard and Ruder 2018).
"""

from __future__ import annotations

from collections.abc import Mapping

from tl_core.config import TrainConfig, block_parts
from tl_core.models.plan import FreezePlan

__all__ = ["group_rates", "rates_of"]


def group_rates(
    plan: FreezePlan,
    *,
    lr: float,
    backbone_lr: float,
    block_decay: float,
    block_rates: Mapping[int, float] | None = None,
) -> tuple[float, ...]:
    """Peak learning rate of every layer group, stem -> head; 0 for frozen ones.

    The head gets ``lr``, the trainable group nearest to it ``lr * backbone_lr``, each trainable
    one before that ``block_decay`` times the rate of its successor. A trainable group named in
    ``block_rates`` gets that part of ``lr`` instead; the others stay as the rule says, whatever
    their neighbours were given. From scratch there is nothing to preserve and every group gets
    ``lr``.
    """
    rates: list[float] = []
    rate = lr
    for position, trains in enumerate(reversed(plan.trainable)):
        if trains and position:
            rate = lr * backbone_lr if not any(rates[1:]) else rate * block_decay
        rates.append((lr if plan.scratch else rate) if trains else 0.0)
    rates.reverse()
    for position, part in (block_rates or {}).items():
        if position < len(rates) - 1 and plan.trainable[position] and not plan.scratch:
            rates[position] = lr * part
    return tuple(rates)


def rates_of(train: TrainConfig, plan: FreezePlan) -> tuple[float, ...]:
    """As ``group_rates``, from settings whose ``lr`` is decided."""
    return group_rates(
        plan,
        lr=train.lr or 0.0,
        backbone_lr=train.backbone_lr,
        block_decay=train.block_decay,
        block_rates=block_parts(train.block_rates),
    )
