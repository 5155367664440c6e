"""A reply while it grows: written by the engine's loop, read by any number of pages. In memory only."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from core.events import PermissionRequest, PermissionSettled, ToolCall, ToolResult
from core.live_steps import LiveSteps
from core.types import ChatRequest, Chunk, Decision, Message, Route, Step

AGENT_PROTOCOL = "claude_agent"


@dataclass(frozen=True, slots=True)
class LiveReply:
    """One look at a growing reply. `version` grows with every change."""

    text: str
    reasoning: str
    reasoning_ms: int | None  # None while nothing but reasoning has arrived, or there is none
    notice: str | None
    version: int
    is_finished: bool
    steps: tuple[Step, ...] = ()
    questions: tuple[PermissionRequest, ...] = ()  # what an agent waits with


class LiveTurn:
    """A running turn: what was asked, of whom, and what has arrived so far."""

    def __init__(
        self,
        *,
        turn_id: str,
        reply: Message,
        project_id: str,
        route: Route,
        request: ChatRequest,
        fallbacks: Sequence[Route] = (),
    ) -> None:
        self.turn_id = turn_id
        self.reply = reply
        self.project_id = project_id
        self.route = route
        self.request = request
        self.fallbacks = fallbacks
        self.is_stopping = False
        self.started_s = time.monotonic()
        self._changed = threading.Condition()
        self._confirmed = ""
        self._draft: list[str] = []
        self._reasoning: list[str] = []
        self._reasoning_began_s: float | None = None
        self._reasoning_ms: int | None = None
        self._notice: str | None = None
        self._version = 0
        self._is_finished = False
        self._steps = LiveSteps(reply.id)
        self.session_id: str | None = None  # of an agent
        self._written = _Written()
        self._is_rewritten = False  # since the last look for what is unwritten

    @property
    def protocol(self) -> str:
        """The protocol whose runner answers: an agent speaks its own, whatever its provider speaks besides."""
        return AGENT_PROTOCOL if self.request.agent else self.route.provider.protocol

    # Written by the engine's loop.

    def add_text(self, text: str) -> None:
        with self._changed:
            self._end_reasoning()
            self._draft.append(text)
            self._touch()

    def add_reasoning(self, text: str) -> None:
        with self._changed:
            if self._reasoning_began_s is None:
                self._reasoning_began_s = time.monotonic()
            self._reasoning.append(text)
            self._touch()

    def confirm_text(self, text: str) -> None:
        """Let `text` stand for the draft: all that came since the last confirmed text."""
        with self._changed:
            if "".join(self._draft) != text:
                self._written.is_stale = self._is_rewritten = True
            if text:
                self._end_reasoning()
            self._confirmed += text
            self._draft = []
            self._touch()

    def take_step(self, event: ToolCall | ToolResult | PermissionRequest | PermissionSettled) -> None:
        with self._changed:
            match event:
                case ToolCall():
                    self._end_reasoning()
                    written = len(self._confirmed) + sum(map(len, self._draft))
                    self._steps.call(event, text_offset=written)
                case ToolResult():
                    self._steps.result(event, self.route.model.price)
                case PermissionRequest():
                    self._steps.ask(event)
                case PermissionSettled():
                    self._steps.settle(event)
            self._touch()

    def close_steps(self) -> tuple[Step, ...]:
        """End what an agent still did; return all its steps, to be stored with the reply."""
        with self._changed:
            return self._steps.close()

    def unwritten_steps(self) -> tuple[Step, ...]:
        with self._changed:
            return self._steps.unwritten()

    def keep_steps(self, steps: Sequence[Step]) -> None:
        """Let the next look find these again: the store refused them."""
        with self._changed:
            self._steps.keep(steps)

    def switch(self, route: Route) -> None:
        """Ask another provider from now on. Nothing of the answer has been seen yet."""
        with self._changed:
            self.route = route
            self.reply = replace(
                self.reply,
                provider_id=route.provider.id,
                provider_name=route.provider.name,
                model_id=route.model.id,
                model_name=route.model.name,
                route_reason=route.reason,
            )
            self._touch()

    def notify(self, notice: str) -> None:
        with self._changed:
            self._notice = notice
            self._touch()

    def finish(self, reply: Message) -> None:
        """Show the stored reply from now on."""
        with self._changed:
            self.reply = reply
            self._is_finished = True
            self._touch()

    def unwritten(self) -> Chunk | None:
        """Return what the store does not have yet. Call `mark_written` once it has, `mark_doubtful` if it may have."""
        look = self.look()
        written = self._written
        self._is_rewritten = False
        if written.is_stale:
            return Chunk(self.reply.id, written.sequence + 1, look.text, look.reasoning, replaces=True)
        text, reasoning = look.text[written.text :], look.reasoning[written.reasoning :]
        return Chunk(self.reply.id, written.sequence + 1, text, reasoning) if text or reasoning else None

    def mark_written(self, chunk: Chunk) -> None:
        written = self._written
        base = _Written() if chunk.replaces else written
        self._written = replace(
            written,
            sequence=chunk.sequence,
            text=base.text + len(chunk.text),
            reasoning=base.reasoning + len(chunk.reasoning),
            is_stale=self._is_rewritten,
        )

    def mark_doubtful(self, chunk: Chunk) -> None:
        """Let the next chunk replace all: the store refused this one, but a commit that failed may have been kept."""
        self._written = replace(self._written, sequence=chunk.sequence, is_stale=True)

    # Read by pages.

    def look(self) -> LiveReply:
        with self._changed:
            if len(self._draft) > 1:
                self._draft = ["".join(self._draft)]
            if len(self._reasoning) > 1:
                self._reasoning = ["".join(self._reasoning)]
            return LiveReply(
                text=self._confirmed + "".join(self._draft),
                reasoning="".join(self._reasoning),
                reasoning_ms=self._reasoning_ms,
                notice=self._notice,
                version=self._version,
                is_finished=self._is_finished,
                steps=self._steps.all(),
                questions=self._steps.questions(),
            )

    def wait(self, version: int, *, timeout_s: float) -> LiveReply:
        """Wait for something newer than `version`, at most `timeout_s`, and look."""
        with self._changed:
            self._changed.wait_for(lambda: self._version > version, timeout=timeout_s)
        return self.look()

    def answer(self, call_id: str, decision: Decision) -> bool:
        """Answer an agent's question. Returns False where it no longer waits: another tab was first, or time was up."""
        with self._changed:
            question = self._steps.question(call_id)
        if question is not None:
            question.answer(decision)
        return question is not None

    def _end_reasoning(self) -> None:
        if self._reasoning_began_s is not None and self._reasoning_ms is None:
            self._reasoning_ms = round((time.monotonic() - self._reasoning_began_s) * 1000)

    def _touch(self) -> None:
        self._version += 1
        self._changed.notify_all()


@dataclass(slots=True)
class _Written:
    """How much of the reply lies in the store as chunks."""

    sequence: int = 0
    text: int = 0
    reasoning: int = 0
    is_stale: bool = False  # what was written is no longer the beginning of the reply
