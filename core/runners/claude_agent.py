"""Answer through the Claude Agent SDK: one run of its program for each turn, confined to a folder. No other wire here.

What the comments call "the program" is the command-line agent that the SDK starts for each turn; what they say of it
was seen with claude-agent-sdk 0.2.187 (program 2.1.330) on 2026-11-24.
"""

import asyncio
import json
import os
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from core.errors import ErrorKind, ProviderError
from core.events import Notice, PermissionRequest, PermissionSettled, StreamEvent
from core.runners import Timeouts
from core.runners.agent_answer import AgentAnswer
from core.runners.agent_confinement import SUB_AGENTS
from core.runners.agent_environment import AgentHome, child_environment, child_limits, mcp_servers
from core.runners.agent_failures import SessionLost, failure, out_of_time
from core.runners.agent_messages import read
from core.runners.agent_permissions import Permissions
from core.runners.agent_places import Places
from core.runners.agent_program import bundled_program, leashed
from core.runners.failures import Failures
from core.types import AgentTask, ChatRequest, ModelInfo, Role, Route, Thinking

if TYPE_CHECKING:
    from claude_agent_sdk import ClaudeAgentOptions, ClaudeSDKClient, ClaudeSDKError

NOTICE_S = 1.0  # how long a turn is silent for a reason of ours before it says so, again and again
INTERRUPT_S = 2.0
LARGEST_LINE = 32 * 1024 * 1024  # of the program's output; the SDK's default of 1 MB ends a turn with an error
TALK = AgentTask(folder="", home="", tools=(), max_steps=1)  # a turn without tools
# Off is not among them: the program asks a model that can think to think, whatever it is told.
_EFFORTS: dict[Thinking, Literal["low", "medium", "high"]] = {
    Thinking.LOW: "low",
    Thinking.MEDIUM: "medium",
    Thinking.HIGH: "high",
}
_NO_PACKAGE = "{provider} cannot answer as an agent: the package claude-agent-sdk is not installed. Plain chat works."
_NO_PROGRAM = "{provider} cannot answer as an agent: the program of claude-agent-sdk is missing. Plain chat works."


class ClaudeAgentRunner:
    """Starts the SDK's program for each turn, a few at once. Where the task names no home, a private one lasts as long
    as the runner.

    `program` replaces the one that the SDK's package brings along; `servers` are MCP servers inside this process.
    """

    def __init__(
        self,
        timeouts: Timeouts,
        *,
        home: Path | None = None,
        program: Path | None = None,
        servers: dict[str, Any] | None = None,
    ) -> None:
        self._timeouts = timeouts
        self._own_home = AgentHome(home)
        self._program = program
        self._servers = servers or {}
        self._places = Places()
        self._endings: set[asyncio.Task[None]] = set()

    async def stream(self, route: Route, request: ChatRequest) -> AsyncGenerator[StreamEvent, None]:
        await asyncio.to_thread(_import_sdk, Failures(route))
        at_once = (request.agent or TALK).at_once
        ticket = self._places.enter()
        try:
            waited = False
            while not await self._places.wait(ticket, at_once=at_once, timeout_s=NOTICE_S):
                waited = True
                place = self._places.ahead(ticket) + 1
                yield Notice(f"Waiting, number {place} in the queue: as many agents as may are at work ({at_once}).")
            if waited:
                yield Notice("")
            async with aclosing(self._answer(route, request)) as events:
                async for event in events:
                    yield event
        finally:
            await self._places.leave(ticket)

    async def models(self, route: Route) -> list[ModelInfo]:
        """Return nothing: the program lists no models, the provider's plain protocol does."""
        return []

    async def close(self) -> None:
        await asyncio.gather(*self._endings)

    async def _answer(self, route: Route, request: ChatRequest) -> AsyncGenerator[StreamEvent, None]:
        try:
            async with aclosing(self._turn(route, request)) as events:
                async for event in events:
                    yield event
        except SessionLost:
            yield Notice("The agent's session is gone. It reads the conversation again as text.")
            async with aclosing(self._turn(route, replace(request, session_id=None))) as events:
                async for event in events:
                    yield event

    async def _turn(self, route: Route, request: ChatRequest) -> AsyncGenerator[StreamEvent, None]:
        from claude_agent_sdk import ClaudeSDKClient, ClaudeSDKError  # costs 460 ms to import

        task = request.agent or TALK
        said: deque[str] = deque(maxlen=5)
        # Without a limit: behind a full queue the answer to an interrupt would never be read.
        items: asyncio.Queue[Any] = asyncio.Queue()
        home = AgentHome(Path(task.home)) if task.home else self._own_home
        system = home.write_system(request.system)
        failures = Failures(route)
        answer = AgentAnswer(failures, secret=route.secret, folder=task.folder)
        permissions = Permissions(task, items.put_nowait, answer.refused)
        client = ClaudeSDKClient(self._options(route, request, task, home, system, permissions, said.append))
        pump: asyncio.Task[None] | None = None
        began_s = heard_s = time.monotonic()
        is_excused = False
        try:
            await client.connect()
            await client.query(_prompt(request))
            pump = asyncio.create_task(_pump(client, items))
            while True:
                if time.monotonic() - began_s - permissions.waited_s() > task.max_s:
                    raise out_of_time(failures, task.max_s)
                item = await _next(items)
                if not isinstance(item, _Silence):
                    heard_s = time.monotonic()
                    if is_excused:
                        is_excused = False
                        yield Notice("")
                match item:
                    case _Silence():
                        if words := self._excuse(permissions, answer, silent_s=time.monotonic() - heard_s):
                            is_excused = True
                            yield Notice(words)
                    case None:
                        raise failures.interrupted("\n".join(said))
                    case BaseException():
                        raise item
                    case PermissionRequest() | PermissionSettled():
                        yield item
                    case _:
                        events = list(read(item, answer))
                        if answer.is_over and answer.is_program_busy:
                            await _interrupt(client)  # before anybody takes their time over the last event
                            answer.is_program_busy = False
                        for event in events:
                            yield event
                        if answer.is_over:
                            return
        except ClaudeSDKError as error:
            # From None: the cause may print a key that the provider echoed.
            raise _sdk_failure(error, failures, "\n".join(said)) from None
        finally:
            await self._end(client, pump, is_running=answer.is_program_busy)
            if system is not None:
                system.unlink(missing_ok=True)

    def _options(
        self,
        route: Route,
        request: ChatRequest,
        task: AgentTask,
        home: AgentHome,
        system: Path | None,
        permissions: Permissions,
        listen: Callable[[str], None],
    ) -> "ClaudeAgentOptions":
        from claude_agent_sdk import ClaudeAgentOptions, HookMatcher  # costs 460 ms to import

        has_tools = request.agent is not None
        is_claude = "claude" in route.model.id.lower()
        program = self._program or bundled_program()
        if program is None or not program.is_file():
            raise Failures(route).error(ErrorKind.NOT_FOUND, _NO_PROGRAM)
        return ClaudeAgentOptions(
            # No allowed_tools: a bare name there would lift the program's own check of folders.
            tools=list(task.tools),
            skills=[],
            setting_sources=[],
            strict_mcp_config=True,
            mcp_servers=mcp_servers(json.loads(task.mcp_servers)) | self._servers,
            verbatim_prompts=True,  # else "@/etc/passwd" in a message is read into the prompt
            permission_mode="default" if has_tools else "dontAsk",  # which denies what is not allowed beforehand
            can_use_tool=permissions.ask if has_tools else None,
            hooks={
                "PreToolUse": [HookMatcher(hooks=[permissions.before], on_failure="block")],
            },
            forward_subagent_text=True,  # its tokens are counted from its messages
            max_turns=task.max_steps,
            include_partial_messages=True,
            max_buffer_size=LARGEST_LINE,
            model=route.model.id,
            system_prompt={"type": "file", "path": str(system)} if system else None,
            thinking=None if is_claude else {"type": "disabled"},
            effort=_EFFORTS.get(request.thinking) if is_claude and request.thinking else None,
            resume=request.session_id,
            fork_session=request.session_id is not None,  # the earlier reply keeps the session as it left it
            cwd=task.folder or home.folder() / "work",
            env=child_environment(os.environ, route, home.folder()) | child_limits(request, self._timeouts),
            cli_path=leashed(program, home.folder()),
            stderr=listen,
        )

    def _excuse(self, permissions: Permissions, answer: AgentAnswer, *, silent_s: float) -> str | None:
        """Return why nothing comes where the provider is not to blame: who watches the stream must not give it up."""
        if permissions.is_waiting:
            return "Waiting for your permission."
        tools = set(answer.running.values())
        if SUB_AGENTS in tools:
            # Its stream is not passed on, so that a long answer of its model is a silence here.
            return "A sub-agent is at work." if silent_s < self._timeouts.first_event_s else None
        return f"{next(iter(tools))} is at work." if tools else None

    async def _end(self, client: "ClaudeSDKClient", pump: asyncio.Task[None] | None, *, is_running: bool) -> None:
        """Stop the program. Goes on by itself when whoever waits for it is cancelled once more."""
        task = asyncio.create_task(_shut_down(client, pump, is_running=is_running))
        self._endings.add(task)
        task.add_done_callback(self._endings.discard)
        await asyncio.shield(task)


class _Silence:
    """Nothing came for a while."""


async def _next(items: asyncio.Queue[Any]) -> Any:
    try:
        async with asyncio.timeout(NOTICE_S):
            return await items.get()
    except TimeoutError:
        return _Silence()


async def _pump(client: "ClaudeSDKClient", items: asyncio.Queue[Any]) -> None:
    try:
        async for message in client.receive_messages():
            items.put_nowait(message)
    except Exception as error:  # raised again where the turn reads it
        items.put_nowait(error)
    else:
        items.put_nowait(None)


async def _shut_down(client: "ClaudeSDKClient", pump: asyncio.Task[None] | None, *, is_running: bool) -> None:
    if is_running:
        await _interrupt(client)
    await client.disconnect()
    if pump is not None:
        pump.cancel()
        await asyncio.gather(pump, return_exceptions=True)


async def _interrupt(client: "ClaudeSDKClient") -> None:
    """End the request. A bare disconnect waits 5 s, while the provider goes on answering and billing."""
    with suppress(Exception):  # not connected, gone or deaf (the SDK raises a bare Exception): disconnect ends it
        await asyncio.wait_for(client.interrupt(), INTERRUPT_S)


def _import_sdk(failures: Failures) -> None:
    try:
        import claude_agent_sdk  # noqa: F401
    except ImportError as error:
        raise failures.error(ErrorKind.NOT_FOUND, _NO_PACKAGE) from error


def _prompt(request: ChatRequest) -> str:
    """Return the last message, after the earlier ones as text where no session remembers them.

    Several messages as seeded history would each start a turn.
    """
    *earlier, last = request.messages
    if request.session_id or not earlier:
        return last.text
    names = {Role.USER: "user", Role.ASSISTANT: "assistant"}
    transcript = "\n\n".join(
        f"<{names[message.role]}>\n{message.text}\n</{names[message.role]}>" for message in earlier
    )
    return f"The conversation so far:\n\n{transcript}\n\nAnswer the user's next message:\n\n{last.text}"


def _sdk_failure(error: "ClaudeSDKError", failures: Failures, said: str) -> ProviderError | SessionLost:
    """Map the SDK's error: a result that was an error comes once more as an exception when the program exits."""
    from claude_agent_sdk import CLIJSONDecodeError, CLINotFoundError, ResultError

    match error:
        case CLINotFoundError():
            return failures.error(ErrorKind.NOT_FOUND, _NO_PROGRAM)
        case ResultError():
            text = "\n".join(filter(None, [error.result, *error.errors]))
            return failure(failures, text, status=error.api_error_status)
        case CLIJSONDecodeError():
            return failures.malformed("The agent's program wrote a line that is no JSON.")
        case _:
            return failures.interrupted(said or str(error))
