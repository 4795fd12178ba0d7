"""The map of a run's pictures: drawn once by a task, points chosen by a line around them."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import streamlit as st

from tl_core.jobs.maps import drawn_map
from tl_core.session import ImageRow, RunRow, Studio
from tl_ui import asking, state
from tl_ui.errors import show_error
from tl_ui.map_chart import chosen_of, map_figure
from tl_ui.texts import about_mending as about
from tl_ui.texts import mending as text
from tl_ui.views.meaning import headed

__all__ = ["choose", "strangers"]

ONLY_STRANGE = "map.strange"
PLOT = {
    "displayModeBar": True,
    "scrollZoom": True,
    "displaylogo": False,
    "modeBarButtonsToRemove": ["toImage", "autoScale2d"],
}


def choose(
    work: Studio,
    run: RunRow,
    pictures: Mapping[str, ImageRow],
    answers: Mapping[str, str],
    wrong: Collection[str],
) -> list[str]:
    """Draw the map, or offer to make it; ids of the pictures chosen on it.

    Args:
        work: The engine.
        run: Whose pictures.
        pictures: The run's, by id.
        answers: Picture id to the class answered.
        wrong: Ids of those answered wrongly.
    """
    headed(text.MAP, about.map_of(), key="map.meaning")
    found = drawn_map(work.home, run.id)
    if found is None:
        _offer(work, run)
        return []
    strange = {one.image: None for one in found.points if one.strange}
    with st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="bottom"
    ):
        colour = st.segmented_control(
            text.COLOUR,
            list(text.COLOURS),
            default="class",
            required=True,
            format_func=lambda one: text.COLOURS[one],
            key="map.colour",
        )
        if strange:
            st.button(
                text.strange(len(strange)),
                help=text.STRANGE_HELP,
                key="map.show_strange",
                on_click=state.remember,
                args=(f"{ONLY_STRANGE}.{run.id}", True),
            )
    drawn = st.plotly_chart(
        map_figure(
            found.points,
            colour=str(colour),
            names={key: row.path.rpartition("/")[2] for key, row in pictures.items()},
            answers=answers,
            wrong=wrong,
            dark=st.context.theme.type == "dark",
        ),
        key=f"map.chart.{run.id}.{colour}",
        on_select=_circled,
        selection_mode=("points", "box", "lasso"),
        config=PLOT,
        alt=text.alt(found, len(wrong), len(strange)),
    )
    st.caption(f"{text.LASSO}  \n{text.told(found)}")
    if state.memory(f"{ONLY_STRANGE}.{run.id}", False):
        return list(strange)
    ids = [one for one in chosen_of(drawn) if one in pictures]
    return sorted(ids, key=lambda one: 2 - (one in strange) - 2 * (one in wrong))


def strangers(work: Studio, run: RunRow) -> dict[str, str]:
    """What is said below pictures that lie among another class, by id; {} without a map."""
    found = drawn_map(work.home, run.id)
    points = found.points if found else ()
    return {one.image: text.among(one.among) for one in points if one.strange}


def _circled() -> None:
    """A line was drawn: it chooses now, whatever was shown before."""
    for key in [one for one in st.session_state if str(one).startswith(f"thaw:{ONLY_STRANGE}.")]:
        st.session_state[key] = False


def _offer(work: Studio, run: RunRow) -> None:
    wanted = {"run_id": run.id}
    row = asking.made_for(work, "map", run.project_id, wanted, stops=())
    if row is not None and row.active:
        asking.follow(work, row.id)
        return
    if row is not None and row.error:
        show_error(row.error)
    st.markdown(text.MAP_HINT)
    st.button(
        text.AGAIN if row is not None and row.error else text.DRAW,
        key="map.draw",
        icon=":material/scatter_plot:",
        on_click=_ask,
        args=(work, run),
    )
    st.caption(text.DRAW_HINT)


def _ask(work: Studio, run: RunRow) -> None:
    work.ask("map", run.project_id, run_id=run.id)
