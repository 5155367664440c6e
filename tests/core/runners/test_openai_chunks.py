import json
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ErrorKind
from core.runners.openai_chunks import ChatAnswer, ThinkTags
from core.types import FinishReason, Usage
from tests.core.runners.support import Outcome, read_bytes, unhurried
from tests.servers.openai_server import chunk, sse
from tests.wire.chat import DONE, END, say
from tests.wire.chat_usage import with_usage


def read(*chunks: Any, tail: bytes = DONE) -> Outcome:
    """Read chunks given as values; bytes go in as they are."""
    return read_bytes(ChatAnswer, b"".join(c if isinstance(c, bytes) else sse(c) for c in chunks) + tail)


def test_usage_is_known_of_an_answer_that_breaks() -> None:
    outcome = read({**say("Hello"), "usage": {"prompt_tokens": 5, "completion_tokens": 1}}, tail=b"")
    assert (outcome.kind, outcome.text, outcome.usage) == (ErrorKind.INTERRUPTED, "Hello", Usage(5, 1))


def test_served_model_and_request_id_come_from_the_chunks() -> None:
    outcome = read({**say("Hello"), "model": "gpt-x-2026"}, {**END, "model": ""})
    assert outcome.completed is not None
    assert (outcome.completed.served_model, outcome.completed.request_id) == ("gpt-x-2026", "chatcmpl-1")


@pytest.mark.parametrize("finish", ["stop", "content_filter", "tool_calls", "refusal", "unheard_of"])
def test_an_empty_answer_is_an_error_that_names_the_finish_reason(finish: str) -> None:
    outcome = read(chunk({"content": " \n"}), chunk({}, finish=finish))
    assert outcome.error is not None and outcome.kind is ErrorKind.EMPTY
    assert finish in outcome.error.message and "Acme AI" in outcome.error.message


def test_an_empty_answer_cut_by_length_is_complete() -> None:
    assert read(chunk({}, finish="length")).finish is FinishReason.LENGTH


def test_reasoning_alone_is_an_answer() -> None:
    assert read(chunk({"reasoning": "Hm"}), END).finish is FinishReason.STOP


def test_another_protocol_is_named_as_such() -> None:
    outcome = read(b'event: message_start\ndata: {"type": "message_start", "message": {}}\n\n', tail=b"")
    assert outcome.error is not None and outcome.kind is ErrorKind.MALFORMED
    assert "protocol" in outcome.error.message


RICH = b"".join(
    [
        b"\xef\xbb\xbf: hello\r\n\r\n",
        sse(say("<think>Größe 😀")).replace(b"\\u", b"\\u").replace(b"\n", b"\r\n"),
        b'data: {"choices":[{"delta":{"content":"\xf0\x9f\x98\x80 \xe4\xb8\xad</think>"}}]}\r\r',
        sse(say("\n\nHello ")),
        b"data: ping\n\n",
        b'data: {"choices":[{"delta":\n\n',
        sse(chunk({"content": "wörld"}, finish="stop")),
        sse(with_usage({"prompt_tokens": 5, "completion_tokens": 3})),
        DONE,
    ]
)
RICH_OUTCOME = read_bytes(ChatAnswer, RICH)


def cut(data: bytes, places: Iterable[int]) -> list[bytes]:
    edges = [0, *sorted(places), len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


def test_the_rich_stream_is_what_it_seems() -> None:
    assert (RICH_OUTCOME.text, RICH_OUTCOME.reasoning) == ("Hello wörld", "Größe 😀😀 中")
    assert (RICH_OUTCOME.final_usage, len(RICH_OUTCOME.notices)) == (Usage(5, 3), 1)


def test_byte_by_byte_is_the_same() -> None:
    assert read_bytes(ChatAnswer, [bytes([byte]) for byte in RICH]) == RICH_OUTCOME


@unhurried
@given(st.lists(st.integers(0, len(RICH)), max_size=12))
def test_any_split_gives_the_same(places: list[int]) -> None:
    assert read_bytes(ChatAnswer, cut(RICH, places)) == RICH_OUTCOME


def test_any_truncation_gives_a_prefix_and_never_a_false_end() -> None:
    for length in range(len(RICH)):
        outcome = read_bytes(ChatAnswer, RICH[:length])
        assert RICH_OUTCOME.text.startswith(outcome.text)
        assert outcome.kind is ErrorKind.INTERRUPTED or outcome.text == RICH_OUTCOME.text


@unhurried
@given(st.binary(max_size=300))
def test_garbage_raises_nothing_outside_our_errors(garbage: bytes) -> None:
    assert read_bytes(ChatAnswer, garbage).completed is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "choices",
                    "delta",
                    "content",
                    "usage",
                    "error",
                    "message",
                    "finish_reason",
                    "index",
                    "type",
                    "text",
                    "thinking",
                ]
            )
            | st.text(max_size=3),
            inner,
            max_size=4,
        )
    ),
    max_leaves=15,
)


@unhurried
@given(st.lists(JSON, max_size=4), st.booleans())
def test_any_json_raises_nothing_outside_our_errors(values: list[Any], is_whole: bool) -> None:
    body = json.dumps(values[0]).encode() if is_whole and values else b"".join(map(sse, values))
    read_bytes(ChatAnswer, body)


@unhurried
@given(st.text(alphabet="<>/think \na", max_size=30), st.lists(st.integers(0, 30), max_size=6))
def test_think_tags_do_not_depend_on_the_cuts(text: str, places: list[int]) -> None:
    def split(pieces: list[str]) -> tuple[str, str]:
        tags, found = ThinkTags(), ["", ""]
        for piece in pieces:
            for is_reasoning, part in tags.feed(piece):
                found[is_reasoning] += part
        for is_reasoning, part in tags.end():
            found[is_reasoning] += part
        return found[0], found[1]

    edges = [0, *sorted(min(place, len(text)) for place in places), len(text)]
    assert split([text]) == split([text[a:b] for a, b in pairwise(edges)])
