"""Finding attempts: every filter and order against the same done in Python."""

from decimal import Decimal

import pytest

from core.store import Store
from core.store.log_search import Choices, LogFilter, Order, choices, count, page
from core.types import Attempt, Status
from tests.core.test_usage import odd_log, write


def test_every_filter_and_order_is_what_python_finds(store: Store) -> None:
    log = write(store, odd_log(5))
    filters: list[tuple[LogFilter, list[Attempt]]] = [
        (LogFilter(), log),
        (LogFilter(provider="GLM"), [a for a in log if a.provider_name == "GLM"]),
        (LogFilter(model="GPT 2"), [a for a in log if a.model_name == "GPT 2"]),
        (LogFilter(status="failed"), [a for a in log if a.status is Status.FAILED]),
        (LogFilter(min_latency_ms=1000), [a for a in log if (a.latency_ms or 0) >= 1000]),
        (LogFilter(min_cost_usd=Decimal("0.5")), [a for a in log if (a.cost_usd or 0) >= Decimal("0.5")]),
        (LogFilter(words="**m"), [a for a in log if a.model_name == "**M**"]),
        (LogFilter(words="%"), []),
        (LogFilter(words=log[3].turn_id), [a for a in log if a.turn_id == log[3].turn_id]),
        (LogFilter(since=log[0].started_at), [a for a in log if a.started_at >= log[0].started_at]),
        (LogFilter(until=log[0].started_at), [a for a in log if a.started_at < log[0].started_at]),
        (LogFilter(project_id="x"), []),
        (LogFilter(error_kind="auth"), [a for a in log if a.error_kind == "auth"]),
    ]
    for where, expected in filters:
        assert count(store.log, where) == len(expected), where
        assert set(page(store.log, where, limit=10_000)["id"]) == {a.id for a in expected}, where
    costs = page(store.log, LogFilter(), order=Order.DEAREST, limit=10_000)["cost_usd"]
    assert costs.dropna().is_monotonic_decreasing
    assert costs.notna().tolist() == sorted(costs.notna().tolist(), reverse=True)
    parts = [page(store.log, LogFilter(), limit=90, offset=offset)["id"] for offset in range(0, len(log), 90)]
    assert [id_ for part in parts for id_ in part] == page(store.log, LogFilter(), limit=10_000)["id"].tolist()
    assert choices(store.log) == Choices(
        ["Demo", "GLM", "Mine $x_y$", "OpenAI"],
        ["**M**", "Demo echo", "GPT 1", "GPT 2"],
        sorted({a.error_kind for a in log if a.error_kind}),
        sorted({a.project_id for a in log if a.project_id}),
    )


@pytest.mark.parametrize("order", Order)
def test_every_order_runs_on_an_empty_log(store: Store, order: Order) -> None:
    assert page(store.log, LogFilter(words="x"), order=order, limit=10).empty
