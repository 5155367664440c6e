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
    delta,
    message_delta,
    sse,
    text_delta,
)
from tests.wire.messages import END, START, STOP


def read(*pieces: bytes) -> Outcome:
    return read_bytes(MessagesAnswer, b"".join(pieces))


def test_usage_is_known_of_an_answer_that_breaks() -> None:
    outcome = read(START, text_delta("Hel"))
    assert (outcome.kind, outcome.text, outcome.usage) == (ErrorKind.INTERRUPTED, "Hel", Usage(12, 1))


def test_served_model_and_request_id_come_from_the_message() -> None:
    completed = read(START, text_delta("Hello"), END).completed
    assert completed is not None
    assert (completed.served_model, completed.request_id) == ("test-model", "msg_1")


@pytest.mark.parametrize("word", ["end_turn", "refusal", "pause_turn", "tool_use"])
def test_an_empty_answer_is_an_error_that_names_the_stop_reason(word: str) -> None:
    outcome = read(START, message_delta(word), STOP)
    assert outcome.error is not None and outcome.kind is ErrorKind.EMPTY and word in outcome.error.message


def test_an_empty_answer_cut_by_length_is_complete() -> None:
    assert read(START, message_delta("max_tokens"), STOP).finish is FinishReason.LENGTH


def test_another_protocol_is_named_as_such() -> None:
    outcome = read(b'data: {"choices": [{"delta": {"content": "Hello"}, "finish_reason": "stop"}]}\n\n')
    assert outcome.error is not None and outcome.kind is ErrorKind.MALFORMED and "protocol" in outcome.error.message


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
