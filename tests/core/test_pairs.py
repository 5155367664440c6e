"""From every provider to every other in one conversation: the whole outgoing request, and nothing of the first in it.

The five built-in providers as they are seeded, with their own flags and models, and a custom one; their addresses are
loopback servers of their protocols.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import permutations
from typing import Any

import pytest

from core.providers import ProviderForm
from core.types import AnswerSettings, Choice, Model, Provider, Status, Thinking
from core.workbench import Workbench
from tests.conftest import finished, send
from tests.servers import anthropic_server, openai_server
from tests.servers.anthropic_server import AnthropicServer
from tests.servers.base import Request
from tests.servers.openai_server import OpenAIServer

NAMES = ("anthropic", "openai", "deepseek", "qwen", "glm", "custom")
THOUGHT = "a thought that is nobody else's business"
PRIVATE = (THOUGHT, "c2ln", "msg_1", "chatcmpl-1", "reasoning_content", "signature")
SETTINGS = AnswerSettings(Thinking.HIGH, 0.5, 4096)
# What each is told of these settings, beside its model and the messages.
TOLD: dict[str, dict[str, Any]] = {
    "anthropic": {"max_tokens": 4096, "thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}},
    "openai": {"max_completion_tokens": 4096, "reasoning_effort": "high"},
    "deepseek": {"max_tokens": 4096, "temperature": 0.5, "thinking": {"type": "enabled"}},
    "qwen": {"max_tokens": 4096, "temperature": 0.5, "enable_thinking": True},
    "glm": {"max_tokens": 4096, "temperature": 0.5, "thinking": {"type": "enabled"}},
    "custom": {"max_tokens": 4096, "temperature": 0.5},
}


@dataclass(frozen=True)
class Six:
    """A workbench whose six providers are loopback servers, each with a key of its own."""

    workbench: Workbench
    servers: dict[str, OpenAIServer | AnthropicServer]
    providers: dict[str, Provider]

    def model(self, name: str) -> Model:
        return next(m for m in self.workbench.store.models.of(self.providers[name].id) if m.is_default)

    def ask(self, name: str, text: str, id_: str | None = None) -> str:
        choice = Choice(self.providers[name].id, self.model(name).id)
        id_ = self.workbench.turns.send(text, choice, conversation_id=id_, project_id="default", settings=SETTINGS)
        assert finished(self.workbench, id_).status is Status.DONE
        return id_


@pytest.fixture
def six(workbench: Workbench) -> Iterator[Six]:
    servers: dict[str, OpenAIServer | AnthropicServer] = {}
    providers = {provider.id: provider for provider in workbench.store.providers.all()}
    for name in NAMES:
        make = AnthropicServer if name == "anthropic" else OpenAIServer
        server = make(api_key=f"sk-of-{name}")
        servers[name] = server.__enter__()
        if name == "custom":
            providers[name] = workbench.providers.add(ProviderForm("Custom", "openai", server.url, key="sk-of-custom"))
            workbench.providers.save_model(Model(providers[name].id, "custom-1", "Custom 1"), is_new=True)
        else:
            moved = replace(providers[name], base_url=server.url)
            workbench.store.settings.write(partial(workbench.store.providers.save, provider=moved))
            workbench.providers.put_key(moved, f"sk-of-{name}")
            providers[name] = moved
    yield Six(workbench, servers, providers)
    for server in servers.values():
        server.__exit__(None, None, None)


def body(request: Request) -> dict[str, Any]:
    return {name: value for name, value in request.json.items() if name not in ("stream", "stream_options")}


def test_every_ordered_pair_sends_text_only_and_the_settings_that_fit(six: Six) -> None:
    for first, second in permutations(NAMES, 2):
        thinking = anthropic_server if first == "anthropic" else openai_server
        six.servers[first].next = thinking.stream_reply("Because.", reasoning=THOUGHT)
        id_ = six.ask(first, "Why?")
        reply = six.workbench.turns.history(six.workbench.store.conversations.get(id_))[-1]  # type: ignore[arg-type]
        assert (reply.text, reply.reasoning) == ("Because.", THOUGHT)
        six.ask(second, "And then?", id_)
        request = six.servers[second].chats[-1]
        assert body(request) == {
            "model": six.model(second).id,
            "messages": [
                {"role": "user", "content": "Why?"},
                {"role": "assistant", "content": "Because."},
                {"role": "user", "content": "And then?"},
            ],
            **TOLD[second],
        }, (first, second)
        assert [private for private in PRIVATE if private.encode() in request.body] == [], (first, second)
    for name, server in six.servers.items():
        assert len(server.chats) == 10
        assert {request.headers["authorization"] for request in server.chats} == {f"Bearer sk-of-{name}"}


def test_the_same_model_gets_its_own_answer_back_as_text_too(six: Six) -> None:
    for name in NAMES:
        thinking = anthropic_server if name == "anthropic" else openai_server
        six.servers[name].next = thinking.stream_reply("Because.", reasoning=THOUGHT)
        id_ = six.ask(name, "Why?")
        six.ask(name, "And then?", id_)
        request = six.servers[name].chats[-1]
        assert [message["content"] for message in request.json["messages"]] == ["Why?", "Because.", "And then?"]
        assert THOUGHT.encode() not in request.body


def test_all_six_at_the_same_time_keep_their_keys_and_texts_apart(six: Six) -> None:
    ids = {}
    for round_ in range(4):
        for name in NAMES:
            choice = Choice(six.providers[name].id, six.model(name).id)
            ids[name, round_] = send(six.workbench, f"for {name} {round_}", choice)
    for (name, round_), id_ in ids.items():
        reply = finished(six.workbench, id_)
        assert (reply.text, reply.provider_id) == (f"for {name} {round_}", six.providers[name].id)
    for name, server in six.servers.items():
        assert {request.headers["authorization"] for request in server.chats} == {f"Bearer sk-of-{name}"}
        assert all(f"for {name} " in request.json["messages"][-1]["content"] for request in server.chats)
