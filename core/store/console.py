"""The SQL console: a query of the user's own over a snapshot of the log, in a process that can reach nothing else.

Every query gets a process (`console_process.py`): a text of 2 GB, a crash or a query without end costs the app
nothing, and is over when the process is killed. It starts in about 0.3 s.
"""

import json
import logging
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pyarrow as pa  # type: ignore[import-untyped]

from core.errors import StorageError, SwitchboardError
from core.store.answer import Answer
from core.store.connection import Database

logger = logging.getLogger(__name__)
_PROCESS = Path(__file__).with_name("console_process.py")
_FOLDER = "console"  # beside the files; what a dead process left in it is removed
_SNAPSHOTS_KEPT = 2  # a query that has just begun may still open the one before
_NEEDED = ("SYSTEMROOT", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")  # all of our environment that Python may need
_SPARE_S = 120.0  # a process that was started ahead of its query ends by itself after this
_CARET = re.compile(r"\n\nLINE (\d+): (?P<line>[^\n]*)\n(?P<caret> *\^+)")
_TABLES = ("replies", "attempts", "conversations", "messages")


@dataclass(frozen=True, slots=True)
class Limits:
    """What one query may take. Its process may hold `process_mb` beside what Python needs, DuckDB `memory_mb` of it."""

    time_s: float = 15.0
    rows: int = 10_000
    bytes: int = 16 * 1024**2
    memory_mb: int = 400
    process_mb: int = 800
    threads: int = 2
    queries: int = 2  # at a time
    sql_characters: int = 20_000


class QueryFailed(SwitchboardError):
    """A query gave no answer. `excerpt` is its line with a caret below the place, where DuckDB names one."""

    def __init__(self, message: str, *, excerpt: str | None = None) -> None:
        super().__init__(message)
        self.excerpt = excerpt


@dataclass(frozen=True, slots=True)
class TableShape:
    """A table people can query: its columns with their types, in order."""

    name: str
    columns: tuple[tuple[str, str], ...]


def tables(log: Database) -> list[TableShape]:
    """Return what the console offers, the easiest first."""
    sql = """
        SELECT table_name, column_name, data_type
        FROM information_schema.columns
        WHERE list_contains(?, table_name)
        ORDER BY ordinal_position"""
    with log.read() as cursor:
        rows = cursor.execute(sql, [list(_TABLES)]).fetchall()
    return [
        TableShape(name, tuple((column, kind) for table, column, kind in rows if table == name)) for name in _TABLES
    ]


@dataclass(frozen=True, slots=True)
class _Snapshot:
    folder: Path
    as_of: datetime


class Console:
    """Queries over one log. `refresh` takes the snapshot they see; the first query takes one if nobody has."""

    def __init__(self, log: Database, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self._log = log
        self._folder = log.path.parent / _FOLDER
        self._lock = threading.Lock()
        self._snapshots: list[_Snapshot] = []
        self._spare: _Process | None = None
        self._places = threading.BoundedSemaphore(self.limits.queries)
        # One process at a time holds the log: what others left behind is nobody's.
        for left in self._folder.glob("*"):
            if not left.name.startswith(f"{os.getpid()}-"):
                shutil.rmtree(left, ignore_errors=True)

    @property
    def as_of(self) -> datetime | None:
        """Return the time of the snapshot that queries see, None before the first."""
        return self._snapshots[-1].as_of if self._snapshots else None

    def refresh(self) -> datetime:
        """Let queries see the log as it stands now. 1M rows took 1.5 s (measured 2026-11-24). Raises StorageError."""
        with self._lock:
            taken = self._take()
            self._snapshots.append(taken)
            for old in self._snapshots[:-_SNAPSHOTS_KEPT]:
                shutil.rmtree(old.folder, ignore_errors=True)
            del self._snapshots[:-_SNAPSHOTS_KEPT]
        return taken.as_of

    def _take(self) -> _Snapshot:
        name = uuid4().hex
        folder = self._folder / f"{os.getpid()}-{name}"
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            folder.mkdir(mode=0o700)
        except OSError as error:
            raise StorageError(f"The log could not be copied for queries: {error.strerror}.") from error
        as_of = datetime.now(UTC)
        try:
            with self._log.read() as cursor:
                quoted = str(folder / "log.duckdb").replace("'", "''")
                cursor.execute(f"ATTACH '{quoted}' AS console_{name} (STORAGE_VERSION 'v1.5.0')")
                try:
                    cursor.execute(f'COPY FROM DATABASE "{self._log.path.stem}" TO console_{name}')
                finally:
                    cursor.execute(f"DETACH console_{name}")
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return _Snapshot(folder, as_of)

    def warm(self) -> None:
        """Start the process of the next query ahead of it: that is most of what a quick one takes."""
        with self._lock:
            if self._spare is None or not self._spare.is_fresh:
                self._drop_spare()
                self._spare = _Process()

    def _drop_spare(self) -> None:
        if self._spare:
            self._spare.kill()
            self._spare.communicate()
            self._spare = None

    def start(self, sql: str) -> "Job":
        """Run the query in a process and return at once. Raises QueryFailed, StorageError when it cannot begin."""
        if len(sql) > self.limits.sql_characters:
            raise QueryFailed(
                f"The query has {len(sql):,} characters; {self.limits.sql_characters:,} is the most. Shorten it."
            )
        if not self._snapshots:
            self.refresh()
        if not self._places.acquire(blocking=False):
            raise QueryFailed(f"{self.limits.queries} queries are running already. Wait for one, or cancel it.")
        try:
            self.warm()
            with self._lock:
                process, self._spare = self._spare or _Process(), None
            return Job(sql, self._snapshots[-1], self.limits, process=process, when_done=self._places.release)
        except BaseException:
            self._places.release()
            raise

    def run(self, sql: str) -> Answer:
        """Run the query and wait. Raises QueryFailed, StorageError."""
        return self.start(sql).answer()

    def close(self) -> None:
        """Remove the snapshots."""
        with self._lock:
            self._drop_spare()
            for snapshot in self._snapshots:
                shutil.rmtree(snapshot.folder, ignore_errors=True)
            self._snapshots.clear()


class _Process(subprocess.Popen[bytes]):
    """A process that waits for one query, for a while, and then for nothing."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        environment = {name: os.environ[name] for name in _NEEDED if name in os.environ}
        super().__init__(
            [sys.executable, "-P", "-B", str(_PROCESS), str(_SPARE_S)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment | {"PYTHONPATH": os.pathsep.join(sys.path), "TZ": "UTC"},
        )

    @property
    def is_fresh(self) -> bool:
        return self.poll() is None and time.monotonic() - self._started < _SPARE_S / 2


class Job:
    """A query under way. A thread waits for its process, so that a page can ask how far it is."""

    def __init__(
        self,
        sql: str,
        snapshot: _Snapshot,
        limits: Limits,
        *,
        process: _Process,
        when_done: Callable[[], None],
    ) -> None:
        self.sql = sql
        self.as_of = snapshot.as_of
        self._folder = snapshot.folder
        self._process = process
        self._limits = limits
        self._started = time.monotonic()
        self._when_done = when_done
        self._is_cancelled = False
        self._result: Answer | QueryFailed | None = None
        self._done = threading.Event()
        threading.Thread(target=self._wait, name="sql-console", daemon=True).start()

    @property
    def is_done(self) -> bool:
        return self._done.is_set()

    @property
    def elapsed_s(self) -> float:
        return time.monotonic() - self._started

    def cancel(self) -> None:
        """End the query, from any thread."""
        self._is_cancelled = True
        self._process.kill()

    def answer(self, timeout_s: float | None = None) -> Answer:
        """Wait for the answer. Raises QueryFailed, TimeoutError."""
        if not self._done.wait(timeout_s):
            raise TimeoutError
        if isinstance(self._result, Answer):
            return self._result
        assert self._result is not None
        raise self._result

    def _wait(self) -> None:
        try:
            self._result = self._talk()
        except QueryFailed as failed:
            self._result = failed
        except Exception:
            logger.exception("The SQL console failed")
            self._result = QueryFailed("The query could not be run. The server's log says why.")
        finally:
            self._when_done()
            self._done.set()

    def _talk(self) -> Answer:
        limits = self._limits
        asked = {
            "folder": str(self._folder),
            "sql": self.sql,
            "rows": limits.rows,
            "bytes": limits.bytes,
            "memory_mb": limits.memory_mb,
            "process_mb": limits.process_mb,
            "threads": limits.threads,
        }
        try:
            out, errors = self._process.communicate(json.dumps(asked).encode() + b"\n", timeout=limits.time_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
            raise QueryFailed(
                f"The query was stopped after {limits.time_s:g} s. Ask about less: a shorter period, or fewer rows."
            ) from None
        if self._is_cancelled:
            raise QueryFailed("You cancelled this query.")
        head, _, body = out.partition(b"\n")
        if not head:
            if self._process.returncode > 0 and b"MemoryError" not in errors:  # no signal: Python's own exit
                raise RuntimeError(errors.decode(errors="replace")[-2000:])
            raise QueryFailed(_too_much_memory(limits))
        told = json.loads(head)
        if "error" in told:
            raise _failure(told["error"], told["message"], limits)
        try:
            table = pa.ipc.open_stream(body).read_all()
        except pa.ArrowInvalid as error:  # the process ended while it was writing
            raise QueryFailed(_too_much_memory(limits)) from error
        return Answer(table, told["elapsed_ms"], told["is_truncated"], self.as_of)


def _too_much_memory(limits: Limits) -> str:
    return (
        f"The query needs more memory than the {limits.memory_mb} MB it may use. Select fewer columns or rows, or "
        "aggregate before you sort or join."
    )


def _failure(kind: str, text: str, limits: Limits) -> QueryFailed:
    """Return what DuckDB said, in words for the person who wrote the query: no prefix, no advice about settings."""
    if kind == "Refused":
        return QueryFailed(text)
    if kind in ("OutOfMemoryException", "MemoryError", "ArrowMemoryError") or "failed to allocate" in text:
        return QueryFailed(_too_much_memory(limits))
    if "file system operations are disabled" in text or kind in ("PermissionException", "IOException", "HTTPException"):
        return QueryFailed("Files, the network and extensions are out of reach here: a query reads the log only.")
    if "read-only" in text:
        return QueryFailed("Nothing can be changed here: a query reads a copy of the log.")
    if "configuration has been locked" in text:
        return QueryFailed("Settings cannot be changed here.")
    place = _CARET.search(text)
    indent = len(f"LINE {place.group(1)}: ") if place else 0  # the caret stands below "LINE n: …"
    excerpt = f"{place.group('line')}\n{place.group('caret')[indent:]}" if place else None
    message = _CARET.split(text)[0].split("\n\nLINE ")[0].strip()
    message = re.sub(r"^[A-Z][\w ]* Error: ", "", message)
    message = re.sub(r'\nDid you mean "pg_\w+"\?', "", message)
    message = re.sub(r' Use "?SET .*', "", re.sub(r"\s*\n\s*", " ", message))
    where = f" (line {place.group(1)})" if place and place.group(1) != "1" else ""
    message = message[:1].upper() + message[1:]
    if not message.endswith((".", "!", "?")):
        message += "."
    return QueryFailed(message[:600] + where, excerpt=excerpt)
