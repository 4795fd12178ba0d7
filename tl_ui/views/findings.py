"""What the coach sees in a run, with buttons that start a changed one; a run's settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from tl_core.events import FindingRaised, Warned
from tl_core.jobs.view import RunView
from tl_core.session import RunRow, Studio
from tl_ui.errors import shown_kindly
from tl_ui.text import esc_md
from tl_ui.texts import findings as words
from tl_ui.texts import train as text
from tl_ui.views import runs

__all__ = ["draw", "newest", "settings_table"]

ORDER = ("problem", "warning", "info")


def draw(work: Studio, view: RunView, row: RunRow) -> None:
    """The findings, gravest first, each with its evidence and remedies; then the warnings."""
    found = newest(view.findings)
    if not found and not view.warnings:
        return
    st.subheader(text.FINDINGS, anchor=False)
    for one in found:
        _one(work, row, one)
    for warned in _once(view.warnings):
        st.info(f"{esc_md(warned.message)} {esc_md(warned.hint)}".strip(), icon=":material/info:")


def newest(findings: Sequence[FindingRaised]) -> list[FindingRaised]:
    """The last word on every verdict, gravest first."""
    by_verdict = {one.verdict: one for one in findings}
    return sorted(by_verdict.values(), key=lambda one: (ORDER.index(one.severity), one.since_epoch))


def _once(warnings: Sequence[Warned]) -> list[Warned]:
    return list({(one.code, one.message): one for one in warnings}.values())


def _one(work: Studio, row: RunRow, found: FindingRaised) -> None:
    name, color, icon = text.SEVERITIES[found.severity]
    with st.container(border=True, key=f"finding_{found.verdict}"):
        st.markdown(f":{color}-badge[{icon} {name}]")
        st.markdown(f"**{esc_md(found.sentence)}**")
        st.markdown(esc_md(found.evidence))
        if not found.remedies:
            return
        st.caption(text.TRY_WAITS if row.active else text.TRY)
        with st.container(horizontal=True):
            for number, remedy in enumerate(found.remedies):
                if st.button(
                    esc_md(remedy.label),
                    help=esc_md(remedy.why) or None,
                    key=f"remedy.{row.id}.{found.verdict}.{number}",
                ):
                    _start_changed(work, row.id, remedy.changes)


def _start_changed(work: Studio, run_id: str, changes: Mapping[str, Any]) -> None:
    """Start the changed run and show it on the Train page."""
    new = ""
    with shown_kindly():
        new = work.start_changed(run_id, changes)
    if new:
        runs.to_train(new)


def settings_table(spec: Mapping[str, Any]) -> None:
    """All settings of a run."""
    lines = [f"| {words.SETTING} | {words.VALUE} |", "|---|---|"]
    lines += [f"| {esc_md(name)} | {esc_md(value)} |" for name, value in words.rows(spec)]
    st.markdown("\n".join(lines))
