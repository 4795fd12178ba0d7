"""The parts of the Evaluate page: the run's result, the number with its interval, classes."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any, NoReturn

import streamlit as st

from tl_core.config import PROBES
from tl_core.session import ImageRow, RunRow, Studio
from tl_ui.text import esc_md
from tl_ui.texts import about_evaluate as about
from tl_ui.texts import evaluate as text
from tl_ui.texts.numbers import percent
from tl_ui.views.bar import BAR_STYLE, accuracy_bar
from tl_ui.views.figures import Figure, figures
from tl_ui.views.meaning import headed

__all__ = ["classes", "headline", "pictures_of", "report_of"]

SCORE_STYLE = """<style>
.thaw-score{display:flex;flex-wrap:wrap;align-items:center;gap:.4rem 1.4rem}
.thaw-score strong{font-size:3.6rem;line-height:1.1;font-weight:700;letter-spacing:-.02em}
.thaw-score span{font-size:1.05rem;line-height:1.45}
</style>"""


def report_of(work: Studio, row: RunRow) -> dict[str, Any]:
    """The run's result on the split chosen here; the page stops when there is none."""
    found = {split: work.report(row.id, split) for split in text.SPLITS}
    there = [split for split, body in found.items() if body is not None]
    if not there:
        _nothing()
    solved = row.spec.get("freeze", {}).get("layers") in PROBES  # then they chose no epoch
    if there == ["val"]:
        st.info(text.ONLY_VAL_SOLVED if solved else text.ONLY_VAL, icon=":material/info:")
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
        words = text.SPLIT_WORDS_SOLVED if solved else text.SPLIT_WORDS
        st.caption(words[split])
    body = found[split]
    assert body is not None  # only splits with a result can be chosen
    return body


def _nothing() -> NoReturn:
    with st.container(border=True):
        st.markdown(f"**{text.NO_REPORT}** {text.NO_REPORT_HINT}")
    st.stop()


def headline(work: Studio, report: Mapping[str, Any]) -> None:
    """The accuracy with its interval and the line to beat, then what the numbers say."""
    _score(report)
    row = [
        Figure(
            text.majority_name(report),
            percent(report["majority"]["value"]),
            text.majority_words(report),
        ),
        Figure(
            text.BALANCED,
            percent(report["balanced_accuracy"]["value"]),
            text.balanced_words(report),
        ),
    ]
    if report["top3"]:
        row.append(
            Figure(
                text.TOP3,
                percent(report["top3"]["value"]),
                text.right_words(report["top3"], report["n"]),
            )
        )
    figures(row, about.score(report), key="scores")
    headed(text.SAYS, about.says(report), key="says.meaning")
    st.markdown("\n".join(f"- {esc_md(one)}" for one in work.sentences(report)))


def _score(report: Mapping[str, Any]) -> None:
    value = report["accuracy"]["value"]
    right, likely = text.right_words(report["accuracy"], report["n"]), text.likely_words(report)
    bar = accuracy_bar(
        value,
        report["accuracy"]["ci"],
        report["majority"]["value"],
        name=text.majority_mark(report),
        words=text.bar_words(report),
    )
    st.html(
        f'{SCORE_STYLE}{BAR_STYLE}<p class="thaw-score"><strong>{escape(percent(value))}</strong>'
        f"<span>{escape(right)}<br>{escape(likely)}</span></p>{bar}"
    )


def classes(report: Mapping[str, Any]) -> None:
    """Recall, precision and F1 of every class, with their intervals."""
    headed(text.CLASSES, about.classes(), key="classes.meaning")
    rows = report["per_class"]
    table = {
        "class": [row["class"] for row in rows],
        "support": [row["support"] for row in rows],
        "recall": [text.hundredths(row["recall"]) for row in rows],
        "recall_ci": [text.range_of(row["recall_ci"]) for row in rows],
        "precision": [text.hundredths(row["precision"]) for row in rows],
        "precision_ci": [text.range_of(row["precision_ci"]) for row in rows],
        "f1": [text.f1(row["f1"]) for row in rows],
    }
    config: dict[str, Any] = {}
    for key, (label, words) in text.COLUMNS.items():
        if key in ("recall", "precision"):
            config[key] = st.column_config.ProgressColumn(
                label, help=words, format="%d %%", min_value=0, max_value=100
            )
        elif key == "f1":
            config[key] = st.column_config.NumberColumn(label, help=words, format="%.2f")
        else:
            config[key] = st.column_config.Column(label, help=words)
    st.dataframe(table, column_config=config, hide_index=True, width="stretch", key="classes")


def pictures_of(work: Studio, row: RunRow) -> dict[str, ImageRow]:
    """The run's pictures by the ids its reports use."""
    return {str(one.id): one for one in work.snapshot(row.id).images}
