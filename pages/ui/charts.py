"""Charts of the log, over time and by model. They draw what core/usage.py counted, and count nothing themselves."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from core.periods import Period
from core.usage import Dimension, Span

_SERIES = 7  # the theme has eight colours: the last is for "Other"
_MODELS = 10
_HEIGHT = 260
STATUSES = {  # column -> name and colour, bottom of the stack first; the colours mean something, in light and dark
    "done": ("Done", "#3f9b68"),
    "stopped": ("Stopped", "#8d9aa0"),
    "interrupted": ("Interrupted", "#d0803a"),
    "failed": ("Failed", "#d1574c"),
}
TOKENS = {
    "fresh_tokens": "Input",
    "cache_read_tokens": "Cached",
    "cache_write_tokens": "Cache write",
    "answer_tokens": "Output",
    "reasoning_tokens": "Reasoning",
}
# Local times travel as UTC and are drawn as UTC. Streamlit takes naive ones for the browser's own clock: east of
# Greenwich a UTC axis then shows them a day early (seen 2026-11-24).
_UNITS = {  # step -> pandas frequency, Vega time unit, format on the axis and in the tooltip
    Dimension.HOUR: ("h", "utcyearmonthdatehours", "%H:%M", "%a %e %b, %H:%M"),
    Dimension.DAY: ("D", "utcyearmonthdate", "%e %b", "%a %e %b %Y"),
    Dimension.MONTH: ("MS", "utcyearmonth", "%b %Y", "%B %Y"),
}


@dataclass(frozen=True, slots=True)
class TimeAxis:
    """The x-axis of every chart over time: whole steps of the local clock from `start` up to, without, `end`."""

    step: Dimension
    start: datetime
    end: datetime


def time_axis(period: Period, span: Span, *, zone: ZoneInfo) -> TimeAxis:
    """Return the axis of a period; one without borders takes the log's. Steps are chosen to be hundreds at most."""
    last = period.until - timedelta(microseconds=1) if period.until else span.last
    start = datetime.combine((period.since or span.first).astimezone(zone).date(), time.min)
    end = datetime.combine(last.astimezone(zone).date() + timedelta(days=1), time.min)
    if end - start <= timedelta(days=2):
        return TimeAxis(Dimension.HOUR, start, end)
    if end - start <= timedelta(days=400):
        return TimeAxis(Dimension.DAY, start, end)
    return TimeAxis(Dimension.MONTH, start.replace(day=1), end)


def spend_over_time(frame: pd.DataFrame, axis: TimeAxis) -> None:
    """Draw spend stacked by provider. Columns: time, provider, cost_usd."""
    known = frame[frame["cost_usd"] > 0]
    order = known.groupby("provider")["cost_usd"].sum().sort_values(ascending=False).index.tolist()
    if len(order) > _SERIES + 1:
        known = known.assign(provider=known["provider"].where(known["provider"].isin(order[:_SERIES]), "Other"))
        order = [*order[:_SERIES], "Other"]
    rows = known.groupby(["time", "provider"])["cost_usd"].sum().reset_index()
    rows = rows.set_axis(["time", "series", "value"], axis="columns")
    _stack("Spend", rows, axis, order, values=_dollars(), tooltip="$,.6~f", alt="Spend by provider")


def messages_over_time(frame: pd.DataFrame, axis: TimeAxis) -> None:
    """Draw messages stacked by status. Columns: time, done, stopped, interrupted, failed."""
    rows = _long(frame, {column: name for column, (name, _) in STATUSES.items()})
    present = [(name, colour) for name, colour in STATUSES.values() if name in set(rows["series"])]
    names, colours = [name for name, _ in present], [colour for _, colour in present]
    _stack("Messages", rows, axis, names, colours=colours, values=_counts(), tooltip=",d", alt="Messages by status")


def tokens_over_time(frame: pd.DataFrame, axis: TimeAxis) -> None:
    """Draw tokens stacked by kind. Columns: time and the five kinds, which do not overlap."""
    rows = _long(frame, TOKENS)
    names = [name for name in TOKENS.values() if name in set(rows["series"])]
    _stack("Tokens", rows, axis, names, values=_counts(), tooltip=",d", alt="Tokens by kind")


def quantiles_over_time(title: str, frame: pd.DataFrame, axis: TimeAxis, *, p50: str, p95: str) -> None:
    """Draw the median and the 95th percentile of a duration as lines. Columns: time and the two, in milliseconds."""
    frequency, _, _, _ = _UNITS[axis.step]
    steps = pd.date_range(axis.start, axis.end, freq=frequency, inclusive="left", unit="us")
    whole = frame.set_index("time")[[p50, p95]].reindex(steps)  # a step without a message breaks the line
    rows = (whole / 1000).rename(columns={p50: "p50", p95: "p95"}).rename_axis("time").reset_index()
    rows = rows.melt("time", var_name="series", value_name="value")
    color = _color(["p50", "p95"])
    color["legend"] |= {"symbolType": "stroke", "symbolSize": 300, "symbolStrokeWidth": 2}
    spec = {
        "mark": {"type": "line", "point": {"size": 24}, "strokeWidth": 2},
        "encoding": {
            "x": _time(axis),
            "y": {"field": "value", "type": "quantitative", "title": None, "axis": _seconds()},
            "color": color,
            # Dashes: where the two are equal both stay visible.
            "strokeDash": {
                "field": "series",
                "type": "nominal",
                "scale": {"domain": ["p50", "p95"], "range": [[1, 0], [5, 3]]},
                "legend": color["legend"],
            },
            "tooltip": [_time_tooltip(axis), _text("series", "Quantile"), _number("value", "Seconds", ",.2f")],
        },
    }
    words = f"{title} per {axis.step}, median and 95th percentile"
    _card(f"{title} per {axis.step}", rows.dropna(), rows, spec, height=_HEIGHT, alt=words)


def spend_by_model(frame: pd.DataFrame) -> None:
    """Draw spend per model, dearest first. Columns: provider, model, cost_usd."""
    top = _labelled(frame[frame["cost_usd"] > 0].nlargest(_MODELS, "cost_usd"))
    spec = {
        "mark": {"type": "bar", "cornerRadiusEnd": 3},
        "encoding": {
            "y": _labels(top),
            "x": {"field": "cost_usd", "type": "quantitative", "title": None, "axis": _dollars()},
            "tooltip": [
                _text("provider", "Provider"),
                _text("model", "Model"),
                _number("cost_usd", "Spend", "$,.6~f"),
            ],
        },
    }
    _card("Spend", top, top, spec, height=_height(top), alt="Spend by model, dearest first")


def quantiles_by_model(title: str, frame: pd.DataFrame, *, p50: str, p95: str) -> None:
    """Draw the span from median to 95th percentile per model, fastest first. Durations in milliseconds."""
    known = frame.dropna(subset=[p50, p95]).nlargest(_MODELS, "messages").sort_values(p50)
    top = _labelled(known)
    rows = top.assign(p50=top[p50] / 1000, p95=top[p95] / 1000)[["label", "provider", "model", "p50", "p95"]]
    rows = rows.melt(["label", "provider", "model"], var_name="series", value_name="value")
    x = {"field": "value", "type": "quantitative", "title": None, "axis": _seconds()}
    spec = {
        "encoding": {"y": _labels(top), "x": x},
        "layer": [
            {
                "mark": {"type": "line", "strokeWidth": 3, "opacity": 0.35},
                "encoding": {"detail": {"field": "label"}, "color": {"value": "#8d9aa0"}},
            },
            {
                "mark": {"type": "point", "filled": True, "size": 80, "opacity": 1},
                "encoding": {
                    "color": _color(["p50", "p95"]),
                    "tooltip": [
                        _text("provider", "Provider"),
                        _text("model", "Model"),
                        _text("series", "Quantile"),
                        _number("value", "Seconds", ",.2f"),
                    ],
                },
            },
        ],
    }
    words = f"{title} by model, median and 95th percentile, fastest first"
    _card(title, rows, rows, spec, height=_height(top), alt=words)


def _stack(
    title: str,
    rows: pd.DataFrame,
    axis: TimeAxis,
    names: list[str],
    *,
    values: dict[str, Any],
    tooltip: str,
    alt: str,
    colours: list[str] | None = None,
) -> None:
    rows = rows.assign(order=rows["series"].map({name: place for place, name in enumerate(names)}))
    spec = {
        "mark": {"type": "bar"},
        "encoding": {
            "x": _time(axis),
            "y": {"field": "value", "type": "quantitative", "stack": "zero", "title": None, "axis": values},
            "color": _color(names, colours),
            "order": {"field": "order"},
            "tooltip": [_time_tooltip(axis), _text("series", "Part"), _number("value", title, tooltip)],
        },
    }
    _card(f"{title} per {axis.step}", rows, rows, spec, height=_HEIGHT, alt=f"{alt} per {axis.step}")


def _card(title: str, known: pd.DataFrame, rows: pd.DataFrame, spec: dict[str, Any], *, height: int, alt: str) -> None:
    with st.container(border=True, height="stretch"):
        st.markdown(f"**{title}**")
        if known.empty:
            st.caption("Nothing known in this period.")
        else:
            if "time" in rows:
                rows = rows.assign(time=rows["time"].dt.tz_localize("UTC"))
            st.vega_lite_chart(rows, spec, height=height, alt=alt)


def _long(frame: pd.DataFrame, names: dict[str, str]) -> pd.DataFrame:
    """Return rows of time, series, value from a column per series; what is nothing is left out."""
    rows = frame[["time", *names]].rename(columns=names).melt("time", var_name="series", value_name="value")
    return rows[rows["value"] > 0]


def _labelled(frame: pd.DataFrame) -> pd.DataFrame:
    """Add a label per row: the model, and its provider where two models have one name."""
    is_double = frame["model"].duplicated(keep=False)
    return frame.assign(label=frame["model"].where(~is_double, frame["model"] + " · " + frame["provider"]))


def _height(frame: pd.DataFrame) -> int:
    return 70 + 26 * len(frame)


def _time(axis: TimeAxis) -> dict[str, Any]:
    _, unit, short, _ = _UNITS[axis.step]
    domain = [
        {"year": moment.year, "month": moment.month, "date": moment.day, "utc": True}
        for moment in (axis.start, axis.end)
    ]
    return {
        "field": "time",
        "type": "temporal",
        "timeUnit": unit,
        "title": None,
        "scale": {"type": "utc", "domain": domain},
        "axis": {"format": short, "labelOverlap": True, "tickCount": 6, "grid": False},
    }


def _time_tooltip(axis: TimeAxis) -> dict[str, Any]:
    _, unit, _, long = _UNITS[axis.step]
    return {"field": "time", "type": "temporal", "timeUnit": unit, "title": "Time", "format": long}


def _color(names: list[str], colours: list[str] | None = None) -> dict[str, Any]:
    scale: dict[str, Any] = {"domain": names}
    if colours:
        scale["range"] = colours
    legend = {"orient": "bottom", "title": None, "columns": 3, "labelLimit": 90, "offset": 6, "padding": 0}
    return {"field": "series", "type": "nominal", "scale": scale, "legend": legend}


def _labels(frame: pd.DataFrame) -> dict[str, Any]:
    return {
        "field": "label",
        "type": "nominal",
        "sort": frame["label"].tolist(),
        "title": None,
        "axis": {"labelLimit": 120, "ticks": False},
    }


def _dollars() -> dict[str, Any]:
    return {"format": "$,.4~f", "tickCount": 4}


def _counts() -> dict[str, Any]:
    return {"format": "~s", "tickCount": 4, "tickMinStep": 1}


def _seconds() -> dict[str, Any]:
    return {"tickCount": 4, "labelExpr": "datum.label + ' s'"}


def _text(field: str, title: str) -> dict[str, Any]:
    return {"field": field, "type": "nominal", "title": title}


def _number(field: str, title: str, number: str) -> dict[str, Any]:
    return {"field": field, "type": "quantitative", "title": title, "format": number}
