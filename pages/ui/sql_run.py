"""Run a query of the SQL page: the console of this process, and the strip that shows a query under way."""

import streamlit as st

from core.errors import SwitchboardError
from core.store.connection import Database
from core.store.console import Console
from core.store.console_errors import QueryFailed
from pages.ui.safe import literal
from pages.ui.session import session


@st.cache_resource(
    show_spinner=False, max_entries=1, hash_funcs={Database: id}, on_release=lambda console: console.close()
)
def console_of(log: Database) -> Console:
    """Return the one console over this log. A log that is opened anew gets a new one."""
    return Console(log)


def start(console: Console, sql: str) -> None:
    """Begin a query of this tab in place of the last; what cannot begin is told at once."""
    tab = session().sql
    if tab.job:
        tab.job.cancel()
    tab.job, tab.answer, tab.failure = None, None, None
    tab.is_foreign = False
    try:
        tab.job = console.start(sql)
    except QueryFailed as failed:
        tab.failure = failed
    except SwitchboardError as error:
        tab.failure = QueryFailed(error.message)


def take_outcome() -> bool:
    """Move what the query gave into the tab, if it has ended."""
    tab = session().sql
    if tab.job is None or not tab.job.is_done:
        return False
    try:
        tab.answer = tab.job.answer()
    except QueryFailed as failed:
        tab.failure = failed
    tab.job = None
    return True


@st.fragment(run_every=0.25)
def follow_query(time_s: float) -> None:
    """Draw how long the query has been running, with a way to end it."""
    job = session().sql.job
    if job is None or job.is_done:
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("Cancel", icon=":material/stop_circle:", key="sql_cancel", on_click=job.cancel)
        st.caption(f":shimmer[Running… {job.elapsed_s:.0f} s of {time_s:g} s]")


def draw_failure(failure: QueryFailed) -> None:
    st.error(literal(failure.message), icon=":material/error:")
    if failure.excerpt:
        st.code(failure.excerpt, language=None)
