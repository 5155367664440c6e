"""What one answer amounts to while it is read, in one vocabulary for every protocol. Pure."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from core.errors import ErrorKind
from core.events import Completed, ReasoningDelta, StreamEvent, TextDelta, UsageReport
from core.runners.failures import Failures
from core.text import storable
from core.types import FinishReason, Usage

# The words of both protocols in one table: gateways translate half of an answer and leave its last word as it was.
FINISH_REASONS = {
    **dict.fromkeys(("stop", "end_turn", "stop_sequence", "eos", "complete", "completed"), FinishReason.STOP),
    **dict.fromkeys(("length", "max_tokens", "max_output_tokens", "model_length"), FinishReason.LENGTH),
    **dict.fromkeys(
        ("content_filter", "sensitive", "safety", "recitation", "prohibited_content", "blocklist"),
        FinishReason.CONTENT_FILTER,
    ),
    "refusal": FinishReason.REFUSAL,
    **dict.fromkeys(("tool_calls", "tool_use", "function_call"), FinishReason.TOOL_CALLS),
    "pause_turn": FinishReason.PAUSE,
    **dict.fromkeys(("model_context_window_exceeded", "context_length_exceeded"), FinishReason.CONTEXT_FULL),
}
# Last words that say the answer broke: GLM, DeepSeek, vLLM and SGLang, OpenRouter.
_BROKEN = {
    "network_error": ErrorKind.INTERRUPTED,
    "abort": ErrorKind.INTERRUPTED,
    "insufficient_system_resource": ErrorKind.OVERLOADED,
    "error": ErrorKind.SERVER_ERROR,
}


def count(value: object) -> int | None:
    """Return a number of tokens, or None for anything that is not one."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value or not 0 <= value < 2**53:
        return None
    return int(value)


def amount(value: object) -> Decimal | None:
    """Return a cost above zero, or None: aggregators send 0 where they do not know."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        cost = Decimal(str(value))
    except InvalidOperation:
        return None
    return cost if cost.is_finite() and cost > 0 else None


class Pairs:
    """Joins the halves of a character that was split over two JSON strings, and drops what cannot be stored."""

    def __init__(self) -> None:
        self._held = ""

    def feed(self, text: str) -> str:
        if not self._held and text.isascii() and "\x00" not in text:
            return text
        text, self._held = self._held + text, ""
        if text and "\ud800" <= text[-1] <= "\udbff":
            text, self._held = text[:-1], text[-1]
        return storable(text)

    def end(self) -> str:
        held, self._held = self._held, ""
        return storable(held)


@dataclass(slots=True)
class _Finish:
    reason: FinishReason
    raw: str


class Answer(ABC):
    """Reads one answer. A protocol says what its events mean; the rules of completion are here, once."""

    def __init__(self, failures: Failures, *, request_id: str | None = None) -> None:
        self.failures = failures
        self.is_done = False  # the protocol's own end mark was seen
        self.is_understood = False  # something of this protocol was seen
        self.has_data = False  # something was seen
        self._usage: Usage | None = None
        self._finish: _Finish | None = None
        self._served_model: str | None = None
        self._request_id = failures.safe(request_id) if request_id else None
        self._text, self._reasoning = Pairs(), Pairs()
        self._text_veil, self._reasoning_veil = failures.veil(), failures.veil()
        self._has_content = False

    @abstractmethod
    def event(self, name: str, data: object) -> Iterator[StreamEvent]:
        """Yield what one event of the stream says. Raises ProviderError for an error in the stream."""

    @abstractmethod
    def whole(self, body: object) -> Iterator[StreamEvent]:
        """Yield what a JSON body says that came where a stream was asked."""

    @property
    def is_finished(self) -> bool:
        return self._finish is not None

    def end(self) -> Iterator[StreamEvent]:
        """Yield the rest and `Completed`. Raises ProviderError when the answer is not complete."""
        yield from self._emit_text(self._text_veil.feed(self._text.end()) + self._text_veil.end())
        yield from self._emit_reasoning(self._reasoning_veil.feed(self._reasoning.end()) + self._reasoning_veil.end())
        if self._finish is None:
            is_foreign = self.has_data and not self.is_understood
            raise self.failures.foreign() if is_foreign else self.failures.interrupted()
        if broken := _BROKEN.get(self._finish.raw.lower()):
            raise self.failures.broken_off(broken, self._finish.raw)
        # A reasoning model may spend a small limit before its first word: the limit did what was asked.
        if not self._has_content and self._finish.reason is not FinishReason.LENGTH:
            raise self.failures.empty(self._finish.raw)
        yield Completed(
            usage=self._usage or Usage(),
            finish_reason=self._finish.reason,
            raw_finish_reason=self._finish.raw,
            served_model=self._served_model,
            request_id=self._request_id,
        )

    def add_text(self, text: str) -> Iterator[StreamEvent]:
        return self._emit_text(self._text_veil.feed(self._text.feed(text)))

    def add_reasoning(self, text: str) -> Iterator[StreamEvent]:
        return self._emit_reasoning(self._reasoning_veil.feed(self._reasoning.feed(text)))

    def add_usage(self, usage: Usage) -> Iterator[StreamEvent]:
        """Take these figures in place of the earlier ones, and report them if they are new."""
        if usage not in (self._usage, Usage()):
            self._usage = usage
            yield UsageReport(usage)

    def finish(self, raw: object) -> None:
        """Note why the answer ended. "" and "null" are how some servers say that it has not."""
        if isinstance(raw, str) and raw and raw != "null":
            self._finish = _Finish(FINISH_REASONS.get(raw.lower(), FinishReason.OTHER), self.failures.safe(raw))

    def identify(self, *, model: object = None, request_id: object = None) -> None:
        if isinstance(model, str) and model:
            self._served_model = self.failures.safe(model)
        if isinstance(request_id, str) and request_id and self._request_id is None:
            self._request_id = self.failures.safe(request_id)

    def _emit_text(self, text: str) -> Iterator[StreamEvent]:
        if text:
            self._has_content = self._has_content or not text.isspace()
            yield TextDelta(text)

    def _emit_reasoning(self, text: str) -> Iterator[StreamEvent]:
        if text:
            self._has_content = self._has_content or not text.isspace()
            yield ReasoningDelta(text)
