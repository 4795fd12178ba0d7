"""The parts of the Evaluate page: the number with its interval, classes, and mistakes."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any, NoReturn

import streamlit as st

from tl_core.session import ImageRow, RunRow, Studio
from tl_ui import gallery
from tl_ui.text import esc_md
from tl_ui.texts import evaluate as text
from tl_ui.texts.numbers import percent
from tl_ui.views.figures import Figure, figures

__all__ = ["classes", "headline", "mistakes", "pictures_of", "report_of"]

SHOWN = 12  # mistakes on the page
BAR = """<style>
.thaw-bar{{position:relative;height:1.1rem;margin:.2rem 0 1.6rem;border-radius:.55rem;
background:color-mix(in srgb,currentColor 10%,transparent)}}
.thaw-bar i{{position:absolute;top:0;bottom:0;border-radius:.55rem;
background:color-mix(in srgb,#1480b8 45%,transparent)}}
.thaw-bar b{{position:absolute;top:-.2rem;bottom:-.2rem;width:.28rem;margin-left:-.14rem;
border-radius:.2rem;background:#1480b8}}
.thaw-bar s{{position:absolute;top:-.3rem;bottom:-.3rem;border-left:2px dashed currentColor}}
.thaw-bar u{{position:absolute;top:1.25rem;font-size:.8rem;text-decoration:none;white-space:nowrap;
transform:translateX(-50%)}}
</style>
<div class="thaw-bar" role="img" aria-label="{words}">
<i style="left:{low:.1f}%;width:{width:.1f}%"></i><b style="left:{value:.1f}%"></b>
<s style="left:{base:.1f}%"></s>
<u style="left:clamp(4rem,{base:.1f}%,100% - 4rem)">{name}</u></div>"""
TWO_LINES = """<style>
.st-key-mistakes figcaption{white-space:pre-line!important}
</style>"""


def report_of(work: Studio, row: RunRow) -> dict[str, Any]:
    """The run's result on the split chosen here; the page stops when there is none."""
    found = {split: work.report(row.id, split) for split in text.SPLITS}
    there = [split for split, body in found.items() if body is not None]
    if not there:
        _nothing()
    if there == ["val"]:
        st.info(text.ONLY_VAL, icon=":material/info:")
        split = "val"
    else:
        split = st.segmented_control(
            text.SPLIT,
            there,
            default=there[0],
            required=True,
            format_func=lambda one: text.SPLITS[one],
            key="evaluate.split",
            persist_state="session",
        )
        st.caption(text.SPLIT_WORDS[split])
    body = found[split]
    assert body is not None  # only splits with a result can be chosen
    return body


def _nothing() -> NoReturn:
    with st.container(border=True):
        st.markdown(f"**{text.NO_REPORT}** {text.NO_REPORT_HINT}")
    st.stop()


def headline(work: Studio, report: Mapping[str, Any]) -> None:
    """The accuracy with its interval and the line to beat, then what the numbers say."""
    figures(
        (
            Figure(
                text.ACCURACY,
                percent(report["accuracy"]["value"]),
                text.accuracy_words(report),
                text.ACCURACY_HELP,
            ),
            Figure(
                text.majority_name(report),
                percent(report["majority"]["value"]),
                text.majority_words(report),
                text.MAJORITY_HELP,
            ),
            Figure(
                text.BALANCED,
                percent(report["balanced_accuracy"]["value"]),
                text.balanced_words(report),
                text.BALANCED_HELP,
            ),
        ),
        key="scores",
    )
    _bar(report)
    st.subheader(text.SAYS, anchor=False)
    st.markdown("\n".join(f"- {esc_md(one)}" for one in work.sentences(report)))


def _bar(report: Mapping[str, Any]) -> None:
    low, high = report["accuracy"]["ci"]
    st.html(
        BAR.format(
            words=escape(text.bar_words(report), quote=True),
            low=100 * low,
            width=100 * (high - low),
            value=100 * report["accuracy"]["value"],
            base=100 * report["majority"]["value"],
            name=escape(text.majority_name(report)),
        )
    )


def classes(report: Mapping[str, Any]) -> None:
    """Recall, precision and F1 of every class, with their intervals."""
    st.subheader(text.CLASSES, anchor=False)
    rows = report["per_class"]
    table = {
        "class": [row["class"] for row in rows],
        "support": [row["support"] for row in rows],
        "recall": [row["recall"] for row in rows],
        "recall_ci": [text.range_of(row["recall_ci"]) for row in rows],
        "precision": [row["precision"] for row in rows],
        "precision_ci": [text.range_of(row["precision_ci"]) for row in rows],
        "f1": [text.f1(row["f1"]) for row in rows],
    }
    config: dict[str, Any] = {}
    for key, (label, about) in text.COLUMNS.items():
        if key in ("recall", "precision"):
            config[key] = st.column_config.ProgressColumn(
                label, help=about, format="percent", min_value=0.0, max_value=1.0
            )
        elif key == "f1":
            config[key] = st.column_config.NumberColumn(label, help=about, format="%.2f")
        else:
            config[key] = st.column_config.Column(label, help=about)
    st.dataframe(table, column_config=config, hide_index=True, width="stretch", key="classes")


def pictures_of(work: Studio, row: RunRow) -> dict[str, ImageRow]:
    """The run's pictures by the ids its reports use."""
    return {str(one.id): one for one in work.snapshot(row.id).images}


def mistakes(report: Mapping[str, Any], pictures: Mapping[str, ImageRow]) -> None:
    """Where it was sure and wrong."""
    st.subheader(text.MISTAKES, anchor=False)
    found = [one for one in report["mistakes"] if one["image"] in pictures][:SHOWN]
    if not found:
        st.markdown(text.NO_MISTAKES)
        return
    st.caption(text.MISTAKES_HINT)
    st.html(TWO_LINES)
    with st.container(key="mistakes"):
        gallery.grid(
            [pictures[one["image"]] for one in found],
            {pictures[one["image"]].id: text.mistake(one) for one in found},
        )
