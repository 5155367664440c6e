"""Answers in the Messages protocol, of Anthropic and of who imitates it."""

from typing import Any

from core.errors import ErrorKind
from core.types import FinishReason, Usage
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
from tests.wire.case import ANYBODY, SYNTHETIC, Answer, broken, encoded

ANTHROPIC = "docs.claude.com/en/api/messages-streaming"
K = ErrorKind
START = sse(message_start(usage={"input_tokens": 12, "output_tokens": 1}))
STOP = sse({"type": "message_stop"})
TOLD = Usage(12, 7)
END = message_delta("end_turn", {"output_tokens": 7}) + STOP


def without_names(stream: bytes) -> bytes:
    return b"".join(line for line in stream.splitlines(keepends=True) if not line.startswith(b"event:"))


def said(
    name: str, whose: str, seen: str, pieces: list[bytes], reasoning: str = "", usage: Usage | None = TOLD
) -> Answer:
    return Answer(name, whose, seen, b"".join(pieces), reasoning=reasoning, usage=usage)


TEXTS = [
    said(
        "plain",
        "Anthropic",
        ANTHROPIC,
        [START, block_start(0, {"type": "text", "text": ""}), text_delta("Hel"), text_delta("lo"), END],
    ),
    said(
        "ping", "Anthropic", ANTHROPIC, [START, sse({"type": "ping"}), text_delta("Hello"), sse({"type": "ping"}), END]
    ),
    said(
        "text in block start",
        ANYBODY,
        SYNTHETIC,
        [START, block_start(0, {"type": "text", "text": "Hel"}), text_delta("lo"), END],
    ),
    said(
        "two text blocks",
        ANYBODY,
        SYNTHETIC,
        [START, text_delta("Hel"), block_stop(0), delta(1, {"type": "text_delta", "text": "lo"}), END],
    ),
    said(
        "thinking",
        "Anthropic",
        SYNTHETIC,
        [START, delta(0, {"type": "thinking_delta", "thinking": "Hm"}), text_delta("Hello"), END],
        "Hm",
    ),
    said(
        "thinking in block start",
        ANYBODY,
        SYNTHETIC,
        [START, block_start(0, {"type": "thinking", "thinking": "Hm"}), text_delta("Hello"), END],
        "Hm",
    ),
    said(
        "signature skipped",
        "Anthropic",
        SYNTHETIC,
        [START, delta(0, {"type": "signature_delta", "signature": "x"}), text_delta("Hello"), END],
    ),
    said(
        "redacted thinking skipped",
        "Anthropic",
        SYNTHETIC,
        [START, block_start(0, {"type": "redacted_thinking", "data": "x"}), text_delta("Hello"), END],
    ),
    said(
        "server tools skipped",
        "Anthropic",
        SYNTHETIC,
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
    ),
    said(
        "unknown event",
        "Anthropic",
        ANTHROPIC,
        [START, sse({"type": "brand_new", "text": "no"}), text_delta("Hello"), END],
    ),
    said(
        "unknown delta",
        ANYBODY,
        SYNTHETIC,
        [START, delta(0, {"type": "new_delta", "text": "no"}), text_delta("Hello"), END],
    ),
    said(
        "nulls",
        ANYBODY,
        SYNTHETIC,
        [
            START,
            sse({"type": "content_block_delta", "delta": None}),
            delta(0, {"type": "text_delta", "text": None}),
            text_delta("Hello"),
            END,
        ],
    ),
    said("two message starts", ANYBODY, SYNTHETIC, [START, START, text_delta("Hello"), END]),
    said(
        "no event lines",
        ANYBODY,
        SYNTHETIC,
        [without_names(START), without_names(text_delta("Hello")), without_names(END)],
    ),
    said(
        "no type in data",
        ANYBODY,
        SYNTHETIC,
        [START, b'event: content_block_delta\ndata: {"delta": {"type": "text_delta", "text": "Hello"}}\n\n', END],
    ),
    said(
        "no message stop",
        ANYBODY,
        SYNTHETIC,
        [START, text_delta("Hello"), message_delta("end_turn")],
        usage=Usage(12, 1),
    ),
    said(
        "done mark of the other protocol",
        ANYBODY,
        SYNTHETIC,
        [START, text_delta("Hello"), message_delta("end_turn"), b"data: [DONE]\n\n"],
        usage=Usage(12, 1),
    ),
    said("nothing after message stop", ANYBODY, SYNTHETIC, [START, text_delta("Hello"), END, text_delta("more")]),
    said("stop reason null first", ANYBODY, SYNTHETIC, [START, message_delta(None), text_delta("Hello"), END]),
    said("no message start", ANYBODY, SYNTHETIC, [text_delta("Hello"), END], usage=Usage(None, 7)),
    said("crlf", ANYBODY, SYNTHETIC, [piece.replace(b"\n", b"\r\n") for piece in (START, text_delta("Hello"), END)]),
    said("surrogate halves", ANYBODY, SYNTHETIC, [START, text_delta("Hel"), text_delta("lo"), END]),
    said("error null", ANYBODY, SYNTHETIC, [START, sse({"type": "note", "error": None}), text_delta("Hello"), END]),
    said(
        "event lines without a space",
        "DashScope",
        "jeremychone/rust-genai#258",
        [piece.replace(b": ", b":", 2) for piece in (START, text_delta("Hello"))] + [END],
    ),
]
_FINISHES = [
    ("end_turn", FinishReason.STOP, "Anthropic"),
    ("stop_sequence", FinishReason.STOP, "Anthropic"),
    ("max_tokens", FinishReason.LENGTH, "Anthropic"),
    ("tool_use", FinishReason.TOOL_CALLS, "Anthropic"),
    ("pause_turn", FinishReason.PAUSE, "Anthropic"),
    ("refusal", FinishReason.REFUSAL, "Anthropic"),
    ("model_context_window_exceeded", FinishReason.CONTEXT_FULL, "Anthropic"),
    ("stop", FinishReason.STOP, "gateways before others"),
    ("brand_new", FinishReason.OTHER, ANYBODY),
]
FINISHES = [
    Answer(
        f"ends with {word}",
        whose,
        SYNTHETIC,
        START + text_delta("Hello") + message_delta(word),
        usage=Usage(12, 1),
        finish=reason,
    )
    for word, reason, whose in _FINISHES
]


def started(**usage: Any) -> bytes:
    return sse(message_start(usage=usage))


def counted(name: str, whose: str, seen: str, start: bytes, later: dict[str, Any] | None, usage: Usage) -> Answer:
    body = start + text_delta("Hello") + message_delta("end_turn", later) + STOP
    return Answer(name, whose, seen, body, usage=usage if usage != Usage() else None)


USAGES = [
    counted(
        "tokens: start and delta",
        "Anthropic",
        ANTHROPIC,
        started(input_tokens=12, output_tokens=1),
        {"output_tokens": 7},
        Usage(12, 7),
    ),
    counted(
        "tokens: later null keeps",
        ANYBODY,
        SYNTHETIC,
        started(input_tokens=12, output_tokens=1),
        {"input_tokens": None, "output_tokens": 7},
        Usage(12, 7),
    ),
    counted(
        "tokens: later zero keeps",
        ANYBODY,
        SYNTHETIC,
        started(input_tokens=12, output_tokens=1),
        {"input_tokens": 0, "output_tokens": 7},
        Usage(12, 7),
    ),
    counted(
        "tokens: all in delta",
        "Vercel AI Gateway",
        "vercel/ai#17326",
        started(input_tokens=0, output_tokens=0),
        {"input_tokens": 12, "output_tokens": 7},
        Usage(12, 7),
    ),
    counted(
        "tokens: start null",
        "gateways before others",
        "langchain-ai/langchainjs#11195",
        sse(message_start()),
        {"input_tokens": 12, "output_tokens": 7},
        Usage(12, 7),
    ),
    counted("tokens: delta null", ANYBODY, SYNTHETIC, started(input_tokens=12, output_tokens=1), None, Usage(12, 1)),
    counted("tokens: none", ANYBODY, SYNTHETIC, sse(message_start()), None, Usage()),
    counted("tokens: only output", ANYBODY, SYNTHETIC, sse(message_start()), {"output_tokens": 7}, Usage(None, 7)),
    counted(
        "tokens: cache",
        "Anthropic",
        SYNTHETIC,
        started(input_tokens=2, cache_creation_input_tokens=10, cache_read_input_tokens=100, output_tokens=1),
        {"output_tokens": 7},
        Usage(112, 7, cache_read_tokens=100, cache_write_tokens=10),
    ),
    counted(
        "tokens: cache for an hour",
        "Anthropic",
        SYNTHETIC,
        started(
            input_tokens=2,
            cache_creation_input_tokens=10,
            cache_creation={"ephemeral_5m_input_tokens": 4, "ephemeral_1h_input_tokens": 6},
            output_tokens=1,
        ),
        {"output_tokens": 7},
        Usage(12, 7, cache_write_tokens=10, cache_write_1h_tokens=6),
    ),
    counted(
        "tokens: cache null",
        ANYBODY,
        SYNTHETIC,
        started(input_tokens=12, cache_creation_input_tokens=None, cache_read_input_tokens=0, output_tokens=1),
        {"output_tokens": 7},
        Usage(12, 7, cache_read_tokens=0),
    ),
    counted(
        "tokens: cumulative with cache",
        "Anthropic",
        "envoyproxy/ai-gateway#2239",
        started(input_tokens=2, cache_read_input_tokens=100, output_tokens=1),
        {"input_tokens": 5, "cache_read_input_tokens": 100, "output_tokens": 7},
        Usage(105, 7, cache_read_tokens=100),
    ),
    counted(
        "tokens: thinking",
        "Anthropic",
        SYNTHETIC,
        started(input_tokens=12, output_tokens=1),
        {"output_tokens": 70, "output_tokens_details": {"thinking_tokens": 60}},
        Usage(12, 70, reasoning_tokens=60),
    ),
    counted(
        "tokens: not numbers",
        ANYBODY,
        SYNTHETIC,
        started(input_tokens="12", output_tokens=True),
        {"output_tokens": -1},
        Usage(),
    ),
    counted(
        "tokens: cache in the delta only",
        "DashScope",
        "jeremychone/rust-genai#258",
        started(input_tokens=3602, output_tokens=0),
        {"cache_creation_input_tokens": 0, "cache_read_input_tokens": 3604, "output_tokens": 878},
        Usage(7206, 878, cache_read_tokens=3604, cache_write_tokens=0),
    ),
    counted(
        "tokens: input and cache in the delta only",
        "gateways",
        "envoyproxy/ai-gateway#2290",
        sse(message_start()),
        {"input_tokens": 4522, "cache_creation_input_tokens": 4511, "output_tokens": 5},
        Usage(9033, 5, cache_write_tokens=4511),
    ),
]
BREAKS = [
    *(
        broken(
            f"{type} inside the stream: {words}",
            whose,
            seen,
            START
            + text_delta("Hel")
            + sse({"type": "error", "error": {"type": type, "message": words}})
            + text_delta("lo")
            + END,
            kind,
            text="Hel",
            usage=Usage(12, 1),
        )
        for type, words, kind, whose, seen in (
            ("overloaded_error", "Overloaded", K.OVERLOADED, "Anthropic", ANTHROPIC),
            ("api_error", "Internal server error", K.SERVER_ERROR, "Anthropic", SYNTHETIC),
            ("rate_limit_error", "slow down", K.RATE_LIMIT, "Anthropic", SYNTHETIC),
            ("authentication_error", "bad key", K.AUTH, "Anthropic", SYNTHETIC),
            ("permission_error", "no", K.PERMISSION, "Anthropic", SYNTHETIC),
            ("billing_error", "pay", K.QUOTA, "Anthropic", SYNTHETIC),
            ("timeout_error", "late", K.TIMEOUT, "Anthropic", SYNTHETIC),
            ("request_too_large", "big", K.PAYLOAD_TOO_LARGE, "Anthropic", SYNTHETIC),
            (
                "invalid_request_error",
                "prompt is too long: 9 tokens > 8 maximum",
                K.CONTEXT_LENGTH,
                "Anthropic",
                SYNTHETIC,
            ),
            ("invalid_request_error", "what", K.BAD_REQUEST, "Anthropic", SYNTHETIC),
            ("brand_new_error", "what", K.SERVER_ERROR, ANYBODY, SYNTHETIC),
        )
    ),
    broken(
        "no stop reason before the end",
        ANYBODY,
        SYNTHETIC,
        START + text_delta("Hello") + STOP,
        K.INTERRUPTED,
        usage=Usage(12, 1),
    ),
    broken(
        "a stop reason of null",
        ANYBODY,
        SYNTHETIC,
        START + text_delta("Hello") + message_delta(None),
        K.INTERRUPTED,
        usage=Usage(12, 1),
    ),
    broken("a ping alone", ANYBODY, SYNTHETIC, sse({"type": "ping"}), K.INTERRUPTED, text=""),
    broken(
        "the other protocol",
        ANYBODY,
        SYNTHETIC,
        b'data: {"choices": [{"delta": {"content": "Hello"}, "finish_reason": "stop"}]}\n\n',
        K.MALFORMED,
        text="",
    ),
    *(
        broken(
            f"no word before {word}",
            ANYBODY,
            SYNTHETIC,
            START + message_delta(word) + STOP,
            K.EMPTY,
            text="",
            usage=Usage(12, 1),
        )
        for word in ("end_turn", "refusal", "pause_turn", "tool_use")
    ),
    *(
        broken(f"a body: {name}", ANYBODY, SYNTHETIC, encoded(body), kind, text="", content_type="application/json")
        for name, body, kind in (
            (
                "an error",
                {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}},
                K.OVERLOADED,
            ),
            ("the other protocol's error", {"error": {"message": "invalid api key"}}, K.SERVER_ERROR),
            ("an array", [{"error": {"code": 401, "message": "x"}}], K.AUTH),
            ("the other protocol's answer", {"choices": []}, K.MALFORMED),
            ("a number", 7, K.MALFORMED),
        )
    ),
]
WHOLE = [
    Answer(
        "plain JSON",
        ANYBODY,
        SYNTHETIC,
        encoded(
            {**message("Hello"), "content": [{"type": "thinking", "thinking": "Hm"}, {"type": "text", "text": "Hello"}]}
        ),
        reasoning="Hm",
        usage=Usage(12, 7),
        content_type="application/json",
    ),
]
ANSWERS = [*TEXTS, *FINISHES, *USAGES, *BREAKS, *WHOLE]
