import asyncio
from collections.abc import AsyncGenerator
from typing import cast

import pytest

from core.errors import ErrorKind, ProviderError
from core.events import Completed, ReasoningDelta, StreamEvent, TextDelta, UsageReport
from core.runners.demo import ECHO, GUIDE, PAUSE_S, SHORT_ANSWER_PIECES, DemoRunner
from core.types import ChatMessage, ChatRequest, FinishReason, Model, Provider, Role, Route

PROVIDER = Provider("demo", "Demo", "demo", "", requires_key=False)


def route(model_id: str = GUIDE) -> Route:
    return Route(PROVIDER, Model("demo", model_id, model_id), None, "chosen")


def request(text: str, *, max_output_tokens: int | None = None) -> ChatRequest:
    return ChatRequest((ChatMessage(Role.USER, text),), max_output_tokens=max_output_tokens)


async def at_once(seconds: float) -> None:
    """Do not wait."""


def answer(text: str, model_id: str = GUIDE, *, max_output_tokens: int | None = None) -> list[StreamEvent]:
    async def collect() -> list[StreamEvent]:
        runner = DemoRunner(sleep=at_once)
        sent = request(text, max_output_tokens=max_output_tokens)
        return [event async for event in runner.stream(route(model_id), sent)]

    return asyncio.run(collect())


def text_of(events: list[StreamEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def reasoning_of(events: list[StreamEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, ReasoningDelta))


def completed(events: list[StreamEvent]) -> Completed:
    assert sum(isinstance(event, Completed) for event in events) == 1
    last = events[-1]
    assert isinstance(last, Completed)
    return last


@pytest.mark.parametrize(
    ("question", "promise"),
    [
        ("What is this?", "open-source chat workbench"),
        ("blah blah", "open-source chat workbench"),
        ("Hello", "open-source chat workbench"),
        ("How do I add a provider?", "**custom provider**"),
        ("where do I enter my API KEY", "**Providers** page"),
        ("How do I switch models?", "very next message"),
        ("In which order does the router choose?", "| 1 | the provider chosen with the message"),
        ("Which provider answers with Automatic?", "| 1 | the provider chosen with the message"),
        ("Where is my data?", "data/settings.duckdb"),
        ("Are my keys encrypted and where are they stored?", "Fernet"),
        ("What does the usage page show?", "Time to first token"),
        ("what did this cost", "Time to first token"),
        ("Can I reload?", "belongs to the **server**"),
        ("Who are you?", "not a language model"),
        ("How long does it take to set up a provider?", "**custom provider**"),
    ],
)
def test_the_guide_finds_its_answer_by_simple_words(question: str, promise: str) -> None:
    assert promise in text_of(answer(question))


@pytest.mark.parametrize("question", ["hi", "order", "switch", "data", "usage", "provider", "reload", "demo"])
def test_each_guide_answer_reasons_first_and_shows_markdown_code_and_a_table(question: str) -> None:
    events = answer(question)
    kinds = [type(event) for event in events if isinstance(event, TextDelta | ReasoningDelta)]
    assert kinds[0] is ReasoningDelta and kinds[-1] is TextDelta
    assert kinds == sorted(kinds, key=lambda kind: kind is TextDelta)
    text = text_of(events)
    assert "**" in text and "|--|" in text and text.count("```") == 2
    assert reasoning_of(events) and ">" not in reasoning_of(events)


@pytest.mark.parametrize("message", ["Hi", "  a\n\n b\t c ", "ü" * 300, "один 二 三\r\n", "x " * 5000])
def test_the_echo_repeats_the_message_to_the_last_blank(message: str) -> None:
    events = answer(message, ECHO)
    assert text_of(events) == message
    assert not reasoning_of(events)


def test_it_streams_word_by_word_and_ends_within_seconds() -> None:
    pauses: list[float] = []

    async def record(seconds: float) -> None:
        pauses.append(seconds)

    async def deltas(text: str, model_id: str) -> int:
        events = [event async for event in DemoRunner(sleep=record).stream(route(model_id), request(text))]
        return sum(isinstance(event, TextDelta) for event in events)

    assert asyncio.run(deltas("hi", GUIDE)) > 50
    assert asyncio.run(deltas("word " * 50_000, ECHO)) == SHORT_ANSWER_PIECES
    assert set(pauses) == {PAUSE_S} and 0.015 <= PAUSE_S <= 0.025
    assert sum(pauses) < 2 * 4


def test_a_long_answer_has_some_hundred_numbered_paragraphs_that_come_word_by_word() -> None:
    events = answer("Give me a LONG answer")
    paragraphs = text_of(events).split("\n\n")
    assert len(paragraphs) == 300
    assert all(f"Paragraph {number} of 300" in text for number, text in enumerate(paragraphs, start=1))
    assert sum(isinstance(event, TextDelta) for event in events) > 3000


def test_tokens_are_counted_by_a_fixed_rule_and_marked_as_estimated() -> None:
    async def collect() -> list[StreamEvent]:
        messages = (
            ChatMessage(Role.USER, "12345678"),
            ChatMessage(Role.ASSISTANT, "123"),
            ChatMessage(Role.USER, "echo this"),
        )
        sent = ChatRequest(messages, system="1234")
        return [event async for event in DemoRunner(sleep=at_once).stream(route(ECHO), sent)]

    usage = completed(asyncio.run(collect())).usage
    assert usage.is_estimated
    assert (usage.input_tokens, usage.output_tokens, usage.reasoning_tokens) == (2 + 1 + 3 + 1, 3, 0)


def test_output_tokens_include_the_reasoning() -> None:
    events = answer("hi")
    usage = completed(events).usage
    assert usage.reasoning_tokens == -(-len(reasoning_of(events)) // 4)
    assert usage.output_tokens == usage.reasoning_tokens + -(-len(text_of(events)) // 4)


def test_every_piece_is_followed_by_the_usage_so_far_so_that_a_stopped_answer_is_counted() -> None:
    events = answer("one two three", ECHO)
    counts = [event.usage.output_tokens for event in events if isinstance(event, UsageReport)]
    assert counts == [1, 2, 4]


def test_a_limit_of_tokens_cuts_the_answer_and_says_so() -> None:
    events = answer("x" * 100, ECHO, max_output_tokens=16)
    assert text_of(events) == "x" * 64
    assert completed(events).finish_reason is FinishReason.LENGTH
    assert completed(answer("hi", max_output_tokens=1)).usage.output_tokens == 1


def test_the_last_event_names_the_model_that_served() -> None:
    for model_id in (GUIDE, ECHO):
        last = completed(answer("hi", model_id))
        assert (last.served_model, last.finish_reason) == (model_id, FinishReason.STOP)


def test_an_unknown_model_is_refused_with_what_to_choose() -> None:
    with pytest.raises(ProviderError, match="demo-guide or demo-echo") as caught:
        answer("hi", "demo-9000")
    assert caught.value.kind is ErrorKind.NOT_FOUND


def test_it_lists_both_models() -> None:
    listed = asyncio.run(DemoRunner().models(route()))
    assert [model.id for model in listed] == [GUIDE, ECHO]


def test_it_can_be_closed_in_the_middle() -> None:
    async def stop() -> StreamEvent:
        runner = DemoRunner()
        events = cast(AsyncGenerator[StreamEvent, None], runner.stream(route(), request("long")))
        first = await anext(events)
        await events.aclose()
        await runner.close()
        return first

    assert isinstance(asyncio.run(stop()), ReasoningDelta)
