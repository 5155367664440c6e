"""axe-core on every page, light and dark: nothing serious."""

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from core.config import load_config
from core.projects import DEFAULT_PROJECT_ID
from core.types import Choice
from core.workbench import Workbench
from tests.browser.chat import open_selector
from tests.conftest import wait_until
from tests.core.test_usage import odd_log, write
from tests.running_app import RunningApp

PAGES = ("", "providers", "projects", "usage", "log", "sql", "data", "sign_out")
# Colours that are not ours to choose: those of code, and, in the dark, a chosen segment in the primary colour, which
# has to be dark enough for the white letters of buttons.
KNOWN = ('class="token ', "foreground color: #23807e")


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningApp, str]]:
    """The app with a conversation of the demo and a log of odd requests."""
    folder = tmp_path_factory.mktemp("accessible") / "data"
    workbench = Workbench(load_config({"SWITCHBOARD_DATA_DIR": str(folder)}, {}))
    try:
        conversation_id = workbench.turns.send(
            "How do I add a provider?",
            Choice("demo", "demo-guide"),
            conversation_id=None,
            project_id=DEFAULT_PROJECT_ID,
        )
        wait_until(lambda: not workbench.engine.live(conversation_id), deadline_s=30)
        write(workbench.store, odd_log(3, count=40))
    finally:
        workbench.close()
    with RunningApp(folder) as app:
        yield app, conversation_id
    assert app.complaints() == []


def serious(page: Page) -> list[str]:
    found = [
        f"{violation['id']}: {node['html'][:200]} {node['failureSummary'][:200]}"
        for violation in Axe().run(page).response["violations"]
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
    ]
    return [words for words in found if not any(known in words for known in KNOWN)]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_has_a_serious_finding(browser: Browser, filled: tuple[RunningApp, str], scheme: str) -> None:
    app, conversation_id = filled
    context = browser.new_context(color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce")
    page = context.new_page()
    found: list[str] = []
    for path in (*PAGES, f"?c={conversation_id}"):
        page.goto(f"{app.url}/{path}")
        expect(page.get_by_role("heading").or_(page.get_by_test_id("stChatMessage")).first).to_be_visible()
        expect(page.get_by_test_id("stSkeleton")).to_have_count(0)
        expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
        found += [f"{path}: {words}" for words in serious(page)]
    open_selector(page)
    found += [f"model selector: {words}" for words in serious(page)]
    context.close()
    assert not found, "\n".join(found)
