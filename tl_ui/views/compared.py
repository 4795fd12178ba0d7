"""Runs held against each other: verdicts, curves, costs, differences, and where they disagree."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st

from tl_core.evaluate import comparison_words as words
from tl_core.evaluate.frontier import unbeaten
from tl_core.evaluate.paired import Pair
from tl_core.jobs.comparing import Comparison, Disagreement, RunFacts, controls
from tl_core.jobs.differing import differences
from tl_core.session import Studio
from tl_ui import gallery, state
from tl_ui.compare_charts import Cost, cost_figure, curves_figure, gaps_figure
from tl_ui.text import esc_md, step_text
from tl_ui.texts import about_compare as about
from tl_ui.texts import compare as text
from tl_ui.views.compare import Chosen, chip
from tl_ui.views.meaning import headed

__all__ = ["costs", "curves", "differ", "disagree", "transfer", "verdicts"]

DECADE = 10  # times the least cost, from which the axis counts decades
CAPTIONS = """<style>
.st-key-disagreements figcaption{white-space:pre-line!important}
</style>"""
LEGEND_STYLE = """<style>
.thaw-legend{display:flex;flex-wrap:wrap;gap:.4rem 1.2rem;font-size:.9375rem}
.thaw-legend span{display:inline-flex;align-items:center;gap:.45rem}
</style>"""
VERDICT_STYLE = """<style>
.thaw-verdict{display:flex;gap:.7rem;margin:.1rem 0 .9rem}
.thaw-verdict p{margin:0;line-height:1.45}
.thaw-verdict b{font-size:1.08rem}
.thaw-verdict small{display:block;font-size:.875rem;line-height:1.45;opacity:.82}
</style>"""


def verdicts(picked: Chosen, found: Comparison) -> None:
    """Who is better than the run the others are held against, one sentence each."""
    headed(text.VERDICTS, about.verdicts(found), key="compare.verdicts.meaning")
    marks = picked.marks
    if found.missing:
        st.info(text.missing([marks[one] for one in found.missing], found.split))
    if found.split == "test" and found.tested > 2:
        st.warning(text.tested(found), icon=":material/visibility:")
    told = [pair for pair in found.pairs if pair.verdict != "too few"]
    if told:
        st.plotly_chart(
            gaps_figure(
                [(_place(picked, pair), marks[pair.first], pair.accuracy) for pair in told],
                text.GAP_AXIS.format(mark=marks[found.reference]),
            ),
            key="compare.gaps",
            config={"displayModeBar": False},
            alt=" ".join(words.verdict(pair, marks) for pair in told),
        )
    st.html(VERDICT_STYLE + "".join(_verdict(picked, found, pair) for pair in found.pairs))
    if said := text.corrected(found):
        st.caption(said)


def _place(picked: Chosen, pair: Pair) -> int:
    place = picked.place(pair.first)
    assert place is not None  # only chosen runs are compared
    return place


def _verdict(picked: Chosen, found: Comparison, pair: Pair) -> str:
    marks = picked.marks
    lines = []
    if pair.verdict != "too few":
        lines.append(words.numbers(pair, marks))
        lines.append(words.probabilities(pair, marks))
    lines.append(words.left_out(pair))
    if pair.first in found.other_classes:
        lines.append(f"{marks[pair.first]} {text.CLASSES_DIFFER}")
    below = "".join(f"<small>{escape(line)}</small>" for line in lines if line)
    return (
        f'<div class="thaw-verdict">{chip(_place(picked, pair))}'
        f"<p><b>{escape(words.verdict(pair, marks))}</b>{below}</p></div>"
    )


def transfer(picked: Chosen, found: Comparison) -> None:
    """What the controls from scratch among the runs say; nothing without one."""
    marks = picked.marks
    told = [
        words.transfer_sentence(pair, control, marks)
        for pair in found.pairs
        for control in controls(picked.rows, pair)
    ]
    if not told:
        return
    headed(text.TRANSFER, about.transfer(), key="compare.transfer.meaning")
    st.markdown("\n\n".join(f"**{esc_md(one)}**" for one in told))
    target = step_text("evaluate")
    st.caption(text.TRANSFER_HINT)
    st.page_link(target.path, label=text.TRANSFER_GO, icon=target.icon, query_params=state.query())


def curves(work: Studio, picked: Chosen) -> None:
    """Validation loss and accuracy of all of them over the epochs."""
    headed(text.CURVES, about.curves(), key="compare.curves.meaning")
    views = [
        (place, f"{text.LETTERS[place]} {escape(one.row.name)}", work.comparing.view(one.row))
        for place, one in enumerate(picked.rows)
    ]
    if not any(view.history for _, _, view in views):
        st.markdown(text.NO_CURVES)
        return
    cells = "".join(f"<span>{chip(place)}{name[2:]}</span>" for place, name, _ in views)
    st.html(f'{LEGEND_STYLE}<div class="thaw-legend">{cells}</div>')
    with st.grid(2, min_column_width=300, gap="small") as grid:
        for field, (title, note) in text.CURVE_TITLES.items():
            with grid.cell(), st.container(gap=None):
                st.markdown(f"**{title}** :small[{note}]")
                st.plotly_chart(
                    curves_figure(views, field),
                    key=f"compare.curves.{field}",
                    config={"displayModeBar": False},
                )
    if any(one.solved for one in picked.rows):
        st.caption(text.SOLVED_LINE)


def costs(picked: Chosen, everything: Sequence[RunFacts]) -> None:
    """Accuracy against time or size, of every run judged on these pictures."""
    headed(text.COSTS, about.costs(), key="compare.costs.meaning")
    split = picked.choice.split
    rows = [one for one in everything if split in one.accuracy]
    if not rows:
        return
    kind = st.segmented_control(
        text.COST,
        list(text.COST_NAMES),
        default="seconds",
        required=True,
        format_func=lambda one: text.COST_NAMES[one],
        label_visibility="collapsed",
        key="compare.cost",
    )
    spent = [one.seconds if kind == "seconds" else one.megabytes for one in rows]
    best = unbeaten([(one.accuracy[split][0], cost) for one, cost in zip(rows, spent, strict=True)])
    points = [
        Cost(
            mark=picked.mark(one.id),
            name=escape(one.row.name),
            place=picked.place(one.id),
            value=one.accuracy[split][0],
            low=one.accuracy[split][1],
            high=one.accuracy[split][2],
            cost=cost,
            unbeaten=first,
        )
        for one, cost, first in zip(rows, spent, best, strict=True)
    ]
    axis = text.TIME_AXIS if kind == "seconds" else text.SIZE_AXIS
    log = min(spent) > 0 and max(spent) > DECADE * min(spent)
    st.plotly_chart(
        cost_figure(points, axis, log=log), key="compare.costs", config={"displayModeBar": False}
    )
    named = [
        f"{picked.mark(one.id) or picked.names[one.id]} ({text.accuracy(one, split)}, "
        f"{text.cost(one, str(kind))})"
        for one, first in zip(rows, best, strict=True)
        if first
    ]
    elsewhere = len({one.state for one in rows}) > 1
    st.caption(esc_md(text.unbeaten(named) + (f" {text.OTHER_STATES}" if elsewhere else "")))


def differ(work: Studio, picked: Chosen, found: Comparison) -> None:
    """Only what is not the same: settings, and the pictures."""
    headed(text.DIFFER, about.differ(), key="compare.differ.meaning")
    titles = {str(one.row.spec["model"]["name"]): one.network for one in picked.rows}
    table = {text.SETTING: list[str](), **{one.id: list[str]() for one in picked.rows}}
    for setting in differences([one.row.spec for one in picked.rows]):
        table[text.SETTING].append(text.setting(setting.path))
        for row, value in zip(picked.rows, setting.values, strict=True):
            table[row.id].append(text.value(setting.path, value, titles))
    if table[text.SETTING]:
        st.dataframe(
            table,
            column_config={text.SETTING: "Setting", **picked.marks},
            hide_index=True,
            width="stretch",
            key="compare.differ",
        )
    told = _pictures(work, picked, found)
    same = not table[text.SETTING] and told == [text.SAME_PICTURES]
    st.markdown(text.NOTHING_DIFFERS if same else "  \n".join(map(esc_md, told)))


def _pictures(work: Studio, picked: Chosen, found: Comparison) -> list[str]:
    """How the pictures of the runs differ from the reference's, one sentence per difference."""
    first = found.reference or picked.rows[0].id
    groups: dict[str, list[str]] = {}
    for one in picked.rows:
        if one.id != first:
            changed = text.pictures_changed(work.comparing.between(first, one.id))
            groups.setdefault(changed, []).append(picked.mark(one.id))
    if list(groups) == [""]:
        return [text.SAME_PICTURES]
    return [
        text.other_pictures(marks, picked.mark(first), changed)
        for changed, marks in groups.items()
        if changed
    ]


# -- where they disagree ---------------------------------------------------------------------------


def disagree(picked: Chosen, found: Comparison) -> None:
    """Pictures that a run and its reference answered differently, a few at a time."""
    others = [pair.first for pair in found.pairs if pair.verdict != "too few"]
    if not others:
        return
    headed(text.DISAGREE, about.disagree(), key="compare.disagree.meaning")
    second, one = picked.mark(found.reference), others[0]
    if len(others) > 1:
        one = st.segmented_control(
            text.PAIR,
            others,
            default=others[0],
            required=True,
            format_func=lambda run: f"{picked.mark(run)} and {second}",
            key="compare.pair",
        )
    pictures = found.disagreements.get(one, ())
    if not pictures:
        st.markdown(text.NO_DISAGREEMENT)
        return
    _group(picked.mark(one), second, pictures, key=f"{found.split}.{one}.{found.reference}")


def _group(first: str, second: str, pictures: Sequence[Disagreement], *, key: str) -> None:
    groups = {which: [one for one in pictures if one.right == which] for which in text.KINDS}
    there = [which for which, some in groups.items() if some]
    which = st.segmented_control(
        text.DISAGREE,
        there,
        default=there[0],
        required=True,
        format_func=lambda one: text.kind(one, first, second, len(groups[one])),
        label_visibility="collapsed",
        key=f"compare.kind.{key}",
    )
    shown = state.memory(f"compare.shown.{key}.{which}", text.SHOWN)
    some = groups[which][:shown]
    st.html(CAPTIONS)
    with st.container(key="disagreements"):
        gallery.grid(
            [one.image for one in some],
            {one.image.id: text.answers(one, first, second) for one in some},
        )
    if shown < min(len(groups[which]), gallery.PER_PAGE):
        st.button(
            text.MORE,
            key="compare.more",
            on_click=state.remember,
            args=(f"compare.shown.{key}.{which}", shown + text.SHOWN),
        )
