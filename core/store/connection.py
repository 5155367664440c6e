"""One DuckDB file: its connection, its writer thread, a cursor for each read, its migrations."""

import os
import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypeVar

import duckdb

from core.errors import AlreadyRunning, Damaged, StorageError

T = TypeVar("T")
Cursor = duckdb.DuckDBPyConnection
MIGRATIONS = Path(__file__).parent / "migrations"
BACKUPS = "backups"  # folder beside the files
BACKUPS_KEPT = 3  # of each file and occasion
# How DuckDB 2.0 tells of bytes that are wrong, missing at the end, or not its own (seen 2026-11-24).
_DAMAGE = ("not a valid DuckDB database", "Serialization", "checksum", "Checksum", "Could not read enough bytes")
_IDLE_S = 5.0  # the longest wait for the cursors of a file that is closed; on a broken one all end soon

# Nothing on the critical path needs an extension, and none may be fetched. Replacements off: a Python variable's name
# would otherwise be a table. The v1.5 format lets older tools open the user's own files.
_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "storage_compatibility_version": "v1.5.0",
    "python_enable_replacements": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}


class Conflict(StorageError):
    """A uniqueness rule of the store refused the change; nothing was written."""


def to_db(moment: datetime) -> datetime:
    """Return an aware time as the file keeps it: naive UTC (TIMESTAMPTZ is 4-10 times slower to read)."""
    return moment.astimezone(UTC).replace(tzinfo=None)


def from_db(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC)


class Database:
    """One connection to one file. A connection shared by threads returned wrong rows (measured): each read takes a
    cursor, each write goes through the one writer thread.
    """

    def __init__(self, path: Path, *, migrations: str) -> None:
        """Open or make the file and bring its schema up to date.

        Raises AlreadyRunning when another process holds it, StorageError when it cannot be opened or is too new.
        """
        self.path = path
        self._connection = _open(path)
        self._lock = threading.Lock()
        self._is_idle = threading.Condition(self._lock)
        self._busy = 0  # cursors that are in use
        self._is_closed = False
        self._is_broken = False  # the instance has seen a fatal error and refuses everything
        self._queue: SimpleQueue[tuple[Callable[[Cursor], Any], Future[Any]] | None] = SimpleQueue()
        self._writer = threading.Thread(target=self._write_forever, name=f"write-{path.stem}", daemon=True)
        self._writer.start()
        try:
            self._migrate(sorted((MIGRATIONS / migrations).glob("*.sql")))
        except BaseException:
            self.close()
            raise

    def _migrate(self, files: list[Path]) -> None:
        """Apply what is missing, each in a transaction with its version row, after a snapshot of what is there."""
        found = self.write(_version)
        if found > len(files):
            raise StorageError(
                f"{self.path.name} was written by a newer Switchboard (schema {found}, this one knows {len(files)}). "
                "Update Switchboard, or start it with another data folder. Nothing was changed."
            )
        if 0 < found < len(files):
            self.snapshot(f"before_{found + 1:03}", now=datetime.now(UTC))
        for version, sql_file in enumerate(files[found:], start=found + 1):
            self.write(lambda cursor, v=version, f=sql_file: _apply(cursor, v, f))  # type: ignore[misc]

    def snapshot(self, occasion: str, *, now: datetime) -> Path:
        """Copy the file as it stands into the backup folder, while it is in use, and drop the oldest such copies.

        10M rows take 2.4 s (measured 2026-11-23). Raises StorageError, and leaves nothing half written.
        """
        folder = self.path.parent / BACKUPS
        target = folder / f"{self.path.stem}-{now:%Y%m%dT%H%M%S}-{occasion}.duckdb"
        partial = target.with_suffix(".partial")
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
            partial.unlink(missing_ok=True)
            with self.read() as cursor:
                quoted = str(partial).replace("'", "''")
                cursor.execute(f"ATTACH '{quoted}' AS copy (STORAGE_VERSION 'v1.5.0')")
                try:
                    cursor.execute(f'COPY FROM DATABASE "{self.path.stem}" TO copy')
                finally:
                    cursor.execute("DETACH copy")
            partial.chmod(0o600)
            partial.rename(target)
        except OSError as error:
            raise StorageError(f"{self.path.name} could not be backed up: {error.strerror}.") from error
        finally:
            partial.unlink(missing_ok=True)
        for old in sorted(folder.glob(f"{self.path.stem}-*-{occasion.split('_')[0]}*.duckdb"))[:-BACKUPS_KEPT]:
            old.unlink()
        return target

    def submit(self, change: Callable[[Cursor], T]) -> "Future[T]":
        """Run `change(cursor)` in a transaction on the writer thread; anything raised rolls back and comes back."""
        future: Future[T] = Future()
        with self._lock:
            if self._is_closed:  # nobody would ever take it
                future.set_exception(StorageError(f"{self.path.name} is closed: Switchboard is stopping."))
            else:
                self._queue.put((change, future))
        return future

    def write(self, change: Callable[[Cursor], T]) -> T:
        """Like `submit`, and wait. Raises Conflict or StorageError for what the database refuses."""
        return self.submit(change).result()

    def _write_forever(self) -> None:
        # Not a ThreadPoolExecutor: that refuses work while the interpreter shuts down, when running replies are saved.
        while (item := self._queue.get()) is not None:
            change, future = item
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(self._transact(change))
            except BaseException as error:
                future.set_exception(error)

    def _transact(self, change: Callable[[Cursor], T]) -> T:
        try:
            with self._cursor() as cursor:
                cursor.execute("BEGIN")
                try:
                    result = change(cursor)
                    cursor.execute("COMMIT")
                except BaseException:
                    # A commit that failed has already ended its transaction.
                    with _ignore_no_transaction():
                        cursor.execute("ROLLBACK")
                    raise
                return result
        except duckdb.ConstraintException as error:
            raise Conflict(_first_line(error)) from error
        except duckdb.TransactionException as error:
            # A race between two cursors shows itself only at COMMIT, as this exception (measured).
            if "constraint" in str(error):
                raise Conflict(_first_line(error)) from error
            raise _failure(self.path, "written", error) from error
        except duckdb.Error as error:
            raise _failure(self.path, "written", error) from error

    @contextmanager
    def read(self) -> Iterator[Cursor]:
        """Give a cursor of its own (20 µs). Raises StorageError for what the database refuses."""
        try:
            with self._cursor() as cursor:
                yield cursor
        except duckdb.Error as error:
            raise _failure(self.path, "read", error) from error

    @contextmanager
    def _cursor(self) -> Iterator[Cursor]:
        """Give a cursor; after a fatal error, such as a full disk, the next caller gets one of a file opened anew."""
        with self._lock:
            if self._is_broken and not self._is_closed:
                self._wait_for_cursors()
                if self._is_broken:  # nobody else was faster
                    self._connection.close()
                    self._connection = _open(self.path)
                    self._is_broken = False
            connection = self._connection
            cursor = connection.cursor()
            self._busy += 1
        try:
            with cursor:
                yield cursor
        except duckdb.FatalException:
            with self._lock:
                self._is_broken = self._is_broken or connection is self._connection
            raise
        finally:
            with self._lock:
                self._busy -= 1
                self._is_idle.notify_all()

    def close(self) -> None:
        """Finish the queued writes and what is being read, then close the file."""
        with self._lock:
            if not self._is_closed:
                self._is_closed = True
                self._queue.put(None)
        self._writer.join()
        with self._lock:
            self._wait_for_cursors()
            self._connection.close()

    def _wait_for_cursors(self) -> None:
        # A connection is not closed while one of its cursors is at work: DuckDB 2.0 refuses (seen 2026-11-24).
        self._is_idle.wait_for(lambda: self._busy == 0, timeout=_IDLE_S)


def _open(path: Path) -> duckdb.DuckDBPyConnection:
    try:
        connection = duckdb.connect(str(path), config=_SETTINGS)
    except duckdb.Error as error:
        raise _open_error(path, error) from error
    os.chmod(path, 0o600)
    return connection


@contextmanager
def _ignore_no_transaction() -> Iterator[None]:
    try:
        yield
    except duckdb.TransactionException as error:
        if "no transaction" not in str(error):
            raise


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0][:300]


def _open_error(path: Path, error: duckdb.Error) -> StorageError:
    text = str(error)
    if "Could not set lock" in text:
        holder = re.search(r"PID (\d+)", text)
        who = f" (PID {holder.group(1)})" if holder else ""
        return AlreadyRunning(f"Switchboard is already running{who} and holds {path.name}. Use that one, or stop it.")
    wal = path.with_name(path.name + ".wal")
    if "replaying WAL" in text:
        return Damaged(
            f"The write-ahead log {wal.name} is damaged: what was written last cannot be read.", path=path, has_wal=True
        )
    return _failure(path, "opened", error)


def _failure(path: Path, verb: str, error: duckdb.Error) -> StorageError:
    """Return what to tell of an error. A part of a file may turn out to be damaged long after it was opened."""
    text = str(error)
    if any(words in text for words in _DAMAGE):
        wal = path.with_name(path.name + ".wal")
        return Damaged(f"The file {path.name} is damaged and cannot be read.", path=path, has_wal=wal.exists())
    return StorageError(f"{path.name} could not be {verb}: {_first_line(error)}")


def _version(cursor: Cursor) -> int:
    """Return the schema version of the file, 0 for a new one."""
    cursor.execute(
        "CREATE TABLE IF NOT EXISTS schema_versions "
        "(version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at TIMESTAMP NOT NULL)"
    )
    return int(cursor.execute("SELECT coalesce(max(version), 0) FROM schema_versions").fetchall()[0][0])


def _apply(cursor: Cursor, version: int, sql_file: Path) -> None:
    for statement in cursor.extract_statements(sql_file.read_text(encoding="utf-8")):
        cursor.execute(statement)
    cursor.execute(
        "INSERT INTO schema_versions (version, name, applied_at) VALUES (?, ?, ?)",
        [version, sql_file.stem, to_db(datetime.now(UTC))],
    )
