"""The runs of a project in a list, with filters, and the choice of those that are compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import Any

import streamlit as st

from tl_core.jobs.comparing import FEWEST, MOST, Choice, RunFacts
from tl_core.session import Project, Studio
from tl_ui import state
from tl_ui.compare_charts import COLORS
from tl_ui.text import PageText, step_text
from tl_ui.texts import about_compare as about
from tl_ui.texts import compare as text
from tl_ui.texts import runs as run_text
from tl_ui.texts.numbers import interval
from tl_ui.views import runs
from tl_ui.views.meaning import headed

__all__ = ["STYLE", "Chosen", "chip", "chosen", "listed"]

IN_A_ROW = 4  # cards; more are drawn in two rows
STYLE = """<style>
.thaw-letter{display:inline-flex;align-items:center;justify-content:center;width:1.7rem;
height:1.7rem;border-radius:50%;border:.2rem solid var(--run);font-weight:700;font-size:.95rem;
line-height:1;flex:none}
.thaw-run{display:flex;gap:.2rem .7rem;align-items:center;flex-wrap:wrap;margin:0}
.thaw-run em{font-style:normal;font-weight:600;flex-basis:100%;overflow-wrap:anywhere;
line-height:1.4}
.thaw-run strong{font-size:1.7rem;font-weight:650;line-height:1.3}
.thaw-run small{flex-basis:100%;font-size:.875rem;line-height:1.4;opacity:.82}
</style>"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The runs that are compared, the oldest first, and how; ``names`` to be shown in lists."""

    rows: tuple[RunFacts, ...]
    choice: Choice
    names: dict[str, str]

    def mark(self, run_id: str) -> str:
        """The letter of a run; "" for one that is not compared."""
        place = self.place(run_id)
        return "" if place is None else text.LETTERS[place]

    def place(self, run_id: str) -> int | None:
        """Its position, which is also that of its colour."""
        return next((i for i, one in enumerate(self.rows) if one.id == run_id), None)

    @property
    def marks(self) -> dict[str, str]:
        """Id to letter."""
        return {one.id: text.LETTERS[place] for place, one in enumerate(self.rows)}


def chip(place: int) -> str:
    """HTML of a run's letter in its colour; put ``STYLE`` before the first."""
    letter = text.LETTERS[place]
    return f'<span class="thaw-letter" style="--run:{COLORS[place]}">{letter}</span>'


def listed(work: Studio, project: Project) -> list[RunFacts]:
    """Every run with a result; the page stops kindly when there is none."""
    found = work.comparing.runs(project.id)
    if not found:
        _way_on(run_text.NO_RUN, run_text.NO_RUN_HINT, step_text("train"), step_text("train").do)
        st.stop()
    return found


def _way_on(what: str, hint: str, target: PageText, label: str) -> None:
    with st.container(border=True):
        st.markdown(f"**{what}** {hint}")
        st.page_link(target.path, label=label, icon=target.icon, query_params=state.query())


def chosen(work: Studio, project: Project, found: Sequence[RunFacts]) -> Chosen:
    """The list of runs, the choice among them, and a card for each that is compared."""
    choice = work.comparing.choice(project.id)
    if not any(choice.split in one.accuracy for one in found):
        choice = replace(choice, split="val")  # there are no test pictures
    names = run_text.distinct({one.id: one.row.name for one in found})
    picked = _now(found, choice, names)
    if len(found) < FEWEST:
        _way_on(text.ONE_ONLY, text.ONE_ONLY_HINT, step_text("layers"), text.TRAIN_ANOTHER)
        return Chosen(rows=(), choice=choice, names=names)
    st.html(STYLE)
    headed(text.RUNS, about.runs(choice.split), key="compare.runs.meaning")
    _table(work, project, found, picked)
    _ask(work, project, found, picked)
    if len(picked.rows) < FEWEST:
        st.info(text.TOO_FEW, icon=":material/info:")
        return picked
    st.caption(_split_words(choice, found))
    across = len(picked.rows) if len(picked.rows) <= IN_A_ROW else -(-len(picked.rows) // 2)
    with st.grid(across, min_column_width=150, gap="xsmall", border=True) as grid:
        for place, one in enumerate(picked.rows):
            with grid.cell():
                st.html(_card(place, one, choice.split))
    return picked


def _split_words(choice: Choice, found: Sequence[RunFacts]) -> str:
    if not any("test" in one.accuracy for one in found):
        return text.VAL_ONLY
    return text.TEST_WORDS if choice.split == "test" else text.VAL_WORDS


def _now(found: Sequence[RunFacts], choice: Choice, names: dict[str, str]) -> Chosen:
    rows = [one for one in found if one.id in choice.runs]
    rows.sort(key=lambda one: one.row.created_at)
    return Chosen(rows=tuple(rows), choice=choice, names=names)


def _card(place: int, one: RunFacts, split: str) -> str:
    lines = [text.likely(one, split), text.costs(one)]
    if one.row.tags:
        lines.append(" · ".join(one.row.tags))
    if one.row.note:
        lines.append(one.row.note)
    below = "".join(f"<small>{escape(line)}</small>" for line in lines)
    return (
        f'<p class="thaw-run">{chip(place)}<strong>{escape(text.accuracy(one, split))}</strong>'
        f"<em>{escape(one.row.name)}</em>{below}</p>"
    )


# -- the list --------------------------------------------------------------------------------------


def _table(work: Studio, project: Project, found: Sequence[RunFacts], picked: Chosen) -> None:
    rows = _filtered(found)
    if not rows:
        st.markdown(text.NONE_FIT)
        return
    history = work.curation.history(project.id)
    here = next((one.number for one in history if not one.undone), 0)
    split, zone = picked.choice.split, runs.zone()
    known = [one.accuracy.get(split) for one in rows]
    table: dict[str, list[Any]] = {
        text.MARK: [picked.mark(one.id) for one in rows],
        text.NAME: [one.row.name for one in rows],
        "right": [None if one is None else round(100 * one[0], 1) for one in known],
        "likely": [interval(one[1:]) if one else "" for one in known],
        "time": [round(one.seconds) for one in rows],
        "size": [round(one.megabytes, 1) for one in rows],
        text.BLOCKS: [text.blocks(one.layers) for one in rows],
        text.NETWORK: [one.network for one in rows],
        "pictures": [one.pictures for one in rows],
        "state": [text.state(one.state, here) for one in rows],
        text.WHEN: [text.when(one.row.created_at, zone) for one in rows],
        "tags": [list(one.row.tags) for one in rows],
        "note": [one.row.note for one in rows],
    }
    if not any(one.row.tags for one in rows):
        del table["tags"]
    if not any(one.row.note for one in rows):
        del table["note"]
    config = {key: _column(key) for key in table}
    st.dataframe(table, column_config=config, hide_index=True, width="stretch", key="compare.runs")


def _column(key: str) -> Any:
    label, words = text.COLUMNS[key]
    if key == "right":
        return st.column_config.ProgressColumn(
            label, help=words, format="%.1f %%", min_value=0, max_value=100
        )
    if key == text.WHEN:
        return st.column_config.DatetimeColumn(label, format="D MMM HH:mm")
    if key == "tags":
        return st.column_config.ListColumn(label)
    if key == text.MARK:
        return st.column_config.TextColumn(label, help=words, width=36, pinned=True)
    if key == text.NAME:
        return st.column_config.TextColumn(label, width="medium")
    return st.column_config.Column(label, help=words)


def _filtered(found: Sequence[RunFacts]) -> list[RunFacts]:
    """The runs that fit the filters; a filter is only drawn where there is something to filter."""
    tags = sorted({tag for one in found for tag in one.row.tags})
    networks = sorted({one.network for one in found})
    layers = list(dict.fromkeys(one.layers for one in found))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        words = st.text_input(text.SEARCH, help=text.SEARCH_HELP, key="compare.search")
        wanted = {
            "tags": _some(text.TAGS, tags, "compare.tags", least=1),
            "networks": _some(text.NETWORKS, networks, "compare.networks"),
            "layers": _some(text.LAYERS, layers, "compare.layers"),
        }
    return [
        one
        for one in found
        if _says(one, words)
        and (not wanted["tags"] or set(wanted["tags"]) & set(one.row.tags))
        and (not wanted["networks"] or one.network in wanted["networks"])
        and (not wanted["layers"] or one.layers in wanted["layers"])
    ]


def _some(label: str, options: Sequence[str], key: str, *, least: int = 2) -> list[str]:
    if len(options) < least:
        return []
    name = text.blocks if key == "compare.layers" else str
    return list(st.multiselect(label, options, format_func=name, key=key))


def _says(one: RunFacts, words: str) -> bool:
    said = " ".join((one.row.name, one.row.note, one.network, *one.row.tags)).casefold()
    return all(word in said for word in words.casefold().split())


# -- the choice ------------------------------------------------------------------------------------


def _ask(work: Studio, project: Project, found: Sequence[RunFacts], picked: Chosen) -> None:
    """Widgets of the choice; what they say is kept at once, and what is kept is what they say."""
    keys = {name: f"compare.{name}.{project.id}" for name in ("chosen", "against", "split")}
    st.session_state[keys["chosen"]] = [one.id for one in picked.rows]
    st.session_state[keys["against"]] = picked.choice.reference
    st.session_state[keys["split"]] = picked.choice.split
    keep: dict[str, Any] = {"on_change": _keep, "args": (work, project.id, keys)}
    st.multiselect(
        text.CHOOSE,
        [one.id for one in found],
        format_func=lambda one: _name(picked, one),
        max_selections=MOST,
        help=text.CHOOSE_HELP,
        key=keys["chosen"],
        **keep,
    )
    parts = [part for part in text.SPLITS if any(part in one.accuracy for one in found)]
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        if len(parts) > 1:
            st.segmented_control(
                text.SPLIT,
                parts,
                required=True,
                format_func=lambda one: text.SPLITS[one],
                key=keys["split"],
                **keep,
            )
        if len(picked.rows) >= FEWEST:
            st.selectbox(
                text.AGAINST,
                ["", *(one.id for one in picked.rows)],
                format_func=lambda one: _name(picked, one) if one else text.BEST,
                help=text.AGAINST_HELP,
                key=keys["against"],
                **keep,
            )


def _name(picked: Chosen, run_id: str) -> str:
    mark = picked.mark(run_id)
    return f"{mark} · {picked.names[run_id]}" if mark else picked.names[run_id]


def _keep(work: Studio, project_id: str, keys: dict[str, str]) -> None:
    said = {name: st.session_state.get(key) for name, key in keys.items()}
    choice = replace(
        work.comparing.choice(project_id),
        runs=tuple(said["chosen"] or ()),
        reference=str(said["against"] or ""),
        split="test" if said["split"] == "test" else "val",
    )
    work.comparing.choose(project_id, choice)
