"""What the charts of the log share: the frame around them, their encodings, and what was chosen in them."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

GREY = "#8d9aa0"
_PICK = "pick"
CLICKABLE = {"cursor": "pointer"}


def draw(frame: pd.DataFrame, spec: dict[str, Any], *, height: int, alt: str, key: str) -> str | None:
    """Draw a chart whose marks can be chosen; return the `key` of the row that was. Times in the frame are UTC.

    The spec has `picks()` where its marks are. `key` names what is shown: another filter begins with nothing chosen.
    """
    event = st.vega_lite_chart(frame, spec, height=height, alt=alt, key=key, on_select="rerun", selection_mode=_PICK)
    rows = event["selection"].get(_PICK) or []
    return str(rows[0]["key"]) if rows and "key" in rows[0] else None


def picks() -> list[dict[str, Any]]:
    """Return the parameters that let a mark be chosen, by the field `key`."""
    return [{"name": _PICK, "select": {"type": "point", "fields": ["key"]}}]


def nothing() -> None:
    st.caption("Nothing known in this selection.")


def color(names: Sequence[str], colours: Sequence[str] = (), *, field: str = "series") -> dict[str, Any]:
    scale: dict[str, Any] = {"domain": list(names)}
    if colours:
        scale["range"] = list(colours)
    legend = {"orient": "bottom", "title": None, "columns": 4, "labelLimit": 110, "offset": 6, "padding": 0}
    return {"field": field, "type": "nominal", "scale": scale, "legend": legend if len(names) > 1 else None}


def values_axis(number: str, *, is_duration: bool = False) -> dict[str, Any]:
    axis: dict[str, Any] = {"format": number, "tickCount": 4}
    if is_duration:
        axis["labelExpr"] = "datum.label + ' s'"
    return axis


def from_zero(top: float) -> dict[str, Any]:
    """Return a scale up to the greatest value. Streamlit draws a chart once before its rows are there: a scale that is
    taken from them has no end then, and Vega says so in the browser's console (seen 2026-11-24).
    """
    return {"domain": [0, top or 1], "nice": True}


def text(field: str, title: str) -> dict[str, Any]:
    return {"field": field, "type": "nominal", "title": title}


def number(field: str, title: str, pattern: str) -> dict[str, Any]:
    return {"field": field, "type": "quantitative", "title": title, "format": pattern}
