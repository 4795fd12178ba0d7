"""What the data check found: every finding with its pictures, and what would mend it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import streamlit as st

from tl_core.check.findings import DataFinding, Repair, finding_from_dict
from tl_core.session import ImageRow, Project, RunRow, Studio
from tl_ui import gallery
from tl_ui.errors import shown_kindly
from tl_ui.text import esc_md
from tl_ui.texts import about_check as about
from tl_ui.texts import check as text
from tl_ui.views import pictures
from tl_ui.views.meaning import explained, headed

__all__ = ["found"]

CHOSEN = ("wrong_labels", "dark", "bright", "blurry", "low_information", "odd_shape", "odd_size")
COLUMNS = 4


def found(work: Studio, project: Project, row: RunRow) -> None:
    """Everything a finished check found.

    Args:
        work: The engine.
        project: Whose pictures.
        row: The check; it has a result.
    """
    assert row.result is not None
    if row.result["judged"]:
        headed(text.judged(row.result), about.judged(), key="check.judged.meaning", level="caption")
    else:
        st.caption(text.NOT_JUDGED)
    findings = [finding_from_dict(one) for one in row.result["findings"]]
    if not findings:
        st.markdown(f"**{text.CLEAN}**")
    for place, finding in enumerate(findings):
        label = f"{text.ICONS[finding.severity]} **{text.TITLES[finding.kind]}**"
        with st.expander(f"{label}: {esc_md(finding.sentence)}"):
            if finding.advice:
                st.markdown(esc_md(finding.advice))
            explained(about.finding(finding), key=f"check.meaning.{row.id}.{place}")
            _pictures(work, project, finding, f"{row.id}.{place}")


def _pictures(work: Studio, project: Project, finding: DataFinding, key: str) -> None:
    if not finding.groups:
        return
    if finding.kind in CHOSEN:
        _choose(work, project, finding, key)
    else:
        _groups(work, project, finding, key)


# -- copies ----------------------------------------------------------------------------------------


def _groups(work: Studio, project: Project, finding: DataFinding, key: str) -> None:
    shown = finding.groups[: text.GROUPS_SHOWN]
    numbers = [one for group in shown for one in group]
    rows = {row.id: row for row in work.library.some_images(project.id, numbers)}
    shown = tuple(group for group in shown if _is_open(group, rows, finding.kind))
    if not shown:
        st.caption(text.DONE)
        return
    numbers = [one for group in shown for one in group]
    captions = {
        one: text.group(place, finding.captions.get(one, ""))
        for place, group in enumerate(shown, start=1)
        for one in group
    }
    gallery.grid([rows[one] for one in numbers if one in rows], captions)
    if len(finding.groups) > len(shown):
        st.caption(text.more_groups(len(finding.groups) - len(shown)))
    if finding.kind == "across_classes":
        st.button(
            text.CHOOSE_CLASS,
            key=f"check.class.{key}",
            icon=":material/label:",
            on_click=_to_gallery,
            args=(work, project.id, [one for one in numbers if one in rows]),
        )
    repair = finding.repair
    if finding.kind == "series":
        title = text.together_series(len(repair.together))
        _repair(work, project, repair, text.TOGETHER_SERIES, title, key)
    elif repair.together:
        _repair(work, project, repair, text.TOGETHER, text.together(len(repair.together)), key)
    elif repair.exclude:
        label = {"copies": text.EXCLUDE_COPIES, "leak": text.EXCLUDE_LEAK}
        words = label.get(finding.kind, text.EXCLUDE_MIXED)
        _repair(work, project, repair, words, text.excluded(len(repair.exclude)), key)


def _to_gallery(work: Studio, project_id: str, numbers: Sequence[int]) -> None:
    """Select these pictures and show the selection, where they can be moved."""
    work.gallery.unmark_all(project_id)
    work.gallery.mark(project_id, numbers)
    pictures.turn_to(project_id, "selected")


def _is_open(group: Sequence[int], rows: Mapping[int, ImageRow], kind: str) -> bool:
    """Whether a group is still what the finding says of it."""
    there = [rows[one] for one in group if one in rows]
    if kind == "across_classes":
        return len({row.label for row in there}) > 1
    if kind == "leak":
        return len({row.split for row in there}) > 1
    return len(there) > 1


def _repair(
    work: Studio, project: Project, repair: Repair, label: str, title: str, key: str
) -> None:
    st.button(
        label,
        key=f"check.repair.{key}",
        icon=":material/build:",
        on_click=_carry_out,
        args=(work, project.id, repair, title),
    )


def _carry_out(work: Studio, project_id: str, repair: Repair, title: str) -> None:
    with shown_kindly():
        if work.curation.repair(project_id, repair, title=title):
            st.toast(title, icon=":material/build:")


# -- single pictures -------------------------------------------------------------------------------


def _choose(work: Studio, project: Project, finding: DataFinding, key: str) -> None:
    relabel = finding.repair.relabel
    there = work.library.some_images(project.id, [group[0] for group in finding.groups])
    open_ones = [row for row in there if relabel.get(row.id) != row.label]
    if not open_ones:
        st.caption(text.DONE)
        return
    pages = math.ceil(len(open_ones) / text.PER_PAGE)
    page = min(int(st.session_state.get(f"check.page.{key}", 1)), pages)
    first = (page - 1) * text.PER_PAGE
    rows = open_ones[first : first + text.PER_PAGE]
    with st.form(f"check.form.{key}.{page}", border=False):
        chosen = _cells(rows, finding.captions, f"{key}.{page}")
        everything = st.checkbox(text.ALL, key=f"check.all.{key}.{page}")
        left, right, _ = st.columns([2, 2, 1])
        change = bool(relabel) and left.form_submit_button(
            text.RELABEL, key=f"check.relabel.{key}", icon=":material/label:", width="stretch"
        )
        place = right if relabel else left
        leave = place.form_submit_button(
            text.EXCLUDE_CHOSEN, key=f"check.leave.{key}", icon=":material/block:", width="stretch"
        )
    if pages > 1:
        with st.container(horizontal_alignment="center"):
            st.pagination(pages, key=f"check.page.{key}")
    if not (change or leave):
        return
    chosen = _picked(rows, chosen, everything=everything)
    if not chosen:
        return
    if change:
        repair = Repair(relabel={one: relabel[one] for one in chosen if one in relabel})
        title = text.relabelled(len(chosen))
    else:
        repair, title = Repair(exclude=tuple(chosen)), text.excluded(len(chosen))
    _carry_out(work, project.id, repair, title)
    st.rerun()


def _cells(rows: Sequence[ImageRow], captions: Mapping[int, str], key: str) -> list[int]:
    """The pictures with a box beside each; the numbers of those chosen."""
    chosen = []
    for start in range(0, len(rows), COLUMNS):
        for column, row in zip(st.columns(COLUMNS), rows[start : start + COLUMNS], strict=False):
            with column:
                gallery.grid([row], {row.id: row.path.rsplit("/", 1)[-1]})
                label = esc_md(captions.get(row.id, row.label))
                if st.checkbox(label, key=f"check.one.{key}.{row.id}"):
                    chosen.append(row.id)
    return chosen


def _picked(rows: Sequence[ImageRow], chosen: list[int], *, everything: bool) -> list[int]:
    """The pictures a click is about; when there are none, that is said."""
    picked = [row.id for row in rows] if everything else chosen
    if not picked:
        st.info(text.NOTHING_CHOSEN)
    return picked
