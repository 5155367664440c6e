"""The attempts table: every column there and back."""

from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial

from core.store import Store
from core.types import Attempt, CostSource, FinishReason, Price, Status, Usage

NOW = datetime(2026, 11, 23, 12, 30, 15, 123456, tzinfo=UTC)
FULL = Attempt(
    id="a1",
    turn_id="t",
    reply_id="r",
    conversation_id="c",
    project_id="default",
    attempt_number=1,
    provider_id="p",
    provider_name="P",
    protocol="openai",
    model_requested="sonnet",
    model_name="Sonnet",
    route_reason="chosen with the message",
    status=Status.DONE,
    started_at=NOW,
    finished_at=NOW + timedelta(seconds=2),
    latency_ms=2000,
    ttft_ms=200,
    model_served="sonnet-2026",
    http_status=200,
    error_kind="kind",
    error_message="message",
    finish_reason=FinishReason.STOP,
    raw_finish_reason="end_turn",
    request_id="req",
    usage=Usage(10, 20, 5, 3, 2, 1, is_estimated=True),
    price=Price(Decimal(2), Decimal(10), Decimal("0.1"), Decimal("2.5"), "price page", date(2026, 11, 23)),
    price_rule="base",
    cost_usd=Decimal("0.000214800"),
    cost_source=CostSource.PRICED,
    parameters="temperature 0.5",
)
BARE = Attempt(
    id="a2",
    turn_id="t",
    reply_id=None,
    conversation_id=None,
    project_id=None,
    attempt_number=2,
    provider_id="p",
    provider_name="P",
    protocol="openai",
    model_requested="m",
    model_name="M",
    route_reason="chosen",
    status=Status.FAILED,
    started_at=NOW,
    finished_at=NOW,
    latency_ms=0,
)


def add(store: Store, *attempts: Attempt) -> None:
    for attempt in attempts:
        store.log.write(partial(store.attempts.add, attempt=attempt))


def test_an_attempt_comes_back_as_it_was_written(store: Store) -> None:
    assert all(getattr(FULL, field.name) not in (None, field.default) for field in fields(Attempt))
    add(store, FULL, BARE)
    assert store.attempts.recent() == [BARE, FULL]


def test_unknown_is_null_in_the_file_and_never_0(store: Store) -> None:
    add(store, BARE)
    with store.log.read() as cursor:
        row = cursor.execute(
            "SELECT input_tokens, output_tokens, reasoning_tokens, cache_read_tokens, cache_write_tokens, cost_usd, "
            "price_input, ttft_ms, http_status FROM attempts"
        ).fetchall()[0]
    assert set(row) == {None}


def test_the_log_has_every_column_that_was_promised(store: Store) -> None:
    promised = """
        provider_id provider_name model_requested model_served model_name protocol project_id conversation_id
        route_reason status http_status error_kind finish_reason input_tokens output_tokens reasoning_tokens
        cache_read_tokens cache_write_tokens tokens_are_estimated price_input price_output price_cache_read
        price_cache_write cost_usd cost_source ttft_ms latency_ms request_id started_at finished_at"""
    with store.log.read() as cursor:
        columns = {row[0] for row in cursor.execute("SELECT column_name FROM (DESCRIBE attempts)").fetchall()}
    assert set(promised.split()) <= columns


def test_attempts_are_found_by_reply_in_order(store: Store) -> None:
    again = replace(FULL, id="a3", attempt_number=2)
    other = replace(FULL, id="a4", reply_id="s")
    add(store, again, FULL, other, BARE)
    assert store.attempts.of_replies(["r", "s", "t"]) == {"r": [FULL, again], "s": [other]}
    assert store.attempts.of_replies([]) == {}


def test_the_newest_attempts_come_first(store: Store) -> None:
    add(store, *(replace(FULL, id=f"a{n}", started_at=NOW + timedelta(seconds=n)) for n in range(5)))
    assert [attempt.id for attempt in store.attempts.recent(3)] == ["a4", "a3", "a2"]


def test_an_attempt_is_logged_once_however_often_it_is_tried(store: Store) -> None:
    add(store, FULL)
    add(store, FULL)
    assert len(store.attempts.recent()) == 1


def test_sums_of_the_log_are_exact(store: Store) -> None:
    add(store, *(replace(FULL, id=f"a{n}", cost_usd=Decimal("0.000000001")) for n in range(30)))
    with store.log.read() as cursor:
        assert cursor.execute("SELECT sum(cost_usd) FROM attempts").fetchall() == [(Decimal("0.000000030"),)]
