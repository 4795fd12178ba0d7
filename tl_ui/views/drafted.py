"""The drafted settings as widgets: every change is saved at once, "automatic" is one click away.

The draft in the store is the truth. Before a widget is drawn its value is taken from the draft,
so two tabs, a refresh and a restart all show the same.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from tl_core.config import (
    PROBES,
    AugmentConfig,
    RunSpec,
    TrainConfig,
    changed,
    limits_of,
    parse_layers,
)
from tl_core.session import Studio
from tl_core.train.defaults import resolved
from tl_ui import state
from tl_ui.errors import shown_kindly
from tl_ui.text import esc_md
from tl_ui.texts import layers as text

__all__ = [
    "Draft",
    "choice",
    "degrees",
    "keep",
    "menu",
    "number",
    "scale",
    "share",
    "switch",
    "versions",
]

LATE_S = 3.0  # for which the browser may still tell what it showed before
AUTOMATIC = "automatic"  # the position of a slider that leaves a number to Thaw
AUTO = ("train.epochs", "train.lr", "train.batch_size", "train.image_size", "train.views")


class Draft:
    """One project's settings, read once per run of the page.

    Args:
        work: The engine.
        project_id: Whose settings.
    """

    def __init__(self, work: Studio, project_id: str) -> None:
        self.work = work
        self.project_id = project_id
        self.spec = work.draft(project_id)
        self.card = work.card(project_id)
        self.data = work.data(project_id)
        self.why = work.reasons(project_id)
        self.resolved = self._filled(self.spec)

    @property
    def is_probe(self) -> bool:
        """Whether the head is solved instead of trained, so that nothing takes steps."""
        return self.spec.freeze.layers in PROBES

    @property
    def from_scratch(self) -> bool:
        """Whether nothing pretrained is used."""
        return self.spec.freeze.layers == "scratch"

    @property
    def pretrained_learn(self) -> bool:
        """Whether pretrained blocks learn besides the head."""
        return not (self.is_probe or self.from_scratch or self.spec.freeze.layers == "head")

    @property
    def keeps_a_prefix(self) -> bool:
        """Whether blocks are frozen before the first one that learns, so that something is kept."""
        kind, numbers = parse_layers(self.spec.freeze.layers)
        return kind not in ("all", "scratch", "first") and 0 not in numbers

    def _filled(self, spec: RunSpec) -> RunSpec:
        return resolved(
            spec,
            card=self.card,
            n_train=self.data.n_train,
            n_classes=len(self.data.classes),
            detail_px=self.data.detail_px,
        )

    def now(self, path: str) -> Any:
        """The value of a dotted field, automatic ones filled in."""
        return _value(self.resolved, path)

    def usual(self, path: str) -> Any:
        """What the field is when left to Thaw."""
        if path in AUTO:
            return _value(self._filled(changed(self.spec, {path: None})), path)
        return _value(RunSpec(), path)

    def is_automatic(self, path: str) -> bool:
        """Whether the user has left the field to Thaw."""
        value = _value(self.spec, path)
        return value is None if path in AUTO else bool(value == _value(RunSpec(), path))

    def key(self, path: str) -> str:
        """The key of the field's widget."""
        return f"{self.project_id}.{path}"

    def save(self, changes: Mapping[str, Any]) -> None:
        """Change fields and keep the draft; an impossible value is said and not kept."""
        keep(self.work, self.project_id, changes)


def keep(work: Studio, project_id: str, changes: Mapping[str, Any]) -> None:
    """Change fields of the stored draft; also a widget's callback."""
    with shown_kindly():
        work.save_draft(project_id, changed(work.draft(project_id), changes))


def _value(spec: RunSpec, path: str) -> Any:
    part, _, name = path.partition(".")
    return getattr(getattr(spec, part), name)


def _limits(path: str) -> Mapping[str, Any]:
    part, _, name = path.partition(".")
    return limits_of({"train": TrainConfig, "augment": AugmentConfig}[part], name)


def _take(draft: Draft, path: str, read: Callable[[Any], Any], usual: Any) -> None:
    value = st.session_state.get(draft.key(path))
    if value is None or _is_late(draft.key(path), value):
        return
    value = read(value)
    draft.save({path: None if path in AUTO and value == usual else value})


def _bound(draft: Draft, path: str, shown: Any, read: Callable[[Any], Any]) -> dict[str, Any]:
    """Put the draft's value into the widget; returns the widget's key and callback."""
    key = draft.key(path)
    before = st.session_state.get(key)
    if before is not None and before != shown:  # changed elsewhere: by a button, in another tab
        state.remember(f"{key}.was", (before, time.monotonic()))
    st.session_state[key] = shown
    return {
        "key": key,
        "on_change": _take,
        "args": (draft, path, read, draft.usual(path)),
    }


def _is_late(key: str, value: Any) -> bool:
    """Whether a value is what the browser showed before a change that it had not heard of yet.

    Whatever redraws the page sends the values of all widgets along; taken for a choice, an old one
    would undo what a button has just set.
    """
    before, at = state.memory(f"{key}.was", (None, 0.0))
    return bool(value == before and time.monotonic() - at < LATE_S)


def _same(value: Any) -> Any:
    return value


def number(
    draft: Draft, path: str, label: str, *, help: str, step: float = 1, words: str = "{:g}"
) -> None:
    """A number within the field's limits, with its reason below."""
    limits = _limits(path)
    kind = int if isinstance(limits["low"], int) and isinstance(limits["high"], int) else float
    st.number_input(
        label,
        min_value=kind(limits["low"]),
        max_value=kind(limits["high"]),
        step=kind(step),
        format="%d" if kind is int else "%.3f",
        help=help,
        **_bound(draft, path, kind(draft.now(path)), kind),
    )
    _foot(draft, path, words.format(draft.usual(path)))


def scale(
    draft: Draft,
    path: str,
    label: str,
    marks: Sequence[Any],
    *,
    help: str,
    words: Callable[[Any, Any], str],
) -> None:
    """A slider over named positions; the value now and the automatic one are always among them.

    Args:
        draft: The settings.
        path: The field.
        label: On screen.
        marks: Positions in order.
        help: One or two sentences.
        words: (value, automatic value) -> what is written at a position.
    """
    usual = draft.usual(path)
    options = sorted({*marks, usual, draft.now(path)})
    st.select_slider(
        label,
        options,
        format_func=lambda one: words(one, usual),
        help=help,
        **_bound(draft, path, draft.now(path), _same),
    )
    _foot(draft, path, words(usual, None))


def share(
    draft: Draft, path: str, label: str, *, help: str, step: int = 5, reason: bool = True
) -> None:
    """A fraction, shown in percent."""
    limits = _limits(path)
    st.slider(
        label,
        min_value=round(limits["low"] * 100),
        max_value=round(limits["high"] * 100),
        step=step,
        format="%d %%",
        help=help,
        **_bound(draft, path, round(draft.now(path) * 100), lambda percent: percent / 100),
    )
    if reason:
        _foot(draft, path, f"{draft.usual(path):.0%}")


def degrees(draft: Draft, path: str, label: str, *, help: str) -> None:
    """An angle to either side."""
    limits = _limits(path)
    st.slider(
        label,
        min_value=round(limits["low"]),
        max_value=round(limits["high"]),
        step=5,
        format="%d°",
        help=help,
        **_bound(draft, path, round(draft.now(path)), float),
    )


def versions(draft: Draft, path: str, label: str, marks: Sequence[int], *, help: str) -> None:
    """A slider whose first position leaves the number to Thaw, which may choose none."""
    usual, chosen = draft.usual(path), _value(draft.spec, path)
    st.select_slider(
        label,
        [AUTOMATIC, *sorted({*marks, *([chosen] if chosen else [])})],
        format_func=lambda one: text.views_mark(None if one == AUTOMATIC else one, usual),
        help=help,
        **_bound(draft, path, chosen or AUTOMATIC, lambda one: None if one == AUTOMATIC else one),
    )
    _foot(draft, path, text.views_words(usual))


def switch(
    draft: Draft, path: str, label: str, *, help: str | None = None, reason: bool = False
) -> None:
    """Yes or no."""
    st.toggle(label, help=help, **_bound(draft, path, draft.now(path), bool))
    if reason:
        _foot(draft, path, text.ON if draft.usual(path) else text.OFF)


def choice(
    draft: Draft,
    path: str,
    label: str,
    names: Mapping[str, str],
    *,
    help: str | None = None,
    reason: bool = False,
) -> None:
    """One of a few, all to be seen."""
    st.segmented_control(
        label,
        list(names),
        required=True,
        format_func=lambda one: names[one],
        help=help,
        **_bound(draft, path, draft.now(path), str),
    )
    if reason:
        _foot(draft, path, names[draft.usual(path)])


def menu(draft: Draft, path: str, label: str, names: Mapping[str, str]) -> None:
    """One of several, in a list."""
    st.selectbox(
        label,
        list(names),
        format_func=lambda one: names[one],
        **_bound(draft, path, draft.now(path), str),
    )
    _foot(draft, path, names[draft.usual(path)])


def _foot(draft: Draft, path: str, usual: str) -> None:
    """Below a setting: why it is what it is, or the way back to what Thaw would choose."""
    reason = draft.why.get(path, "")
    if draft.is_automatic(path):
        words = text.automatic(esc_md(reason)) if path in AUTO else esc_md(reason)
        if words:
            st.caption(words)
        return
    st.button(
        text.back_to(usual) if path in AUTO else text.back_to_default(usual),
        key=f"{draft.key(path)}.usual",
        type="tertiary",
        icon=":material/undo:",
        on_click=draft.save,
        args=({path: None if path in AUTO else draft.usual(path)},),
    )
