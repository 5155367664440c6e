"""The usage page over a large log, next to its SQL alone in the same process; and SQLite over the same rows.

The log is generated in a temporary folder. The page is run as Streamlit runs it, without a browser, each time on a
cold cache. "SQL alone" is the sum of the page's own queries on a bare cursor, rows fetched; what the page adds is what
it reads to offer its filters, and drawing.

    python -m benchmarks.usage [attempts] [rounds]
"""

import logging
import os
import resource
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from streamlit.testing.v1 import AppTest

import pages.ui.enter as door
from benchmarks.apps import print_table
from core.periods import Preset, period
from core.store.connection import Cursor, Database
from core.store.sample import DAYS, fill
from core.usage import Dimension, Filter, Measure, Query, Stretch, bounded, by_query, last_query, totals_query
from core.workbench import Workbench
from pages.ui import usage_data
from pages.ui.session import Session
from pages.ui.usage_tables import TABLE
from pages.ui.usage_views import LABELS, VIEWS, Shown

ATTEMPTS = 1_000_000
ROUNDS = 5
SQLITE_LARGEST = 2_000_000
MAIN = Path(__file__).resolve().parents[1] / "pages" / "app" / "main.py"
_WAIT_S = 300.0
_ZONE = Filter().zone


def main(attempts: int = ATTEMPTS, rounds: int = ROUNDS) -> None:
    logging.disable(logging.WARNING)  # Streamlit misses its server
    with TemporaryDirectory(prefix="switchboard-benchmark-") as folder:
        os.environ["SWITCHBOARD_DATA_DIR"] = folder
        setattr(door, "admits_tab", lambda: True)  # noqa: B010 (there are no headers to judge by)
        workbench: Workbench = door._workbench()
        log = workbench.store.log
        began = time.perf_counter()
        now = datetime.now(UTC)
        log.write(lambda cursor: fill(cursor, attempts, days=DAYS, until=now))
        with log.read() as cursor:
            cursor.execute("CHECKPOINT")
        size_mb = log.path.stat().st_size / 1e6
        print(f"{attempts:,} attempts made in {time.perf_counter() - began:.1f} s; {size_mb:,.0f} MB on disk")
        try:
            _measure_page(log, now, rounds)
            peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            print(f"Most memory of the process, with the generating: {peak_mb:,.0f} MB")
            if attempts <= SQLITE_LARGEST:
                _measure_sqlite(log, Path(folder) / "log.sqlite", now, rounds)
        finally:
            door.close_workbench()
        print(f"Load of the machine: {', '.join(f'{load:.1f}' for load in os.getloadavg())}")


def _measure_page(log: Database, now: datetime, rounds: int) -> None:
    views = {
        "first data (30 days)": {},
        "90 days": {"period": "90d"},
        "all": {"period": "All"},
        "one provider": {"provider": "sample-north"},
        "one model": {"provider": "sample-east", "model": "east-pro"},
        "one project": {"project": "sample-thesis"},
        "failed": {"status": "failed"},
        "one hour of the week": {"hour": "Tue-10"},
        "1 to 2 s": {"latency": "1000-2000"},
        "show messages": {"show": LABELS[Shown.MESSAGES]},
        "show latency": {"show": LABELS[Shown.LATENCY]},
        "all, by conversation": {"period": "All", "by": "Conversation"},
    }
    rows: list[tuple[str, list[str]]] = []
    _visit_ms({})  # imports
    for name, query in views.items():
        page_ms, bare_ms = [], []
        queries = _queries(log, query, now)
        for _ in range(rounds):
            page_ms.append(_visit_ms(query))
            bare_ms.append(_took_ms(partial(_run, log, queries)))
        ratio = median(page_ms) / median(bare_ms)
        rows.append((name, [f"{median(page_ms):.0f}", f"{median(bare_ms):.0f}", f"{ratio:.2f}"]))
    print_table(f"The page, ms (median of {rounds})", ("page", "SQL alone", "ratio"), rows)


def _visit_ms(query: dict[str, str]) -> float:
    """Return how long the page takes in a new tab that has another page open, with nothing in the cache."""
    for cached in (usage_data.span, usage_data.names, usage_data.compared, usage_data.frame, usage_data.last_messages):
        cached.clear()
    app = AppTest.from_file(str(MAIN), default_timeout=_WAIT_S)
    app.secrets["app"] = {}
    app.session_state["switchboard"] = Session()
    app.run()
    app.switch_page("../usage.py")
    for name, value in query.items():
        app.query_params[name] = value
    took_ms = _took_ms(app.run)
    assert not app.exception and app.metric, app.exception
    return took_ms


def _queries(log: Database, query: dict[str, str], now: datetime) -> list[Query]:
    """Return the queries of the page at this URL."""
    chosen = period(Preset(query.get("period", "30d").lower()), now, zone=_ZONE)
    where = bounded(log, Filter(chosen.since, chosen.until))
    where = replace(
        where,
        provider_id=query.get("provider"),
        model_id=query.get("model"),
        project_id=query.get("project"),
        status=query.get("status"),
        weekday=2 if "hour" in query else None,
        hour=10 if "hour" in query else None,
        latency_from_ms=1000 if "latency" in query else None,
        latency_below_ms=2000 if "latency" in query else None,
    )
    before = None
    if chosen.previous_since and chosen.previous_until:
        before = Stretch(chosen.previous_since, chosen.previous_until)
    view = VIEWS[next(shown for shown in Shown if LABELS[shown] == query.get("show", "Spend"))]
    group = Dimension(query.get("by", "model").lower())
    step = [Dimension.DAY, view.split] if view.split else [Dimension.DAY]
    measures = [*dict.fromkeys([*view.counted, *TABLE])]
    return [
        totals_query(where, before),
        by_query(step, where=where, measures=list(view.parts)),
        by_query([group], where=where, measures=measures, order=view.measure, limit=200),
        by_query([Dimension.HOUR_OF_WEEK], where=where, measures=[view.measure]),
        by_query([Dimension.LATENCY], where=where, measures=[Measure.ATTEMPTS]),
        last_query(where, limit=100),
    ]


def _run(log: Database, queries: list[Query]) -> None:
    with log.read() as cursor:
        for query in queries:
            cursor.execute(query.sql, list(query.parameters)).fetchall()


def _rows(connection: Cursor | sqlite3.Connection, sql: str) -> list[Any]:
    return connection.execute(sql).fetchall()


def _took_ms(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


_COLUMNS = "provider_id, model_requested, status, started_at, cost_usd, input_tokens, output_tokens, latency_ms"
_AGGREGATES = {  # what both can say, each in its own words for hours; {since} is a time
    "spend and tokens, 30 days": """
        SELECT count(*), sum(cost_usd), sum(input_tokens), sum(output_tokens), avg(latency_ms)
        FROM attempts WHERE started_at >= '{since}'""",
    "spend by day": """
        SELECT {day} AS day, sum(cost_usd), count(*) FROM attempts GROUP BY 1 ORDER BY 1""",
    "by model": """
        SELECT provider_id, model_requested, count(*), sum(cost_usd), sum(output_tokens), avg(latency_ms),
            sum(CASE WHEN status = 'failed' THEN 1 ELSE 0 END)
        FROM attempts GROUP BY 1, 2""",
    "by hour of the week": """
        SELECT {hour} AS hour, count(*), sum(cost_usd) FROM attempts GROUP BY 1""",
}
_DUCKDB = {"day": "CAST(started_at AS DATE)", "hour": "dayofweek(started_at) * 24 + hour(started_at)"}
_SQLITE = {"day": "substr(started_at, 1, 10)", "hour": "strftime('%w-%H', started_at)"}


def _measure_sqlite(log: Database, path: Path, now: datetime, rounds: int) -> None:
    """Compare the aggregates with the store most of such apps have: the same rows, with an index on the time."""
    with _copy(log, path) as sqlite, log.read() as cursor:
        since = period(Preset.MONTH, now, zone=_ZONE).since
        assert since is not None
        rows: list[tuple[str, list[str]]] = []
        for name, sql in _AGGREGATES.items():
            ours, theirs = (sql.format(since=f"{since:%Y-%m-%d %H:%M:%S}", **words) for words in (_DUCKDB, _SQLITE))
            ours_ms, theirs_ms = [], []
            for _ in range(rounds):
                ours_ms.append(_took_ms(partial(_rows, cursor, ours)))
                theirs_ms.append(_took_ms(partial(_rows, sqlite, theirs)))
            assert len(cursor.execute(ours).fetchall()) == len(sqlite.execute(theirs).fetchall())
            times = f"{median(theirs_ms) / median(ours_ms):.0f}"
            rows.append((name, [f"{median(ours_ms):.0f}", f"{median(theirs_ms):.0f}", times]))
    print_table(f"Aggregates over the whole log, ms (median of {rounds})", ("DuckDB", "SQLite", "times"), rows)
    print(f"SQLite's file, {len(_COLUMNS.split(', '))} of the columns: {path.stat().st_size / 1e6:,.0f} MB")


@contextmanager
def _copy(log: Database, path: Path) -> Iterator[sqlite3.Connection]:
    sqlite = sqlite3.connect(path)
    sqlite.execute(
        "CREATE TABLE attempts (provider_id TEXT, model_requested TEXT, status TEXT, started_at TEXT, cost_usd REAL,"
        " input_tokens INTEGER, output_tokens INTEGER, latency_ms INTEGER)"
    )
    marks = ", ".join("?" for _ in _COLUMNS.split(", "))
    texts = _COLUMNS.replace("started_at", "CAST(started_at AS TEXT)").replace("cost_usd", "CAST(cost_usd AS DOUBLE)")
    with log.read() as cursor:
        found = cursor.execute(f"SELECT {texts} FROM attempts ORDER BY started_at")
        while some := found.fetchmany(50_000):
            sqlite.executemany(f"INSERT INTO attempts VALUES ({marks})", some)
    sqlite.execute("CREATE INDEX by_time ON attempts (started_at)")
    sqlite.commit()
    try:
        yield sqlite
    finally:
        sqlite.close()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
