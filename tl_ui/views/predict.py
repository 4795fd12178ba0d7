"""The parts of the Predict page: where a picture comes from, and the answer about it.

The latest question put to a run is read from the store, so an answer survives a refresh.
"""

from __future__ import annotations

from io import BytesIO
from random import Random
from typing import Any

import streamlit as st

from tl_core.config import RunSpec
from tl_core.data.decode import open_rgb
from tl_core.data.pixels import fit_square
from tl_core.data.thumbs import ensure_thumb
from tl_core.errors import TLError
from tl_core.export.brought import PROMISED
from tl_core.jobs import incoming
from tl_core.session import ImageRow, RunRow, Studio
from tl_ui import asking, state
from tl_ui.charts import probabilities
from tl_ui.errors import show_error
from tl_ui.text import esc_md
from tl_ui.texts import about_use as about
from tl_ui.texts import brought
from tl_ui.texts import predict as text
from tl_ui.views import explain, many
from tl_ui.views.answering import Answering
from tl_ui.views.meaning import explained

__all__ = ["SOURCE", "answers", "source", "sources"]

MOST_PHOTOS = 8
HELD_SHOWN = 8
TILE_PX = 160
SEEN_PX = 96  # how large the network's view is drawn
TYPES = ["jpg", "jpeg", "png", "webp", "bmp", "gif", "tif", "tiff"]
TYPES += ["heic", "heif", "avif", "dcm", "dicom"]
CAMERA = "predict.camera"
SOURCE = "from"  # as it stands in the address
ERROR, LAST, SHUFFLE = "predict.error", "predict.last", "predict.shuffle"


# -- where a picture comes from --------------------------------------------------------------------


def source(who: Answering) -> str:
    """Which of ``SOURCES`` the pictures come from."""
    kind = st.segmented_control(
        text.SOURCE,
        [one for one in text.SOURCES if one != "held" or who.run is not None],
        default="photo",
        required=True,
        format_func=lambda one: text.SOURCES[one],
        key=SOURCE,
        bind="query-params",  # so that a refresh finds the table, or how far it is
    )
    return kind or "photo"


def sources(work: Studio, who: Answering, kind: str) -> None:
    """Own photos, the webcam, or held-out pictures; whatever is given is asked at once."""
    if kind == "camera":
        st.camera_input(
            text.CAMERA,
            key=CAMERA,
            on_change=_take,
            args=(work, who, CAMERA),
        )
        st.caption(text.CAMERA_NOTE)
    elif kind == "held" and who.run is not None:
        _held_out(work, who, who.run)
    else:
        st.file_uploader(
            text.PHOTO,
            type=TYPES,
            accept_multiple_files=True,
            key="predict.photos",
            on_change=_take,
            args=(work, who, "predict.photos"),
        )


def _take(work: Studio, who: Answering, key: str) -> None:
    """Keep what a widget was given and ask about it; what is no picture is said."""
    given = st.session_state.get(key)
    files = given if isinstance(given, list) else [given] if given else []
    state.remember(ERROR, None)
    digests, names = [], []
    for file in files[:MOST_PHOTOS]:
        try:
            kept = _kept(work, who, file.name, file.getvalue())
            digests.append(kept.digest)
            names.append(text.WEBCAM if key == CAMERA else kept.name)
        except TLError as err:
            state.remember(ERROR, err.to_dict())
    if len(files) > MOST_PHOTOS:
        st.toast(text.TOO_MANY)
    if digests:
        _ask(work, who, {"digests": digests, "names": names})


def _kept(work: Studio, who: Answering, name: str, content: bytes) -> incoming.KeptPicture:
    bundle = who.bundle
    if bundle is None:
        return work.keep_picture(name, content, who.owner)
    return incoming.keep_picture(work.home, name, content, reading=lambda: bundle.reading)


def _ask(work: Studio, who: Answering, about: dict[str, Any]) -> None:
    state.remember(f"{LAST}.{who.project_id}", about)
    work.ask("predict", who.project_id, **who.asked, **about)


def _held_out(work: Studio, who: Answering, run: RunRow) -> None:
    snapshot = work.snapshot(run.id)
    rows = snapshot.part("test") or snapshot.part("val")
    if not rows:
        st.info(text.HELD_NONE)
        return
    st.caption(text.HELD)
    shuffle = int(state.memory(SHUFFLE, 0))
    shown = Random(shuffle).sample(rows, min(HELD_SHOWN, len(rows)))
    with st.grid(min_column_width=110):
        for row in shown:
            with st.container():
                _thumb(work, row)
                st.button(
                    text.TRY,
                    key=f"predict.try.{row.id}",
                    on_click=_try,
                    args=(work, who, row),
                    width="stretch",
                )
    if len(rows) > HELD_SHOWN:
        st.button(
            text.OTHERS,
            icon=":material/shuffle:",
            key="predict.others",
            type="tertiary",
            on_click=lambda: state.remember(SHUFFLE, shuffle + 1),
        )


def _try(work: Studio, who: Answering, row: ImageRow) -> None:
    state.remember(ERROR, None)
    about = {"digests": [row.digest], "names": [row.path], "labels": [row.label]}
    _ask(work, who, about)


def _thumb(work: Studio, row: ImageRow) -> None:
    try:
        tile = _fitted(work.home.root.as_posix(), row.digest, TILE_PX, "crop", _work=work)
    except TLError:
        return
    st.image(tile, alt=row.path, width="stretch")


# -- the answer ------------------------------------------------------------------------------------


def answers(work: Studio, who: Answering) -> None:
    """The answers to the latest question, or how far the network is with it."""
    error = state.memory(ERROR, None)
    if error:
        show_error(error)
    row = _latest(work, who)
    if row is None:
        with st.container(border=True):
            st.markdown(f"**{text.EMPTY}**")
            st.markdown(text.EMPTY_BODY if who.run is not None else brought.EMPTY_BODY)
        return
    if row.active:
        st.markdown(f"**{text.LOOKING}**")
        asking.follow(work, row.id, can_cancel=False)
        if who.run is not None:
            st.caption(text.FIRST)
        return
    if row.error:
        show_error(row.error)
        return
    limit = _limit(work, who)
    names = row.spec.get("names") or []
    labels = row.spec.get("labels") or []
    for i, answer in enumerate((row.result or {}).get("answers", [])):
        name = str(names[i]).rpartition("/")[2] if i < len(names) else ""
        with st.container(border=True):
            label = labels[i] if i < len(labels) else ""
            _answer(work, who, answer, name, label, limit, key=f"{row.id}.{i}")
    if who.run is not None:
        many.none_of_these(work, who.run)
    layers = str(who.run.spec.get("freeze", {}).get("layers", "")) if who.run else None
    explained(about.answers(layers), key="answers.meaning")


def _limit(work: Studio, who: Answering) -> float | None:
    """Probability from which a class counts as likely; None where it is not known."""
    if who.bundle is not None:
        return who.bundle.likely
    return work.likely_limit(who.owner)


def _latest(work: Studio, who: Answering) -> RunRow | None:
    """The latest question put to it; the pictures another one was asked are asked again here."""
    rows = work.queue.rows(project_id=who.project_id, kind="predict", limit=50)
    row = next((one for one in rows if who.was_asked(one)), None)
    about = state.memory(f"{LAST}.{who.project_id}", None)
    if about and (row is None or row.spec.get("digests") != about["digests"]):
        _ask(work, who, about)
        rows = work.queue.rows(project_id=who.project_id, kind="predict", limit=1)
        row = rows[0]
    return row


def _answer(
    work: Studio,
    who: Answering,
    answer: dict[str, Any],
    name: str,
    label: str,
    limit: float | None,
    *,
    key: str,
) -> None:
    if answer.get("error") or not answer.get("top"):
        st.warning(f"{esc_md(name)}: {esc_md(str(answer.get('error') or ''))}")
        return
    top = [(str(one), float(p)) for one, p in answer["top"]]
    none = bool(answer.get("none"))
    st.markdown(f"### {text.NONE if none else esc_md(text.verdict(top))}")
    if none:
        st.markdown(esc_md(text.none_but(top)))
    elif limit is not None:
        st.markdown(esc_md(text.likely_ones(top, limit, PROMISED)))
    if label:
        st.markdown(esc_md(text.truth(label, top[0][0])))
    picture, chart = st.columns([1, 2], gap="medium")
    with picture:
        _pictures(work, who, str(answer["file"]), name)
    with chart:
        st.plotly_chart(
            probabilities(top[: text.MOST_BARS]),
            key=f"predict.bars.{key}",
            config={"displayModeBar": False},
        )
        st.caption(esc_md(text.bars(top[: text.MOST_BARS], len(top))))
    if who.run is not None:
        explain.offer(work, who.run, str(answer["file"]))


def _seen(who: Answering) -> tuple[int | None, str]:
    """Side of the network's input, and how a picture becomes square."""
    if who.bundle is not None:
        return who.bundle.size_px, who.bundle.resize
    train = RunSpec.from_dict(who.run.spec if who.run is not None else {}).train
    return train.image_size, train.resize


def _pictures(work: Studio, who: Answering, digest: str, name: str) -> None:
    """The photo as it is, and small below it what is left of it for the network."""
    size_px, resize = _seen(who)
    try:
        st.image(str(ensure_thumb(work.home, digest, 320)), alt=name, width="stretch")
        st.caption(esc_md(name))
        if size_px is None:
            return
        home = work.home.root.as_posix()
        seen = _fitted(home, digest, size_px, resize, _work=work)
        st.image(seen, alt=text.SEEN, width=SEEN_PX)
        st.caption(text.seen(size_px))
    except TLError as err:
        show_error(err.to_dict())


@st.cache_data(show_spinner=False, max_entries=64)
def _fitted(home: str, digest: str, size_px: int, resize: str, *, _work: Studio) -> bytes:
    """A picture as the network gets it, as WebP."""
    with _work.home.open_blob(digest) as stream:
        image = open_rgb(stream, max_side_px=2 * size_px)
    sink = BytesIO()
    fit_square(image, size_px, resize).save(sink, "WEBP", quality=90)
    return sink.getvalue()
