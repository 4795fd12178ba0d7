"""Pictures in a grid, as thumbnails the browser keeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

import streamlit as st

from tl_core.data.thumbs import ensure_thumb
from tl_core.errors import TLError
from tl_core.jobs.library import ImageRow
from tl_ui import state
from tl_ui.server.presence import routes_present

__all__ = ["grid"]

PER_PAGE = 60
_STYLE = """<style>
.thaw-gallery{display:grid;gap:.6rem;grid-template-columns:repeat(auto-fill,minmax(7.5rem,1fr));
margin:0;padding:0;list-style:none}
.thaw-gallery figure{margin:0;min-width:0}
.thaw-gallery img{width:100%;height:auto;aspect-ratio:1;object-fit:cover;border-radius:.5rem;
display:block;
background:color-mix(in srgb,currentColor 8%,transparent)}
.thaw-gallery figcaption{font-size:.8rem;line-height:1.3;margin-top:.25rem;overflow:hidden;
text-overflow:ellipsis;white-space:nowrap}
</style>"""


def grid(images: Sequence[ImageRow], captions: Mapping[int, str] | None = None) -> None:
    """Draw up to ``PER_PAGE`` pictures; ``captions`` by picture id replace the class name."""
    shown = images[:PER_PAGE]
    words = {row.id: (captions or {}).get(row.id, row.label) for row in shown}
    if not routes_present():
        _plain(shown, words)
        return
    cells = "".join(
        f'<figure><a href="/picture/{row.digest}" target="_blank" rel="noopener">'
        f'<img src="/thumb/{row.digest}/160.jpg" loading="lazy" width="160" height="160" '
        f'alt="{escape(row.label, quote=True)}: {escape(row.path, quote=True)}"></a>'
        f'<figcaption title="{escape(row.path, quote=True)}">{escape(words[row.id])}</figcaption>'
        "</figure>"
        for row in shown
    )
    st.html(f'{_STYLE}<div class="thaw-gallery">{cells}</div>')


def _plain(shown: Sequence[ImageRow], words: Mapping[int, str]) -> None:
    home = state.studio().home
    paths, below = [], []
    for row in shown:
        try:
            paths.append(str(ensure_thumb(home, row.digest, 160)))
            below.append(words[row.id])
        except TLError:
            continue
    if paths:
        st.image(paths, caption=below, width=120)
