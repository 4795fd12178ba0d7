"""A network's blocks with the head sized for the user's classes."""

from __future__ import annotations

from dataclasses import replace

from tl_core.models.facts import GroupFacts, ModelCard, groups_for

__all__ = ["sized_groups"]


def sized_groups(card: ModelCard, n_classes: int) -> tuple[GroupFacts, ...]:
    """Layer groups stem -> head; empty for a network that was not looked into yet.

    A network outside the catalogue does not say how many numbers its head reads; its head was
    described for some number of classes, and every class needs the same.
    """
    if card.features or not card.groups:
        return groups_for(card, n_classes)
    head = card.groups[-1]
    per_class = head.parameters // max(1, head.output[0])
    sized = replace(head, parameters=per_class * n_classes, output=(n_classes,))
    return (*card.groups[:-1], sized)
