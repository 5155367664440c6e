"""What the agent's program says when a turn fails, as our errors. Pure; the program's words are of 2026-11-24.

It tells the provider's status where there was one: then our own table of kinds decides. Where there was none, the
program's text is all there is.
"""

import errno
import re
import socket

from core.errors import ErrorKind, ProviderError
from core.runners.failures import Failures
from core.runners.network import unreachable

# The program's words whose meaning is not among the codes of providers; its others are.
_CODES = {
    "authentication_failed": "authentication_error",
    "oauth_org_not_allowed": "permission_denied",
    "rate_limit": "rate_limit_error",
    "invalid_request": "invalid_request_error",
}
# The program blames the model for every 404, also for one that a wrong address gives.
_NOT_FOUND = "{provider} does not know the model {model} or the address. Check both on the Providers page."
_LAST_STEP = (
    "The agent came to the last step that this project allows in one turn. What it did is kept: tell it to go on, or"
    " allow more on the Projects page."
)
_OUT_OF_TIME = (
    "The agent worked for {word} minutes, as long as this project allows. What it did is kept: tell it to go on, or"
    " allow more on the Projects page."
)
_PREFIX = re.compile(r"^API Error: (?:\d{3} )?")
_CUT = re.compile(r"mid-response|stream_truncated", re.IGNORECASE)
_MALFORMED = re.compile(r"malformed response", re.IGNORECASE)
_TIMED_OUT = re.compile(r"timed? ?out", re.IGNORECASE)
_UNREACHED = re.compile(r"connection|ECONN|ENOTFOUND|network", re.IGNORECASE)
_ERRNO = re.compile(r"\bE[A-Z]{4,}\b")  # (ECONNREFUSED)


class SessionLost(Exception):
    """The program does not know the session that should be resumed."""


def failure(
    failures: Failures, text: str, *, status: int | None = None, word: object = None
) -> ProviderError | SessionLost:
    """Return the error that a failed turn means: `text` is what the program printed, `word` its name for it."""
    if "No conversation found with session ID" in text:
        return SessionLost()
    said = _PREFIX.sub("", text)
    if status is None:
        if _CUT.search(said):
            return failures.interrupted(said)
        if _MALFORMED.search(said):
            return failures.malformed(said)
        if _UNREACHED.search(said) and not _TIMED_OUT.search(said):
            return unreachable(_as_exception(said), failures)
    if status == 404:
        return failures.error(ErrorKind.NOT_FOUND, _NOT_FOUND, detail=f"404 {said}", status=404)
    code = _CODES.get(word, word) if isinstance(word, str) else None
    return failures.refused({"code": code, "message": said}, status=status)


def last_step(failures: Failures) -> ProviderError:
    return failures.error(ErrorKind.BUDGET, _LAST_STEP)


def out_of_time(failures: Failures, limit_s: float) -> ProviderError:
    return failures.error(ErrorKind.BUDGET, _OUT_OF_TIME, word=f"{limit_s / 60:g}")


def _as_exception(said: str) -> OSError:
    """Return what the connection's failure would have been in Python: the program prints the name of its number."""
    if "ENOTFOUND" in said:
        return socket.gaierror(said)
    numbers = [getattr(errno, name) for name in _ERRNO.findall(said) if hasattr(errno, name)]
    return OSError(numbers[0], said) if numbers else OSError(said)
