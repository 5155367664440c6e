"""Answer through the Claude Agent SDK: one text turn of its program, confined, with no tools. No other wire here.

What the comments call "the program" is the command-line agent that the SDK starts for each turn; what they say of it
was seen with claude-agent-sdk 0.2.187 (program 2.1.330) on 2026-11-24.
"""

import asyncio
import os
import sys
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import ErrorKind, ProviderError
from core.events import Notice, StreamEvent
from core.runners import Timeouts
from core.runners.agent_answer import AgentAnswer
from core.runners.agent_environment import AgentHome, child_environment, child_limits
from core.runners.agent_failures import SessionLost, failure
from core.runners.failures import Failures
from core.types import ChatRequest, ModelInfo, Role, Route

if TYPE_CHECKING:
    from claude_agent_sdk import ClaudeAgentOptions, ClaudeSDKClient, ClaudeSDKError, Message

AGENTS_AT_ONCE = 2  # each holds about 200 MB
NOTICE_S = 1.0  # how long a turn waits for a place before it says so, again and again
INTERRUPT_S = 2.0
LARGEST_LINE = 32 * 1024 * 1024  # of the program's output; the SDK's default of 1 MB ends a turn with an error
_NO_PACKAGE = "{provider} cannot answer as an agent: the package claude-agent-sdk is not installed. Plain chat works."
_NO_PROGRAM = "{provider} cannot answer as an agent: the program of claude-agent-sdk is missing. Plain chat works."


class ClaudeAgentRunner:
    """Starts the SDK's program for each turn, at most two at once, in a private home that lasts as long as the runner.

    `home` keeps the sessions across runners; `program` replaces the one that the SDK's package brings along.
    """

    def __init__(self, timeouts: Timeouts, *, home: Path | None = None, program: Path | None = None) -> None:
        self._timeouts = timeouts
        self._home = AgentHome(home)
        self._program = program
        self._places = asyncio.Semaphore(AGENTS_AT_ONCE)
        self._endings: set[asyncio.Task[None]] = set()

    async def stream(self, route: Route, request: ChatRequest) -> AsyncGenerator[StreamEvent, None]:
        await asyncio.to_thread(_import_sdk, Failures(route))
        while not await self._take_place():
            yield Notice(f"Waiting: {AGENTS_AT_ONCE} agents are at work.")
        try:
            async with aclosing(self._answer(route, request)) as events:
                async for event in events:
                    yield event
        finally:
            self._places.release()

    async def models(self, route: Route) -> list[ModelInfo]:
        """Return nothing: the program lists no models, the provider's plain protocol does."""
        return []

    async def close(self) -> None:
        await asyncio.gather(*self._endings)

    async def _take_place(self) -> bool:
        """Return whether there was a place. Whoever watches the stream hears from us again before it looks dead."""
        try:
            async with asyncio.timeout(NOTICE_S):
                return await self._places.acquire()
        except TimeoutError:
            return False

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

        said: deque[str] = deque(maxlen=5)
        system = self._home.write_system(request.system)
        failures = Failures(route)
        answer = AgentAnswer(failures)
        client = ClaudeSDKClient(self._options(route, request, system, said.append))
        try:
            await client.connect()
            await client.query(_prompt(request))
            async with aclosing(client.receive_response()) as messages:  # type: ignore[type-var]
                async for message in messages:
                    events = list(_read(message, answer))
                    if answer.is_over and answer.is_program_busy:
                        await _interrupt(client)  # before anybody takes their time over the last event
                        answer.is_program_busy = False
                    for event in events:
                        yield event
                    if answer.is_over:
                        return
            raise failures.interrupted("\n".join(said))
        except ClaudeSDKError as error:
            # From None: the cause may print a key that the provider echoed.
            raise _sdk_failure(error, failures, "\n".join(said)) from None
        finally:
            await self._end(client, is_running=answer.is_program_busy)
            if system is not None:
                system.unlink(missing_ok=True)

    def _options(
        self, route: Route, request: ChatRequest, system: Path | None, listen: Callable[[str], None]
    ) -> "ClaudeAgentOptions":
        from claude_agent_sdk import ClaudeAgentOptions  # costs 460 ms to import

        home = self._home.folder()
        return ClaudeAgentOptions(
            tools=[],
            skills=[],
            setting_sources=[],
            strict_mcp_config=True,
            verbatim_prompts=True,  # else "@/etc/passwd" in a message is read into the prompt
            permission_mode="dontAsk",  # denies what is not allowed beforehand
            max_turns=1,
            include_partial_messages=True,
            max_buffer_size=LARGEST_LINE,
            model=route.model.id,
            system_prompt={"type": "file", "path": str(system)} if system else None,
            thinking=None if "claude" in route.model.id.lower() else {"type": "disabled"},
            resume=request.session_id,
            cwd=request.folder or home / "work",
            env=child_environment(os.environ, route, home) | child_limits(request, self._timeouts),
            cli_path=self._program or _bundled_program(Failures(route)),
            stderr=listen,
        )

    async def _end(self, client: "ClaudeSDKClient", *, is_running: bool) -> None:
        """Stop the program. Goes on by itself when whoever waits for it is cancelled once more."""
        task = asyncio.create_task(_shut_down(client, is_running=is_running))
        self._endings.add(task)
        task.add_done_callback(self._endings.discard)
        await asyncio.shield(task)


async def _shut_down(client: "ClaudeSDKClient", *, is_running: bool) -> None:
    if is_running:
        await _interrupt(client)
    await client.disconnect()


async def _interrupt(client: "ClaudeSDKClient") -> None:
    """End the request. A bare disconnect waits 5 s, while the provider goes on answering and billing."""
    drain = asyncio.create_task(_drain(client))  # with a full buffer the answer to the interrupt is never read
    with suppress(Exception):  # not connected, gone or deaf (the SDK raises a bare Exception): disconnect ends it
        await asyncio.wait_for(client.interrupt(), INTERRUPT_S)
    drain.cancel()
    await asyncio.gather(drain, return_exceptions=True)


async def _drain(client: "ClaudeSDKClient") -> None:
    async for _ in client.receive_messages():
        pass


def _import_sdk(failures: Failures) -> None:
    try:
        import claude_agent_sdk  # noqa: F401
    except ImportError as error:
        raise failures.error(ErrorKind.NOT_FOUND, _NO_PACKAGE) from error


def _bundled_program(failures: Failures) -> Path:
    """Return the program inside the package. One found elsewhere may be too old for what confines it."""
    import claude_agent_sdk

    name = "claude.exe" if sys.platform == "win32" else "claude"
    program = Path(claude_agent_sdk.__file__).parent / "_bundled" / name
    if not program.is_file():
        raise failures.error(ErrorKind.NOT_FOUND, _NO_PROGRAM)
    return program


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


def _read(message: "Message", answer: AgentAnswer) -> Iterator[StreamEvent]:
    """Return what one of the SDK's messages adds to the answer."""
    from claude_agent_sdk import AssistantMessage, ResultMessage, SystemMessage, TextBlock
    from claude_agent_sdk import StreamEvent as Partial

    match message:
        case Partial(parent_tool_use_id=None):
            return answer.partial(message.event, session_id=message.session_id)
        case AssistantMessage(parent_tool_use_id=None):
            text = "".join(block.text for block in message.content if isinstance(block, TextBlock))
            return answer.block(text, model=message.model, word=message.error)
        case SystemMessage(subtype="api_retry"):
            return answer.retry(message.data)
        case ResultMessage():
            return answer.result(message)
        case _:
            return iter(())


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
