"""Sample data for a usage page that has nothing to show yet: in a log of its own, and marked at all times."""

import atexit
from contextlib import ExitStack
from datetime import UTC, datetime, time
from weakref import WeakKeyDictionary

import streamlit as st

from core.store import sample
from core.store.connection import Database
from pages.ui.links import USAGE

_folders: WeakKeyDictionary[Database, ExitStack] = WeakKeyDictionary()


def sample_log() -> Database:
    """Return the made-up log that ends today, one for all tabs of this process."""
    return _sample_log(datetime.combine(datetime.now(UTC).date(), time.min, UTC))


@st.cache_resource(show_spinner="Making up a log…", max_entries=1, on_release=lambda log: _folders[log].close())
def _sample_log(until: datetime) -> Database:
    stack = ExitStack()
    log = stack.enter_context(sample.sample_log(until=until))
    _folders[log] = stack
    atexit.register(stack.close)
    return log


def draw_sample_banner() -> None:
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.warning(
            "**Sample data.** Every figure on this page is made up; nothing of it is in your log.",
            icon=":material/science:",
        )
        st.page_link(USAGE, label="Back to your log", icon=":material/arrow_back:")


def draw_sample_offer() -> None:
    st.page_link(USAGE, label="Look at sample data", icon=":material/science:", query_params={"sample": "true"})
