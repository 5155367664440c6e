"""The queries of the usage page: measures over a selection, in groups. They are built here and run in reads.py."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import pairwise
from typing import Any

from core.usage.filters import DEMO, Filter, between, condition, local_time
from core.usage.measures import IS_FINAL, RETRIED, Measure, Query, columns, needs_final


class Dimension(StrEnum):
    """What rows are grouped by. The four times give one column, `time`: the local clock at the group's beginning."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"  # from Monday
    MONTH = "month"
    PROVIDER = "provider"  # columns provider_id and provider, the name it had last
    MODEL = "model"  # those of PROVIDER, model_id and model, the name it had last
    PROJECT = "project"  # column project_id
    CONVERSATION = "conversation"  # column conversation_id
    STATUS = "status"
    ERROR_KIND = "error_kind"
    HOUR_OF_WEEK = "hour_of_week"  # columns weekday (1 is Monday) and hour, on the local clock
    LATENCY = "latency"  # column latency_from_ms, the lower border in LATENCY_BORDERS_MS


TIMES = (Dimension.HOUR, Dimension.DAY, Dimension.WEEK, Dimension.MONTH)
LATENCY_BORDERS_MS = (0, 250, 500, 1000, 2000, 4000, 8000, 16_000, 32_000, 64_000, 128_000)
_PLAIN = {  # dimension -> column, and what it is called in the answer
    Dimension.PROJECT: ("project_id", "project_id"),
    Dimension.CONVERSATION: ("conversation_id", "conversation_id"),
    Dimension.STATUS: ("status", "status"),
    Dimension.ERROR_KIND: ("error_kind", "error_kind"),
}


@dataclass(frozen=True, slots=True)
class Stretch:
    """The time that is compared with: the same selection, from `since` up to `until`, which is before it."""

    since: datetime
    until: datetime


def totals_query(where: Filter, before: Stretch | None = None) -> Query:
    """Return every measure over a selection; with `before` a row for each of both stretches, in one pass."""
    terms, parameters = condition(where)
    time, borders = between(where.since, where.until)
    measured = columns(list(Measure))
    if before is None:
        return _query(measured, time + terms, borders + parameters, has_final=True)
    then, earlier = between(before.since, before.until)
    is_now, start = between(where.since, None)
    either = f"({' AND '.join(time)} OR {' AND '.join(then)})"
    return _query(
        [f"{is_now[0]} AS is_now", *measured],
        [either, *terms],
        [*start, *borders, *earlier, *parameters],
        has_final=True,
        tail="GROUP BY is_now",
    )


def by_query(
    dimensions: Sequence[Dimension],
    *,
    where: Filter,
    measures: Sequence[Measure],
    order: Measure | None = None,
    limit: int | None = None,
) -> Query:
    """Return measures per group, in the groups' order, or the greatest of `order` first."""
    keys: list[str] = []
    names: list[str] = []
    parameters: list[Any] = []
    for dimension in dimensions:
        made, grouped, more = _dimension(dimension, where)
        names += made
        keys += grouped
        parameters += more
    terms, others = condition(where)
    time, borders = between(where.since, where.until)
    if Dimension.LATENCY in dimensions:
        terms = ["latency_ms IS NOT NULL", *terms]
    tail = f"GROUP BY {', '.join(keys)}\nORDER BY {f'{order} DESC NULLS LAST, ' if order else ''}{', '.join(keys)}"
    if limit is not None:
        tail += "\nLIMIT ?"
        others = [*others, limit]
    return _query(
        [*names, *columns(list(measures))],
        time + terms,
        parameters + borders + others,
        has_final=needs_final([*measures]),
        tail=tail,
    )


def last_query(where: Filter, *, limit: int) -> Query:
    """Return the newest messages, newest first, each as the attempt that ended it."""
    terms, parameters = condition(where)
    time, borders = between(where.since, where.until)
    names = [
        "started_at AS time", "provider_name AS provider", "model_name AS model", "model_requested AS model_id",
        "model_served", "route_reason", "status", "error_kind", "attempt_number AS attempts", "ttft_ms", "latency_ms",
        "input_tokens", "output_tokens", "tokens_are_estimated", "cost_usd", "list_contains(?, protocol) AS is_demo",
    ]  # fmt: skip
    return _query(
        names,
        [*time, *terms, IS_FINAL],
        [DEMO, *borders, *parameters, limit],
        has_final=True,
        tail="ORDER BY started_at DESC, finished_at DESC\nLIMIT ?",
    )


def _query(names: list[str], terms: list[str], parameters: list[Any], *, has_final: bool, tail: str = "") -> Query:
    lines = ["SELECT", ",\n".join(f"    {name}" for name in names), "FROM attempts"]
    if has_final:
        lines.append(RETRIED)
    if terms:
        lines.append("WHERE " + "\n    AND ".join(terms))
    if tail:
        lines.append(tail)
    return Query("\n".join(lines), tuple(parameters))


def _dimension(dimension: Dimension, where: Filter) -> tuple[list[str], list[str], list[Any]]:
    """Return a dimension's columns with their names, what is grouped by, and their parameters."""
    if dimension in TIMES:
        local, borders = local_time(where)
        return [f"CAST(date_trunc('{dimension}', {local}) AS TIMESTAMP) AS time"], ["time"], borders
    if dimension is Dimension.HOUR_OF_WEEK:
        local, borders = local_time(where)
        return [f"isodow({local}) AS weekday", f"hour({local}) AS hour"], ["weekday", "hour"], borders * 2
    if dimension is Dimension.LATENCY:
        cases = " ".join(f"WHEN latency_ms < {above} THEN {border}" for border, above in pairwise(LATENCY_BORDERS_MS))
        return [f"CASE {cases} ELSE {LATENCY_BORDERS_MS[-1]} END AS latency_from_ms"], ["latency_from_ms"], []
    if dimension in _PLAIN:
        column, name = _PLAIN[dimension]
        return [column if column == name else f"{column} AS {name}"], [column], []
    names = ["provider_id", f"{_last_name('provider_name', 'provider_id')} AS provider"]
    keys = ["provider_id"]
    if dimension is Dimension.MODEL:
        names += ["model_requested AS model_id", f"{_last_name('model_name', 'provider_id, model_requested')} AS model"]
        keys.append("model_requested")
    return names, keys, []


def _last_name(column: str, ids: str) -> str:
    """Return the SQL of the newest name over all groups of the same ids: a rename splits nothing."""
    return f"arg_max(arg_max({column}, started_at), max(started_at)) OVER (PARTITION BY {ids})"
