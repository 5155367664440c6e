"""The generated log: always the same, as odd as a real one, and gone when nobody looks at it any more."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from core.store.sample import ATTEMPTS, DAYS, sample_log
from core.usage import Filter, Names, names, span, totals

UNTIL = datetime(2026, 11, 24, tzinfo=UTC)


def made(until: datetime) -> tuple[Path, list[Any]]:
    with sample_log(until=until) as log, log.read() as cursor:
        rows = cursor.execute(
            "SELECT turn_id, attempt_number, model_requested, status, cost_usd, latency_ms FROM attempts ORDER BY id"
        ).fetchall()
        return log.path, rows


def test_the_sample_is_the_same_each_time_and_leaves_nothing() -> None:
    path, first = made(UNTIL)
    _, later = made(UNTIL + timedelta(days=7))
    assert len(first) == ATTEMPTS
    assert first == later
    assert not path.parent.exists()


def test_the_sample_has_what_a_log_can_have() -> None:
    with sample_log(until=UNTIL) as log:
        found, whole = totals(log, Filter()), span(log)
        assert whole is not None
        assert UNTIL - timedelta(days=DAYS + 3) < whole.first < whole.last < UNTIL
        assert found.attempts == ATTEMPTS > found.messages > 0
        assert min(found.done, found.stopped, found.interrupted, found.failed, found.unpriced, found.estimated) > 0
        assert found.cost_usd and found.cache_saved_usd and found.cached_share and found.ttft_p95_ms
        listed: Names = names(log)
        assert (len(listed.providers), len(listed.models), len(listed.projects)) == (3, 6, 3)
        with log.read() as cursor:
            untitled = cursor.execute(
                "SELECT count(*) FROM attempts WHERE conversation_id NOT IN (SELECT id FROM conversations)"
            ).fetchall()
            wrong = cursor.execute(
                "SELECT count(*) FROM attempts WHERE finished_at < started_at OR latency_ms < ttft_ms"
                " OR cache_read_tokens + coalesce(cache_write_tokens, 0) > input_tokens"
            ).fetchall()
        assert untitled == wrong == [(0,)]
