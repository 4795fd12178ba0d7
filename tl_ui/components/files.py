"""Reading the JavaScript and CSS that lie beside the component modules."""

from __future__ import annotations

from pathlib import Path

__all__ = ["script", "style"]

HERE = Path(__file__).parent


def script(name: str) -> str:
    """The text of ``<name>.js``."""
    return (HERE / f"{name}.js").read_text(encoding="utf-8")


def style(name: str) -> str:
    """The text of ``<name>.css``."""
    return (HERE / f"{name}.css").read_text(encoding="utf-8")
