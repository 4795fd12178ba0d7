"""Whether this process was started through ``app.py`` and so serves our own routes.

Started with ``streamlit run studio.py`` alone, pages fall back to Streamlit's own uploader,
download button and chart.
"""

from __future__ import annotations

__all__ = ["announce", "routes_present"]

_state = {"routes": False}


def announce() -> None:
    """Called once by the launcher's lifespan."""
    _state["routes"] = True


def routes_present() -> bool:
    """Whether ``/api``, ``/thumb``, ``/picture`` and ``/vendor`` answer in this process."""
    return _state["routes"]
