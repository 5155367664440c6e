"""A refused parameter is left out, renamed or lowered once, and what was learned is reported once it is true."""

from typing import Any

import pytest

from core.errors import ErrorKind
from core.runners import Runner
from core.runners.anthropic_messages import AnthropicMessagesRunner
from core.runners.openai_chat import OpenAIChatRunner
from core.types import ChatRequest, ProviderFlag, Thinking
from tests.core.runners.support import HELLO, Outcome, ask, make_route
from tests.servers import anthropic_server, openai_server
from tests.servers.anthropic_server import AnthropicServer
from tests.servers.base import Reply
from tests.servers.openai_server import OpenAIServer

FULL = ChatRequest(HELLO.messages, max_output_tokens=90_000, thinking=Thinking.HIGH, temperature=0.5)


def asked(
    refusal: Reply, *more: Reply, kind: str | None = "type", request: ChatRequest = FULL
) -> tuple[Outcome, list[Any]]:
    with OpenAIServer() as server:
        server.replies += [refusal, *more]
        outcome = ask(OpenAIChatRunner, make_route(server.url, thinking=kind), request)
        return outcome, [sent.json for sent in server.requests]


# The wordings, and where each was read.
LIMITS = [
    # OpenAI: ChatGPTNextWeb/NextChat#3195
    (
        "max_tokens is too large: 90000. This model supports at most 4096 completion tokens, whereas you gave more.",
        4096,
    ),
    # Volcano Ark: yiliqi78/TOKENICODE#3
    (
        "The parameter max_tokens specified in the request is not valid: integer above maximum value, expected a value "
        "<= 32768, but got 90000 instead.",
        32_768,
    ),
    # Groq, DashScope, DeepSeek: synthetic, in the shape of their messages
    ("`max_tokens` must be less than or equal to `8192`, the maximum value for `max_tokens`", 8192),
    ("Range of max_tokens should be [1, 16384]", 16_384),
    ("Invalid max_tokens value, the valid range of max_tokens is [1, 8192]", 8192),
    ("max_tokens: the maximum value is 65,536", 65_536),
]


@pytest.mark.parametrize(("message", "limit"), LIMITS)
def test_a_limit_above_the_model_s_is_lowered_to_the_one_named_and_reported(message: str, limit: int) -> None:
    outcome, sent = asked(openai_server.error_reply(400, message))
    assert (outcome.text, outcome.limits, outcome.flags) == ("Hello there", [limit], [])
    assert [body["max_tokens"] for body in sent] == [90_000, limit]


def test_anthropic_s_limit_is_lowered_also_where_nobody_asked_for_one_and_the_budget_with_it() -> None:
    # anthropics/claude-code#24451, chathub-dev/chathub#1222
    words = "max_tokens: 8192 > 4096, which is the maximum allowed number of output tokens for claude-3-opus-20240229"
    with AnthropicServer() as server:
        server.next = anthropic_server.error_reply(400, "invalid_request_error", words)
        request = ChatRequest(HELLO.messages, thinking=Thinking.HIGH)
        outcome = ask(AnthropicMessagesRunner, make_route(server.url, protocol="anthropic", thinking="budget"), request)
        first, second = [sent.json for sent in server.requests]
    assert (outcome.text, outcome.limits) == ("Hello there", [4096])
    assert (first["max_tokens"], first["thinking"]["budget_tokens"]) == (8192, 7168)
    assert second["max_tokens"] == 4096 and "thinking" not in second


@pytest.mark.parametrize(
    "message",
    [
        # claude-code-best/claude-code#272: what is left depends on this prompt
        "'max_tokens' or 'max_completion_tokens' is too large: 90000. This model's maximum context length is 64001 "
        "tokens and your request has 24235 input tokens (90000 > 64001 - 24235). None",
        "max_tokens is too large",
        "max_tokens must be at least 100000 tokens",
        "max_tokens: 90000 > 95000",
    ],
)
def test_a_refusal_without_a_lower_limit_of_the_model_teaches_none(message: str) -> None:
    outcome, sent = asked(openai_server.error_reply(400, message))
    assert outcome.error is not None and (outcome.limits, len(sent)) == ([], 1)


def test_a_limit_is_lowered_once_only() -> None:
    refusals = [openai_server.error_reply(400, f"max_tokens: at most {most} tokens") for most in (4096, 2048)]
    outcome, sent = asked(*refusals)
    assert outcome.error is not None and (outcome.limits, len(sent)) == ([], 2)


TEMPERATURES = [
    "Unsupported value: 'temperature' does not support 0.5 with this model. Only the default (1) value is supported.",
    "temperature: Extra inputs are not permitted",
    "`temperature` is deprecated for this model.",
    "Unknown parameter: temperature",
]


@pytest.mark.parametrize("message", TEMPERATURES)
def test_a_refused_temperature_is_left_out_and_remembered(message: str) -> None:
    outcome, sent = asked(openai_server.error_reply(400, message))
    assert (outcome.text, outcome.flags) == ("Hello there", [ProviderFlag.NO_TEMPERATURE])
    assert ["temperature" in body for body in sent] == [True, False]


@pytest.mark.parametrize("message", ["temperature must be between 0 and 0.4", "temperature: range: 0..0.4"])
def test_a_temperature_out_of_range_is_the_user_s_to_correct(message: str) -> None:
    outcome, sent = asked(openai_server.error_reply(400, message))
    assert outcome.error is not None and outcome.error.detail is not None
    assert message in outcome.error.detail and (outcome.flags, len(sent)) == ([], 1)


@pytest.mark.parametrize(
    ("kind", "name", "message"),
    [
        ("effort", "reasoning_effort", "Unrecognized request argument supplied: reasoning_effort"),
        ("enable_thinking", "enable_thinking", "parameter enable_thinking is not supported"),
        ("type", "thinking", "thinking: Extra inputs are not permitted"),
    ],
)
def test_refused_thinking_is_left_out_and_remembered(kind: str, name: str, message: str) -> None:
    outcome, sent = asked(openai_server.error_reply(400, message), kind=kind)
    assert (outcome.text, outcome.flags) == ("Hello there", [ProviderFlag.NO_THINKING])
    assert [name in body for body in sent] == [True, False]


def test_a_level_that_one_model_has_not_is_left_out_and_said_but_not_remembered() -> None:
    message = (
        "Unsupported value: 'reasoning_effort' does not support 'high' with this model. Supported values are: 'low'."
    )
    refusal = openai_server.error_reply(400, message, code="unsupported_value")
    outcome, sent = asked(refusal, kind="effort")
    assert (outcome.text, outcome.flags, len(outcome.notices)) == ("Hello there", [], 1)
    assert ["reasoning_effort" in body for body in sent] == [True, False]


@pytest.mark.parametrize(
    "message",
    ["output_config: Extra inputs are not permitted", "adaptive thinking is not supported on this model"],
)
def test_thinking_refused_by_the_messages_protocol_goes_as_a_whole(message: str) -> None:
    with AnthropicServer() as server:
        server.next = anthropic_server.error_reply(400, "invalid_request_error", message)
        outcome = ask(AnthropicMessagesRunner, make_route(server.url, protocol="anthropic", thinking="adaptive"), FULL)
        bodies = [sent.json for sent in server.requests]
    assert (outcome.text, outcome.flags) == ("Hello there", [ProviderFlag.NO_THINKING])
    assert [{"thinking", "output_config"} & set(body) for body in bodies] == [{"thinking", "output_config"}, set()]


def test_each_refusal_is_heeded_in_turn_until_the_request_is_taken() -> None:
    outcome, sent = asked(
        openai_server.error_reply(400, "Unknown parameter: stream_options"),
        openai_server.error_reply(400, "Unknown parameter: temperature"),
        openai_server.error_reply(400, "Unknown parameter: thinking"),
        openai_server.error_reply(400, "max_tokens: at most 4096 tokens"),
        openai_server.error_reply(400, "Unsupported parameter: max_tokens. Use max_completion_tokens instead"),
    )
    assert (outcome.text, outcome.limits, len(sent)) == ("Hello there", [4096], 6)
    assert set(sent[-1]) == {"model", "messages", "stream", "max_completion_tokens"}
    assert outcome.flags == [
        ProviderFlag.NO_STREAM_OPTIONS,
        ProviderFlag.NO_TEMPERATURE,
        ProviderFlag.NO_THINKING,
        ProviderFlag.MAX_COMPLETION_TOKENS,
    ]


@pytest.mark.parametrize("make", [OpenAIChatRunner, AnthropicMessagesRunner])
def test_a_refusal_of_what_was_not_sent_is_final(make: type[Runner]) -> None:
    with OpenAIServer() as server:
        server.by_model["test-model"] = openai_server.error_reply(400, "Unknown parameter: temperature, thinking")
        outcome = ask(make, make_route(server.url))
        assert (outcome.kind, len(server.requests)) == (ErrorKind.UNSUPPORTED_PARAMETER, 1)
