"""Many pictures at once on the Predict page: brought, answered by a task, shown as a table."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from tl_core.data.table_names import PICTURE_ENDINGS
from tl_core.evaluate.drift_words import drift_sentences
from tl_core.jobs import incoming
from tl_core.jobs.answer_tables import write_csv, write_workbook
from tl_core.jobs.batches import Batch, has_batch, kept_batch, kept_refusal
from tl_core.session import RunRow, Studio
from tl_ui import asking, state
from tl_ui.components.uploader import uploader
from tl_ui.errors import show_error, shown_kindly
from tl_ui.forms import small_upload
from tl_ui.server.presence import routes_present
from tl_ui.text import esc_md
from tl_ui.texts import about_many as about
from tl_ui.texts import curation
from tl_ui.texts import many as text
from tl_ui.views import told
from tl_ui.views.answering import Answering
from tl_ui.views.meaning import headed
from tl_ui.views.runs import zone

__all__ = ["none_of_these", "section"]

KIND = "predict_many"
FEWEST = 20  # pictures from which it is told whether they differ
HEIGHT = 520
ROW_PX = 64


def section(work: Studio, who: Answering) -> None:
    """Where the pictures come from, and the answers to those of before."""
    headed(text.TITLE, about.many(), key="many.meaning")
    rows = [
        row
        for row in work.queue.rows(project_id=who.project_id, kind=KIND, limit=50)
        if who.was_asked(row)
    ]
    active = next((row for row in rows if row.active), None)
    if active is not None:
        asking.follow(work, active.id)
        return
    _bring(work, who)
    if rows and rows[0].error:
        show_error(rows[0].error)
    kept = [
        row for row in rows if row.state == "finished" and has_batch(work.home, who.owner, row.id)
    ]
    chosen = _chosen(who, kept)
    batch = kept_batch(work.home, who.owner, chosen) if chosen else None
    if batch is not None:
        _answers(work, who, chosen, batch)


def none_of_these(work: Studio, run: RunRow) -> None:
    """Below single answers: how often "none of these" is right, or the offer to learn it."""
    found = kept_refusal(work.home, run.id)
    if found is not None:
        st.caption(text.refused(found))
        return
    wanted = {"run_id": run.id}
    row = asking.made_for(work, "familiar", run.project_id, wanted, stops=())
    if row is not None and row.active:
        asking.follow(work, row.id)
        return
    st.caption(text.ONLY_THESE)
    if row is not None and row.error:
        show_error(row.error)
    elif row is not None:  # it was tried
        st.caption(text.refused(None))
        return
    if st.button(text.LEARN, icon=":material/block:", help=text.LEARN_HELP, key="many.learn"):
        work.ask("familiar", run.project_id, **wanted)
        st.rerun()


def _chosen(who: Answering, kept: Sequence[RunRow]) -> str:
    """The task whose answers are shown; "" when there are none. The answers stay unread."""
    if len(kept) < 2:
        return kept[0].id if kept else ""
    here = zone()
    names = {
        row.id: text.earlier(
            row.spec, row.result, curation.when(row.ended_at or row.created_at, here)
        )
        for row in kept
    }
    return st.selectbox(
        text.EARLIER, list(names), format_func=lambda key: names[key], key=f"many.{who.owner}"
    )


def _bring(work: Studio, who: Answering) -> None:
    if routes_present():
        done = uploader(key="many.uploader", slot=f"many.{who.owner}", mode="ask", classes=())
        if done is not None:
            _ask(work, who, upload_id=done.upload_id, name=done.name)
    else:
        _small(work, who)
    with st.form("many.disk", border=False):
        place, button = st.columns([4, 1], vertical_alignment="bottom")
        folder = place.text_input(text.ON_DISK, placeholder=text.ON_DISK_HINT, key="many.folder")
        with button:
            clicked = st.form_submit_button(text.ON_DISK_GO, key="many.read", width="stretch")
    if clicked and folder.strip():
        _ask(work, who, folder=folder.strip())


def _ask(work: Studio, who: Answering, **source: str) -> None:
    work.ask(KIND, who.project_id, **who.asked, **source)
    st.rerun()


def _small(work: Studio, who: Answering) -> None:
    """Streamlit's own uploaders, where the launcher's routes are absent."""
    number = state.memory("many.upload", 0)  # another key every time: what was held is let go
    left, right = st.columns(2, gap="large")
    with left:
        files = small_upload(text.ZIP, key=f"many.zip.{number}")
    with right:
        given = st.file_uploader(
            text.FOLDER,
            type=sorted(PICTURE_ENDINGS),
            accept_multiple_files="directory",
            key=f"many.directory.{number}",
        )
    files = files or [(one.name, one.getvalue()) for one in given]
    if files:
        state.remember("many.upload", number + 1)
        name = files[0][0].replace("\\", "/").split("/")[0]
        _ask(work, who, upload_id=incoming.keep_files(work.home, files), name=name)


def _answers(work: Studio, who: Answering, task_id: str, batch: Batch) -> None:
    st.markdown(f"#### {esc_md(text.title(batch))}")
    if who.run is not None:
        _differ(batch)
    if batch.refuses:
        st.caption(text.refused(kept_refusal(work.home, who.owner)))
    options = text.choices(batch)
    choice = st.pills(
        text.SHOW,
        list(options),
        default="",
        required=True,
        format_func=lambda key: esc_md(options[key]),
        key=f"many.show.{task_id}",
    )
    shown = [one for one in batch.rows if text.matches(one, str(choice or ""))]
    table: dict[str, list[object]] = {}
    if routes_present():
        table["picture"] = [f"/thumb/{one.digest}/160.jpg" if one.digest else None for one in shown]
    told_rows = [text.row(one) for one in shown]
    for key in list(text.COLUMNS)[1:]:
        table[key] = [row[key] for row in told_rows]
    config = {key: st.column_config.Column(label) for key, label in text.COLUMNS.items()}
    config["picture"] = st.column_config.ImageColumn("", width="small")
    config["probability"] = st.column_config.ProgressColumn(
        text.COLUMNS["probability"], format="%d %%", min_value=0, max_value=100
    )
    st.dataframe(
        table,
        column_config=config,
        hide_index=True,
        width="stretch",
        height=min(HEIGHT, 40 + ROW_PX * max(1, len(shown))),
        row_height=ROW_PX,
        key="many.answers",
    )
    _take_away(work, who, task_id, batch)


def _differ(batch: Batch) -> None:
    n = sum(not one.error for one in batch.rows)
    if batch.drift:
        first, *others = drift_sentences(batch.drift)
        st.warning(f"**{text.DIFFERENT}.** {' '.join([first, *others])}", icon=":material/warning:")
    elif batch.compared:
        st.caption(text.ALIKE)
    else:
        st.caption(text.NOT_TOLD if n < FEWEST else text.NOT_COMPARED)


def _take_away(work: Studio, who: Answering, task_id: str, batch: Batch) -> None:
    stem = "".join(one if one.isalnum() or one in "-_" else "-" for one in Path(batch.name).stem)

    def made(kind: str) -> bytes:
        with tempfile.TemporaryDirectory(dir=work.home.folder("tmp")) as folder:
            target = Path(folder) / f"answers.{kind}"
            if kind == "csv":
                write_csv(target, batch)
            else:
                write_workbook(target, batch, work.home)
            return io.BytesIO(target.read_bytes()).getvalue()

    with st.container(horizontal=True):
        st.download_button(
            text.XLSX,
            data=lambda: made("xlsx"),
            file_name=f"{stem}-answers.xlsx",
            mime="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            icon=":material/download:",
            on_click="ignore",
            key="many.xlsx",
        )
        st.download_button(
            text.CSV,
            data=lambda: made("csv"),
            file_name=f"{stem}-answers.csv",
            mime="text/csv",
            icon=":material/download:",
            on_click="ignore",
            key="many.csv",
        )
        if st.button(text.REMOVE, icon=":material/delete:", type="tertiary", key="many.remove"):
            with shown_kindly():
                work.forget_answers(who.owner, task_id)
                told.say(text.REMOVED)
                st.rerun()
    st.caption(text.KEPT)
