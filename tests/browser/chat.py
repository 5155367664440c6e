"""What a user does on the chat page, in the words of the page."""

import re

from playwright.sync_api import Locator, Page, expect

from core.config import load_config
from core.types import Attempt
from core.workbench import Workbench
from tests.running_app import RunningApp


def open_chat(page: Page, url: str) -> None:
    page.goto(url)
    expect(message_box(page)).to_be_visible()


def message_box(page: Page) -> Locator:
    return page.get_by_placeholder("Message", exact=True)


def send(page: Page, text: str) -> None:
    message_box(page).fill(text)
    message_box(page).press("Enter")


def replies(page: Page) -> Locator:
    return page.get_by_label("Chat message from assistant")


def selector(page: Page) -> Locator:
    """Return the closed selector: a button that says who answers the next message."""
    return page.get_by_role("button", name=re.compile("^Model: "))


def open_selector(page: Page) -> Locator:
    """Open the selector and return its field, which has the focus."""
    selector(page).click()
    field = page.get_by_role("combobox", name="Search models")
    expect(field).to_be_focused()
    return field


def model_row(page: Page, label: str) -> Locator:
    """Return the row of "PROVIDER · MODEL", or of "Automatic", in the open selector."""
    return page.get_by_role("option", name=re.compile(f"^{re.escape(label)}(,|$)")).last


def choose(page: Page, label: str) -> None:
    """Choose "PROVIDER · MODEL", or "Automatic", in the selector."""
    open_selector(page).fill(label)
    model_row(page, label).click()
    expect(selector(page)).to_have_text(_on_the_button(label))


def _on_the_button(label: str) -> str | re.Pattern[str]:
    provider, _, model = label.partition(" · ")
    return f"{model} · {provider}" if model else re.compile(rf"^\s*{re.escape(label)} · ")


def logged(page: Page, app: RunningApp) -> list[Attempt]:
    """Leave the page, stop the server, which alone may hold the store, and return its log, oldest first."""
    page.goto("about:blank")
    app.stop()
    workbench = Workbench(load_config({"SWITCHBOARD_DATA_DIR": str(app.data_dir)}, {}))
    try:
        return workbench.store.attempts.recent()[::-1]
    finally:
        workbench.close()
