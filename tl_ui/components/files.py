"""Reading the JavaScript and CSS that lie beside the component modules."""

from __future__ import annotations

from pathlib import Path

__all__ = ["script", "style"]

HERE = Path(__file__).parent


def script(*names: str) -> str:
    """The text of ``<name>.js``; of several, one after the other as one module."""
    return "\n".join((HERE / f"{name}.js").read_text(encoding="utf-8") for name in names)


def style(name: str) -> str:
    """The text of ``<name>.css``."""
    return (HERE / f"{name}.css").read_text(encoding="utf-8")
