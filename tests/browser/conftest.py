"""A real browser on a real server. What the server printed is read at the end: a warning is a failure."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Response, expect, sync_playwright

from core.providers import ProviderForm
from tests.running_app import RunningApp, prepare
from tests.servers.anthropic_server import AnthropicServer
from tests.servers.openai_server import OpenAIServer

KEY = "sk-test-0123456789abcdef0123456789abcdef"
CHROMIUM = Path("/usr/bin/chromium")

expect.set_options(timeout=15_000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One browser for this folder, gone after it: while it lives, its event loop keeps others from running."""
    if not CHROMIUM.exists() and not os.environ.get("CI"):
        pytest.skip(f"no Chromium at {CHROMIUM}")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )
        yield chromium
        chromium.close()


@pytest.fixture
def app(tmp_path: Path) -> Iterator[RunningApp]:
    with RunningApp(tmp_path / "data") as running:
        yield running
    assert running.complaints() == []


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Give a tab whose console and failed requests are read at the end."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    opened = context.new_page()
    troubles: list[str] = []
    opened.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
    opened.on("response", lambda response: troubles.append(response.url) if _is_missing(response) else None)
    opened.on("pageerror", lambda error: troubles.append(str(error)))
    opened.set_default_timeout(15_000)
    yield opened
    context.close()
    # A reload or the end of the test cuts the socket; the browser calls that an error. Failed loads come by address.
    known = ("WebSocket", "ERR_CONNECTION", "Failed to load resource", "disconnected from server")
    assert [text for text in troubles if not any(words in text for words in known)] == []


def _is_missing(response: Response) -> bool:
    # On a deep link Streamlit's page looks for its server under each part of the path.
    return response.status >= 400 and "/_stcore/" not in response.url


@pytest.fixture
def openai() -> Iterator[OpenAIServer]:
    with OpenAIServer(api_key=KEY, pace_s=0.005) as server:
        yield server


@pytest.fixture
def anthropic() -> Iterator[AnthropicServer]:
    with AnthropicServer(api_key=KEY, pace_s=0.005) as server:
        yield server


@pytest.fixture
def two_providers(tmp_path: Path, openai: OpenAIServer, anthropic: AnthropicServer) -> Iterator[RunningApp]:
    """The app with a provider of each protocol: "Alpha" with model alpha-1, "Beta" with beta-1 and beta-2."""
    prepare(
        tmp_path / "data",
        (ProviderForm("Alpha", "openai", openai.url, key=KEY), ("alpha-1",)),
        (ProviderForm("Beta", "anthropic", anthropic.url, key=KEY), ("beta-1", "beta-2")),
    )
    with RunningApp(tmp_path / "data") as running:
        yield running
    assert running.complaints() == []
