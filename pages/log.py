"""Log: every request to a provider, one by one."""

from datetime import UTC, datetime
from math import ceil
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

from core.store.log_search import choices, count, page
from pages.ui.enter import enter
from pages.ui.links import CHAT
from pages.ui.log_filters import draw_filters
from pages.ui.log_table import draw_attempts
from pages.ui.log_turn import draw_turn

ROWS = 100  # on one page

workbench = enter()
store = workbench.store
try:
    zone = ZoneInfo(st.context.timezone or "UTC")
except (ZoneInfoNotFoundError, ValueError, OSError):  # whatever the browser sent, it names no zone we know
    zone = ZoneInfo("UTC")

st.title("Log")
st.caption("Every request to a provider, with what it took and what it cost. Choose a row to open its turn.")

offered = choices(store.log)
if not offered.provider:
    with st.container(border=True):
        st.subheader("Nothing logged yet")
        st.markdown(
            "Each message you send leaves a row here: which model answered, how fast, at what cost, or why not."
        )
        st.page_link(CHAT, label="Send the first message", icon=":material/forum:")
    st.stop()

where, order = draw_filters(
    offered, [*store.projects.all(), *store.projects.archived()], now=datetime.now(UTC), zone=zone
)
found = count(store.log, where)
if not found:
    st.info("No request fits these filters. Take one away, or choose a longer period.")
    st.stop()

pages = ceil(found / ROWS)
number = 1
with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
    st.caption(f"{found:,} {'request' if found == 1 else 'requests'}", width="content")
    if pages > 1:
        number = min(st.pagination(pages, max_visible_pages=5, key="log_page", bind="query-params"), pages)
frame = page(store.log, where, order=order, limit=ROWS, offset=(number - 1) * ROWS)
# The key names what is shown: another page or filter begins without a chosen row.
chosen = draw_attempts(frame, zone=zone, key=f"log_rows_{abs(hash((where, order, number)))}")
if chosen is not None and (attempts := store.attempts.of_turn(chosen)):
    draw_turn(store, workbench.raw, attempts, chosen, zone=zone)
