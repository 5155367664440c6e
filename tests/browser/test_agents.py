"""An agent in a real browser: its steps appear while it works, and any tab answers what it asks."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from core.providers import ProviderForm
from tests.browser.chat import choose, open_chat, replies, send
from tests.browser.test_accessibility import serious
from tests.core.runners.agent_support import KEY, needs_program
from tests.running_app import RunningApp, prepare
from tests.servers.claude_messages import ClaudeMessages, Reply, Use, serve

pytestmark = needs_program


@pytest.fixture
def server() -> Iterator[ClaudeMessages]:
    writes = [Use("Write", {"file_path": f"{name}.txt", "content": f"{name}\n"}) for name in ("one", "two")]
    with serve(
        Reply(blocks=("I begin.",), uses=(Use("Glob", {"pattern": "*"}), writes[0])),
        Reply(blocks=("One more.",), uses=(writes[1],)),
        Reply(blocks=("All done.",)),
    ) as running:
        yield running


def test_steps_are_followed_and_permissions_answered_from_two_tabs_and_shown_again_after_a_reload(
    page: Page, browser: Browser, server: ClaudeMessages, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    prepare(data, (ProviderForm("Claude", "anthropic", server.url, key=KEY), ("claude-sonnet-5-5",)))
    with RunningApp(data) as app:
        open_chat(page, app.url)
        choose(page, "Claude · claude-sonnet-5-5")
        page.get_by_text("Agent", exact=True).click()
        expect(page.get_by_role("switch", name="Agent")).to_be_checked()
        send(page, "Write two files.")
        expect(replies(page).get_by_text("May the agent do this? Write one.txt")).to_be_visible()
        expect(replies(page).get_by_text("Look for files *")).to_be_visible()
        assert serious(page) == []

        second = browser.new_context().new_page()
        second.goto(page.url)
        second.get_by_role("button", name="Allow once").click()
        expect(page.get_by_text("May the agent do this? Write two.txt")).to_be_visible()
        page.get_by_role("button", name="Deny").click()
        expect(replies(page).get_by_text("All done.")).to_be_visible()
        second.context.close()

        page.reload()
        expect(replies(page).get_by_text("Write two.txt · not allowed")).to_be_visible()
        replies(page).get_by_text("1 file changed").click()
        expect(replies(page).get_by_text("+one", exact=True).last).to_be_visible()
        assert serious(page) == []
        page.goto("about:blank")
    assert app.complaints() == []
    [written] = data.glob("agents/projects/default/*")
    assert written.name == "one.txt"
