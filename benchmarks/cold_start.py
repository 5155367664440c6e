"""Time from starting the process to a page that takes a message, and the server's memory, against the textbook chat.

The browser is already there, its cache is empty, and it opens the page as soon as the server's port is open. Memory is
the resident memory of the server's processes, before the first message and after one answer. Switchboard is started on
an empty folder with its demo only, and with one OpenAI provider on this machine (whose SDK it then imports at start).

    python -m benchmarks.cold_start [runs]
"""

import sys
import time
from dataclasses import dataclass
from statistics import median

from playwright.sync_api import Browser

from benchmarks.apps import (
    SWITCHBOARD,
    TEXTBOOK,
    App,
    chromium,
    cpu_s,
    print_table,
    ratio,
    running,
    send,
    settled_rss_mb,
    visit,
    wait_for_end,
    watching_load,
)
from tests.servers.openai_server import OpenAIServer

RUNS = 5
TEXT = "How do I add a provider?"  # echoed by the loopback provider, answered by the demo


@dataclass(frozen=True, slots=True)
class Start:
    port_s: float  # until the server's port is open
    usable_s: float
    cpu_s: float  # of the server until the page was usable
    before_mb: float
    after_mb: float


def start(browser: Browser, app: App, provider_url: str | None) -> Start:
    with running(app, provider_url=provider_url) as server:
        server.wait_for_port()
        port_s = time.monotonic() - server.started_s
        with visit(browser, server) as page:
            usable_s = time.monotonic() - server.started_s
            used_s = cpu_s(server.pid)
            before_mb = settled_rss_mb(server.pid)
            send(page, TEXT)
            page.locator("[data-testid=stChatMessage]").nth(1).wait_for()
            wait_for_end(page, app)
            return Start(port_s, usable_s, used_s, before_mb, settled_rss_mb(server.pid))


def main(runs: int = RUNS) -> None:
    with watching_load(), OpenAIServer() as provider, chromium() as browser:
        kinds: tuple[tuple[str, App, str | None], ...] = (
            ("textbook chat", TEXTBOOK, provider.url),
            ("Switchboard, demo only", SWITCHBOARD, None),
            ("Switchboard, one provider", SWITCHBOARD, provider.url),
        )
        found: dict[str, list[Start]] = {name: [] for name, _, _ in kinds}
        for number in range(runs + 1):
            for name, app, url in kinds:
                seen = start(browser, app, url)
                if number:  # the first round fills the disk cache and the bytecode cache
                    found[name].append(seen)
    print_table(
        f"Process start to usable page, s, and memory, MB (median of {runs})",
        ("port open", "usable", "least", "most", "server CPU", "before", "after one message"),
        [
            (
                name,
                [
                    f"{median(seen.port_s for seen in starts):.2f}",
                    f"{median(seen.usable_s for seen in starts):.2f}",
                    f"{min(seen.usable_s for seen in starts):.2f}",
                    f"{max(seen.usable_s for seen in starts):.2f}",
                    f"{median(seen.cpu_s for seen in starts):.2f}",
                    f"{median(seen.before_mb for seen in starts):.0f}",
                    f"{median(seen.after_mb for seen in starts):.0f}",
                ],
            )
            for name, starts in found.items()
        ],
    )
    baseline = found["textbook chat"]
    for name, starts in found.items():
        if starts is not baseline:
            time_ratio = ratio([seen.usable_s for seen in starts], [seen.usable_s for seen in baseline])
            memory_ratio = ratio([seen.before_mb for seen in starts], [seen.before_mb for seen in baseline])
            print(f"{name} / textbook chat: {time_ratio} time, {memory_ratio} memory before the first message")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
