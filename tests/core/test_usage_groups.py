"""Groups, filters and comparisons of the usage page against the same counted by hand."""

import io
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest

from core.store import Store
from core.types import Attempt, CostSource, Status
from core.usage import (
    LATENCY_BORDERS_MS,
    Dimension,
    Filter,
    Measure,
    Stretch,
    answer,
    bounded,
    by,
    by_query,
    compared,
    frame,
    has_conversation,
    last_query,
    names,
    text,
    titles,
    totals,
    totals_query,
)
from tests.core.test_usage import (
    BERLIN,
    NOW,
    as_dict,
    assert_equal,
    assert_groups,
    by_hand,
    make_attempt,
    odd_log,
    write,
)

EVERY = list(Measure)


def rows(found: pd.DataFrame) -> list[tuple[Any, ...]]:
    return list(found.itertuples(index=False, name=None))


@pytest.mark.parametrize(
    ("dimension", "columns", "key"),
    [
        (Dimension.PROVIDER, ["provider_id"], lambda a: (a.provider_id,)),
        (Dimension.STATUS, ["status"], lambda a: (a.status.value,)),
        (
            Dimension.WEEK,
            ["time"],
            lambda a: (
                pd.Timestamp(
                    a.started_at.astimezone(BERLIN).date() - timedelta(days=a.started_at.astimezone(BERLIN).weekday())
                ),
            ),
        ),
        (
            Dimension.HOUR_OF_WEEK,
            ["weekday", "hour"],
            lambda a: (a.started_at.astimezone(BERLIN).isoweekday(), a.started_at.astimezone(BERLIN).hour),
        ),
        (Dimension.LATENCY, ["latency_from_ms"], lambda a: (max(b for b in LATENCY_BORDERS_MS if b <= a.latency_ms),)),
    ],
)
@pytest.mark.parametrize("seed", range(2))
def test_groups_equal_a_count_by_hand(
    store: Store, seed: int, dimension: Dimension, columns: list[str], key: Callable[[Attempt], Any]
) -> None:
    log = write(store, odd_log(seed))
    found = by(store.log, [dimension], where=Filter(zone=BERLIN), measures=EVERY)
    assert_groups(found, columns, log, log, key)


@pytest.mark.parametrize(
    ("dimension", "column"),
    [
        (Dimension.PROJECT, "project_id"),
        (Dimension.CONVERSATION, "conversation_id"),
        (Dimension.ERROR_KIND, "error_kind"),
    ],
)
def test_what_may_be_missing_is_a_group_of_its_own(store: Store, dimension: Dimension, column: str) -> None:
    log = write(store, odd_log(11))
    found = by(store.log, [dimension], where=Filter(), measures=EVERY)
    groups = {None if pd.isna(row[column]) else row[column]: row for row in found.to_dict("records")}
    assert set(groups) == {getattr(a, column) for a in log}
    for value, row in groups.items():
        expected = by_hand([a for a in log if getattr(a, column) == value], log)
        for name, count in expected.items():
            assert pd.isna(row[name]) if count is None else row[name] == pytest.approx(float(count)), (value, name)


@pytest.mark.parametrize(
    ("change", "fits"),
    [
        ({"provider_id": "glm"}, lambda a: a.provider_id == "glm"),
        ({"model_id": "gpt-1"}, lambda a: a.model_requested == "gpt-1"),
        ({"project_id": "thesis"}, lambda a: a.project_id == "thesis"),
        ({"conversation_id": "c2"}, lambda a: a.conversation_id == "c2"),
        ({"status": "failed"}, lambda a: a.status is Status.FAILED),
        ({"error_kind": "auth"}, lambda a: a.error_kind == "auth"),
        ({"latency_from_ms": 1000}, lambda a: a.latency_ms >= 1000),
        ({"latency_from_ms": 0, "latency_below_ms": 250}, lambda a: a.latency_ms < 250),
        ({"provider_id": "' OR 1=1 --"}, lambda a: False),
        (
            {"weekday": 7, "hour": 2},
            lambda a: (a.started_at.astimezone(BERLIN).isoweekday(), a.started_at.astimezone(BERLIN).hour) == (7, 2),
        ),
    ],
)
def test_a_filter_keeps_what_fits_it(store: Store, change: dict[str, Any], fits: Callable[[Attempt], bool]) -> None:
    night = [datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)]  # both are 02:30
    log = write(store, [*odd_log(5), *(make_attempt(moment) for moment in night)])
    found = totals(store.log, replace(Filter(zone=BERLIN), **change))
    assert_equal(as_dict(found), by_hand([a for a in log if fits(a)], log))


def test_two_stretches_are_counted_in_one_pass_as_if_in_two(store: Store) -> None:
    log = write(store, odd_log(9))
    since, until = datetime(2026, 10, 27, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC)
    before = Stretch(datetime(2026, 10, 21, tzinfo=UTC), datetime(2026, 10, 26, 15, 30, tzinfo=UTC))
    now, then = compared(store.log, Filter(since=since, until=until, provider_id="openai"), before)
    openai = [a for a in log if a.provider_id == "openai"]
    assert_equal(as_dict(now), by_hand([a for a in openai if since <= a.started_at < until], log))
    assert then is not None
    assert_equal(as_dict(then), by_hand([a for a in openai if before.since <= a.started_at < before.until], log))


def test_a_stretch_without_attempts_has_the_totals_of_an_empty_log(store: Store) -> None:
    write(store, [make_attempt(NOW)])
    where = Filter(since=NOW, until=NOW + timedelta(hours=1))
    now, then = compared(store.log, where, Stretch(NOW - timedelta(days=2), NOW - timedelta(days=1)))
    assert now.attempts == 1
    assert then is not None and as_dict(then) == by_hand([], [])


def test_hours_and_days_of_the_day_the_clock_goes_forward(store: Store) -> None:
    # 2026-03-29 in Berlin: 00:59 UTC is 01:59, 01:00 UTC is 03:00.
    moments = [datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC), datetime(2026, 3, 29, 1, tzinfo=UTC)]
    evening = [datetime(2026, 3, 29, 21, 59, 59, tzinfo=UTC), datetime(2026, 3, 29, 22, tzinfo=UTC)]
    write(store, [make_attempt(moment) for moment in moments + evening])
    where = Filter(zone=BERLIN)
    hours = by(store.log, [Dimension.HOUR], where=where, measures=[Measure.ATTEMPTS])
    assert [(time.day, time.hour, count) for time, count in rows(hours)] == [
        (29, 1, 1),
        (29, 3, 1),
        (29, 23, 1),
        (30, 0, 1),
    ]
    week = by(store.log, [Dimension.HOUR_OF_WEEK], where=where, measures=[Measure.ATTEMPTS])
    assert rows(week) == [(1, 0, 1), (7, 1, 1), (7, 3, 1), (7, 23, 1)]


def test_the_greatest_groups_come_first_and_the_rest_is_cut(store: Store) -> None:
    costs = {"c1": Decimal("0.5"), "c2": None, "c3": Decimal(2), "c4": Decimal("0.5")}
    write(store, [make_attempt(NOW, conversation_id=name, cost_usd=cost) for name, cost in costs.items()])
    measures = [Measure.COST_USD]
    found = by(store.log, [Dimension.CONVERSATION], where=Filter(), measures=measures, order=Measure.COST_USD, limit=3)
    assert found["conversation_id"].tolist() == ["c3", "c1", "c4"]


def test_what_caching_saved_is_exact(store: Store) -> None:
    attempt = odd_log(1)[0]
    usage = replace(attempt.usage, input_tokens=10**9, cache_read_tokens=999_999_937, cache_write_tokens=7)
    price = replace(attempt.price, input=Decimal("3.000000001"), cache_read=Decimal("0.3"), cache_write=Decimal("3.75"))
    write(store, [replace(attempt, usage=usage, price=price, cost_source=CostSource.PRICED)])
    expected = (999_999_937 * Decimal("2.700000001") - 7 * Decimal("0.749999999")) / 1_000_000
    assert totals(store.log, Filter()).cache_saved_usd == expected


@pytest.mark.parametrize("zone", [BERLIN, ZoneInfo("Asia/Kathmandu")], ids=str)
def test_the_text_of_a_query_gives_what_the_query_gave(store: Store, zone: ZoneInfo) -> None:
    write(store, odd_log(4))
    where = bounded(
        store.log, Filter(zone=zone, has_demo=False, provider_id="mine", weekday=3, hour=9, latency_from_ms=0)
    )
    assert where.until is not None and where.since is not None
    queries = [
        totals_query(where),
        totals_query(where, Stretch(where.since - timedelta(days=9), where.since - timedelta(days=2))),
        by_query([Dimension.DAY, Dimension.MODEL], where=where, measures=EVERY),
        by_query([Dimension.HOUR_OF_WEEK], where=where, measures=EVERY, order=Measure.COST_USD, limit=5),
        by_query([Dimension.LATENCY], where=replace(where, model_id='it\'s ? "quoted" -- $1'), measures=EVERY),
        last_query(where, limit=7),
    ]
    for query in queries:
        with store.log.read() as cursor:
            written = cursor.execute(text(query)).df()
        pd.testing.assert_frame_equal(written, frame(store.log, query))


def test_money_keeps_its_digits_in_a_file(store: Store) -> None:
    amounts = [Decimal("0.1"), Decimal("0.2"), Decimal("999999999.999999999")]
    write(store, [make_attempt(NOW, cost_usd=amount) for amount in amounts])
    query = by_query([Dimension.PROVIDER], where=Filter(), measures=[Measure.COST_USD])
    rows = answer(store.log, query)
    assert rows.csv().decode().splitlines()[1] == "openai,OpenAI,1000000000.299999999"
    table = pq.read_table(io.BytesIO(rows.parquet()))
    assert table.column("cost_usd").to_pylist() == [Decimal("1000000000.299999999")]


def test_names_are_the_newest_and_titles_those_of_conversations_that_are_there(store: Store) -> None:
    write(
        store,
        [
            make_attempt(NOW - timedelta(days=1), provider_name="Old", model_name="Old model", project_id="b"),
            make_attempt(NOW, provider_name="New", model_name="New model", project_id="a", conversation_id="c1"),
            make_attempt(NOW, provider_id="x", provider_name="X", model_requested="m", error_kind="auth"),
        ],
    )
    found = names(store.log)
    assert found.providers == {"openai": "New", "x": "X"}
    assert found.models == {"gpt-1": "New model", "m": "GPT 1"}
    assert (found.projects, found.error_kinds) == (["a", "b"], ["auth"])
    assert titles(store.log, ["c1"]) == {}
    assert has_conversation(store.log, "c1") and not has_conversation(store.log, "c2")
