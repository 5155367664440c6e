import json
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ErrorKind
from core.runners.anthropic_events import MessagesAnswer
from core.types import FinishReason, Usage
from tests.core.runners.support import Outcome, read_bytes, unhurried
from tests.servers.anthropic_server import (
    block_start,
    block_stop,
    delta,
    message,
    message_delta,
    message_start,
    sse,
    text_delta,
)

START = sse(message_start(usage={"input_tokens": 12, "output_tokens": 1}))
STOP = sse({"type": "message_stop"})
END = message_delta("end_turn", {"output_tokens": 7}) + STOP


def read(*pieces: bytes) -> Outcome:
    return read_bytes(MessagesAnswer, b"".join(pieces))


def without_names(stream: bytes) -> bytes:
    return b"".join(line for line in stream.splitlines(keepends=True) if not line.startswith(b"event:"))


ANSWERS = {
    "plain": ([START, block_start(0, {"type": "text", "text": ""}), text_delta("Hel"), text_delta("lo"), END], ""),
    "ping": ([START, sse({"type": "ping"}), text_delta("Hello"), sse({"type": "ping"}), END], ""),
    "text-in-block-start": ([START, block_start(0, {"type": "text", "text": "Hel"}), text_delta("lo"), END], ""),
    "two-text-blocks": (
        [START, text_delta("Hel"), block_stop(0), delta(1, {"type": "text_delta", "text": "lo"}), END],
        "",
    ),
    "thinking": ([START, delta(0, {"type": "thinking_delta", "thinking": "Hm"}), text_delta("Hello"), END], "Hm"),
    "thinking-in-block-start": (
        [START, block_start(0, {"type": "thinking", "thinking": "Hm"}), text_delta("Hello"), END],
        "Hm",
    ),
    "signature-skipped": (
        [START, delta(0, {"type": "signature_delta", "signature": "x"}), text_delta("Hello"), END],
        "",
    ),
    "redacted-thinking-skipped": (
        [START, block_start(0, {"type": "redacted_thinking", "data": "x"}), text_delta("Hello"), END],
        "",
    ),
    "server-tools-skipped": (
        [
            START,
            block_start(0, {"type": "server_tool_use", "id": "1", "name": "web_search", "input": {}}),
            delta(0, {"type": "input_json_delta", "partial_json": '{"q": 1}'}),
            block_start(1, {"type": "web_search_tool_result", "content": [{"type": "text", "text": "no"}]}),
            block_start(2, {"type": "compaction", "content": "no"}),
            text_delta("Hello"),
            delta(3, {"type": "citations_delta", "citation": {"type": "x"}}),
            END,
        ],
        "",
    ),
    "unknown-event": ([START, sse({"type": "brand_new", "text": "no"}), text_delta("Hello"), END], ""),
    "unknown-delta": ([START, delta(0, {"type": "new_delta", "text": "no"}), text_delta("Hello"), END], ""),
    "nulls": (
        [
            START,
            sse({"type": "content_block_delta", "delta": None}),
            delta(0, {"type": "text_delta", "text": None}),
            text_delta("Hello"),
            END,
        ],
        "",
    ),
    "two-message-starts": ([START, START, text_delta("Hello"), END], ""),
    "no-event-lines": ([without_names(START), without_names(text_delta("Hello")), without_names(END)], ""),
    "no-type-in-data": (
        [START, b'event: content_block_delta\ndata: {"delta": {"type": "text_delta", "text": "Hello"}}\n\n', END],
        "",
    ),
    "no-message-stop": ([START, text_delta("Hello"), message_delta("end_turn")], ""),
    "done-mark-of-the-other-protocol": (
        [START, text_delta("Hello"), message_delta("end_turn"), b"data: [DONE]\n\n"],
        "",
    ),
    "nothing-after-message-stop": ([START, text_delta("Hello"), END, text_delta("more")], ""),
    "stop-reason-null-first": ([START, message_delta(None), text_delta("Hello"), END], ""),
    "no-message-start": ([text_delta("Hello"), END], ""),
    "crlf": ([piece.replace(b"\n", b"\r\n") for piece in (START, text_delta("Hello"), END)], ""),
    "surrogate-halves": ([START, text_delta("Hel"), text_delta("lo"), END], ""),
    "error-null": ([START, sse({"type": "note", "error": None}), text_delta("Hello"), END], ""),
}


@pytest.mark.parametrize(("pieces", "reasoning"), ANSWERS.values(), ids=ANSWERS.keys())
def test_every_seen_kind_of_stream_is_read(pieces: list[bytes], reasoning: str) -> None:
    outcome = read(*pieces)
    assert (outcome.text, outcome.reasoning, outcome.kind) == ("Hello", reasoning, None)
    assert outcome.finish is FinishReason.STOP


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("end_turn", FinishReason.STOP),
        ("stop_sequence", FinishReason.STOP),
        ("max_tokens", FinishReason.LENGTH),
        ("tool_use", FinishReason.TOOL_CALLS),
        ("pause_turn", FinishReason.PAUSE),
        ("refusal", FinishReason.REFUSAL),
        ("model_context_window_exceeded", FinishReason.CONTEXT_FULL),
        ("stop", FinishReason.STOP),  # gateways in front of other models
        ("brand_new", FinishReason.OTHER),
    ],
)
def test_stop_reasons_are_mapped_and_the_raw_word_is_kept(word: str, reason: FinishReason) -> None:
    outcome = read(START, text_delta("Hello"), message_delta(word))
    assert outcome.completed is not None
    assert (outcome.finish, outcome.completed.raw_finish_reason) == (reason, word)


def started(**usage: Any) -> bytes:
    return sse(message_start(usage=usage))


USAGES = {
    "start-and-delta": (started(input_tokens=12, output_tokens=1), {"output_tokens": 7}, Usage(12, 7)),
    "later-null-keeps": (
        started(input_tokens=12, output_tokens=1),
        {"input_tokens": None, "output_tokens": 7},
        Usage(12, 7),
    ),
    "later-zero-keeps": (
        started(input_tokens=12, output_tokens=1),
        {"input_tokens": 0, "output_tokens": 7},
        Usage(12, 7),
    ),
    "all-in-delta": (started(input_tokens=0, output_tokens=0), {"input_tokens": 12, "output_tokens": 7}, Usage(12, 7)),
    "start-null": (sse(message_start()), {"input_tokens": 12, "output_tokens": 7}, Usage(12, 7)),
    "delta-null": (started(input_tokens=12, output_tokens=1), None, Usage(12, 1)),
    "none": (sse(message_start()), None, Usage()),
    "only-output": (sse(message_start()), {"output_tokens": 7}, Usage(None, 7)),
    "cache": (
        started(input_tokens=2, cache_creation_input_tokens=10, cache_read_input_tokens=100, output_tokens=1),
        {"output_tokens": 7},
        Usage(112, 7, cache_read_tokens=100, cache_write_tokens=10),
    ),
    "cache-null": (
        started(input_tokens=12, cache_creation_input_tokens=None, cache_read_input_tokens=0, output_tokens=1),
        {"output_tokens": 7},
        Usage(12, 7, cache_read_tokens=0),
    ),
    "cumulative-with-cache": (
        started(input_tokens=2, cache_read_input_tokens=100, output_tokens=1),
        {"input_tokens": 5, "cache_read_input_tokens": 100, "output_tokens": 7},
        Usage(105, 7, cache_read_tokens=100),
    ),
    "thinking": (
        started(input_tokens=12, output_tokens=1),
        {"output_tokens": 70, "output_tokens_details": {"thinking_tokens": 60}},
        Usage(12, 70, reasoning_tokens=60),
    ),
    "not-numbers": (started(input_tokens="12", output_tokens=True), {"output_tokens": -1}, Usage()),
}


@pytest.mark.parametrize(("start", "later", "usage"), USAGES.values(), ids=USAGES.keys())
def test_usage_of_start_and_delta_is_merged(start: bytes, later: dict[str, Any] | None, usage: Usage) -> None:
    outcome = read(start, text_delta("Hello"), message_delta("end_turn", later), STOP)
    assert outcome.final_usage == usage
    assert outcome.usage == (usage if usage != Usage() else None)


def test_usage_is_known_of_an_answer_that_breaks() -> None:
    outcome = read(START, text_delta("Hel"))
    assert (outcome.kind, outcome.text, outcome.usage) == (ErrorKind.INTERRUPTED, "Hel", Usage(12, 1))


def test_served_model_and_request_id_come_from_the_message() -> None:
    completed = read(START, text_delta("Hello"), END).completed
    assert completed is not None
    assert (completed.served_model, completed.request_id) == ("test-model", "msg_1")


@pytest.mark.parametrize(
    ("type", "text", "kind"),
    [
        ("overloaded_error", "Overloaded", ErrorKind.OVERLOADED),
        ("api_error", "Internal server error", ErrorKind.SERVER_ERROR),
        ("rate_limit_error", "slow down", ErrorKind.RATE_LIMIT),
        ("authentication_error", "bad key", ErrorKind.AUTH),
        ("permission_error", "no", ErrorKind.PERMISSION),
        ("billing_error", "pay", ErrorKind.QUOTA),
        ("timeout_error", "late", ErrorKind.TIMEOUT),
        ("request_too_large", "big", ErrorKind.PAYLOAD_TOO_LARGE),
        ("invalid_request_error", "prompt is too long: 9 tokens > 8 maximum", ErrorKind.CONTEXT_LENGTH),
        ("invalid_request_error", "what", ErrorKind.BAD_REQUEST),
        ("brand_new_error", "what", ErrorKind.SERVER_ERROR),
    ],
)
def test_an_error_event_keeps_the_text_and_is_classified_by_its_type(type: str, text: str, kind: ErrorKind) -> None:
    error = sse({"type": "error", "error": {"type": type, "message": text}})
    outcome = read(START, text_delta("Hel"), error, text_delta("lo"), END)
    assert (outcome.text, outcome.kind, outcome.completed) == ("Hel", kind, None)
    assert outcome.error is not None and outcome.error.detail == text


def test_without_a_stop_reason_an_answer_is_interrupted() -> None:
    assert read(START, text_delta("Hello"), STOP).kind is ErrorKind.INTERRUPTED
    assert read(START, text_delta("Hello"), message_delta(None)).kind is ErrorKind.INTERRUPTED
    assert read(sse({"type": "ping"})).kind is ErrorKind.INTERRUPTED


@pytest.mark.parametrize("word", ["end_turn", "refusal", "pause_turn", "tool_use"])
def test_an_empty_answer_is_an_error_that_names_the_stop_reason(word: str) -> None:
    outcome = read(START, message_delta(word), STOP)
    assert outcome.error is not None and outcome.kind is ErrorKind.EMPTY and word in outcome.error.message


def test_an_empty_answer_cut_by_length_is_complete() -> None:
    assert read(START, message_delta("max_tokens"), STOP).finish is FinishReason.LENGTH


def test_another_protocol_is_named_as_such() -> None:
    outcome = read(b'data: {"choices": [{"delta": {"content": "Hello"}, "finish_reason": "stop"}]}\n\n')
    assert outcome.error is not None and outcome.kind is ErrorKind.MALFORMED and "protocol" in outcome.error.message


def test_a_json_body_where_a_stream_was_asked_is_the_answer() -> None:
    body = {**message("Hello"), "content": [{"type": "thinking", "thinking": "Hm"}, {"type": "text", "text": "Hello"}]}
    outcome = read_bytes(MessagesAnswer, json.dumps(body).encode(), content_type="application/json")
    assert (outcome.text, outcome.reasoning, outcome.finish) == ("Hello", "Hm", FinishReason.STOP)
    assert outcome.final_usage == Usage(12, 7)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, ErrorKind.OVERLOADED),
        ({"error": {"message": "invalid api key"}}, ErrorKind.SERVER_ERROR),
        ([{"error": {"code": 401, "message": "x"}}], ErrorKind.AUTH),
        ({"choices": []}, ErrorKind.MALFORMED),
        (7, ErrorKind.MALFORMED),
    ],
)
def test_a_json_body_that_is_no_answer_is_a_clear_error(body: Any, kind: ErrorKind) -> None:
    outcome = read_bytes(MessagesAnswer, json.dumps(body).encode(), content_type="application/json")
    assert (outcome.kind, outcome.completed) == (kind, None)


RICH = b"".join(
    [
        b"\xef\xbb\xbf: hi\r\n\r\n",
        START.replace(b"\n", b"\r\n"),
        delta(0, {"type": "thinking_delta", "thinking": "Größe"}),
        b"event: content_block_delta\r"
        b'data: {"type":"content_block_delta","delta":{"type":"text_delta","text":"\xf0\x9f\x98\x80 H\xc3\xa9"}}\r\r',
        sse({"type": "ping"}),
        text_delta("llo \ud83d"),
        text_delta("\ude00"),
        message_delta("end_turn", {"output_tokens": 7}),
        STOP,
    ]
)
RICH_OUTCOME = read_bytes(MessagesAnswer, RICH)


def cut(data: bytes, places: Iterable[int]) -> list[bytes]:
    edges = [0, *sorted(places), len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


def test_the_rich_stream_is_what_it_seems() -> None:
    assert (RICH_OUTCOME.text, RICH_OUTCOME.reasoning) == ("😀 Héllo 😀", "Größe")
    assert RICH_OUTCOME.final_usage == Usage(12, 7)


@unhurried
@given(st.lists(st.integers(0, len(RICH)), max_size=12))
def test_any_split_gives_the_same(places: list[int]) -> None:
    assert read_bytes(MessagesAnswer, cut(RICH, places)) == RICH_OUTCOME


def test_any_truncation_gives_a_prefix_and_never_a_false_end() -> None:
    for length in range(len(RICH)):
        outcome = read_bytes(MessagesAnswer, RICH[:length])
        assert RICH_OUTCOME.text.startswith(outcome.text.rstrip("\ufffd"))
        assert outcome.kind is ErrorKind.INTERRUPTED or outcome.text == RICH_OUTCOME.text


@unhurried
@given(st.binary(max_size=300))
def test_garbage_raises_nothing_outside_our_errors(garbage: bytes) -> None:
    assert read_bytes(MessagesAnswer, garbage).completed is None


KINDS = [
    "message_start",
    "message_delta",
    "content_block_delta",
    "content_block_start",
    "error",
    "text_delta",
    "thinking_delta",
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(KINDS) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "type",
                    "message",
                    "delta",
                    "content_block",
                    "usage",
                    "error",
                    "content",
                    "text",
                    "stop_reason",
                    "id",
                    "model",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=15,
)


@unhurried
@given(st.lists(JSON, max_size=4), st.booleans())
def test_any_json_raises_nothing_outside_our_errors(values: list[Any], is_whole: bool) -> None:
    lines = b"".join(f"data: {json.dumps(value)}\n\n".encode() for value in values)
    read_bytes(MessagesAnswer, json.dumps(values[0]).encode() if is_whole and values else lines)
