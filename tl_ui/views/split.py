"""The split on the Data page: what is where, what stays together, what that is worth, and why."""

from __future__ import annotations

import streamlit as st

from tl_core.check.honesty import Honesty, honesty_from_dict
from tl_core.config import DataConfig, limits_of
from tl_core.session import DataView, Divided, Project, Studio
from tl_ui.errors import shown_kindly
from tl_ui.text import esc_md
from tl_ui.texts import about_data as about
from tl_ui.texts import data, numbers
from tl_ui.texts import split as text
from tl_ui.views import growth, parts
from tl_ui.views.check import KIND
from tl_ui.views.figures import Figure, figures
from tl_ui.views.meaning import headed

__all__ = ["split"]


def split(work: Studio, project: Project, view: DataView) -> None:
    """Everything about the division, and the form to divide again."""
    found = work.divided(project.id)
    counts = {"train": view.n_train, "val": view.n_val, "test": view.n_test}
    figures(
        [
            Figure(data.PARTS[part], f"{n:,}", text.role(part, n, view.n_images))
            for part, n in counts.items()
        ],
        about.parts(view),
        key="data.parts",
        least_px=220,
    )
    for warning in (text.alone(found), text.torn(found)):
        if warning:
            st.warning(esc_md(warning), icon=":material/warning:")
    words = text.given(view.given_splits)
    st.markdown(f"{words or text.HOW} {esc_md(text.groups(found))}")
    for note in found.notes:
        st.caption(esc_md(note))
    _classes(found)
    st.caption(text.certainty(view.n_test, sum(row.units_in["test"] for row in found.classes)))
    _honesty(work, project)
    growth.link(work, project)
    fixed = "train" in view.given_splits and "val" in view.given_splits
    if not fixed:
        _divide(work, project, view, found, test_given="test" in view.given_splits)


def _classes(found: Divided) -> None:
    """The pictures of every class in every part; beside them what is separate, with groups."""
    labels = [row.label for row in found.classes]
    with st.grid(2 if found.groups else 1, min_column_width=320) as tables:
        with tables.cell():
            st.caption(text.IN_PICTURES)
            parts.table(labels, [row.pictures_in for row in found.classes], key="data.split.table")
        if found.groups:
            with tables.cell():
                st.caption(text.GROUPS, help=text.GROUPS_HELP)
                counts = [row.units_in for row in found.classes]
                parts.table(labels, counts, key="data.split.groups")


def _honesty(work: Studio, project: Project) -> None:
    """What the last finished check measured over repeated divisions."""
    row = next(
        iter(work.queue.rows(project_id=project.id, kind=KIND, states=("finished",), limit=1)), None
    )
    result = row.result if row else None
    found = honesty_from_dict(result.get("honesty")) if result else None
    if found is None or not result:
        st.markdown(f"**{text.HONESTY}**")
        st.caption(text.TOO_FEW if result and "honesty" in result else text.UNMEASURED)
        return
    headed(text.HONESTY, about.honesty(found), key="data.honesty.meaning", level="bold")
    if found.gap:
        st.markdown(text.gap(found))
    figures(_numbers(found), None, key="data.honesty")
    changed = result["data_version"] != project.data_version
    st.caption(f"{text.cross_validated(found)} {text.OUTDATED if changed else ''}".rstrip())


def _numbers(found: Honesty) -> list[Figure]:
    grouped = Figure(
        text.GROUPED,
        numbers.percent(found.grouped.value),
        text.between(found.grouped, text.ALL_TOGETHER if found.gap else ""),
    )
    if found.single is None or found.gap is None or not found.shown:
        return [grouped]
    return [
        grouped,
        Figure(
            text.SINGLE,
            numbers.percent(found.single.value),
            text.between(found.single, text.FLATTERED),
        ),
        Figure(text.GAP, text.points(found.gap), text.gap_between(found.gap)),
    ]


def _divide(
    work: Studio, project: Project, view: DataView, found: Divided, *, test_given: bool
) -> None:
    now = view.config
    with st.form("data.divide"):
        columns = st.columns([2, 2, 1], gap="medium", vertical_alignment="top")
        shares = {}
        for name, label, why, column in (
            ("val_fraction", text.VAL_SHARE, text.VAL_HELP, columns[0]),
            ("test_fraction", text.TEST_SHARE, text.TEST_HELP, columns[1]),
        ):
            limits = limits_of(DataConfig, name)
            shares[name] = column.slider(
                label,
                round(limits["low"] * 100),
                round(limits["high"] * 100),
                round(getattr(now, name) * 100),
                step=5,
                format="%d %%",
                help=why,
                disabled=test_given and name == "test_fraction",
                key=f"data.{name}.{project.id}",
            )
        seed = columns[2].number_input(
            text.SEED, 0, 2**31 - 1, now.seed, help=text.SEED_HELP, key=f"data.seed.{project.id}"
        )
        bursts = st.checkbox(
            text.BURSTS,
            now.bursts,
            help=text.BURSTS_HELP if found.timed else text.NO_TIMES,
            disabled=not found.timed,
            key=f"data.bursts.{project.id}",
        )
        clicked = st.form_submit_button(text.DIVIDE, key="data.go", icon=":material/shuffle:")
    if clicked:
        with shown_kindly():
            config = DataConfig(
                **{name: value / 100 for name, value in shares.items()},
                seed=int(seed),
                bursts=bool(bursts),
            )
            work.resplit(project.id, config)
            now_version = work.library.get(project.id).data_version
            same = now_version == project.data_version
            st.toast(text.UNDIVIDED if same else text.DIVIDED, icon=":material/shuffle:")
            st.rerun()
