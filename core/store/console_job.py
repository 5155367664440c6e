"""One query of the SQL console under way: its process, its limits, and what it tells."""

import json
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pyarrow as pa  # type: ignore[import-untyped]

from core.store.answer import Answer
from core.store.console_errors import QueryFailed, failure, too_much_memory

logger = logging.getLogger(__name__)
_PROCESS = Path(__file__).with_name("console_process.py")
_NEEDED = ("SYSTEMROOT", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")  # all of our environment that Python may need
_SPARE_S = 120.0  # a process that was started ahead of its query ends by itself after this


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


@dataclass(frozen=True, slots=True)
class Snapshot:
    folder: Path
    as_of: datetime


class Process(subprocess.Popen[bytes]):
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
        snapshot: Snapshot,
        limits: Limits,
        *,
        process: Process,
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
            raise QueryFailed(too_much_memory(limits.memory_mb))
        told = json.loads(head)
        if "error" in told:
            raise failure(told["error"], told["message"], memory_mb=limits.memory_mb)
        try:
            table = pa.ipc.open_stream(body).read_all()
        except pa.ArrowInvalid as error:  # the process ended while it was writing
            raise QueryFailed(too_much_memory(limits.memory_mb)) from error
        return Answer(table, told["elapsed_ms"], told["is_truncated"], self.as_of)
