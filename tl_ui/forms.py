"""Widgets from the limits on config fields, so that a limit is written once."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from tl_core.config import limits_of

__all__ = ["choose", "number", "rate", "small_upload"]


def number(
    config: type[Any],
    name: str,
    label: str,
    value: float | int | None,
    *,
    help: str,
    key: str,
    step: float | int | None = None,
    auto: float | int | None = None,
) -> Any:
    """A number input within the field's limits; returns None for "chosen for you".

    Args:
        config: The config class that owns the field.
        name: The field.
        label: On screen.
        value: Now; None shows ``auto`` as the placeholder.
        help: One sentence, with the reason for the default where there is one.
        key: Of the widget.
        step: Of the arrows.
        auto: What None stands for at present.
    """
    limits = limits_of(config, name)
    whole = isinstance(limits["low"], int) and isinstance(limits["high"], int)
    kind: Callable[[Any], Any] = int if whole else float
    return st.number_input(
        label,
        min_value=kind(limits["low"]),
        max_value=kind(limits["high"]),
        value=None if value is None else kind(value),
        step=kind(step) if step is not None else (1 if whole else 0.01),
        placeholder="" if auto is None else f"{auto:g} (chosen for you)",
        help=help,
        key=key,
        persist_state="session",
    )


def rate(config: type[Any], name: str, label: str, value: float, *, help: str, key: str) -> float:
    """A slider over the decades of a field with logarithmic limits: 1, 2 and 5 of each."""
    limits = limits_of(config, name)
    first, last = math.floor(math.log10(limits["low"])), math.ceil(math.log10(limits["high"]))
    steps = [m * 10.0**e for e in range(first, last + 1) for m in (1, 2, 3, 5)]
    options = [one for one in steps if limits["low"] <= one * 1.000001 and one <= limits["high"]]
    nearest = min(options, key=lambda one: abs(math.log(one / value)))
    chosen: float = st.select_slider(
        label,
        options,
        value=nearest,
        format_func=lambda one: f"{one:g}",
        help=help,
        key=key,
        persist_state="session",
    )
    return value if chosen == nearest else chosen


def choose(
    config: type[Any],
    name: str,
    label: str,
    value: str,
    *,
    words: Mapping[str, str],
    help: str,
    key: str,
) -> str:
    """One of the field's options, in words."""
    options = list(limits_of(config, name)["options"])
    chosen = st.segmented_control(
        label,
        options,
        default=value,
        required=True,
        format_func=lambda one: words.get(one, one),
        help=help,
        key=key,
        persist_state="session",
    )
    return str(chosen or value)


def small_upload(label: str, *, key: str) -> list[tuple[str, bytes]]:
    """Streamlit's own uploader for a zip or pictures, where the launcher's routes are absent.

    Returns:
        (name, content) pairs; empty until something was chosen. Contents are in memory.
    """
    given = st.file_uploader(
        label, type=["zip", "tar", "tgz"], accept_multiple_files=False, key=key
    )
    return [] if given is None else [(given.name, given.getvalue())]
