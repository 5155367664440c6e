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
from tests.wire.refusals import anthropic, gemini, openai, openrouter

RUNNERS: list[Callable[[Timeouts], Runner]] = [OpenAIChatRunner, AnthropicMessagesRunner]
K = ErrorKind


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


@pytest.mark.parametrize("make", RUNNERS)
def test_a_proxy_of_the_environment_never_sees_what_is_asked_of_this_machine(
    make: Callable[[Timeouts], Runner], monkeypatch: pytest.MonkeyPatch
) -> None:
    with OpenAIServer() as proxy, OpenAIServer() as server:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.origin)
            monkeypatch.setenv(name.lower(), proxy.origin)
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        for host in ("127.0.0.1", "localhost"):
            ask(make, make_route(server.url.replace("127.0.0.1", host)))
        assert (len(proxy.requests), len(server.requests)) == (0, 2)
        ask(make, make_route("http://elsewhere.invalid/v1"))
        assert [request.headers["host"] for request in proxy.requests] == ["elsewhere.invalid"]


@pytest.mark.parametrize("make", RUNNERS)
def test_no_password_of_a_netrc_file_is_sent(
    make: Callable[[Timeouts], Runner], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password leak\ndefault login someone password leak\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with OpenAIServer() as server:
        for key in (CANARY, None):
            ask(make, make_route(server.url, key=key))
        assert [request.headers.get("authorization") for request in server.requests] == [f"Bearer {CANARY}", None]
