"""Mistakes and mending in one flow: choose pictures, look, mend them, train again, compare.

A fragment: what is chosen and selected here draws this part of the page only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from tl_core.session import ImageRow, Project, RunRow, Studio
from tl_ui import gallery
from tl_ui.components.picker import Changes, picker
from tl_ui.server.presence import routes_present
from tl_ui.texts import about_evaluate as about
from tl_ui.texts import curation
from tl_ui.texts import evaluate as told
from tl_ui.texts import mending as text
from tl_ui.texts.data import PARTS
from tl_ui.views import confusion, explain, mapped, mending, selection
from tl_ui.views.meaning import headed
from tl_ui.views.pictures import facts_of

__all__ = ["flow"]

SHOWN = 60  # pictures at once
WAY = "mistakes.way"


@st.fragment
def flow(
    work: Studio,
    project: Project,
    run: RunRow,
    report: Mapping[str, Any],
    pictures: Mapping[str, ImageRow],
) -> None:
    """Draw the view."""
    way = st.segmented_control(
        text.WAY,
        list(text.WAYS),
        default="cell",
        required=True,
        format_func=lambda one: text.WAYS[one],
        key=WAY,
        persist_state="session",
    )
    answers = _answers(work, run)
    captions = {key: text.caption(one) for key, one in answers.items()}
    if way == "map":
        wrong = [key for key, one in answers.items() if not one["right"]]
        given = {key: str(one["answer"]) for key, one in answers.items()}
        ids = mapped.choose(work, run, pictures, given, wrong)
        captions = {**captions, **mapped.strangers(work, run)}
    elif way == "sure":
        headed(told.MISTAKES, about.mistakes(), key="mistakes.meaning")
        st.caption(told.MISTAKES_HINT)
        ids = [one["image"] for one in report["mistakes"]]
        if not ids:
            st.markdown(text.NO_MISTAKES)
    else:
        ids = confusion.matrix(report)
    rows = [pictures[one] for one in ids if one in pictures]
    _chosen(work, project, rows, captions)
    selection.bar(work, project.id, excluded=False)
    explain.section(work, run, rows)
    mending.card(work, run)


def _answers(work: Studio, run: RunRow) -> dict[str, dict[str, Any]]:
    """What the run said of its validation and test pictures, by id."""
    found: dict[str, dict[str, Any]] = {}
    for split in ("val", "test"):
        answers = work.answers(run.id, split)
        if answers is None:
            continue
        told = zip(
            answers.images,
            answers.given.tolist(),
            answers.confidence.tolist(),
            answers.right.tolist(),
            strict=True,
        )
        for image, given, sure, right in told:
            found[image] = {
                "answer": answers.classes[given],
                "confidence": sure,
                "right": right,
            }
    return found


def _chosen(
    work: Studio, project: Project, rows: Sequence[ImageRow], captions: Mapping[str, str]
) -> None:
    """The pictures chosen, to be selected; those that are in the set no more cannot be."""
    if not rows:
        return
    there = work.gallery.some(project.id, [row.id for row in rows])
    digests = {row.id: row.digest for row in rows}
    there = [one for one in there if one.digest == digests[one.id]]  # numbers of another set
    now = {one.id: one.label for one in there}
    below = {  # what was said of a picture whose class has changed was said of another question
        row.id: captions[str(row.id)]
        for row in rows
        if str(row.id) in captions and now.get(row.id) == row.label
    }
    shown = there[:SHOWN]
    with st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"
    ):
        st.markdown(f"**{text.chosen(len(there), len(shown))}**", width="content")
        if there and routes_present():
            st.button(
                text.select_all(len(there)),
                key="mistakes.all",
                icon=":material/select_all:",
                type="tertiary",
                on_click=work.gallery.mark,
                args=(project.id, [one.id for one in there]),
            )
    if not there:
        st.caption(text.GONE)
        return
    st.caption(text.HINT)
    if not routes_present():
        known = {row.id: row for row in rows}
        gallery.grid([known[one.id] for one in shown], below)
        return

    def changed(found: Changes) -> None:
        work.gallery.mark(project.id, found.on)
        work.gallery.unmark(project.id, found.off)

    selected = sum(work.gallery.marked_classes(project.id, excluded=False).values())
    picker(
        shown,
        {one.id: facts_of(one) for one in shown},
        PARTS,
        curation.PICKER,
        elsewhere=selected - sum(one.marked for one in shown),
        on_change=changed,
        captions=below,
        key=f"mistakes.picker.{project.id}",
    )
