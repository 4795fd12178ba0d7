"""The parts of the Model page: the choice, the catalogue, the search, weights of one's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from tl_core.config import ModelConfig, RunSpec, changed
from tl_core.models.catalog import cards, is_downloaded, search
from tl_core.session import ModelCard, Project, RunRow, Studio
from tl_ui import asking
from tl_ui.errors import show_error, shown_kindly
from tl_ui.text import esc_md
from tl_ui.texts import model as text
from tl_ui.texts.numbers import count
from tl_ui.views.own_weights import own_weights

__all__ = ["chosen", "finders"]

LIGHT_MACS = 1_000_000_000
STRONG_TOP1 = 80.0  # percent of ImageNet-1k
SHOWN = 20  # networks of a search


# -- the choice ------------------------------------------------------------------------------------


def chosen(work: Studio, project: Project, spec: RunSpec) -> None:
    """The network as chosen, what is known about it, and whether it is here."""
    card = work.card(project.id)
    own = spec.model.weights == "file"
    with st.container(border=True, key="model_chosen"):
        st.caption(text.CHOSEN)
        st.markdown(f"### {esc_md(card.title)} {_badge(card, own=own)}")
        if not own:
            st.markdown(esc_md(card.summary))
        with st.grid(4, min_column_width=140):
            _fact(text.PARAMETERS, _parameters(card), text.PARAMETERS_HELP)
            _fact(text.PICTURE, f"{card.input_px} px", text.PICTURE_HELP)
            _fact(text.WORK, text.work(card.macs), text.WORK_HELP)
            top1 = text.UNKNOWN if card.top1 is None else f"{card.top1:.1f} %"
            _fact(text.TOP1, top1, text.TOP1_HELP)
        words = [_own(work, project, spec)] if own else [text.learned(card)]
        if card.note and not own:
            words.append(card.note)
        st.caption(esc_md(" ".join(words)))
        if own:
            st.button(
                text.OWN_BACK, key="model.back", on_click=choose, args=(work, project.id, card.name)
            )
        elif not is_downloaded(card.name):
            _download(work, card)
        if not card.groups:
            _describe(work, card)


def choose(work: Studio, project_id: str, name: str, *, weights_file: str = "") -> None:
    """Make a network the draft's, with its published weights or the user's; also a callback."""
    model = (
        ModelConfig(name=name, weights="file", weights_file=weights_file)
        if weights_file
        else ModelConfig(name=name)
    )
    with shown_kindly():
        work.save_draft(project_id, changed(work.draft(project_id), {"model": model}))


def _fact(label: str, value: str, why: str) -> None:
    with st.container(gap=None):
        st.caption(label, help=why)
        st.markdown(f"**{value}**")


def _parameters(card: ModelCard) -> str:
    return count(card.parameters) if card.parameters else text.UNKNOWN


def _badge(card: ModelCard, *, own: bool = False) -> str:
    if own:
        return f":violet-badge[{text.OWN_FILE}]"
    here = is_downloaded(card.name)
    return f":{'green' if here else 'gray'}-badge[{text.badge(card, here=here)}]"


def _own(work: Studio, project: Project, spec: RunSpec) -> str:
    bundle = work.brought(project.id)
    if bundle is not None and bundle.weights == spec.model.weights_file:
        return text.brought(bundle.name)
    return text.own(_file_name(work, project, spec))


def _file_name(work: Studio, project: Project, spec: RunSpec) -> str:
    """The name under which the user brought the weights; "" when it is not known any more."""
    for row in work.queue.rows(project_id=project.id, kind="check_weights", states=("finished",)):
        if row.result and row.result.get("digest") == spec.model.weights_file:
            return str(row.result.get("file", ""))
    return ""


def _download(work: Studio, card: ModelCard) -> None:
    slot = f"model.download.{card.name}"
    row = asking.started(work, slot, kinds=("download",), payload={"model": card.name})
    if row is not None and row.active:
        st.markdown(f"**{text.DOWNLOADING}**")
        asking.follow(work, row.id)
        return
    if row is not None and row.error and row.error.get("code") != "cancelled":
        show_error(row.error)
    label = text.download(card.download_mb) if row is None else text.AGAIN
    with st.container(horizontal=True, vertical_alignment="center"):
        clicked = st.button(label, icon=":material/download:", key="model.download")
        st.caption(text.DOWNLOAD_LATER)
    if clicked:
        asking.remember(slot, work.ask("download", model=card.name))
        st.rerun()


def _describe(work: Studio, card: ModelCard) -> None:
    slot = f"model.describe.{card.name}"
    row = asking.started(work, slot, kinds=("describe",), payload={"model": card.name})
    if row is not None and row.error:
        st.markdown(text.DESCRIBE_FAILED)
        show_error(row.error)
        return
    if row is None or not row.active:
        asking.remember(slot, work.ask("describe", model=card.name))
        row = asking.started(work, slot, kinds=("describe",))
    st.caption(text.DESCRIBING)
    if row is not None:
        asking.follow(work, row.id, can_cancel=False)


# -- finding one -----------------------------------------------------------------------------------


def finders(work: Studio, project: Project, spec: RunSpec) -> None:
    """Three ways to another network; only the one in view is drawn."""
    view = st.segmented_control(
        text.VIEW,
        list(text.VIEWS),
        default="catalogue",
        required=True,
        format_func=lambda one: text.VIEWS[one],
        label_visibility="collapsed",
        key="model.view",
        persist_state="session",
    )
    if view == "search":
        _search(work, project, spec)
    elif view == "own":
        own_weights(work, project, choose)
    else:
        _catalogue(work, project, spec)


def _catalogue(work: Studio, project: Project, spec: RunSpec) -> None:
    wanted = st.segmented_control(
        text.FILTER,
        list(text.FILTERS),
        default="all",
        required=True,
        format_func=lambda one: text.FILTERS[one],
        help=text.FILTER_HELP,
        key="model.filter",
        persist_state="session",
    )
    found = [card for card in cards() if _fits(card, str(wanted))]
    if not found:
        st.info(text.NOTHING_FITS)
    last = _last_runs(work.runs())
    with st.grid(min_column_width=300):
        for card in found:
            with st.container(border=True, height="stretch"):
                _card(work, project, spec, card, last)


def _fits(card: ModelCard, wanted: str) -> bool:
    if wanted == "ready":
        return is_downloaded(card.name)
    if wanted == "light":
        return card.macs <= LIGHT_MACS
    if wanted == "strong":
        return (card.top1 or 0) >= STRONG_TOP1 or "dinov2" in card.name
    return True


def _last_runs(rows: Sequence[RunRow]) -> dict[str, str]:
    """Per network, what its latest finished run took on this machine."""
    found: dict[str, str] = {}
    for row in rows:
        name = str(row.spec.get("model", {}).get("name", ""))
        if row.state == "finished" and row.started_at and row.ended_at and name not in found:
            layers = row.name.rpartition(", ")[2]
            found[name] = text.took(row.ended_at - row.started_at, layers)
    return found


def _card(
    work: Studio, project: Project, spec: RunSpec, card: ModelCard, last: Mapping[str, str]
) -> None:
    is_it = spec.model.name == card.name and spec.model.weights != "file"
    st.markdown(f"**{esc_md(card.title)}** {_badge(card)}")
    st.markdown(esc_md(card.summary))
    st.markdown(f"*{text.GOOD_FOR}:* {esc_md(card.good_for)}")
    st.caption(esc_md(text.facts(card)))
    st.caption(esc_md(text.origin(card)))
    if card.name in last:
        st.caption(esc_md(last[card.name]))
    st.space("stretch")
    st.button(
        text.IS_CHOSEN if is_it else text.CHOOSE,
        icon=":material/check:" if is_it else None,
        disabled=is_it,
        key=f"model.choose.{card.name}",
        on_click=choose,
        args=(work, project.id, card.name),
    )


def _search(work: Studio, project: Project, spec: RunSpec) -> None:
    st.markdown(text.SEARCH_BODY)
    query = st.text_input(
        text.search_label(len(search("", limit=100_000))),
        placeholder=text.SEARCH_PLACEHOLDER,
        type="search",
        icon=":material/search:",
        live=True,
        key="model.query",
        persist_state="session",
    )
    found = search(query or "", limit=SHOWN + 1)
    if not found:
        st.info(text.SEARCH_NONE)
    for one in found[:SHOWN]:
        with st.container(border=True):
            words, button = st.columns([5, 1], vertical_alignment="center")
            badge = f" :blue-badge[{text.IN_CATALOGUE}]" if one.in_catalogue else ""
            words.markdown(f"**{esc_md(one.name)}**{badge}  \n{esc_md(text.row(one))}")
            is_it = spec.model.name == one.name
            button.button(
                text.IS_CHOSEN if is_it else text.CHOOSE,
                disabled=is_it,
                key=f"model.found.{one.name}",
                on_click=choose,
                args=(work, project.id, one.name),
                width="stretch",
            )
    if len(found) > SHOWN:
        st.caption(text.SEARCH_MORE.format(shown=SHOWN))
