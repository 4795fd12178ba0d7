"""What the coach sees in a run, with buttons that start a changed one; a run's settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Literal

import streamlit as st

from tl_core.config import RunSpec
from tl_core.diagnose.verdicts import FOLLOW_UPS, standing
from tl_core.errors import TLError
from tl_core.events import FindingRaised, Remedy, Warned
from tl_core.jobs.view import RunView
from tl_core.session import RunRow, Studio
from tl_ui.errors import shown_kindly
from tl_ui.text import esc_md
from tl_ui.texts import coach
from tl_ui.texts import findings as words
from tl_ui.texts import train as text
from tl_ui.views import rates, runs
from tl_ui.views.meaning import explained

__all__ = ["draw", "settings_table", "urgent"]

_Kind = Literal["primary", "secondary", "tertiary"]


def draw(work: Studio, view: RunView, row: RunRow) -> None:
    """The findings that stand, gravest first, each with its evidence and what may help; then the
    warnings. At most one remedy stands out (``urgent``).
    """
    found = standing(view.findings)
    told = {one.verdict for one in found} & set(FOLLOW_UPS)  # it says itself where it began
    begun = "" if told else _begun(work, row)
    if not found and not view.warnings and not begun:
        return
    st.subheader(text.FINDINGS, anchor=False)
    if begun:
        st.caption(esc_md(begun))
    loud = _first(view, row)
    for one in found:
        _one(work, row, one, loud=one.verdict == loud)
    for warned in _once(view.warnings):
        st.info(f"{esc_md(warned.message)} {esc_md(warned.hint)}".strip(), icon=":material/info:")


def _begun(work: Studio, row: RunRow) -> str:
    origin = work.origin(row.id)
    if origin is None or not origin.run:
        return ""
    remedy = str(row.spec.get("remedy", ""))
    return coach.begun(origin, runs.known(work, origin.run), remedy)


def urgent(view: RunView, row: RunRow) -> bool:
    """Whether a remedy is the next thing to do with this run, so that no other button stands out.

    A run that broke off is resumed first, a question at a gate answered first; a run that is over
    is judged first, unless something is gravely wrong with it.
    """
    return bool(_first(view, row))


def _first(view: RunView, row: RunRow) -> str:
    """The verdict whose first remedy stands out; "" when none does."""
    grave = ("problem", "warning") if row.active else ("problem",)
    if view.gate is not None or not (row.active or row.state == "finished"):
        return ""
    for one in standing(view.findings):
        remedies = _remedies(one, row)
        if one.severity in grave and remedies and remedies[0].act != "tell":
            return one.verdict
    return ""


def _once(warnings: Sequence[Warned]) -> list[Warned]:
    return list({(one.code, one.message): one for one in warnings}.values())


def _remedies(found: FindingRaised, row: RunRow) -> list[Remedy]:
    """What can still be done: a run that is over cannot be stopped."""
    at_work = row.active and row.state not in ("queued", "stopping")
    return [one for one in found.remedies if one.act != "stop" or at_work]


def _one(work: Studio, row: RunRow, found: FindingRaised, *, loud: bool) -> None:
    name, color, icon = text.SEVERITIES[found.severity]
    remedies = _remedies(found, row)
    key = f"{row.id}.{found.verdict}"
    with st.container(border=True, key=f"finding_{found.verdict}"):
        st.markdown(f":{color}-badge[{icon} {name}]")
        st.markdown(f"**{esc_md(found.sentence)}**")
        st.markdown(esc_md(found.evidence))
        if remedies:
            st.caption(coach.FIRST if remedies[1:] else coach.ONLY)
            _remedy(work, row, found, remedies[0], f"{key}.0", "primary" if loud else "secondary")
        if remedies[1:]:
            with st.expander(coach.more(len(remedies) - 1)):
                for number, one in enumerate(remedies[1:], start=1):
                    _remedy(work, row, found, one, f"{key}.{number}", "secondary")
        explained(coach.meaning(found), key=f"meaning.{key}")


def _remedy(
    work: Studio, row: RunRow, found: FindingRaised, one: Remedy, key: str, kind: _Kind
) -> None:
    """One remedy in words, with the buttons that apply it."""
    label = one.label if one.act == "stop" else coach.APPLY
    st.markdown(f"**{esc_md(one.label)}.** {esc_md(one.why)}".strip())
    if one.act == "tell":
        return
    if one.act == "stop":
        with st.container(horizontal=True):
            st.button(
                esc_md(label),
                type=kind,
                icon=":material/stop:",
                key=f"stop_best.{key}",
                on_click=_stop,
                args=(work, row.id),
            )
        return
    why_not, first = work.obstacle(row, one.changes), key.endswith(".0")
    with st.container(horizontal=True):
        if not why_not:
            stops = f" {coach.APPLY_STOPS}" if row.active else ""
            if st.button(
                label,
                type=kind,
                icon=":material/moving:",
                help=coach.APPLY_HELP + stops,
                key=f"go_on.{key}",
            ):
                _start(work, row.id, found, one, go_on=True)
        if st.button(
            coach.ANEW,
            type="tertiary" if not why_not else kind,
            help=f"{coach.cannot(why_not)} {coach.ANEW_HELP}" if why_not else coach.ANEW_HELP,
            key=f"anew.{key}",
        ):
            _start(work, row.id, found, one, go_on=False)
    if why_not and first:
        st.caption(esc_md(coach.cannot(why_not)))


def _stop(work: Studio, run_id: str) -> None:
    with shown_kindly():
        work.stop(run_id)


def _start(work: Studio, run_id: str, found: FindingRaised, remedy: Remedy, *, go_on: bool) -> None:
    """Start the changed run and show it on the Train page."""
    new = ""
    with shown_kindly():
        new = work.start_changed(
            run_id, remedy.changes, go_on=go_on, verdict=found.verdict, remedy=remedy.label
        )
    if new:
        runs.to_train(new)


def settings_table(work: Studio, spec: Mapping[str, Any]) -> None:
    """All settings of a run, the rates of its blocks among them."""
    each: list[str] = []
    with suppress(TLError):  # a network that is not known any more
        card = work.card_of(str(spec["model"]["name"]))
        each = rates.listed(RunSpec.from_dict(dict(spec)), card)
    lines = [f"| {words.SETTING} | {words.VALUE} |", "|---|---|"]
    lines += [f"| {esc_md(name)} | {esc_md(value)} |" for name, value in words.rows(spec, each)]
    st.markdown("\n".join(lines))
