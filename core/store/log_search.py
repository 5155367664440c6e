"""Find attempts in the log: filters, an order, one page at a time, so that a log of millions stays usable."""

import re
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

import pandas as pd

from core.store.connection import Database, to_db


class Order(StrEnum):
    """What comes first. Rows of which it is not known come last."""

    NEWEST = "newest"
    SLOWEST = "slowest"
    LATE_START = "late_start"
    DEAREST = "dearest"
    INPUT = "input"
    OUTPUT = "output"


_ORDERS = {
    Order.NEWEST: "started_at",
    Order.SLOWEST: "latency_ms",
    Order.LATE_START: "ttft_ms",
    Order.DEAREST: "cost_usd",
    Order.INPUT: "input_tokens",
    Order.OUTPUT: "output_tokens",
}


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Which attempts are shown; None is no border. `words` are looked for in errors, models, ids and titles."""

    since: datetime | None = None
    until: datetime | None = None
    provider: str | None = None  # names as they stand in the log
    model: str | None = None
    status: str | None = None
    error_kind: str | None = None
    project_id: str | None = None
    min_latency_ms: float | None = None
    min_cost_usd: Decimal | None = None
    words: str = ""


@dataclass(frozen=True, slots=True)
class Choices:
    """What the log holds to filter by, in alphabetical order."""

    provider: list[str]
    model: list[str]
    error_kind: list[str]
    project_id: list[str]


def choices(log: Database) -> Choices:
    columns = {
        "provider": "provider_name",
        "model": "model_name",
        "error_kind": "error_kind",
        "project_id": "project_id",
    }
    lists = ", ".join(
        f"list_sort(list(DISTINCT {column}) FILTER ({column} IS NOT NULL))" for column in columns.values()
    )
    with log.read() as cursor:
        found = cursor.execute(f"SELECT {lists} FROM attempts").fetchall()[0]
    return Choices(*(values or [] for values in found))


def count(log: Database, where: LogFilter) -> int:
    condition, parameters = _condition(where)
    with log.read() as cursor:
        return int(cursor.execute(f"SELECT count(*) FROM attempts WHERE {condition}", parameters).fetchall()[0][0])


def page(log: Database, where: LogFilter, *, order: Order = Order.NEWEST, limit: int, offset: int = 0) -> pd.DataFrame:
    """Return a stretch of the attempts.

    Columns: id, started_at (UTC, naive), provider, model, status, error_kind, http_status, attempt_number, ttft_ms,
    latency_ms, input_tokens, output_tokens, tokens_are_estimated, cost_usd (float, null when unknown), conversation
    (title, null when it was deleted for good), error_message.
    """
    condition, parameters = _condition(where)
    # First the ids, from few columns; then what is shown of them.
    sql = f"""
        WITH chosen AS (
            SELECT id
            FROM attempts
            WHERE {condition}
            ORDER BY {_ORDERS[order]} DESC NULLS LAST, started_at DESC, attempt_number DESC, id
            LIMIT ? OFFSET ?
        )
        SELECT
            attempts.id, started_at, provider_name AS provider, model_name AS model, status, error_kind, http_status,
            attempt_number, ttft_ms, latency_ms, input_tokens, output_tokens, tokens_are_estimated, cost_usd,
            conversations.title AS conversation, error_message
        FROM attempts
        JOIN chosen ON chosen.id = attempts.id
        LEFT JOIN conversations ON conversations.id = conversation_id
        ORDER BY {_ORDERS[order]} DESC NULLS LAST, started_at DESC, attempt_number DESC, attempts.id
    """
    with log.read() as cursor:
        return cursor.execute(sql, [*parameters, limit, offset]).df()


def _condition(where: LogFilter) -> tuple[str, list[Any]]:
    terms = {
        "since": "started_at >= ?",
        "until": "started_at < ?",
        "provider": "provider_name = ?",
        "model": "model_name = ?",
        "status": "status = ?",
        "error_kind": "error_kind = ?",
        "project_id": "project_id = ?",
        "min_latency_ms": "latency_ms >= ?",
        "min_cost_usd": "cost_usd >= ?",
    }
    chosen: list[str] = []
    parameters: list[Any] = []
    for field in fields(where):
        value = getattr(where, field.name)
        if field.name in terms and value is not None:
            chosen.append(terms[field.name])
            parameters.append(to_db(value) if isinstance(value, datetime) else value)
    if words := where.words.strip():
        pattern = "%" + re.sub(r"([\\%_])", r"\\\1", words) + "%"
        columns = ("error_message", "error_kind", "model_name", "model_requested", "model_served", "provider_name")
        matches = [rf"{column} ILIKE ? ESCAPE '\'" for column in columns]
        matches.append(r"conversation_id IN (SELECT id FROM conversations WHERE title ILIKE ? ESCAPE '\')")
        ids = ("id", "turn_id", "request_id", "conversation_id")
        chosen.append(f"({' OR '.join([*matches, *(f'{column} = ?' for column in ids)])})")
        parameters += [pattern] * len(matches) + [words] * len(ids)
    return " AND ".join(chosen) or "true", parameters
