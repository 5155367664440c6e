"""Requests and answers as they went over the wire, kept as files for as many days as the user set: 0 keeps none.

They are not in the databases, so that no export, backup or query can take them along, and so that a day that is over
can be deleted for good. Keys are taken out before anything is written.
"""

import gzip
import json
import logging
import shutil
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from core.recording import LIMIT, Recording
from core.redact import redact
from core.types import Attempt

logger = logging.getLogger(__name__)
FOLDER = "raw"  # in the data folder; one folder for each day, one file for each attempt


@dataclass(frozen=True, slots=True)
class Raw:
    """What one attempt sent and received, without keys. Headers are not kept: ours hold the key, theirs say little."""

    method: str
    url: str
    request: str
    http_status: int | None
    response: str
    is_cut: bool  # there was more than is kept


class RawBodies:
    def __init__(self, data_dir: Path, *, keep_days: int) -> None:
        self._folder = data_dir / FOLDER
        self._keep_days = keep_days

    @property
    def is_on(self) -> bool:
        return self._keep_days > 0

    def keep(self, attempt: Attempt, noted: Recording, *, secrets: Iterable[str]) -> None:
        """Write what was noted. An answer is worth more than its copy: a full disk is told to the server's log."""
        if not noted.url:
            return  # nothing went over HTTP
        hidden = [secret for secret in secrets if secret]
        raw = Raw(
            method=noted.method,
            url=redact(noted.url, hidden),
            request=redact(noted.request.decode(errors="replace"), hidden)[:LIMIT],
            http_status=noted.http_status,
            response=redact(noted.response.decode(errors="replace"), hidden),
            is_cut=noted.response_bytes > LIMIT or len(noted.request) > LIMIT,
        )
        path = self._path(attempt)
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.write_bytes(gzip.compress(json.dumps(asdict(raw)).encode(), 3))
            path.chmod(0o600)
        except OSError as error:
            logger.warning("What was sent and received could not be kept: %s", error.strerror)
            with suppress(OSError):
                path.unlink(missing_ok=True)

    def get(self, attempt: Attempt) -> Raw | None:
        """Return what is kept of an attempt, if anything is."""
        try:
            return Raw(**json.loads(gzip.decompress(self._path(attempt).read_bytes())))
        except FileNotFoundError:
            return None
        except (OSError, EOFError, ValueError, TypeError) as error:
            logger.warning("What was kept of a request cannot be read: %s", error)
            return None

    def purge(self, *, now: datetime) -> int:
        """Delete the days that are over, and return how many they were. With 0 days nothing stays."""
        oldest = now.astimezone(UTC).date() - timedelta(days=self._keep_days)
        deleted = 0
        for path in sorted(self._folder.glob("????-??-??")):
            if not self.is_on or path.name < f"{oldest}":
                try:
                    shutil.rmtree(path)
                    deleted += 1
                except OSError as error:
                    logger.warning("What was kept of %s could not be deleted: %s", path.name, error.strerror)
        return deleted

    def _path(self, attempt: Attempt) -> Path:
        return self._folder / f"{attempt.started_at.astimezone(UTC):%Y-%m-%d}" / f"{attempt.id}.json.gz"
