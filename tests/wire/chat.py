"""Answers in the chat completions protocol: text, reasoning, ends and breaks."""

from typing import Any

from core.errors import ErrorKind
from core.types import FinishReason, Usage
from tests.servers.openai_server import chunk, completion, sse
from tests.wire.case import ANYBODY, SYNTHETIC, Answer, broken, encoded

DONE = b"data: [DONE]\n\n"
END = chunk({}, finish="stop")


def stream(*chunks: Any, tail: bytes = DONE) -> bytes:
    """Return a stream of chunks given as values; bytes go in as they are."""
    return b"".join(c if isinstance(c, bytes) else sse(c) for c in chunks) + tail


def say(text: Any) -> dict[str, Any]:
    return chunk({"content": text})


# Complete answers of "Hello", with or without thoughts.
TEXTS: list[Answer] = [
    Answer(
        "plain",
        ANYBODY,
        SYNTHETIC,
        stream(say("Hel"), say("lo"), END),
    ),
    Answer(
        "first chunk without choices",
        "Azure",
        "AbanteAI/archive-old-cli-mentat#429",
        stream({**chunk(None), "prompt_filter_results": []}, say("Hello"), END),
    ),
    Answer(
        "choices null",
        "gateways",
        SYNTHETIC,
        stream({"choices": None}, say("Hello"), END),
    ),
    Answer(
        "delta null",
        "Azure",
        "uezo/aiavatarkit#124",
        stream({"choices": [{"index": 0, "delta": None}]}, say("Hello"), END),
    ),
    Answer(
        "content null",
        ANYBODY,
        SYNTHETIC,
        stream(chunk({"role": "assistant", "content": None}), say("Hello"), END),
    ),
    Answer(
        "other index",
        ANYBODY,
        SYNTHETIC,
        stream({"choices": [{"index": 1, "delta": {"content": "no"}}]}, say("Hello"), END),
    ),
    Answer(
        "no index",
        ANYBODY,
        SYNTHETIC,
        stream({"choices": [{"delta": {"content": "Hello"}}]}, END),
    ),
    Answer(
        "choice not an object",
        ANYBODY,
        SYNTHETIC,
        stream({"choices": [None, "x", 3]}, say("Hello"), END),
    ),
    Answer(
        "unknown fields",
        "OpenAI",
        SYNTHETIC,
        stream({**say("Hello"), "obfuscation": "x", "service_tier": None}, END),
    ),
    Answer(
        "tool calls skipped",
        ANYBODY,
        SYNTHETIC,
        stream(chunk({"tool_calls": [{"index": 0}]}), say("Hello"), END),
    ),
    Answer("refusal text", "OpenAI", SYNTHETIC, stream(chunk({"refusal": "I can't."}), END), text="I can't."),
    Answer(
        "reasoning_content",
        "LiteLLM, DeepSeek, GLM, Qwen",
        "BerriAI/litellm#20246",
        stream(chunk({"reasoning_content": "Hm"}), say("Hello"), END),
        reasoning="Hm",
    ),
    Answer(
        "reasoning",
        "vLLM, SGLang",
        "strands-agents/harness-sdk#2182",
        stream(chunk({"reasoning": "Hm", "content": ""}), say("Hello"), END),
        reasoning="Hm",
    ),
    Answer(
        "both reasoning fields once",
        ANYBODY,
        SYNTHETIC,
        stream(chunk({"reasoning": "Hm", "reasoning_content": "Hm"}), say("Hello"), END),
        reasoning="Hm",
    ),
    Answer(
        "reasoning not a string",
        ANYBODY,
        SYNTHETIC,
        stream(chunk({"reasoning": {"a": 1}, "content": "Hello"}), END),
    ),
    Answer(
        "a list of thinking and text parts",
        "Mistral",
        "BerriAI/litellm#16272",
        stream(
            say([{"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]}]),
            say([{"type": "text", "text": "Hel"}, {"type": "reference", "reference_ids": [1]}]),
            say("lo"),
            END,
        ),
        reasoning="Hm",
    ),
    Answer(
        "thinking part as string",
        "Mistral",
        SYNTHETIC,
        stream(say([{"type": "thinking", "thinking": "Hm"}, "Hello"]), END),
        reasoning="Hm",
    ),
    Answer(
        "think block",
        "LiteLLM, llama.cpp",
        "pydantic/pydantic-ai#3007",
        stream(say("<think>Hm</think>\n\nHello"), END),
        reasoning="Hm",
    ),
    Answer(
        "think block split",
        "LiteLLM, Amazon Nova",
        "pydantic/pydantic-ai#3007",
        stream(*[say(piece) for piece in ("\n<th", "ink>", "\nH", "m", "</", "thi", "nk>", "\n", "Hel", "lo")] + [END]),
        reasoning="Hm",
    ),
    Answer(
        "think block empty",
        ANYBODY,
        SYNTHETIC,
        stream(say("<think>\n\n</think>\n\nHello"), END),
    ),
    Answer("think later is text", ANYBODY, SYNTHETIC, stream(say("A <think> tag"), END), text="A <think> tag"),
    Answer(
        "almost a think block",
        "SGLang",
        "sgl-project/sglang#8099",
        stream(say("<thin"), say("g>"), END),
        text="<thing>",
    ),
    Answer("think never closed", ANYBODY, SYNTHETIC, stream(say("<think>Hm</thi"), END), text="", reasoning="Hm</thi"),
    Answer(
        "surrogate halves in two chunks",
        ANYBODY,
        SYNTHETIC,
        stream(
            b'data: {"choices":[{"delta":{"content":"\\ud83d"}}]}\n\n',
            b'data: {"choices":[{"delta":{"content":"\\ude00!"}}]}\n\n',
            END,
        ),
        text="😀!",
    ),
    Answer(
        "lone surrogate",
        ANYBODY,
        SYNTHETIC,
        stream(b'data: {"choices":[{"delta":{"content":"a\\ud83d"}}]}\n\n', END),
        text="a\ufffd",
    ),
    Answer(
        "nul dropped",
        ANYBODY,
        SYNTHETIC,
        stream(say("Hel\x00lo"), END),
    ),
    Answer(
        "message and delta",
        "Perplexity",
        SYNTHETIC,
        stream({"choices": [{"index": 0, "delta": {"content": "Hello"}, "message": {"content": "Hello"}}]}, END),
    ),
    Answer(
        "message instead of delta",
        ANYBODY,
        SYNTHETIC,
        stream({"choices": [{"index": 0, "message": {"content": "Hello"}}]}, END),
    ),
    Answer(
        "empty finish reason",
        ANYBODY,
        SYNTHETIC,
        stream({"choices": [{"delta": {"content": "Hello"}, "finish_reason": ""}]}, END),
    ),
    Answer(
        "error null",
        ANYBODY,
        SYNTHETIC,
        stream({**say("Hello"), "error": None}, END),
    ),
    Answer(
        "comments",
        "OpenRouter",
        "openai/openai-go#227",
        stream(b": OPENROUTER PROCESSING\n\n", say("Hello"), b":\n\n", END),
    ),
    Answer(
        "keep alive in data",
        ANYBODY,
        SYNTHETIC,
        stream(b"data: ping\n\n", b"data:\n\n", say("Hello"), b"data: [HEARTBEAT]\n\n", END),
    ),
    Answer(
        "other fields",
        ANYBODY,
        SYNTHETIC,
        stream(b"id: 7\nretry: 10\nevent: message\n" + sse(say("Hello")), END),
    ),
    Answer(
        "no space after colon",
        ANYBODY,
        SYNTHETIC,
        stream(sse(say("Hello")).replace(b"data: ", b"data:"), END),
    ),
    Answer(
        "crlf",
        ANYBODY,
        SYNTHETIC,
        stream(sse(say("Hello")).replace(b"\n", b"\r\n"), sse(END).replace(b"\n", b"\r\n")),
    ),
    Answer(
        "cr only",
        ANYBODY,
        SYNTHETIC,
        stream(sse(say("Hello")).replace(b"\n", b"\r"), sse(END).replace(b"\n", b"\r")),
    ),
    Answer(
        "one line end between events",
        ANYBODY,
        SYNTHETIC,
        stream(sse(say("Hel"))[:-1], sse(say("lo"))[:-1], END),
    ),
    Answer(
        "bom",
        ANYBODY,
        SYNTHETIC,
        stream(b"\xef\xbb\xbf" + sse(say("Hello")), END),
    ),
    Answer(
        "array of chunks",
        ANYBODY,
        SYNTHETIC,
        stream([say("Hel"), say("lo"), END]),
    ),
    Answer(
        "data is a number",
        ANYBODY,
        SYNTHETIC,
        stream(b"data: 7\n\n", b"data: null\n\n", say("Hello"), END),
    ),
    Answer(
        "a keep-alive comment wrapped in a data line",
        "a gateway before OpenRouter",
        "mnfst/llm-gateway#2053",
        stream(b"data: : OPENROUTER PROCESSING\n\n", say("Hello"), END),
    ),
    Answer(
        "keep-alive comments and empty lines",
        "DeepSeek",
        "share.apidog.com/apidoc/docs-site/747793/rate-limit-835830m0",
        stream(b": keep-alive\n\n\n\n", say("Hello"), b"\n\n", END),
    ),
    Answer(
        "the data on the line after data:",
        "a compatible server",
        "0xPlaygrounds/rig#534",
        stream(sse(say("Hello")).replace(b"data: ", b"data:\n "), sse(END).replace(b"data: ", b"data:\n ")),
    ),
    Answer(
        "two chunks run into one line",
        "GLM",
        "anomalyco/opencode#8282",
        stream(b'data: {"choices":[{"index":0,"delta":{"role":"adata: ' + sse(say("no"))[6:], say("Hello"), END),
        notices=1,
    ),
    Answer(
        "usage before a last chunk without choices",
        "xAI",
        "BerriAI/litellm#17136",
        stream(say("Hello"), {**END, "usage": {"prompt_tokens": 5, "completion_tokens": 3}}, {**chunk(None)}),
        usage=Usage(5, 3),
    ),
    Answer("no end mark", "Cerebras", SYNTHETIC, stream(say("Hello"), END, tail=b"")),
    Answer("no last blank line", ANYBODY, SYNTHETIC, stream(say("Hello"), sse(END).rstrip(), tail=b"")),
    Answer("text after the end mark", ANYBODY, SYNTHETIC, stream(say("Hello"), END, DONE, say("more"))),
    Answer(
        "invalid UTF-8",
        ANYBODY,
        SYNTHETIC,
        stream(b'data: {"choices":[{"delta":{"content":"a\xffb"}}]}\n\n', END),
        text="a\ufffdb",
    ),
    Answer(
        "a line that is no JSON",
        ANYBODY,
        SYNTHETIC,
        stream(say("Hel"), b'data: {"choices": [{"delta": \n\n', b"data: {broken}\n\n", say("lo"), END),
        notices=1,
    ),
]

# The last word of an answer -> what it means, whose it is, and where it was read.
_FINISHES = [
    ("stop", FinishReason.STOP, "OpenAI", SYNTHETIC),
    ("eos", FinishReason.STOP, "Together", SYNTHETIC),
    ("end_turn", FinishReason.STOP, "gateways before Anthropic", SYNTHETIC),
    ("STOP", FinishReason.STOP, "Gemini", "firebase.google.com/docs/reference FinishReason"),
    ("MAX_TOKENS", FinishReason.LENGTH, "Gemini", "firebase.google.com/docs/reference FinishReason"),
    ("SAFETY", FinishReason.CONTENT_FILTER, "Gemini", "firebase.google.com/docs/reference FinishReason"),
    ("RECITATION", FinishReason.CONTENT_FILTER, "Gemini", "firebase.google.com/docs/reference FinishReason"),
    ("BLOCKLIST", FinishReason.CONTENT_FILTER, "Gemini", "firebase.google.com/docs/reference FinishReason"),
    ("PROHIBITED_CONTENT", FinishReason.CONTENT_FILTER, "Gemini", "firebase.google.com/docs/reference FinishReason"),
    ("length", FinishReason.LENGTH, "OpenAI", SYNTHETIC),
    ("max_tokens", FinishReason.LENGTH, "gateways before Anthropic", SYNTHETIC),
    ("content_filter", FinishReason.CONTENT_FILTER, "OpenAI, DeepSeek", SYNTHETIC),
    ("sensitive", FinishReason.CONTENT_FILTER, "GLM", SYNTHETIC),
    ("refusal", FinishReason.REFUSAL, "gateways before Anthropic", SYNTHETIC),
    ("tool_calls", FinishReason.TOOL_CALLS, "OpenAI", SYNTHETIC),
    ("function_call", FinishReason.TOOL_CALLS, "OpenAI", SYNTHETIC),
    ("model_context_window_exceeded", FinishReason.CONTEXT_FULL, "GLM", SYNTHETIC),
    ("something_new", FinishReason.OTHER, ANYBODY, SYNTHETIC),
]
FINISHES = [
    Answer(f"ends with {word}", whose, seen, stream(say("Hello"), chunk({}, finish=word)), finish=reason)
    for word, reason, whose, seen in _FINISHES
]
# Answers that are not complete, whatever their status says.
K = ErrorKind
BREAKS = [
    *(
        broken(f"ends with {word}", whose, seen, stream(say("Hello"), chunk({}, finish=word)), kind)
        for word, kind, whose, seen in (
            ("network_error", K.INTERRUPTED, "GLM", SYNTHETIC),
            ("insufficient_system_resource", K.OVERLOADED, "DeepSeek", "docs.rs/crate/ds-api finish_reason.rs"),
            ("error", K.SERVER_ERROR, "OpenRouter", "openrouter.ai/docs/api/reference/streaming"),
            ("abort", K.INTERRUPTED, "vLLM, SGLang", SYNTHETIC),
        )
    ),
    *(
        broken(f"no finish reason, {name}", whose, seen, body, K.INTERRUPTED, text=text)
        for name, whose, seen, body, text in (
            (
                "the stream ends",
                "long-lived streams",
                "anomalyco/opencode#40061",
                stream(say("Hello"), tail=b""),
                "Hello",
            ),
            ("with an end mark", ANYBODY, SYNTHETIC, stream(say("Hello")), "Hello"),
            ("the end without choices", ANYBODY, SYNTHETIC, stream(say("Hello"), {**END, "choices": []}), "Hello"),
            ("comments only", ANYBODY, SYNTHETIC, stream(b": ping\n\n", tail=b""), ""),
            ("an end mark alone", "vLLM", "vllm-project/vllm#40986", stream(), ""),
            ("no byte", ANYBODY, SYNTHETIC, b"", ""),
        )
    ),
    *(
        broken(f"{name} inside the stream", whose, seen, stream(say("Hel"), error, say("lo"), END), kind, text="Hel")
        for name, whose, seen, error, kind in (
            (
                "a 429",
                "OpenRouter",
                "openrouter.ai/docs/api/reference/streaming",
                {"error": {"message": "Rate limit", "code": 429}},
                K.RATE_LIMIT,
            ),
            (
                "a 502 of the upstream",
                "OpenRouter",
                "openrouter.ai/docs/api/reference/streaming",
                {"error": {"message": "Provider returned error", "code": 502}},
                K.SERVER_ERROR,
            ),
            (
                "a last chunk with an error",
                "OpenRouter",
                "openrouter.ai/docs/api/reference/streaming",
                {**chunk({"content": ""}, finish="error"), "error": {"code": 503, "message": "down"}},
                K.OVERLOADED,
            ),
            (
                "a server_error",
                "Groq, OpenAI",
                SYNTHETIC,
                {"error": {"message": "boom", "type": "server_error"}},
                K.SERVER_ERROR,
            ),
            ("a bare text", ANYBODY, SYNTHETIC, {"error": "something odd"}, K.SERVER_ERROR),
            (
                "an object of kind error",
                "vLLM",
                SYNTHETIC,
                {"object": "error", "message": "maximum context length is 8", "code": 400},
                K.CONTEXT_LENGTH,
            ),
            (
                "a bare code",
                "DashScope",
                "help.aliyun.com/en/model-studio/error-code",
                {"code": "Arrearage", "message": "Access denied", "request_id": "1"},
                K.QUOTA,
            ),
            (
                "a base_resp",
                "MiniMax",
                "platform.minimax.io errorcode",
                {"base_resp": {"status_code": 1004, "status_msg": "login fail"}},
                K.AUTH,
            ),
            (
                "an array",
                "Gemini",
                SYNTHETIC,
                [{"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "slow down"}}],
                K.RATE_LIMIT,
            ),
            ("a named event", ANYBODY, SYNTHETIC, b'event: error\ndata: {"message": "overloaded"}\n\n', K.OVERLOADED),
            (
                "a named event without JSON",
                ANYBODY,
                SYNTHETIC,
                b"event: error\ndata: upstream timed out\n\n",
                K.TIMEOUT,
            ),
        )
    ),
    *(
        broken(f"a body: {name}", whose, seen, body, kind, text="", content_type="application/json")
        for name, whose, seen, body, kind in (
            ("a sign-in page", "proxies", SYNTHETIC, b"<!DOCTYPE html><title>Sign in</title>", K.MALFORMED),
            ("a page after blank lines", "proxies", SYNTHETIC, b"\n\n<html></html>", K.MALFORMED),
            (
                "an error",
                "OpenAI",
                SYNTHETIC,
                b'{"error": {"message": "no credits", "code": "insufficient_quota"}}',
                K.QUOTA,
            ),
            (
                "an array with an error",
                "Gemini",
                SYNTHETIC,
                b'[{"error": {"code": 400, "message": "API key not valid."}}]',
                K.AUTH,
            ),
            (
                "a base_resp",
                "MiniMax",
                "platform.minimax.io errorcode",
                b'{"base_resp": {"status_code": 1008, "status_msg": "insufficient balance"}}',
                K.QUOTA,
            ),
            ("some other JSON", ANYBODY, SYNTHETIC, b'{"hello": "world"}', K.MALFORMED),
            ("no choices", ANYBODY, SYNTHETIC, b'{"choices": []}', K.INTERRUPTED),
            ("JSON that was cut", ANYBODY, SYNTHETIC, b'{"choices": [{"message": {"content": "Hel', K.INTERRUPTED),
            ("nonsense in braces", ANYBODY, SYNTHETIC, b"{nonsense}", K.MALFORMED),
            ("a list of numbers", ANYBODY, SYNTHETIC, b"[1, 2]", K.MALFORMED),
            ("two letters", ANYBODY, SYNTHETIC, b"OK", K.MALFORMED),
            ("nothing", ANYBODY, SYNTHETIC, b"", K.MALFORMED),
            ("100,000 brackets", ANYBODY, SYNTHETIC, b"[" * 100_000, K.MALFORMED),
        )
    ),
    broken(
        "the error in a body of status 200",
        "llama.cpp before textgen",
        "oobabooga/textgen#7257",
        encoded(
            {
                "error": {
                    "code": 400,
                    "message": "the request exceeds the available context size",
                    "type": "exceed_context_size_error",
                }
            }
        ),
        K.CONTEXT_LENGTH,
        text="",
        content_type="application/json",
    ),
    *(
        broken(
            f"no word before {word}",
            ANYBODY,
            SYNTHETIC,
            stream(chunk({"content": " \n"}), chunk({}, finish=word)),
            K.EMPTY,
            text=" \n",
        )
        for word in ("stop", "content_filter", "tool_calls", "refusal")
    ),
]
WHOLE = [
    Answer(
        f"plain JSON as {content_type or 'nothing'}",
        ANYBODY,
        SYNTHETIC,
        encoded(completion("<think>Hm</think>Hello")),
        reasoning="Hm",
        usage=Usage(12, 7),
        content_type=content_type,
    )
    for content_type in ("application/json", "text/event-stream", "text/plain", "")
] + [
    Answer(
        f"a stream as {content_type or 'nothing'}",
        ANYBODY,
        SYNTHETIC,
        stream(say("Hello"), END),
        content_type=content_type,
    )
    for content_type in ("application/json", "text/plain", "application/octet-stream", "")
]
ANSWERS = [*TEXTS, *FINISHES, *BREAKS, *WHOLE]
