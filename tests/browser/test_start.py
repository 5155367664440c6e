"""Both ways to start, the first visit to any page, and what the server says about itself."""

import urllib.request
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.running_app import RunningApp

PAGES = {"": "What would you like to know?", "providers": "Providers", "usage": "Usage"}


@pytest.mark.parametrize("is_plain_script", [False, True], ids=["st.App", "plain script"])
@pytest.mark.parametrize("path", PAGES)
def test_every_page_opens_as_the_first_of_a_fresh_server(
    page: Page, tmp_path: Path, path: str, is_plain_script: bool
) -> None:
    with RunningApp(tmp_path / "data", is_plain_script=is_plain_script) as app:
        page.goto(f"{app.url}/{path}")
        expect(page.get_by_role("heading", name=PAGES[path], exact=True)).to_be_visible()
        page.goto("about:blank")  # the page would complain that its server is gone
    assert app.complaints() == []
    assert app.output.count("Seeded 5 built-in providers") == 1


def test_the_server_answers_a_health_check_with_security_headers(app: RunningApp) -> None:
    with urllib.request.urlopen(f"{app.url}/healthz") as answer:
        assert answer.read() == b"ok"
        assert "img-src 'self'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
