"""Tokens in the chat completions protocol: wherever they come, counted once."""

from decimal import Decimal
from typing import Any

from core.types import Usage
from tests.servers.openai_server import chunk
from tests.wire.case import ANYBODY, SYNTHETIC, Answer
from tests.wire.chat import END, say, stream

U = Usage


def with_usage(usage: Any, **more: Any) -> dict[str, Any]:
    return {**chunk(None), "usage": usage, **more}


def counted(name: str, whose: str, seen: str, chunks: list[Any], usage: Usage) -> Answer:
    return Answer(
        name,
        whose,
        seen,
        stream(say("Hello"), *chunks),
        text="Hello" + "a" * name.startswith("cumulative") * 3,
        usage=usage if usage != U() else None,
    )


USAGES = [
    counted(
        "extra chunk", "OpenAI", SYNTHETIC, [END, with_usage({"prompt_tokens": 5, "completion_tokens": 3})], U(5, 3)
    ),
    counted(
        "finish chunk",
        "DeepSeek, Mistral, GLM",
        SYNTHETIC,
        [{**END, "usage": {"prompt_tokens": 5, "completion_tokens": 3}}],
        U(5, 3),
    ),
    counted(
        "in choice",
        "Moonshot",
        "earendil-works/pi#2017",
        [{"choices": [{"delta": {}, "finish_reason": "stop", "usage": {"prompt_tokens": 5, "completion_tokens": 3}}]}],
        U(5, 3),
    ),
    counted(
        "x_groq",
        "Groq",
        SYNTHETIC,
        [{**END, "x_groq": {"usage": {"prompt_tokens": 5, "completion_tokens": 3}}}],
        U(5, 3),
    ),
    counted(
        "choices null usage chunk",
        ANYBODY,
        SYNTHETIC,
        [END, {"choices": None, "usage": {"prompt_tokens": 5, "completion_tokens": 3}}],
        U(5, 3),
    ),
    counted(
        "usage chunk without choices key",
        ANYBODY,
        SYNTHETIC,
        [END, {"usage": {"prompt_tokens": 5, "completion_tokens": 3}}],
        U(5, 3),
    ),
    counted(
        "cumulative last wins",
        "Perplexity, xAI",
        "agno-agi/agno#6058",
        [{**say("a"), "usage": {"prompt_tokens": 5, "completion_tokens": n}} for n in (1, 2, 3)] + [END],
        U(5, 3),
    ),
    counted(
        "repeated is not summed",
        "Perplexity",
        "agno-agi/agno#6059",
        [END] + [with_usage({"prompt_tokens": 5, "completion_tokens": 3})] * 2,
        U(5, 3),
    ),
    counted(
        "later null",
        ANYBODY,
        SYNTHETIC,
        [with_usage({"prompt_tokens": 5, "completion_tokens": 3}), {**END, "usage": None}],
        U(5, 3),
    ),
    counted(
        "zeros mean unknown",
        "LocalAI",
        "mudler/LocalAI#1609",
        [END, with_usage({"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0})],
        U(),
    ),
    counted("missing", ANYBODY, SYNTHETIC, [END], U()),
    counted("empty", ANYBODY, SYNTHETIC, [END, with_usage({})], U()),
    counted("only output", ANYBODY, SYNTHETIC, [END, with_usage({"completion_tokens": 3})], U(None, 3)),
    counted(
        "not numbers", ANYBODY, SYNTHETIC, [END, with_usage({"prompt_tokens": "5", "completion_tokens": True})], U()
    ),
    counted("floats", ANYBODY, SYNTHETIC, [END, with_usage({"prompt_tokens": 5.0, "completion_tokens": 3.0})], U(5, 3)),
    counted(
        "negative", ANYBODY, SYNTHETIC, [END, with_usage({"prompt_tokens": 5, "completion_tokens": -1})], U(5, None)
    ),
    counted(
        "cached",
        "OpenAI",
        SYNTHETIC,
        [
            END,
            with_usage({"prompt_tokens": 50, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 40}}),
        ],
        U(50, 3, cache_read_tokens=40),
    ),
    counted(
        "cached",
        "DeepSeek",
        SYNTHETIC,
        [END, with_usage({"prompt_tokens": 50, "completion_tokens": 3, "prompt_cache_hit_tokens": 40})],
        U(50, 3, cache_read_tokens=40),
    ),
    counted(
        "details null",
        ANYBODY,
        SYNTHETIC,
        [END, with_usage({"prompt_tokens": 5, "completion_tokens": 3, "prompt_tokens_details": None})],
        U(5, 3),
    ),
    counted(
        "reasoning included",
        "OpenAI",
        SYNTHETIC,
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
    counted(
        "reasoning apart",
        "xAI",
        "vercel/ai#12425",
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
    counted(
        "reasoning only in total",
        "Gemini",
        SYNTHETIC,
        [END, with_usage({"prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 130})],
        U(10, 120),
    ),
    counted(
        "reasoning only",
        "CLIProxyAPI",
        "router-for-me/CLIProxyAPI#5733",
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
    counted(
        "cost",
        "OpenRouter",
        SYNTHETIC,
        [END, with_usage({"prompt_tokens": 5, "completion_tokens": 3, "cost": 0.00014})],
        U(5, 3, reported_cost_usd=Decimal("0.00014")),
    ),
    counted(
        "cost zero is unknown",
        ANYBODY,
        SYNTHETIC,
        [END, with_usage({"prompt_tokens": 5, "completion_tokens": 3, "cost": 0})],
        U(5, 3),
    ),
    counted(
        "cost not a number",
        ANYBODY,
        SYNTHETIC,
        [END, with_usage({"prompt_tokens": 5, "completion_tokens": 3, "cost": "NaN"})],
        U(5, 3),
    ),
]
