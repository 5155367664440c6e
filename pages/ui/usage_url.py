"""The filters of the usage page as they stand in its URL. A pasted one restores them; what makes no sense is told."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from zoneinfo import ZoneInfo

import streamlit as st

from core.periods import step
from core.types import Status
from core.usage import LATENCY_BORDERS_MS, Filter, Names

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
STATUSES = (Status.DONE, Status.STOPPED, Status.INTERRUPTED, Status.FAILED)
# Parameter -> what it is called on the page, in the order of the chips.
FILTERS = {
    "at": "Time",
    "provider": "Provider",
    "model": "Model",
    "project": "Project",
    "conversation": "Conversation",
    "status": "Status",
    "error": "Error",
    "hour": "Hour",
    "latency": "Latency",
}
_LONGEST = 200  # characters of a value


def read_filters(
    names: Names, *, has_conversation: Callable[[str], bool], zone: ZoneInfo
) -> tuple[dict[str, str], list[str]]:
    """Return the filters of the URL that can be used, and what is wrong with the others."""
    return check(st.query_params.to_dict(), names, has_conversation=has_conversation, zone=zone)


def check(
    values: Mapping[str, str], names: Names, *, has_conversation: Callable[[str], bool], zone: ZoneInfo
) -> tuple[dict[str, str], list[str]]:
    known: dict[str, Callable[[str], object]] = {
        "provider": names.providers.__contains__,
        "model": names.models.__contains__,
        "project": names.projects.__contains__,
        "conversation": has_conversation,
        "status": STATUSES.__contains__,
        "error": names.error_kinds.__contains__,
        "hour": lambda text: hour_of_week(text) is not None,
        "latency": lambda text: latency(text) is not None,
        "at": lambda text: _is_step(text, zone),
    }
    kept: dict[str, str] = {}
    complaints: list[str] = []
    for name, label in FILTERS.items():
        value = values.get(name)
        if not value:
            continue
        if len(value) <= _LONGEST and known[name](value):
            kept[name] = value
        else:
            shown = value if len(value) <= 60 else f"{value[:60]}…"
            complaints.append(f"{label} “{shown}” is not in the log")
    return kept, complaints


def narrowed(where: Filter, values: Mapping[str, str]) -> Filter:
    """Return the filter with those of the URL, but for the time."""
    weekday, hour = hour_of_week(values.get("hour", "")) or (None, None)
    above, below = latency(values.get("latency", "")) or (None, None)
    return replace(
        where,
        provider_id=values.get("provider"),
        model_id=values.get("model"),
        project_id=values.get("project"),
        conversation_id=values.get("conversation"),
        status=values.get("status"),
        error_kind=values.get("error"),
        weekday=weekday,
        hour=hour,
        latency_from_ms=above,
        latency_below_ms=below,
    )


def choose(**values: str | None) -> None:
    """Set filters, or with None take them away, and draw the page anew."""
    for name, value in values.items():
        if value is None:
            st.query_params.pop(name, None)
        else:
            st.query_params[name] = value
    st.rerun()


def hour_of_week(text: str) -> tuple[int, int] | None:
    """Return the weekday, 1 for Monday, and hour of a text such as Mon-09."""
    day, _, hour = text.partition("-")
    if day in WEEKDAYS and hour.isascii() and hour.isdecimal() and len(hour) == 2 and int(hour) < 24:
        return WEEKDAYS.index(day) + 1, int(hour)
    return None


def hour_text(weekday: int, hour: int) -> str:
    return f"{WEEKDAYS[weekday - 1]}-{hour:02}"


def latency(text: str) -> tuple[int, int | None] | None:
    """Return the borders in milliseconds of a text such as 1000-2000; the last stretch has no upper one."""
    for place, border in enumerate(LATENCY_BORDERS_MS):
        if text == latency_text(border):
            return border, LATENCY_BORDERS_MS[place + 1] if place + 1 < len(LATENCY_BORDERS_MS) else None
    return None


def latency_text(from_ms: int) -> str:
    place = LATENCY_BORDERS_MS.index(from_ms)
    above = LATENCY_BORDERS_MS[place + 1 : place + 2]
    return f"{from_ms}-{above[0] if above else ''}"


def latency_words(from_ms: int) -> str:
    place = LATENCY_BORDERS_MS.index(from_ms)
    above = LATENCY_BORDERS_MS[place + 1 : place + 2]
    return f"{from_ms / 1000:g}–{above[0] / 1000:g} s" if above else f"{from_ms / 1000:g} s or more"


def _is_step(text: str, zone: ZoneInfo) -> bool:
    try:
        step(text, zone=zone)
    except ValueError:
        return False
    return True
