"""Time that the app adds to the first visible token, against the textbook Streamlit chat.

A loopback provider answers after a random 200 to 600 ms. The clock starts when it writes the first byte of content and
stops when a MutationObserver in the browser sees that text on the page. Both apps take the messages in turn, so that
other load on the machine meets both.

    python -m benchmarks.first_token [messages]
"""

import random
import sys
import threading
import time
from statistics import median

from playwright.sync_api import Page

from benchmarks.apps import (
    MODEL,
    SWITCHBOARD,
    TEXTBOOK,
    App,
    browser_clock_offset_s,
    chromium,
    evaluate,
    percentile,
    print_table,
    ratio,
    running,
    send,
    visit,
    wait_for_end,
    watching_load,
)
from tests.servers.base import Reply, Request, raw_reply
from tests.servers.openai_server import OpenAIServer, chunk, sse

MESSAGES = 15
WAITS_S = (0.2, 0.6)
REST_S = 0.25  # the answer goes on a little, as answers do

# The token is in no request, so the page cannot show it before the provider has sent it.
WATCH = """(token) => {
  window.seenMs = new Promise((resolve) => {
    const root = document.getElementById('root');
    const look = () => {
      if (root.textContent.includes(token)) { const now = performance.now(); observer.disconnect(); resolve(now); }
    };
    const observer = new MutationObserver(look);
    observer.observe(root, {childList: true, subtree: true, characterData: true});
  });
}"""


class Provider:
    """One answer: a token after a pause, the rest a little later. `sent_s`: when the token was written."""

    def __init__(self, token: str, wait_s: float) -> None:
        self.sent_s = 0.0
        self._token = token
        self._wait_s = wait_s

    def __call__(self, request: Request) -> Reply:
        go = threading.Event()

        def send_first() -> None:
            time.sleep(self._wait_s)
            self.sent_s = time.monotonic()
            go.set()

        threading.Thread(target=send_first, daemon=True).start()
        return raw_reply(
            sse(chunk({"role": "assistant", "content": ""}, model=MODEL)),
            go,
            sse(chunk({"content": self._token}, model=MODEL)),
            REST_S,
            sse(chunk({"content": " and the rest."}, model=MODEL)),
            sse(chunk({}, finish="stop", model=MODEL)),
            b"data: [DONE]\n\n",
        )


def added_ms(page: Page, app: App, server: OpenAIServer, number: int) -> float:
    """Send one message and return what lies between the provider's token and the page's."""
    token = f"first{app.name[0]}{number:03d}"
    provider = Provider(token, random.uniform(*WAITS_S))
    offset_s = browser_clock_offset_s(page)
    page.evaluate(WATCH, token)
    server.next = provider
    send(page, f"Message {number}")
    seen_s = evaluate(page, "window.seenMs") / 1000 + offset_s
    page.get_by_text(f"{token} and the rest.").wait_for()
    wait_for_end(page, app)
    time.sleep(random.uniform(0.3, 0.8))  # a reader's pause, and no phase in common with any polling
    return (seen_s - provider.sent_s) * 1000


def main(messages: int = MESSAGES) -> None:
    with (
        watching_load(),
        OpenAIServer() as server,
        chromium() as browser,
        running(SWITCHBOARD, provider_url=server.url) as ours,
        running(TEXTBOOK, provider_url=server.url) as textbook,
        visit(browser, ours) as our_page,
        visit(browser, textbook) as textbook_page,
    ):
        both = ((our_page, SWITCHBOARD), (textbook_page, TEXTBOOK))
        for page, app in both:
            added_ms(page, app, server, 0)  # imports and connections: the first message of a process is not counted
        found: dict[str, list[float]] = {app.name: [] for _, app in both}
        for number in range(1, messages + 1):
            for page, app in both:
                found[app.name].append(added_ms(page, app, server, number))
    print_table(
        f"Added to the first visible token, ms ({messages} messages)",
        ("median", "p95", "least", "most"),
        [
            (name, [f"{value:.0f}" for value in (median(ms), percentile(ms, 0.95), min(ms), max(ms))])
            for name, ms in found.items()
        ],
    )
    print(f"Switchboard / textbook chat: {ratio(found[SWITCHBOARD.name], found[TEXTBOOK.name])}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
