"""Navigation and what is around every page; nothing else. No heavy import before the navigation."""

import streamlit as st

from tl_ui import text

st.set_page_config(page_title=text.APP, page_icon="assets/thaw-mark.svg", layout="wide")
here = st.navigation(
    [
        st.Page(
            page.path,
            title=page.title,
            icon=page.icon,
            url_path=page.key,
            default=page is text.HOME,
            help=page.purpose,
        )
        for page in text.PAGES
    ]
)

from tl_ui import shell  # noqa: E402  (after the navigation, or the raw file list flashes up)

shell.frame()
here.run()
