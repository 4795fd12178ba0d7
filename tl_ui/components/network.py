"""The network drawn as blocks from input to head: what each knows, what is frozen or read, what
trains.
"""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from tl_core.models.facts import GroupFacts
from tl_ui.components.files import script, style

__all__ = ["network_blocks"]

_mount = st.components.v2.component(
    "thaw_network", html='<div class="net"></div>', css=style("network"), js=script("network")
)


def network_blocks(
    groups: Sequence[GroupFacts],
    trainable: Sequence[bool],
    *,
    free: bool,
    scratch: bool = False,
    probe: str = "",
    key: str,
) -> tuple[int, ...] | None:
    """Draw the blocks; in free choice they are buttons.

    Args:
        groups: Layer groups, stem -> head.
        trainable: Aligned with ``groups``; the last, the head, always trains.
        free: Whether a click changes a block.
        scratch: Whether the training blocks start from random weights.
        probe: Where the head is solved instead of trained, what it is solved from: "deep-probe"
            every block, "exact-head" the last one.
        key: Of the component.

    Returns:
        The positions that train after a click in this rerun, else None.
    """
    total = max(1, sum(group.parameters for group in groups))
    blocks = [
        {
            "title": group.title,
            "knows": group.knows,
            "share": group.parameters / total,
            "parameters": group.parameters,
            "output": list(group.output),
            "trains": bool(trains),
        }
        for group, trains in zip(groups, trainable, strict=True)
    ]
    result = _mount(
        key=key,
        data={"blocks": blocks, "free": free, "scratch": scratch, "probe": probe},
        on_chosen_change=lambda: None,
    )
    chosen = result.get("chosen")
    if not isinstance(chosen, list):
        return None
    wanted = {int(n) for n in chosen if 0 <= int(n) < len(groups)} | {len(groups) - 1}
    return tuple(sorted(wanted))
