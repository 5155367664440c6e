"""Choosing a mark of a chart filters the usage page: only a browser draws marks."""

import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import ConsoleMessage, Page, expect

from core.store import Store
from tests.core.test_usage import make_attempt, write
from tests.running_app import RunningApp


@pytest.fixture
def app(tmp_path: Path, seeded_folder: Path) -> Iterator[RunningApp]:
    """The app over a log with three providers, on three days."""
    folder = shutil.copytree(seeded_folder, tmp_path / "data")
    store = Store(folder)
    noon = datetime.now(UTC).replace(hour=12, minute=30)
    for number, name in enumerate(("Alpha", "Beta", "Gamma"), start=1):
        made = {"provider_id": name.lower(), "provider_name": name, "model_requested": name, "model_name": name}
        write(store, [make_attempt(noon - timedelta(days=2 * number), **made) for _ in range(number)])
    store.close()
    with RunningApp(folder) as running:
        yield running
    assert running.complaints() == []


def test_a_bar_filters_the_page_and_a_chip_takes_it_back(app: RunningApp, page: Page) -> None:
    warnings: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        if message.type == "warning":
            warnings.append(message.text)

    page.on("console", listen)
    page.goto(f"{app.url}/usage?by=Provider&show=Messages")
    messages = page.get_by_test_id("stMetric").filter(has_text="Messages").get_by_test_id("stMetricValue")
    expect(messages).to_have_text("6")
    groups = page.get_by_test_id("stVegaLiteChart").nth(1)
    groups.locator(".mark-rect path").nth(1).click()
    expect(messages).to_have_text("2")
    expect(page).to_have_url(re.compile("provider=beta"))
    page.get_by_role("button", name="Provider: Beta").click()
    expect(messages).to_have_text("6")
    over_time = page.get_by_test_id("stVegaLiteChart").nth(0)
    over_time.locator(".mark-rect path").last.click()
    expect(messages).to_have_text("1")
    expect(page).to_have_url(re.compile(r"at=\d{4}-\d\d-\d\d"))
    page.reload()  # the URL alone restores it
    expect(messages).to_have_text("1")
    page.get_by_role("button", name="Reset").click()
    expect(messages).to_have_text("6")
    page.get_by_role("button", name="SQL").first.click()
    expect(page.get_by_role("heading", name="SQL")).to_be_visible()
    expect(page.get_by_text(re.compile(r"^\d rows? · "))).to_be_visible()  # it was run at once
    assert not [text for text in warnings if "extent" in text]
