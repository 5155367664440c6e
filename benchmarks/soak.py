"""Ten minutes of questions and answers from two tabs: does memory grow, against the textbook chat under the same load.

Both apps run at the same time. Each tab asks again as soon as it has its answer (100 words, one every 10 ms) and loads
the page anew after ten messages, as a day's visitors do. Memory is the resident memory of the server's processes: after
the first minute, when every import is done, each minute from then on, and once the last tab is closed.

    python -m benchmarks.soak [minutes]
"""

import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass, field

from playwright.sync_api import Browser, Page

from benchmarks.apps import (
    DEADLINE_S,
    INPUT,
    SWITCHBOARD,
    TEXTBOOK,
    App,
    Server,
    chromium,
    print_table,
    rss_mb,
    running,
    send,
    settled_rss_mb,
    visit,
    watching_load,
)
from tests.servers.openai_server import OpenAIServer

MINUTES = 10
TABS = 2
WORDS = 100
PACE_S = 0.01
MESSAGES_PER_VISIT = 10


@dataclass
class Tab:
    """One tab and what it waits for. Its text is its own, so that no answer is taken for another's."""

    app: App
    server: Server
    page: Page
    name: str
    sent: int = 0
    answered: int = 0
    asked_s: float = 0.0
    is_asking: bool = False

    def step(self) -> None:
        """Send, or look whether the answer is whole. Raises TimeoutError when it never comes."""
        if self.is_asking:
            if self.page.get_by_text(self._last_word(), exact=False).count() < 2 or self.page.query_selector(
                self.app.stop
            ):
                if time.monotonic() - self.asked_s > DEADLINE_S:
                    raise TimeoutError(f"{self.app.name}: an answer did not come")
                return
            self.answered += 1
            self.is_asking = False
        if self.sent and self.sent % MESSAGES_PER_VISIT == 0:
            self.page.goto(self.server.url)
            self.page.wait_for_selector(f"{INPUT}:enabled", state="visible")
        self.sent += 1
        words = [f"word{number}" for number in range(WORDS - 1)]
        send(self.page, " ".join([*words, self._last_word()]))
        self.asked_s, self.is_asking = time.monotonic(), True

    def _last_word(self) -> str:
        return f"end-{self.name}-{self.sent}."


@dataclass
class Course:
    server: Server
    tabs: list[Tab]
    memory_mb: list[float] = field(default_factory=list)


def soak(browser: Browser, provider_url: str, minutes: int) -> dict[str, Course]:
    courses: dict[str, Course] = {}
    with ExitStack() as servers:
        with ExitStack() as tabs:
            for app in (SWITCHBOARD, TEXTBOOK):
                server = servers.enter_context(running(app, provider_url=provider_url))
                pages = [tabs.enter_context(visit(browser, server)) for _ in range(TABS)]
                courses[app.name] = Course(server, [Tab(app, server, page, f"{n}") for n, page in enumerate(pages)])
            begun_s = time.monotonic()
            for minute in range(1, minutes + 1):
                while time.monotonic() < begun_s + 60 * minute:
                    for course in courses.values():
                        for tab in course.tabs:
                            tab.step()
                    time.sleep(0.05)
                for course in courses.values():
                    course.memory_mb.append(rss_mb(course.server.pid))
        for course in courses.values():
            course.memory_mb.append(settled_rss_mb(course.server.pid))
    return courses


def main(minutes: int = MINUTES) -> None:
    with watching_load(), OpenAIServer(pace_s=PACE_S) as provider, chromium() as browser:
        courses = soak(browser, provider.url, minutes)
    print_table(
        f"Memory of the server over {minutes} minutes, MB",
        ("answers", "first minute", "half-way", "last minute", "tabs closed", "last / first"),
        [
            (
                name,
                [
                    str(sum(tab.answered for tab in course.tabs)),
                    f"{course.memory_mb[0]:.0f}",
                    f"{course.memory_mb[(minutes - 1) // 2]:.0f}",
                    f"{course.memory_mb[minutes - 1]:.0f}",
                    f"{course.memory_mb[-1]:.0f}",
                    f"{course.memory_mb[minutes - 1] / course.memory_mb[0]:.2f}×",
                ],
            )
            for name, course in courses.items()
        ],
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
