"""Read the chunks of a chat completion, as OpenAI and everybody who imitates it send them. Pure."""

from collections.abc import Iterator

from core.events import StreamEvent
from core.runners.answer import Answer, amount, count
from core.runners.failures import Failures
from core.types import Usage

_OPEN, _CLOSE = "<think>", "</think>"


class ThinkTags:
    """Takes a leading <think> block out of a text that comes in pieces cut anywhere."""

    def __init__(self) -> None:
        self._state = "start"  # start, opened, thinking, gap (between the block and the text), text
        self._held = ""

    def feed(self, text: str) -> Iterator[tuple[bool, str]]:
        """Yield (is_reasoning, text) as far as it is decided."""
        self._held += text
        if self._state == "start":
            head = self._held.lstrip()
            if head.startswith(_OPEN):
                self._state, self._held = "opened", head[len(_OPEN) :]
            elif not _OPEN.startswith(head):
                self._state = "text"
        if self._state == "opened" and (rest := self._held.lstrip()):
            self._state, self._held = "thinking", rest
        if self._state == "thinking":
            yield from self._thinking()
        if self._state == "gap" and (rest := self._held.lstrip()):
            self._state, self._held = "text", rest
        if self._state == "text" and self._held:
            yield False, self._release(len(self._held))

    def end(self) -> Iterator[tuple[bool, str]]:
        """Yield what was held back because it might have been a tag."""
        if self._held and self._state in ("start", "thinking"):
            yield self._state == "thinking", self._release(len(self._held))

    def _thinking(self) -> Iterator[tuple[bool, str]]:
        reasoning, close, rest = self._held.partition(_CLOSE)
        if close:
            self._state, self._held = "gap", rest
            if reasoning:
                yield True, reasoning
        elif safe := len(self._held) - _overlap(self._held, _CLOSE):
            yield True, self._release(safe)

    def _release(self, length: int) -> str:
        text, self._held = self._held[:length], self._held[length:]
        return text


def _overlap(text: str, tag: str) -> int:
    """Return how many characters at the text's end may be the tag's beginning."""
    return next((size for size in range(min(len(tag) - 1, len(text)), 0, -1) if text.endswith(tag[:size])), 0)


class ChatAnswer(Answer):
    """A chat completion, streamed or whole."""

    def __init__(self, failures: Failures, *, request_id: str | None = None) -> None:
        super().__init__(failures, request_id=request_id)
        self._tags = ThinkTags()
        self._has_text = False

    def event(self, name: str, data: object) -> Iterator[StreamEvent]:
        if isinstance(data, list):  # Gemini wraps errors in an array
            for item in data:
                yield from self.event(name, item)
        elif isinstance(data, dict):
            yield from self._chunk(name, data)

    def whole(self, body: object) -> Iterator[StreamEvent]:
        if isinstance(body, dict) and not isinstance(body.get("choices"), list):
            raise self.failures.refused(body, status=200) if _is_error("", body) else self.failures.foreign()
        yield from self.event("", body)

    def end(self) -> Iterator[StreamEvent]:
        yield from self._split(self._tags.end())
        yield from super().end()

    def _chunk(self, name: str, chunk: dict[str, object]) -> Iterator[StreamEvent]:
        self.identify(model=chunk.get("model"), request_id=chunk.get("id"))
        choices = chunk.get("choices")
        self.is_understood = self.is_understood or isinstance(choices, list)
        # Azure's first chunk and everybody's usage chunk have no choices; some gateways send null.
        for choice in choices if isinstance(choices, list) else ():
            if isinstance(choice, dict) and choice.get("index") in (0, None):
                yield from self._choice(choice)
        if _is_error(name, chunk):
            raise self.failures.refused(chunk)
        yield from self._usage_of(chunk)

    def _choice(self, choice: dict[str, object]) -> Iterator[StreamEvent]:
        delta = choice.get("delta")
        # A whole completion has `message`; Perplexity streams both, the message cumulative.
        if not isinstance(delta, dict) and not self._has_text:
            delta = choice.get("message")
        if isinstance(delta, dict):
            reasoning = delta.get("reasoning_content") or delta.get("reasoning")
            if isinstance(reasoning, str):
                yield from self.add_reasoning(reasoning)
            yield from self._content(delta.get("content"))
            yield from self._content(delta.get("refusal"))
        self.finish(choice.get("finish_reason"))
        if isinstance(usage := choice.get("usage"), dict):  # Moonshot
            yield from self.add_usage(read_usage(usage))

    def _content(self, content: object) -> Iterator[StreamEvent]:
        """Read text, or a list of parts: Mistral's thinking models send `thinking` and `text` parts."""
        if isinstance(content, str):
            self._has_text = self._has_text or bool(content)
            yield from self._split(self._tags.feed(content))
        elif isinstance(content, list):
            for part in content:
                yield from self._content(part)
        elif isinstance(content, dict):
            if content.get("type") == "thinking":
                yield from self.add_reasoning(_flat(content.get("thinking")))
            elif content.get("type", "text") in ("text", "output_text"):
                yield from self._content(content.get("text"))

    def _split(self, pieces: Iterator[tuple[bool, str]]) -> Iterator[StreamEvent]:
        for is_reasoning, text in pieces:
            yield from self.add_reasoning(text) if is_reasoning else self.add_text(text)

    def _usage_of(self, chunk: dict[str, object]) -> Iterator[StreamEvent]:
        groq = chunk.get("x_groq")
        for usage in (groq.get("usage") if isinstance(groq, dict) else None, chunk.get("usage")):
            if isinstance(usage, dict):
                yield from self.add_usage(read_usage(usage))


def read_usage(usage: dict[str, object]) -> Usage:
    """Return usage in our convention. All zeros is how some servers say that they did not count."""
    prompt, completion = count(usage.get("prompt_tokens")), count(usage.get("completion_tokens"))
    if not prompt and not completion:
        return Usage()
    reasoning = count(_inside(usage, "completion_tokens_details").get("reasoning_tokens"))
    total = count(usage.get("total_tokens"))
    if prompt is not None and completion is not None and total is not None:
        # xAI and Gemini count reasoning in total_tokens only (vercel/ai#12425, CLIProxyAPI#5733, read 2026-11-24).
        missing = total - prompt - completion
        if missing > 0 and reasoning in (None, missing):
            completion += missing
    prompt_details = _inside(usage, "prompt_tokens_details")
    cached = count(prompt_details.get("cached_tokens"))
    return Usage(
        input_tokens=prompt,
        output_tokens=completion,
        reasoning_tokens=reasoning,
        cache_read_tokens=count(usage.get("prompt_cache_hit_tokens")) if cached is None else cached,
        cache_write_tokens=count(prompt_details.get("cache_write_tokens")),
        reported_cost_usd=amount(usage.get("cost")),
    )


def _inside(value: dict[str, object], name: str) -> dict[str, object]:
    inner = value.get(name)
    return inner if isinstance(inner, dict) else {}


def _flat(value: object) -> str:
    """Return the text of a string or of a list of text parts."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "".join(_flat(item) for item in value)
    return _flat(value.get("text")) if isinstance(value, dict) else ""


def _is_error(name: str, chunk: dict[str, object]) -> bool:
    """Whether a chunk is an error: Groq and OpenRouter, vLLM ("object": "error"), DashScope (bare code and message)."""
    if chunk.get("error") or name == "error" or chunk.get("object") == "error":
        return True
    base = chunk.get("base_resp")  # MiniMax: status_code 0 is success
    if isinstance(base, dict) and base.get("status_code") not in (0, None):
        return True
    return "choices" not in chunk and bool(chunk.get("code") or chunk.get("detail")) and "usage" not in chunk
