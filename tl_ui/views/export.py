"""The parts of the Export page: what the bundle is, making it, its certificate, using it."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import streamlit as st

from tl_core.session import RunRow, Studio
from tl_core.storage import read_json
from tl_ui import asking
from tl_ui.errors import show_error
from tl_ui.server.presence import routes_present
from tl_ui.text import esc_md
from tl_ui.texts import about_use as about
from tl_ui.texts import export as text
from tl_ui.views.meaning import headed
from tl_ui.views.runs import zone

__all__ = ["bundle", "contents", "usage"]


def contents() -> None:
    """What is in the bundle, before it is made."""
    st.subheader(text.INSIDE_TITLE, anchor=False)
    st.markdown(text.INSIDE)
    st.markdown("\n".join(f"- `{name}`: {what}" for name, what in text.CONTENTS.items()))
    st.caption(text.CERTIFIED)


def bundle(work: Studio, run: RunRow) -> Path | None:
    """Make the bundle or offer the one that is there; returns the newest zip."""
    slot = f"export.{run.id}"
    row = asking.started(
        work, slot, kinds=("export",), project_id=run.project_id, payload={"run_id": run.id}
    )
    if row is not None and row.active:
        asking.follow(work, row.id)
        return None
    if row is not None and row.state == "failed":
        st.markdown(f"**{text.FAILED}**")
        show_error(row.error or {})
    files = work.exported(run.id)
    if not files:
        contents()
        _forms(run)
        with st.container(horizontal=True, horizontal_alignment="right"):
            _make(work, run, slot, text.MAKE, primary=True)
        return None
    newest = files[0]
    _certificate(newest)
    _files(newest)
    _forms(run)
    with st.container(horizontal=True, horizontal_alignment="right"):
        _make(work, run, slot, text.AGAIN, primary=False)
        _download(run.id, newest)
    return newest


def _make(work: Studio, run: RunRow, slot: str, label: str, *, primary: bool) -> None:
    st.button(
        label,
        type="primary" if primary else "secondary",
        icon=":material/inventory_2:" if primary else ":material/refresh:",
        key="make",
        on_click=_ask,
        args=(work, run, slot),
    )


def _ask(work: Studio, run: RunRow, slot: str) -> None:
    wanted = {name: bool(st.session_state.get(f"form.{name}")) for name in text.FORMS}
    asking.remember(slot, work.ask("export", run.project_id, run_id=run.id, **wanted))


def _forms(run: RunRow) -> None:
    """Further forms to ask for, closed: a newcomer needs none of them."""
    probe = str(run.spec.get("freeze", {}).get("layers", "")) == "deep-probe"
    with st.expander(text.MORE):
        for name, (label, what) in text.FORMS.items():
            barred = probe and name == "timm"
            st.checkbox(label, key=f"form.{name}", disabled=barred)
            st.caption(text.NO_TIMM if barred else what)


def _int8(found: dict[str, Any]) -> None:
    with st.container(border=True, key="int8"):
        headed(text.INT8, about.int8(found), key="int8.meaning", level="caption")
        st.markdown(esc_md(str(found.get("sentence", "")).replace("**", "")))


def _certificate(archive: Path) -> None:
    found = _read_certificate(archive)
    with st.container(border=True, key="certificate"):
        headed(
            text.CERTIFICATE, about.certificate(found), key="certificate.meaning", level="caption"
        )
        if not found:
            st.markdown(text.NO_CERTIFICATE)
        elif found.get("pictures"):
            n = int(found["pictures"])
            st.markdown(f"### :material/verified: {text.same(int(found['same_answers']), n)}")
            st.markdown(
                f"{esc_md(text.difference(float(found['largest_difference'])))}; "
                f"{esc_md(text.compared(n))}"
            )
        else:
            st.markdown(esc_md(str(found.get("sentence", ""))))
        st.caption(text.made(archive.stat().st_mtime, zone()))
    if found.get("int8"):
        _int8(found["int8"])


def _read_certificate(archive: Path) -> dict[str, Any]:
    path = archive.with_suffix("") / "certificate.json"
    if not path.is_file():
        return {}
    body: dict[str, Any] = read_json(path)
    return body


def _files(archive: Path) -> None:
    try:
        with zipfile.ZipFile(archive) as opened:
            entries = [(one.filename.partition("/")[2], one.file_size) for one in opened.infolist()]
    except (OSError, zipfile.BadZipFile):
        return
    if not entries:
        return
    lines = [f"| {text.FILE} | {text.SIZE} | {text.WHAT} |", "|---|---:|---|"]
    said = {**text.CONTENTS, **text.FURTHER}
    lines += [f"| `{name}` | {text.size(n)} | {said.get(name, '')} |" for name, n in entries]
    with st.expander(text.FILES):
        st.markdown("\n".join(lines))


def _download(run_id: str, archive: Path) -> None:
    label = text.download(archive.stat().st_size / 1e6)
    if routes_present():
        st.link_button(
            label,
            f"/api/export/{run_id}/{archive.name}",
            type="primary",
            icon=":material/download:",
        )
        return
    st.download_button(
        label,
        data=archive.read_bytes,
        file_name=archive.name,
        mime="application/zip",
        type="primary",
        icon=":material/download:",
        on_click="ignore",
        key="download",
    )


def usage(run: RunRow, archive: Path | None) -> None:
    """The commands that use the bundle, and the one that makes it without the studio."""
    folder = archive.stem if archive else f"thaw-{run.id}"
    st.subheader(text.USE, anchor=False)
    st.markdown(text.USE_HINT)
    st.code(text.COMMANDS.format(folder=folder), language=None, wrap_lines=True)
    st.caption(text.SAME)
    st.code(text.COMMAND.format(run_id=run.id, folder=folder), language=None, wrap_lines=True)
