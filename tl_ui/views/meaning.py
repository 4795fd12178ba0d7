"""The small question beside a number, opened to what it means, how it was computed and so on."""

from __future__ import annotations

from typing import Literal

import streamlit as st

from tl_ui.text import esc_md
from tl_ui.texts import meanings as text
from tl_ui.texts.meanings import Answer, Meaning

__all__ = ["STYLE", "explained", "headed"]

HEAD, SMALL, ANSWERS = "headed", "headed-small", "answers"
_WORDS = "[data-testid='stPopoverButton'] [data-testid='stMarkdownContainer']"
_HEARD = "{ position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }"
# Small and low, so that a page full of numbers stays a page of numbers. Beside the title of a card,
# and on a phone beside any heading, the title keeps its line and the question is its icon alone,
# with its words for those who hear the page. Streamlit's own colour of a tertiary button that is in
# use can hardly be seen on the dark ground.
STYLE = f"""<style>
[data-testid='stPopoverButton'][kind='tertiary'] {{ min-height: 1.75rem; }}
[data-testid='stPopoverButton'][kind='tertiary']:is(:hover, :focus, :active) {{
color: light-dark(#08608c, #7cc4ea); }}
[data-testid='stPopoverButton'][kind='tertiary'] p {{ font-size: .875rem; }}
[class*='st-key-{SMALL}-'] {_WORDS} {_HEARD}
@media (max-width: 640px) {{ [class*='st-key-{HEAD}-'] {_WORDS} {_HEARD} }}
[class*='st-key-{ANSWERS}-'] :is(p, li) {{ font-size: .9375rem; line-height: 1.5; }}
[class*='st-key-{ANSWERS}-'] ul {{ margin-left: -.4rem; }}
</style>"""


def explained(meaning: Meaning, *, key: str, label: str = text.ASK) -> None:
    """A quiet button that opens the three answers.

    Args:
        meaning: The answers.
        key: Of the button, one per number or group of numbers on a page.
        label: Of the button, where a page has several.
    """
    opened = st.popover(label, icon=":material/help:", type="tertiary", key=key)
    with opened, st.container(key=f"{ANSWERS}.{key}", gap="small"):
        for head, answer in (
            (text.MEANS, meaning.means),
            (text.COMPUTED, meaning.computed),
            (text.CHANGES, meaning.changes),
        ):
            st.markdown(f"**{head}**{_said(answer)}")


def headed(
    title: str,
    meaning: Meaning,
    *,
    key: str,
    level: Literal["subheader", "caption", "bold"] = "subheader",
) -> None:
    """A heading with the question at the end of its line, for what stands below it.

    Args:
        title: Safe for Markdown.
        meaning: The answers.
        key: As for ``explained``.
        level: How large the heading is.
    """
    with st.container(
        key=f"{HEAD if level == 'subheader' else SMALL}.{key}",
        horizontal=True,
        horizontal_alignment="distribute",
        vertical_alignment="center",
        wrap=level == "subheader",
        gap="xsmall",
    ):
        if level == "subheader":
            st.subheader(title, anchor=False, width="content")
        elif level == "caption":
            st.caption(title, width="stretch")
        else:
            st.markdown(f"**{title}**", width="stretch")
        explained(meaning, key=key)


def _said(answer: Answer) -> str:
    """One answer as Markdown, several as a list of their labels."""
    if isinstance(answer, str):
        return f"  \n{esc_md(answer)}"
    lines = [f"- **{esc_md(label)}**: {esc_md(words)}" for label, words in answer.items()]
    return "\n\n" + "\n".join(lines)
