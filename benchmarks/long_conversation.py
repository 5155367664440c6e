"""Opening a conversation of 3,000 messages, and its first token, against one of 30 in the same server.

Both are opened by their address in the same browser, in turn; the clock stops when the last message is on the page. The
first token is measured as `benchmarks.first_token` does, after the answer to one uncounted message.

    python -m benchmarks.long_conversation [rounds]
"""

import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

from playwright.sync_api import Browser, Page

from benchmarks.apps import (
    INPUT,
    SWITCHBOARD,
    Server,
    chromium,
    print_table,
    ratio,
    running,
    watching_load,
)
from benchmarks.first_token import added_ms
from core.projects import DEFAULT_PROJECT_ID
from core.store import Store
from core.store.connection import Cursor
from core.types import AUTOMATIC, Conversation, Message, Role, Status
from tests.servers.openai_server import OpenAIServer

ROUNDS = 7
SIZES = (30, 3000)
TEXT = "Some words of an answer, **bold** and `code`, as answers have them.\n\n- one\n- two\n" * 4


def fill(data_dir: Path) -> None:
    """Write a conversation of each size; its id is its number of messages."""
    store = Store(data_dir)
    try:
        for size in SIZES:
            store.log.write(lambda cursor, size=size: _write(store, cursor, size))  # type: ignore[misc]
    finally:
        store.close()


def _write(store: Store, cursor: Cursor, size: int) -> None:
    began = datetime.now(UTC) - timedelta(days=1)
    conversation = Conversation(
        id=f"size{size}",
        project_id=DEFAULT_PROJECT_ID,
        title=f"{size} messages",
        choice=AUTOMATIC,
        leaf_id=f"size{size}-{size}",
        created_at=began,
        updated_at=began,
    )
    store.conversations.add(cursor, conversation)
    for number in range(1, size + 1):
        is_reply = number % 2 == 0
        store.messages.add(
            cursor,
            Message(
                id=f"size{size}-{number}",
                conversation_id=conversation.id,
                role=Role.ASSISTANT if is_reply else Role.USER,
                text=f"{TEXT}\n\nEnd of {number} in {size}." if is_reply else f"Question {number}",
                status=Status.DONE,
                created_at=began + timedelta(seconds=number),
                sequence=number,
                parent_id=f"size{size}-{number - 1}" if number > 1 else None,
                provider_name="Loopback",
                model_name="Test model",
            ),
        )


def open_ms(page: Page, server: Server, size: int) -> float:
    """Return the time from going to the conversation's address to its last message on the page."""
    page.goto("about:blank")
    began_s = time.monotonic()
    page.goto(f"{server.url}/?c=size{size}", wait_until="commit")
    page.get_by_text(f"End of {size} in {size}.").wait_for()
    page.wait_for_selector(f"{INPUT}:enabled")
    return (time.monotonic() - began_s) * 1000


def main(rounds: int = ROUNDS) -> None:
    opened: dict[int, list[float]] = {size: [] for size in SIZES}
    added: dict[int, list[float]] = {size: [] for size in SIZES}
    with (
        watching_load(),
        OpenAIServer() as provider,
        chromium() as browser,
        running(SWITCHBOARD, provider_url=provider.url, fill=fill) as server,
    ):
        server.wait_for_port()
        page = browser.new_page()
        page.set_default_timeout(60_000)
        for number in range(rounds + 1):
            for size in SIZES:
                took_ms = open_ms(page, server, size)
                if number:  # the first round loads the page's scripts
                    opened[size].append(took_ms)
        _measure_tokens(browser, server, provider, added, rounds)
    print_table(
        f"Median of {rounds}, ms",
        ("open", "added to the first token"),
        [(f"{size} messages", [f"{median(opened[size]):.0f}", f"{median(added[size]):.0f}"]) for size in SIZES],
    )
    small, large = SIZES
    print(f"Open, {large} / {small} messages: {ratio(opened[large], opened[small])}")
    print(f"First token, {large} / {small} messages: {ratio(added[large], added[small])}")


def _measure_tokens(
    browser: Browser, server: Server, provider: OpenAIServer, added: dict[int, list[float]], rounds: int
) -> None:
    pages = {size: browser.new_page() for size in SIZES}
    for size, page in pages.items():
        page.set_default_timeout(60_000)
        open_ms(page, server, size)
        added_ms(page, SWITCHBOARD, provider, 0)
    for number in range(1, rounds + 1):
        for size, page in pages.items():
            added[size].append(added_ms(page, SWITCHBOARD, provider, number))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
