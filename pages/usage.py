"""Usage: what it cost, how fast it was and how often it failed."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

from core import usage
from core.periods import PRESET_DAYS, Preset, period
from core.usage import Dimension, Filter, Measure
from pages.ui import charts
from pages.ui.enter import enter
from pages.ui.links import CHAT
from pages.ui.safe import literal
from pages.ui.usage_figures import figures
from pages.ui.usage_tables import messages_table, models_table

workbench = enter()
log = workbench.store.log

try:
    zone = ZoneInfo(st.context.timezone or "UTC")
except (ZoneInfoNotFoundError, ValueError, OSError):  # whatever the browser sent, it names no zone we know
    zone = ZoneInfo("UTC")
now = datetime.now(UTC)
size = usage.size(log)


@st.fragment(run_every="10s")
def follow_log() -> None:
    """Draw the page anew when something was logged or the day is over."""
    if usage.size(log) != size or datetime.now(zone).date() != now.astimezone(zone).date():
        st.rerun()


follow_log()
st.title("Usage")
st.caption("What your messages cost, how fast each model answers and how often it fails.")

span = usage.span(log)
if span is None:
    with st.container(border=True):
        st.subheader("Nothing to count yet")
        st.markdown(
            "Every message you send is counted here: which model answered, how soon it began, how long it took, its "
            "tokens and its price. After the first one you see spend, speed and success per day and per model."
        )
        st.page_link(CHAT, label="Send the first message", icon=":material/forum:")
    st.stop()

with st.container(horizontal=True, vertical_alignment="center"):
    preset = st.segmented_control(
        "Period",
        list(Preset),
        default=Preset.MONTH,
        required=True,
        format_func=lambda option: option.value.capitalize(),
        label_visibility="collapsed",
        wrap=True,
        key="period",
        bind="query-params",
    )
    has_only_demo = span.demo_attempts == span.attempts
    has_demo = has_only_demo or (
        span.demo_attempts > 0
        and st.toggle(
            "Include demo",
            key="demo",
            bind="query-params",
            help="Answers of the built-in demo. They cost nothing and say nothing about the speed of a provider.",
        )
    )
preset = preset or Preset.MONTH
chosen = period(preset, now, zone=zone)
where = Filter(since=chosen.since, until=chosen.until, has_demo=has_demo)
found = usage.totals(log, where)
earlier = Filter(since=chosen.previous_since, until=chosen.previous_until, has_demo=has_demo)
before = usage.totals(log, earlier) if chosen.previous_since else None

notes = [f"Days begin at midnight in {zone.key}."]
if before and before.attempts:
    stretch = "yesterday" if preset is Preset.TODAY else f"the {PRESET_DAYS[preset]} days before"
    notes.append(f"Changes are against {stretch}, up to the same time of day.")
if has_demo:
    notes.append("Only the built-in demo has answered so far." if has_only_demo else "Demo answers are included.")
st.caption(literal(" ".join(notes)))

if not found.attempts:
    last = f"{span.last.astimezone(zone):%d %B %Y}"
    st.info(f"No messages in this period. The newest one in the log is of {last}: choose a longer period.")
    st.stop()

figures(found, before)

axis = charts.time_axis(chosen, span, zone=zone)
quantiles = [Measure.TTFT_P50_MS, Measure.TTFT_P95_MS, Measure.LATENCY_P50_MS, Measure.LATENCY_P95_MS]
counts = [Measure(name) for name in (*charts.STATUSES, *charts.TOKENS)]
over_time = usage.by(log, [axis.step], where=where, measures=[*counts, *quantiles], zone=zone)
spend = usage.by(log, [axis.step, Dimension.PROVIDER], where=where, measures=[Measure.COST_USD], zone=zone)
st.subheader(f"By {axis.step}")
with st.grid(3, min_column_width=300):
    charts.spend_over_time(spend, axis)
    charts.messages_over_time(over_time, axis)
    charts.tokens_over_time(over_time, axis)
with st.grid(2, min_column_width=300):
    charts.quantiles_over_time("Time to first token", over_time, axis, p50="ttft_p50_ms", p95="ttft_p95_ms")
    charts.quantiles_over_time("Latency", over_time, axis, p50="latency_p50_ms", p95="latency_p95_ms")

st.subheader("By model")
models = usage.by(
    log,
    [Dimension.MODEL],
    where=where,
    measures=[
        Measure.MESSAGES,
        Measure.SUCCESS_RATE,
        *quantiles,
        Measure.TOKENS_PER_S,
        Measure.INPUT_TOKENS,
        Measure.OUTPUT_TOKENS,
        Measure.CACHED_SHARE,
        Measure.COST_USD,
        Measure.UNPRICED,
    ],
).sort_values(["messages", "model"], ascending=[False, True])
with st.grid(3, min_column_width=300):
    charts.spend_by_model(models)
    charts.quantiles_by_model("Time to first token", models, p50="ttft_p50_ms", p95="ttft_p95_ms")
    charts.quantiles_by_model("Latency", models, p50="latency_p50_ms", p95="latency_p95_ms")
models_table(models)

st.subheader("Last messages")
messages_table(usage.last_messages(log, where, zone=zone))
