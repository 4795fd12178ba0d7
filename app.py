"""The launcher: Streamlit plus our own routes, guard and background upkeep. No page is here."""

import sys

import streamlit as st
from starlette.middleware import Middleware

from tl_core.storage import Home
from tl_ui.server.failures import log_script_error
from tl_ui.server.guard import Guard, allowed_hosts
from tl_ui.server.lifespan import lifespan_of
from tl_ui.server.routes import routes_for

home = Home()
app = st.App(
    "studio.py",
    routes=routes_for(home),
    middleware=[Middleware(Guard, hosts=allowed_hosts())],
    lifespan=lifespan_of(home),
    on_script_error=log_script_error,
)

if __name__ == "__main__":
    sys.stdout.write("Start Thaw with:  streamlit run app.py\n")
