"""Which attempts count, and what the reader's clock said when they began. Pure: no clock, no database."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from core.periods import clock_changes, offset_s
from core.runners import RUNNERS
from core.store.connection import to_db

DEMO = [protocol for protocol, spec in RUNNERS.items() if spec.is_demo]
UTC_ZONE = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class Filter:
    """Which attempts count; None is no border. They began at or after `since` and before `until` (aware)."""

    since: datetime | None = None
    until: datetime | None = None
    has_demo: bool = True
    zone: ZoneInfo = UTC_ZONE  # whose clock says what an hour, a day and a weekday is
    provider_id: str | None = None
    model_id: str | None = None
    project_id: str | None = None
    conversation_id: str | None = None
    status: str | None = None
    error_kind: str | None = None
    weekday: int | None = None  # 1 is Monday; with `hour`
    hour: int | None = None
    latency_from_ms: int | None = None
    latency_below_ms: int | None = None


_EQUAL = {
    "provider_id": "provider_id",
    "model_id": "model_requested",
    "project_id": "project_id",
    "conversation_id": "conversation_id",
    "status": "status",
    "error_kind": "error_kind",
}


def condition(where: Filter) -> tuple[list[str], list[Any]]:
    """Return the terms of a WHERE clause, without those of the time, and their parameters."""
    terms: list[str] = []
    parameters: list[Any] = []
    for name, column in _EQUAL.items():
        if (value := getattr(where, name)) is not None:
            terms.append(f"{column} = ?")
            parameters.append(value)
    for value, sign in ((where.latency_from_ms, ">="), (where.latency_below_ms, "<")):
        if value is not None:
            terms.append(f"latency_ms {sign} ?")
            parameters.append(value)
    if not where.has_demo:
        terms.append("NOT list_contains(?, protocol)")
        parameters.append(DEMO)
    if where.weekday is not None and where.hour is not None:
        local, borders = local_time(where)
        terms.append(f"isodow({local}) = ? AND hour({local}) = ?")
        parameters += [*borders, where.weekday, *borders, where.hour]
    return terms, parameters


def between(since: datetime | None, until: datetime | None) -> tuple[list[str], list[Any]]:
    """Return the terms of the time, and their parameters."""
    terms: list[str] = []
    parameters: list[Any] = []
    for moment, sign in ((since, ">="), (until, "<")):
        if moment is not None:
            terms.append(f"started_at {sign} ?")
            parameters.append(to_db(moment))
    return terms, parameters


def local_time(where: Filter) -> tuple[str, list[Any]]:
    """Return the SQL of an attempt's beginning on the zone's clock, with its parameters. Both borders are needed.

    The zone's offsets are looked up here, where they are few: DuckDB would need its ICU extension, and is slower.
    """
    assert where.since is not None and where.until is not None
    cases: list[str] = []
    parameters: list[Any] = []
    for change in clock_changes(where.since, where.until, zone=where.zone):
        cases.append("WHEN started_at < ? THEN to_seconds(?)")
        parameters += [to_db(change.at), change.offset_before_s]
    parameters.append(offset_s(max(where.since, where.until), where.zone))
    if not cases:
        return "started_at + to_seconds(?)", parameters
    return f"started_at + CASE {' '.join(cases)} ELSE to_seconds(?) END", parameters
