"""The controls of the usage page: its period, its filters as chips, and what its charts show."""

from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import streamlit as st

from core.periods import PRESET_DAYS, Period, Preset, days, period, step
from core.usage import TIMES, Dimension, Names, Span
from pages.ui.safe import literal
from pages.ui.session import put_back
from pages.ui.usage_url import FILTERS, STATUSES, choose, latency, latency_words
from pages.ui.usage_views import GROUPS, LABELS, Shown

CUSTOM = "custom"
_PERIODS = [*(preset.value for preset in Preset), CUSTOM]
_BOUND: dict[str, Collection[str]] = {  # parameter of a widget -> its values: Streamlit puts labels into the URL
    "period": [name.capitalize() for name in _PERIODS],
    "show": LABELS.values(),
    "step": [time.capitalize() for time in TIMES],
    "by": GROUPS.values(),
}


def misread() -> list[str]:
    """Return what is wrong with the widgets' own parameters, which Streamlit drops without a word."""
    return [
        f"“{value[:60]}” is no {name}"
        for name, values in _BOUND.items()
        if (value := st.query_params.get(name)) and value not in values
    ]


def draw_period(now: datetime, *, zone: ZoneInfo) -> tuple[Period, str]:
    """Draw the choice of a period; return it with what it is compared with, in words."""
    name = st.segmented_control(
        "Period",
        _PERIODS,
        default=Preset.MONTH.value,
        required=True,
        format_func=str.capitalize,
        label_visibility="collapsed",
        wrap=True,
        key="period",
        bind="query-params",
    )
    if name != CUSTOM:
        preset = Preset(name or Preset.MONTH)
        before = "yesterday" if preset is Preset.TODAY else f"the {PRESET_DAYS.get(preset, 0)} days before"
        return period(preset, now, zone=zone), f"{before}, up to the same time of day"
    today = now.astimezone(zone).date()
    picked = st.date_input(
        "From and to",
        (today - timedelta(days=6), today),
        min_value=date(2020, 1, 1),
        max_value=today + timedelta(days=366),
        label_visibility="collapsed",
        width=230,
        key="dates",
        bind="query-params",
    )
    chosen = [picked] if isinstance(picked, date) else list(picked) or [today]
    first, last = chosen[0], chosen[-1]
    return days(first, last, now, zone=zone), f"the {(last - first).days + 1} days before"


def draw_demo(span: Span) -> bool:
    """Draw the switch for the demo's answers, where there are others too; return whether they count."""
    if span.demo_attempts in (0, span.attempts):
        return True  # nothing to leave out, and each row need not be asked
    return st.toggle(
        "Include demo",
        key="demo",
        bind="query-params",
        help="Answers of the built-in demo. They cost nothing and say nothing about the speed of a provider.",
    )


def draw_filter_menu(values: Mapping[str, str], names: Names, projects: Mapping[str, str]) -> None:
    """Draw the lists to choose filters from; those of the charts are chosen there."""
    kinds = {kind: kind.replace("_", " ") for kind in names.error_kinds}
    options: dict[str, Mapping[str, str]] = {
        "provider": names.providers,
        "model": names.models,
        "project": {project: projects.get(project, project) for project in names.projects},
        "status": {status.value: status.value.capitalize() for status in STATUSES},
        "error": kinds,
    }
    with st.popover("Filter", icon=":material/filter_list:"):
        st.caption("Or choose a bar, a point or a square in a chart.")
        for name, offered in options.items():
            ids, current = list(offered), values.get(name)
            chosen = st.selectbox(
                FILTERS[name],
                ids,
                index=ids.index(current) if current in ids else None,
                format_func=lambda one, offered=offered: offered.get(one, one),
                placeholder="All",
                key=f"filter_{name}_{current}",  # a chip that is taken away empties it
            )
            if chosen != current:
                choose(**{name: chosen})


def draw_chips(values: Mapping[str, str], labels: Mapping[str, str]) -> None:
    """Draw each filter as a button that takes it away, and one for all of them."""
    if not values:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        for name in values:
            if st.button(
                literal(f"{FILTERS[name]}: {labels[name]}"),
                icon=":material/close:",
                icon_position="right",
                help="Take this filter away.",
                key=f"chip_{name}",
            ):
                choose(**{name: None})
        if st.button("Reset", icon=":material/restart_alt:", type="tertiary", key="reset", help="Begin anew."):
            put_back("period", Preset.MONTH.value)
            choose(**dict.fromkeys(FILTERS))


def chip_labels(values: Mapping[str, str], names: Names, projects: Mapping[str, str], title: str) -> dict[str, str]:
    """Return in words what each filter keeps."""
    known: dict[str, Mapping[str, str]] = {
        "provider": names.providers,
        "model": names.models,
        "project": projects,
        "conversation": {values.get("conversation", ""): title},
    }
    labels = {name: known.get(name, {}).get(value, value) for name, value in values.items()}
    if "hour" in values:
        weekday, _, hour = values["hour"].partition("-")
        labels["hour"] = f"{weekday} {hour}:00–{int(hour) + 1:02}:00"
    if found := latency(values.get("latency", "")):
        labels["latency"] = latency_words(found[0])
    if "at" in values:
        labels["at"] = values["at"].replace("T", ", ") + (":00" if "T" in values["at"] else "")
    if "error" in values:
        labels["error"] = values["error"].replace("_", " ")
    if "status" in values:
        labels["status"] = values["status"].capitalize()
    return labels


def draw_views() -> tuple[Shown, Dimension | None]:
    """Draw what all charts show, and in which steps; None leaves the step to the period."""
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        shown = st.segmented_control(
            "Show",
            [shown.value for shown in Shown],
            default=Shown.SPEND.value,
            required=True,
            format_func=lambda one: LABELS[Shown(one)],
            label_visibility="collapsed",
            wrap=True,
            key="show",
            bind="query-params",
        )
        by = st.selectbox(
            "Step",
            [time.value for time in TIMES],
            index=None,
            format_func=str.capitalize,
            placeholder="Step",
            label_visibility="collapsed",
            width=130,
            key="step",
            bind="query-params",
        )
    return Shown(shown or Shown.SPEND), Dimension(by) if by else None


def draw_groups_choice() -> Dimension:
    by = st.segmented_control(
        "By",
        [group.value for group in GROUPS],
        default=Dimension.MODEL.value,
        required=True,
        format_func=lambda one: GROUPS[Dimension(one)],
        label_visibility="collapsed",
        wrap=True,
        key="by",
        bind="query-params",
    )
    return Dimension(by or Dimension.MODEL)


def at_period(values: Mapping[str, str], chosen: Period, *, zone: ZoneInfo) -> Period:
    """Return the step that was chosen in the chart over time, else the period."""
    return step(values["at"], zone=zone) if "at" in values else chosen


def whole(chosen: Period, span: Span) -> Period:
    """Return a period with borders: those of the log where it has none."""
    if chosen.since and chosen.until:
        return chosen
    return Period(since=span.first.astimezone(UTC), until=span.last + timedelta(microseconds=1))
