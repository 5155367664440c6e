import asyncio
import gzip
import json
import random
import threading
import time
from typing import Any

import pytest

from core.errors import ErrorKind, ProviderError
from core.events import Completed, StreamEvent, TextDelta
from core.runners import Timeouts
from core.runners.openai_chat import OpenAIChatRunner
from core.types import ChatMessage, ChatRequest, FinishReason, ModelInfo, ProviderFlag, Role
from tests.core.runners.support import CANARY, HELLO, Outcome, ask, list_models, make_route
from tests.core.runners.test_openai_chunks import RICH, RICH_OUTCOME, cut
from tests.servers.base import Framing, Reply, Stop, json_reply, page_reply, raw_reply
from tests.servers.openai_server import OpenAIServer, completion, error_reply, sse, stream_reply
from tests.wire.chat import DONE, END, say


def test_only_what_was_asked_for_is_sent() -> None:
    messages = (
        ChatMessage(Role.USER, "One"),
        ChatMessage(Role.USER, "Two"),
        ChatMessage(Role.ASSISTANT, ""),
        ChatMessage(Role.ASSISTANT, "Three"),
        ChatMessage(Role.USER, "Four \ud83d"),
    )
    with OpenAIServer(api_key=CANARY) as server:
        outcome = ask(OpenAIChatRunner, make_route(server.url), ChatRequest(messages, system="Be brief."))
        sent = server.requests[0]
    assert outcome.text == "Four \ufffd"
    assert sent.json == {
        "model": "test-model",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "One\n\nTwo"},
            {"role": "assistant", "content": "Three"},
            {"role": "user", "content": "Four \ufffd"},
        ],
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    assert b"null" not in sent.body


def test_the_environment_adds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "org-leak")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-leak")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-leak")
    monkeypatch.setenv("OPENAI_ADMIN_KEY", "sk-leak")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://leak.invalid")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Leak: leak\nAuthorization: Bearer leak\nUser-Agent: leak")
    for key in (CANARY, None):
        with OpenAIServer(models=["a"]) as server:
            assert ask(OpenAIChatRunner, make_route(server.url, key=key)).text == "Hello there"
            list_models(OpenAIChatRunner, make_route(server.url, key=key))
            for request in server.requests:
                assert "leak" not in json.dumps(request.headers)
                assert request.headers.get("authorization") == (f"Bearer {key}" if key else None)
                assert not [name for name in request.headers if name.startswith(("x-", "openai-", "traceparent"))]


def test_cookies_are_not_kept() -> None:
    with OpenAIServer() as server:
        server.next = Reply(
            stream_reply("Hello").steps,
            headers={"Content-Type": "text/event-stream", "Set-Cookie": "session=1; Path=/"},
        )

        async def twice() -> None:
            runner = OpenAIChatRunner(Timeouts())
            for key in ("sk-first-1", "sk-second-2"):
                assert [event async for event in runner.stream(make_route(server.url, key=key), HELLO)]
            await runner.close()

        asyncio.run(twice())
        assert [request.headers["authorization"] for request in server.requests] == [
            "Bearer sk-first-1",
            "Bearer sk-second-2",
        ]
        assert all("cookie" not in request.headers for request in server.requests)


@pytest.mark.parametrize(
    "refusal",
    [
        error_reply(400, "Unknown parameter: 'stream_options'.", code="unknown_parameter"),
        error_reply(400, "stream_options is not supported"),
        json_reply({"detail": [{"type": "extra_forbidden", "loc": ["body", "stream_options"], "msg": "Extra"}]}, 422),
        json_reply({"error": {"message": "bad field", "param": "stream_options", "code": None}}, 400),
    ],
)
def test_refused_stream_options_are_left_out_once_and_remembered(refusal: Reply) -> None:
    with OpenAIServer() as server:
        server.next = refusal
        outcome = ask(OpenAIChatRunner, make_route(server.url))
        assert (outcome.text, outcome.flags) == ("Hello there", [ProviderFlag.NO_STREAM_OPTIONS])
        assert ["stream_options" in request.json for request in server.requests] == [True, False]


def test_a_known_flag_is_used_from_the_start() -> None:
    flags = [ProviderFlag.NO_STREAM_OPTIONS, ProviderFlag.MAX_COMPLETION_TOKENS]
    with OpenAIServer() as server:
        request = ChatRequest(HELLO.messages, max_output_tokens=16)
        outcome = ask(OpenAIChatRunner, make_route(server.url, flags=flags), request)
        sent = server.requests[0].json
    assert outcome.flags == [] and len(sent) == 4
    assert sent["max_completion_tokens"] == 16 and "max_tokens" not in sent


@pytest.mark.parametrize(
    ("flags", "refusal", "learned", "name"),
    [
        (
            [],
            "Unsupported parameter: 'max_tokens' is not supported here. Use 'max_completion_tokens' instead.",
            ProviderFlag.MAX_COMPLETION_TOKENS,
            "max_completion_tokens",
        ),
        (
            [ProviderFlag.MAX_COMPLETION_TOKENS],
            "Unrecognized request argument supplied: max_completion_tokens",
            ProviderFlag.MAX_TOKENS,
            "max_tokens",
        ),
    ],
)
def test_a_refused_limit_is_sent_under_its_other_name(
    flags: list[ProviderFlag], refusal: str, learned: ProviderFlag, name: str
) -> None:
    with OpenAIServer() as server:
        server.next = error_reply(400, refusal)
        request = ChatRequest(HELLO.messages, max_output_tokens=16)
        outcome = ask(OpenAIChatRunner, make_route(server.url, flags=flags), request)
        assert (outcome.text, outcome.flags) == ("Hello there", [learned])
        assert server.requests[1].json[name] == 16


def test_both_parameters_may_be_refused_one_after_the_other() -> None:
    with OpenAIServer() as server:
        server.replies += [
            error_reply(400, "Unknown field stream_options"),
            error_reply(400, "Use max_completion_tokens instead"),
        ]
        outcome = ask(OpenAIChatRunner, make_route(server.url), ChatRequest(HELLO.messages, max_output_tokens=16))
        assert outcome.flags == [ProviderFlag.NO_STREAM_OPTIONS, ProviderFlag.MAX_COMPLETION_TOKENS]
        assert len(server.requests) == 3


@pytest.mark.parametrize(
    "refusal",
    [
        error_reply(400, "max_tokens is too large: 90000. This model supports at most 4096."),
        error_reply(400, "temperature is not supported"),
        error_reply(429, "stream_options"),
        error_reply(401, "no"),
    ],
)
def test_other_refusals_are_not_tried_again(refusal: Reply) -> None:
    with OpenAIServer() as server:
        server.by_model["test-model"] = refusal
        outcome = ask(OpenAIChatRunner, make_route(server.url), ChatRequest(HELLO.messages, max_output_tokens=16))
        assert outcome.error is not None and outcome.flags == []
        assert len(server.requests) == 1


def test_a_refusal_that_stays_is_tried_once_and_teaches_nothing() -> None:
    with OpenAIServer() as server:
        server.by_model["test-model"] = error_reply(400, "Unknown parameter: stream_options")
        outcome = ask(OpenAIChatRunner, make_route(server.url))
        assert (outcome.kind, outcome.flags, len(server.requests)) == (ErrorKind.UNSUPPORTED_PARAMETER, [], 2)


def test_the_request_id_comes_from_the_header_first() -> None:
    with OpenAIServer() as server:
        server.next = Reply(stream_reply("Hello").steps, headers={"x-request-id": "req_9"})
        outcome = ask(OpenAIChatRunner, make_route(server.url))
    assert outcome.completed is not None and outcome.completed.request_id == "req_9"


def test_json_and_pages_with_status_200_over_the_wire() -> None:
    with OpenAIServer() as server:
        server.replies += [json_reply(completion("Hello")), page_reply(title="Sign in")]
        assert ask(OpenAIChatRunner, make_route(server.url)).text == "Hello"
        outcome = ask(OpenAIChatRunner, make_route(server.url))
    assert outcome.error is not None and outcome.kind is ErrorKind.MALFORMED
    assert "web page" in outcome.error.message and outcome.error.detail == "Sign in"


def test_gzip_is_unpacked() -> None:
    body = gzip.compress(sse(say("Hello")) + sse(END) + DONE)
    headers = {"Content-Type": "text/event-stream", "Content-Encoding": "gzip"}
    with OpenAIServer() as server:
        server.replies += [Reply((body[:9], body[9:]), headers=headers), Reply((b"not gzip",), headers=headers)]
        assert ask(OpenAIChatRunner, make_route(server.url)).text == "Hello"
        assert ask(OpenAIChatRunner, make_route(server.url)).kind is ErrorKind.MALFORMED


@pytest.mark.parametrize("stop", [Stop.CLOSE, Stop.RESET])
def test_a_connection_that_breaks_keeps_the_text(stop: Stop) -> None:
    gate = threading.Event()

    async def run(url: str) -> Outcome:
        outcome, runner = Outcome(), OpenAIChatRunner(Timeouts())
        try:
            async for event in runner.stream(make_route(url), HELLO):
                outcome.add(event)
                gate.set()  # a reset may overtake text that was not read yet
        except ProviderError as error:
            outcome.error = error
        await runner.close()
        return outcome

    with OpenAIServer() as server:
        server.next = raw_reply(sse(say("Hello")), gate, stop)
        outcome = asyncio.run(run(server.url))
    assert (outcome.text, outcome.kind) == ("Hello", ErrorKind.INTERRUPTED)


def test_a_connection_that_breaks_after_the_finish_reason_does_no_harm() -> None:
    with OpenAIServer() as server:
        server.next = raw_reply(sse(say("Hello")), sse(END), Stop.CLOSE)
        assert ask(OpenAIChatRunner, make_route(server.url)).finish is FinishReason.STOP


def test_a_body_that_never_ends_is_complete_after_the_end_mark() -> None:
    with OpenAIServer() as server:
        server.next = raw_reply(sse(say("Hello")), sse(END), DONE, Stop.HANG)
        assert ask(OpenAIChatRunner, make_route(server.url)).finish is FinishReason.STOP
        assert server.requests[0].hung_up.wait(5)


def test_a_server_that_does_not_end_after_the_finish_reason_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.runners.http._AFTER_FINISH_S", 0.05)
    with OpenAIServer() as server:
        server.next = raw_reply(sse(say("Hello")), sse(END), Stop.HANG)
        assert ask(OpenAIChatRunner, make_route(server.url)).finish is FinishReason.STOP


def test_the_connection_is_used_again_after_a_complete_answer() -> None:
    async def run(url: str) -> None:
        runner = OpenAIChatRunner(Timeouts())
        for _ in range(3):
            assert [event async for event in runner.stream(make_route(url), HELLO)]
        await runner.close()

    with OpenAIServer() as server:
        asyncio.run(run(server.url))
        assert len({request.port for request in server.requests}) == 1


def test_cancelling_hangs_up_at_once() -> None:
    async def run(url: str) -> float:
        runner = OpenAIChatRunner(Timeouts())
        started = asyncio.Event()

        async def consume() -> None:
            async for event in runner.stream(make_route(url), HELLO):
                assert isinstance(event, TextDelta)
                started.set()

        task = asyncio.create_task(consume())
        await started.wait()
        before = time.perf_counter()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        took = time.perf_counter() - before
        assert await asyncio.to_thread(server.requests[0].hung_up.wait, 5)
        await runner.close()
        return took

    with OpenAIServer() as server:
        server.next = raw_reply(sse(say("Hello")), Stop.HANG)
        assert asyncio.run(run(server.url)) < 1


def test_leaving_the_iterator_hangs_up() -> None:
    async def run(url: str) -> None:
        runner = OpenAIChatRunner(Timeouts())
        events = runner.stream(make_route(url), HELLO)
        assert await anext(events) == TextDelta("Hello")
        await events.aclose()
        assert await asyncio.to_thread(server.requests[0].hung_up.wait, 5)
        await runner.close()

    with OpenAIServer() as server:
        server.next = raw_reply(sse(say("Hello")), Stop.HANG)
        asyncio.run(run(server.url))


def test_text_arrives_before_the_answer_ends() -> None:
    gate = threading.Event()

    async def run(url: str) -> list[StreamEvent]:
        runner = OpenAIChatRunner(Timeouts())
        seen: list[StreamEvent] = []
        async for event in runner.stream(make_route(url), HELLO):
            seen.append(event)
            gate.set()
        await runner.close()
        return seen

    with OpenAIServer() as server:
        server.next = raw_reply(sse(say("Hello")), gate, sse(END))
        seen = asyncio.run(run(server.url))
    assert seen[0] == TextDelta("Hello") and isinstance(seen[-1], Completed)


def test_two_keys_at_one_server_at_the_same_time_do_not_mix() -> None:
    async def run(url: str) -> None:
        runner = OpenAIChatRunner(Timeouts())

        async def one(number: int) -> None:
            route = make_route(url, key=f"sk-key-{number}")
            request = ChatRequest((ChatMessage(Role.USER, f"message {number}"),))
            text = [event.text async for event in runner.stream(route, request) if isinstance(event, TextDelta)]
            assert "".join(text) == f"message {number}"

        await asyncio.gather(*(one(number) for number in range(20)))
        await runner.close()

    with OpenAIServer() as server:
        asyncio.run(run(server.url))
        for request in server.requests:
            number = request.json["messages"][0]["content"].split()[1]
            assert request.headers["authorization"] == f"Bearer sk-key-{number}"


def test_random_splits_over_the_wire() -> None:
    places = random.Random(7).sample(range(1, len(RICH)), 25)
    with OpenAIServer() as server:
        server.next = Reply(tuple(cut(RICH, places)), framing=Framing.CLOSE)
        outcome = ask(OpenAIChatRunner, make_route(server.url))
    assert (outcome.text, outcome.reasoning) == (RICH_OUTCOME.text, RICH_OUTCOME.reasoning)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"object": "list", "data": [{"id": "a"}, {"id": "a"}, {"id": "b"}]}, [ModelInfo("a"), ModelInfo("b")]),
        ([{"id": "a", "display_name": "A!"}], [ModelInfo("a", "A!")]),
        ({"models": ["a", {"name": "models/b"}]}, [ModelInfo("a"), ModelInfo("b", "models/b")]),
        ({"data": [None, {}, {"id": ""}, {"id": 3}, {"id": "a", "name": "a"}]}, [ModelInfo("a")]),
        ({"data": []}, []),
        ({"data": [{"id": "a", "context_length": 8000}]}, [ModelInfo("a", context_tokens=8000)]),
        (
            {"data": [{"id": "a", "context_window": 8000, "max_completion_tokens": 100}]},
            [ModelInfo("a", None, 8000, 100)],
        ),
        ({"data": [{"id": "a", "max_model_len": 8000}]}, [ModelInfo("a", context_tokens=8000)]),
        (
            {"data": [{"id": "a", "context_length": None, "top_provider": {"max_completion_tokens": 9}}]},
            [ModelInfo("a", max_output_tokens=9)],
        ),
    ],
)
def test_model_lists_of_all_shapes(body: Any, expected: list[ModelInfo]) -> None:
    with OpenAIServer() as server:
        server.next = json_reply(body)
        assert list_models(OpenAIChatRunner, make_route(server.url)) == expected
        assert server.requests[0].path == "/v1/models"


@pytest.mark.parametrize("value", ["2027-03-01", "2027-03-01T00:00:00Z", 1803859200])
def test_a_shutdown_date_is_read(value: object) -> None:
    with OpenAIServer(models=[{"id": "a", "shutdown_date": value}, {"id": "b", "shutdown_date": "soon"}]) as server:
        first, second = list_models(OpenAIChatRunner, make_route(server.url))
    assert str(first.retires_on) == "2027-03-01" and second.retires_on is None


@pytest.mark.parametrize(
    ("reply", "kind", "word"),
    [
        (error_reply(404, "Not Found"), ErrorKind.NOT_FOUND, "model list"),
        (error_reply(401, "no"), ErrorKind.AUTH, "API key"),
        (page_reply(), ErrorKind.MALFORMED, "web page"),
        (json_reply({"hello": 1}), ErrorKind.MALFORMED, "base URL"),
        (json_reply({"error": {"message": "x", "code": "invalid_api_key"}}), ErrorKind.AUTH, "API key"),
        (Reply((b"nope",)), ErrorKind.MALFORMED, "base URL"),
        (Reply((b'{"data": [', Stop.CLOSE)), ErrorKind.NETWORK, "closed"),
    ],
)
def test_a_model_list_that_fails_says_why(reply: Reply, kind: ErrorKind, word: str) -> None:
    with OpenAIServer() as server:
        server.next = reply
        with pytest.raises(ProviderError) as caught:
            list_models(OpenAIChatRunner, make_route(server.url))
    assert caught.value.kind is kind and word in caught.value.message
