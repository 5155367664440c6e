"""The HTTP client under both SDKs: no redirects, no cookies, no retries, no headers but ours.

One client per runner serves every provider; the key travels in the headers of its own request. A client costs 17 ms
and 0.9 MB, an SDK object around a shared one 0.1 ms (measured 2026-11-24), so there is nothing to cache per key and no
key is kept. Connections are pooled per host; cookies are refused, so two keys at one host share nothing.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, suppress
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx2

from core import recording
from core.errors import ProviderError
from core.events import StreamEvent
from core.runners import Timeouts
from core.runners.answer import Answer
from core.runners.failures import Failures
from core.runners.network import broken, causes, unreachable
from core.runners.sse import AnswerReader
from core.types import Route

# Everything else is dropped at the door. The SDKs add headers from the environment (OPENAI_CUSTOM_HEADERS,
# OPENAI_ORG_ID, OPENAI_PROJECT_ID, ANTHROPIC_CUSTOM_HEADERS, tracing) to every request, whoever receives it. Those kept
# here are set by us on each request, which wins over the environment.
_SENT_HEADERS = frozenset(
    [
        "host",
        "accept",
        "accept-encoding",
        "connection",
        "content-type",
        "content-length",
        "transfer-encoding",
        "user-agent",
        "authorization",
        "x-api-key",
        "anthropic-version",
    ]
)
_LISTING_READ_S = 30.0
_ERROR_BODY_LIMIT = 200_000  # bytes
# A proxy of the environment is for the world outside: what is asked of this machine, key and all, stays on it.
_LOOPBACK = ("all://localhost", "all://127.0.0.1", "all://[::1]")
# How long a server that has said why it stopped may go on before the answer counts as complete: a usage chunk may still
# come; after the protocol's own end mark only the end of the body, which lets the connection be used again.
_AFTER_FINISH_S = 5.0
_AFTER_END_MARK_S = 0.1


class Wire:
    """The HTTP client of one runner. Made on first use, inside the loop that uses it."""

    def __init__(self, timeouts: Timeouts) -> None:
        self._timeouts = timeouts
        self._client: httpx2.AsyncClient | None = None

    @property
    def client(self) -> httpx2.AsyncClient:
        if self._client is None:
            # The SDKs and the client log URLs at INFO, and prompts at DEBUG.
            for name in ("openai", "anthropic", "httpx2", "httpcore2"):
                logging.getLogger(name).setLevel(logging.WARNING)
            self._client = httpx2.AsyncClient(
                follow_redirects=False,
                timeout=self.timeout(),
                mounts=dict.fromkeys(_LOOPBACK),
                limits=httpx2.Limits(max_connections=None, max_keepalive_connections=20),
                cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
                event_hooks={"request": [_keep_our_headers], "response": [_stop_at_errors]},
            )
        return self._client

    def timeout(self, *, read_s: float | None = None) -> httpx2.Timeout:
        return httpx2.Timeout(read_s, connect=self._timeouts.connect_s, pool=None, write=None)

    @property
    def listing_timeout(self) -> httpx2.Timeout:
        """For short answers, which nobody watches."""
        return self.timeout(read_s=_LISTING_READ_S)

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()


class ErrorAnswer(Exception):
    """A response without success, with as much of its body as could be read. It prints nothing of it."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        super().__init__(f"status {status}")
        self.status = status
        self.headers = headers
        self.body = body


# What comes out of an SDK's request besides its own errors: openai lets pass what is not of httpx2, for example an
# OverflowError in an ExceptionGroup for port 99999 (openai 3.54, 2026-11-24).
UNANSWERED = (ErrorAnswer, httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError, OverflowError, ExceptionGroup)


async def _stop_at_errors(response: httpx2.Response) -> None:
    """Raise ErrorAnswer here, for both SDKs alike: anthropic loses the status when the body is cut or badly packed."""
    recording.answered(response.status_code)
    if response.is_success:
        return
    body = bytearray()
    with suppress(httpx2.HTTPError):
        async for chunk in response.aiter_bytes():
            body += chunk
            recording.received(chunk)
            if len(body) > _ERROR_BODY_LIMIT:
                break
    raise ErrorAnswer(response.status_code, response.headers, bytes(body))


async def _keep_our_headers(request: httpx2.Request) -> None:
    for name in [name for name in request.headers if name.lower() not in _SENT_HEADERS]:
        del request.headers[name]
    recording.sent(request.method, str(request.url), request.content)


def our_headers() -> dict[str, str]:
    """The headers of every request that the environment could otherwise change."""
    return {"Accept": "application/json", "Content-Type": "application/json", "User-Agent": "Switchboard"}


def check_key(route: Route) -> None:
    """Raise ProviderError for a key that no header can carry, before an exception with the key in it does."""
    if not (route.secret.isascii() and route.secret.isprintable()):
        raise Failures(route).bad_key()


async def read_answer(response: httpx2.Response, answer: Answer) -> AsyncGenerator[StreamEvent, None]:
    """Yield the events of a response with status 200 and close it, however the reading ends.

    Raises ProviderError. A connection that breaks after the finish reason does no harm: the answer is complete.
    """
    reader = AnswerReader(answer, content_type=response.headers.get("content-type", ""))
    try:
        async with aclosing(_chunks(response, answer)) as chunks:
            async for chunk in chunks:
                for event in reader.feed(chunk):
                    yield event
        for event in reader.end():
            yield event
    finally:
        await response.aclose()


async def _chunks(response: httpx2.Response, answer: Answer) -> AsyncGenerator[bytes, None]:
    chunks = aiter(response.aiter_bytes())
    while True:
        failure = None
        patience = _AFTER_END_MARK_S if answer.is_done else _AFTER_FINISH_S if answer.is_finished else None
        try:
            async with asyncio.timeout(patience):
                chunk = await anext(chunks)
        except (StopAsyncIteration, TimeoutError):
            return
        except httpx2.HTTPError as error:
            failure = broken(error, answer.failures)
        if failure is not None:
            if answer.is_finished:
                return
            raise failure
        recording.received(chunk)
        yield chunk


async def read_body(response: httpx2.Response, failures: Failures) -> bytes:
    """Return the whole body of a short answer. Raises ProviderError."""
    try:
        return await response.aread()
    except httpx2.HTTPError as error:
        raise broken(error, failures) from None
    finally:
        await response.aclose()


def error_answer(error: BaseException) -> ErrorAnswer | None:
    """Return the error answer that an exception from an SDK is about, if there was an answer."""
    return next((cause for cause in causes(error) if isinstance(cause, ErrorAnswer)), None)


def failure_of(error: BaseException, failures: Failures) -> ProviderError:
    """Return what an exception before the first byte of an answer means."""
    answer = error_answer(error)
    if answer is None:
        return unreachable(error, failures)
    if 300 <= answer.status < 400:
        return failures.redirected(answer.status, answer.headers.get("location", ""), answer.headers)
    return failures.refused(answer.body, status=answer.status, headers=answer.headers)
