"""One turn of an agent against a loopback Messages API, and what came of it."""

import asyncio
import time
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from core.errors import ProviderError
from core.events import (
    Completed,
    Notice,
    PermissionRequest,
    PermissionSettled,
    SessionStarted,
    StreamEvent,
    TextConfirmed,
    TextDelta,
    ToolCall,
    ToolResult,
    UsageReport,
)
from core.runners import Timeouts
from core.runners.agent_confinement import FILE_TOOLS, SUB_AGENTS
from core.runners.agent_program import bundled_program
from core.runners.claude_agent import ClaudeAgentRunner
from core.types import (
    AgentTask,
    ChatMessage,
    ChatRequest,
    Decision,
    Key,
    KeySource,
    Model,
    Provider,
    Role,
    Route,
    Secret,
)
from tests.servers.claude_messages import ClaudeMessages

KEY = "sk-ant-test-0123456789abcdefghijklmnop"
needs_program = pytest.mark.skipif(bundled_program() is None, reason="claude-agent-sdk came without its program")


def agent_route(url: str, *, key: str = KEY, model_id: str = "claude-sonnet-5-5") -> Route:
    provider = Provider("loopback", "Loopback", "anthropic", url)
    return Route(provider, Model("loopback", model_id, model_id), Key(Secret(key), KeySource.STORED), "chosen")


def task_in(folder: Path, **changes: Any) -> AgentTask:
    """Return the usual task in a folder, with the program's home beside it."""
    home = folder.parent / "home"
    home.mkdir(exist_ok=True)
    usual = AgentTask(str(folder), str(home), (*FILE_TOOLS, SUB_AGENTS), permission_s=20.0)
    return replace(usual, **changes)


@dataclass
class Agent:
    """What an agent said and did."""

    events: list[StreamEvent] = field(default_factory=list)
    error: ProviderError | None = None
    stop_s: float = 0.0

    @property
    def text(self) -> str:
        confirmed = draft = ""
        for event in self.events:
            match event:
                case TextDelta(text):
                    draft += text
                case TextConfirmed(text):
                    confirmed, draft = confirmed + text, ""
                case _:
                    pass
        return confirmed + draft

    @property
    def calls(self) -> list[ToolCall]:
        return [event for event in self.events if isinstance(event, ToolCall)]

    @property
    def results(self) -> list[ToolResult]:
        return [event for event in self.events if isinstance(event, ToolResult)]

    @property
    def requests(self) -> list[PermissionRequest]:
        return [event for event in self.events if isinstance(event, PermissionRequest)]

    @property
    def settled(self) -> list[PermissionSettled]:
        return [event for event in self.events if isinstance(event, PermissionSettled)]

    @property
    def notices(self) -> list[str]:
        return [event.text for event in self.events if isinstance(event, Notice)]

    @property
    def session_id(self) -> str:
        return next(event.id for event in self.events if isinstance(event, SessionStarted))

    @property
    def last_report(self) -> UsageReport:
        return [event for event in self.events if isinstance(event, UsageReport)][-1]

    @property
    def completed(self) -> Completed:
        assert self.error is None, self.error
        last = self.events[-1]
        assert isinstance(last, Completed)
        return last


def ask_agent(
    server: ClaudeMessages,
    task: AgentTask,
    text: str = "Go.",
    *,
    answers: Decision | None = Decision.ONCE,
    stop_at: Callable[[StreamEvent], bool] | None = None,
    session_id: str | None = None,
    runner: Callable[[], ClaudeAgentRunner] = lambda: ClaudeAgentRunner(Timeouts()),
) -> Agent:
    """Run one turn; permissions are answered at once, or never with None."""

    async def run() -> Agent:
        agent = Agent()
        asked = ChatRequest((ChatMessage(Role.USER, text),), session_id=session_id, agent=task)
        ours = runner()
        try:
            async with aclosing(ours.stream(agent_route(server.url), asked)) as stream:
                async for event in stream:
                    agent.events.append(event)
                    if isinstance(event, PermissionRequest) and answers is not None:
                        event.answer(answers)
                    if stop_at is not None and stop_at(event):
                        agent.stop_s = time.monotonic()
                        break
        except ProviderError as error:
            agent.error = error
        if agent.stop_s:
            agent.stop_s = time.monotonic() - agent.stop_s
        await ours.close()
        return agent

    return asyncio.run(run())
