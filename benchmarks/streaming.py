"""A very long answer, sent as fast as the wire allows, against the textbook Streamlit chat.

The provider sends 20,000 tokens, each in an event of its own, without a pause. Measured: the time from its last byte to
the whole text on the page, how many of the tokens are then there, and how many bytes the page got over the websocket
per 1,000 tokens of the answer. An app that does not show everything within the deadline is reported with what it
showed.

    python -m benchmarks.streaming [tokens] [deadline in seconds]
"""

import random
import sys
import threading
import time
from dataclasses import dataclass

from playwright.sync_api import Browser, Page

from benchmarks.apps import (
    MODEL,
    SWITCHBOARD,
    TEXTBOOK,
    App,
    browser_clock_offset_s,
    chromium,
    print_table,
    running,
    send,
    visit,
    wait_until,
    watching_load,
)
from tests.servers.base import Reply, Request
from tests.servers.openai_server import OpenAIServer, stream_reply

TOKENS = 20_000
DEADLINE_S = 90.0
PARAGRAPH = 60  # tokens

# Counted in the page: handing every frame to the driver, as Playwright's own event does, slows the page down.
COUNT_BYTES = """
window.received = 0;
window.WebSocket = class extends WebSocket {
  constructor(...args) {
    super(...args);
    this.addEventListener('message', (event) => {
      window.received += event.data.byteLength ?? event.data.size ?? event.data.length;
    });
  }
};
"""
# Looks every 50 ms, and only at the end of the answer until that is there.
WATCH = """([tokens, last]) => {
  window.seen = null;
  const timer = setInterval(() => {
    const messages = document.querySelectorAll('[data-testid=stChatMessage]');
    const answer = messages[messages.length - 1];
    if (messages.length < 2 || !answer.textContent.slice(-4000).includes(last)) return;
    const now = performance.now();
    clearInterval(timer);
    window.seen = {ms: now, tokens: new Set(answer.textContent.match(/t\\d{5}/g)).size};
  }, 50);
}"""
COUNT_TOKENS = """() => {
  const messages = document.querySelectorAll('[data-testid=stChatMessage]');
  return messages.length < 2 ? 0 : new Set(messages[messages.length - 1].textContent.match(/t\\d{5}/g)).size;
}"""


@dataclass(frozen=True, slots=True)
class Run:
    sent_s: float  # first to last byte of the provider
    lag_s: float | None  # last byte to whole text; None: not within the deadline
    tokens: int  # on the page
    received: int  # bytes over the websocket


class Provider:
    """The whole answer at once. `began_s`, `ended_s`: its first and last byte."""

    def __init__(self, tokens: int) -> None:
        self.began_s = self.ended_s = 0.0
        self.is_done = threading.Event()
        words = [
            f"t{number:05d}" + ("\n\n" if number % PARAGRAPH == PARAGRAPH - 1 else " ") for number in range(tokens)
        ]
        self._reply = stream_reply(*words, model=MODEL)

    def __call__(self, request: Request) -> Reply:
        self.began_s = time.monotonic()

        def note_end() -> None:
            request.done.wait()
            self.ended_s = time.monotonic()
            self.is_done.set()

        threading.Thread(target=note_end, daemon=True).start()
        return self._reply


def measure(page: Page, server: OpenAIServer, tokens: int, deadline_s: float) -> Run:
    provider = Provider(tokens)
    server.next = provider
    offset_s = browser_clock_offset_s(page)
    before = int(page.evaluate("window.received"))
    page.evaluate(WATCH, [tokens, f"t{tokens - 1:05d}"])
    send(page, f"Message {random.random()}")
    end_s = time.monotonic() + deadline_s
    seen = None
    while seen is None and time.monotonic() < end_s:
        time.sleep(0.2)
        seen = page.evaluate("window.seen")
    shown = int(seen["tokens"]) if seen else int(page.evaluate(COUNT_TOKENS))
    wait_until(provider.is_done.is_set, deadline_s=deadline_s)
    return Run(
        sent_s=provider.ended_s - provider.began_s,
        lag_s=float(seen["ms"]) / 1000 + offset_s - provider.ended_s if seen else None,
        tokens=shown,
        received=int(page.evaluate("window.received")) - before,
    )


def run(browser: Browser, app: App, server: OpenAIServer, tokens: int, deadline_s: float) -> Run:
    with running(app, provider_url=server.url) as started, visit(browser, started, script=COUNT_BYTES) as page:
        return measure(page, server, tokens, deadline_s)


def main(tokens: int = TOKENS, deadline_s: float = DEADLINE_S) -> None:
    with watching_load(), OpenAIServer() as server, chromium() as browser:
        runs = {app.name: run(browser, app, server, tokens, deadline_s) for app in (SWITCHBOARD, TEXTBOOK)}
    print_table(
        f"An answer of {tokens:,} tokens at once (deadline {deadline_s:g} s)",
        ("sent in s", "on the page after s", "tokens on the page", "kB per 1,000 tokens"),
        [
            (
                name,
                (
                    f"{seen.sent_s:.1f}",
                    "never" if seen.lag_s is None else f"{seen.lag_s:.2f}",
                    f"{seen.tokens:,}",
                    f"{seen.received / 1000 / max(1, seen.tokens) * 1000:,.0f}",
                ),
            )
            for name, seen in runs.items()
        ],
    )
    ours, textbook = (runs[app.name] for app in (SWITCHBOARD, TEXTBOOK))
    print(
        f"Switchboard / textbook chat: {ours.tokens / max(1, textbook.tokens):.2f}× the tokens, "
        f"{ours.received / ours.tokens / (textbook.received / max(1, textbook.tokens)):.3f}× the bytes per token"
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
