import asyncio
import json

import pytest

from core.errors import ErrorKind, ProviderError
from core.events import TextDelta
from core.runners import Timeouts
from core.runners.anthropic_messages import AnthropicMessagesRunner, _headers
from core.types import ChatMessage, ChatRequest, ModelInfo, Role
from tests.core.runners.support import CANARY, HELLO, ask, list_models, make_route
from tests.servers.anthropic_server import (
    AnthropicServer,
    error_reply,
    message,
    message_delta,
    stream_reply,
    text_delta,
)
from tests.servers.base import Reply, Stop, json_reply, page_reply, raw_reply
from tests.wire.messages import END, START


def test_only_what_was_asked_for_is_sent() -> None:
    messages = (
        ChatMessage(Role.ASSISTANT, "Zero"),
        ChatMessage(Role.USER, "One"),
        ChatMessage(Role.ASSISTANT, " "),
        ChatMessage(Role.USER, "Two"),
        ChatMessage(Role.ASSISTANT, "Three"),
        ChatMessage(Role.USER, "Four"),
    )
    with AnthropicServer(api_key=CANARY) as server:
        outcome = ask(AnthropicMessagesRunner, make_route(server.url), ChatRequest(messages, system="Be brief."))
        sent = server.requests[0]
    assert outcome.text == "Four"
    assert (sent.path, sent.json) == (
        "/v1/messages",
        {
            "model": "test-model",
            "max_tokens": 8192,
            "messages": [
                {"role": "user", "content": "One\n\nTwo"},
                {"role": "assistant", "content": "Three"},
                {"role": "user", "content": "Four"},
            ],
            "stream": True,
            "system": "Be brief.",
        },
    )


@pytest.mark.parametrize(("asked", "most", "sent"), [(16, 64_000, 16), (None, 64_000, 64_000), (None, None, 8192)])
def test_the_required_limit_is_the_request_s_or_the_model_s(asked: int | None, most: int | None, sent: int) -> None:
    with AnthropicServer() as server:
        route = make_route(server.url, max_output_tokens=most)
        ask(AnthropicMessagesRunner, route, ChatRequest(HELLO.messages, max_output_tokens=asked))
        assert server.requests[0].json["max_tokens"] == sent
        assert set(server.requests[0].json) == {"model", "max_tokens", "messages", "stream"}


def test_the_key_goes_where_gateways_look_but_once_to_anthropic() -> None:
    with AnthropicServer() as server:
        ask(AnthropicMessagesRunner, make_route(server.url))
        headers = server.requests[0].headers
    assert (headers["authorization"], headers["x-api-key"]) == (f"Bearer {CANARY}", CANARY)
    own = _headers(make_route("https://api.anthropic.com"))
    assert own["Authorization"] == f"Bearer {CANARY}" and not isinstance(own["x-api-key"], str)


def test_the_environment_adds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-leak")
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", "leak")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://leak.invalid")
    monkeypatch.setenv(
        "ANTHROPIC_CUSTOM_HEADERS",
        "X-Leak: leak\nAuthorization: Bearer leak\nX-Api-Key: leak\nanthropic-version: leak\nanthropic-beta: leak",
    )
    for key in (CANARY, None):
        with AnthropicServer(models=["a"]) as server:
            assert ask(AnthropicMessagesRunner, make_route(server.url, key=key)).text == "Hello there"
            list_models(AnthropicMessagesRunner, make_route(server.url, key=key))
            for request in server.requests:
                assert "leak" not in json.dumps(request.headers)
                assert request.headers.get("x-api-key") == key
                assert request.headers["anthropic-version"] == "2026-10-21"


def test_json_pages_and_breaks_over_the_wire() -> None:
    with AnthropicServer() as server:
        server.replies += [
            json_reply(message("Hello")),
            page_reply(),
            raw_reply(START, text_delta("Hel"), Stop.CLOSE),
            raw_reply(START, text_delta("Hello"), message_delta("end_turn"), Stop.CLOSE),
            raw_reply(START, text_delta("Hello"), END, Stop.HANG),
            stream_reply("Hello", finish=None),
        ]
        outcomes = [ask(AnthropicMessagesRunner, make_route(server.url)) for _ in range(6)]
    assert [(outcome.text, outcome.kind) for outcome in outcomes] == [
        ("Hello", None),
        ("", ErrorKind.MALFORMED),
        ("Hel", ErrorKind.INTERRUPTED),
        ("Hello", None),
        ("Hello", None),
        ("Hello", ErrorKind.INTERRUPTED),
    ]


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (error_reply(401, "authentication_error", "invalid x-api-key"), ErrorKind.AUTH),
        (error_reply(400, "invalid_request_error", "Your credit balance is too low"), ErrorKind.QUOTA),
        (error_reply(529, "overloaded_error", "Overloaded"), ErrorKind.OVERLOADED),
        (error_reply(429, "rate_limit_error", "slow", retry_after="7"), ErrorKind.RATE_LIMIT),
        (error_reply(404, "not_found_error", "model: test-model"), ErrorKind.NOT_FOUND),
        (error_reply(413, "request_too_large", "big"), ErrorKind.PAYLOAD_TOO_LARGE),
    ],
)
def test_refusals_have_their_kind(reply: Reply, kind: ErrorKind) -> None:
    with AnthropicServer() as server:
        server.next = reply
        outcome = ask(AnthropicMessagesRunner, make_route(server.url))
    assert outcome.error is not None and outcome.kind is kind
    assert outcome.error.http_status == reply.status
    assert outcome.error.retry_after_s == (7 if reply.status == 429 else None)


def test_cancelling_hangs_up_at_once() -> None:
    async def run(url: str) -> None:
        runner = AnthropicMessagesRunner(Timeouts())
        started = asyncio.Event()

        async def consume() -> None:
            async for event in runner.stream(make_route(url), HELLO):
                if isinstance(event, TextDelta):
                    started.set()

        task = asyncio.create_task(consume())
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(server.requests[0].hung_up.wait, 5)
        await runner.close()

    with AnthropicServer() as server:
        server.next = raw_reply(START, text_delta("Hello"), Stop.HANG)
        asyncio.run(run(server.url))


def test_all_pages_of_the_model_list_are_read() -> None:
    ids = [f"model-{number}" for number in range(45)]
    with AnthropicServer(api_key=CANARY, models=ids) as server:
        assert [info.id for info in list_models(AnthropicMessagesRunner, make_route(server.url))] == ids
        assert [request.path for request in server.requests] == [
            "/v1/models?limit=1000",
            "/v1/models?limit=1000&after_id=model-19",
            "/v1/models?limit=1000&after_id=model-39",
        ]


def test_a_gateway_that_ignores_the_cursor_does_not_hang_the_list() -> None:
    page = json_reply({"data": [{"id": "a"}], "has_more": True, "last_id": "a"})
    with AnthropicServer() as server:
        server.replies += [page, page, page]
        assert list_models(AnthropicMessagesRunner, make_route(server.url)) == [ModelInfo("a")]
        assert len(server.requests) == 2


def test_a_model_s_limits_and_retirement_are_read() -> None:
    row = {
        "id": "claude-x",
        "display_name": "Claude X",
        "max_input_tokens": 200_000,
        "max_tokens": 64_000,
        "retires_at": "2027-03-01T00:00:00Z",
        "lifecycle": "deprecated",
    }
    with AnthropicServer(models=[row]) as server:
        (info,) = list_models(AnthropicMessagesRunner, make_route(server.url))
    assert (info.name, info.context_tokens, info.max_output_tokens) == ("Claude X", 200_000, 64_000)
    assert str(info.retires_on) == "2027-03-01"


def test_a_missing_model_list_is_said_so() -> None:
    with AnthropicServer() as server, pytest.raises(ProviderError) as caught:
        list_models(AnthropicMessagesRunner, make_route(server.url))
    assert caught.value.kind is ErrorKind.NOT_FOUND and "model list" in caught.value.message
