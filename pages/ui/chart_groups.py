"""Groups of the log side by side: by provider and the like, by hour of the week, by latency."""

from typing import Any

import pandas as pd

from pages.ui.chart_parts import CLICKABLE, GREY, color, draw, from_zero, nothing, number, picks, text, values_axis
from pages.ui.usage_url import WEEKDAYS, hour_text, latency_text, latency_words
from pages.ui.usage_views import View

_GROUPS = 10
_HEIGHT = 230


def draw_groups(frame: pd.DataFrame, view: View, *, name: str, key: str) -> int | None:
    """Draw the greatest groups; return the row of the one that was chosen. Columns: label, and the view's measures."""
    known = frame.dropna(subset=[view.measure])
    top = known[known[view.measure] > 0].head(_GROUPS)
    if top.empty:
        nothing()
        return None
    labels = {
        "field": "label",
        "type": "nominal",
        "sort": top["label"].tolist(),
        "title": None,
        "axis": {"labelLimit": 180, "ticks": False, "domain": False},
    }
    amount = "Seconds" if view.is_duration else view.title
    axis = values_axis(view.axis, is_duration=view.is_duration)
    parts = [view.measure] if view.split else list(view.parts)
    wide = top[parts] / 1000 if view.is_duration else top[parts]
    wide = wide.rename(columns={part: view.parts.get(part, view.title) for part in parts})
    wide = wide.assign(label=top["label"], key=top.index.astype(str))
    rows = wide.melt(["label", "key"], var_name="series", value_name="value")
    rows = rows.assign(order=rows["series"].map({series: at for at, series in enumerate(wide.columns)})).dropna()
    if not view.is_duration:
        rows = rows[rows["value"] > 0]  # a bar of nothing cannot be chosen
    names = list(dict.fromkeys(rows.sort_values("order")["series"]))
    colours = [view.colours[list(view.parts.values()).index(part)] for part in names] if view.colours else []
    top_value = rows["value"].max() if view.is_duration else rows.groupby("label")["value"].sum().max()
    scale = from_zero(float(top_value))
    x = {"field": "value", "type": "quantitative", "title": None, "axis": axis, "scale": scale}
    tooltip = [text("label", name), text("series", "Part"), number("value", amount, view.tooltip)]
    spec: dict[str, Any]
    if view.is_duration:  # the span from median to 95th percentile
        spec = {
            "encoding": {"y": labels, "x": x},
            "layer": [
                {
                    "mark": {"type": "line", "strokeWidth": 3, "opacity": 0.35},
                    "encoding": {"detail": {"field": "label"}, "color": {"value": GREY}},
                },
                {
                    "mark": {"type": "point", "filled": True, "size": 90, "opacity": 1, **CLICKABLE},
                    "params": picks(),
                    "encoding": {"color": color(names), "tooltip": tooltip},
                },
            ],
        }
    else:
        spec = {
            "mark": {"type": "bar", "cornerRadiusEnd": 3, **CLICKABLE},
            "params": picks(),
            "encoding": {
                "y": labels,
                "x": x | {"stack": "zero"},
                "color": color(names, colours),
                "order": {"field": "order"},
                "tooltip": tooltip,
            },
        }
    legend = 34 if len(names) > 1 else 0
    chosen = draw(
        rows, spec, height=50 + legend + 26 * len(top), alt=f"{view.title} by {name.lower()}, greatest first", key=key
    )
    return int(chosen) if chosen is not None else None


def draw_week(frame: pd.DataFrame, view: View, *, key: str) -> str | None:
    """Draw hours of the week as a heat map; return the chosen one. Columns: weekday, hour, and the view's measure."""
    known = frame.dropna(subset=[view.measure])
    known = known[known[view.measure] > 0]
    if known.empty:
        nothing()
        return None
    rows = pd.DataFrame(
        {
            "day": [WEEKDAYS[weekday - 1] for weekday in known["weekday"]],
            "hour": known["hour"],
            "value": known[view.measure] / (1000 if view.is_duration else 1),
            "key": [hour_text(w, h) for w, h in zip(known["weekday"], known["hour"], strict=True)],
        }
    )
    spec = {
        "mark": {"type": "rect", "cornerRadius": 2, **CLICKABLE},
        "params": picks(),
        "encoding": {
            "x": {
                "field": "hour",
                "type": "ordinal",
                "title": None,
                "scale": {"domain": list(range(24)), "padding": 0.08},
                "axis": {"values": [0, 6, 12, 18, 23], "labelAngle": 0, "ticks": False, "domain": False},
            },
            "y": {
                "field": "day",
                "type": "ordinal",
                "title": None,
                "scale": {"domain": list(WEEKDAYS), "padding": 0.12},
                "axis": {"ticks": False, "domain": False},
            },
            "color": {
                "field": "value",
                "type": "quantitative",
                "scale": from_zero(float(rows["value"].max())),
                "legend": None,
            },
            "tooltip": [
                text("day", "Day"),
                text("hour", "From hour"),
                number("value", "Seconds" if view.is_duration else view.title, view.tooltip),
            ],
        },
    }
    return draw(rows, spec, height=_HEIGHT, alt=f"{view.title} by hour of the week", key=key)


def draw_latencies(frame: pd.DataFrame, *, key: str) -> str | None:
    """Draw how many requests took how long; return the chosen stretch. Columns: latency_from_ms, attempts."""
    if frame.empty:
        nothing()
        return None
    rows = pd.DataFrame(
        {
            "label": [latency_words(ms) for ms in frame["latency_from_ms"]],
            "value": frame["attempts"],
            "key": [latency_text(ms) for ms in frame["latency_from_ms"]],
        }
    )
    spec = {
        "mark": {"type": "bar", "cornerRadiusEnd": 3, **CLICKABLE},
        "params": picks(),
        "encoding": {
            "x": {
                "field": "label",
                "type": "nominal",
                "sort": rows["label"].tolist(),
                "title": None,
                "axis": {"labelAngle": -40, "ticks": False, "labelLimit": 80},
            },
            "y": {
                "field": "value",
                "type": "quantitative",
                "title": None,
                "scale": from_zero(float(rows["value"].max())),
                "axis": values_axis("~s") | {"tickMinStep": 1},
            },
            "tooltip": [text("label", "Latency"), number("value", "Requests", ",d")],
        },
    }
    return draw(rows, spec, height=_HEIGHT, alt="How many requests took how long", key=key)
