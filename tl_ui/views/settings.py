"""The settings of the Layers page: how it learns, what the model sees, what rarely changes."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from tl_core.config import NO_AUGMENT, AugmentConfig
from tl_core.models.catalog import valid_image_size
from tl_ui.text import esc_md
from tl_ui.texts import layers as text
from tl_ui.views import drafted
from tl_ui.views.drafted import Draft

__all__ = ["advanced", "frame", "learning", "pictures"]

RATES = tuple(
    float(f"{factor}e{power}")
    for power in range(-6, 1)
    for factor in (1, 2, 5)
    if power < 0 or factor == 1
)
PARTS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)  # of the head's rate
SIZE_STEP = 32  # pixels
STRONG = AugmentConfig(crop=0.5, rotate=20.0, color=0.3)
AUGMENTS = {"off": NO_AUGMENT, "mild": AugmentConfig(), "strong": STRONG}

FRAME = "layer_settings"
# the value above a slider in the colour of text: the theme's own is too dark on the dark page
STYLE = f"<style>.st-key-{FRAME} [role=group] * {{ color: inherit; }}</style>"


def frame() -> DeltaGenerator:
    """What all settings are drawn in."""
    st.html(STYLE)
    return st.container(key=FRAME)


def learning(draft: Draft) -> None:
    """Learning rate and epochs."""
    st.subheader(text.RATE_TITLE, anchor=False)
    left, right = st.columns([3, 2], gap="large")
    with left:
        drafted.scale(draft, "train.lr", text.LR, RATES, help=text.LR_HELP, words=text.rate_mark)
    with right:
        drafted.number(draft, "train.epochs", text.EPOCHS, help=text.EPOCHS_HELP)


def pictures(draft: Draft) -> None:
    """Picture size, the way to a square, and the changes to training pictures."""
    _size(draft)
    drafted.choice(draft, "train.resize", text.RESIZE, text.RESIZE_NAMES)
    st.caption(text.RESIZE_SENTENCES[draft.now("train.resize")])
    _augment_level(draft)
    with st.expander(text.AUGMENT_DETAILS):
        drafted.switch(draft, "augment.flip", text.FLIP)
        drafted.switch(
            draft, "augment.flip_vertical", text.FLIP_VERTICAL, help=text.FLIP_VERTICAL_HELP
        )
        drafted.share(draft, "augment.crop", text.CROP, help=text.CROP_HELP, reason=False)
        drafted.degrees(draft, "augment.rotate", text.ROTATE, help=text.ROTATE_HELP)
        drafted.share(draft, "augment.color", text.COLOR, help=text.AUGMENT_HELP, reason=False)


def _size(draft: Draft) -> None:
    card = draft.card
    if card.fixed_px:
        st.markdown(f"**{text.SIZE}**")
        st.caption(text.SIZE_FIXED.format(size=card.input_px))
        return
    marks = {valid_image_size(card, size) for size in range(SIZE_STEP, 513, SIZE_STEP)}
    drafted.scale(
        draft,
        "train.image_size",
        text.SIZE,
        sorted(marks),
        help=text.SIZE_HELP,
        words=text.size_mark,
    )


def _augment_level(draft: Draft) -> None:
    level = next((key for key, one in AUGMENTS.items() if one == draft.spec.augment), "own")
    names = {
        key: name for key, name in text.AUGMENT_NAMES.items() if key != "own" or level == "own"
    }
    key = f"{draft.project_id}.augment"
    st.session_state[key] = level
    st.segmented_control(
        text.AUGMENT,
        list(names),
        required=True,
        format_func=lambda one: names[one],
        help=text.AUGMENT_HELP,
        key=key,
        on_change=_take_level,
        args=(draft, key),
    )
    st.caption(esc_md(draft.why.get("augment", "")))


def _take_level(draft: Draft, key: str) -> None:
    chosen = AUGMENTS.get(str(st.session_state.get(key)))
    if chosen is not None:
        draft.save({"augment": chosen})


def advanced(draft: Draft) -> None:
    """What rarely needs changing."""
    with st.expander(text.MORE):
        st.caption(text.MORE_HINT)
        with st.grid(3, min_column_width=240, gap="medium") as grid:
            with grid.cell():
                drafted.number(draft, "train.batch_size", text.BATCH, help=text.BATCH_HELP)
            with grid.cell():
                drafted.number(draft, "train.patience", text.PATIENCE, help=text.PATIENCE_HELP)
            with grid.cell():
                drafted.number(
                    draft, "train.weight_decay", text.DECAY, help=text.DECAY_HELP, step=0.01
                )
            with grid.cell():
                drafted.share(draft, "train.dropout", text.DROPOUT, help=text.DROPOUT_HELP)
            with grid.cell():
                drafted.share(
                    draft, "train.label_smoothing", text.SMOOTHING, help=text.SMOOTHING_HELP
                )
            with grid.cell():
                drafted.number(draft, "train.seed", text.SEED, help=text.SEED_HELP)
            with grid.cell():
                drafted.scale(
                    draft,
                    "train.backbone_lr",
                    text.BACKBONE,
                    PARTS,
                    help=text.BACKBONE_HELP,
                    words=text.part_mark,
                )
            with grid.cell():
                drafted.share(
                    draft, "train.block_decay", text.BLOCK_DECAY, help=text.BLOCK_DECAY_HELP
                )
            with grid.cell():
                drafted.menu(draft, "train.schedule", text.SCHEDULE, text.SCHEDULE_NAMES)
