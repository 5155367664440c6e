"""Whatever a model, a provider or a name says: no script runs, nothing is fetched elsewhere, nothing leads away."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from core.config import load_config
from core.projects import DEFAULT_PROJECT_ID
from core.providers import ProviderForm
from core.types import Choice, Model
from core.workbench import Workbench
from tests.browser.chat import message_box, replies, send
from tests.conftest import wait_until
from tests.running_app import RunningApp
from tests.servers.base import Reply, Request
from tests.servers.openai_server import OpenAIServer, error_reply, stream_reply

EVIL = "https://evil.example"
PAYLOADS = (
    "<script>window.canary = 'script'</script><script src='https://evil.example/s.js'></script>",
    "<img src=x onerror=\"window.canary='onerror'\"><svg onload=\"window.canary='onload'\"></svg>",
    "<details open ontoggle=\"window.canary='toggle'\">x</details><body onpageshow=\"window.canary='body'\">",
    "[click](javascript:window.canary='link') [two](JaVaScRiPt:window.canary=2) [three](java&#115;cript:x)",
    "<javascript:window.canary='auto'> [x]: javascript:window.canary='ref'\n\n[x] [y](vbscript:x) [z](file:///etc/passwd)",
    "![a](https://evil.example/a.png) !![b](https://evil.example/b.png) \\![c](https://evil.example/c.png)",
    '![a][1] ![1][] ![1]\n\n[1]: https://evil.example/reference.png "title"',
    "text[^1]\n\n[^1]: ![a](https://evil.example/footnote.png)",
    "| a | b |\n|--|--|\n| ![a](https://evil.example/t.png) | `x | ![b](https://evil.example/cell.png)` |",
    "[![a](https://evil.example/nested.png)](https://evil.example) [a ![b](https://evil.example/in.png) c](/d)",
    "# ![a](https://evil.example/h.png)\n\n> ![b](https://evil.example/q.png)\n\n1. ![c](https://evil.example/l.png)",
    '<img src="https://evil.example/i.png"><picture><source srcset="https://evil.example/p.png"></picture>',
    "![v](https://evil.example/v.mp4) <video src=https://evil.example/w.mp4 autoplay poster=//evil.example/x></video>",
    "<iframe src=https://evil.example></iframe><object data=https://evil.example></object><embed src=//evil.example>",
    '<meta http-equiv="refresh" content="0; url=https://evil.example"><base href="https://evil.example/">',
    '<link rel=stylesheet href=https://evil.example/c.css><style>body{background:url("https://evil.example/s")}</style>',
    '<p style="background:url(https://evil.example/css)">x</p><input type=image src=https://evil.example/input>',
    '<form action="https://evil.example"><input name=password><button formaction=//evil.example>Go</button></form>',
    ':color[x]{background="url(https://evil.example/d)" foreground="red;background:url(//evil.example/e)"}'
    ":red[x]{style='background:url(//evil.example/f)'} :material/home: ::image{src=//evil.example/g}",
    ":::div{style='background:url(//evil.example/h)'}\n```\n:::\n![x](https://evil.example/directive.png)\n```",
    "```mermaid\nflowchart LR\n  A@{ img: 'https://evil.example/m.png', w: 60, h: 60 } --> B\n```",
    "```mermaid\nflowchart LR\n  A --> B\n  click A call canary()\n  click B 'javascript:window.canary=1'\n```",
    '> ```mer&#109;aid\n> flowchart LR\n>   A["<img src=https://evil.example/label.png>"] --> B\n> ```',
    "![a](data:image/svg+xml;base64,PHN2Zy8+) [b](<data:text/html,<script>window.canary='data'</script>>)"
    " [c](\n&#100;ata&#58;x) [d][d] [e](vscode://x)\n\n[d]: file:///x",
    "pay to \u202eelpmaxe.live\u202c and \u2066this\u2069\n\n```python\nif admin: \u202e# \u2066begin\u2069\n```",
    "[www.bank.example](https://evil.example/phish) https://xn--80ak6aa92e.com [а](https://аррӏе.com)",
    "W" * 20_000,
    "zero\u200bwidth\u200c\u200d\u2060\ufeff" + "\u200b" * 5_000 + "Z\u0351\u036b\u0343" * 500,
    "a ` b\n\n![x](https://evil.example/span.png)\n\nc ` d \\`![y](https://evil.example/escaped.png)`",
    "- a\n  ```\n![x](https://evil.example/list.png)\n  ```\n\n<!--\n```\n-->\n![y](https://evil.example/comment.png)",
    "```a`b\n![x](https://evil.example/info.png)\n\n> ```\n\n![y](https://evil.example/quote.png)\n\n```",
    "$$\n```\n$$\n![x](https://evil.example/math.png)",
    "- $$\n  a\nb\n$$\n\n```\n$$\n![x](https://evil.example/list-math.png)\n```",
    r"$\href{javascript:window.canary=1}{x} \includegraphics{https://evil.example/tex.png} \url{javascript:alert(1)}$"
    r" $$\htmlStyle{background:url(//evil.example/k)}{x}$$",
    ">" * 100 + " deep " + "[" * 500 + "*_" * 500,
    "|a" * 40 + "|\n" + "|-" * 40 + "|\n" + ("|x" * 40 + "|\n") * 40,
    "```\nopen for ever\n![x](https://evil.example/open.png)\n<script>window.canary='open'</script>",
)
NAME = "Evil & Co. #1"  # names with more markup are refused when they are entered
MARKUP = "<b onclick=canary()>![n](https://evil.example/n.png) [x](javascript:x)"
WORDS = f"{MARKUP} \u202e"
REASONING = "![r](https://evil.example/reasoning.png) <script>window.canary='reasoning'</script>"
PER_CONVERSATION = 18  # 40 messages are drawn at first


def told(number: int) -> str:
    """Return a hostile answer between words that have to stay readable."""
    return f"Answer {number} begins\n\n{PAYLOADS[number]}"


def reply_to(request: Request) -> Reply:
    """Answer "payload N" with it, "payloads N M …" with these in one, anything else with a hostile error."""
    numbers = [int(word) for word in str(request.json["messages"][-1]["content"]).split()[1:]]
    if not numbers:
        return error_reply(400, f"{MARKUP} <script>window.canary='error'</script>")
    pieces = re.findall(r".{1,300}", "\n\n".join(told(number) for number in numbers), re.DOTALL)
    return stream_reply(*pieces, model=WORDS, reasoning=REASONING)


class Watch:
    """A tab in which everything that may not happen is noted."""

    def __init__(self, browser: Browser, origin: str) -> None:
        self.context = browser.new_context(viewport={"width": 1000, "height": 900})
        self.context.add_init_script("window.canary = 'quiet'")
        self.page = self.context.new_page()
        self.page.set_default_timeout(20_000)
        self.went: list[str] = []
        self.fetched: list[str] = []
        self.context.on("request", lambda request: self._note(request.url, origin))
        self.context.route(lambda url: not url.startswith(origin), lambda route: route.abort())
        self.page.on("framenavigated", lambda frame: self.went.append(frame.url))
        self.page.on("popup", lambda popup: self.went.append(popup.url))
        self.page.on("dialog", lambda dialog: self.went.append(dialog.message))

    def _note(self, url: str, origin: str) -> None:
        if not url.startswith((f"{origin}/", "data:", "blob:")):
            self.fetched.append(url)

    def expect_quiet(self) -> None:
        found = self.page.evaluate(_LOOK)
        assert found["canary"] == "quiet"
        assert found["elements"] == []
        assert [link for link in found["links"] if not link.startswith(("http:", "https:", "mailto:"))] == []
        assert found["isWide"] is False
        assert self.fetched == []

    def expect_seen(self) -> None:
        """Prove that what is watched for would have been seen."""
        with self.page.expect_event("requestfailed"):
            self.page.evaluate("fetch('https://evil.example/proof').catch(() => 0)")
        assert self.fetched == [f"{EVIL}/proof"]


# What answers may not leave in the page, wherever it is drawn; our own pictures are made here (data:, blob:).
_LOOK = """() => ({
    canary: window.canary,
    elements: [...document.querySelectorAll(
        '[data-testid=stMarkdown] :is(img, source, video, audio, iframe, object, embed, meta, base, form, link, style,'
        + 'script, image, button[formaction], input:not([type=checkbox]), [onclick], [onerror], [onload], [ontoggle],'
        + '[style*="url("])'
    )].filter(found => !/^(blob:|data:)/.test(found.src || '')).map(found => found.outerHTML.slice(0, 200)),
    links: [...document.querySelectorAll('[data-testid=stMarkdown] a')]
        .filter(link => link.hasAttribute('href')).map(link => link.href),
    isWide: document.scrollingElement.scrollWidth > innerWidth
        || [...document.querySelectorAll('[data-testid=stMarkdown]')]
            .some(found => found.getBoundingClientRect().right > innerWidth),
})"""


@pytest.fixture(scope="module")
def told_already(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, list[str]]]:
    """A data folder with conversations in which a model has said it all."""
    data_dir = tmp_path_factory.mktemp("hostile") / "data"
    with OpenAIServer() as server:
        server.by_model["m"] = reply_to
        workbench = Workbench(load_config({"SWITCHBOARD_DATA_DIR": str(data_dir)}, {}))
        try:
            conversations = _tell_all(workbench, server.url)
        finally:
            workbench.close()
        yield data_dir, conversations


def _tell_all(workbench: Workbench, url: str) -> list[str]:
    provider = workbench.providers.add(ProviderForm(NAME, "openai", url, requires_key=False))
    workbench.providers.save_model(Model(provider.id, "m", NAME), is_new=True)
    conversations: list[str] = []
    found: str | None = None
    for number in range(len(PAYLOADS) + 1):
        if number % PER_CONVERSATION == 0:
            found = None
        text = f"payload {number}" if number < len(PAYLOADS) else "error"
        found = workbench.turns.send(
            text, Choice(provider.id, "m"), conversation_id=found, project_id=DEFAULT_PROJECT_ID
        )
        _wait(workbench, found)
        if found not in conversations:
            conversations.append(found)
            workbench.store.conversations.rename(found, f"{WORDS} {len(conversations)}")
    return conversations


def _wait(workbench: Workbench, conversation_id: str) -> None:
    wait_until(lambda: not workbench.engine.live(conversation_id), deadline_s=30)


@pytest.mark.parametrize("is_plain_script", [False, True], ids=["st.App", "plain script"])
def test_hostile_answers_and_names_do_nothing_but_show(
    browser: Browser, told_already: tuple[Path, list[str]], is_plain_script: bool
) -> None:
    data_dir, conversations = told_already
    with RunningApp(data_dir, is_plain_script=is_plain_script) as app:
        watch = Watch(browser, app.url)
        page = watch.page
        for at, conversation in enumerate(conversations):
            page.goto(f"{app.url}/?c={conversation}")
            numbers = range(at * PER_CONVERSATION, min((at + 1) * PER_CONVERSATION, len(PAYLOADS) + 1))
            expect(replies(page)).to_have_count(len(numbers))
            expect(replies(page)).to_contain_text(
                [f"Answer {number} begins" if number < len(PAYLOADS) else "refused the request" for number in numbers]
            )
            _open_reasoning(page)
            if len(PAYLOADS) in numbers:
                page.get_by_text("What the provider said").click()
                expect(page.get_by_text("<script>window.canary='error'</script>").last).to_be_visible()
            expect(page.get_by_text("⟪U+202E⟫").first).to_be_visible()
            assert "\u202e" not in "".join(replies(page).all_inner_texts())
            watch.expect_quiet()
        for path in ("providers", "usage"):
            page.goto(f"{app.url}/{path}")
            expect(page.get_by_role("heading", name=path.capitalize(), exact=True)).to_be_visible()
            expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
            watch.expect_quiet()
        assert [url for url in watch.went if not url.startswith(app.url)] == []
        if is_plain_script:
            watch.expect_seen()
        page.goto("about:blank")
        watch.context.close()
    assert app.complaints() == []


def _open_reasoning(page: Page) -> None:
    page.get_by_text("Thought for").first.click()
    expect(page.get_by_text("window.canary='reasoning'").first).to_be_visible()


def test_hostile_answers_do_nothing_while_they_grow(browser: Browser, tmp_path: Path) -> None:
    with OpenAIServer() as server:
        server.by_model["m"] = reply_to
        data_dir = tmp_path / "data"
        workbench = Workbench(load_config({"SWITCHBOARD_DATA_DIR": str(data_dir)}, {}))
        try:
            provider = workbench.providers.add(ProviderForm("Hostile", "openai", server.url, requires_key=False))
            workbench.providers.save_model(Model(provider.id, "m", "m"), is_new=True)
        finally:
            workbench.close()
        with RunningApp(data_dir) as app:
            watch = Watch(browser, app.url)
            page = watch.page
            page.goto(app.url)
            expect(message_box(page)).to_be_visible()
            for turn, first in enumerate(range(0, len(PAYLOADS), 10)):
                numbers = range(first, min(first + 10, len(PAYLOADS)))
                send(page, f"payloads {' '.join(str(number) for number in numbers)}")
                expect(replies(page).nth(turn)).to_contain_text(f"Answer {numbers[-1]} begins")
                expect(replies(page).nth(turn)).to_contain_text("first token")
                watch.expect_quiet()
            assert [url for url in watch.went if not url.startswith(app.url)] == []
            page.goto("about:blank")
            watch.context.close()
        assert app.complaints() == []
