"""What the agent's program says when a turn fails, word for word as it said it, against our kinds of errors."""

import pytest

from core.errors import ErrorKind, ProviderError
from core.runners.agent_failures import SessionLost, failure
from core.runners.failures import Failures
from core.types import Key, KeySource, Model, Provider, Route, Secret

KEY = "sk-ant-test-0123456789abcdefghijklmnop"
REFUSED = "API Error: Connection refused — a firewall or proxy may be blocking it (ECONNREFUSED)"
NO_NAME = "API Error: Can't reach the API server — check your internet or DNS (ENOTFOUND)"
TOO_LONG = "Prompt is too long · the request is ~300000 tokens (limit 200000); reduce attached files/tools."
NO_MODEL = "There's an issue with the selected model (m). It may not exist or you may not have access to it."
CUT = "API Error: API returned an empty or malformed response (HTTP 200): stream_truncated, StreamTruncatedError."


@pytest.fixture
def failures() -> Failures:
    provider = Provider("loopback", "Loopback", "claude_agent", "http://[::1]:9")
    return Failures(Route(provider, Model("loopback", "m", "M"), Key(Secret(KEY), KeySource.STORED), "chosen"))


@pytest.mark.parametrize(
    ("status", "word", "text", "kind", "message"),
    [
        (None, "server_error", REFUSED, ErrorKind.NETWORK, "refused the connection"),
        (None, "server_error", NO_NAME, ErrorKind.NETWORK, "was not found (DNS)"),
        (None, "server_error", "API Error: Connection error.", ErrorKind.NETWORK, "cannot be reached"),
        (None, "server_error", "API Error: Connection timed out", ErrorKind.TIMEOUT, "took too long"),
        (None, "server_error", "API Error: Server error mid-response.", ErrorKind.INTERRUPTED, "broke off"),
        (None, "unknown", CUT, ErrorKind.INTERRUPTED, "broke off"),
        (None, "unknown", "API Error: malformed response (HTTP 200)", ErrorKind.MALFORMED, "cannot be read"),
        (None, "rate_limit", "", ErrorKind.RATE_LIMIT, "no more requests"),
        (None, "authentication_failed", "", ErrorKind.AUTH, "refused the API key"),
        (None, None, "", ErrorKind.SERVER_ERROR, "an error of its own"),
        (400, "invalid_request", TOO_LONG, ErrorKind.CONTEXT_LENGTH, "too long for m"),
        (400, "unknown", "API Error: 400 odd", ErrorKind.BAD_REQUEST, "refused the request for m"),
        (401, "authentication_failed", "", ErrorKind.AUTH, "refused the API key"),
        (402, "unknown", "API Error: 402 no credit", ErrorKind.QUOTA, "no credit"),
        (403, "oauth_org_not_allowed", "", ErrorKind.PERMISSION, "does not allow this key"),
        (404, "model_not_found", NO_MODEL, ErrorKind.NOT_FOUND, "the model m or the address"),
        (429, "rate_limit", "API Error: Request rejected (429) · slow", ErrorKind.RATE_LIMIT, "no more requests"),
        (500, "server_error", "API Error: 500 oops. try again", ErrorKind.SERVER_ERROR, "an error of its own"),
        (529, "server_error", "API Error: 529 Overloaded.", ErrorKind.OVERLOADED, "is overloaded"),
    ],
)
def test_what_the_program_says_becomes_our_kind_of_error(
    failures: Failures, status: int | None, word: str | None, text: str, kind: ErrorKind, message: str
) -> None:
    error = failure(failures, text, status=status, word=word)
    assert isinstance(error, ProviderError)
    assert (error.kind, error.http_status) == (kind, status)
    assert "Loopback" in error.message and message in error.message


def test_a_key_in_the_programs_words_is_not_shown_and_its_prefix_neither(failures: Failures) -> None:
    error = failure(failures, f"API Error: 400 odd {KEY}", status=400)
    assert isinstance(error, ProviderError)
    assert error.detail == "400 odd ***"


def test_a_session_that_the_program_does_not_know_is_no_error_of_the_provider(failures: Failures) -> None:
    text = "No conversation found with session ID: 11111111-1111-4111-8111-111111111111"
    assert isinstance(failure(failures, text), SessionLost)
