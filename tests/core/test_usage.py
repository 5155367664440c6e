"""Every number of the usage page against the same number counted by hand in Python, over a log with odd cases."""

import random
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from core.ids import new_id
from core.periods import Period, Preset, period
from core.store import Store
from core.store.connection import Database
from core.types import Attempt, CostSource, Price, Status, Usage
from core.usage import (
    Dimension,
    Filter,
    Measure,
    Span,
    Totals,
    by,
    last_messages,
    size,
    span,
    totals,
)

BERLIN = ZoneInfo("Europe/Berlin")
UTC_ZONE = ZoneInfo("UTC")
NOW = datetime(2026, 11, 3, 15, 30, tzinfo=UTC)
EVERYTHING = Filter()


def make_attempt(started_at: datetime, **changes: Any) -> Attempt:
    made = Attempt(
        id=new_id(),
        turn_id=new_id(),
        reply_id=None,
        conversation_id=None,
        project_id=None,
        attempt_number=1,
        provider_id="openai",
        provider_name="OpenAI",
        protocol="openai",
        model_requested="gpt-1",
        model_name="GPT 1",
        route_reason="you chose it",
        status=Status.DONE,
        started_at=started_at,
        finished_at=started_at + timedelta(seconds=1),
        latency_ms=1000,
        ttft_ms=200,
        usage=Usage(input_tokens=100, output_tokens=50),
        cost_usd=Decimal("0.001"),
        cost_source=CostSource.PRICED,
    )
    return replace(made, **changes)


class _Rows:
    """A cursor that keeps what the store would insert."""

    def __init__(self) -> None:
        self.sql = ""
        self.rows: list[list[Any]] = []

    def execute(self, sql: str, row: list[Any]) -> None:
        self.sql = sql
        self.rows.append(row)


def write(store: Store, attempts: Iterable[Attempt]) -> list[Attempt]:
    """Put the attempts into the log as the store does, but all at once: row by row a few hundred take seconds."""
    written = list(attempts)
    kept: Any = _Rows()
    for attempt in written:
        store.attempts.add(kept, attempt)
    columns = kept.sql.partition("(")[2].partition(")")[0]
    frame = pd.DataFrame(kept.rows, columns=columns.split(", "), dtype=object)

    def add(cursor: Any) -> None:
        cursor.register("frame", frame)
        cursor.execute(f"INSERT INTO attempts ({columns}) SELECT {columns} FROM frame")

    store.log.write(add)
    return written


def odd_log(seed: int, count: int = 250) -> list[Attempt]:
    """Return attempts around the end of Berlin's summer time, with everything a log may lack or repeat."""
    pick = random.Random(seed)
    models = [
        ("openai", "OpenAI", "openai", "gpt-1", "GPT 1"),
        ("openai", "OpenAI", "openai", "gpt-2", "GPT 2"),
        ("glm", "GLM", "openai", "gpt-1", "GPT 1"),  # the same id at another provider
        ("mine", "Mine $x_y$", "anthropic", "m", "**M**"),
        ("demo", "Demo", "demo", "demo-echo", "Demo echo"),
    ]
    made: list[Attempt] = []
    for _ in range(count):
        started = datetime(2026, 10, 20, tzinfo=UTC) + timedelta(milliseconds=pick.randrange(15 * 86_400_000))
        turn_id = new_id()
        tries = pick.choice([1, 1, 1, 1, 2, 3])
        for number in range(1, tries + 1):
            provider_id, provider, protocol, model_id, model = pick.choice(models)
            status = pick.choice([Status.DONE] * 5 + [Status.STOPPED, Status.INTERRUPTED, Status.FAILED])
            if number < tries:
                status = Status.FAILED
            latency_ms = pick.choice([0, 1, pick.randrange(90_000), pick.randrange(5_000)])
            has_priced = pick.random() < 0.8
            rates = [pick.choice([None, Decimal(0), Decimal(pick.randrange(10**11)).scaleb(-9)]) for _ in range(4)]
            usage = Usage(
                input_tokens=pick.choice([None, 0, pick.randrange(100_000)]),
                output_tokens=pick.choice([None, 0, pick.randrange(5_000)]),
                reasoning_tokens=pick.choice([None, 0, pick.randrange(6_000)]),
                cache_read_tokens=pick.choice([None, 0, pick.randrange(120_000)]),
                cache_write_tokens=pick.choice([None, 0, pick.randrange(1_000)]),
                is_estimated=pick.random() < 0.2,
            )
            made.append(
                make_attempt(
                    started + timedelta(seconds=number - 1),
                    turn_id=turn_id,
                    attempt_number=number,
                    provider_id=provider_id,
                    provider_name=provider,
                    protocol=protocol,
                    model_requested=model_id,
                    model_name=model,
                    status=status,
                    latency_ms=latency_ms,
                    ttft_ms=pick.choice([None, 0, latency_ms // 3]),
                    usage=usage,
                    project_id=pick.choice([None, "default", "thesis"]),
                    conversation_id=pick.choice([None, "c1", "c2", "c3"]),
                    error_kind=pick.choice([None, "rate_limit", "auth"]) if status is Status.FAILED else None,
                    price=Price(rates[0], rates[1], rates[2], rates[3]),
                    cost_usd=Decimal(pick.randrange(10**9)).scaleb(-9) if has_priced else None,
                    cost_source=CostSource.PRICED if has_priced else CostSource.UNPRICED,
                )
            )
    return made


def by_hand(chosen: list[Attempt], everything: list[Attempt]) -> dict[str, Any]:
    """Count every measure without SQL."""
    last: dict[str, int] = defaultdict(int)
    for attempt in everything:
        last[attempt.turn_id] = max(last[attempt.turn_id], attempt.attempt_number)
    messages = [a for a in chosen if a.attempt_number == last[a.turn_id]]
    of_status = {status: sum(a.status is status for a in messages) for status in Status}
    judged = len(messages) - of_status[Status.STOPPED]
    done = [a for a in chosen if a.status is Status.DONE]
    fast = [a for a in done if a.latency_ms and a.usage.output_tokens is not None]
    told = [a.usage for a in chosen if a.usage.input_tokens is not None and a.usage.cache_read_tokens is not None]
    told_input = sum(u.input_tokens or 0 for u in told)
    costs = [a.cost_usd for a in chosen if a.cost_usd is not None]
    savings = [amount for a in chosen if (amount := saved(a)) is not None]

    def added(value: Callable[[Usage], int | None]) -> int | None:
        known = [found for a in chosen if (found := value(a.usage)) is not None]
        return sum(known) if known else None

    def fresh(usage: Usage) -> int | None:
        if usage.input_tokens is None:
            return None
        return max(usage.input_tokens - (usage.cache_read_tokens or 0) - (usage.cache_write_tokens or 0), 0)

    def answer(usage: Usage) -> int | None:
        return None if usage.output_tokens is None else max(usage.output_tokens - (usage.reasoning_tokens or 0), 0)

    return {
        "messages": len(messages),
        "attempts": len(chosen),
        "done": of_status[Status.DONE],
        "stopped": of_status[Status.STOPPED],
        "interrupted": of_status[Status.INTERRUPTED],
        "failed": of_status[Status.FAILED],
        "success_rate": of_status[Status.DONE] / judged if judged else None,
        "errors": sum(a.status in (Status.FAILED, Status.INTERRUPTED) for a in chosen),
        "cache_saved_usd": sum(savings, Decimal(0)) if savings else None,
        "cost_usd": sum(costs, Decimal(0)) if costs else None,
        "unpriced": sum(a.cost_usd is None for a in chosen),
        "estimated": sum(a.usage.is_estimated for a in chosen),
        "tokens": added(
            lambda u: (
                None
                if u.input_tokens is None and u.output_tokens is None
                else (u.input_tokens or 0) + (u.output_tokens or 0)
            )
        ),
        "input_tokens": added(lambda u: u.input_tokens),
        "output_tokens": added(lambda u: u.output_tokens),
        "fresh_tokens": added(fresh),
        "cache_read_tokens": added(lambda u: u.cache_read_tokens),
        "cache_write_tokens": added(lambda u: u.cache_write_tokens),
        "reasoning_tokens": added(lambda u: u.reasoning_tokens),
        "answer_tokens": added(answer),
        "cached_share": sum(u.cache_read_tokens or 0 for u in told) / told_input if told_input else None,
        "ttft_p50_ms": quantile([a.ttft_ms for a in chosen if a.ttft_ms is not None], 0.5),
        "ttft_p95_ms": quantile([a.ttft_ms for a in chosen if a.ttft_ms is not None], 0.95),
        "latency_p50_ms": quantile([a.latency_ms for a in done if a.latency_ms is not None], 0.5),
        "latency_p95_ms": quantile([a.latency_ms for a in done if a.latency_ms is not None], 0.95),
        "tokens_per_s": (
            1000 * sum(a.usage.output_tokens or 0 for a in fast) / sum(a.latency_ms or 0 for a in fast)
            if fast
            else None
        ),
    }


def saved(attempt: Attempt) -> Decimal | None:
    """What caching changed for one attempt, as far as it is known."""
    usage, price = attempt.usage, attempt.price
    parts: list[Decimal] = []
    if usage.cache_read_tokens is not None and price.input is not None and price.cache_read is not None:
        parts.append(usage.cache_read_tokens * (price.input - price.cache_read))
    if usage.cache_write_tokens is not None and price.input is not None and price.cache_write is not None:
        parts.append(-usage.cache_write_tokens * (price.cache_write - price.input))
    return sum(parts, Decimal(0)) / 1_000_000 if parts else None


def quantile(values: list[int], share: float) -> float | None:
    if not values:
        return None
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def assert_equal(found: dict[str, Any], expected: dict[str, Any]) -> None:
    for name, value in expected.items():
        if isinstance(value, float):
            assert found[name] == pytest.approx(value), name
        else:
            assert found[name] == value, name


def as_dict(found: Totals) -> dict[str, Any]:
    return {field.name: getattr(found, field.name) for field in fields(found)}


def assert_groups(
    frame: pd.DataFrame, keys: list[str], chosen: list[Attempt], log: list[Attempt], key: Callable[[Attempt], Any]
) -> None:
    """Compare a frame with the groups counted by hand. Money and nulls are floats there."""
    groups: dict[Any, list[Attempt]] = defaultdict(list)
    for attempt in chosen:
        groups[key(attempt)].append(attempt)
    rows = frame.to_dict("records")
    assert [tuple(row[name] for name in keys) for row in rows] == sorted(groups)
    for row, group in zip(rows, sorted(groups), strict=True):
        for name, value in by_hand(groups[group], log).items():
            if value is None:
                assert pd.isna(row[name]), (group, name)
            else:
                assert row[name] == pytest.approx(float(value)), (group, name)


def test_the_totals_have_a_field_for_every_measure() -> None:
    assert {field.name for field in fields(Totals)} == set(Measure)


def test_an_empty_log_has_no_span_and_unknown_figures(store: Store) -> None:
    assert span(store.log) is None
    assert size(store.log) == 0
    assert as_dict(totals(store.log, EVERYTHING)) == by_hand([], [])
    assert by(store.log, [Dimension.DAY], where=Filter(zone=BERLIN), measures=list(Measure)).empty
    assert last_messages(store.log, Filter(zone=BERLIN)).empty


@pytest.mark.parametrize("seed", range(4))
def test_totals_equal_a_count_by_hand(store: Store, seed: int) -> None:
    log = write(store, odd_log(seed))
    assert_equal(as_dict(totals(store.log, EVERYTHING)), by_hand(log, log))
    since, until = datetime(2026, 10, 22, tzinfo=UTC), datetime(2026, 10, 27, 12, tzinfo=UTC)
    chosen = [a for a in log if since <= a.started_at < until and a.protocol != "demo"]
    assert_equal(as_dict(totals(store.log, Filter(since=since, until=until, has_demo=False))), by_hand(chosen, log))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("zone", [BERLIN, UTC_ZONE, ZoneInfo("Asia/Kathmandu"), ZoneInfo("America/New_York")], ids=str)
def test_days_are_those_of_the_local_clock(store: Store, seed: int, zone: ZoneInfo) -> None:
    log = write(store, odd_log(seed))
    frame = by(store.log, [Dimension.DAY], where=Filter(zone=zone), measures=list(Measure))

    def day(attempt: Attempt) -> tuple[pd.Timestamp]:
        return (pd.Timestamp(attempt.started_at.astimezone(zone).date()),)

    assert_groups(frame, ["time"], log, log, day)
    assert frame["messages"].sum() == totals(store.log, EVERYTHING).messages


def test_models_are_grouped_with_their_provider(store: Store) -> None:
    log = write(store, odd_log(7))
    frame = by(store.log, [Dimension.MODEL], where=EVERYTHING, measures=list(Measure))
    assert_groups(frame, ["provider_id", "model_id"], log, log, lambda a: (a.provider_id, a.model_requested))
    assert frame[["provider", "model"]].values.tolist()[0] == ["Demo", "Demo echo"]


def test_days_and_providers_make_one_group_each(store: Store) -> None:
    log = write(store, odd_log(8))
    frame = by(store.log, [Dimension.DAY, Dimension.PROVIDER], where=Filter(zone=BERLIN), measures=list(Measure))

    def key(attempt: Attempt) -> tuple[pd.Timestamp, str]:
        return pd.Timestamp(attempt.started_at.astimezone(BERLIN).date()), attempt.provider_id

    assert_groups(frame, ["time", "provider_id"], log, log, key)


@pytest.mark.parametrize("seed", range(5))
def test_the_statuses_add_up_to_all_messages(store: Store, seed: int) -> None:
    log = write(store, odd_log(seed))
    found = totals(store.log, EVERYTHING)
    assert found.done + found.stopped + found.interrupted + found.failed == found.messages
    assert found.messages == len({a.turn_id for a in log})
    assert found.attempts == len(log)


def test_money_is_added_exactly(store: Store) -> None:
    cents = [Decimal("0.1"), Decimal("0.2"), Decimal("0.000000001"), Decimal("999999999.999999999")]
    write(store, [make_attempt(NOW, cost_usd=amount) for amount in cents])
    assert totals(store.log, EVERYTHING).cost_usd == sum(cents, Decimal(0))


def test_what_is_unpriced_is_counted_and_never_zero(store: Store) -> None:
    write(store, [make_attempt(NOW, cost_usd=None, cost_source=CostSource.UNPRICED)])
    found = totals(store.log, EVERYTHING)
    assert (found.cost_usd, found.unpriced) == (None, 1)
    write(store, [make_attempt(NOW, cost_usd=Decimal(0), cost_source=CostSource.FREE)])
    found = totals(store.log, EVERYTHING)
    assert (found.cost_usd, found.unpriced) == (Decimal(0), 1)


def test_a_retried_message_counts_once_where_its_last_attempt_ended(store: Store) -> None:
    before_midnight = datetime(2026, 11, 2, 23, 59, 59, tzinfo=UTC)
    first = make_attempt(before_midnight, status=Status.FAILED, cost_usd=None, cost_source=CostSource.UNPRICED)
    second = make_attempt(
        before_midnight + timedelta(seconds=2), turn_id=first.turn_id, attempt_number=2, provider_id="glm"
    )
    write(store, [first, second])
    yesterday = totals(store.log, Filter(until=datetime(2026, 11, 3, tzinfo=UTC)))
    today = totals(store.log, Filter(since=datetime(2026, 11, 3, tzinfo=UTC)))
    assert (yesterday.messages, yesterday.attempts, yesterday.failed, yesterday.success_rate) == (0, 1, 0, None)
    assert (today.messages, today.attempts, today.done, today.success_rate) == (1, 1, 1, 1.0)
    shown = last_messages(store.log, Filter(zone=UTC_ZONE))
    assert shown[["attempts", "status"]].values.tolist() == [[2, "done"]]


def test_borders_belong_to_the_period_that_begins(store: Store) -> None:
    border = datetime(2026, 11, 1, tzinfo=UTC)
    moments = [border - timedelta(microseconds=1), border, border + timedelta(microseconds=1)]
    write(store, [make_attempt(moment) for moment in moments])
    assert totals(store.log, Filter(until=border)).attempts == 1
    assert totals(store.log, Filter(since=border)).attempts == 2


def test_hours_of_the_day_the_clock_goes_back_stay_in_their_day(store: Store) -> None:
    # 2026-10-25 in Berlin: 00:30 UTC is 02:30 before the change, 01:30 UTC is 02:30 again.
    moments = [
        datetime(2026, 10, 24, 21, 59, 59, tzinfo=UTC),
        datetime(2026, 10, 24, 22, 0, tzinfo=UTC),
        datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
        datetime(2026, 10, 25, 0, 59, 59, tzinfo=UTC),
        datetime(2026, 10, 25, 1, 0, tzinfo=UTC),
        datetime(2026, 10, 25, 1, 30, tzinfo=UTC),
        datetime(2026, 10, 25, 22, 59, 59, tzinfo=UTC),
        datetime(2026, 10, 25, 23, 0, tzinfo=UTC),
    ]
    write(store, [make_attempt(moment) for moment in moments])
    days = by(store.log, [Dimension.DAY], where=Filter(zone=BERLIN), measures=[Measure.ATTEMPTS])
    assert [(time.day, attempts) for time, attempts in days.itertuples(index=False)] == [(24, 1), (25, 6), (26, 1)]
    hours = by(store.log, [Dimension.HOUR], where=Filter(zone=BERLIN), measures=[Measure.ATTEMPTS])
    assert [(time.hour, attempts) for time, attempts in hours.itertuples(index=False)] == [
        (23, 1),
        (0, 1),
        (2, 4),
        (23, 1),
        (0, 1),
    ]


def test_months_are_those_of_the_local_clock(store: Store) -> None:
    write(store, [make_attempt(datetime(2026, month, 1, tzinfo=UTC)) for month in (1, 4, 7, 11)])
    zone = ZoneInfo("America/New_York")
    frame = by(store.log, [Dimension.MONTH], where=Filter(zone=zone), measures=[Measure.MESSAGES])
    assert [(time.year, time.month) for time in frame["time"]] == [(2025, 12), (2026, 3), (2026, 6), (2026, 10)]


def test_a_renamed_provider_stays_one_group_under_its_newest_name(store: Store) -> None:
    write(
        store,
        [
            make_attempt(NOW - timedelta(days=1), provider_name="Old name", model_name="Old model"),
            make_attempt(NOW, provider_name="New name", model_name="New model"),
        ],
    )
    dimensions = [Dimension.DAY, Dimension.PROVIDER]
    daily = by(store.log, dimensions, where=Filter(zone=BERLIN), measures=[Measure.MESSAGES])
    assert daily["provider"].tolist() == ["New name", "New name"]
    models = by(store.log, [Dimension.MODEL], where=EVERYTHING, measures=[Measure.MESSAGES])
    assert models[["provider", "model", "messages"]].values.tolist() == [["New name", "New model", 2]]


def test_the_span_tells_the_demo_from_the_rest(store: Store) -> None:
    write(store, [make_attempt(NOW), make_attempt(NOW - timedelta(days=3), protocol="demo")])
    assert span(store.log) == Span(attempts=2, demo_attempts=1, first=NOW - timedelta(days=3), last=NOW)
    assert totals(store.log, Filter(has_demo=False)).attempts == 1


def test_last_messages_are_newest_first_on_the_local_clock(store: Store) -> None:
    write(
        store,
        [
            make_attempt(NOW - timedelta(hours=hours), model_name=f"M{hours}", cost_usd=None, ttft_ms=None)
            for hours in (2, 0, 1)
        ],
    )
    frame = last_messages(store.log, Filter(zone=BERLIN), limit=2)
    assert frame["model"].tolist() == ["M0", "M1"]
    assert frame["time"].tolist() == [pd.Timestamp(2026, 11, 3, 16, 30), pd.Timestamp(2026, 11, 3, 15, 30)]
    assert frame[["ttft_ms", "cost_usd"]].isna().all().all()


def test_last_messages_keep_every_column_of_an_attempt(store: Store) -> None:
    write(store, odd_log(3))
    frame = last_messages(store.log, Filter(zone=UTC_ZONE), limit=1_000)
    rows = _raw(store.log, "SELECT count(DISTINCT turn_id) FROM attempts")
    assert len(frame) == rows[0][0]
    assert frame["time"].is_monotonic_decreasing


def test_a_preset_is_whole_local_days_and_the_same_stretch_before() -> None:
    assert period(Preset.ALL, NOW, zone=BERLIN) == Period()
    today = period(Preset.TODAY, NOW, zone=BERLIN)
    assert today == Period(
        since=datetime(2026, 11, 2, 23, tzinfo=UTC),
        until=datetime(2026, 11, 3, 23, tzinfo=UTC),
        previous_since=datetime(2026, 11, 1, 23, tzinfo=UTC),
        previous_until=datetime(2026, 11, 2, 15, 30, tzinfo=UTC),
    )
    month = period(Preset.MONTH, NOW, zone=BERLIN)  # the clock went back on 25 October
    assert month.since == datetime(2026, 10, 4, 22, tzinfo=UTC)
    assert month.previous_since == datetime(2026, 9, 4, 22, tzinfo=UTC)
    assert month.previous_until == datetime(2026, 10, 4, 14, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", date(2026, 10, 25), 25),
        ("Europe/Berlin", date(2026, 3, 29), 23),
        ("Africa/Cairo", date(2026, 4, 24), 23),  # its midnight does not exist
        ("UTC", date(2026, 3, 29), 24),
    ],
)
def test_a_day_is_as_long_as_the_clock_says(zone: str, day: date, hours: int) -> None:
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=ZoneInfo(zone))
    today = period(Preset.TODAY, noon, zone=ZoneInfo(zone))
    assert today.since is not None and today.until is not None
    assert today.until - today.since == timedelta(hours=hours)


def _raw(log: Database, sql: str) -> list[Any]:
    with log.read() as cursor:
        return cursor.execute(sql).fetchall()
