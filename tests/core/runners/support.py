"""What the tests of both protocol runners share: a route, and what an answer amounted to."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from hypothesis import HealthCheck, settings

from core.errors import ErrorKind, ProviderError
from core.events import (
    Completed,
    FlagLearned,
    LimitLearned,
    Notice,
    ReasoningDelta,
    StreamEvent,
    TextDelta,
    UsageReport,
)
from core.runners import Runner, Timeouts
from core.runners.answer import Answer
from core.runners.failures import Failures
from core.runners.sse import AnswerReader
from core.types import (
    ChatMessage,
    ChatRequest,
    FinishReason,
    Key,
    KeySource,
    Model,
    ModelInfo,
    Provider,
    ProviderFlag,
    Role,
    Route,
    Secret,
    Usage,
)

unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # machines are shared
CANARY = "sk-canary-4f9a1c77e2d84b5590aa"
HELLO = ChatRequest((ChatMessage(Role.USER, "Hello there"),))


def make_route(
    url: str = "https://api.example.com/v1",
    *,
    key: str | None = CANARY,
    protocol: str = "openai",
    flags: Iterable[ProviderFlag] = (),
    model: str = "test-model",
    max_output_tokens: int | None = None,
    thinking: str | None = None,
) -> Route:
    provider = Provider("p1", "Acme AI", protocol, url, flags=frozenset(flags))
    secret = Key(Secret(key), KeySource.STORED) if key is not None else None
    known = Model("p1", model, "Test", max_output_tokens=max_output_tokens, thinking=thinking)
    return Route(provider, known, secret, "chosen")


@dataclass
class Outcome:
    """What an answer amounted to, put together as the turn does it."""

    text: str = ""
    reasoning: str = ""
    usage: Usage | None = None  # the last report
    completed: Completed | None = None
    error: ProviderError | None = None
    notices: list[str] = field(default_factory=list)
    flags: list[ProviderFlag] = field(default_factory=list)
    limits: list[int] = field(default_factory=list)  # that refusals named

    def add(self, event: StreamEvent) -> None:
        assert self.completed is None, "nothing comes after Completed"
        match event:
            case TextDelta(text):
                self.text += text
            case ReasoningDelta(text):
                self.reasoning += text
            case UsageReport(usage):
                self.usage = usage
            case Notice(text):
                self.notices.append(text)
            case FlagLearned(flag):
                self.flags.append(flag)
            case LimitLearned(tokens):
                self.limits.append(tokens)
            case Completed():
                self.completed = event
            case _:
                raise AssertionError(event)

    @property
    def kind(self) -> ErrorKind | None:
        return self.error.kind if self.error else None

    @property
    def finish(self) -> FinishReason | None:
        return self.completed.finish_reason if self.completed else None

    @property
    def final_usage(self) -> Usage:
        assert self.completed is not None, self.error
        return self.completed.usage


def read_bytes(
    answer: Callable[[Failures], Answer], body: bytes | Iterable[bytes], *, content_type: str = "text/event-stream"
) -> Outcome:
    """Read a response body without a network."""
    outcome = Outcome()
    reader = AnswerReader(answer(Failures(make_route())), content_type=content_type)
    try:
        for piece in [body] if isinstance(body, bytes) else body:
            for event in reader.feed(piece):
                outcome.add(event)
        for event in reader.end():
            outcome.add(event)
    except ProviderError as error:
        outcome.error = error
    return outcome


def ask(
    make: Callable[[Timeouts], Runner],
    route: Route,
    request: ChatRequest = HELLO,
    *,
    connect_s: float = 5.0,
) -> Outcome:
    """Put one request through a runner of its own."""

    async def run() -> Outcome:
        outcome = Outcome()
        runner = make(Timeouts(connect_s=connect_s))
        try:
            async for event in runner.stream(route, request):
                outcome.add(event)
        except ProviderError as error:
            outcome.error = error
        finally:
            await runner.close()
        return outcome

    return asyncio.run(run())


def list_models(make: Callable[[Timeouts], Runner], route: Route) -> list[ModelInfo]:
    async def run() -> list[ModelInfo]:
        runner = make(Timeouts())
        try:
            return await runner.models(route)
        finally:
            await runner.close()

    return asyncio.run(run())
