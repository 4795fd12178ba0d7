"""The settings of the Layers page: how it learns, what the model sees, what rarely changes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from tl_core.config import NO_AUGMENT, AugmentConfig
from tl_core.models.catalog import valid_image_size
from tl_ui.text import esc_md
from tl_ui.texts import layers as text
from tl_ui.views import drafted, rates
from tl_ui.views.drafted import Draft

__all__ = ["advanced", "frame", "learning", "pictures"]

RATES = tuple(
    float(f"{factor}e{power}")
    for power in range(-6, 1)
    for factor in (1, 2, 5)
    if power < 0 or factor == 1
)
VIEWS = (1, 2, 4, 8, 16, 32, 64)
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
    """Learning rate and epochs; for a probe, why there are none."""
    if draft.is_probe:
        st.subheader(text.PROBE_TITLE, anchor=False)
        st.markdown(text.PROBE_LEARNING)
        return
    st.subheader(text.RATE_TITLE, anchor=False)
    left, right = st.columns([3, 2], gap="large")
    with left:
        drafted.scale(draft, "train.lr", text.LR, RATES, help=text.LR_HELP, words=text.rate_mark)
        rates.ask(draft)
    with right:
        drafted.number(draft, "train.epochs", text.EPOCHS, help=text.EPOCHS_HELP)
    rates.found(draft)


def pictures(draft: Draft) -> None:
    """Picture size, the way to a square, and the changes to training pictures."""
    _size(draft)
    drafted.choice(draft, "train.resize", text.RESIZE, text.RESIZE_NAMES)
    st.caption(text.RESIZE_SENTENCES[draft.now("train.resize")])
    if draft.is_probe:
        st.caption(text.PROBE_SEEING)
        return
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
    now = draft.spec.augment
    level = next((key for key, one in AUGMENTS.items() if _alike(one, now) == now), "own")
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
        draft.save({"augment": _alike(chosen, draft.spec.augment)})


def _alike(pictures: AugmentConfig, features: AugmentConfig) -> AugmentConfig:
    """The changes to pictures of one, with those to features of another."""
    return replace(
        pictures,
        mixup=features.mixup,
        feature_noise=features.feature_noise,
        feature_brightness=features.feature_brightness,
    )


def advanced(draft: Draft) -> None:
    """What rarely needs changing; what would have no effect is left out, and said."""
    with st.expander(text.MORE):
        if draft.is_probe:
            st.caption(text.MORE_PROBE)
            with _cells() as grid, grid.cell():
                drafted.number(draft, "train.seed", text.SEED, help=text.SEED_HELP)
            return
        st.caption(text.MORE_HINT)
        _steps(draft)
        _holding_back(draft)
        _kept(draft)


def _cells() -> Any:
    return st.grid(3, min_column_width=240, gap="medium")


def _steps(draft: Draft) -> None:
    st.markdown(f"**{text.MORE_STEPS}**")
    with _cells() as grid:
        with grid.cell():
            drafted.number(draft, "train.batch_size", text.BATCH, help=text.BATCH_HELP)
        with grid.cell():
            drafted.menu(draft, "train.schedule", text.SCHEDULE, text.SCHEDULE_NAMES)
        with grid.cell():
            drafted.number(draft, "train.patience", text.PATIENCE, help=text.PATIENCE_HELP)
        if draft.pretrained_learn:
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
                drafted.choice(
                    draft,
                    "train.head_start",
                    text.HEAD_START,
                    text.HEAD_STARTS,
                    help=text.HEAD_START_HELP,
                    reason=True,
                )
    if not draft.pretrained_learn:
        st.caption(text.NO_PRETRAINED if draft.from_scratch else text.NO_BLOCK_LEARNS)


def _holding_back(draft: Draft) -> None:
    st.markdown(f"**{text.MORE_HOLD}**")
    with _cells() as grid:
        with grid.cell():
            drafted.number(draft, "train.weight_decay", text.DECAY, help=text.DECAY_HELP, step=0.01)
        with grid.cell():
            drafted.share(draft, "train.dropout", text.DROPOUT, help=text.DROPOUT_HELP)
        with grid.cell():
            drafted.share(draft, "train.label_smoothing", text.SMOOTHING, help=text.SMOOTHING_HELP)
        with grid.cell():
            drafted.number(draft, "augment.mixup", text.MIXUP, help=text.MIXUP_HELP, step=0.1)
        if draft.keeps_a_prefix:
            with grid.cell():
                drafted.share(draft, "augment.feature_noise", text.NOISE, help=text.NOISE_HELP)
            with grid.cell():
                drafted.share(
                    draft, "augment.feature_brightness", text.BRIGHTNESS, help=text.BRIGHTNESS_HELP
                )


def _kept(draft: Draft) -> None:
    st.markdown(f"**{text.MORE_KEPT}**")
    with _cells() as grid:
        with grid.cell():
            drafted.versions(draft, "train.views", text.VIEWS, VIEWS, help=text.VIEWS_HELP)
        if draft.keeps_a_prefix:
            with grid.cell():
                drafted.switch(draft, "train.cache", text.CACHE, help=text.CACHE_HELP, reason=True)
        with grid.cell():
            drafted.number(draft, "train.seed", text.SEED, help=text.SEED_HELP)
    if not draft.keeps_a_prefix:
        st.caption(text.NOTHING_FROZEN)
