"""The main job through the pages: add a provider, verify, chat, switch; what is refused; where a key never shows."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, WebSocket, expect

from core.types import Status
from tests.browser.chat import choose, logged, replies, send
from tests.browser.conftest import KEY
from tests.browser.providers import (
    add_model,
    add_provider,
    cells,
    choose_provider,
    dialog,
    dismiss,
    expect_providers,
    field,
    fill_provider,
    open_dialog,
    open_providers,
    row,
    submit,
    switch_page,
    table,
    verify,
)
from tests.running_app import RunningApp
from tests.servers.anthropic_server import AnthropicServer
from tests.servers.openai_server import OpenAIServer, error_reply

CANARY = "sk-canary-7f3a91c4d2e85b60f1a7c93e5d28b640"
UNSHOWN = CANARY[12:]  # the mask shows what is before

NAMES = {
    "": "Enter a name.",
    " \t ": "Enter a name.",
    "x" * 10_000: "The name has 10,000 characters; 80 is the most.",
    "[free tokens](https://evil.example)": "The name may not contain [ ]",
    "**Alpha**": "The name may not contain *",
    "<b>Alpha</b>": "The name may not contain < >",
    "Al\u200bpha": "The name contains an invisible or invalid character.",
    "Al\x00pha": "The name contains an invisible or invalid character.",
    "ALPHA": "There is already a provider called Alpha.",
    " alpha ": "There is already a provider called Alpha.",
    "Ａｌｐｈａ": "There is already a provider called Alpha.",
    "openai": "There is already a provider called OpenAI.",
}
KEYS = {
    "sk-first\nsk-second": "The key contains a blank or a line break.",
    "sk-schlüssel": "The key contains a character that no key has.",
    "k" * 10_000: "The key has 10,000 characters; 4,096 is the most.",
}
URLS = {
    "": "Enter a base URL",
    "javascript:alert(1)": "A base URL begins with https:// or http://, not with javascript:",
    "file:///etc/passwd": "A base URL begins with https:// or http://, not with file:",
    "https://user:word@gateway.example/v1": "The base URL contains a user name or password.",
    "https://gateway.example/v1?key=1": "The base URL contains a query",
    "https://gate way.example/v1": "The base URL contains a blank",
    "http://169.254.169.254/latest": "This address belongs to the machine's own network service",
    "https://gateway.example:99999/v1": "The port must be a number from 1 to 65535.",
    "https://gateway.example/" + "v" * 10_000: "2,000 is the most.",
}


def test_from_a_first_start_to_two_providers_in_one_conversation(
    page: Page, app: RunningApp, openai: OpenAIServer, anthropic: AnthropicServer
) -> None:
    open_providers(page, app.url)
    add_provider(page, "Alpha", f" {openai.url}/chat/completions ", key=KEY)
    expect(page.get_by_text(openai.url, exact=True)).to_be_visible()
    add_model(page, "alpha-1")
    expect(verify(page)).to_have_text(
        re.compile(r"alpha-1 answered\. First token after \d+ ms, whole answer after \d+ ms\.")
    )
    expect(row(page, "Alpha")).to_contain_text(re.compile(r"stored sk-test-0123\*\*\*✓ \d+ ms"))

    switch_page(page, "Chat")
    choose(page, "Alpha · alpha-1")
    send(page, "first message")
    expect(replies(page).first).to_contain_text(re.compile(r"first message.*Alpha · alpha-1 · first token", re.DOTALL))

    switch_page(page, "Providers")
    add_provider(page, "Beta", f"{anthropic.url}/v1/messages", key=KEY, protocol="Anthropic")
    add_model(page, "beta-1")
    expect(verify(page)).to_contain_text("beta-1 answered.")
    switch_page(page, "Chat")
    choose(page, "Beta · beta-1")
    send(page, "second message")
    expect(replies(page).nth(1)).to_contain_text(
        re.compile(r"second message.*Beta · beta-1 · first token.*chosen with the message", re.DOTALL)
    )
    said = [(message["role"], message["content"]) for message in anthropic.chats[-1].json["messages"]]
    assert said == [("user", "first message"), ("assistant", "first message"), ("user", "second message")]
    assert [request.model for request in openai.chats] == ["alpha-1"] * 2  # Verify and one message

    switch_page(page, "Usage")
    by_models = {model: cells(page, model) for model in ("alpha-1", "beta-1")}
    page.get_by_role("tab", name="Last messages").click()
    expect(page.get_by_role("tabpanel", name="Last messages")).to_be_visible()
    for name, model in (("Alpha", "alpha-1"), ("Beta", "beta-1")):
        by_model, last = by_models[model], cells(page, model)
        assert (by_model["Provider"], by_model["Messages"]) == (name, "1")
        assert (last["Provider"], last["Status"]) == (name, "Done")
        assert 0 < float(by_model["First token p50"]) <= float(by_model["Latency p50"]) == float(last["Latency"])
    expect(table(page)).to_have_attribute("aria-rowcount", "3")  # with the header; Verify is no message

    attempts = logged(page, app)
    assert [(attempt.provider_name, attempt.model_requested, attempt.status) for attempt in attempts] == [
        ("Alpha", "alpha-1", Status.DONE),
        ("Beta", "beta-1", Status.DONE),
    ]
    for attempt in attempts:
        assert attempt.ttft_ms is not None and attempt.latency_ms is not None
        assert 0 <= attempt.ttft_ms <= attempt.latency_ms
    assert [attempt.model_served for attempt in attempts] == ["alpha-1", "beta-1"]


def test_a_form_says_why_it_refuses_and_saves_nothing(page: Page, two_providers: RunningApp) -> None:
    open_providers(page, two_providers.url)
    expect_providers(page, 2)
    open_dialog(page, "Add provider")
    good = {"Name": "Gamma", "Base URL": "https://gateway.example/v1", "API key": KEY}
    fill_provider(page, good["Name"], good["Base URL"], key=good["API key"])
    for label, reasons in {"Name": NAMES, "Base URL": URLS, "API key": KEYS}.items():
        for text, reason in reasons.items():
            field(page, label).fill(text)
            submit(page, "Add provider")
            expect(dialog(page).get_by_role("alert")).to_contain_text(reason)
        field(page, label).fill(good[label])
    expect(field(page, "Name")).to_have_value("Gamma")  # what was typed is not lost
    dismiss(page)
    expect_providers(page, 2)
    open_dialog(page, "Add provider")
    for label in ("Name", "Base URL", "API key"):
        expect(field(page, label)).to_have_value("")
    dismiss(page)

    choose_provider(page, "Alpha")
    open_dialog(page, "Edit")
    field(page, "Name").fill("BETA")
    submit(page, "Save")
    expect(dialog(page).get_by_role("alert")).to_contain_text("There is already a provider called Beta.")
    dismiss(page)
    open_dialog(page, "Replace key")
    field(page, "API key").fill("sk-schlüssel")
    submit(page, "Save key")
    expect(dialog(page).get_by_role("alert")).to_contain_text("The key contains a character that no key has.")
    dismiss(page)
    expect(row(page, "Alpha")).to_contain_text("stored sk-test-0123***")
    open_dialog(page, "Add model")
    for model_id, reason in {
        "": "Enter a model id.",
        "a b": "blanks",
        "alpha-1": "already has a model alpha-1",
    }.items():
        field(page, "Model id").fill(model_id)
        submit(page, "Add model")
        expect(dialog(page).get_by_role("alert")).to_contain_text(reason)
    field(page, "Model id").fill("alpha-2")
    field(page, "Input").fill("-1")
    submit(page, "Add model")
    expect(dialog(page).get_by_role("alert")).to_contain_text("Enter a number from 0 to 1,000,000")
    dismiss(page)
    expect(table(page, 1)).to_have_attribute("aria-rowcount", "2")
    page.reload()
    expect_providers(page, 2)


@pytest.fixture
def talkative(tmp_path: Path) -> Iterator[RunningApp]:
    """The app with everything that can be made to log more made to do so."""
    with RunningApp(
        tmp_path / "data", STREAMLIT_LOGGER_LEVEL="debug", OPENAI_LOG="debug", ANTHROPIC_LOG="debug"
    ) as running:
        yield running


def test_a_key_shows_nowhere_once_it_was_typed(page: Page, talkative: RunningApp, openai: OpenAIServer) -> None:
    app = talkative
    openai.api_key = CANARY
    openai.by_model["rude"] = error_reply(401, f"Incorrect API key provided: {CANARY}.", code="invalid_api_key")
    received: list[str | bytes] = []

    def listen(socket: WebSocket) -> None:
        socket.on("framereceived", lambda frame: received.append(frame))

    page.on("websocket", listen)
    open_providers(page, app.url)
    open_dialog(page, "Add provider")
    fill_provider(page, "OpenAI", openai.url, key=CANARY)
    submit(page, "Add provider")
    expect(dialog(page).get_by_role("alert")).to_contain_text("already a provider")
    field(page, "Name").fill("Alpha")
    submit(page, "Add provider")
    expect(dialog(page)).to_be_hidden()
    add_model(page, "rude")
    expect(verify(page)).to_contain_text("Alpha refused the API key.")
    add_model(page, "polite")
    seen = [page.content()]
    switch_page(page, "Chat")
    choose(page, "Alpha · rude")
    send(page, "hello")
    expect(replies(page).first).to_contain_text("Alpha refused the API key.")
    replies(page).first.get_by_text("What the provider said").click()
    expect(replies(page).first).to_contain_text("Incorrect API key provided")
    choose(page, "Alpha · polite")
    send(page, "hello again")
    expect(replies(page).nth(1)).to_contain_text("Alpha · polite · first token")
    seen.append(page.content())
    switch_page(page, "Usage")
    page.get_by_role("tab", name="Last messages").click()
    expect(page.get_by_role("tabpanel", name="Last messages")).to_be_visible()
    expect(row(page, "polite")).to_have_count(1)
    seen.append(page.content())
    seen.append(page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])"))

    assert all(request.headers["authorization"] == f"Bearer {CANARY}" for request in openai.chats)
    assert len(received) > 10
    assert not [frame for frame in received if UNSHOWN in _text(frame)]
    assert not [text for text in seen if UNSHOWN in text]
    assert _files_with(UNSHOWN, app.data_dir) == []
    switch_page(page, "Providers")
    page.get_by_text("Settings as a file").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Export").click()
    exported = download.value.path().read_text()
    assert "rude" in exported and UNSHOWN not in exported
    attempts = logged(page, app)
    assert [attempt.status for attempt in attempts] == [Status.FAILED, Status.DONE]
    assert UNSHOWN not in repr(attempts)
    assert _files_with(UNSHOWN, app.data_dir) == []
    assert "Runtime state:" in app.output  # a line that only debugging prints
    assert UNSHOWN not in app.output


def _text(frame: str | bytes) -> str:
    return frame if isinstance(frame, str) else frame.decode("latin-1")


def _files_with(text: str, folder: Path) -> list[Path]:
    """Return the files that hold the text in plain bytes."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    return [path for path in files if text.encode() in path.read_bytes()]
