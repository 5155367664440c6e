"""The agent runner against a loopback Messages API, through the real program that the SDK's package brings along."""

import asyncio
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import ErrorKind, ProviderError
from core.events import (
    Completed,
    Notice,
    ReasoningDelta,
    SessionStarted,
    StreamEvent,
    TextConfirmed,
    TextDelta,
    UsageReport,
)
from core.runners import Timeouts, claude_agent
from core.runners.agent_environment import child_environment
from core.runners.claude_agent import ClaudeAgentRunner
from core.types import (
    ChatMessage,
    ChatRequest,
    FinishReason,
    Key,
    KeySource,
    Model,
    Provider,
    Role,
    Route,
    Secret,
    Thinking,
)
from tests.core.runners.agent_support import KEY, needs_program
from tests.servers.claude_messages import WAIT_S, ClaudeMessages, Reply, serve

CANARY = "canary-4f1d8a7c"
SESSION = "11111111-1111-4111-8111-111111111111"
STOP_LIMIT_S = 3.0  # generous for a busy machine; a bare disconnect takes 5


def route(url: str, model_id: str = "claude-sonnet-5-5") -> Route:
    provider = Provider("loopback", "Loopback", "claude_agent", url)
    return Route(provider, Model("loopback", model_id, model_id), Key(Secret(KEY), KeySource.STORED), "chosen")


def request(
    *texts: str, system: str | None = None, session_id: str | None = None, max_output_tokens: int | None = None
) -> ChatRequest:
    roles = (Role.USER, Role.ASSISTANT)
    messages = tuple(ChatMessage(roles[index % 2], text) for index, text in enumerate(texts))
    return ChatRequest(messages, system=system, session_id=session_id, max_output_tokens=max_output_tokens)


async def collect(
    runner: ClaudeAgentRunner, chosen: Route, asked: ChatRequest, *, until: type[StreamEvent] | None = None
) -> list[StreamEvent]:
    events: list[StreamEvent] = []
    async with aclosing(runner.stream(chosen, asked)) as stream:
        async for event in stream:
            events.append(event)
            if until is not None and isinstance(event, until):
                break
    return events


def answer(server: ClaudeMessages, asked: ChatRequest, model_id: str = "claude-sonnet-5-5") -> list[StreamEvent]:
    async def run() -> list[StreamEvent]:
        runner = ClaudeAgentRunner(Timeouts())
        events = await collect(runner, route(server.url, model_id), asked)
        await runner.close()
        return events

    return asyncio.run(run())


def text_of(events: list[StreamEvent]) -> str:
    """Read the events as the contract says."""
    confirmed = draft = ""
    for event in events:
        if isinstance(event, TextDelta):
            draft += event.text
        elif isinstance(event, TextConfirmed):
            confirmed, draft = confirmed + event.text, ""
    return confirmed + draft


def completed(events: list[StreamEvent]) -> Completed:
    assert sum(isinstance(event, Completed) for event in events) == 1
    last = events[-1]
    assert isinstance(last, Completed)
    return last


def children() -> list[Path]:
    """Return the /proc folders of our running programs."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            status = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(status[1]) == os.getpid() and status[0] != "Z" and b"claude" in (folder / "cmdline").read_bytes():
            found.append(folder)
    return found


@needs_program
def test_a_turn_gives_reasoning_text_usage_and_a_session() -> None:
    with serve(Reply(thinking="Let me see.")) as server:
        events = answer(server, request("Hi", system="Be brief."))
    assert "".join(event.text for event in events if isinstance(event, ReasoningDelta)) == "Let me see."
    assert text_of(events) == "Hello from the loopback."
    last = completed(events)
    assert (last.finish_reason, last.raw_finish_reason) == (FinishReason.STOP, "end_turn")
    assert last.served_model == "claude-sonnet-5-5" and last.session_id
    assert (last.usage.input_tokens, last.usage.output_tokens) == (10 + 20 + 30, 7)
    assert (last.usage.cache_read_tokens, last.usage.cache_write_tokens) == (20, 30)
    assert (last.usage.reported_cost_usd, last.usage.longest_prompt_tokens) == (None, None)
    body = server.received[0].json
    assert (body["model"], body["tools"]) == ("claude-sonnet-5-5", [])
    assert body["system"][-1]["text"] == "Be brief."


@needs_program
def test_text_is_streamed_while_the_provider_still_writes() -> None:
    gate = threading.Event()

    async def run(url: str) -> tuple[list[StreamEvent], list[StreamEvent]]:
        runner = ClaudeAgentRunner(Timeouts())
        before: list[StreamEvent] = []
        after: list[StreamEvent] = []
        async with aclosing(runner.stream(route(url), request("Hi"))) as stream:
            async for event in stream:
                (after if gate.is_set() else before).append(event)
                if isinstance(event, TextDelta):
                    gate.set()
        return before, after

    with serve(Reply(blocks=("abcdef",), gate=gate)) as server:
        before, after = asyncio.run(run(server.url))
    assert text_of(before) == "abc"
    assert any(isinstance(event, UsageReport) for event in before)
    assert text_of(before + after) == "abcdef"


@needs_program
def test_no_secret_of_ours_reaches_the_program_and_nothing_but_the_messages_api_is_called(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = ["ANTHROPIC_API_KEY", "ANTHROPIC_CUSTOM_HEADERS", "CLAUDE_CODE_OAUTH_TOKEN", "AWS_SECRET_ACCESS_KEY"]
    for name in [*names, "OPENAI_API_KEY", "DB_PASSWORD", "DATABASE_URL", "github_token", "ENCRYPTION_KEY"]:
        monkeypatch.setenv(name, f"x-{name.lower()}: {CANARY}" if "HEADERS" in name else CANARY)
    environments: list[bytes] = []

    async def run(url: str) -> None:
        async with aclosing(ClaudeAgentRunner(Timeouts()).stream(route(url), request("Hi", system="s"))) as stream:
            async for event in stream:
                if isinstance(event, TextDelta) and not environments:
                    environments.extend((child / "environ").read_bytes() for child in children())
                    commands = [(child / "cmdline").read_bytes() for child in children()]
                    assert not any(KEY.encode() in command for command in commands)

    with serve(Reply()) as server, serve(Reply()) as trap:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, trap.url)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        asyncio.run(run(server.url))
    if sys.platform == "linux":
        assert environments and all(KEY.encode() in environment for environment in environments)
    assert not any(CANARY.encode() in environment for environment in environments)
    assert not trap.received
    assert [(sent.method, sent.path.partition("?")[0]) for sent in server.received] == [("POST", "/v1/messages")]
    assert CANARY not in repr(server.received)
    headers = server.received[0].headers
    assert (headers["authorization"], headers["x-api-key"]) == (f"Bearer {KEY}", KEY)


@needs_program
def test_a_refused_key_is_told_once_without_the_key_and_without_trying_again() -> None:
    with (
        serve(Reply(status=401, error=("authentication_error", f"invalid x-api-key {KEY}"))) as server,
        pytest.raises(ProviderError) as caught,
    ):
        answer(server, request("Hi"))
    error = caught.value
    assert (error.kind, error.http_status) == (ErrorKind.AUTH, 401)
    assert "Loopback" in error.message and KEY not in f"{error.message} {error.detail}"
    assert len(server.received) == 1


@needs_program
@pytest.mark.parametrize(
    ("status", "word", "message", "kind"),
    [
        (400, "invalid_request_error", "prompt is too long: 300000 tokens > 200000 maximum", ErrorKind.CONTEXT_LENGTH),
        (400, "invalid_request_error", f"odd {KEY}", ErrorKind.BAD_REQUEST),
        (402, "billing_error", "no credit", ErrorKind.QUOTA),
        (404, "not_found_error", "model: nope", ErrorKind.NOT_FOUND),
        (529, "overloaded_error", "Overloaded", ErrorKind.OVERLOADED),
    ],
)
def test_an_error_result_becomes_our_kind_of_error(status: int, word: str, message: str, kind: ErrorKind) -> None:
    with serve(Reply(status=status, error=(word, message))) as server, pytest.raises(ProviderError) as caught:
        answer(server, request("Hi"))
    assert (caught.value.kind, caught.value.http_status) == (kind, status)
    assert KEY not in f"{caught.value.message} {caught.value.detail}"
    assert len(server.received) <= 3


async def by_cancelling(runner: ClaudeAgentRunner, chosen: Route) -> float:
    has_text = asyncio.Event()

    async def consume() -> None:
        async with aclosing(runner.stream(chosen, request("Hi"))) as stream:
            async for event in stream:
                if isinstance(event, TextDelta):
                    has_text.set()

    task = asyncio.create_task(consume())
    await asyncio.wait_for(has_text.wait(), WAIT_S)
    began_s = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    return time.monotonic() - began_s


async def by_closing(runner: ClaudeAgentRunner, chosen: Route) -> float:
    stream = runner.stream(chosen, request("Hi"))
    async for event in stream:
        if isinstance(event, TextDelta):
            break
    began_s = time.monotonic()
    await stream.aclose()
    return time.monotonic() - began_s


@needs_program
@pytest.mark.parametrize("stop", [by_cancelling, by_closing])
def test_stopping_ends_the_program_and_hangs_up_at_once(
    stop: Callable[[ClaudeAgentRunner, Route], "asyncio.Future[float]"],
) -> None:
    async def run(url: str) -> float:
        return await stop(ClaudeAgentRunner(Timeouts()), route(url))

    with serve(Reply(holds=True)) as server:
        assert asyncio.run(run(server.url)) < STOP_LIMIT_S
        assert server.hung_up.wait(STOP_LIMIT_S)
        assert len(server.received) == 1
    assert not children()


@needs_program
def test_a_slow_reader_can_stop_a_fast_answer() -> None:
    """The answer would fill the SDK's buffer of 100 messages, behind which the interrupt's own answer would wait."""

    async def run(server: ClaudeMessages) -> float:
        stream = ClaudeAgentRunner(Timeouts()).stream(route(server.url), request("Hi"))
        assert isinstance(await anext(stream), SessionStarted)
        assert await asyncio.to_thread(server.held.wait, WAIT_S)
        began_s = time.monotonic()
        await stream.aclose()
        return time.monotonic() - began_s

    with serve(Reply(blocks=("word",) * 200, holds=True)) as server:
        assert asyncio.run(run(server)) < STOP_LIMIT_S
        assert server.hung_up.wait(STOP_LIMIT_S)


@needs_program
def test_a_session_is_resumed_and_remembers_the_conversation() -> None:
    async def run(url: str) -> tuple[str | None, str | None]:
        runner = ClaudeAgentRunner(Timeouts())
        first = completed(await collect(runner, route(url), request("My name is Ada.")))
        asked = request("My name is Ada.", "Hello Ada.", "Who am I?", session_id=first.session_id)
        second = completed(await collect(runner, route(url), asked))
        return first.session_id, second.session_id

    with serve(Reply(blocks=("Hello Ada.",)), Reply(blocks=("Ada.",))) as server:
        first, second = asyncio.run(run(server.url))
    assert first and second and first != second  # each reply keeps the session as it left it
    messages = [message for message in server.received[1].json["messages"] if message["role"] != "system"]
    assert [message["role"] for message in messages] == ["user", "assistant", "user"]
    assert messages[1]["content"][0]["text"] == "Hello Ada."
    assert messages[2]["content"][0]["text"] == "Who am I?"


@needs_program
@pytest.mark.parametrize("session_id", [None, SESSION])
def test_without_a_session_the_conversation_goes_along_as_text_and_a_lost_one_is_told(session_id: str | None) -> None:
    with serve() as server:
        events = answer(server, request("My name is Ada.", "Hello Ada.", "Who am I?", session_id=session_id))
    (sent,) = server.received
    prompt = sent.json["messages"][0]["content"]
    assert "My name is Ada." in prompt and "Hello Ada." in prompt and prompt.endswith("Who am I?")
    assert text_of(events) == "Hello from the loopback."
    assert [event for event in events if isinstance(event, Notice)] == events[: 1 if session_id else 0]


@needs_program
def test_a_broken_answer_goes_on_after_what_was_confirmed() -> None:
    with serve(Reply(blocks=("One.",), breaks=True), Reply(blocks=(" Two.",))) as server:
        events = answer(server, request("Count"))
    assert TextDelta("Unfini") in events and TextConfirmed("") in events
    assert text_of(events) == "One. Two."
    assert completed(events).usage.input_tokens == 2 * 60
    assert completed(events).usage.longest_prompt_tokens == 60  # what decides over a price by prompt length


@needs_program
def test_a_try_that_fails_before_its_first_block_ends_is_taken_back() -> None:
    with serve(Reply(blocks=(), breaks=True), Reply(blocks=("Again.",))) as server:
        events = answer(server, request("Hi"))
    assert TextDelta("Unfini") in events
    assert text_of(events) == "Again."


@needs_program
def test_a_length_limit_ends_the_turn_instead_of_asking_for_more() -> None:
    with serve(Reply(stop_reason="max_tokens"), Reply(holds=True)) as server:
        events = answer(server, request("Hi", max_output_tokens=16))
        assert server.received[0].json["max_tokens"] == 16
        assert len(server.received) == 1 or server.hung_up.wait(STOP_LIMIT_S)
        assert len(server.received) <= 2
    assert text_of(events) == "Hello from the loopback."
    assert completed(events).finish_reason is FinishReason.LENGTH
    assert completed(events).usage.output_tokens == 7 and completed(events).session_id


@needs_program
def test_an_answer_without_a_finish_reason_is_not_complete() -> None:
    with serve(Reply(stop_reason=None)) as server, pytest.raises(ProviderError) as caught:
        answer(server, request("Hi"))
    assert caught.value.kind is ErrorKind.INTERRUPTED


@needs_program
@pytest.mark.parametrize("text", ["@/etc/passwd", "/compact now"])
def test_a_message_arrives_as_it_was_written(text: str) -> None:
    with serve() as server:
        answer(server, request(text))
    (sent,) = server.received
    assert sent.json["messages"][0]["content"] == text
    assert "root:" not in sent.body


@needs_program
def test_a_model_that_is_not_claude_is_not_asked_to_think() -> None:
    with serve() as server:
        answer(server, request("Hi"), "deepseek-chat")
    assert "thinking" not in server.received[0].json


@needs_program
@pytest.mark.parametrize("thinking", [Thinking.LOW, Thinking.HIGH])
def test_how_much_to_think_is_passed_on(thinking: Thinking) -> None:
    with serve() as server:
        answer(server, replace(request("Hi"), thinking=thinking))
        assert server.received[0].json["output_config"]["effort"] == thinking.value


@needs_program
def test_a_third_agent_waits_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claude_agent, "NOTICE_S", 0.05)

    async def run(url: str) -> list[StreamEvent]:
        runner = ClaudeAgentRunner(Timeouts())
        running = [runner.stream(route(url), request("Hi")) for _ in range(2)]
        for stream in running:
            while not isinstance(await anext(stream), TextDelta):
                pass
        waiting = asyncio.create_task(collect(runner, route(url), request("Hi")))
        third = runner.stream(route(url), request("Hi"))
        assert isinstance(await anext(third), Notice)
        await third.aclose()
        for stream in running:
            await stream.aclose()
        return await waiting

    with serve(Reply(holds=True), Reply(holds=True), Reply()) as server:
        events = asyncio.run(run(server.url))
    assert isinstance(events[0], Notice)
    assert text_of(events) == "Hello from the loopback."


def test_a_missing_program_is_told(tmp_path: Path) -> None:
    async def run() -> None:
        await collect(
            ClaudeAgentRunner(Timeouts(), program=tmp_path / "claude"), route("http://[::1]:9"), request("Hi")
        )

    with pytest.raises(ProviderError, match=r"program of claude-agent-sdk is missing.*Plain chat works"):
        asyncio.run(run())


def test_a_missing_package_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "claude_agent_sdk", None)
    with pytest.raises(ProviderError, match=r"package claude-agent-sdk is not installed.*Plain chat works"):
        asyncio.run(collect(ClaudeAgentRunner(Timeouts()), route("http://[::1]:9"), request("Hi")))


@pytest.fixture
def overlay(tmp_path: Path) -> Iterator[Callable[[dict[str, str]], dict[str, str]]]:
    yield lambda inherited: child_environment(inherited, route("https://api.example.com"), tmp_path)


def test_the_childs_environment_blanks_all_but_what_it_needs(
    overlay: Callable[[dict[str, str]], dict[str, str]],
) -> None:
    kept = {"PATH": "/bin", "LC_ALL": "C", "HTTPS_PROXY": "http://proxy"}
    blanked = {
        "AWS_PROFILE": "x",
        "CLAUDE_CODE_USE_BEDROCK": "1",
        "DATABASE_URL": "x",
        "some_token": "x",
        "EDITOR": "x",
    }
    result = overlay(kept | blanked | {"ANTHROPIC_BASE_URL": "http://elsewhere", "HOME": "/home/me"})
    assert {name: result[name] for name in blanked} == dict.fromkeys(blanked, "")
    assert not kept.keys() & result.keys()
    assert result["ANTHROPIC_BASE_URL"] == "https://api.example.com"
    assert result["HOME"] != "/home/me" and result["CLAUDE_CONFIG_DIR"].startswith(result["HOME"])


def test_the_anthropic_url_of_another_protocols_provider_is_used(tmp_path: Path) -> None:
    provider = Provider("d", "D", "openai", "https://d.example/v1", anthropic_base_url="https://d.example/anthropic")
    chosen = Route(provider, Model("d", "m", "M"), None, "chosen")
    assert child_environment({}, chosen, tmp_path)["ANTHROPIC_BASE_URL"] == "https://d.example/anthropic"


def test_a_provider_without_a_url_never_falls_back_to_the_vendors(tmp_path: Path) -> None:
    with pytest.raises(ProviderError, match="the address"):
        child_environment({}, route(""), tmp_path)


def test_it_lists_no_models() -> None:
    assert asyncio.run(ClaudeAgentRunner(Timeouts()).models(route("http://[::1]:9"))) == []
