"""What one turn of the agent's program amounts to while its messages are read. Pure, and without the SDK's types."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Protocol

from core.events import Completed, ReasoningDelta, StreamEvent, TextConfirmed, TextDelta, UsageReport
from core.runners.agent_failures import failure, last_step
from core.runners.answer import FINISH_REASONS, count
from core.runners.failures import Failures
from core.types import FinishReason, Usage

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


class AgentAnswer:
    """Turns what the program says into events. It may ask the provider several times in one turn: tokens add up."""

    def __init__(self, failures: Failures) -> None:
        self.is_over = False  # all events were given
        self.is_program_busy = True  # until its result
        self._failures = failures
        self._has_draft = False
        self._served_model: str | None = None
        self._session_id: str | None = None
        self._word: str | None = None  # the program's own for what went wrong
        self._past: dict[str, int] = {}  # figures of the requests before this one
        self._current: dict[str, int] = {}
        self._longest: int | None = None  # prompt of one of them: prices may rise with it, not with the sum

    def partial(self, event: Mapping[str, Any], *, session_id: str) -> Iterator[StreamEvent]:
        """Read an event of the provider's stream, which the program passes on."""
        self._session_id = session_id
        match event:
            case {"type": "message_start", "message": dict(message)}:
                yield from self.retract()
                self._past, self._current = self._figures_so_far(), {}
                self._served_model = message.get("model") or self._served_model
                yield from self._count(message.get("usage"), without="output_tokens")  # a placeholder so far
            case {"type": "content_block_delta", "delta": {"type": "text_delta", "text": str(text)}} if text:
                self._has_draft = True
                yield TextDelta(text)
            case {"type": "content_block_delta", "delta": {"type": "thinking_delta", "thinking": str(text)}} if text:
                yield ReasoningDelta(text)
            case {"type": "message_delta", "delta": dict(delta)}:
                yield from self._count(event.get("usage"))
                if delta.get("stop_reason") in _ENDS_THE_TURN:
                    self.is_over = True
                    yield self._completed(_as_usage(self._figures_so_far()), delta["stop_reason"])
            case _:
                pass

    def block(self, text: str, *, model: str, word: str | None) -> Iterator[StreamEvent]:
        """Take the text of a finished block, in place of what was streamed of it."""
        if model == "<synthetic>":  # the program's own words for an error; a result follows
            self._word = word
            return
        self._served_model = model
        if text:
            self._has_draft = False
            yield TextConfirmed(text)

    def retry(self, data: Mapping[str, Any]) -> Iterator[StreamEvent]:
        """The program will ask again. Raises ProviderError where that is hopeless: it would try twice more, for 2 s."""
        yield from self.retract()
        status = data.get("error_status")
        if status in (401, 403):
            raise failure(self._failures, "", status=status, word=data.get("error"))

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
        usage = _as_usage(_figures(result.usage or {}))
        # A provider that reports nothing looks like zero here.
        yield self._completed(usage if usage.input_tokens or usage.output_tokens else Usage(), result.stop_reason)

    def _completed(self, usage: Usage, stop_reason: str) -> Completed:
        return Completed(
            usage=replace(usage, longest_prompt_tokens=self._longest) if self._past and usage != Usage() else usage,
            finish_reason=FINISH_REASONS.get(stop_reason, FinishReason.OTHER),
            raw_finish_reason=stop_reason,
            served_model=self._served_model,
            session_id=self._session_id,
        )

    def _count(self, usage: object, *, without: str = "") -> Iterator[StreamEvent]:
        """Keep the latest numbers of this request: the result of an interrupted turn reports zero."""
        if isinstance(usage, dict):
            self._current |= {name: number for name, number in _figures(usage).items() if name != without}
            self._longest = max(self._longest or 0, _as_usage(self._current).input_tokens or 0) or None
            so_far = _as_usage(self._figures_so_far())
            yield UsageReport(replace(so_far, longest_prompt_tokens=self._longest) if self._past else so_far)

    def _figures_so_far(self) -> dict[str, int]:
        past, current = self._past, self._current
        return {name: past.get(name, 0) + current.get(name, 0) for name in past | current}


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
