"""What the model sees: the user's own pictures as they go in, and changed as in training."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import streamlit as st

from tl_core.session import RunRow
from tl_ui import asking, state
from tl_ui.errors import show_error
from tl_ui.text import esc_md
from tl_ui.texts import layers as text
from tl_ui.views.drafted import Draft
from tl_ui.views.waiting import until_over

__all__ = ["examples"]

PICTURES = 3
VERSIONS = 4
LEAST_PX = 52  # of one picture, on a phone
KINDS = ("preview",)


def examples(draft: Draft) -> None:
    """Draw examples for the settings as they are, made anew in the background when they change."""
    slot = f"layers.preview.{draft.project_id}"
    wanted = _wanted(draft)
    row = asking.started(draft.work, slot, kinds=KINDS, project_id=draft.project_id)
    made = _made(draft, row)
    if row is not None and row.state == "failed" and row.spec.get("wanted") == wanted:
        show_error(row.error or {})
        st.button(text.PREVIEW_AGAIN, key="preview_again", on_click=asking.forget, args=(slot,))
        return
    fresh = made.get("wanted") == wanted
    if not fresh and (row is None or row.spec.get("wanted") != wanted or not row.active):
        row = _ask(draft, slot, wanted, before=row)
    if made:
        _rows(draft, made["rows"])
    if not fresh and row is not None:
        st.caption(text.PREVIEW_OLD if made else f"{text.PREVIEW_MAKING}…")
        until_over(draft.work, row.id)


def _wanted(draft: Draft) -> str:
    """What the examples depend on, as one string."""
    spec, project = draft.resolved, draft.work.project(draft.project_id)
    return json.dumps(
        {
            "augment": asdict(spec.augment),
            "size": spec.train.image_size,
            "resize": spec.train.resize,
            "seed": spec.train.seed,
            "data": project.data_version if project else 0,
        },
        sort_keys=True,
    )


def _ask(draft: Draft, slot: str, wanted: str, *, before: RunRow | None) -> RunRow | None:
    if before is not None and before.state == "queued":
        draft.work.stop(before.id)  # nobody waits for those settings any more
    task_id = draft.work.ask(
        "preview",
        draft.project_id,
        spec=draft.resolved.to_dict(),
        n=PICTURES,
        versions=VERSIONS,
        wanted=wanted,
    )
    asking.remember(slot, task_id)
    return draft.work.task(task_id)


def _made(draft: Draft, row: RunRow | None) -> Mapping[str, Any]:
    """The newest examples of this session; empty when there are none."""
    key = f"preview.{draft.project_id}"
    if row is not None and row.state == "finished" and row.result is not None:
        rows = [one for one in row.result.get("rows", []) if Path(one["original"]).is_file()]
        state.remember(key, {"wanted": row.spec.get("wanted"), "rows": rows})
    made: Mapping[str, Any] = state.memory(key, {})
    return made


def _rows(draft: Draft, rows: Sequence[Mapping[str, Any]]) -> None:
    if not rows:
        st.caption(text.PREVIEW_NONE)
        return
    changes = draft.spec.augment.any and not draft.is_probe
    st.caption(text.PREVIEW_CHANGED if changes else text.PREVIEW_UNCHANGED)
    for row in rows:
        label = str(row["label"])
        st.markdown(f"**{esc_md(label)}**")
        with st.grid(1 + VERSIONS, min_column_width=LEAST_PX, wrap=False, gap="xsmall"):
            st.image(row["original"], width="stretch", alt=text.seen_name(label))
            for number, file in enumerate(row["changed"] if changes else (), 1):
                if Path(file).is_file():
                    st.image(file, width="stretch", alt=text.changed_name(label, number))
