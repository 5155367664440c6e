"""What is written into a query's text is read back by DuckDB as the same value, and as nothing but a value."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from core.store import Store
from core.store.literals import literal, with_literals

VALUES = [
    None, True, False, 0, -7, 2**62, 0.1, -1e300, float("inf"), Decimal("0.000000001"), Decimal("-123456789.5"),
    "", "it's", "a ' OR 1=1 -- ?", "\\", "\n\t", "模型 🙂", "nul\0inside", ["demo", "it's"],
    datetime(2026, 10, 25, 0, 30, 1, 250), datetime(1970, 1, 1),
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_value_comes_back(store: Store, value: Any) -> None:
    with store.log.read() as cursor:
        assert cursor.execute(f"SELECT {literal(value)}").fetchall() == [(value,)]


def test_an_aware_time_is_written_in_utc() -> None:
    moment = datetime(2026, 11, 1, 3, tzinfo=timezone(timedelta(hours=2)))
    assert literal(moment) == "TIMESTAMP '2026-11-01 01:00:00'" == literal(moment.astimezone(UTC))


@given(some.text())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_stays_a_text(store: Store, text: str) -> None:
    with store.log.read() as cursor:
        clean = text.encode(errors="ignore").decode()
        assert cursor.execute(f"SELECT {literal(clean)}, 1").fetchall() == [(clean, 1)]


def test_only_places_of_parameters_are_replaced() -> None:
    sql = "SELECT '?', \"a?b\", 'it''s ?', ? -- really?\n, ?"
    assert with_literals(sql, [1, "?"]) == "SELECT '?', \"a?b\", 'it''s ?', 1 -- really?\n, '?'"


def test_too_few_or_too_many_parameters_are_refused() -> None:
    with pytest.raises(ValueError, match="more parameters"):
        with_literals("SELECT ?", [1, 2])
    with pytest.raises(ValueError, match="fewer parameters"):
        with_literals("SELECT ?, ?", [1])
