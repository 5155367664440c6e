"""Who decides whether an agent may use a tool: first what confines it, then the project, then a person."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.events import PermissionRequest, PermissionSettled, StreamEvent
from core.runners.agent_changes import presented
from core.runners.agent_confinement import refusal
from core.types import AgentTask, Decision

if TYPE_CHECKING:
    from claude_agent_sdk import HookContext, HookInput, PermissionResult, ToolPermissionContext
    from claude_agent_sdk.types import SyncHookJSONOutput

_NO = "The user does not allow this. Go on without it, or say what you need it for."
_NOBODY = "Nobody answered whether this is allowed, so it is not. Go on without it, or say what you need it for."


class Permissions:
    """The two callbacks of one turn. They run on the loop of the turn, whoever reads its events."""

    def __init__(self, task: AgentTask, emit: Callable[[StreamEvent], None], refused: set[str]) -> None:
        self._task = task
        self._emit = emit
        self._refused = refused
        self._tools = frozenset(task.tools)
        self._allowed = set(task.always_allowed)
        self._waiting = 0
        self._waiting_since_s = 0.0
        self._waited_s = 0.0

    @property
    def is_waiting(self) -> bool:
        return self._waiting > 0

    def waited_s(self) -> float:
        """Return how long people have kept the agent waiting."""
        return self._waited_s + (time.monotonic() - self._waiting_since_s if self.is_waiting else 0.0)

    async def before(self, given: "HookInput", call_id: str | None, _: "HookContext") -> "SyncHookJSONOutput":
        """Refuse what leads out of the folder, before any rule of the program is asked. A failure here blocks, too."""
        assert given["hook_event_name"] == "PreToolUse"
        reason = refusal(given["tool_name"], given["tool_input"], folder=Path(self._task.folder), tools=self._tools)
        if reason is None:
            return {}
        self._refused.add(given["tool_use_id"])
        return {
            "hookSpecificOutput": {
                "hookEventName": "PreToolUse",
                "permissionDecision": "deny",
                "permissionDecisionReason": reason,
            }
        }

    async def ask(self, tool: str, given: dict[str, Any], context: "ToolPermissionContext") -> "PermissionResult":
        """Answer for a call that the program's own rules do not settle."""
        from claude_agent_sdk import PermissionResultAllow, PermissionResultDeny  # costs 460 ms to import

        call_id = context.tool_use_id or ""
        if reason := refusal(tool, given, folder=Path(self._task.folder), tools=self._tools):
            self._refused.add(call_id)
            return PermissionResultDeny(message=reason)
        if tool in self._allowed:
            return PermissionResultAllow()
        decision = await self._decision(call_id, tool, given)
        if decision is Decision.ALWAYS:
            self._allowed.add(tool)
        if decision in (Decision.ONCE, Decision.ALWAYS):
            return PermissionResultAllow()
        self._refused.add(call_id)
        return PermissionResultDeny(message=_NO if decision is Decision.DENY else _NOBODY)

    async def _decision(self, call_id: str, tool: str, given: dict[str, Any]) -> Decision:
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[Decision] = loop.create_future()

        def take(decision: Decision) -> None:
            if not answered.done():
                answered.set_result(decision)

        if not self.is_waiting:
            self._waiting_since_s = time.monotonic()
        self._waiting += 1

        def answer(decision: Decision) -> None:
            loop.call_soon_threadsafe(take, decision)

        self._emit(PermissionRequest(call_id, tool, presented(given, self._task.folder), answer))
        decision = Decision.DENY  # of a turn that is stopped meanwhile
        try:
            async with asyncio.timeout(self._task.permission_s):
                decision = await answered
        except TimeoutError:
            decision = Decision.TIMED_OUT
        finally:
            self._waiting -= 1
            if not self.is_waiting:
                self._waited_s += time.monotonic() - self._waiting_since_s
            self._emit(PermissionSettled(call_id, decision))
        return decision
