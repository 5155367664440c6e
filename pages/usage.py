"""Usage: what it cost, how fast it was and how often it failed."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

from core import usage
from core.errors import StorageError
from core.usage import Dimension, Filter, Measure, Stretch, by_query, last_query, totals_query
from pages.ui import usage_data
from pages.ui.chart_groups import draw_groups, draw_latencies, draw_week
from pages.ui.chart_time import draw_over_time, time_axis
from pages.ui.enter import enter
from pages.ui.links import CHAT
from pages.ui.safe import literal
from pages.ui.usage_controls import (
    at_period,
    chip_labels,
    draw_chips,
    draw_demo,
    draw_filter_menu,
    draw_groups_choice,
    draw_period,
    draw_views,
    misread,
    whole,
)
from pages.ui.usage_figures import figures
from pages.ui.usage_sample import draw_sample_banner, draw_sample_offer, sample_log
from pages.ui.usage_tables import TABLE, choice, groups_table, labelled, messages_table
from pages.ui.usage_tools import card, draw_tools
from pages.ui.usage_url import choose, narrowed, read_filters
from pages.ui.usage_views import GROUPS, VIEWS

workbench = enter()
try:
    zone = ZoneInfo(st.context.timezone or "UTC")
except (ZoneInfoNotFoundError, ValueError, OSError):  # whatever the browser sent, it names no zone we know
    zone = ZoneInfo("UTC")
now = datetime.now(UTC)
is_sample = st.query_params.get("sample") == "true"
log = sample_log() if is_sample else workbench.store.log
size = usage.size(log)


@st.fragment(run_every="10s")
def follow_log() -> None:
    """Draw the page anew when something was logged or the day is over."""
    try:
        is_new = usage.size(log) != size
    except StorageError:  # a server that is stopping; anything else the page's next run tells
        return
    if is_new or datetime.now(zone).date() != now.astimezone(zone).date():
        st.rerun()


follow_log()
st.title("Usage")
st.caption("What your messages cost, how fast each model answers and how often it fails. Choose a mark to filter.")
if is_sample:
    draw_sample_banner()
span = usage_data.span(log, size)
if span is None:
    with st.container(border=True):
        st.subheader("Nothing to count yet")
        st.markdown(
            "Every message you send is counted here: which model answered, how soon it began, how long it took, its "
            "tokens and its price. After the first one you see spend, speed and success per day and per model."
        )
        with st.container(horizontal=True):
            st.page_link(CHAT, label="Send the first message", icon=":material/forum:")
            draw_sample_offer()
    st.stop()

names = usage_data.names(log, size)
table = workbench.store.projects
projects = {project.id: project.name for project in [*table.all(), *table.archived()]}
projects |= {"sample-thesis": "Thesis", "sample-garden": "Garden"} if is_sample else {}
complaints = misread()
with st.container(horizontal=True, vertical_alignment="center"):
    chosen, stretch_words = draw_period(now, zone=zone)
    has_demo = draw_demo(span)
    chips, misfits = read_filters(names, has_conversation=lambda one: usage.has_conversation(log, one), zone=zone)
    draw_filter_menu(chips, names, projects)
titles = usage.titles(log, [chips["conversation"]]) if "conversation" in chips else {}
with st.container():  # one element with and without chips: what is below does not move to another place
    draw_chips(chips, chip_labels(chips, names, projects, titles.get(chips.get("conversation", ""), "deleted")))
    if complaints + misfits:
        st.warning(literal(f"Left out of this link: {'; '.join(complaints + misfits)}."), icon=":material/link_off:")

shown_period = at_period(chips, chosen, zone=zone)
borders = whole(shown_period, span)
where = narrowed(Filter(borders.since, borders.until, has_demo=has_demo, zone=zone), chips)
earlier = None
if shown_period.previous_since and shown_period.previous_until:
    earlier = Stretch(shown_period.previous_since, shown_period.previous_until)
found, before = usage_data.compared(log, size, where, earlier)
before = before if before and before.attempts else None

notes = [f"Days begin at midnight in {zone.key}."]
if before:
    notes.append(f"Changes are against {'the time just before' if 'at' in chips else stretch_words}.")
if has_demo and span.demo_attempts:
    is_only_demo = span.demo_attempts == span.attempts
    notes.append("Only the built-in demo has answered so far." if is_only_demo else "Demo answers are included.")
with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
    st.caption(literal(" ".join(notes)), width="content")
    draw_tools(log, totals_query(where, earlier), name="figures", has_sql=not is_sample)
if not found.attempts:
    last = f"{span.last.astimezone(zone):%d %B %Y}"
    st.info(f"No messages in this selection. The newest one in the log is of {last}: choose a longer period.")
    st.stop()
figures(found, before)

shown, step = draw_views()
view = VIEWS[shown]
axis = time_axis(shown_period, span, zone=zone, step=step)
state = f"{abs(hash((where, shown, axis)))}"  # another selection begins with nothing chosen in its charts
over_time = by_query([axis.step, *([view.split] if view.split else [])], where=where, measures=list(view.parts))
with card(f"{view.title} per {axis.step}", log, over_time, name="time", has_sql=not is_sample):
    at = draw_over_time(usage_data.frame(log, size, over_time), view, axis, key=f"time_{state}")
if at:
    choose(at=at)

group = draw_groups_choice()
measures = [*dict.fromkeys([*view.counted, *TABLE])]
groups_query = by_query([group], where=where, measures=measures, order=view.measure, limit=200)
groups = labelled(usage_data.frame(log, size, groups_query), group, projects, lambda ids: usage.titles(log, ids))
week_query = by_query([Dimension.HOUR_OF_WEEK], where=where, measures=[view.measure])
latency_query = by_query([Dimension.LATENCY], where=where, measures=[Measure.ATTEMPTS])
with card(f"{view.title} by {GROUPS[group].lower()}", log, groups_query, name="groups", has_sql=not is_sample):
    row = draw_groups(groups, view, name=GROUPS[group], key=f"groups_{group}_{state}")
with st.grid(2, min_column_width=320):
    with card(f"{view.title} by hour of the week", log, week_query, name="week", has_sql=not is_sample):
        hour = draw_week(usage_data.frame(log, size, week_query), view, key=f"week_{state}")
    with card("Requests by latency", log, latency_query, name="latency", has_sql=not is_sample):
        latency = draw_latencies(usage_data.frame(log, size, latency_query), key=f"latency_{state}")
if row is not None and (kept := choice(groups, row, group)):
    choose(**kept)
if hour:
    choose(hour=hour)
if latency:
    choose(latency=latency)

by_tab, last_tab = st.tabs([f"By {GROUPS[group].lower()}", "Last messages"])
with by_tab:
    groups_table(groups, GROUPS[group])
with last_tab:
    draw_tools(log, last_query(where, limit=100), name="messages", has_sql=not is_sample)
    messages_table(usage_data.last_messages(log, size, where))
