"""The user's own queries, and the built-in ones."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.errors import InvalidInput
from core.store import Store
from core.store.connection import MIGRATIONS, Database
from core.store.console import Console
from core.store.console_job import Limits
from core.store.presets import PRESETS, preset
from core.store.queries import QueryTable
from tests.core.test_usage import odd_log, write


def test_a_query_is_kept_renamed_changed_and_deleted(store: Store) -> None:
    queries = QueryTable(store.settings)
    saved = queries.save("  My   query ", "SELECT 1\n")
    assert (saved.name, saved.sql) == ("My query", "SELECT 1")
    other = queries.save("Another", "SELECT 2")
    assert queries.all() == [other, saved]
    changed = queries.save("Mine", "SELECT 3", query_id=saved.id)
    assert queries.all() == [other, changed]
    queries.delete(other.id)
    assert queries.all() == [changed]


@pytest.mark.parametrize(
    ("name", "sql", "words", "field"),
    [
        ("", "SELECT 1", "Enter a name", "name"),
        ("a [link](x)", "SELECT 1", "may not contain", "name"),
        ("Taken", "SELECT 1", "already a query called Taken", "name"),
        ("ＴＡＫＥＮ", "SELECT 1", "already a query", "name"),
        ("New", "  ", "Write a query", "sql"),
        ("New", "x" * 20_001, "20,001 characters", "sql"),
    ],
)
def test_what_cannot_be_kept_is_refused(store: Store, name: str, sql: str, words: str, field: str) -> None:
    queries = QueryTable(store.settings)
    taken = queries.save("Taken", "SELECT 0")
    with pytest.raises(InvalidInput, match=words) as caught:
        queries.save(name, sql)
    assert caught.value.field == field
    assert queries.all() == [taken]


def test_the_built_in_queries_run_and_find_something(store: Store) -> None:
    shift = datetime.now(UTC) - datetime(2026, 11, 4, 12, tzinfo=UTC)
    log = odd_log(3, count=40)
    for attempt in log:
        object.__setattr__(attempt, "started_at", attempt.started_at + shift)
        object.__setattr__(attempt, "finished_at", attempt.finished_at + timedelta(seconds=1) + shift)
    write(store, log)
    console = Console(store.log, Limits(time_s=60))
    empty = {"expensive-prompts", "served-as-asked"}  # these attempts have no messages, and name no other model
    found = {query.name: console.run(query.sql).row_count for query in PRESETS}
    console.close()
    assert len(found) == 12
    assert {name for name, rows in found.items() if not rows} - {"cost-by-model", "cache-savings"} == empty


def test_a_built_in_query_is_found_by_its_name() -> None:
    assert {query.name: preset(query.name) for query in PRESETS} == {query.name: query for query in PRESETS}
    assert preset("nothing") is None


def test_a_file_without_kept_queries_gets_the_table_and_keeps_what_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = tmp_path / "migrations" / "settings"
    older.mkdir(parents=True)
    shutil.copy(MIGRATIONS / "settings" / "001_initial.sql", older)
    with monkeypatch.context() as patch:
        patch.setattr("core.store.connection.MIGRATIONS", older.parent)
        old = Database(tmp_path / "settings.duckdb", migrations="settings")
        old.write(lambda cursor: cursor.execute("INSERT INTO seeded VALUES ('glm', '1', TIMESTAMP '2026-11-01')"))
        old.close()
    new = Database(tmp_path / "settings.duckdb", migrations="settings")
    assert QueryTable(new).save("Mine", "SELECT 1").name == "Mine"
    with new.read() as cursor:
        assert cursor.execute("SELECT item FROM seeded").fetchall() == [("glm",)]
    new.close()
