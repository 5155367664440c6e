"""When each attempt of a turn waited and when it wrote, on one line of time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd
import streamlit as st

from core.types import Attempt
from pages.ui.figures import duration

_COLORS = {
    "Before sending": "#c9b458",
    "Waiting": "#8d9aa0",
    "Streaming": "#23807e",
    "No token came": "#d1574c",
}
_SHORTEST_S = 0.001


@dataclass(frozen=True, slots=True)
class Phase:
    attempt: str
    name: str
    from_s: float
    to_s: float


def phases(attempts: Sequence[Attempt], *, sent_at: datetime | None) -> list[Phase]:
    """Return what each attempt did, in seconds since the message was sent (without that, since the first attempt).

    Before sending: from the message, or the end of the attempt before, to the request. Connecting is a part of waiting:
    nobody measures it alone. How long an attempt took is from a clock that is never set back; when it began is not, so
    that a beginning before the end of the one before, or of the message, leaves no phase.
    """
    begin = attempts[0].started_at
    if sent_at is not None and sent_at < begin:
        begin = sent_at
    made: list[Phase] = []
    ended_s = 0.0
    for attempt in attempts:
        label = f"{attempt.attempt_number} · {attempt.model_name}"
        start_s = (attempt.started_at - begin).total_seconds()
        if start_s - ended_s >= _SHORTEST_S:
            made.append(Phase(label, "Before sending", ended_s, start_s))
        if attempt.latency_ms is None:
            ended_s = start_s
            continue
        ended_s = start_s + attempt.latency_ms / 1000
        if attempt.ttft_ms is None:
            made.append(Phase(label, "No token came", start_s, ended_s))
        else:
            first_s = min(start_s + attempt.ttft_ms / 1000, ended_s)
            made += [Phase(label, "Waiting", start_s, first_s), Phase(label, "Streaming", first_s, ended_s)]
    return made


def draw_waterfall(attempts: Sequence[Attempt], *, sent_at: datetime | None) -> None:
    drawn = phases(attempts, sent_at=sent_at)
    if not any(attempt.latency_ms is not None for attempt in attempts):
        st.caption("How long it took is not known: the process ended with it.")
        return
    rows = pd.DataFrame(
        {
            "attempt": [phase.attempt for phase in drawn],
            "phase": [phase.name for phase in drawn],
            "from": [phase.from_s for phase in drawn],
            "to": [phase.to_s for phase in drawn],
            "words": [duration((phase.to_s - phase.from_s) * 1000) for phase in drawn],
        }
    )
    present = [name for name in _COLORS if name in set(rows["phase"])]
    end_s = max(phase.to_s for phase in drawn)
    spec: dict[str, Any] = {
        "mark": {"type": "bar", "height": 16, "cornerRadius": 2},
        "encoding": {
            "y": {"field": "attempt", "type": "nominal", "title": None, "axis": {"labelLimit": 160, "ticks": False}},
            "x": {
                "field": "from",
                "type": "quantitative",
                "title": None,
                "scale": {"domain": [0, end_s or 1]},
                "axis": {"tickCount": 5, "labelExpr": "datum.label + ' s'"},
            },
            "x2": {"field": "to"},
            "color": {
                "field": "phase",
                "type": "nominal",
                "scale": {"domain": present, "range": [_COLORS[name] for name in present]},
                "legend": {"orient": "bottom", "title": None, "columns": 4, "offset": 6},
            },
            "tooltip": [
                {"field": "phase", "type": "nominal", "title": "Phase"},
                {"field": "words", "type": "nominal", "title": "Took"},
            ],
        },
    }
    height = 100 + 36 * len(attempts)
    st.vega_lite_chart(rows, spec, height=height, alt="When each attempt waited and when it wrote")
