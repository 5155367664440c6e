"""Measures over the log: what it cost, how fast it was, how often it failed. Reads only; draws nothing.

A message is a turn, and stands in the log as the attempt that ended it: it counts once, under that attempt's time,
model and status. Money, tokens and times to first token are those of every attempt.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

from core.periods import clock_changes, offset_s
from core.runners import RUNNERS
from core.store.connection import Database, from_db, to_db
from core.store.rows import dicts

_DEMO = [protocol for protocol, spec in RUNNERS.items() if spec.is_demo]


class Dimension(StrEnum):
    """What rows are grouped by. The three times give one column, `time`: the local clock at the group's beginning."""

    HOUR = "hour"
    DAY = "day"
    MONTH = "month"
    PROVIDER = "provider"  # columns provider_id and provider, the name it had last
    MODEL = "model"  # those of PROVIDER, model_id and model, the name it had last


_TIMES = {Dimension.HOUR, Dimension.DAY, Dimension.MONTH}


class Measure(StrEnum):
    """What is counted. Everything but a count is null where nothing is known."""

    MESSAGES = "messages"
    ATTEMPTS = "attempts"
    DONE = "done"  # messages; with the next three it adds up to all of them
    STOPPED = "stopped"
    INTERRUPTED = "interrupted"
    FAILED = "failed"
    SUCCESS_RATE = "success_rate"  # 0 to 1: done / (done + interrupted + failed)
    COST_USD = "cost_usd"  # of the attempts whose cost is known
    UNPRICED = "unpriced"  # attempts whose cost is not
    ESTIMATED = "estimated"  # attempts whose tokens we counted ourselves
    INPUT_TOKENS = "input_tokens"  # cached parts included
    OUTPUT_TOKENS = "output_tokens"  # reasoning included
    FRESH_TOKENS = "fresh_tokens"  # input that came from no cache and went into none
    CACHE_READ_TOKENS = "cache_read_tokens"
    CACHE_WRITE_TOKENS = "cache_write_tokens"
    REASONING_TOKENS = "reasoning_tokens"
    ANSWER_TOKENS = "answer_tokens"  # output without reasoning
    CACHED_SHARE = "cached_share"  # 0 to 1: of the input of attempts that say what was cached
    TTFT_P50_MS = "ttft_p50_ms"
    TTFT_P95_MS = "ttft_p95_ms"
    LATENCY_P50_MS = "latency_p50_ms"  # of attempts that were done: a quick refusal is not a quick answer
    LATENCY_P95_MS = "latency_p95_ms"
    TOKENS_PER_S = "tokens_per_s"  # output over whole latency, of attempts that were done


# The log of a turn that was never retried has one attempt, number 1.
_IS_FINAL = "attempt_number = coalesce(last_number, 1)"
_FAST = "status = 'done' AND latency_ms > 0 AND output_tokens IS NOT NULL"
_SQL = {
    Measure.MESSAGES: f"count(*) FILTER ({_IS_FINAL})",
    Measure.ATTEMPTS: "count(*)",
    Measure.DONE: f"count(*) FILTER ({_IS_FINAL} AND status = 'done')",
    Measure.STOPPED: f"count(*) FILTER ({_IS_FINAL} AND status = 'stopped')",
    Measure.INTERRUPTED: f"count(*) FILTER ({_IS_FINAL} AND status = 'interrupted')",
    Measure.FAILED: f"count(*) FILTER ({_IS_FINAL} AND status = 'failed')",
    Measure.SUCCESS_RATE: f"avg(CAST(status = 'done' AS INTEGER)) FILTER ({_IS_FINAL} AND status <> 'stopped')",
    Measure.COST_USD: "sum(cost_usd)",
    Measure.UNPRICED: "count(*) FILTER (cost_usd IS NULL)",
    Measure.ESTIMATED: "count(*) FILTER (tokens_are_estimated)",
    Measure.INPUT_TOKENS: "sum(input_tokens)",
    Measure.OUTPUT_TOKENS: "sum(output_tokens)",
    Measure.FRESH_TOKENS: (
        "sum(greatest(input_tokens - coalesce(cache_read_tokens, 0) - coalesce(cache_write_tokens, 0), 0))"
        " FILTER (input_tokens IS NOT NULL)"
    ),
    Measure.CACHE_READ_TOKENS: "sum(cache_read_tokens)",
    Measure.CACHE_WRITE_TOKENS: "sum(cache_write_tokens)",
    Measure.REASONING_TOKENS: "sum(reasoning_tokens)",
    Measure.ANSWER_TOKENS: (
        "sum(greatest(output_tokens - coalesce(reasoning_tokens, 0), 0)) FILTER (output_tokens IS NOT NULL)"
    ),
    Measure.CACHED_SHARE: (
        "sum(cache_read_tokens) FILTER (input_tokens IS NOT NULL)"
        " / nullif(sum(input_tokens) FILTER (cache_read_tokens IS NOT NULL), 0)"
    ),
    Measure.TTFT_P50_MS: "quantile_cont(ttft_ms, 0.5)",
    Measure.TTFT_P95_MS: "quantile_cont(ttft_ms, 0.95)",
    Measure.LATENCY_P50_MS: "quantile_cont(latency_ms, 0.5) FILTER (status = 'done')",
    Measure.LATENCY_P95_MS: "quantile_cont(latency_ms, 0.95) FILTER (status = 'done')",
    # Not from the first token on: hidden reasoning is counted as output but written before it.
    Measure.TOKENS_PER_S: (f"1000 * sum(output_tokens) FILTER ({_FAST}) / nullif(sum(latency_ms) FILTER ({_FAST}), 0)"),
}
_RETRIED = """
    LEFT JOIN (
        SELECT turn_id, max(attempt_number) AS last_number
        FROM attempts
        WHERE attempt_number > 1
        GROUP BY turn_id
    ) AS retried USING (turn_id)
"""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which attempts count: begun at or after `since` and before `until` (aware; None is no border)."""

    since: datetime | None = None
    until: datetime | None = None
    has_demo: bool = True


@dataclass(frozen=True, slots=True)
class Span:
    """What the log holds: the first and last beginning of an attempt, and how many are the demo's."""

    attempts: int
    demo_attempts: int
    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class Totals:
    """Every measure over one selection; see Measure for what each means."""

    messages: int
    attempts: int
    done: int
    stopped: int
    interrupted: int
    failed: int
    success_rate: float | None
    cost_usd: Decimal | None
    unpriced: int
    estimated: int
    input_tokens: int | None
    output_tokens: int | None
    fresh_tokens: int | None
    cache_read_tokens: int | None
    cache_write_tokens: int | None
    reasoning_tokens: int | None
    answer_tokens: int | None
    cached_share: float | None
    ttft_p50_ms: float | None
    ttft_p95_ms: float | None
    latency_p50_ms: float | None
    latency_p95_ms: float | None
    tokens_per_s: float | None


def span(log: Database) -> Span | None:
    """Return what the log holds, or None when it is empty."""
    with log.read() as cursor:
        attempts, demo, first, last = cursor.execute(
            """
            SELECT count(*), count(*) FILTER (list_contains(?, protocol)), min(started_at), max(started_at)
            FROM attempts
            """,
            [_DEMO],
        ).fetchall()[0]
    return Span(attempts, demo, from_db(first), from_db(last)) if attempts else None


def size(log: Database) -> int:
    """Return the number of attempts: it only grows, so it says whether anything new was logged."""
    with log.read() as cursor:
        count: int = cursor.execute("SELECT count(*) FROM attempts").fetchall()[0][0]
    return count


def totals(log: Database, where: Filter) -> Totals:
    """Return every measure over a selection; money exact."""
    columns = ", ".join(f"{sql} AS {measure}" for measure, sql in _SQL.items())
    condition, parameters = _condition(where)
    with log.read() as cursor:
        rows = dicts(cursor, f"SELECT {columns} FROM attempts {_RETRIED} WHERE {condition}", parameters)
    return Totals(**rows[0])


def by(
    log: Database,
    dimensions: Sequence[Dimension],
    *,
    where: Filter,
    measures: Sequence[Measure],
    zone: ZoneInfo | None = None,
) -> pd.DataFrame:
    """Return measures per group, in the groups' order; groups without an attempt are missing.

    Columns: those of the dimensions, then one for each measure (money as float: for charts, not for sums).
    """
    keys: list[str] = []
    columns: list[str] = []
    parameters: list[Any] = []
    for dimension in dimensions:
        if dimension in _TIMES:
            local, borders = _local_time(log, where, zone or ZoneInfo("UTC"))
            parameters += borders
            columns.append(f"CAST(date_trunc('{dimension}', {local}) AS TIMESTAMP) AS time")
            keys.append("time")
            continue
        columns += ["provider_id", f"{_last_name('provider_name', 'provider_id')} AS provider"]
        keys.append("provider_id")
        if dimension is Dimension.MODEL:
            model = _last_name("model_name", "provider_id, model_requested")
            columns += ["model_requested AS model_id", f"{model} AS model"]
            keys.append("model_requested")
    columns += [f"{_SQL[measure]} AS {measure}" for measure in measures]
    condition, more = _condition(where)
    sql = f"""
        SELECT {", ".join(columns)}
        FROM attempts {_RETRIED}
        WHERE {condition}
        GROUP BY {", ".join(keys)}
        ORDER BY {", ".join(keys)}
    """
    with log.read() as cursor:
        frame = cursor.execute(sql, parameters + more).df()
    return frame


def last_messages(log: Database, where: Filter, *, zone: ZoneInfo, limit: int = 100) -> pd.DataFrame:
    """Return the newest messages, newest first, each as the attempt that ended it.

    Columns: time (on the zone's clock), provider, model, model_id, model_served, route_reason, status, error_kind,
    attempts (number of this one), ttft_ms, latency_ms, input_tokens, output_tokens, tokens_are_estimated,
    cost_usd (float, null when unknown), is_demo.
    """
    condition, parameters = _condition(where)
    sql = f"""
        SELECT
            started_at AS time, provider_name AS provider, model_name AS model, model_requested AS model_id,
            model_served, route_reason, status, error_kind, attempt_number AS attempts, ttft_ms, latency_ms,
            input_tokens, output_tokens, tokens_are_estimated, cost_usd, list_contains(?, protocol) AS is_demo
        FROM attempts {_RETRIED}
        WHERE {condition} AND {_IS_FINAL}
        ORDER BY started_at DESC, finished_at DESC
        LIMIT ?
    """
    with log.read() as cursor:
        frame = cursor.execute(sql, [_DEMO, *parameters, limit]).df()
    frame["time"] = frame["time"].dt.tz_localize("UTC").dt.tz_convert(zone).dt.tz_localize(None)
    return frame


def _condition(where: Filter) -> tuple[str, list[Any]]:
    terms: list[str] = []
    parameters: list[Any] = []
    if where.since is not None:
        terms.append("started_at >= ?")
        parameters.append(to_db(where.since))
    if where.until is not None:
        terms.append("started_at < ?")
        parameters.append(to_db(where.until))
    if not where.has_demo:
        terms.append("NOT list_contains(?, protocol)")
        parameters.append(_DEMO)
    return " AND ".join(terms) or "true", parameters


def _last_name(column: str, ids: str) -> str:
    """Return the SQL of the newest name over all groups of the same ids: a rename splits nothing."""
    return f"arg_max(arg_max({column}, started_at), max(started_at)) OVER (PARTITION BY {ids})"


def _local_time(log: Database, where: Filter, zone: ZoneInfo) -> tuple[str, list[Any]]:
    """Return the SQL of an attempt's beginning on the zone's clock, with its parameters.

    The zone's offsets are looked up here, where they are few: DuckDB would need its ICU extension, and is slower.
    """
    found = span(log)
    if found is None:
        return "started_at", []
    since = max(where.since or found.first, found.first)
    until = min(where.until or found.last, found.last)
    cases: list[str] = []
    parameters: list[Any] = []
    for change in clock_changes(since, until, zone=zone):
        cases.append("WHEN started_at < ? THEN to_seconds(?)")
        parameters += [to_db(change.at), change.offset_before_s]
    parameters.append(offset_s(max(since, until), zone))
    if not cases:
        return "started_at + to_seconds(?)", parameters
    return f"started_at + CASE {' '.join(cases)} ELSE to_seconds(?) END", parameters
