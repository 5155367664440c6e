"""The attempts table: one row for each request to a provider, written once and never changed."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from core.store.connection import Cursor, Database, from_db, to_db
from core.store.rows import PRICE_COLUMNS, dicts, insert, price_values, to_price
from core.types import Attempt, CostSource, FinishReason, Status, Usage

_PLAIN = [  # columns that are fields of the same name
    "id",
    "turn_id",
    "reply_id",
    "conversation_id",
    "project_id",
    "attempt_number",
    "provider_id",
    "provider_name",
    "protocol",
    "model_requested",
    "model_name",
    "route_reason",
    "latency_ms",
    "ttft_ms",
    "model_served",
    "http_status",
    "error_kind",
    "error_message",
    "raw_finish_reason",
    "request_id",
    "price_rule",
    "cost_usd",
    "parameters",
]
_TOKENS = [
    "input_tokens",
    "output_tokens",
    "reasoning_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "cache_write_1h_tokens",
]
_OTHERS = ["status", "finish_reason", "cost_source", "started_at", "finished_at", "tokens_are_estimated"]
_COLUMNS = ", ".join([*_PLAIN, *_TOKENS, *_OTHERS, PRICE_COLUMNS])


@dataclass(frozen=True, slots=True)
class ModelUse:
    """What a model has done for the user in some time."""

    provider_id: str
    model_id: str
    replies: int  # whose time to first token is known
    ttft_p50_ms: float | None


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """How fast and how reliable one model of a provider was in some time. What the user stopped is no failure."""

    ttft_p50_ms: float | None
    ended: int  # attempts that were done or failed
    failed: int


class AttemptTable:
    def __init__(self, database: Database) -> None:
        self._database = database

    def spent(self, project_id: str, *, protocol: str, since: datetime) -> Decimal:
        """Return what a project's attempts by this protocol have cost since then, as far as it is known."""
        sql = """
            SELECT coalesce(sum(cost_usd), 0)
            FROM attempts
            WHERE project_id = ? AND protocol = ? AND started_at >= ?"""
        with self._database.read() as cursor:
            return Decimal(cursor.execute(sql, [project_id, protocol, to_db(since)]).fetchall()[0][0])

    def add(self, cursor: Cursor, attempt: Attempt) -> None:
        values: dict[str, Any] = {name: getattr(attempt, name) for name in _PLAIN}
        values |= {name: getattr(attempt.usage, name) for name in _TOKENS}
        values |= price_values(attempt.price)
        values |= {
            "tokens_are_estimated": attempt.usage.is_estimated,
            "status": attempt.status.value,
            "finish_reason": attempt.finish_reason.value if attempt.finish_reason else None,
            "cost_source": attempt.cost_source.value,
            "started_at": to_db(attempt.started_at),
            "finished_at": to_db(attempt.finished_at),
        }
        insert(cursor, "attempts", values, once=True)

    def of_replies(self, reply_ids: list[str]) -> dict[str, list[Attempt]]:
        """Return the attempts of each reply, in order."""
        sql = f"""
            SELECT {_COLUMNS}
            FROM attempts
            WHERE reply_id IN (SELECT unnest(?))
            ORDER BY started_at, attempt_number"""
        found: dict[str, list[Attempt]] = {}
        with self._database.read() as cursor:
            for row in dicts(cursor, sql, [reply_ids]):
                found.setdefault(row["reply_id"], []).append(_attempt(row))
        return found

    def of_turn(self, attempt_id: str) -> list[Attempt]:
        """Return all attempts of the turn this one belongs to, in order; none if there is no such row."""
        sql = f"""
            SELECT {_COLUMNS}
            FROM attempts
            WHERE turn_id = (SELECT turn_id FROM attempts WHERE id = ?)
            ORDER BY started_at, attempt_number"""
        with self._database.read() as cursor:
            return [_attempt(row) for row in dicts(cursor, sql, [attempt_id])]

    def recent(self, limit: int = 100) -> list[Attempt]:
        with self._database.read() as cursor:
            rows = dicts(
                cursor,
                f"SELECT {_COLUMNS} FROM attempts ORDER BY started_at DESC, attempt_number DESC LIMIT ?",
                [limit],
            )
        return [_attempt(row) for row in rows]

    def by_model(self, *, since: datetime) -> list[ModelUse]:
        """Return what each model has done since then, the one asked last first."""
        sql = """
            SELECT provider_id, model_requested AS model_id, count(ttft_ms) AS replies,
                quantile_cont(ttft_ms, 0.5) AS ttft_p50_ms
            FROM attempts
            WHERE started_at >= ?
            GROUP BY provider_id, model_requested
            ORDER BY max(started_at) DESC"""
        with self._database.read() as cursor:
            return [ModelUse(**row) for row in dicts(cursor, sql, [to_db(since)])]

    def records(self, provider_id: str, *, since: datetime) -> dict[str, ModelRecord]:
        """Return the record of each model of a provider that was asked since then."""
        sql = """
            SELECT model_requested, quantile_cont(ttft_ms, 0.5) AS ttft_p50_ms,
                count(*) FILTER (status IN ('done', 'failed')) AS ended,
                count(*) FILTER (status = 'failed') AS failed
            FROM attempts
            WHERE provider_id = ? AND started_at >= ?
            GROUP BY model_requested"""
        with self._database.read() as cursor:
            rows = dicts(cursor, sql, [provider_id, to_db(since)])
        return {row.pop("model_requested"): ModelRecord(**row) for row in rows}


def _attempt(row: dict[str, Any]) -> Attempt:
    usage = Usage(**{name: row[name] for name in _TOKENS}, is_estimated=row["tokens_are_estimated"])
    return Attempt(
        **{name: row[name] for name in _PLAIN},
        status=Status(row["status"]),
        finish_reason=FinishReason(row["finish_reason"]) if row["finish_reason"] else None,
        cost_source=CostSource(row["cost_source"]),
        started_at=from_db(row["started_at"]),
        finished_at=from_db(row["finished_at"]),
        usage=usage,
        price=to_price(row),
    )
