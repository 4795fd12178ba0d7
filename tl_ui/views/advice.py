"""Networks measured on the user's pictures: the button, the ranking with its ties, the numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from html import escape
from itertools import groupby

import streamlit as st

from tl_core.advise import words
from tl_core.advise.advice import Advice, Candidate, advice_from_dict
from tl_core.config import RunSpec
from tl_core.models.catalog import card as card_of
from tl_core.models.catalog import cards, is_downloaded
from tl_core.session import Project, RunRow, Studio
from tl_ui import asking
from tl_ui.text import esc_md
from tl_ui.texts import advice as text
from tl_ui.texts.numbers import percent
from tl_ui.views.bar import BAR_STYLE, accuracy_bar
from tl_ui.views.meaning import explained
from tl_ui.views.model import choose

__all__ = ["KIND", "card"]

KIND = "advise"
LOOKED_BACK = 50  # measurements of a project among which the newest useful one is looked for
STYLE = """<style>
.thaw-adv{display:flex;flex-wrap:wrap;justify-content:space-between;gap:0 1rem;line-height:1.4}
.thaw-adv small{display:block;flex-basis:100%;opacity:.75;font-size:.86rem}
.thaw-adv .thaw-bar{flex-basis:100%;margin:.5rem 0 .45rem}
.thaw-adv .thaw-bar u{display:none}
.thaw-adv.plain .thaw-bar i{background:color-mix(in srgb,currentColor 28%,transparent)}
.thaw-adv.plain .thaw-bar b{background:color-mix(in srgb,currentColor 65%,transparent)}
</style>"""


def card(work: Studio, project: Project, spec: RunSpec) -> None:
    """Where the measurement of networks stands, and what it found."""
    rows = work.queue.rows(project_id=project.id, kind=KIND, limit=LOOKED_BACK)
    newest = rows[0] if rows else None
    done = _useful(rows, project)
    with st.container(border=True, key="advice", gap="small"):
        st.caption(text.TITLE, help=text.HELP)
        if newest is not None and newest.active:
            st.markdown(text.WAITS)
            asking.follow(work, newest.id)
            return
        if newest is not None and newest.state in ("failed", "cancelled", "interrupted"):
            _unfinished(newest)
        if done is None or done.result is None:
            if newest is None:
                st.markdown(text.UNMEASURED)
            _ask(work, project, spec, text.GO, first=True)
            return
        found = advice_from_dict(done.result)
        if spec.model.name not in {one.name for one in found.ranked}:
            st.info(text.NOT_AMONG, icon=":material/help:")
        if found.data_version != project.data_version:
            st.info(text.STALE, icon=":material/update:")
        _found(work, project, spec, found)
        _ask(work, project, spec, text.AGAIN)


def _useful(rows: Sequence[RunRow], project: Project) -> RunRow | None:
    """The newest result for the pictures as they are, else the newest of all."""
    finished = [row for row in rows if row.state == "finished" and row.result]
    now = [row for row in finished if (row.result or {})["data_version"] == project.data_version]
    return next(iter([*now, *finished]), None)


def _unfinished(row: RunRow) -> None:
    error = row.error or {}
    if row.state == "cancelled" or error.get("code") == "cancelled":
        st.markdown(text.CANCELLED)
        return
    st.markdown(text.FAILED)
    if error:
        st.caption(esc_md(f"{error['message']} {error.get('hint', '')}".strip()))


# -- asking ----------------------------------------------------------------------------------------


def _ask(work: Studio, project: Project, spec: RunSpec, label: str, *, first: bool = False) -> None:
    here = [one.name for one in cards() if is_downloaded(one.name)]
    if spec.model.name not in here and is_downloaded(spec.model.name):
        here.append(spec.model.name)
    with st.container(horizontal=True, vertical_alignment="center"):
        clicked = st.button(
            label,
            key="advice.go",
            icon=":material/straighten:",
            type="primary" if first else "secondary",
        )
        wanted: list[str] = here
        if len(here) > 1:
            with st.popover(text.WHICH, type="tertiary"):
                wanted = st.multiselect(
                    text.WHICH_LABEL,
                    here,
                    default=here,
                    format_func=lambda name: card_of(name).title,
                    help=text.WHICH_HELP,
                    key="advice.models",
                )
    if clicked:
        chosen = asdict(replace(spec.model, channels=None))
        work.ask(KIND, project.id, models=wanted, chosen=chosen)
        st.rerun()


# -- what was found --------------------------------------------------------------------------------


def _found(work: Studio, project: Project, spec: RunSpec, found: Advice) -> None:
    st.html(f"{STYLE}{BAR_STYLE}")
    st.markdown(f"**{esc_md(words.verdict(found))}**")
    if said := words.control(found):
        st.markdown(esc_md(said))
    for number, group in groupby(found.ranked, key=lambda one: one.group):
        members = list(group)
        if len(members) > 1:
            st.caption(text.LEVEL)
        elif number > 1:
            st.caption(text.BEHIND)
        for one in members:
            _network(work, project, spec, found, one)
    _compared(found)
    st.caption(esc_md(f"{text.measured(found)} {text.left_out(found.left_out)}".strip()))
    if any(one.weights == "file" for one in found.ranked):
        st.caption(text.OWN_SEEN)
    _meanings(found)
    if found.missing:
        st.caption(text.MISSING)
        for one in found.missing:
            st.markdown(f"- {esc_md(text.missing(one))}")
    _more(found)
    _distance(found.ranked[0])


def _network(work: Studio, project: Project, spec: RunSpec, found: Advice, one: Candidate) -> None:
    is_it = (spec.model.name, spec.model.weights_file) == (one.name, one.weights_file)
    bars, button = st.columns([5, 1], vertical_alignment="center")
    with bars:
        st.html(_bar(one, found.majority, [text.facts(one), words.behind(found, one)]))
    button.button(
        text.IS_CHOSEN if is_it else text.CHOOSE,
        icon=":material/check:" if is_it else None,
        disabled=is_it,
        key=f"advice.choose.{one.name}.{one.weights_file}",
        on_click=choose,
        args=(work, project.id, one.name),
        kwargs={"weights_file": one.weights_file},
        width="stretch",
    )


def _compared(found: Advice) -> None:
    """The neighbours' vote on the first network's features, and the random network."""
    first = found.ranked[0]
    assert first.scores is not None
    vote = replace(
        first, title=text.NEIGHBOURS, scores=replace(first.scores, accuracy=first.scores.nearest5)
    )
    st.caption(text.COMPARED)
    bars, _ = st.columns([5, 1])
    with bars:
        st.html(_bar(vote, found.majority, [], plain=True))
        if found.control is not None:
            kind = text.RANDOM_BELOW.format(title=found.control.title)
            st.html(_bar(found.control, found.majority, [kind], plain=True))


def _bar(one: Candidate, majority: float, below: Sequence[str], *, plain: bool = False) -> str:
    assert one.scores is not None
    share = one.scores.accuracy
    bar = accuracy_bar(
        share.value, (share.low, share.high), majority, name="", words=text.bar(one, majority)
    )
    lines = "".join(f"<small>{escape(line)}</small>" for line in below if line)
    return (
        f'<div class="thaw-adv{" plain" if plain else ""}"><strong>{escape(text.title(one))}'
        f"</strong><span>{escape(text.right(one))}</span>{bar}{lines}</div>"
    )


def _meanings(found: Advice) -> None:
    with st.container(horizontal=True, gap="small"):
        explained(text.about_right(found), key="advice.about.right", label=text.ASK_RIGHT)
        if len(found.ranked) > 1:
            explained(text.about_level(found), key="advice.about.level", label=text.ASK_LEVEL)
        first = found.ranked[0]
        explained(text.about_speed(first), key="advice.about.speed", label=text.ASK_SPEED)
        explained(text.about_near(found), key="advice.about.near", label=text.ASK_NEAR)
        if found.control is not None:
            explained(text.about_random(found), key="advice.about.random", label=text.ASK_RANDOM)


def _more(found: Advice) -> None:
    control = [found.control] if found.control else []
    with st.expander(text.MORE):
        st.dataframe(
            [_numbers(one) for one in [*found.ranked, *control]],
            hide_index=True,
            width="stretch",
            key="advice.numbers",
        )
        explained(text.about_more(), key="advice.about.more", label=text.ASK_MORE)


def _numbers(one: Candidate) -> dict[str, str]:
    assert one.scores is not None
    scores, names = one.scores, text.COLUMNS
    return {
        names["network"]: text.title(one),
        names["balanced"]: percent(scores.balanced),
        names["log_loss"]: f"{scores.log_loss.value:.2f}",
        names["nearest"]: percent(scores.nearest.value),
        names["nearest5"]: percent(scores.nearest5.value),
        names["evidence"]: "-" if scores.evidence is None else f"{scores.evidence:.2f}",
        names["top1"]: "-" if one.top1 is None else f"{one.top1:.1f} %",
    }


def _distance(one: Candidate) -> None:
    with st.expander(text.DISTANCE):
        st.markdown("\n\n".join(esc_md(part) for part in words.distances(one)))
        if one.distance:
            blocks = " · ".join(f"{block.title} {block.distance:.2f}" for block in one.distance)
            st.caption(esc_md(blocks))
        if one.kid is not None:
            st.caption(text.ladder(one.kid))
        if one.distance or one.kid:
            explained(text.about_far(one), key="advice.about.far", label=text.ASK_FAR)
