"""Answer without a network and without a key, so that every page works at the first start. Its texts are data."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from core.errors import ErrorKind, ProviderError
from core.events import Completed, ReasoningDelta, StreamEvent, TextDelta, UsageReport
from core.types import ChatRequest, FinishReason, ModelInfo, Route, Usage

GUIDE = "demo-guide"
ECHO = "demo-echo"
MODELS = (ModelInfo(GUIDE, "Demo guide"), ModelInfo(ECHO, "Demo echo"))

PAUSE_S = 0.018  # between two pieces
SHORT_ANSWER_PIECES = 200  # an ordinary answer takes at most this many pauses: 3.6 s
LONG_ANSWER_PARAGRAPHS = 300
CHARACTERS_PER_TOKEN = 4

_PIECE = re.compile(r"\s*\S{1,40}\s*|\s+")  # words with their blanks: together they are the text again
_ASKS_FOR_LONG = re.compile(r"(?<!how )\blong\b")  # "how long" asks for something else


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said to a message. A long one keeps its pace instead of ending within seconds."""

    text: str
    reasoning: str = ""
    is_long: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    keywords: tuple[str, ...]
    answer: Answer

    def score(self, message: str) -> int:
        return sum(bool(re.search(rf"\b{re.escape(keyword)}\b", message)) for keyword in self.keywords)


class DemoRunner:
    """`sleep` paces the stream; tests give one that returns at once."""

    def __init__(self, *, sleep: Callable[[float], Awaitable[object]] = asyncio.sleep) -> None:
        self._sleep = sleep

    async def stream(self, route: Route, request: ChatRequest) -> AsyncIterator[StreamEvent]:
        whole = _answer(route, request.messages[-1].text)
        answer = _cut(whole, request.max_output_tokens)
        input_tokens = _count_input(request)
        reasoning = text = ""
        for number, event in enumerate(_deltas(answer)):
            if number:
                await self._sleep(PAUSE_S)
            yield event
            if isinstance(event, ReasoningDelta):
                reasoning += event.text
            else:
                text += event.text
            yield UsageReport(_usage(input_tokens, reasoning, text))
        yield Completed(
            usage=_usage(input_tokens, reasoning, text),
            finish_reason=FinishReason.STOP if answer == whole else FinishReason.LENGTH,
            served_model=route.model.id,
        )

    async def models(self, route: Route) -> list[ModelInfo]:
        return list(MODELS)

    async def close(self) -> None:
        """Nothing is held open."""


def _answer(route: Route, message: str) -> Answer:
    if route.model.id == GUIDE:
        return _guide(message)
    if route.model.id == ECHO:
        return Answer(message)
    problem = f"{route.provider.name} has no model {route.model.id}. Choose {GUIDE} or {ECHO}."
    raise ProviderError(ErrorKind.NOT_FOUND, problem)


def _guide(message: str) -> Answer:
    words = " ".join(message.lower().split())
    sections = _sections()
    if _ASKS_FOR_LONG.search(words):
        return _long_answer(sections)
    best = max(sections, key=lambda section: section.score(words))  # the first of equals
    return best.answer if best.score(words) else sections[-1].answer


def _long_answer(sections: tuple[Section, ...]) -> Answer:
    """Return numbered paragraphs, so that a gap or a repetition is seen at once."""
    remarks = [section.answer.reasoning for section in sections]
    paragraphs = [
        f"**Paragraph {number} of {LONG_ANSWER_PARAGRAPHS}.** {remarks[number % len(remarks)]}"
        for number in range(1, LONG_ANSWER_PARAGRAPHS + 1)
    ]
    reasoning = "Asked for a long answer. Number the paragraphs, so that one can see that none is lost."
    return Answer("\n\n".join(paragraphs), reasoning, is_long=True)


@cache
def _sections() -> tuple[Section, ...]:
    source = Path(__file__).with_name("demo_guide.md").read_text(encoding="utf-8")
    return tuple(_section(block) for block in re.split(r"^## ", source, flags=re.MULTILINE)[1:])


def _section(block: str) -> Section:
    heading, quote, text = block.split("\n", 2)
    keywords = tuple(keyword.strip() for keyword in heading.split(","))
    return Section(keywords, Answer(text.strip(), quote.removeprefix("> ")))


def _cut(answer: Answer, max_output_tokens: int | None) -> Answer:
    if max_output_tokens is None:
        return answer
    limit = max_output_tokens * CHARACTERS_PER_TOKEN
    reasoning = answer.reasoning[:limit]
    return replace(answer, reasoning=reasoning, text=answer.text[: limit - len(reasoning)])


def _deltas(answer: Answer) -> Iterator[ReasoningDelta | TextDelta]:
    thoughts, words = _PIECE.findall(answer.reasoning), _PIECE.findall(answer.text)
    size = 1 if answer.is_long else max(1, -(-(len(thoughts) + len(words)) // SHORT_ANSWER_PIECES))
    for start in range(0, len(thoughts), size):
        yield ReasoningDelta("".join(thoughts[start : start + size]))
    for start in range(0, len(words), size):
        yield TextDelta("".join(words[start : start + size]))


def _count_input(request: ChatRequest) -> int:
    return sum(_tokens(text) for text in [request.system or "", *(message.text for message in request.messages)])


def _usage(input_tokens: int, reasoning: str, text: str) -> Usage:
    return Usage(
        input_tokens=input_tokens,
        output_tokens=_tokens(reasoning) + _tokens(text),
        reasoning_tokens=_tokens(reasoning),
        is_estimated=True,
    )


def _tokens(text: str) -> int:
    """Return about how many tokens the text has, rounded up."""
    return -(-len(text) // CHARACTERS_PER_TOKEN)
