"""Switching models between two messages: who was asked is who answered, and nothing but text goes along."""

import random
from collections.abc import AsyncIterator
from itertools import product
from typing import Any

import pytest

from core.events import Completed, StreamEvent, TextDelta
from core.providers import ProviderForm
from core.types import ChatRequest, Choice, Model, Provider, Route, Status, Usage
from core.workbench import Workbench
from tests.conftest import Scripted, add_scripted, finished, register_scripted, send, stored
from tests.servers import anthropic_server, openai_server
from tests.servers.anthropic_server import AnthropicServer
from tests.servers.openai_server import OpenAIServer

SWITCHES = 200
THOUGHT = "a thought that is nobody else's business"
PRIVATE = (THOUGHT, "c2ln", "msg_1", "chatcmpl-1")  # reasoning, Anthropic's signature, both protocols' ids


class Honest(Scripted):
    """Says which model it was asked for, as most providers do."""

    async def stream(self, route: Route, request: ChatRequest) -> AsyncIterator[StreamEvent]:
        self.asked.append((route, request))
        yield TextDelta(f"{route.provider.name} {route.model.id}")
        yield Completed(Usage(3, 2), served_model=route.model.id)


def test_of_200_random_switches_each_is_served_as_requested_by_the_very_next_message(
    workbench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = Honest()
    register_scripted(monkeypatch, lambda timeouts: runner)
    providers = [add_scripted(workbench, name) for name in ("One", "Two", "Three")]
    for provider in providers:  # the same ids everywhere: only the provider tells them apart
        workbench.providers.save_model(Model(provider.id, "gamma", "Gamma"), is_new=True)
    choices = [
        Choice(provider.id, model_id) for provider, model_id in product(providers, ("alpha", "beta", "gamma", None))
    ]
    seed = random.randrange(1_000_000)
    print(f"seed {seed}")
    wanted = random.Random(seed).choices(choices, k=SWITCHES)
    id_: str | None = None
    for choice in wanted:
        if id_:  # as the selector does it: what is remembered is what the next message asks for
            workbench.store.conversations.choose(id_, choice)
            conversation = workbench.store.conversations.get(id_)
            assert conversation is not None
            assert conversation.choice == choice
        id_ = send(workbench, "Hi", choice, conversation_id=id_)
        finished(workbench, id_)
    expected = [(choice.provider_id, choice.model_id or "alpha") for choice in wanted]
    rows = workbench.store.attempts.recent(SWITCHES + 1)[::-1]
    assert [(row.provider_id, row.model_requested) for row in rows] == expected
    assert [row.model_served for row in rows] == [row.model_requested for row in rows]
    assert {row.status for row in rows} == {Status.DONE}
    assert [(route.provider.id, route.model.id) for route, _ in runner.asked] == expected
    assert id_ is not None
    replies = stored(workbench, id_)[1::2]
    assert [(reply.provider_id, reply.model_id) for reply in replies] == expected
    assert [reply.text for reply in replies] == [f"{reply.provider_name} {reply.model_id}" for reply in replies]


def shape(value: Any) -> Any:
    """Return the messages of a request as pairs of role and text; anything that is not text stays and shows."""
    return [(message.pop("role"), _text(message.pop("content")), message) for message in value["messages"]]


def _text(content: Any) -> Any:
    if isinstance(content, list) and all(set(block) == {"type", "text"} for block in content):
        return "".join(block["text"] for block in content)
    return content


@pytest.mark.parametrize("second", ["openai", "anthropic"])
@pytest.mark.parametrize("first", ["openai", "anthropic"])
def test_a_switch_takes_text_along_and_no_reasoning_signature_or_id(
    workbench: Workbench, first: str, second: str
) -> None:
    with OpenAIServer() as openai, AnthropicServer() as anthropic:
        openai.by_model["model-1"] = openai_server.stream_reply("Because.", reasoning=THOUGHT)
        anthropic.by_model["model-1"] = anthropic_server.stream_reply("Because.", reasoning=THOUGHT)
        servers: dict[str, OpenAIServer | AnthropicServer] = {"openai": openai, "anthropic": anthropic}

        def add(name: str, protocol: str) -> Provider:
            form = ProviderForm(name, protocol, servers[protocol].url, requires_key=False)
            provider = workbench.providers.add(form)
            for model_id in ("model-1", "model-2"):
                workbench.providers.save_model(Model(provider.id, model_id, model_id), is_new=True)
            return provider

        one, two = add("One", first), add("Two", second)
        id_ = send(workbench, "Why?", Choice(one.id, "model-1"))
        reply = finished(workbench, id_)
        assert (reply.text, reply.reasoning, reply.status) == ("Because.", THOUGHT, Status.DONE)
        send(workbench, "And then?", Choice(two.id, "model-2"), conversation_id=id_)
        assert finished(workbench, id_).status is Status.DONE
        request = servers[second].chats[-1]
    assert request.model == "model-2"
    assert [private for private in PRIVATE if private.encode() in request.body] == []
    assert shape(request.json) == [("user", "Why?", {}), ("assistant", "Because.", {}), ("user", "And then?", {})]
