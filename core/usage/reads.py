"""Run the queries of the usage page over a log. Reads only; draws nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from core.store.answer import Answer

from core.store.connection import Database, from_db
from core.store.literals import with_literals
from core.store.rows import dicts
from core.usage.filters import DEMO, Filter
from core.usage.measures import Measure, Query, Totals
from core.usage.queries import Dimension, Stretch, by_query, last_query, totals_query


@dataclass(frozen=True, slots=True)
class Span:
    """What the log holds: the first and last beginning of an attempt, and how many are the demo's."""

    attempts: int
    demo_attempts: int
    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class Names:
    """What the log holds to filter by: ids with the names they had last."""

    providers: dict[str, str]
    models: dict[str, str]
    projects: list[str]
    error_kinds: list[str]


def span(log: Database) -> Span | None:
    """Return what the log holds, or None when it is empty."""
    with log.read() as cursor:
        attempts, demo, first, last = cursor.execute(
            """
            SELECT count(*), count(*) FILTER (list_contains(?, protocol)), min(started_at), max(started_at)
            FROM attempts
            """,
            [DEMO],
        ).fetchall()[0]
    return Span(attempts, demo, from_db(first), from_db(last)) if attempts else None


def size(log: Database) -> int:
    """Return the number of attempts: it only grows, so it says whether anything new was logged."""
    with log.read() as cursor:
        count: int = cursor.execute("SELECT count(*) FROM attempts").fetchall()[0][0]
    return count


def names(log: Database) -> Names:
    models_sql = """
        SELECT provider_id, model_requested, arg_max(provider_name, started_at) AS provider,
            arg_max(model_name, started_at) AS model, max(started_at) AS last
        FROM attempts
        GROUP BY provider_id, model_requested
        ORDER BY last"""
    others_sql = """
        SELECT list(DISTINCT project_id) FILTER (project_id IS NOT NULL),
            list(DISTINCT error_kind) FILTER (error_kind IS NOT NULL)
        FROM attempts"""
    with log.read() as cursor:
        models = cursor.execute(models_sql).fetchall()
        projects, kinds = cursor.execute(others_sql).fetchall()[0]
    return Names(
        {provider_id: name for provider_id, _, name, _, _ in models},
        {model_id: name for _, model_id, _, name, _ in models},
        sorted(projects or []),
        sorted(kinds or []),
    )


def titles(log: Database, conversation_ids: Sequence[str]) -> dict[str, str]:
    """Return the titles of those that are still there."""
    sql = "SELECT id, title FROM conversations WHERE id IN (SELECT unnest(?))"
    with log.read() as cursor:
        return dict(cursor.execute(sql, [list(conversation_ids)]).fetchall())


def has_conversation(log: Database, conversation_id: str) -> bool:
    with log.read() as cursor:
        sql = "SELECT 1 FROM attempts WHERE conversation_id = ? LIMIT 1"
        return bool(cursor.execute(sql, [conversation_id]).fetchall())


def bounded(log: Database, where: Filter) -> Filter:
    """Return the filter with borders at the log's ends where it has none: groups of time need both."""
    if where.since and where.until:
        return where
    found = span(log)
    first, last = (found.first, found.last) if found else (datetime.now(UTC), datetime.now(UTC))
    return replace(where, since=where.since or first, until=where.until or last + timedelta(microseconds=1))


def totals(log: Database, where: Filter) -> Totals:
    """Return every measure over a selection; money exact."""
    return compared(log, where, None)[0]


def compared(log: Database, where: Filter, before: Stretch | None) -> tuple[Totals, Totals | None]:
    """Return every measure over a selection and over the time it is compared with, in one pass."""
    where = bounded(log, where)
    query = totals_query(where, before)
    with log.read() as cursor:
        rows = dicts(cursor, query.sql, list(query.parameters))
    if before is None:
        return Totals(**rows[0]), None
    found = {row.pop("is_now"): Totals(**row) for row in rows}
    return found.get(True, Totals()), found.get(False, Totals())


def by(
    log: Database,
    dimensions: Sequence[Dimension],
    *,
    where: Filter,
    measures: Sequence[Measure],
    order: Measure | None = None,
    limit: int | None = None,
) -> pd.DataFrame:
    """Return measures per group, in the groups' order; groups without an attempt are missing.

    Columns: those of the dimensions, then one for each measure (money as float: for charts, not for sums).
    """
    where = bounded(log, where)
    return frame(log, by_query(dimensions, where=where, measures=measures, order=order, limit=limit))


def last_messages(log: Database, where: Filter, *, limit: int = 100) -> pd.DataFrame:
    """Return the newest messages, newest first, each as the attempt that ended it.

    Columns: time (on the zone's clock), provider, model, model_id, model_served, route_reason, status, error_kind,
    attempts (number of this one), ttft_ms, latency_ms, input_tokens, output_tokens, tokens_are_estimated,
    cost_usd (float, null when unknown), is_demo.
    """
    found = frame(log, last_query(bounded(log, where), limit=limit))
    found["time"] = found["time"].dt.tz_localize("UTC").dt.tz_convert(where.zone).dt.tz_localize(None)
    return found


def frame(log: Database, query: Query) -> pd.DataFrame:
    with log.read() as cursor:
        return cursor.execute(query.sql, list(query.parameters)).df()


def answer(log: Database, query: Query) -> "Answer":
    """Return the rows as they are taken away in a file: money with all its digits."""
    from core.store.answer import Answer  # it loads pyarrow, which only a file needs

    as_of = datetime.now(UTC)
    with log.read() as cursor:
        table = cursor.sql(query.sql, params=list(query.parameters)).to_arrow_table()
    return Answer(table, elapsed_ms=0, is_truncated=False, as_of=as_of)


def text(query: Query) -> str:
    """Return the query as a person reads it: its values written out, times in UTC."""
    return with_literals(query.sql, query.parameters)
