"""The SQL console against people who try to leave it: nothing is reached, nothing changes, nobody waits long."""

import os
import shutil
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import BytesIO
from pathlib import Path

import pandas as pd
import pytest

from core.errors import StorageError
from core.store import Store
from core.store.answer import Answer
from core.store.console import Console, tables
from core.store.console_errors import QueryFailed
from core.store.console_job import Limits
from core.types import Message, Role, Status
from tests.core.test_usage import make_attempt, write

CANARY = "canary-5f2c9d"
NOW = datetime(2026, 11, 3, 15, 30, tzinfo=UTC)
READING = "Only reading is possible here"
REACH = "out of reach here"
CHANGED = "Nothing can be changed here"
HIDDEN = "is not available here"
MEMORY = "more memory than the 400 MB"
ANY = ""

# Statement -> words of the refusal. FILE stands for a readable file, FOLDER for the data folder.
HOSTILE = {
    "ATTACH 'FOLDER/settings.duckdb' AS s": READING,
    "ATTACH ':memory:' AS m": READING,
    "DETACH log": READING,
    "COPY attempts TO 'FOLDER/out.csv'": READING,
    "COPY (SELECT 1) TO 'FOLDER/out.parquet' (FORMAT parquet)": READING,
    "COPY attempts FROM 'FILE'": READING,
    "COPY FROM DATABASE log TO memory": READING,
    "EXPORT DATABASE 'FOLDER/export'": READING,
    "IMPORT DATABASE 'FOLDER/export'": READING,
    "INSTALL httpfs": READING,
    "LOAD httpfs": READING,
    "FORCE INSTALL json FROM 'http://127.0.0.1:1/'": READING,
    "PRAGMA database_list": READING,
    "PRAGMA enable_external_access=true": READING,
    "SET enable_external_access=true": READING,
    "SET GLOBAL lock_configuration=false": READING,
    "RESET memory_limit": READING,
    "SET VARIABLE a = 1": READING,
    "USE memory": READING,
    "CALL pragma_database_size()": READING,
    "CHECKPOINT": READING,
    "VACUUM": READING,
    "ANALYZE": READING,
    "BEGIN": READING,
    "COMMIT": READING,
    "CREATE TABLE t (n INTEGER)": READING,
    "CREATE TEMP TABLE t AS SELECT 1": READING,
    "CREATE MACRO m() AS 1": READING,
    "CREATE SECRET s (TYPE s3)": READING,
    "CREATE TYPE e AS ENUM ('a')": READING,
    "INSERT INTO attempts SELECT * FROM attempts": READING,
    "UPDATE attempts SET cost_usd = 0": READING,
    "DELETE FROM attempts": READING,
    "TRUNCATE attempts": READING,
    "MERGE INTO attempts USING messages ON true WHEN MATCHED THEN DELETE": READING,
    "DROP TABLE attempts": READING,
    "DROP VIEW replies": READING,
    "ALTER TABLE attempts RENAME TO a": READING,
    "COMMENT ON TABLE attempts IS 'x'": READING,
    "PREPARE p AS SELECT 1": READING,
    "EXECUTE p": READING,
    "EXPLAIN DELETE FROM attempts": READING,
    "EXPLAIN ANALYZE DELETE FROM attempts": READING,
    "EXPLAIN (FORMAT json) COPY attempts TO 'FOLDER/out.csv'": READING,
    "/* SELECT */ EXPLAIN /* x */ ANALYZE -- y\nINSERT INTO attempts SELECT * FROM attempts": READING,
    "WITH gone AS (DELETE FROM attempts RETURNING *) SELECT count(*) FROM gone": CHANGED,
    "WITH new AS (UPDATE attempts SET cost_usd = 0 RETURNING *) FROM new": CHANGED,
    "WITH new AS (INSERT INTO schema_versions VALUES (9, 'x', now()::TIMESTAMP) RETURNING *) FROM new": CHANGED,
    "SELECT 1; DROP TABLE attempts": "2 statements",
    "SELECT 1;;; SELECT 2": "2 statements",
    "-- SELECT\nDELETE FROM attempts": READING,
    "/* SELECT 1 */ DELETE FROM attempts": READING,
    "SELECT 1 /* ; */; /**/ DELETE FROM attempts": "2 statements",
    "ＳＥＬＥＣＴ 1": ANY,
    "\u200bSELECT 1": ANY,
    "\u202eDELETE FROM attempts": ANY,
    "SELECT 1\x00; DELETE FROM attempts": ANY,
    "": "Type a query first",
    "  ;  -- nothing": "Type a query first",
    "SELECT * FROM read_csv('FILE')": REACH,
    "SELECT * FROM read_csv_auto(['FILE'])": REACH,
    "SELECT * FROM read_parquet('FILE')": REACH,
    "SELECT * FROM read_json('FILE')": REACH,
    "SELECT * FROM read_text('FILE')": REACH,
    "SELECT * FROM read_blob('FOLDER/*')": REACH,
    "SELECT * FROM read_duckdb('FOLDER/settings.duckdb')": REACH,
    "SELECT * FROM read_text('log.duckdb')": REACH,
    "SELECT * FROM read_text('/proc/self/environ')": REACH,
    "SELECT * FROM parquet_metadata('FILE')": REACH,
    "SELECT * FROM sniff_csv('FILE')": REACH,
    "SELECT * FROM glob('FOLDER/*')": REACH,
    "SELECT * FROM 'FILE'": REACH,
    "FROM 'FOLDER/settings.duckdb'": REACH,
    "SELECT * FROM read_csv('http://127.0.0.1:1/x.csv')": ANY,
    "SELECT * FROM read_parquet('s3://bucket/x.parquet')": ANY,
    "SELECT * FROM duckdb_settings()": HIDDEN,
    'SELECT * FROM "DuckDB_Settings"()': HIDDEN,
    "SELECT * FROM duckdb_secrets()": HIDDEN,
    "SELECT * FROM duckdb_databases": HIDDEN,
    "SELECT * FROM duckdb_extensions()": HIDDEN,
    "SELECT current_setting('secret_directory')": HIDDEN,
    "SELECT * FROM pragma_database_list": HIDDEN,
    "SELECT * FROM pg_catalog.pg_settings": HIDDEN,
    "SELECT * FROM which_secret('s3://x', 's3')": HIDDEN,
    "SELECT * FROM query('SELECT * FROM duckdb_' || 'settings()')": HIDDEN,
    "SELECT * FROM query /* x */ ('SELECT 1')": HIDDEN,
    "SELECT * FROM query_table(['attempts'])": HIDDEN,
    "SELECT * FROM json_execute_serialized_sql(json_serialize_sql('SELECT 1'))": HIDDEN,
    "SELECT getenv('SWITCHBOARD_CANARY')": "does not exist",
    "SELECT * FROM providers": "does not exist",
    "SELECT * FROM settings.main.api_keys": "does not exist",
    "SELECT * FROM asked": "does not exist",  # a variable of the process's own
    "SELECT * FROM connection": "does not exist",
    "SELECT * FROM pandas_scan(0, 0, 0)": ANY,
    "SELECT * FROM python_arrow_scan(0::POINTER, 0::POINTER, 0::POINTER)": ANY,
    "SELECT length(repeat('x', 2000000000))": MEMORY,
    "SELECT list_sum(range(200000000))": MEMORY,
    "SELECT repeat('x', 100000000) FROM range(50)": MEMORY,
    "SELECT string_agg(repeat('x', 1000000), '') FROM range(1000)": MEMORY,
    "WITH RECURSIVE t AS (SELECT 'x' AS i UNION ALL SELECT i || i FROM t) SELECT max(length(i)) FROM t": MEMORY,
    "SELECT " + "(" * 9000 + "1" + ")" * 9000: "depth",
    "SELECT '" + "x" * 20_000 + "'": "20,000 is the most",
    "SELECT * FROM attempts WHERE": "Syntax error",
}
ENDLESS = (
    "SELECT count(*) FROM range(1000000) a, range(1000000) b, range(1000) c",
    "WITH RECURSIVE t AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM t) SELECT count(*) FROM t",
    "SELECT sleep_ms(60000)",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, empty_folder: Path) -> Path:
    return shutil.copytree(empty_folder, tmp_path_factory.mktemp("console") / "data")


@pytest.fixture(scope="module")
def busy_store(folder: Path) -> Iterator[Store]:
    """Both files, with three attempts in the log."""
    store = Store(folder)
    write(store, [make_attempt(NOW - timedelta(days=day), cost_usd=Decimal("0.1")) for day in range(3)])
    yield store
    store.close()


@pytest.fixture(scope="module")
def console(busy_store: Store) -> Iterator[Console]:
    made = Console(busy_store.log, Limits(queries=4, time_s=60))
    yield made
    made.close()


@pytest.fixture(scope="module")
def outcomes(console: Console, folder: Path) -> dict[str, QueryFailed | Answer]:
    """What came of each hostile statement: two at a time, each in its process."""
    secret = folder.parent / "secret.csv"
    secret.write_text(CANARY)
    before = files(folder)

    def attempt(statement: str) -> QueryFailed | Answer:
        try:
            return console.run(statement.replace("FILE", str(secret)).replace("FOLDER", str(folder)))
        except QueryFailed as failed:
            return failed

    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(2) as pool:
        patch.setenv("SWITCHBOARD_CANARY", CANARY)
        found = dict(zip(HOSTILE, pool.map(attempt, HOSTILE), strict=True))
    assert files(folder) == before
    return found


def files(folder: Path) -> list[str]:
    return sorted(str(path) for path in folder.rglob("*") if "console" not in path.parts)


@pytest.mark.parametrize("statement", HOSTILE, ids=[str(number) for number in range(len(HOSTILE))])
def test_a_hostile_statement_is_refused_in_words(
    outcomes: dict[str, QueryFailed | Answer], folder: Path, statement: str
) -> None:
    outcome = outcomes[statement]
    assert isinstance(outcome, QueryFailed), f"{statement} gave {outcome.rows()[:3]}"
    assert HOSTILE[statement] in outcome.message
    said = f"{outcome.message} {outcome.excerpt}"
    assert CANARY not in said
    assert "Traceback" not in said
    assert "Error:" not in said
    if "FOLDER" not in statement and "FILE" not in statement:
        assert str(folder.parent) not in said


def test_after_all_of_them_the_log_is_as_it_was(
    outcomes: dict[str, QueryFailed | Answer], busy_store: Store, console: Console
) -> None:
    assert len(outcomes) >= 60
    counted = "SELECT count(*), sum(cost_usd) FROM attempts"
    assert console.run(counted).rows() == [(3, Decimal("0.3"))]
    with busy_store.log.read() as cursor:
        assert cursor.execute(counted).fetchall() == [(3, Decimal("0.3"))]


@pytest.mark.parametrize("statement", ENDLESS)
def test_a_query_without_end_is_stopped_by_the_clock(busy_store: Store, statement: str) -> None:
    console = Console(busy_store.log, Limits(time_s=1.5))
    job = console.start(statement)
    with pytest.raises(QueryFailed, match=r"stopped after 1\.5 s"):
        job.answer(20)
    assert job.elapsed_s < 15
    console.close()


def test_a_query_is_cancelled_from_another_thread_and_its_place_is_free_again(busy_store: Store) -> None:
    console = Console(busy_store.log, Limits(queries=1))
    job = console.start(ENDLESS[0])
    with pytest.raises(QueryFailed, match="1 queries are running already"):
        console.start("SELECT 1")
    thread = threading.Thread(target=job.cancel)
    thread.start()
    thread.join()
    with pytest.raises(QueryFailed, match="You cancelled"):
        job.answer(10)
    assert console.run("SELECT 1 AS one").rows() == [(1,)]
    console.close()


READS = {
    "SELECT 1 AS one": [(1,)],
    "WITH x AS (SELECT 2 AS n) SELECT n FROM x": [(2,)],
    "FROM (VALUES (1), (2)) t(n) SELECT sum(n)": [(3,)],
    "(SELECT 1)": [(1,)],
    "VALUES (1, 'a')": [(1, "a")],
    "PIVOT (SELECT 'a' AS k, 2 AS v) ON k USING sum(v)": [(2,)],
    "UNPIVOT (SELECT 1 AS a, 2 AS b) ON a, b": [("a", 1), ("b", 2)],
    "SELECT query, query_table FROM (SELECT 1 AS query, 'query(' AS query_table)": [(1, "query(")],
    "-- comment; SELECT 2\nSELECT 1; -- and another": [(1,)],
    "SELECT 1 AS a, 2 AS a": [(1, 2)],
    "SELECT sum(n) FROM range(5) t(n)": [(10,)],
    "SELECT count(*) FROM replies": [(0,)],
    "SELECT TIMESTAMPTZ '2026-11-03 12:00:00+01'": [(datetime(2026, 11, 3, 11, 0),)],
    "SELECT INTERVAL 2 DAY, 'é', NULL, [1, 2]": [("2 days", "é", None, [1, 2])],
}


@pytest.mark.parametrize("statement", READS)
def test_what_reads_is_run(console: Console, statement: str) -> None:
    assert console.run(statement).rows() == READS[statement]


@pytest.mark.parametrize("statement", ["DESCRIBE attempts", "SHOW TABLES", "SUMMARIZE attempts", "EXPLAIN SELECT 1"])
def test_what_describes_is_run(console: Console, statement: str) -> None:
    assert console.run(statement).row_count > 0


def test_every_type_comes_back_and_can_be_taken_away(console: Console) -> None:
    answer = console.run("FROM test_all_types()")
    assert answer.row_count == 3
    assert answer.csv().count(b"\n") >= 4
    assert len(pd.read_parquet(BytesIO(answer.parquet()), columns=["int"])) == 3


def test_names_that_occur_twice_are_told_apart(console: Console) -> None:
    assert console.run("SELECT 1 AS a, 2 AS a, 3 AS a_2").columns == ["a", "a_2", "a_2_2"]


def test_a_mistake_is_shown_with_its_place(console: Console) -> None:
    with pytest.raises(QueryFailed) as caught:
        console.run("SELECT 1,\n  nope(3)\nFROM attempts")
    assert caught.value.message == 'Scalar Function with name nope does not exist! Did you mean "now"? (line 2)'
    assert caught.value.excerpt == "  nope(3)\n  ^^^^^^^"


def test_more_rows_than_the_limit_are_cut_and_said(busy_store: Store) -> None:
    console = Console(busy_store.log, Limits(rows=2500, bytes=100_000))
    for statement, rows in (("FROM range(2500)", 2500), ("SELECT 'x' FROM range(2500)", 2500)):
        answer = console.run(statement)
        assert (answer.row_count, answer.is_truncated) == (rows, False)
    answer = console.run("FROM range(1000000)")
    assert (answer.row_count, answer.is_truncated) == (2500, True)
    answer = console.run("SELECT repeat('x', 1000) FROM range(1000)")
    assert answer.is_truncated
    assert 50 < answer.row_count < 100
    console.close()


def test_money_stays_exact_in_both_files(console: Console) -> None:
    answer = console.run("SELECT cost_usd, 'a;\"b' AS text, [1, 2] AS list, NULL AS nothing FROM attempts LIMIT 1")
    assert answer.csv().decode().splitlines() == ["cost_usd,text,list,nothing", '0.100000000,"a;""b","[1, 2]",']
    assert pd.read_parquet(BytesIO(answer.parquet()))["cost_usd"].tolist() == [Decimal("0.1")]
    assert (answer.numeric, answer.temporal) == (["cost_usd"], [])


def test_queries_see_the_log_as_it_was_until_it_is_refreshed(store: Store) -> None:
    console = Console(store.log)
    assert console.as_of is None
    write(store, [make_attempt(NOW)])
    before = console.refresh()
    write(store, [make_attempt(NOW)])
    answer = console.run("SELECT count(*) FROM attempts")
    assert (answer.rows(), answer.as_of) == ([(1,)], before)
    assert console.refresh() > before
    assert console.run("SELECT count(*) FROM attempts").rows() == [(2,)]
    console.close()


def test_old_snapshots_are_removed_and_what_a_dead_process_left_too(store: Store) -> None:
    left = store.folder / "console" / "1-left"
    left.mkdir(parents=True)
    console = Console(store.log)
    assert not left.exists()
    for _ in range(4):
        console.refresh()
    kept = list((store.folder / "console").iterdir())
    assert len(kept) == 2
    assert {path.stat().st_mode & 0o077 for path in kept} == {0}
    console.close()
    assert not list((store.folder / "console").iterdir())


def test_a_process_started_ahead_answers_and_ends_with_the_console(store: Store) -> None:
    console = Console(store.log)
    console.warm()
    spare = console._spare
    assert spare is not None
    console.warm()
    assert console._spare is spare
    assert console.run("SELECT 1").rows() == [(1,)]
    assert spare.wait(10) == 0
    console.warm()
    spare = console._spare
    console.close()
    assert spare is not None
    assert spare.returncode is not None


def test_a_process_that_cannot_start_is_no_mystery(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("core.store.console_job._PROCESS", store.folder / "missing.py")
    with pytest.raises(QueryFailed, match="The server's log says why"):
        Console(store.log).run("SELECT 1")
    assert "missing.py" in caplog.text


def test_a_log_that_cannot_be_copied_says_so(store: Store) -> None:
    (store.folder / "console").write_text("in the way")
    console = Console(store.log)
    with pytest.raises(StorageError, match="could not be copied"):
        console.refresh()


def test_the_tables_on_offer_come_with_their_columns(store: Store) -> None:
    found = {table.name: dict(table.columns) for table in tables(store.log)}
    assert list(found) == ["replies", "attempts", "conversations", "messages"]
    assert found["replies"]["cost_usd"] == "DECIMAL(18,9)"
    assert found["attempts"]["started_at"] == "TIMESTAMP"


def test_the_process_is_given_none_of_our_environment(
    console: Console, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    script = tmp_path / "environment.py"
    script.write_text("import os, json\nprint(json.dumps({'error': 'Refused', 'message': ' '.join(os.environ)}))")
    monkeypatch.setattr("core.store.console_job._PROCESS", script)
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    with pytest.raises(QueryFailed) as caught:
        console.run("SELECT 1")
    assert set(caught.value.message.split()) <= {"PYTHONPATH", "TZ", "LC_CTYPE", "LD_LIBRARY_PATH"}
    assert "OPENAI_API_KEY" in os.environ


def test_a_reply_shows_its_question_and_the_cost_of_all_its_attempts(store: Store) -> None:
    question = Message("q", "c", Role.USER, "Why?", Status.DONE, NOW, 1)
    replies = [
        Message(id_, "c", Role.ASSISTANT, "So.", Status.DONE, NOW, 2, parent_id="q", model_name="GPT 1")
        for id_ in ("plain", "retried", "unknown", "lost")
    ]
    for message in (question, *replies):
        store.log.write(lambda cursor, m=message: store.messages.add(cursor, m))  # type: ignore[misc]
    write(
        store,
        [
            make_attempt(NOW, reply_id="plain", cost_usd=Decimal("0.5")),
            make_attempt(NOW, reply_id="retried", status=Status.FAILED, cost_usd=Decimal("0.1"), ttft_ms=None),
            make_attempt(NOW, reply_id="retried", attempt_number=2, cost_usd=Decimal("0.2"), ttft_ms=70),
            make_attempt(NOW, reply_id="unknown", status=Status.FAILED, cost_usd=None),
            make_attempt(NOW, reply_id="unknown", attempt_number=2, cost_usd=Decimal("0.2")),
        ],
    )
    console = Console(store.log)
    found = console.run("SELECT reply_id, question, answer, attempts, cost_usd, ttft_ms FROM replies ORDER BY reply_id")
    assert found.rows() == [
        ("lost", "Why?", "So.", 0, None, None),
        ("plain", "Why?", "So.", 1, Decimal("0.5"), 200),
        ("retried", "Why?", "So.", 2, Decimal("0.3"), 70),
        ("unknown", "Why?", "So.", 2, None, 200),
    ]
    console.close()
