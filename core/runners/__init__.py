"""The runner contract and the table of protocols. A new protocol is one file and one row here."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Protocol

from core.events import StreamEvent
from core.types import ChatRequest, ModelInfo, Route


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds. A runner's HTTP client uses `connect_s` only and has no read timeout: whoever consumes the events
    watches the other two, so that comments and keep-alives on the wire count as neither a first event nor as activity.
    """

    connect_s: float = 5.0
    first_event_s: float = 120.0
    idle_s: float = 60.0


class Runner(Protocol):
    """Speaks one wire protocol. Knows nothing of time to first token, price, storage or retries.

    Lives on the engine's event loop, where its clients are made and closed.
    """

    def stream(self, route: Route, request: ChatRequest) -> AsyncIterator[StreamEvent]: ...

    async def models(self, route: Route) -> list[ModelInfo]: ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class ProtocolSpec:
    label: str
    load: Callable[[Timeouts], Runner]
    has_base_url: bool = True
    is_offered: bool = True  # may be chosen for a custom provider
    is_demo: bool = False  # answers only when nothing else can, or when chosen


def _openai(timeouts: Timeouts) -> Runner:
    from core.runners.openai_chat import OpenAIChatRunner  # openai costs 320 ms to import

    return OpenAIChatRunner(timeouts)


def _anthropic(timeouts: Timeouts) -> Runner:
    from core.runners.anthropic_messages import AnthropicMessagesRunner  # anthropic costs 670 ms to import

    return AnthropicMessagesRunner(timeouts)


def _claude_agent(timeouts: Timeouts) -> Runner:
    from core.runners.claude_agent import ClaudeAgentRunner  # claude_agent_sdk costs 460 ms to import

    return ClaudeAgentRunner(timeouts)


def _demo(timeouts: Timeouts) -> Runner:
    from core.runners.demo import DemoRunner

    return DemoRunner()


RUNNERS: dict[str, ProtocolSpec] = {
    "openai": ProtocolSpec("OpenAI (chat completions)", _openai),
    "anthropic": ProtocolSpec("Anthropic (messages)", _anthropic),
    "claude_agent": ProtocolSpec("Claude Agent", _claude_agent, is_offered=False),
    "demo": ProtocolSpec("Demo (no network)", _demo, has_base_url=False, is_offered=False, is_demo=True),
}
