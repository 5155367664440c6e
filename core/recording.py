"""What an attempt sends and receives, byte for byte, noted for whoever asked for it. Nothing is noted otherwise.

The runner's HTTP edge calls `sent`, `answered` and `received`; they find the recording of their own task.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

LIMIT = 2_000_000  # bytes of each body; what is longer is cut, and says so


@dataclass(slots=True)
class Recording:
    method: str = ""
    url: str = ""
    request: bytes = b""
    http_status: int | None = None
    response: bytearray = field(default_factory=bytearray)
    response_bytes: int = 0  # how many came, also those that are not kept


_current: ContextVar[Recording | None] = ContextVar("recording", default=None)


@contextmanager
def recording() -> Iterator[Recording]:
    """Note what is sent and received inside; of several requests the last one."""
    made = Recording()
    token = _current.set(made)
    try:
        yield made
    finally:
        _current.reset(token)


def sent(method: str, url: str, body: bytes) -> None:
    if (noted := _current.get()) is not None:
        noted.method, noted.url, noted.request = method, url, body
        noted.http_status, noted.response_bytes = None, 0
        noted.response.clear()


def answered(http_status: int) -> None:
    if (noted := _current.get()) is not None:
        noted.http_status = http_status


def received(chunk: bytes) -> None:
    if (noted := _current.get()) is not None:
        noted.response_bytes += len(chunk)
        noted.response += chunk[: max(LIMIT - len(noted.response), 0)]
