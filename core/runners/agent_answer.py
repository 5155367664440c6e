"""What one turn of the agent's program amounts to while its messages are read. Pure, and without the SDK's types."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from core.events import (
    Completed,
    Notice,
    ReasoningDelta,
    SessionStarted,
    StreamEvent,
    TextConfirmed,
    TextDelta,
    ToolCall,
    ToolResult,
    UsageReport,
)
from core.pricing import estimate_tokens
from core.redact import without
from core.runners.agent_changes import LONGEST_RESULT, change, presented, shortened
from core.runners.agent_failures import failure, last_step
from core.runners.answer import FINISH_REASONS, count
from core.runners.failures import Failures
from core.types import FinishReason, Usage

_BREAK = "\n\n"

# After these the program writes a prompt of its own and asks again, up to three times. We end the turn instead; one
# more request may have left by then, and is hung up.
_ENDS_THE_TURN = frozenset({"max_tokens", "refusal", "model_context_window_exceeded"})
_FIGURES = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")


class Result(Protocol):
    """The program's last message, as far as it is read here."""

    is_error: bool
    subtype: str
    session_id: str
    result: str | None
    errors: list[str] | None
    api_error_status: int | None
    stop_reason: str | None
    usage: dict[str, Any] | None


@dataclass(slots=True)
class _Request:
    """One request to the model, as the program's messages tell of it."""

    parent_id: str | None = None  # the call that a sub-agent works for
    figures: dict[str, int] = field(default_factory=dict)
    carrier_id: str | None = None  # the first call that its answer asked for: that step carries its figures


@dataclass(frozen=True, slots=True)
class _Call:
    tool: str
    given: Mapping[str, Any]


class AgentAnswer:
    """Turns what the program says into events. It may ask the provider several times in one turn: tokens add up."""

    def __init__(self, failures: Failures, *, secret: str = "", folder: str = "") -> None:
        self.is_over = False  # all events were given
        self.is_program_busy = True  # until its result
        self.refused: set[str] = set()  # calls that were not allowed
        self.running: dict[str, str] = {}  # call -> tool, without a result so far
        self._failures = failures
        self._secrets = [secret] if secret else []
        self._folder = folder
        self._has_draft = False
        self._has_text = False
        self._is_retrying = False
        self._needs_break = False  # a tool was used since the last text
        self._has_reasoning = self._needs_reasoning_break = False
        self._served_model: str | None = None
        self._session_id: str | None = None
        self._word: str | None = None  # the program's own for what went wrong
        self._requests: dict[str, _Request] = {}
        self._current = _Request()
        self._calls: dict[str, _Call] = {}

    def started(self, session_id: str | None) -> Iterator[StreamEvent]:
        if session_id and session_id != self._session_id:
            self._session_id = session_id
            yield SessionStarted(session_id)

    def partial(self, event: Mapping[str, Any], *, session_id: str) -> Iterator[StreamEvent]:
        """Read an event of the provider's stream, which the program passes on."""
        yield from self.started(session_id)
        match event:
            case {"type": "message_start", "message": dict(message)}:
                yield from self.retract()
                if self._is_retrying:
                    self._is_retrying = False
                    yield Notice("")
                self._current = _Request()
                self._requests[f"#{len(self._requests)}"] = self._current
                self._served_model = message.get("model") or self._served_model
                yield from self._count(message.get("usage"), but="output_tokens")  # a placeholder so far
            case {"type": "content_block_delta", "delta": {"type": "text_delta", "text": str(text)}} if text:
                yield TextDelta(self._parted(text) if not self._has_draft else text)
                self._has_draft = True
            case {"type": "content_block_start", "content_block": {"type": "thinking"}}:
                self._needs_reasoning_break = self._has_reasoning
            case {"type": "content_block_delta", "delta": {"type": "thinking_delta", "thinking": str(text)}} if text:
                yield ReasoningDelta(_BREAK + text if self._needs_reasoning_break else text)
                self._has_reasoning, self._needs_reasoning_break = True, False
            case {"type": "message_delta", "delta": dict(delta)}:
                yield from self._count(event.get("usage"))
                if delta.get("stop_reason") in _ENDS_THE_TURN:
                    self.is_over = True
                    yield self._completed(self._usage_so_far(), delta["stop_reason"])
            case _:
                pass

    def block(self, text: str, *, model: str, word: str | None) -> Iterator[StreamEvent]:
        """Take the text of a finished block, in place of what was streamed of it."""
        if model == "<synthetic>":  # the program's own words for an error; a result follows
            self._word = word
            return
        self._served_model = model
        if text:
            yield TextConfirmed(self._parted(text))
            self._has_draft, self._has_text, self._needs_break = False, True, False

    def call(self, id_: str, tool: str, given: Mapping[str, Any], *, parent_id: str | None) -> Iterator[StreamEvent]:
        """Take a tool call whose input is complete."""
        if id_ in self._calls:
            return
        self._calls[id_] = _Call(tool, given)
        self.running[id_] = tool
        if parent_id is None:
            self._needs_break = True
            self._current.carrier_id = self._current.carrier_id or id_
        yield ToolCall(id_, tool, without(presented(given, self._folder), self._secrets), parent_id)

    def of_sub_agent(
        self, message_id: str, parent_id: str, usage: object, written: Iterable[str], call_ids: Iterable[str]
    ) -> Iterator[StreamEvent]:
        """Count a piece of a sub-agent's answer: its stream is not passed on, so the output is an estimate."""
        request = self._requests.setdefault(message_id, _Request(parent_id))
        output = request.figures.get("output_tokens", 0) + sum(map(estimate_tokens, written))
        known = _figures(usage) if isinstance(usage, dict) else {}
        request.figures = request.figures | known | {"output_tokens": output}
        for id_ in call_ids:
            request.carrier_id = request.carrier_id or id_
        yield UsageReport(self._usage_so_far())

    def tool_result(self, id_: str, content: object, *, is_error: bool, told: object) -> Iterator[StreamEvent]:
        call = self._calls.get(id_)
        if call is None or id_ not in self.running:
            return
        del self.running[id_]
        changed = None if is_error else change(call.tool, call.given, told, self._folder)
        carried = [
            request
            for request in self._requests.values()
            if request.carrier_id == id_ or (request.parent_id == id_ and request.carrier_id is None)
        ]
        usage = self._sum(carried) if carried else None
        yield ToolResult(
            id_,
            self._kept(_text(_report(told) or content), LONGEST_RESULT),
            is_error=is_error,
            path=changed[0] if changed else None,
            diff=without(changed[1], self._secrets) if changed else None,
            usage=usage,
            is_refused=id_ in self.refused,
        )

    def retry(self, data: Mapping[str, Any]) -> Iterator[StreamEvent]:
        """The program will ask again. Raises ProviderError where that is hopeless: it would try twice more, for 2 s."""
        yield from self.retract()
        status = data.get("error_status")
        if status in (401, 403):
            raise failure(self._failures, "", status=status, word=data.get("error"))
        self._is_retrying = True
        yield Notice(f"The provider failed ({status or 'no answer'}), the agent tries again.")

    def retract(self) -> Iterator[StreamEvent]:
        """Take back what was streamed of an unfinished block: it comes anew, or never."""
        if self._has_draft:
            self._has_draft = False
            yield TextConfirmed("")

    def result(self, result: Result) -> Iterator[StreamEvent]:
        """Yield `Completed`. Raises ProviderError or SessionLost for a turn that failed."""
        self.is_over, self.is_program_busy = True, False
        self._session_id = result.session_id
        if result.is_error and result.subtype == "error_max_turns":
            raise last_step(self._failures)
        if result.is_error:
            text = "\n".join(filter(None, [result.result, *(result.errors or [])]))
            raise failure(self._failures, text, status=result.api_error_status, word=self._word)
        if self._served_model is None:
            raise self._failures.malformed("No answer of a model was in it.")
        if result.stop_reason is None:  # a gateway ended the stream without saying why
            raise self._failures.interrupted()
        figures = _figures(result.usage or {})
        # A provider that reports nothing looks like zero here. Sub-agents are not in it.
        own = [_Request(figures=figures)] if figures.get("input_tokens") or figures.get("output_tokens") else []
        usage = self._sum([*own, *self._sub_agents()], prompts=list(self._requests.values()))
        yield self._completed(usage, result.stop_reason)

    def _completed(self, usage: Usage, stop_reason: str) -> Completed:
        return Completed(
            usage=usage,
            finish_reason=FINISH_REASONS.get(stop_reason, FinishReason.OTHER),
            raw_finish_reason=stop_reason,
            served_model=self._served_model,
            session_id=self._session_id,
        )

    def _parted(self, text: str) -> str:
        """Return the text of a new block, apart from what stood before a tool was used."""
        return _BREAK + text if self._needs_break and self._has_text else text

    def _kept(self, text: str, limit: int) -> str:
        return without(shortened(text, limit), self._secrets)

    def _count(self, usage: object, *, but: str = "") -> Iterator[StreamEvent]:
        """Keep the latest numbers of this request: the result of an interrupted turn reports zero."""
        if isinstance(usage, dict):
            self._current.figures |= {name: number for name, number in _figures(usage).items() if name != but}
            yield UsageReport(self._usage_so_far())

    def _sub_agents(self) -> list[_Request]:
        return [request for request in self._requests.values() if request.parent_id]

    def _usage_so_far(self) -> Usage:
        return self._sum(list(self._requests.values()))

    def _sum(self, requests: list[_Request], *, prompts: list[_Request] | None = None) -> Usage:
        """Add up requests. A price may rise with the longest of the prompts, which is not their sum."""
        names = {name for request in requests for name in request.figures}
        figures = {name: sum(request.figures.get(name, 0) for request in requests) for name in names}
        usage = replace(_as_usage(figures), is_estimated=any(request.parent_id for request in requests))
        prompts = requests if prompts is None else prompts
        if len(prompts) < 2 or usage == Usage():
            return usage
        longest = max(_as_usage(request.figures).input_tokens or 0 for request in prompts)
        return replace(usage, longest_prompt_tokens=longest or None)


def _report(told: object) -> object:
    """Return what a sub-agent reports, without the frame that the program puts around it for the model."""
    if isinstance(told, dict) and "agentId" in told and isinstance(content := told.get("content"), list):
        return content[-1:]
    return None


def _text(content: object) -> str:
    """Return a tool's result as text: it is one, or a list of blocks."""
    if isinstance(content, str):
        return content
    blocks = content if isinstance(content, list) else []
    return "\n".join(
        str(block.get("text", f"[{block.get('type', 'unknown')}]")) for block in blocks if isinstance(block, dict)
    )


def _figures(usage: Mapping[str, Any]) -> dict[str, int]:
    """Return the numbers that are known, under the vendor's names."""
    details = usage.get("output_tokens_details")
    thinking = details.get("thinking_tokens") if isinstance(details, dict) else None
    cached = usage.get("cache_creation")
    kept = cached.get("ephemeral_1h_input_tokens") if isinstance(cached, dict) else None
    found = {name: count(usage.get(name)) for name in _FIGURES}
    found |= {"thinking_tokens": count(thinking), "written_1h": count(kept)}
    return {name: number for name, number in found.items() if number is not None}


def _as_usage(figures: Mapping[str, int]) -> Usage:
    """Return the figures in our convention: the vendor's `input_tokens` leaves cached parts out, ours has them."""
    read, written = figures.get("cache_read_input_tokens"), figures.get("cache_creation_input_tokens")
    fresh = figures.get("input_tokens")
    return Usage(
        input_tokens=None if fresh is None else fresh + (read or 0) + (written or 0),
        output_tokens=figures.get("output_tokens"),
        reasoning_tokens=figures.get("thinking_tokens") or None,
        cache_read_tokens=read,
        cache_write_tokens=written,
        cache_write_1h_tokens=figures.get("written_1h"),
    )
