"""Every error a user can be shown, as one tree. A message says what failed, for whom, and what to do next.

No message ever holds a key, a URL with credentials or a raw body. Imports nothing of ours.
"""

from enum import StrEnum
from pathlib import Path


class SwitchboardError(Exception):
    """The base of all errors that pages show as they are."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class InvalidInput(SwitchboardError):
    """A form's value was refused; nothing was saved."""

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class ChangedMeanwhile(InvalidInput):
    """Another tab was faster; nothing was saved. `current` is the row as it is now, None if it was deleted."""

    def __init__(self, message: str, *, current: object = None) -> None:
        super().__init__(message)
        self.current = current


class ConfigError(SwitchboardError):
    """A setting has a value that cannot be used."""


class KeyUnreadable(SwitchboardError):
    """A stored key cannot be decrypted with the encryption keys at hand, or belongs to another provider or address."""


class StorageError(SwitchboardError):
    """The store could not read or write."""


class AlreadyRunning(StorageError):
    """Another process holds the store."""


class Damaged(StorageError):
    """A database file cannot be read. `has_wal`: it may be only its write-ahead log that is damaged."""

    def __init__(self, message: str, *, path: Path, has_wal: bool) -> None:
        super().__init__(message)
        self.path = path
        self.has_wal = has_wal


class TurnRefused(SwitchboardError):
    """A message was not sent: no usable route, an answer is running, or the text cannot be sent."""


class ErrorKind(StrEnum):
    AUTH = "auth"
    PERMISSION = "permission"
    NOT_FOUND = "not_found"
    QUOTA = "quota"
    RATE_LIMIT = "rate_limit"
    OVERLOADED = "overloaded"
    SERVER_ERROR = "server_error"
    TIMEOUT = "timeout"
    NETWORK = "network"
    INTERRUPTED = "interrupted"
    MALFORMED = "malformed"
    BAD_REQUEST = "bad_request"
    CONTENT_FILTER = "content_filter"
    CONTEXT_LENGTH = "context_length"
    UNSUPPORTED_PARAMETER = "unsupported_parameter"
    PAYLOAD_TOO_LARGE = "payload_too_large"
    REDIRECT_BLOCKED = "redirect_blocked"
    EMPTY = "empty"
    CANCELLED = "cancelled"
    BUDGET = "budget"
    INTERNAL = "internal"  # a bug of ours: the server's log has it


class ProviderError(SwitchboardError):
    """A provider did not give a complete answer.

    `detail` is the provider's own wording, redacted and shortened, for a disclosure. `retry_after_s` is what it asked
    for.
    """

    def __init__(
        self,
        kind: ErrorKind,
        message: str,
        *,
        detail: str | None = None,
        http_status: int | None = None,
        request_id: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.detail = detail
        self.http_status = http_status
        self.request_id = request_id
        self.retry_after_s = retry_after_s
