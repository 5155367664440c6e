"""What a user does on the Providers page, in the words of the page, and what its tables say."""

import re

from playwright.sync_api import Locator, Page, expect

_ROW_PX = 35  # of a table that is drawn on a canvas; the header has the same height
_MARK_PX = 16  # the middle of the column with the round marks, the only one that chooses a row


def open_providers(page: Page, url: str) -> None:
    page.goto(f"{url}/providers")
    expect(page.get_by_role("heading", name="Providers", exact=True)).to_be_visible()


def switch_page(page: Page, name: str) -> None:
    """Go to another page by its link, as a user does: the tab keeps what it remembers."""
    page.get_by_role("link", name=name, exact=True).first.click()
    expect(page).to_have_title(f"{name} · Switchboard")
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")


def table(page: Page, number: int = 0) -> Locator:
    """Return a table of the page in the form that screen readers get; the one for the eye is a canvas."""
    return page.locator("table[role=grid]").nth(number)


def row(page: Page, text: str, *, number: int = 0) -> Locator:
    """Return the row of a table that has a cell of exactly this text."""
    cell = page.get_by_text(text, exact=True)
    return table(page, number).locator("tbody tr").filter(has=cell)


def cells(page: Page, text: str, *, number: int = 0) -> dict[str, str]:
    """Return the texts of that row by the titles of the columns that are in sight."""
    expect(row(page, text, number=number)).to_have_count(1)
    # In one look: columns come and go while the page finds its width.
    titles_and_texts = """row => [row.closest("table").querySelectorAll("th"), row.querySelectorAll("td")]
        .map(cells => Array.from(cells, cell => cell.textContent))"""
    titles, texts = row(page, text, number=number).evaluate(titles_and_texts)
    return dict(zip(titles, texts, strict=True))


def expect_providers(page: Page, count: int) -> None:
    """Expect this many custom providers below the five built-in ones and the demo."""
    expect(table(page)).to_have_attribute("aria-rowcount", str(1 + 5 + 1 + count))


def choose_provider(page: Page, name: str) -> None:
    below_header = int(row(page, name).get_attribute("aria-rowindex") or 0) - 1
    place = {"x": float(_MARK_PX), "y": _ROW_PX * (below_header + 0.5)}
    page.get_by_test_id("data-grid-canvas").first.click(position=place, force=True)  # type: ignore[arg-type]
    expect(page.get_by_role("heading", name=f"Models of {name}")).to_be_visible()


def dialog(page: Page) -> Locator:
    return page.get_by_role("dialog")


def field(page: Page, label: str) -> Locator:
    return dialog(page).get_by_role("textbox", name=label, exact=True)


def open_dialog(page: Page, button: str) -> None:
    page.locator("[data-testid=stMain]").get_by_role("button", name=button, exact=True).click()
    expect(dialog(page)).to_be_visible()


def submit(page: Page, button: str) -> None:
    dialog(page).get_by_role("button", name=button).click()


def dismiss(page: Page) -> None:
    page.keyboard.press("Escape")
    expect(dialog(page)).to_be_hidden()


def fill_provider(page: Page, name: str, base_url: str, *, key: str = "", protocol: str = "OpenAI") -> None:
    field(page, "Name").fill(name)
    dialog(page).get_by_role("radiogroup").get_by_text(protocol).click()
    field(page, "Base URL").fill(base_url)
    field(page, "API key").fill(key)


def add_provider(page: Page, name: str, base_url: str, *, key: str = "", protocol: str = "OpenAI") -> None:
    open_dialog(page, "Add provider")
    fill_provider(page, name, base_url, key=key, protocol=protocol)
    submit(page, "Add provider")
    expect(dialog(page)).to_be_hidden()
    expect(page.get_by_role("heading", name=f"Models of {name}")).to_be_visible()


def enter_key(page: Page, key: str) -> None:
    """Enter the key of the chosen provider."""
    open_dialog(page, "Enter key")
    field(page, "API key").fill(key)
    submit(page, "Save key")
    expect(dialog(page)).to_be_hidden()
    expect(page.get_by_role("button", name="Replace key")).to_be_visible()


def add_model(page: Page, model_id: str) -> None:
    """Add a model to the chosen provider."""
    open_dialog(page, "Add model")
    field(page, "Model id").fill(model_id)
    submit(page, "Add model")
    expect(dialog(page)).to_be_hidden()
    expect(row(page, model_id, number=1)).to_have_count(1)


def verify(page: Page) -> Locator:
    """Verify the chosen provider and return what the page says of it."""
    page.get_by_role("button", name="Verify", exact=True).click()
    said = page.get_by_role("status").or_(page.get_by_role("alert")).filter(has_text=re.compile(r"\d (?:ms|s)\b"))
    expect(said).to_be_visible()
    return said


def disable(page: Page, name: str) -> None:
    choose_provider(page, name)
    page.get_by_role("button", name="Disable", exact=True).click()
    expect(page.get_by_role("button", name="Enable", exact=True)).to_be_visible()
