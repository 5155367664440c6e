"""Answer settings on the wire: for every kind of model and both protocols, what is sent and what never is."""

from typing import Any

import pytest

from core.catalog import load_catalog
from core.errors import InvalidInput
from core.models import check_model
from core.runners import RUNNERS
from core.runners.anthropic_messages import AnthropicMessagesRunner
from core.runners.openai_chat import OpenAIChatRunner
from core.runners.parameters import check, fit, takes, thinking_kinds, words
from core.types import AnswerSettings, ChatRequest, Model, ProviderFlag, Route, Thinking
from tests.core.runners.support import HELLO, ask, make_route
from tests.servers.anthropic_server import AnthropicServer
from tests.servers.openai_server import OpenAIServer

OFF, LOW, MEDIUM, HIGH = Thinking
ALWAYS_SENT = {"model", "messages", "stream", "stream_options"}
KINDS = ("adaptive", "always", "budget", "effort", "enable_thinking", "type", None)


def request(
    thinking: Thinking | None = None, temperature: float | None = None, limit: int | None = None
) -> ChatRequest:
    return ChatRequest(HELLO.messages, thinking=thinking, temperature=temperature, max_output_tokens=limit)


def sent(route: Route, asked: ChatRequest) -> dict[str, Any]:
    """Return what went out beside what always does."""
    if route.provider.protocol == "openai":
        with OpenAIServer() as server:
            ask(OpenAIChatRunner, _at(route, server.url), asked)
            return {name: value for name, value in server.requests[0].json.items() if name not in ALWAYS_SENT}
    with AnthropicServer() as server:
        ask(AnthropicMessagesRunner, _at(route, server.url), asked)
        return {name: value for name, value in server.requests[0].json.items() if name not in ALWAYS_SENT}


def _at(route: Route, url: str) -> Route:
    return make_route(
        url,
        protocol=route.provider.protocol,
        flags=route.provider.flags,
        max_output_tokens=route.model.max_output_tokens,
        thinking=route.model.thinking,
    )


def budget(tokens: int) -> dict[str, Any]:
    return {"thinking": {"type": "enabled", "budget_tokens": tokens}}


DISABLED: dict[str, Any] = {"thinking": {"type": "disabled"}}
ADAPTIVE: dict[str, Any] = {"thinking": {"type": "adaptive"}}
# (protocol, kind) -> the fields for off, low, medium, high
FIELDS: dict[tuple[str, str | None], tuple[dict[str, Any], ...]] = {
    ("openai", "effort"): tuple({"reasoning_effort": level} for level in ("none", "low", "medium", "high")),
    ("openai", "enable_thinking"): ({"enable_thinking": False}, *[{"enable_thinking": True}] * 3),
    ("openai", "type"): (DISABLED, *[{"thinking": {"type": "enabled"}}] * 3),
    ("anthropic", "adaptive"): (
        DISABLED,
        *(ADAPTIVE | {"output_config": {"effort": level}} for level in ("low", "medium", "high")),
    ),
    ("anthropic", "always"): ({}, *({"output_config": {"effort": level}} for level in ("low", "medium", "high"))),
    ("anthropic", "budget"): (DISABLED, budget(2048), budget(8192), budget(24576)),
    # A switch shows a level of another model as on; here the protocol wants a budget with it.
    ("anthropic", "enable_thinking"): (DISABLED, *[budget(8192)] * 3),
    ("anthropic", "type"): (DISABLED, *[budget(8192)] * 3),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("protocol", ["openai", "anthropic"])
def test_thinking_is_sent_as_this_kind_of_model_takes_it_and_to_no_other(protocol: str, kind: str | None) -> None:
    route = make_route(protocol=protocol, thinking=kind, max_output_tokens=64_000)
    for level, fields in zip(Thinking, FIELDS.get((protocol, kind), ({},) * 4), strict=True):
        expected = {"max_tokens": 64_000, **fields} if protocol == "anthropic" else fields
        level_to_send = level
        # A switch has one level above off.
        assert sent(route, request(level_to_send)) == expected, level


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("protocol", ["openai", "anthropic"])
def test_a_temperature_goes_neither_to_the_messages_protocol_nor_to_models_with_effort(
    protocol: str, kind: str | None
) -> None:
    found = sent(make_route(protocol=protocol, thinking=kind), request(temperature=0.0))
    is_taken = protocol == "openai" and kind != "effort"
    assert ("temperature" in found) == is_taken == takes(*_known(protocol, kind)).temperature
    assert found.get("temperature", 0.0) == 0.0


def _known(protocol: str, kind: str | None) -> Any:
    route = make_route(protocol=protocol, thinking=kind)
    return route.provider, route.model


@pytest.mark.parametrize(
    ("flags", "name"), [([], "max_tokens"), ([ProviderFlag.MAX_COMPLETION_TOKENS], "max_completion_tokens")]
)
def test_the_longest_answer_goes_under_the_name_the_flags_say_and_never_above_the_model_s(
    flags: list[ProviderFlag], name: str
) -> None:
    assert sent(make_route(flags=flags), request(limit=500)) == {name: 500}
    assert sent(make_route(flags=flags, max_output_tokens=300), request(limit=500)) == {name: 300}
    assert sent(make_route(flags=flags, max_output_tokens=300), request()) == {}
    assert sent(make_route(protocol="anthropic", flags=flags), request(limit=500)) == {"max_tokens": 500}


@pytest.mark.parametrize("kind", ["budget", "enable_thinking", "type"])
@pytest.mark.parametrize(
    ("limit", "tokens"), [(1000, None), (2047, None), (2048, 1024), (4096, 3072), (9216, 8192), (None, 7168)]
)
def test_a_budget_leaves_room_for_the_answer_or_is_not_sent(kind: str, limit: int | None, tokens: int | None) -> None:
    found = sent(make_route(protocol="anthropic", thinking=kind), request(MEDIUM, limit=limit))
    assert found == {"max_tokens": limit or 8192, **(budget(tokens) if tokens else {})}


def test_what_a_provider_has_refused_is_not_sent_again() -> None:
    flags = [ProviderFlag.NO_TEMPERATURE, ProviderFlag.NO_THINKING]
    assert sent(make_route(flags=flags, thinking="type"), request(HIGH, 0.5)) == {}
    can = takes(*_flagged(flags))
    assert (can.thinking, can.temperature, set(can.why_not)) == ((), False, {"thinking", "temperature"})


def _flagged(flags: list[ProviderFlag]) -> Any:
    route = make_route(flags=flags, thinking="type")
    return route.provider, route.model


@pytest.mark.parametrize("protocol", list(RUNNERS))
@pytest.mark.parametrize("kind", KINDS)
def test_whatever_cannot_be_set_says_why(protocol: str, kind: str | None) -> None:
    can = takes(*_known(protocol, kind))
    assert bool(can.thinking) == ("thinking" not in can.why_not)
    assert can.temperature == ("temperature" not in can.why_not)
    assert all(reason.endswith(".") for reason in can.why_not.values())


def test_every_kind_of_the_catalogue_is_in_the_table() -> None:
    used = {model.thinking for provider in load_catalog().providers for model in provider.models}
    assert used <= set(KINDS)


def test_settings_in_words_are_what_is_sent() -> None:
    route = make_route(thinking="enable_thinking", max_output_tokens=4096)
    assert words(fit(route, request(HIGH, 0.5, 9000))) == "thinking medium, temperature 0.5, at most 4,096 tokens"
    assert words(fit(route, request())) is None
    assert words(fit(make_route(protocol="anthropic"), request(HIGH, 0.5))) is None


@pytest.mark.parametrize(
    "settings",
    [
        AnswerSettings(temperature=-0.1),
        AnswerSettings(temperature=2.1),
        AnswerSettings(temperature=float("nan")),
        AnswerSettings(max_output_tokens=0),
        AnswerSettings(max_output_tokens=10**9),
    ],
)
def test_what_no_widget_would_send_is_refused(settings: AnswerSettings) -> None:
    with pytest.raises(InvalidInput):
        check(settings)
    assert check(AnswerSettings(OFF, 0.0, 1)) == AnswerSettings(OFF, 0.0, 1)


def test_a_model_may_think_in_a_way_that_is_known_and_in_no_other() -> None:
    assert thinking_kinds("openai") == ("effort", "enable_thinking", "type")
    assert thinking_kinds("demo") == ()
    for kind in (None, *thinking_kinds()):
        assert check_model(Model("p", "m", "M", thinking=kind)).thinking == kind
    with pytest.raises(InvalidInput, match="Thinking is one of adaptive, always, budget"):
        check_model(Model("p", "m", "M", thinking="deeply"))
