"""The SQL console: a query of the user's own over a snapshot of the log, in a process that can reach nothing else.

Every query gets a process (`console_process.py`): a text of 2 GB, a crash or a query without end costs the app
nothing, and is over when the process is killed. It starts in about 0.3 s.
"""

import os
import shutil
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

from core.errors import StorageError
from core.store.answer import Answer
from core.store.connection import Database
from core.store.console_errors import QueryFailed
from core.store.console_job import Job, Limits, Process, Snapshot

_FOLDER = "console"  # beside the files; what a dead process left in it is removed
_SNAPSHOTS_KEPT = 2  # a query that has just begun may still open the one before
_TABLES = ("replies", "attempts", "conversations", "messages")


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


class Console:
    """Queries over one log. `refresh` takes the snapshot they see; the first query takes one if nobody has."""

    def __init__(self, log: Database, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self._log = log
        self._folder = log.path.parent / _FOLDER
        self._lock = threading.Lock()
        self._snapshots: list[Snapshot] = []
        self._spare: Process | None = None
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

    def _take(self) -> Snapshot:
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
        return Snapshot(folder, as_of)

    def warm(self) -> None:
        """Start the process of the next query ahead of it: that is most of what a quick one takes."""
        with self._lock:
            if self._spare is None or not self._spare.is_fresh:
                self._drop_spare()
                self._spare = Process()

    def _drop_spare(self) -> None:
        if self._spare:
            self._spare.kill()
            self._spare.communicate()
            self._spare = None

    def start(self, sql: str) -> Job:
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
                process, self._spare = self._spare or Process(), None
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
