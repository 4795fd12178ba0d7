"""What answers on the Predict page: a run of the project, or the classifier it was brought."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from tl_core.export.brought import Brought
from tl_core.session import Project, RunRow, Studio
from tl_ui import state
from tl_ui.texts import brought as text
from tl_ui.views import brought, history, runs

__all__ = ["Answering", "chosen", "needs"]

RUN, BUNDLE = "run", "brought"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answering:
    """A run, or (``run`` None) the bundle that was brought.

    ``owner`` is under what answers to many pictures are kept, ``asked`` the part of a task's spec
    that says who answers.
    """

    owner: str
    project_id: str
    asked: Mapping[str, Any]
    run: RunRow | None = None
    bundle: Brought | None = None

    def was_asked(self, row: RunRow) -> bool:
        """Whether a task was put to it."""
        return all(row.spec.get(key) == value for key, value in self.asked.items())


def needs(work: Studio) -> tuple[str, ...]:
    """What the open project must have before anything can be asked."""
    opened = state.project()
    return () if opened is not None and brought.there(work, opened.id) else ("data",)


def chosen(work: Studio, project: Project) -> Answering:
    """What answers; with a run and a bundle it can be chosen. Without any the page stops here."""
    bundle = brought.bringing(work, project)
    if bundle is not None and not _wants_run(work, project):
        brought.described(work, project, bundle)
        return Answering(
            owner=project.id, project_id=project.id, asked={"bundle": True}, bundle=bundle
        )
    run = runs.judged(work, project.id)
    history.since(work, run)
    return Answering(owner=run.id, project_id=project.id, asked={"run_id": run.id}, run=run)


def _wants_run(work: Studio, project: Project) -> bool:
    if not any(row.state == "finished" for row in work.runs(project.id)):
        return False
    found = st.segmented_control(
        text.WHO,
        list(text.ANSWERERS),
        default=RUN,
        required=True,
        format_func=lambda one: text.ANSWERERS[one],
        key="predict.who",
        persist_state="session",
    )
    return found != BUNDLE
