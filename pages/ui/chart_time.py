"""A view of the log over time. It draws what core/usage counted, and counts nothing itself."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

from core.periods import Period
from core.usage import TIMES, Dimension, Span
from pages.ui.chart_parts import CLICKABLE, GREY, color, draw, from_zero, nothing, number, picks, text, values_axis
from pages.ui.usage_views import View

_SERIES = 7  # the theme has eight colours: the last is for "Other"
_OTHER = "Other"
_HEIGHT = 280
# Local times travel as UTC and are drawn as UTC. Streamlit takes naive ones for the browser's own clock: east of
# Greenwich a UTC axis then shows them a day early (seen 2026-11-24).
_UNITS = {  # step -> pandas frequency, Vega time unit, format on the axis, in the tooltip, in the URL
    Dimension.HOUR: ("h", "utcyearmonthdatehours", "%H:%M", "%a %e %b, %H:%M", "%Y-%m-%dT%H"),
    Dimension.DAY: ("D", "utcyearmonthdate", "%e %b", "%a %e %b %Y", "%Y-%m-%d"),
    Dimension.WEEK: ("W-MON", "utcyearmonthdate", "%e %b", "week of %e %b %Y", "%G-W%V"),
    Dimension.MONTH: ("MS", "utcyearmonth", "%b %Y", "%B %Y", "%Y-%m"),
}
_LONGEST = {  # what is drawn of each step: hundreds of marks at most
    Dimension.HOUR: timedelta(days=31),
    Dimension.DAY: timedelta(days=400),
    Dimension.WEEK: timedelta(days=2800),
}


@dataclass(frozen=True, slots=True)
class TimeAxis:
    """The x-axis of every chart over time: whole steps of the local clock from `start` up to, without, `end`."""

    step: Dimension
    start: datetime
    end: datetime


def time_axis(period: Period, span: Span, *, zone: ZoneInfo, step: Dimension | None = None) -> TimeAxis:
    """Return the axis of a period; one without borders takes the log's. A step that is too fine gives way to the next.

    Without a step: hours up to two days, days up to 400, then months.
    """
    last = period.until - timedelta(microseconds=1) if period.until else span.last
    start = (period.since or span.first).astimezone(zone).replace(tzinfo=None, minute=0, second=0, microsecond=0)
    end = last.astimezone(zone).replace(tzinfo=None, minute=0, second=0, microsecond=0) + timedelta(hours=1)
    length = end - start
    if step is None:
        step = Dimension.HOUR if length <= timedelta(days=2) else Dimension.DAY
        step = Dimension.MONTH if length > _LONGEST[Dimension.DAY] else step
    while step in _LONGEST and length > _LONGEST[step]:
        step = TIMES[TIMES.index(step) + 1]
    if step is Dimension.HOUR and period.since and length <= timedelta(hours=1):
        return TimeAxis(step, start, end)
    start = datetime.combine(start, time.min)
    end = datetime.combine(end - timedelta(hours=1), time.min) + timedelta(days=1)
    if step is Dimension.WEEK:
        start -= timedelta(days=start.weekday())
    return TimeAxis(step, start.replace(day=1) if step is Dimension.MONTH else start, end)


def draw_over_time(frame: pd.DataFrame, view: View, axis: TimeAxis, *, key: str) -> str | None:
    """Draw the view; return the time that was chosen, as it stands in the URL.

    Columns: time, with `view.split` its name column, and a column for each of the view's parts.
    """
    rows = _lines(frame, view, axis) if view.is_line else _stacks(frame, view)
    if rows["value"].dropna().empty:
        nothing()
        return None
    names = list(dict.fromkeys(rows["series"]))
    rows = rows.assign(
        key=rows["time"].dt.strftime(_UNITS[axis.step][4]),
        order=rows["series"].map({name: place for place, name in enumerate(names)}),
        time=rows["time"].dt.tz_localize("UTC"),
    )
    y = {
        "field": "value",
        "type": "quantitative",
        "title": None,
        "scale": from_zero(float(rows["value"].max() if view.is_line else rows.groupby("time")["value"].sum().max())),
        "axis": values_axis(view.axis, is_duration=view.is_duration),
    }
    tooltip = [
        _tooltip(axis),
        text("series", "Part"),
        number("value", "Seconds" if view.is_duration else view.title, view.tooltip),
    ]
    colours = [view.colours[list(view.parts.values()).index(name)] for name in names] if view.colours else []
    spec: dict[str, Any] = {"encoding": {"x": _x(axis), "color": color(names, colours)}}
    if view.is_line:
        legend = spec["encoding"]["color"]["legend"]
        if legend:
            legend |= {"symbolType": "stroke", "symbolSize": 300, "symbolStrokeWidth": 2}
        # Dashes: where two lines are equal both stay visible. Two legends of one field are drawn as one if they agree.
        dashes = {
            "field": "series",
            "type": "nominal",
            "scale": {"domain": names, "range": [[1, 0], [5, 3]][: len(names)]},
            "legend": legend,
        }
        spec["encoding"]["y"] = y
        spec["layer"] = [
            {
                "mark": {"type": "line", "strokeWidth": 2, "point": {"size": 24}},
                "encoding": {"strokeDash": dashes, "tooltip": tooltip},
            },
            {
                "mark": {"type": "point", "size": 260, "filled": True, "opacity": 0, **CLICKABLE},
                "params": picks(),
                "encoding": {"tooltip": tooltip},
            },
        ]
    else:
        spec |= {"mark": {"type": "bar", **CLICKABLE}, "params": picks()}
        spec["encoding"] |= {"y": y | {"stack": "zero"}, "order": {"field": "order"}, "tooltip": tooltip}
    alt = f"{view.title} per {axis.step}" + (f" by {view.split.replace('_', ' ')}" if view.split else "")
    return draw(rows, spec, height=_HEIGHT, alt=alt, key=key)


def _stacks(frame: pd.DataFrame, view: View) -> pd.DataFrame:
    """Return time, series and value; what is nothing is left out."""
    if view.split is None:
        wide = frame[["time", *view.parts]].rename(columns=dict(view.parts))
        rows = wide.melt("time", var_name="series", value_name="value")
        return rows[rows["value"] > 0]
    (measure,) = view.parts
    known = frame[frame[measure] > 0]
    names = known[view.split].fillna("unknown").str.replace("_", " ") if view.split is Dimension.ERROR_KIND else None
    known = known.assign(series=known[view.split] if names is None else names)
    order = known.groupby("series")[measure].sum().sort_values(ascending=False).index.tolist()
    if len(order) > _SERIES + 1:
        known = known.assign(series=known["series"].where(known["series"].isin(order[:_SERIES]), _OTHER))
        order = [*order[:_SERIES], _OTHER]
    rows = known.groupby(["time", "series"])[measure].sum().reset_index(name="value")
    place = {name: number for number, name in enumerate(order)}
    return rows.sort_values("series", key=lambda series: series.map(place), kind="stable")


def _lines(frame: pd.DataFrame, view: View, axis: TimeAxis) -> pd.DataFrame:
    frequency = _UNITS[axis.step][0]
    steps = pd.date_range(axis.start, axis.end, freq=frequency, inclusive="left", unit="us")
    whole = frame.set_index("time")[list(view.parts)].reindex(steps)  # a step without a message breaks the line
    wide = (whole / (1000 if view.is_duration else 1)).rename(columns=dict(view.parts))
    return wide.rename_axis("time").reset_index().melt("time", var_name="series", value_name="value")


def _x(axis: TimeAxis) -> dict[str, Any]:
    _, unit, short, _, _ = _UNITS[axis.step]
    domain = [
        {"year": moment.year, "month": moment.month, "date": moment.day, "hours": moment.hour, "utc": True}
        for moment in (axis.start, axis.end)
    ]
    return {
        "field": "time",
        "type": "temporal",
        "timeUnit": {"unit": unit, "step": 7} if axis.step is Dimension.WEEK else unit,
        "title": None,
        "scale": {"type": "utc", "domain": domain},
        "axis": {"format": short, "labelOverlap": True, "tickCount": 6, "grid": False, "domainColor": GREY},
    }


def _tooltip(axis: TimeAxis) -> dict[str, Any]:
    _, unit, _, long, _ = _UNITS[axis.step]
    return {"field": "time", "type": "temporal", "timeUnit": unit, "title": "Time", "format": long}
