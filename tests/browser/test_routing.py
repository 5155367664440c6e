"""Who answers a message, seen through the page: the router's four steps, and the models of the first request."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from core.catalog import load_catalog
from core.config import load_config
from core.projects import DEFAULT_PROJECT_ID, ProjectForm
from core.providers import ProviderForm
from core.workbench import Workbench
from tests.browser.chat import choose, logged, message_box, open_chat, replies, send
from tests.browser.conftest import KEY
from tests.browser.providers import choose_provider, disable, enter_key, open_providers, switch_page
from tests.running_app import RunningApp, prepare
from tests.servers.anthropic_server import AnthropicServer
from tests.servers.openai_server import OpenAIServer

DATA = "data"
ASKED = {
    "Anthropic": ("Opus 4.5", "Sonnet 4.5", "Haiku 3.5"),
    "OpenAI": ("GPT-4o", "GPT-4o mini"),
    "DeepSeek": ("Deepseek V3", "Deepseek R1"),
    "Qwen": ("Qwen Plus", "Qwen Turbo", "Qwen Max"),
    "GLM": ("GLM-4 Plus", "GLM-4 Flash"),
}


def _three_providers(data_dir: Path, openai: OpenAIServer, anthropic: AnthropicServer) -> None:
    prepare(
        data_dir,
        (ProviderForm("Alpha", "openai", openai.url, key=KEY), ("alpha-1",)),
        (ProviderForm("Beta", "anthropic", anthropic.url, key=KEY), ("beta-1", "beta-2")),
        (ProviderForm("Gamma", "openai", openai.url, key=KEY), ("gamma-1",)),
    )


def _save_default_project(data_dir: Path, *, provider: str | None = None, model_id: str | None = None) -> None:
    """Change the default project before a server opens the folder: it has no page."""
    workbench = Workbench(load_config({"SWITCHBOARD_DATA_DIR": str(data_dir)}, {}))
    try:
        ids = {row.name: row.id for row in workbench.store.providers.all()}
        project = workbench.store.projects.get(DEFAULT_PROJECT_ID)
        assert project is not None
        form = ProjectForm(project.name, model_id=model_id, provider_id=ids[provider] if provider else None)
        workbench.projects.save(form, project=project)
    finally:
        workbench.close()


def test_each_step_of_the_router_answers_when_those_before_it_cannot(
    page: Page, tmp_path: Path, openai: OpenAIServer, anthropic: AnthropicServer
) -> None:
    _three_providers(tmp_path / DATA, openai, anthropic)
    _save_default_project(tmp_path / DATA, provider="Gamma", model_id="beta-2")
    with RunningApp(tmp_path / DATA) as app:
        open_chat(page, app.url)
        choose(page, "Beta · beta-1")
        _send_and_expect(page, 0, "Beta · beta-1", "chosen with the message")
        choose(page, "Automatic")
        _send_and_expect(page, 1, "Gamma · gamma-1", "the project's provider")

        switch_page(page, "Providers")
        disable(page, "Gamma")
        switch_page(page, "Chat")
        passed = "passed over: Gamma is disabled: enable it under Providers"
        _send_and_expect(page, 2, "Beta · beta-2", f"owner of the project's model beta-2; {passed}")

        switch_page(page, "Providers")
        disable(page, "Beta")
        switch_page(page, "Chat")
        passed += ", Beta is disabled: enable it under Providers"
        _send_and_expect(page, 3, "Alpha · alpha-1", f"the first provider that can be used; {passed}")

        served = [(row.provider_name, row.model_requested) for row in logged(page, app)]
    assert served == [("Beta", "beta-1"), ("Gamma", "gamma-1"), ("Beta", "beta-2"), ("Alpha", "alpha-1")]
    assert [request.model for request in openai.chats] == ["gamma-1", "alpha-1"]
    assert [request.model for request in anthropic.chats] == ["beta-1", "beta-2"]
    assert app.complaints() == []


def test_a_chosen_provider_is_never_replaced_and_a_projects_model_finds_its_owner(
    page: Page, tmp_path: Path, openai: OpenAIServer, anthropic: AnthropicServer
) -> None:
    _three_providers(tmp_path / DATA, openai, anthropic)
    _save_default_project(tmp_path / DATA, model_id="beta-2")
    with RunningApp(tmp_path / DATA) as app:
        open_chat(page, app.url)
        choose(page, "Gamma · gamma-1")
        switch_page(page, "Providers")
        disable(page, "Gamma")
        switch_page(page, "Chat")
        send(page, "message 0")
        expect(page.get_by_text("Gamma is disabled: enable it under Providers, or choose another")).to_be_visible()
        expect(message_box(page)).to_have_value("message 0")
        choose(page, "Automatic")
        _send_and_expect(page, 0, "Beta · beta-2", "owner of the project's model beta-2")
        [attempt] = logged(page, app)
    assert attempt.route_reason == "owner of the project's model beta-2"
    assert app.complaints() == []


def _send_and_expect(page: Page, number: int, served: str, reason: str) -> None:
    send(page, f"message {number}")
    expect(replies(page).nth(number)).to_contain_text(f"{served} · first token")
    expect(replies(page).nth(number).get_by_test_id("stCaptionContainer")).to_contain_text(f" · {reason}")


@pytest.fixture
def with_environment_keys(tmp_path: Path, openai: OpenAIServer) -> Iterator[RunningApp]:
    """The app with keys of all built-in providers but DeepSeek, whose address is the loopback server's."""
    prepare(tmp_path / DATA)
    workbench = Workbench(load_config({"SWITCHBOARD_DATA_DIR": str(tmp_path / DATA)}, {}))
    try:
        provider = workbench.store.providers.get("deepseek")
        assert provider is not None
        moved = replace(provider, base_url=openai.url)
        workbench.store.settings.write(lambda cursor: workbench.store.providers.save(cursor, moved))
    finally:
        workbench.close()
    keys = {row.key_variables[0]: KEY for row in load_catalog().providers if row.key_variables and row.id != "deepseek"}
    with RunningApp(tmp_path / DATA, is_plain_script=False, **keys) as running:
        yield running
    assert running.complaints() == []


def test_the_twelve_models_can_be_chosen_and_deepseek_v3_answers_with_its_key(
    page: Page, with_environment_keys: RunningApp, openai: OpenAIServer
) -> None:
    assert sum(map(len, ASKED.values())) == 12
    open_providers(page, with_environment_keys.url)
    choose_provider(page, "DeepSeek")
    enter_key(page, KEY)
    switch_page(page, "Chat")
    for provider, names in ASKED.items():
        for name in names:
            choose(page, f"{provider} · {name}")
            expect(page.get_by_role("button", name=f"Model: {name} · {provider}", exact=True)).to_be_visible()
    choose(page, "DeepSeek · Deepseek V3")
    send(page, "are you there?")
    expect(replies(page).first).to_contain_text("DeepSeek · Deepseek V3 · first token")
    [request] = openai.chats
    assert (request.path, request.model) == ("/v1/chat/completions", "deepseek-chat")
    assert request.headers["authorization"] == f"Bearer {KEY}"
    [attempt] = logged(page, with_environment_keys)
    assert (attempt.provider_id, attempt.model_requested) == ("deepseek", "deepseek-chat")
    assert attempt.cost_usd
