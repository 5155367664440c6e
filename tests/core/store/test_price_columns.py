"""Files from before tiers and windows: what they hold is priced as before, and can be priced better now."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import time
from decimal import Decimal
from pathlib import Path

import pytest

from core.store.connection import MIGRATIONS, Cursor, Database
from core.store.log import AttemptTable
from core.store.models import ModelTable
from core.types import Price, Tier, Window


def older(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, before: str, fill: Callable[[Cursor], object]
) -> Database:
    """Make a file as it was before a migration, fill it, and open it as it is now."""
    folder = tmp_path / "migrations" / name
    folder.mkdir(parents=True)
    files = sorted((MIGRATIONS / name).glob("*.sql"))
    [number] = [number for number, file in enumerate(files) if file.stem.endswith(before)]
    for file in files[:number]:
        shutil.copy(file, folder)
    with monkeypatch.context() as patch:
        patch.setattr("core.store.connection.MIGRATIONS", folder.parent)
        old = Database(tmp_path / f"{name}.duckdb", migrations=name)
        old.write(fill)
        old.close()
    return Database(tmp_path / f"{name}.duckdb", migrations=name)


def test_a_model_from_before_has_its_price_and_takes_tiers_and_windows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill(cursor: Cursor) -> None:
        cursor.execute(
            """
            INSERT INTO models (provider_id, id, name, is_default, price_input, position, created_at)
            VALUES ('p', 'a', 'A', true, 2, 1, TIMESTAMP '2026-11-01'), ('p', 'b', 'B', false, 3, 2, '2026-11-01')"""
        )

    database = older(tmp_path, monkeypatch, "settings", "price_tiers", fill)
    models = ModelTable(database)
    first, second = models.of("p")
    assert first.price == Price(Decimal(2))
    price = replace(
        first.price,
        tiers=(Tier(100_000, Decimal("0.000000001"), None, None, Decimal(5)), Tier(200_000, Decimal(9))),
        windows=(Window(time(16, 30), time(0, 30), Decimal("0.25"), frozenset({1, 7})),),
    )
    changed = replace(first, price=price)
    database.write(lambda cursor: models.save(cursor, changed))
    assert models.of("p") == [changed, second]
    database.write(lambda cursor: models.set_default(cursor, "p", "b"))  # its index is whole after the change
    assert [model.is_default for model in models.of("p")] == [False, True]
    database.close()


def test_an_attempt_from_before_was_priced_by_the_base_price_or_by_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill(cursor: Cursor) -> None:
        for attempt_id, price in (("priced", 2), ("free", 0), ("unpriced", None)):
            cursor.execute(
                """
                INSERT INTO attempts (id, turn_id, attempt_number, provider_id, provider_name, protocol,
                    model_requested, model_name, route_reason, status, tokens_are_estimated, price_output, cost_source,
                    started_at, finished_at)
                VALUES (?, 't', 1, 'p', 'P', 'openai', 'm', 'M', 'why', 'done', false, ?, 'unpriced',
                    TIMESTAMP '2026-11-01', TIMESTAMP '2026-11-01')""",
                [attempt_id, price],
            )

    database = older(tmp_path, monkeypatch, "log", "price_rule", fill)
    rules = {attempt.id: attempt.price_rule for attempt in AttemptTable(database).recent()}
    assert rules == {"priced": "base", "free": "base", "unpriced": None}
    with database.read() as cursor:
        assert cursor.execute("SELECT count(*) FROM replies").fetchall() == [(0,)]  # the view has outlived the change
    database.close()
