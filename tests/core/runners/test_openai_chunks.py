import json
from collections.abc import Iterable
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ErrorKind
from core.runners.openai_chunks import ChatAnswer, ThinkTags
from core.types import FinishReason, Usage
from tests.core.runners.support import Outcome, read_bytes, unhurried
from tests.servers.openai_server import chunk, completion, sse

DONE = b"data: [DONE]\n\n"
END = chunk({}, finish="stop")


def read(*chunks: Any, tail: bytes = DONE) -> Outcome:
    """Read chunks given as values; bytes go in as they are."""
    return read_bytes(ChatAnswer, b"".join(c if isinstance(c, bytes) else sse(c) for c in chunks) + tail)


def say(text: Any) -> dict[str, Any]:
    return chunk({"content": text})


def with_usage(usage: Any, **more: Any) -> dict[str, Any]:
    return {**chunk(None), "usage": usage, **more}


# What providers were seen to send. The comment or id names who.
ANSWERS = {
    "plain": ([say("Hel"), say("lo"), END], "Hello", ""),
    "azure-first-chunk-without-choices": (
        [{**chunk(None), "prompt_filter_results": []}, say("Hello"), END],
        "Hello",
        "",
    ),
    "choices-null": ([{"choices": None}, say("Hello"), END], "Hello", ""),
    "delta-null": ([{"choices": [{"index": 0, "delta": None}]}, say("Hello"), END], "Hello", ""),
    "content-null": ([chunk({"role": "assistant", "content": None}), say("Hello"), END], "Hello", ""),
    "other-index": ([{"choices": [{"index": 1, "delta": {"content": "no"}}]}, say("Hello"), END], "Hello", ""),
    "no-index": ([{"choices": [{"delta": {"content": "Hello"}}]}, END], "Hello", ""),
    "choice-not-an-object": ([{"choices": [None, "x", 3]}, say("Hello"), END], "Hello", ""),
    "unknown-fields": ([{**say("Hello"), "obfuscation": "x", "service_tier": None}, END], "Hello", ""),
    "tool-calls-skipped": ([chunk({"tool_calls": [{"index": 0}]}), say("Hello"), END], "Hello", ""),
    "refusal-text-openai": ([chunk({"refusal": "I can't."}), END], "I can't.", ""),
    "reasoning_content-deepseek": ([chunk({"reasoning_content": "Hm"}), say("Hello"), END], "Hello", "Hm"),
    "reasoning-openrouter": ([chunk({"reasoning": "Hm", "content": ""}), say("Hello"), END], "Hello", "Hm"),
    "both-reasoning-fields-once": (
        [chunk({"reasoning": "Hm", "reasoning_content": "Hm"}), say("Hello"), END],
        "Hello",
        "Hm",
    ),
    "reasoning-not-a-string": ([chunk({"reasoning": {"a": 1}, "content": "Hello"}), END], "Hello", ""),
    "mistral-parts": (
        [
            say([{"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]}]),
            say([{"type": "text", "text": "Hel"}, {"type": "reference", "reference_ids": [1]}]),
            say("lo"),
            END,
        ],
        "Hello",
        "Hm",
    ),
    "thinking-part-as-string": ([say([{"type": "thinking", "thinking": "Hm"}, "Hello"]), END], "Hello", "Hm"),
    "think-block": ([say("<think>Hm</think>\n\nHello"), END], "Hello", "Hm"),
    "think-block-split": (
        [say(piece) for piece in ("\n<th", "ink>", "\nH", "m", "</", "thi", "nk>", "\n", "Hel", "lo")] + [END],
        "Hello",
        "Hm",
    ),
    "think-block-empty": ([say("<think>\n\n</think>\n\nHello"), END], "Hello", ""),
    "think-later-is-text": ([say("A <think> tag"), END], "A <think> tag", ""),
    "almost-a-think-block": ([say("<thin"), say("g>"), END], "<thing>", ""),
    "think-never-closed": ([say("<think>Hm</thi"), END], "", "Hm</thi"),
    "surrogate-halves-in-two-chunks": (
        [
            b'data: {"choices":[{"delta":{"content":"\\ud83d"}}]}\n\n',
            b'data: {"choices":[{"delta":{"content":"\\ude00!"}}]}\n\n',
            END,
        ],
        "😀!",
        "",
    ),
    "lone-surrogate": ([b'data: {"choices":[{"delta":{"content":"a\\ud83d"}}]}\n\n', END], "a\ufffd", ""),
    "nul-dropped": ([say("Hel\x00lo"), END], "Hello", ""),
    "message-and-delta-perplexity": (
        [{"choices": [{"index": 0, "delta": {"content": "Hello"}, "message": {"content": "Hello"}}]}, END],
        "Hello",
        "",
    ),
    "message-instead-of-delta": ([{"choices": [{"index": 0, "message": {"content": "Hello"}}]}, END], "Hello", ""),
    "empty-finish-reason": ([{"choices": [{"delta": {"content": "Hello"}, "finish_reason": ""}]}, END], "Hello", ""),
    "error-null": ([{**say("Hello"), "error": None}, END], "Hello", ""),
    "comments-openrouter": ([b": OPENROUTER PROCESSING\n\n", say("Hello"), b":\n\n", END], "Hello", ""),
    "keep-alive-in-data": ([b"data: ping\n\n", b"data:\n\n", say("Hello"), b"data: [HEARTBEAT]\n\n", END], "Hello", ""),
    "other-fields": ([b"id: 7\nretry: 10\nevent: message\n" + sse(say("Hello")), END], "Hello", ""),
    "no-space-after-colon": ([sse(say("Hello")).replace(b"data: ", b"data:"), END], "Hello", ""),
    "crlf": ([sse(say("Hello")).replace(b"\n", b"\r\n"), sse(END).replace(b"\n", b"\r\n")], "Hello", ""),
    "cr-only": ([sse(say("Hello")).replace(b"\n", b"\r"), sse(END).replace(b"\n", b"\r")], "Hello", ""),
    "one-line-end-between-events": ([sse(say("Hel"))[:-1], sse(say("lo"))[:-1], END], "Hello", ""),
    "bom": ([b"\xef\xbb\xbf" + sse(say("Hello")), END], "Hello", ""),
    "array-of-chunks": ([[say("Hel"), say("lo"), END]], "Hello", ""),
    "data-is-a-number": ([b"data: 7\n\n", b"data: null\n\n", say("Hello"), END], "Hello", ""),
}


@pytest.mark.parametrize(("chunks", "text", "reasoning"), ANSWERS.values(), ids=ANSWERS.keys())
def test_every_seen_kind_of_stream_is_read(chunks: list[Any], text: str, reasoning: str) -> None:
    outcome = read(*chunks)
    assert (outcome.text, outcome.reasoning, outcome.kind) == (text, reasoning, None)
    assert outcome.finish is FinishReason.STOP
    assert outcome.notices == []


def test_a_missing_end_mark_or_last_blank_line_does_no_harm() -> None:
    assert read(say("Hello"), END, tail=b"").finish is FinishReason.STOP
    assert read(say("Hello"), sse(END).rstrip(), tail=b"").finish is FinishReason.STOP


def test_nothing_after_the_end_mark_is_read() -> None:
    assert read(say("Hello"), END, DONE, say("more")).text == "Hello"


def test_a_malformed_line_leaves_a_notice_and_the_rest_is_read() -> None:
    outcome = read(say("Hel"), b'data: {"choices": [{"delta": \n\n', b"data: {broken}\n\n", say("lo"), END)
    assert (outcome.text, outcome.finish, len(outcome.notices)) == ("Hello", FinishReason.STOP, 1)


def test_invalid_utf8_becomes_a_replacement_character() -> None:
    assert read(b'data: {"choices":[{"delta":{"content":"a\xffb"}}]}\n\n', END).text == "a\ufffdb"


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("stop", FinishReason.STOP),
        ("eos", FinishReason.STOP),
        ("end_turn", FinishReason.STOP),
        ("STOP", FinishReason.STOP),
        ("length", FinishReason.LENGTH),
        ("max_tokens", FinishReason.LENGTH),
        ("content_filter", FinishReason.CONTENT_FILTER),
        ("sensitive", FinishReason.CONTENT_FILTER),
        ("refusal", FinishReason.REFUSAL),
        ("tool_calls", FinishReason.TOOL_CALLS),
        ("function_call", FinishReason.TOOL_CALLS),
        ("model_context_window_exceeded", FinishReason.CONTEXT_FULL),
        ("something_new", FinishReason.OTHER),
    ],
)
def test_finish_reasons_are_mapped_and_the_raw_word_is_kept(word: str, reason: FinishReason) -> None:
    outcome = read(say("Hello"), chunk({}, finish=word))
    assert outcome.completed is not None
    assert (outcome.finish, outcome.completed.raw_finish_reason) == (reason, word)


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("network_error", ErrorKind.INTERRUPTED),  # GLM
        ("insufficient_system_resource", ErrorKind.OVERLOADED),  # DeepSeek
        ("error", ErrorKind.SERVER_ERROR),  # OpenRouter
        ("abort", ErrorKind.INTERRUPTED),  # vLLM, SGLang
    ],
)
def test_a_finish_reason_that_means_failure_is_one(word: str, kind: ErrorKind) -> None:
    outcome = read(say("Hello"), chunk({}, finish=word))
    assert (outcome.text, outcome.kind, outcome.completed) == ("Hello", kind, None)


U = Usage
USAGES = {
    "extra-chunk": ([END, with_usage({"prompt_tokens": 5, "completion_tokens": 3})], U(5, 3)),
    "finish-chunk-deepseek": ([{**END, "usage": {"prompt_tokens": 5, "completion_tokens": 3}}], U(5, 3)),
    "in-choice-moonshot": (
        [{"choices": [{"delta": {}, "finish_reason": "stop", "usage": {"prompt_tokens": 5, "completion_tokens": 3}}]}],
        U(5, 3),
    ),
    "x_groq": ([{**END, "x_groq": {"usage": {"prompt_tokens": 5, "completion_tokens": 3}}}], U(5, 3)),
    "choices-null-usage-chunk": (
        [END, {"choices": None, "usage": {"prompt_tokens": 5, "completion_tokens": 3}}],
        U(5, 3),
    ),
    "usage-chunk-without-choices-key": ([END, {"usage": {"prompt_tokens": 5, "completion_tokens": 3}}], U(5, 3)),
    "cumulative-last-wins-xai": (
        [{**say("a"), "usage": {"prompt_tokens": 5, "completion_tokens": n}} for n in (1, 2, 3)] + [END],
        U(5, 3),
    ),
    "repeated-is-not-summed": (
        [END] + [with_usage({"prompt_tokens": 5, "completion_tokens": 3})] * 2,
        U(5, 3),
    ),
    "later-null": ([with_usage({"prompt_tokens": 5, "completion_tokens": 3}), {**END, "usage": None}], U(5, 3)),
    "zeros-mean-unknown": ([END, with_usage({"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0})], U()),
    "missing": ([END], U()),
    "empty": ([END, with_usage({})], U()),
    "only-output": ([END, with_usage({"completion_tokens": 3})], U(None, 3)),
    "not-numbers": ([END, with_usage({"prompt_tokens": "5", "completion_tokens": True})], U()),
    "floats": ([END, with_usage({"prompt_tokens": 5.0, "completion_tokens": 3.0})], U(5, 3)),
    "negative": ([END, with_usage({"prompt_tokens": 5, "completion_tokens": -1})], U(5, None)),
    "cached-openai": (
        [
            END,
            with_usage({"prompt_tokens": 50, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 40}}),
        ],
        U(50, 3, cache_read_tokens=40),
    ),
    "cached-deepseek": (
        [END, with_usage({"prompt_tokens": 50, "completion_tokens": 3, "prompt_cache_hit_tokens": 40})],
        U(50, 3, cache_read_tokens=40),
    ),
    "details-null": (
        [END, with_usage({"prompt_tokens": 5, "completion_tokens": 3, "prompt_tokens_details": None})],
        U(5, 3),
    ),
    "reasoning-included-openai": (
        [
            END,
            with_usage(
                {
                    "prompt_tokens": 5,
                    "completion_tokens": 30,
                    "total_tokens": 35,
                    "completion_tokens_details": {"reasoning_tokens": 20},
                }
            ),
        ],
        U(5, 30, reasoning_tokens=20),
    ),
    "reasoning-apart-xai": (
        [
            END,
            with_usage(
                {
                    "prompt_tokens": 32,
                    "completion_tokens": 9,
                    "total_tokens": 135,
                    "completion_tokens_details": {"reasoning_tokens": 94},
                }
            ),
        ],
        U(32, 103, reasoning_tokens=94),
    ),
    "reasoning-only-in-total-gemini": (
        [END, with_usage({"prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 130})],
        U(10, 120),
    ),
    "reasoning-only-cliproxyapi": (
        [
            END,
            with_usage(
                {
                    "prompt_tokens": 21,
                    "completion_tokens": 0,
                    "total_tokens": 81,
                    "completion_tokens_details": {"reasoning_tokens": 60},
                }
            ),
        ],
        U(21, 60, reasoning_tokens=60),
    ),
    "cost-openrouter": (
        [END, with_usage({"prompt_tokens": 5, "completion_tokens": 3, "cost": 0.00014})],
        U(5, 3, reported_cost_usd=Decimal("0.00014")),
    ),
    "cost-zero-is-unknown": ([END, with_usage({"prompt_tokens": 5, "completion_tokens": 3, "cost": 0})], U(5, 3)),
    "cost-not-a-number": ([END, with_usage({"prompt_tokens": 5, "completion_tokens": 3, "cost": "NaN"})], U(5, 3)),
}


@pytest.mark.parametrize(("chunks", "usage"), USAGES.values(), ids=USAGES.keys())
def test_usage_is_found_wherever_it_comes(chunks: list[Any], usage: Usage) -> None:
    outcome = read(say("Hello"), *chunks)
    assert outcome.final_usage == usage
    assert outcome.usage == (usage if usage != Usage() else None)


def test_usage_is_known_of_an_answer_that_breaks() -> None:
    outcome = read({**say("Hello"), "usage": {"prompt_tokens": 5, "completion_tokens": 1}}, tail=b"")
    assert (outcome.kind, outcome.text, outcome.usage) == (ErrorKind.INTERRUPTED, "Hello", Usage(5, 1))


def test_served_model_and_request_id_come_from_the_chunks() -> None:
    outcome = read({**say("Hello"), "model": "gpt-x-2026"}, {**END, "model": ""})
    assert outcome.completed is not None
    assert (outcome.completed.served_model, outcome.completed.request_id) == ("gpt-x-2026", "chatcmpl-1")


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"error": {"message": "Rate limit", "code": 429}}, ErrorKind.RATE_LIMIT),
        ({"error": {"message": "Provider returned error", "code": 502}}, ErrorKind.SERVER_ERROR),
        ({**chunk({"content": ""}, finish="error"), "error": {"code": 503, "message": "down"}}, ErrorKind.OVERLOADED),
        ({"error": {"message": "boom", "type": "server_error"}}, ErrorKind.SERVER_ERROR),
        ({"error": "something odd"}, ErrorKind.SERVER_ERROR),
        ({"object": "error", "message": "maximum context length is 8", "code": 400}, ErrorKind.CONTEXT_LENGTH),
        ({"code": "Arrearage", "message": "Access denied", "request_id": "1"}, ErrorKind.QUOTA),
        ({"base_resp": {"status_code": 1004, "status_msg": "login fail"}}, ErrorKind.AUTH),
        ([{"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "slow down"}}], ErrorKind.RATE_LIMIT),
        (b'event: error\ndata: {"message": "overloaded"}\n\n', ErrorKind.OVERLOADED),
        (b"event: error\ndata: upstream timed out\n\n", ErrorKind.TIMEOUT),
    ],
)
def test_an_error_inside_the_stream_keeps_the_text_and_is_an_error(error: Any, kind: ErrorKind) -> None:
    outcome = read(say("Hel"), error, say("lo"), END)
    assert (outcome.text, outcome.kind, outcome.completed) == ("Hel", kind, None)


@pytest.mark.parametrize("chunks", [[say("Hello")], [say("Hello"), {**END, "choices": []}], [b": ping\n\n"]])
def test_without_a_finish_reason_an_answer_is_interrupted(chunks: list[Any]) -> None:
    for tail in (b"", DONE):
        assert read(*chunks, tail=tail).kind is ErrorKind.INTERRUPTED


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


@pytest.mark.parametrize("content_type", ["application/json", "text/event-stream", "text/plain", ""])
def test_a_json_body_where_a_stream_was_asked_is_the_answer(content_type: str) -> None:
    body = json.dumps(completion("<think>Hm</think>Hello"), indent=1).encode()
    outcome = read_bytes(ChatAnswer, body, content_type=content_type)
    assert (outcome.text, outcome.reasoning, outcome.finish) == ("Hello", "Hm", FinishReason.STOP)
    assert outcome.final_usage == Usage(12, 7)


def test_a_stream_is_read_whatever_its_content_type() -> None:
    for content_type in ("application/json", "text/plain", "application/octet-stream", ""):
        assert read_bytes(ChatAnswer, sse(say("Hello")) + sse(END), content_type=content_type).text == "Hello"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"<!DOCTYPE html><title>Sign in</title>", ErrorKind.MALFORMED),
        (b"\n\n<html></html>", ErrorKind.MALFORMED),
        (b'{"error": {"message": "no credits", "code": "insufficient_quota"}}', ErrorKind.QUOTA),
        (b'[{"error": {"code": 400, "message": "API key not valid."}}]', ErrorKind.AUTH),
        (b'{"base_resp": {"status_code": 1008, "status_msg": "insufficient balance"}}', ErrorKind.QUOTA),
        (b'{"hello": "world"}', ErrorKind.MALFORMED),
        (b'{"choices": []}', ErrorKind.INTERRUPTED),
        (b'{"choices": [{"message": {"content": "Hel', ErrorKind.INTERRUPTED),
        (b"{nonsense}", ErrorKind.MALFORMED),
        (b"[1, 2]", ErrorKind.MALFORMED),
        (b"OK", ErrorKind.MALFORMED),
        (b"", ErrorKind.MALFORMED),
        (b"[" * 100_000, ErrorKind.MALFORMED),
    ],
)
def test_a_body_that_is_no_answer_is_a_clear_error(body: bytes, kind: ErrorKind) -> None:
    outcome = read_bytes(ChatAnswer, body, content_type="application/json")
    assert (outcome.kind, outcome.completed, outcome.text) == (kind, None, "")


def test_an_empty_stream_is_interrupted() -> None:
    assert read_bytes(ChatAnswer, b"").kind is ErrorKind.INTERRUPTED


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
