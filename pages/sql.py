"""SQL: ask the log anything, without leaving the app and without being able to change it."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

from core.errors import SwitchboardError
from core.store.console import tables
from core.store.presets import EXAMPLE
from core.store.queries import QueryTable
from pages.ui.enter import enter
from pages.ui.safe import literal
from pages.ui.session import session
from pages.ui.sql_queries import choose_query, draw_tables, keep_query, remember_in_url, take_link
from pages.ui.sql_result import draw_answer
from pages.ui.sql_run import console_of, draw_failure, follow_query, start, take_outcome

STALE = timedelta(minutes=1)  # a copy older than this is taken anew when the page is opened

workbench = enter()
store = workbench.store
console, queries = console_of(store.log), QueryTable(store.settings)
tab = session()
while tab.toasts:
    st.toast(tab.toasts.pop(0), icon=":material/check_circle:")
try:
    zone = ZoneInfo(st.context.timezone or "UTC")
except (ZoneInfoNotFoundError, ValueError, OSError):  # whatever the browser sent, it names no zone we know
    zone = ZoneInfo("UTC")

st.title("SQL")
st.caption(
    f"Ask the log in DuckDB's SQL. A query reads a copy and reaches nothing else; it gets {console.limits.time_s:g} s, "
    f"{console.limits.memory_mb} MB and {console.limits.rows:,} rows. Times in the log are UTC."
)

if not tab.sql.is_open:
    tab.sql.is_open = True
    if console.as_of is None or datetime.now(UTC) - console.as_of > STALE:
        try:
            with st.spinner("Copying the log…"):
                console.refresh()
        except SwitchboardError as error:
            st.error(literal(error.message))
console.warm()
if (built_in := take_link()) is not None:
    start(console, built_in)
    st.rerun()

with st.sidebar:
    st.subheader("Tables")
    st.caption("`replies` has one row for each answer with its question, ready to ask. `attempts` is the bill.")
    draw_tables(tables(store.log))

with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
    own = choose_query(queries)
    with st.container(horizontal=True, vertical_alignment="center", width="content"):
        if console.as_of:
            st.caption(f"As of {console.as_of.astimezone(zone):%H:%M:%S}", width="content")
        if st.button("Refresh", icon=":material/refresh:", help="Let queries see the log as it stands now."):
            try:
                console.refresh()
            except SwitchboardError as error:
                tab.toasts.append(literal(error.message))
            st.rerun()

take_outcome()
if tab.sql.is_foreign:
    st.info("This query came by a link. Read it, then run it.", icon=":material/link:")
sql = st.text_area(
    "Query",
    height=240,
    max_chars=console.limits.sql_characters,
    placeholder=EXAMPLE,
    label_visibility="collapsed",
    key="sql",
    persist_state="session",
)
with st.container(horizontal=True, vertical_alignment="center"):
    if st.button("Run", type="primary", icon=":material/play_arrow:"):
        remember_in_url(sql)
        start(console, sql)
    keep_query(queries, sql, own)

if tab.sql.job:
    follow_query(console.limits.time_s)
elif tab.sql.failure:
    draw_failure(tab.sql.failure)
elif tab.sql.answer:
    draw_answer(tab.sql.answer)
else:
    st.caption("The answer will be here: as a table, as a chart, and as a file to take away.")
