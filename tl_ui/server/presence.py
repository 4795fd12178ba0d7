"""Whether this process was started through ``app.py`` and so serves our own routes.

Started with ``streamlit run studio.py`` alone, pages fall back to Streamlit's own uploader,
download button and chart.
"""

from __future__ import annotations

from streamlit.runtime.pages_manager import PagesManager

__all__ = ["announce", "only_the_navigation", "routes_present"]

_state = {"routes": False}


def announce() -> None:
    """Called once by the launcher's lifespan."""
    _state["routes"] = True
    only_the_navigation()


def only_the_navigation() -> None:
    """Keep Streamlit from serving ``pages/`` by itself before ``studio.py`` has run.

    Otherwise a deep link that is a server's very first request runs the page script alone, without
    navigation and frame, and stays so. Private in Streamlit 1.67; the browser tests notice when
    it changes.
    """
    PagesManager.uses_pages_directory = False


def routes_present() -> bool:
    """Whether ``/api``, ``/thumb``, ``/picture`` and ``/vendor`` answer in this process."""
    return _state["routes"]
