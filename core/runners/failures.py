"""Name every way a provider can fail: one table from status, code and wording to our kinds, one message per kind. Pure.

The SDKs' and the HTTP client's exceptions end here; what is raised is new and carries redacted words only. It is raised
`from None`, because the causes print keys: providers echo them, and a pasted line break puts one into the cause.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from core.errors import ErrorKind, ProviderError
from core.redact import redact, shorten
from core.runners.rules import classify, is_about_model
from core.runners.veil import Veil
from core.runners.wording import read_wording
from core.text import storable
from core.types import Route

DETAIL_LIMIT = 600
_REQUEST_ID_HEADERS = ("x-request-id", "request-id", "apim-request-id", "x-amzn-requestid", "x-ds-trace-id")


_ON_PAGE = "on the Providers page"
_MESSAGES = {
    ErrorKind.AUTH: f"{{provider}} refused the API key. Check the key {_ON_PAGE} and save it again.",
    ErrorKind.PERMISSION: (
        "{provider} does not allow this key to use {model}. Check in your account there what the key may do, or choose"
        " another model."
    ),
    ErrorKind.NOT_FOUND: (
        f"{{provider}} does not know the model {{model}}. Choose another model, or correct its id {_ON_PAGE}."
    ),
    ErrorKind.QUOTA: (
        "The account at {provider} has no credit or quota left. Check billing there, or choose another provider."
    ),
    ErrorKind.RATE_LIMIT: (
        "{provider} takes no more requests for the moment. Wait a little and try again, or choose another model."
    ),
    ErrorKind.OVERLOADED: "{provider} is overloaded. Try again in a moment, or choose another model.",
    ErrorKind.SERVER_ERROR: "{provider} had an error of its own. Try again, or choose another provider.",
    ErrorKind.TIMEOUT: "{provider} took too long. Try again, or choose another model.",
    ErrorKind.CONTENT_FILTER: (
        "The content filter of {provider} stopped this. Rephrase the message, or choose another model."
    ),
    ErrorKind.CONTEXT_LENGTH: (
        "The conversation is too long for {model} at {provider}. Start a new conversation, or choose a model with a"
        " larger context."
    ),
    ErrorKind.UNSUPPORTED_PARAMETER: (
        "{provider} refused a setting of the request for {model}. Remove the setting, or choose another model."
    ),
    ErrorKind.PAYLOAD_TOO_LARGE: (
        "The message is larger than {provider} accepts for {model}. Shorten it, or choose another model."
    ),
    ErrorKind.REDIRECT_BLOCKED: (
        "{provider} redirects to another address, which is not followed: neither key nor message goes there. Enter the"
        f" final address as base URL {_ON_PAGE}."
    ),
    ErrorKind.BAD_REQUEST: "{provider} refused the request for {model}. See the details, or choose another model.",
}
_PATH_WRONG = f"{{provider}} has nothing at this address. Check the base URL {_ON_PAGE}: most end in /v1 or similar."
_NO_LIST = f"{{provider}} has no model list at this address. Check the base URL {_ON_PAGE}, or enter models by hand."
_INTERRUPTED = "{provider} broke off before the answer was complete. What arrived is kept; try again."
_BROKEN_OFF = "{provider} broke the answer off (finish reason: {word}). What arrived is kept; try again."
_EMPTY = (
    "{provider} ended the answer without a word (finish reason: {word}). Try again, rephrase the message, or choose"
    " another model."
)
_MALFORMED = f"{{provider}} sent something that cannot be read. Check the base URL and the protocol {_ON_PAGE}."
_PAGE = f"{{provider}} answered with a web page. Check the base URL {_ON_PAGE}: most end in /v1 or similar."
_FOREIGN = f"{{provider}} does not speak the protocol set for it. Check the protocol and the base URL {_ON_PAGE}."
_FIREWALL = f"Something in front of {{provider}} refused the request. Check the base URL {_ON_PAGE}, and your network."
_BAD_KEY = f"The API key for {{provider}} contains a character that no key has. Enter it again {_ON_PAGE}."


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Return what Retry-After (seconds or a date) or retry-after-ms asks for."""
    if (milliseconds := _seconds(headers.get("retry-after-ms"))) is not None:
        return milliseconds / 1000
    value = headers.get("retry-after")
    if (seconds := _seconds(value)) is not None:
        return seconds
    until = _date(value)
    # The server's own clock where it tells it: ours may be wrong.
    return max(0.0, (until - (_date(headers.get("date")) or datetime.now(UTC))).total_seconds()) if until else None


def request_id(headers: Mapping[str, str]) -> str | None:
    """Return the provider's own name for a request, under whichever name it gives it."""
    return next((shorten(headers[name], 200) for name in _REQUEST_ID_HEADERS if headers.get(name)), None)


def _seconds(value: str | None) -> float | None:
    try:
        seconds = float(value or "")
    except ValueError:
        return None
    return seconds if 0 <= seconds < 1e9 else None


def _date(value: str | None) -> datetime | None:
    try:
        parsed = parsedate_to_datetime(value or "")
    except (ValueError, TypeError, IndexError):
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


class Failures:
    """Makes the errors of one request: it knows whose they are and which key must not be in them."""

    def __init__(self, route: Route, *, is_listing: bool = False) -> None:
        self._provider = route.provider.name
        self._model = route.model.id
        self._secrets = (route.secret,)
        self._is_listing = is_listing

    def error(
        self,
        kind: ErrorKind,
        message: str,
        *,
        detail: str = "",
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
        retry_s: float | None = None,
        word: str = "",
    ) -> ProviderError:
        """Return an error whose message may use {provider}, {model} and {word}."""
        found_id = request_id(headers) if headers is not None else None
        return ProviderError(
            kind,
            self.safe(message.format(provider=self._provider, model=self._model, word=_plain(word))),
            detail=self.safe(detail) or None,
            http_status=status,
            request_id=self.safe(found_id) if found_id else None,
            retry_after_s=retry_s,
        )

    def refused(
        self, body: object, *, status: int | None = None, headers: Mapping[str, str] | None = None
    ) -> ProviderError:
        """Return what an error answer means: one with a status of its own, or one inside a stream (no status)."""
        wording = read_wording(body)
        kind = classify(status, wording)
        message = _MESSAGES[kind]
        if kind is ErrorKind.NOT_FOUND and (self._is_listing or not is_about_model(wording, self._model)):
            message = _NO_LIST if self._is_listing else _PATH_WRONG
        elif kind is ErrorKind.PERMISSION and wording.is_page:
            message = _FIREWALL
        asked_s = retry_after_s(headers) if headers is not None else None
        return self.error(
            kind,
            message,
            detail=" ".join(filter(None, (str(status) if status else "", wording.message))),
            status=status or wording.status,
            headers=headers,
            retry_s=wording.retry_after_s if asked_s is None else asked_s,
        )

    def redirected(self, status: int, target: str, headers: Mapping[str, str]) -> ProviderError:
        """Return the refusal to follow. Only scheme and host of the target are shown: the rest may hold anything."""
        parts = re.match(r"(?:(https?)://)?(?:[^/?#@]*@)?([^/?#@]*)", target)
        where = "://".join(filter(None, parts.groups())) if parts else ""
        kind = ErrorKind.REDIRECT_BLOCKED
        detail = f"{status} to {where or 'another path'}"
        return self.error(kind, _MESSAGES[kind], detail=detail, status=status, headers=headers)

    def interrupted(self, detail: str = "") -> ProviderError:
        return self.error(ErrorKind.INTERRUPTED, _INTERRUPTED, detail=detail)

    def broken_off(self, kind: ErrorKind, word: str) -> ProviderError:
        return self.error(kind, _BROKEN_OFF, word=word)

    def empty(self, word: str) -> ProviderError:
        return self.error(ErrorKind.EMPTY, _EMPTY, word=word)

    def malformed(self, what: str, *, body: bytes = b"") -> ProviderError:
        detail = " ".join((what, body[:2000].decode("utf-8", "replace")))
        return self.error(ErrorKind.MALFORMED, _MALFORMED, detail=detail)

    def page(self, body: bytes) -> ProviderError:
        return self.error(ErrorKind.MALFORMED, _PAGE, detail=read_wording(body).message, status=200)

    def foreign(self) -> ProviderError:
        return self.error(ErrorKind.MALFORMED, _FOREIGN)

    def nothing(self, content_type: str) -> ProviderError:
        """Return what a body without a single byte means."""
        if "event-stream" in content_type:
            return self.interrupted("The stream was empty.")
        return self.malformed("The answer was empty.")

    def bad_key(self) -> ProviderError:
        return self.error(ErrorKind.AUTH, _BAD_KEY)

    def veil(self) -> Veil:
        """Return what keeps this request's key out of a growing text."""
        return Veil(self._secrets[0])

    def safe(self, text: str) -> str:
        """Return a provider's words as they may be shown and stored."""
        return shorten(redact(storable(text[:20_000]), self._secrets), DETAIL_LIMIT)


def _plain(word: str) -> str:
    """Return a provider's word as it may stand in a message."""
    return re.sub(r"[^\w .-]", "", word)[:40]
