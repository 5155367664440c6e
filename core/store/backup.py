"""Snapshots of both files while they are in use, and the ways out when a file is damaged. Nothing is overwritten."""

import logging
import shutil
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from core.errors import StorageError
from core.store.connection import BACKUPS, Database

logger = logging.getLogger(__name__)
EVERY = timedelta(days=1)
_SETTLE_S = 60.0  # the first visit after a start has better uses for the disk
_LOOK_S = 3600.0


class DailyBackup:
    """Takes a snapshot of each file once a day, in a thread of its own: at 10M rows it takes seconds.

    `then` is called each time the thread has looked: for what else has its time.
    """

    def __init__(self, *databases: Database, then: Callable[[datetime], object] = lambda now: None) -> None:
        self._databases = databases
        self._then = then
        self._is_closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="switchboard-backup", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._is_closing.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        wait_s = _SETTLE_S
        while not self._is_closing.wait(wait_s):
            wait_s = _LOOK_S
            for database in self._databases:
                try:
                    back_up_if_due(database, now=datetime.now(UTC))
                except StorageError as error:
                    logger.warning("No daily backup: %s", error)
            self._then(datetime.now(UTC))


def back_up_if_due(database: Database, *, now: datetime) -> Path | None:
    """Take today's snapshot if the last one is a day old, and return where it lies. Raises StorageError."""
    newest = next(iter(backups(database.path, occasion="daily")), None)
    if newest and now - datetime.fromtimestamp(newest.stat().st_mtime, UTC) < EVERY:
        return None
    return database.snapshot("daily", now=now)


def backups(path: Path, *, occasion: str = "*") -> list[Path]:
    """Return the snapshots of a database file, newest first."""
    found = (path.parent / BACKUPS).glob(f"{path.stem}-*-{occasion}.duckdb")
    return sorted(found, key=lambda file: file.stat().st_mtime, reverse=True)


def set_wal_aside(path: Path, *, now: datetime) -> Path:
    """Keep the write-ahead log of a file under another name, so that the file opens without it.

    What was committed since the last checkpoint is lost to the app; it stays in the file that is returned.
    """
    wal = path.with_name(path.name + ".wal")
    kept = wal.with_name(f"{wal.name}.damaged-{now:%Y%m%dT%H%M%S}")
    wal.rename(kept)
    return kept


def restore(path: Path, backup: Path, *, now: datetime) -> Path:
    """Put a copy of the snapshot in the place of a damaged file, which is kept under another name and returned.

    Raises OSError, such as for a full disk, and then nothing has changed.
    """
    copy = path.with_name(path.name + ".restored")
    try:
        shutil.copy2(backup, copy)
    except OSError:
        copy.unlink(missing_ok=True)
        raise
    kept = path.with_name(f"{path.name}.damaged-{now:%Y%m%dT%H%M%S}")
    if path.with_name(path.name + ".wal").exists():
        set_wal_aside(path, now=now)
    path.rename(kept)
    copy.rename(path)
    return kept
