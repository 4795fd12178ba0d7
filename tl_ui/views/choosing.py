"""The comparison of layer choices on the Layers page: made or asked for, shown, taken over."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

import streamlit as st

from tl_core.jobs.queue import ACTIVE
from tl_core.models.catalog import is_downloaded
from tl_core.session import RunRow
from tl_ui import asking
from tl_ui.text import esc_md
from tl_ui.texts import choosing as text
from tl_ui.texts.numbers import percent
from tl_ui.views.drafted import Draft
from tl_ui.views.meaning import explained

__all__ = ["AT_ONCE", "KIND", "card"]

KIND, AT_ONCE = "choose_layers", "compare_heads"
LOOKED_BACK = 20  # comparisons, among which are those that a gate asked for
STYLE = """<style>
.thaw-race{display:grid;grid-template-columns:minmax(6.5rem,auto) 1fr auto;gap:.1rem .9rem;
align-items:center;margin:.2rem 0 .4rem}
.thaw-race span{font-weight:600}
.thaw-race em{font-style:normal;font-variant-numeric:tabular-nums;text-align:right}
.thaw-race small{grid-column:2/4;opacity:.72;margin:-.1rem 0 .45rem}
.thaw-race div{position:relative;height:.9rem;border-radius:.45rem;
background:color-mix(in srgb,currentColor 10%,transparent)}
.thaw-race i{position:absolute;top:0;bottom:0;border-radius:.45rem;
background:color-mix(in srgb,#1480b8 40%,transparent)}
.thaw-race b{position:absolute;top:-.15rem;bottom:-.15rem;width:.26rem;margin-left:-.13rem;
border-radius:.2rem;background:#1480b8}
.thaw-race .taken{color:light-dark(#075985,#7dd3fc)}
</style>"""


def card(draft: Draft) -> None:
    """What the choices of layers are worth on these pictures, with this model.

    Heads that are solved at once are compared without being asked for; opened blocks on demand.
    """
    rows = draft.work.queue.rows(project_id=draft.project_id, kind=KIND, limit=LOOKED_BACK)
    row = next((one for one in rows if "candidates" not in one.spec), None)
    with st.container(border=True, key="choosing", gap="small"):
        st.markdown(f"**{text.TITLE}**")
        if row is not None and row.result and not _stale(draft, row):
            _found(draft, row, row.result)
            return
        _at_once(draft)
        if row is None:
            st.markdown(text.UNASKED)
            _ask(draft, text.GO)
        elif row.active:
            asking.follow(draft.work, row.id)
        elif row.result:
            st.info(text.STALE, icon=":material/update:")
            _ask(draft, text.AGAIN)
        else:
            _failed(draft, row)


# -- solved at once --------------------------------------------------------------------------------


def _at_once(draft: Draft) -> None:
    model = draft.spec.model
    if model.weights == "pretrained" and not is_downloaded(model.name):
        return
    row = _known(draft)
    if row.active:
        st.markdown(text.MEASURING)
        asking.follow(draft.work, row.id)
    elif row.result:
        _found(draft, row, row.result)
    else:
        if row.error and row.error.get("code") != "cancelled":
            st.caption(esc_md(f"{row.error['message']} {row.error.get('hint', '')}".strip()))
        st.button(
            text.HEADS,
            key="choosing.heads",
            icon=":material/compare_arrows:",
            on_click=_again,
            args=(draft,),
        )


def _known(draft: Draft) -> RunRow:
    """The newest comparison of solved heads for these pictures and settings, else a new one.

    One that is at work or waits and was for others is stopped.
    """
    work, stops = draft.work, ACTIVE - {"stopping"}
    found = asking.made_for(work, AT_ONCE, draft.project_id, _wanted(draft), stops=stops)
    return found or work.task(_ask_heads(draft))


def _again(draft: Draft) -> None:
    _ask_heads(draft)


def _ask_heads(draft: Draft) -> str:
    return draft.work.ask(AT_ONCE, draft.project_id, **_wanted(draft))


def _wanted(draft: Draft) -> dict[str, Any]:
    """What a comparison depends on: it measures these, and is out of date with others."""
    spec = draft.spec
    return {
        "model": spec.model.name,
        "settings": {
            "model.weights": spec.model.weights,
            "model.weights_file": spec.model.weights_file,
            "train.image_size": spec.train.image_size,
            "train.resize": spec.train.resize,
        },
        "data_version": draft.work.library.get(draft.project_id).data_version,
    }


# -- blocks that are opened ------------------------------------------------------------------------


def _ask(draft: Draft, label: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            label,
            key="choosing.go",
            icon=":material/compare_arrows:",
            on_click=_start,
            args=(draft,),
        )
        st.caption(text.at_most(draft.work.comparison_seconds(draft.project_id)), width="content")


def _start(draft: Draft) -> None:
    draft.work.ask(KIND, draft.project_id, **_wanted(draft))


def _found(draft: Draft, row: RunRow, found: Mapping[str, Any]) -> None:
    st.markdown(text.verdict(found))
    st.html(STYLE + _bars(found))
    with st.container(horizontal=True, vertical_alignment="center"):
        chosen = str(found["chosen"])
        if draft.spec.freeze.layers != chosen:
            st.button(
                text.use(chosen),
                key="choosing.use",
                type="primary",
                icon=":material/check:",
                on_click=draft.save,
                args=({"freeze.layers": chosen, **text.AS_COMPARED},),
            )
        explained(text.meaning(found), key=f"choosing.why.{row.id}")
    st.caption(esc_md(text.measured(found)))


def _stale(draft: Draft, row: RunRow) -> bool:
    """Pictures that changed while it waited count as what it measured."""
    now, found = _wanted(draft), row.result or {}
    measured = found.get("data_version"), found.get("model"), row.spec.get("settings")
    return measured != (now["data_version"], now["model"], now["settings"])


def _bars(found: Mapping[str, Any]) -> str:
    cells = []
    for one in found["raced"]:
        low, high = one["interval"]
        taken = ' class="taken"' if one["layers"] == found["chosen"] else ""
        cells.append(
            f"<span{taken}>{escape(text.name(one['layers']))}</span>"
            f'<div role="img" aria-label="{escape(text.bar(one), quote=True)}">'
            f'<i style="left:{100 * low:.1f}%;width:{100 * (high - low):.1f}%"></i>'
            f'<b style="left:{100 * one["accuracy"]:.1f}%"></b></div>'
            f"<em>{escape(percent(one['accuracy']))}</em>"
            f"<small>{escape(text.note(one, int(found['folds'])))}</small>"
        )
    return f'<div class="thaw-race">{"".join(cells)}</div>'


def _failed(draft: Draft, row: RunRow) -> None:
    cancelled = row.state == "cancelled" or (row.error or {}).get("code") == "cancelled"
    st.markdown(text.CANCELLED if cancelled else text.FAILED)
    if row.error and not cancelled:
        st.caption(esc_md(f"{row.error['message']} {row.error.get('hint', '')}".strip()))
    _ask(draft, text.AGAIN)
