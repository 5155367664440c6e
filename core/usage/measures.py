"""What can be counted over the log, and the SQL that counts it.

A message is a turn, and stands in the log as the attempt that ended it: it counts once, under that attempt's time,
model and status. Money, tokens, errors and times to first token are those of every attempt.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any


class Measure(StrEnum):
    """What is counted. Everything but a count is null where nothing is known."""

    MESSAGES = "messages"
    ATTEMPTS = "attempts"
    DONE = "done"  # messages; with the next three it adds up to all of them
    STOPPED = "stopped"
    INTERRUPTED = "interrupted"
    FAILED = "failed"
    SUCCESS_RATE = "success_rate"  # 0 to 1: done / (done + interrupted + failed)
    ERRORS = "errors"  # attempts that failed or were interrupted
    COST_USD = "cost_usd"  # of the attempts whose cost is known
    UNPRICED = "unpriced"  # attempts whose cost is not
    ESTIMATED = "estimated"  # attempts whose tokens we counted ourselves
    TOKENS = "tokens"  # input and output, as far as they are known
    INPUT_TOKENS = "input_tokens"  # cached parts included
    OUTPUT_TOKENS = "output_tokens"  # reasoning included
    FRESH_TOKENS = "fresh_tokens"  # input that came from no cache and went into none
    CACHE_READ_TOKENS = "cache_read_tokens"
    CACHE_WRITE_TOKENS = "cache_write_tokens"
    REASONING_TOKENS = "reasoning_tokens"
    ANSWER_TOKENS = "answer_tokens"  # output without reasoning
    CACHED_SHARE = "cached_share"  # 0 to 1: of the input of attempts that say what was cached
    CACHE_SAVED_USD = "cache_saved_usd"  # below the price of fresh input, less what writing cost above it
    TTFT_P50_MS = "ttft_p50_ms"
    TTFT_P95_MS = "ttft_p95_ms"
    LATENCY_P50_MS = "latency_p50_ms"  # of attempts that were done: a quick refusal is not a quick answer
    LATENCY_P95_MS = "latency_p95_ms"
    TOKENS_PER_S = "tokens_per_s"  # output over whole latency, of attempts that were done


# The log of a turn that was never retried has one attempt, number 1.
IS_FINAL = "attempt_number = coalesce(last_number, 1)"
RETRIED = """LEFT JOIN (
    SELECT turn_id, max(attempt_number) AS last_number
    FROM attempts
    WHERE attempt_number > 1
    GROUP BY turn_id
) AS retried USING (turn_id)"""
_FAST = "status = 'done' AND latency_ms > 0 AND output_tokens IS NOT NULL"
# Written out twice, one aggregate is computed once: half the time of two quantiles (measured 2026-11-24).
_TTFT = "quantile_cont(ttft_ms, [0.5, 0.95])"
_LATENCY = "(quantile_cont(latency_ms, [0.5, 0.95]) FILTER (status = 'done'))"
_SAVED = "cache_read_tokens * (price_input - price_cache_read)"
_PAID = "cache_write_tokens * (price_cache_write - price_input)"
SQL = {
    Measure.MESSAGES: f"count(*) FILTER ({IS_FINAL})",
    Measure.ATTEMPTS: "count(*)",
    Measure.DONE: f"count(*) FILTER ({IS_FINAL} AND status = 'done')",
    Measure.STOPPED: f"count(*) FILTER ({IS_FINAL} AND status = 'stopped')",
    Measure.INTERRUPTED: f"count(*) FILTER ({IS_FINAL} AND status = 'interrupted')",
    Measure.FAILED: f"count(*) FILTER ({IS_FINAL} AND status = 'failed')",
    Measure.SUCCESS_RATE: f"avg(CAST(status = 'done' AS INTEGER)) FILTER ({IS_FINAL} AND status <> 'stopped')",
    Measure.ERRORS: "count(*) FILTER (status IN ('failed', 'interrupted'))",
    Measure.COST_USD: "sum(cost_usd)",
    Measure.UNPRICED: "count(*) FILTER (cost_usd IS NULL)",
    Measure.ESTIMATED: "count(*) FILTER (tokens_are_estimated)",
    Measure.TOKENS: "sum(coalesce(input_tokens + output_tokens, input_tokens, output_tokens))",
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
    # Prices are per million. A half that is not known is left out: coalesce takes the half that is.
    Measure.CACHE_SAVED_USD: f"sum(coalesce({_SAVED} - {_PAID}, {_SAVED}, -({_PAID}))) * 0.000001",
    Measure.TTFT_P50_MS: f"{_TTFT}[1]",
    Measure.TTFT_P95_MS: f"{_TTFT}[2]",
    Measure.LATENCY_P50_MS: f"{_LATENCY}[1]",
    Measure.LATENCY_P95_MS: f"{_LATENCY}[2]",
    # Not from the first token on: hidden reasoning is counted as output but written before it.
    Measure.TOKENS_PER_S: f"1000 * sum(output_tokens) FILTER ({_FAST}) / nullif(sum(latency_ms) FILTER ({_FAST}), 0)",
}
NEEDS_FINAL = frozenset(measure for measure, sql in SQL.items() if IS_FINAL in sql)


@dataclass(frozen=True, slots=True)
class Totals:
    """Every measure over one selection; see Measure for what each means."""

    messages: int = 0
    attempts: int = 0
    done: int = 0
    stopped: int = 0
    interrupted: int = 0
    failed: int = 0
    success_rate: float | None = None
    errors: int = 0
    cost_usd: Decimal | None = None
    unpriced: int = 0
    estimated: int = 0
    tokens: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    fresh_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    answer_tokens: int | None = None
    cached_share: float | None = None
    cache_saved_usd: Decimal | None = None
    ttft_p50_ms: float | None = None
    ttft_p95_ms: float | None = None
    latency_p50_ms: float | None = None
    latency_p95_ms: float | None = None
    tokens_per_s: float | None = None


def columns(measures: list[Measure]) -> list[str]:
    return [f"{SQL[measure]} AS {measure}" for measure in measures]


def needs_final(measures: list[Measure]) -> bool:
    """Whether one of them is of messages: then the attempts that were followed by another have to be told apart."""
    return any(measure in NEEDS_FINAL for measure in measures)


@dataclass(frozen=True, slots=True)
class Query:
    """A query over the log with its parameters; the page runs it, and shows it with the values written out."""

    sql: str
    parameters: tuple[Any, ...]
