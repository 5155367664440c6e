import asyncio
import json
import socket
import ssl
import traceback
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from core.errors import ErrorKind, ProviderError
from core.runners import Runner, Timeouts
from core.runners.anthropic_messages import AnthropicMessagesRunner
from core.runners.failures import Failures, retry_after_s
from core.runners.openai_chat import OpenAIChatRunner
from tests.core.runners.support import CANARY, HELLO, ask, make_route
from tests.servers.anthropic_server import AnthropicServer
from tests.servers.base import Framing, Reply, Stop, json_reply, page_reply, raw_reply
from tests.servers.openai_server import OpenAIServer, error_reply, sse

RUNNERS: list[Callable[[Timeouts], Runner]] = [OpenAIChatRunner, AnthropicMessagesRunner]
K = ErrorKind


def openai(message: str, code: Any = None, type: str | None = "invalid_request_error") -> dict[str, Any]:
    return {"error": {"message": message, "type": type, "param": None, "code": code}}


def anthropic(type: str, message: str) -> dict[str, Any]:
    return {"type": "error", "error": {"type": type, "message": message}}


def gemini(code: int, status: str, message: str, *details: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"error": {"code": code, "message": message, "status": status, "details": list(details)}}]


def openrouter(code: int, message: str, raw: str) -> dict[str, Any]:
    return {"error": {"message": message, "code": code, "metadata": {"raw": raw, "provider_name": "Up"}}}


# (who, status, body, kind). MiniMax, Moonshot, Gemini and Groq as in the sources named in core/runners/rules.py.
REFUSALS: list[tuple[str, int, Any, ErrorKind]] = [
    # The key
    ("openai", 401, openai("Incorrect API key provided: sk-ab***yz.", "invalid_api_key"), K.AUTH),
    ("openai no key", 401, openai("You didn't provide an API key."), K.AUTH),
    ("anthropic", 401, anthropic("authentication_error", "invalid x-api-key"), K.AUTH),
    ("gemini 400", 400, gemini(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key."), K.AUTH),
    ("gemini reason", 400, gemini(400, "INVALID_ARGUMENT", "Bad.", {"reason": "API_KEY_INVALID"}), K.AUTH),
    ("gemini expired", 400, gemini(400, "INVALID_ARGUMENT", "API key expired. Please renew the API key."), K.AUTH),
    (
        "xai",
        400,
        {"code": "Client specified an invalid argument", "error": "Incorrect API key provided: te***st."},
        K.AUTH,
    ),
    ("litellm without a database", 400, openai("No connected db.", None, "no_db_connection"), K.AUTH),
    ("openrouter", 401, {"error": {"message": "No auth credentials found", "code": 401}}, K.AUTH),
    ("mistral", 401, {"detail": "Unauthorized"}, K.AUTH),
    ("glm", 401, {"error": {"code": "1000", "message": "身份验证失败"}}, K.AUTH),
    (
        "deepseek",
        401,
        openai("Authentication Fails, Your api key: ****1234 is invalid", "invalid_request_error"),
        K.AUTH,
    ),
    ("synthetic empty", 401, b"", K.AUTH),
    ("moonshot", 401, openai("Invalid Authentication", None, "invalid_authentication_error"), K.AUTH),
    # What the key may do
    ("openai project", 403, openai("Project `p` does not have access to model `m`", "model_not_found"), K.PERMISSION),
    ("anthropic", 403, anthropic("permission_error", "Your API key does not have permission"), K.PERMISSION),
    ("openai country", 403, openai("Country not supported", "unsupported_country_region_territory"), K.PERMISSION),
    ("gemini", 403, gemini(403, "PERMISSION_DENIED", "Generative Language API has not been used"), K.PERMISSION),
    # Not found
    ("openai model", 404, openai("The model `gpt-9` does not exist", "model_not_found"), K.NOT_FOUND),
    ("anthropic model", 404, anthropic("not_found_error", "model: claude-9"), K.NOT_FOUND),
    ("deepseek model", 400, openai("Model Not Exist"), K.NOT_FOUND),
    ("openrouter model", 400, {"error": {"message": "test-model is not a valid model ID", "code": 400}}, K.NOT_FOUND),
    ("mistral model", 400, {"object": "error", "message": "Invalid model: x", "type": "invalid_model"}, K.NOT_FOUND),
    ("glm model", 400, {"error": {"code": "1211", "message": "模型不存在"}}, K.NOT_FOUND),
    ("ollama model", 404, openai('model "x" not found, try pulling it first', None, "api_error"), K.NOT_FOUND),
    ("azure deployment", 404, openai("The API deployment does not exist.", "DeploymentNotFound"), K.NOT_FOUND),
    ("gemini model", 404, gemini(404, "NOT_FOUND", "models/x is not found for API version v1main"), K.NOT_FOUND),
    ("openai path", 404, openai("Invalid URL (POST /chat/completions)"), K.NOT_FOUND),
    ("fastapi path", 404, {"detail": "Not Found"}, K.NOT_FOUND),
    ("method", 405, {"detail": "Method Not Allowed"}, K.NOT_FOUND),
    ("go path", 404, b"404 page not found", K.NOT_FOUND),
    # Money
    ("moonshot inactive", 403, openai("not active", None, "exceeded_current_quota_error"), K.QUOTA),
    ("minimax", 200, {"base_resp": {"status_code": 1008, "status_msg": "insufficient balance"}}, K.QUOTA),
    ("openai", 429, openai("You exceeded your current quota", "insufficient_quota", "insufficient_quota"), K.QUOTA),
    ("anthropic", 400, anthropic("invalid_request_error", "Your credit balance is too low to access"), K.QUOTA),
    (
        "anthropic limit",
        400,
        anthropic("invalid_request_error", "You have reached your specified API usage limits."),
        K.QUOTA,
    ),
    ("deepseek", 402, openai("Insufficient Balance"), K.QUOTA),
    ("openrouter", 402, {"error": {"message": "This request requires more credits", "code": 402}}, K.QUOTA),
    ("qwen", 400, {"error": {"code": "Arrearage", "message": "Access denied"}}, K.QUOTA),
    ("qwen free tier", 403, {"code": "AllocationQuota.FreeTierOnly", "message": "The free tier is exhausted"}, K.QUOTA),
    ("glm", 429, {"error": {"code": "1113", "message": "您的账户已欠费"}}, K.QUOTA),
    ("glm number", 429, {"error": {"code": 1113, "message": "x"}}, K.QUOTA),
    ("moonshot", 429, openai("suspended", None, "exceeded_current_quota_error"), K.QUOTA),
    (
        "xai",
        403,
        {"code": "x", "error": "Your team has used all available credits or reached its monthly spending limit"},
        K.QUOTA,
    ),
    ("litellm budget", 400, openai("Budget has been exceeded!", "400", "budget_exceeded"), K.QUOTA),
    (
        "gemini per day",
        429,
        gemini(
            429,
            "RESOURCE_EXHAUSTED",
            "You exceeded your current quota. Please retry in 37.2s.",
            {"violations": [{"quotaId": "GenerateRequestsPerDayPerProject-FreeTier"}]},
        ),
        K.QUOTA,
    ),
    # Slower
    ("openai", 429, openai("Rate limit reached for gpt-x", "rate_limit_exceeded", "requests"), K.RATE_LIMIT),
    ("anthropic", 429, anthropic("rate_limit_error", "would exceed your rate limit"), K.RATE_LIMIT),
    (
        "gemini per minute",
        429,
        gemini(429, "RESOURCE_EXHAUSTED", "You exceeded your current quota.\nPlease retry in 37.2s."),
        K.RATE_LIMIT,
    ),
    (
        "gemini per minute without a delay",
        429,
        gemini(429, "RESOURCE_EXHAUSTED", "You exceeded your current quota.", {"quotaId": "TokensPerMinute-FreeTier"}),
        K.RATE_LIMIT,
    ),
    ("glm", 429, {"error": {"code": "1302", "message": "您的账户已达到速率限制"}}, K.RATE_LIMIT),
    ("qwen", 429, {"error": {"code": "Throttling.RateQuota", "message": "Requests rate limit exceeded"}}, K.RATE_LIMIT),
    ("synthetic empty", 429, b"", K.RATE_LIMIT),
    ("nginx", 429, b"<html><h1>429 Too Many Requests</h1></html>", K.RATE_LIMIT),
    # Busy and broken
    ("anthropic", 529, anthropic("overloaded_error", "Overloaded"), K.OVERLOADED),
    ("moonshot", 429, openai("The engine is currently overloaded", None, "engine_overloaded_error"), K.OVERLOADED),
    ("llama.cpp", 503, openai("Loading model", 503, "unavailable_error"), K.OVERLOADED),
    ("gemini", 503, gemini(503, "UNAVAILABLE", "The model is overloaded."), K.OVERLOADED),
    ("together", 500, openai("server is busy"), K.OVERLOADED),
    ("openai conflict", 409, openai("lock"), K.OVERLOADED),
    ("openai", 500, openai("The server had an error", None, "server_error"), K.SERVER_ERROR),
    ("cloudflare", 502, b"<html><title>502 Bad Gateway</title></html>", K.SERVER_ERROR),
    ("cloudflare 521", 521, b"<html><title>Web server is down</title></html>", K.SERVER_ERROR),
    ("gateway", 504, b"upstream request timeout", K.TIMEOUT),
    ("request time-out", 408, b"", K.TIMEOUT),
    ("cloudflare 524", 524, b"<html></html>", K.TIMEOUT),
    # Too long, too large
    (
        "openai",
        400,
        openai("This model's maximum context length is 8 tokens.", "context_length_exceeded"),
        K.CONTEXT_LENGTH,
    ),
    (
        "vllm",
        400,
        {"object": "error", "message": "This model's maximum context length is 8 tokens.", "code": 400},
        K.CONTEXT_LENGTH,
    ),
    (
        "llama.cpp",
        400,
        openai("the request exceeds the available context size", 400, "exceed_context_size_error"),
        K.CONTEXT_LENGTH,
    ),
    (
        "anthropic",
        400,
        anthropic("invalid_request_error", "prompt is too long: 9 tokens > 8 maximum"),
        K.CONTEXT_LENGTH,
    ),
    (
        "anthropic sum",
        400,
        anthropic("invalid_request_error", "input length and `max_tokens` exceed context limit: 9 + 8"),
        K.CONTEXT_LENGTH,
    ),
    (
        "gemini",
        400,
        gemini(400, "INVALID_ARGUMENT", "The input token count (9) exceeds the maximum number of tokens allowed"),
        K.CONTEXT_LENGTH,
    ),
    ("qwen", 400, openai("Range of input length should be [1, 30720]"), K.CONTEXT_LENGTH),
    (
        "xai",
        400,
        {"code": "x", "error": "This model's maximum prompt length is 8 but the request contains 9 tokens."},
        K.CONTEXT_LENGTH,
    ),
    ("moonshot", 400, openai("Your request exceeded model token limit: 8192"), K.CONTEXT_LENGTH),
    (
        "openrouter raw",
        400,
        openrouter(400, "Provider returned error", json.dumps(openai("maximum context length is 8"))),
        K.CONTEXT_LENGTH,
    ),
    (
        "groq minute",
        413,
        openai("Request too large for model `m` on tokens per minute (TPM)", "rate_limit_exceeded", "tokens"),
        K.PAYLOAD_TOO_LARGE,
    ),
    (
        "openai minute",
        429,
        openai("Request too large for gpt-x on tokens per min", "rate_limit_exceeded", "tokens"),
        K.PAYLOAD_TOO_LARGE,
    ),
    ("anthropic", 413, anthropic("request_too_large", "Request exceeds the maximum size"), K.PAYLOAD_TOO_LARGE),
    ("nginx", 413, b"<html><title>413 Request Entity Too Large</title></html>", K.PAYLOAD_TOO_LARGE),
    # Content
    ("azure", 400, openai("triggering Azure OpenAI's content management policy", "content_filter"), K.CONTENT_FILTER),
    ("qwen", 400, openai("Input data may contain inappropriate content.", "data_inspection_failed"), K.CONTENT_FILTER),
    ("glm", 400, {"contentFilter": [], "error": {"code": "1301", "message": "x"}}, K.CONTENT_FILTER),
    (
        "openrouter",
        403,
        {"error": {"code": 403, "message": "Your input was flagged by moderation", "metadata": {}}},
        K.CONTENT_FILTER,
    ),
    # Parameters and the rest
    ("openai", 400, openai("Unsupported parameter: 'x'", "unsupported_parameter"), K.UNSUPPORTED_PARAMETER),
    (
        "openai value",
        400,
        openai("'temperature' does not support 0.2 with this model.", "unsupported_value"),
        K.UNSUPPORTED_PARAMETER,
    ),
    (
        "mistral",
        422,
        {"detail": [{"type": "extra_forbidden", "loc": ["body", "x"], "msg": "Extra inputs are not permitted"}]},
        K.UNSUPPORTED_PARAMETER,
    ),
    (
        "gemini",
        400,
        gemini(400, "INVALID_ARGUMENT", 'Invalid JSON payload received. Unknown name "x": Cannot find field.'),
        K.UNSUPPORTED_PARAMETER,
    ),
    ("openai", 400, openai("messages must alternate"), K.BAD_REQUEST),
    ("mistral", 422, {"detail": [{"loc": ["body", "messages"], "msg": "field required"}]}, K.BAD_REQUEST),
    ("json string", 400, b'"just text"', K.BAD_REQUEST),
    ("plain text", 400, b"just text", K.BAD_REQUEST),
    ("teapot", 418, b"", K.BAD_REQUEST),
    ("octet-stream with json", 400, json.dumps(openai("Model Not Exist")).encode(), K.NOT_FOUND),
    ("json in a message", 400, openai(json.dumps(openai("prompt is too long"))), K.CONTEXT_LENGTH),
    (
        "deep nonsense",
        400,
        {"error": {"error": {"error": {"error": {"error": {"error": {"error": "x"}}}}}}},
        K.BAD_REQUEST,
    ),
    ("null error", 400, {"error": None}, K.BAD_REQUEST),
    (
        "openrouter upstream",
        429,
        openrouter(429, "Provider returned error", "up is temporarily rate-limited upstream"),
        K.RATE_LIMIT,
    ),
]


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [pytest.param(*case[1:], id=f"{case[3].value} {case[1]} {case[0]}") for case in REFUSALS],
)
def test_an_error_answer_has_its_kind_and_says_whose_it_is(status: int, body: Any, kind: ErrorKind) -> None:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    error = Failures(make_route()).refused(raw, status=status, headers={})
    assert error.kind is kind
    assert "Acme AI" in error.message and error.message.endswith(".")
    assert error.http_status == status
    assert error.detail is not None and error.detail.startswith(str(status))


def test_every_kind_that_a_provider_can_cause_is_in_the_table() -> None:
    ours = {K.NETWORK, K.INTERRUPTED, K.MALFORMED, K.REDIRECT_BLOCKED, K.EMPTY, K.CANCELLED, K.BUDGET, K.INTERNAL}
    assert {case[3] for case in REFUSALS} == set(ErrorKind) - ours


@pytest.mark.parametrize(
    ("status", "body", "about"),
    [
        (404, openai("The model `x` does not exist", "model_not_found"), "the model"),
        (404, anthropic("not_found_error", "model: x"), "the model"),
        (404, openai("test-model is gone"), "the model"),
        (404, openai("Invalid URL (POST /v1/v1/chat/completions)"), "at this address"),
        (404, {"detail": "Not Found"}, "at this address"),
        (404, b"<html><title>The model page</title></html>", "at this address"),
        (405, b"", "at this address"),
    ],
)
def test_an_unknown_model_is_told_from_a_wrong_path(status: int, body: Any, about: str) -> None:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    assert about in Failures(make_route()).refused(raw, status=status).message


def test_the_detail_has_every_message_from_the_outside_in() -> None:
    body = openrouter(502, "Provider returned error", json.dumps({"error": {"message": "upstream is sad"}}))
    assert Failures(make_route()).refused(body, status=502).detail == "502 Provider returned error — upstream is sad"


def test_the_detail_is_short_and_one_line() -> None:
    detail = Failures(make_route()).refused("word\n" * 5000, status=500).detail
    assert detail is not None and len(detail) <= 600 and "\n" not in detail


NOW = datetime(2026, 11, 24, 10, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": " 3 "}, 3),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        (
            {
                "retry-after": format_datetime(NOW + timedelta(seconds=30), usegmt=True),
                "date": format_datetime(NOW, usegmt=True),
            },
            30,
        ),
        ({"retry-after": format_datetime(NOW - timedelta(days=1), usegmt=True)}, 0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after-ms": "x", "retry-after": "2"}, 2),
    ],
)
def test_retry_after_is_read_in_every_form(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_s(headers) == seconds


def test_gemini_s_retry_delay_is_read_from_the_body() -> None:
    body = gemini(429, "RESOURCE_EXHAUSTED", "slow down", {"@type": "RetryInfo", "retryDelay": "23s"})
    assert Failures(make_route()).refused(body, status=429, headers={}).retry_after_s == 23


# Over the wire.


@pytest.mark.parametrize("make", RUNNERS)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(make: Callable[[Timeouts], Runner], status: int) -> None:
    with OpenAIServer() as other, OpenAIServer() as server:
        target = other.origin.replace("//", f"//user:{CANARY}@") + f"/v1/chat/completions?key={CANARY}"
        server.next = Reply(status=status, headers={"Location": target}, framing=Framing.LENGTH)
        outcome = ask(make, make_route(server.url))
        assert other.requests == []
    assert outcome.error is not None and outcome.kind is K.REDIRECT_BLOCKED
    assert outcome.error.detail == f"{status} to {other.origin}"


@pytest.mark.parametrize("make", RUNNERS)
@pytest.mark.parametrize("location", ["http://[broken", "http://host:port/", "\x7f://"])
def test_a_redirect_to_nonsense_is_still_one(make: Callable[[Timeouts], Runner], location: str) -> None:
    with OpenAIServer() as server:
        server.next = Reply(status=307, headers={"Location": location}, framing=Framing.LENGTH)
        assert ask(make, make_route(server.url)).kind is K.REDIRECT_BLOCKED


def closed_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.mark.parametrize("make", RUNNERS)
def test_network_failures_are_told_apart_in_words(make: Callable[[Timeouts], Runner]) -> None:
    def fail(url: str) -> tuple[ErrorKind | None, str]:
        outcome = ask(make, make_route(url))
        assert outcome.error is not None and "Acme AI" in outcome.error.message
        return outcome.kind, outcome.error.message

    kind, message = fail(f"http://127.0.0.1:{closed_port()}")
    assert kind is K.NETWORK and "refused the connection" in message
    with OpenAIServer() as server:
        kind, message = fail(server.url.replace("http:", "https:"))
        assert kind is K.NETWORK and "TLS" in message
        server.replies += [
            Reply((Stop.CLOSE,), framing=Framing.RAW),
            Reply((b"SSH-2.0-OpenSSH\r\n",), framing=Framing.RAW),
        ]
        for _ in range(2):
            kind, message = fail(server.url)
            assert kind is K.NETWORK and "without an answer" in message
    for url in ("nonsense", "ftp://127.0.0.1/x", "http://127.0.0.1:99999", "http://a:b", ""):
        kind, message = fail(url)
        assert kind is K.BAD_REQUEST and "base URL" in message


@pytest.mark.parametrize("make", RUNNERS)
def test_a_name_that_is_not_found_is_said_so(
    make: Callable[[Timeouts], Runner], monkeypatch: pytest.MonkeyPatch
) -> None:
    def not_found(*args: object, **kwargs: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", not_found)
    outcome = ask(make, make_route("http://no-such-host.invalid"))
    assert outcome.error is not None and outcome.kind is K.NETWORK and "DNS" in outcome.error.message


def self_signed(folder: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = (
        builder.serial_number(1).not_valid_before(NOW - timedelta(days=1)).not_valid_after(NOW + timedelta(days=1))
    )
    file = folder / "server.pem"
    file.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        + builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


@pytest.mark.parametrize("make", RUNNERS)
def test_a_certificate_that_is_not_trusted_is_said_so(make: Callable[[Timeouts], Runner], tmp_path: Path) -> None:
    with OpenAIServer(tls=self_signed(tmp_path)) as server:
        outcome = ask(make, make_route(server.url))
    assert outcome.error is not None and outcome.kind is K.NETWORK and "certificate" in outcome.error.message


@pytest.mark.parametrize("make", RUNNERS)
def test_a_connection_that_is_not_accepted_times_out(make: Callable[[Timeouts], Runner]) -> None:
    # A full backlog leaves the next connection unanswered.
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        fillers = [socket.socket() for _ in range(4)]
        try:
            for filler in fillers:
                filler.setblocking(False)
                filler.connect_ex(("127.0.0.1", port))
            outcome = ask(make, make_route(f"http://127.0.0.1:{port}"), connect_s=0.2)
        finally:
            for filler in fillers:
                filler.close()
    assert outcome.error is not None and outcome.kind is K.TIMEOUT and "connection in time" in outcome.error.message


@pytest.mark.parametrize("make", RUNNERS)
def test_an_error_answer_that_breaks_off_still_tells_its_status(make: Callable[[Timeouts], Runner]) -> None:
    with OpenAIServer() as server:
        server.replies += [
            Reply((b'{"error": ', Stop.CLOSE), status=401),
            Reply((b"not gzip",), status=401, headers={"Content-Encoding": "gzip"}),
            Reply((b"x" * 300_000,), status=401),
        ]
        assert [ask(make, make_route(server.url)).kind for _ in range(3)] == [K.AUTH] * 3


@pytest.mark.parametrize("make", RUNNERS)
@pytest.mark.parametrize("key", ["sk-with\nbreak-1234567", "sk-schlüssel-123456", "sk-\u200b1234567890"])
def test_a_key_that_no_header_can_carry_is_refused_without_showing_it(
    make: Callable[[Timeouts], Runner], key: str
) -> None:
    outcome = ask(make, make_route("http://127.0.0.1:1", key=key))
    assert outcome.error is not None and outcome.kind is K.AUTH
    assert_no_key(outcome.error, key, *key.split())


def assert_no_key(error: ProviderError, *secrets: str) -> None:
    shown = "".join(traceback.format_exception(error))
    shown += f"{error!s} {error!r} {error.message} {error.detail} {error.request_id} {error.args}"
    for secret in secrets:
        assert secret not in shown


ECHOES = [
    json_reply({"error": {"message": f"Bad key {CANARY}", "code": CANARY, "type": CANARY}}, 401),
    json_reply({"detail": f"Authorization: Bearer {CANARY}"}, 403, {"x-request-id": f"req-{CANARY}"}),
    Reply((f"<html><title>{CANARY}</title></html>".encode(),), status=500, headers={"Content-Type": "text/html"}),
    page_reply(title=CANARY),
    Reply((CANARY.encode(),), status=400),
    Reply((CANARY.encode(),)),
    Reply(status=307, headers={"Location": f"http://{CANARY}.example/{CANARY}?k={CANARY}"}, framing=Framing.LENGTH),
    Reply(status=307, headers={"Location": f"http://[{CANARY}"}, framing=Framing.LENGTH),
    raw_reply(sse({"error": {"message": CANARY}})),
    raw_reply(sse({"type": "error", "error": {"type": CANARY, "message": CANARY}})),
    raw_reply(sse({"choices": [{"index": 0, "delta": {}, "finish_reason": CANARY}]})),
    raw_reply(sse({"type": "message_delta", "delta": {"stop_reason": CANARY}})),
    Reply((f"HTTP/1.1 {CANARY}\r\n\r\n".encode(),), framing=Framing.RAW),
    Reply((f"HTTP/1.1 200 OK\r\n{CANARY}\r\n\r\n".encode(),), framing=Framing.RAW),
    Reply((CANARY.encode(),), headers={"Content-Encoding": "gzip"}),
]


@pytest.mark.parametrize("make", RUNNERS)
@pytest.mark.parametrize("reply", ECHOES)
def test_a_key_that_the_server_sends_back_is_never_shown(make: Callable[[Timeouts], Runner], reply: Reply) -> None:
    with OpenAIServer() as server:
        server.by_model["test-model"] = reply
        outcome = ask(make, make_route(server.url))
    assert outcome.error is not None
    assert_no_key(outcome.error, CANARY)


def test_a_key_in_the_small_print_of_an_answer_is_never_kept() -> None:
    body = {"id": CANARY, "model": CANARY, "choices": [{"message": {"content": "Hi"}, "finish_reason": CANARY}]}
    with OpenAIServer() as server:
        server.replies += [json_reply(body), json_reply(body, 200, {"x-request-id": CANARY})]
        for _ in range(2):
            assert CANARY not in repr(ask(OpenAIChatRunner, make_route(server.url)))


@pytest.mark.parametrize("make", RUNNERS)
def test_cancelling_before_the_answer_begins_hangs_up(make: Callable[[Timeouts], Runner]) -> None:
    async def run(server: OpenAIServer) -> None:
        runner = make(Timeouts())
        events = runner.stream(make_route(server.url), HELLO)
        task = asyncio.ensure_future(anext(events))
        request = await asyncio.to_thread(server.wait_for, 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(request.hung_up.wait, 5)
        await runner.close()

    with OpenAIServer() as server:
        server.next = Reply((Stop.HANG,), framing=Framing.RAW)
        asyncio.run(run(server))


@pytest.mark.parametrize("make", RUNNERS)
def test_nothing_of_a_request_is_logged(make: Callable[[Timeouts], Runner], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(0)
    with AnthropicServer() as server:
        server.next = error_reply(401, f"Bad key {CANARY}")
        ask(make, make_route(server.url))
    text = "\n".join(f"{record.getMessage()} {record.exc_text}" for record in caplog.records)
    assert CANARY not in text and "Hello there" not in text
