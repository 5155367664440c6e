"""The popover of answer settings: what it offers for a model, what it keeps, and what is sent with the next message."""

from collections.abc import Iterator

import pytest
from streamlit.testing.v1 import AppTest

from core.providers import ProviderForm
from core.types import UNSET, AnswerSettings, Choice, Model, Provider, Thinking
from core.workbench import Workbench
from tests.conftest import finished, send
from tests.pages.conftest import OpenPage
from tests.servers.openai_server import OpenAIServer


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with OpenAIServer() as server:
        yield server


@pytest.fixture
def acme(workbench: Workbench, server: OpenAIServer) -> Provider:
    provider = workbench.providers.add(ProviderForm("Acme", "openai", server.url, requires_key=False))
    for model_id, kind in (("effort-1", "effort"), ("switch-1", "type"), ("plain-1", None)):
        model = Model(provider.id, model_id, model_id.title(), thinking=kind, max_output_tokens=4096)
        workbench.providers.save_model(model, is_new=True)
    return provider


def fields(page: AppTest) -> list[str]:
    labels = [field.label for field in [*page.button_group, *page.number_input]]
    return [label for label in labels if label in ("Thinking", "Temperature", "Longest answer in tokens")]


@pytest.mark.parametrize(
    ("model_id", "offered", "missing"),
    [
        ("effort-1", ["Thinking", "Longest answer in tokens"], "temperature"),
        ("switch-1", ["Thinking", "Temperature", "Longest answer in tokens"], None),
        ("plain-1", ["Temperature", "Longest answer in tokens"], "thinking"),
    ],
)
def test_only_what_the_model_takes_is_offered_and_the_rest_says_why(
    open_page: OpenPage, acme: Provider, model_id: str, offered: list[str], missing: str | None
) -> None:
    page = open_page("chat", draft_choice=Choice(acme.id, model_id))
    assert fields(page) == offered
    notes = [caption.value for caption in page.caption if caption.value.startswith("No ")]
    assert len(notes) == (missing is not None)
    assert not missing or notes[0].startswith(f"No {missing}")


def test_what_is_set_goes_out_with_the_first_message_and_stays_with_the_conversation(
    open_page: OpenPage, workbench: Workbench, acme: Provider, server: OpenAIServer
) -> None:
    page = open_page("chat", draft_choice=Choice(acme.id, "effort-1"))
    page.button_group[0].set_value(Thinking.HIGH)
    page.number_input(key="max_output_tokens-new").set_value(500).run()
    page.chat_input[0].set_value("Hi").run()
    assert not page.exception
    [conversation] = workbench.store.conversations.recent()
    finished(workbench, conversation.id)
    assert conversation.settings == AnswerSettings(Thinking.HIGH, None, 500)
    sent = server.chats[0].json
    assert (sent["reasoning_effort"], sent["max_tokens"], "temperature" in sent) == ("high", 500, False)
    assert workbench.store.attempts.recent()[0].parameters == "thinking high, at most 500 tokens"


def test_a_switch_of_model_keeps_the_settings_and_sends_what_fits(
    open_page: OpenPage, workbench: Workbench, acme: Provider, server: OpenAIServer
) -> None:
    id_ = send(workbench, "One", Choice(acme.id, "effort-1"))
    finished(workbench, id_)
    settings = AnswerSettings(Thinking.HIGH, 0.5, 9000)
    workbench.turns.tune(id_, settings)
    for model_id in ("effort-1", "switch-1", "plain-1", "effort-1"):
        workbench.store.conversations.choose(id_, Choice(acme.id, model_id))
        page = open_page("chat", conversation_id=id_)
        page.chat_input[0].set_value("And?").run()
        assert not page.exception
        finished(workbench, id_)
        found = workbench.store.conversations.get(id_)
        assert found is not None and found.settings == settings
    told = ("reasoning_effort", "thinking", "temperature", "max_tokens")
    assert [{name: request.json[name] for name in told if name in request.json} for request in server.chats[1:]] == [
        {"reasoning_effort": "high", "max_tokens": 4096},
        {"thinking": {"type": "enabled"}, "temperature": 0.5, "max_tokens": 4096},
        {"temperature": 0.5, "max_tokens": 4096},
        {"reasoning_effort": "high", "max_tokens": 4096},
    ]


def test_a_change_in_another_tab_is_shown_and_not_undone(
    open_page: OpenPage, workbench: Workbench, acme: Provider
) -> None:
    id_ = send(workbench, "One", Choice(acme.id, "plain-1"))
    finished(workbench, id_)
    workbench.store.conversations.choose(id_, Choice(acme.id, "plain-1"))
    page = open_page("chat", conversation_id=id_)
    page.number_input(key=f"temperature-{id_}").set_value(0.5).run()
    workbench.turns.tune(id_, AnswerSettings(temperature=1.5))
    page.run()
    assert page.number_input(key=f"temperature-{id_}").value == 1.5
    found = workbench.store.conversations.get(id_)
    assert found is not None and found.settings == AnswerSettings(temperature=1.5)
    page.button(key=f"clear-{id_}").click().run()
    found = workbench.store.conversations.get(id_)
    assert found is not None and found.settings == UNSET
