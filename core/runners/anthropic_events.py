"""Read the events of the Messages protocol, as Anthropic and its imitators send them. Pure."""

from collections.abc import Iterator

from core.events import StreamEvent
from core.runners.answer import Answer, count
from core.runners.failures import Failures
from core.types import Usage


class MessagesAnswer(Answer):
    """A message, streamed or whole. Kinds of events and blocks that are not known are skipped."""

    def __init__(self, failures: Failures, *, request_id: str | None = None) -> None:
        super().__init__(failures, request_id=request_id)
        self._figures: dict[str, int] = {}

    def event(self, name: str, data: object) -> Iterator[StreamEvent]:
        if not isinstance(data, dict):
            return
        # The type in the data decides: gateways leave out the `event:` line, or name it wrongly.
        kind = data.get("type")
        kind = kind if isinstance(kind, str) and kind else name
        self.is_understood = self.is_understood or kind in _KINDS
        match kind:
            case "message_start":
                yield from self._message(_dict(data.get("message")))
            case "content_block_start":
                yield from self._block(_dict(data.get("content_block")))
            case "content_block_delta":
                yield from self._block(_dict(data.get("delta")))
            case "message_delta":
                self.finish(_dict(data.get("delta")).get("stop_reason"))
                yield from self._count(data.get("usage"))
            case "message_stop":
                self.is_done = True
            case "error":
                raise self.failures.refused(data)
            case _ if data.get("error"):
                raise self.failures.refused(data)

    def whole(self, body: object) -> Iterator[StreamEvent]:
        message = _dict(body)
        if message.get("type") == "error" or message.get("error") or isinstance(body, list):
            raise self.failures.refused(body, status=200)
        if not isinstance(message.get("content"), list):
            raise self.failures.foreign()
        self.is_understood = True
        yield from self._message(message)

    def _message(self, message: dict[str, object]) -> Iterator[StreamEvent]:
        self.identify(model=message.get("model"), request_id=message.get("id"))
        yield from self._count(message.get("usage"))
        content = message.get("content")
        for block in content if isinstance(content, list) else ():
            yield from self._block(_dict(block))
        self.finish(message.get("stop_reason"))

    def _block(self, block: dict[str, object]) -> Iterator[StreamEvent]:
        """Read a block or a delta of one: both have the text under the same names."""
        match block.get("type"):
            case "text" | "text_delta" if isinstance(text := block.get("text"), str):
                yield from self.add_text(text)
            case "thinking" | "thinking_delta" if isinstance(text := block.get("thinking"), str):
                yield from self.add_reasoning(text)

    def _count(self, usage: object) -> Iterator[StreamEvent]:
        """Merge start and delta: figures are running totals, and neither None nor a later 0 (gateways) erases one."""
        given = _dict(usage)
        details = _dict(given.get("output_tokens_details"))
        kept = _dict(given.get("cache_creation")).get("ephemeral_1h_input_tokens")
        figures = {**given, "thinking_tokens": details.get("thinking_tokens"), "written_1h": kept}
        for name in _FIGURES:
            number = count(figures.get(name))
            if number is not None and (number or name not in self._figures):
                self._figures[name] = number
        yield from self.add_usage(self._usage_so_far())

    def _usage_so_far(self) -> Usage:
        get = self._figures.get
        input_tokens, output_tokens = get("input_tokens"), get("output_tokens")
        written, read = get("cache_creation_input_tokens"), get("cache_read_input_tokens")
        parts = [part for part in (input_tokens, written, read) if part is not None]
        total = sum(parts) if input_tokens is not None else None
        if not total and not output_tokens:
            return Usage()
        return Usage(
            input_tokens=total or None,
            output_tokens=output_tokens,
            reasoning_tokens=get("thinking_tokens"),
            cache_read_tokens=read,
            cache_write_tokens=written,
            cache_write_1h_tokens=get("written_1h"),
        )


_KINDS = frozenset(
    (
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
        "ping",
    )
)
_FIGURES = (
    *("input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"),
    "thinking_tokens",
    "written_1h",
)


def _dict(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}
