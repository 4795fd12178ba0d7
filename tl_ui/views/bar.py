"""An accuracy on a line from 0 to 100 %: its interval, its value, and the line to beat."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

__all__ = ["BAR_STYLE", "accuracy_bar"]

BAR_STYLE = """<style>
.thaw-bar{position:relative;height:1.1rem;margin:.9rem 0 1.9rem;border-radius:.55rem;
background:color-mix(in srgb,currentColor 10%,transparent)}
.thaw-bar i{position:absolute;top:0;bottom:0;border-radius:.55rem;
background:color-mix(in srgb,#1480b8 45%,transparent)}
.thaw-bar b{position:absolute;top:-.2rem;bottom:-.2rem;width:.28rem;margin-left:-.14rem;
border-radius:.2rem;background:#1480b8}
.thaw-bar s{position:absolute;top:-.3rem;bottom:-.3rem;border-left:2px dashed currentColor}
.thaw-bar u{position:absolute;top:1.35rem;font-size:.82rem;text-decoration:none;
white-space:nowrap;transform:translateX(-50%)}
</style>"""


def accuracy_bar(
    value: float, interval: Sequence[float], base: float, *, name: str, words: str
) -> str:
    """HTML of the bar; put ``BAR_STYLE`` before the first one.

    Args:
        value: The accuracy, 0 to 1.
        interval: Its two ends.
        base: The line to beat.
        name: Written under that line.
        words: The whole in a sentence, for those who cannot see it.
    """
    low, high = interval
    return (
        f'<div class="thaw-bar" role="img" aria-label="{escape(words, quote=True)}">'
        f'<i style="left:{100 * low:.1f}%;width:{100 * (high - low):.1f}%"></i>'
        f'<b style="left:{100 * value:.1f}%"></b><s style="left:{100 * base:.1f}%"></s>'
        f'<u style="left:clamp(5rem,{100 * base:.1f}%,100% - 5rem)">{escape(name)}</u></div>'
    )
