"""Make the pictures of every page from a real run: python -m docs.screenshot [folder]

The app runs on a folder of its own; what answers are the built-in demo and two scripted servers on this machine. The
months of figures on the usage page are generated here and never leave that folder.
"""

import random
import re
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from core.config import load_config
from core.errors import ErrorKind
from core.ids import new_id
from core.pricing import cost, not_billed
from core.projects import DEFAULT_PROJECT_ID, ProjectForm
from core.providers import ProviderForm
from core.store.connection import Cursor
from core.types import AUTOMATIC, Attempt, Choice, FinishReason, Model, Price, Provider, Status, Usage
from core.workbench import Workbench
from tests.running_app import RunningApp
from tests.servers import anthropic_server, openai_server
from tests.servers.anthropic_server import AnthropicServer
from tests.servers.openai_server import OpenAIServer

HERE = Path(__file__).resolve().parent
CHROMIUM = "/usr/bin/chromium"
KEY = "sk-loopback-0123456789"
DEADLINE_S = 30.0
PACE_S = 0.02
DAYS = 60  # the month that is shown and the one it is compared with

LARGE = Model("", "large-1", "Large 1", price=Price(Decimal(3), Decimal(15), Decimal("0.3")))
FAST = Model("", "fast-1", "Fast 1", price=Price(Decimal("1.5"), Decimal(6), Decimal("0.15")))
CODER = Model("", "coder-14b", "Coder 14B", price=Price(Decimal(0), Decimal(0)))
# Time to first token, tokens per second, and how often it is asked, of each model in the generated months.
HABITS = {LARGE.id: (900, 62, 5), FAST.id: (320, 140, 8), CODER.id: (210, 38, 3)}

EARLIER = (
    ("Compare two database files with one", FAST.id),
    ("Turn this trace into a bug report", CODER.id),
    ("Shorten the release note", FAST.id),
)
FIRST_QUESTION = "What is time to first token, in one sentence?"
FIRST_ANSWER = "How long you wait from sending a message to the first word of its answer."
QUESTION = "And the SQL for it, per model?"
ANSWER = """```sql
SELECT model_name, median(ttft_ms) FROM attempts
GROUP BY model_name
```"""


# Pages that are shown as they open, and a heading that says they have.
PAGES = {
    "providers": "Models of Anthropic",
    "projects": "Default",
    "log": "Log",
    "sql": "SQL",
    "data": "Files",
}


def main(pictures: Path = HERE) -> None:
    """Write a picture of each page into the folder; of the Providers page also a dark one."""
    with TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        with (
            AnthropicServer(api_key=KEY) as gateway,
            OpenAIServer() as local,
            sync_playwright() as playwright,
        ):
            gateway.by_model[LARGE.id] = anthropic_server.stream_reply(*_words(FIRST_ANSWER), pace_s=PACE_S)
            usage = {"prompt_tokens": 61, "completion_tokens": 24}
            local.by_model[CODER.id] = openai_server.stream_reply(*_words(ANSWER), usage=usage, pace_s=PACE_S)
            conversation_id = _prepare(data, gateway.url, local.url)
            chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
            with RunningApp(data) as app:
                _picture_chat(_page(chromium), app.url, conversation_id, pictures)
                _picture_usage(_page(chromium), app.url, pictures)
                for name in PAGES:
                    _picture(_page(chromium), app.url, name, pictures / f"{name}.png")
                _picture(_page(chromium, is_dark=True), app.url, "providers", pictures / "providers-dark.png")
            chromium.close()


def _prepare(data: Path, gateway_url: str, local_url: str) -> str:
    """Fill the folder and return the conversation that the picture shows, with its first answer in it."""
    workbench = Workbench(load_config({"SWITCHBOARD_DATA_DIR": str(data)}, {}))
    try:
        gateway = _add(workbench, ProviderForm("Team gateway", "anthropic", gateway_url, key=KEY), LARGE)
        second = _add(workbench, ProviderForm("Second source", "openai", local_url, key=KEY), FAST)
        local = _add(workbench, ProviderForm("This machine", "openai", local_url, requires_key=False), CODER)
        owners = {LARGE.id: gateway, FAST.id: second, CODER.id: local}
        _ask(workbench, "How do I add a provider?", Choice("demo", "demo-guide"))
        for text, model_id in EARLIER:
            _ask(workbench, text, Choice(owners[model_id].id, model_id))
        workbench.projects.save(
            ProjectForm("Release notes", "Write for people who upgrade. Name what breaks first.", FAST.id, second.id)
        )
        conversation_id = _ask(workbench, FIRST_QUESTION, AUTOMATIC)
        workbench.store.conversations.choose(conversation_id, Choice(local.id, CODER.id))
        _log(workbench, list(_months(owners, now=datetime.now(UTC))))
        return conversation_id
    finally:
        workbench.close()


def _log(workbench: Workbench, attempts: Sequence[Attempt]) -> None:
    def write(cursor: Cursor) -> None:
        for attempt in attempts:
            workbench.store.attempts.add(cursor, attempt)

    workbench.store.log.write(write)


def _words(text: str) -> list[str]:
    return re.findall(r"\S+\s*", text)


def _add(workbench: Workbench, form: ProviderForm, model: Model) -> Provider:
    provider = workbench.providers.add(form)
    workbench.providers.save_model(replace(model, provider_id=provider.id), is_new=True)
    return provider


def _ask(workbench: Workbench, text: str, choice: Choice) -> str:
    conversation_id = workbench.turns.send(text, choice, conversation_id=None, project_id=DEFAULT_PROJECT_ID)
    end_s = time.monotonic() + DEADLINE_S
    while workbench.engine.live(conversation_id):
        assert time.monotonic() < end_s, "no answer came"
        time.sleep(0.01)
    return conversation_id


def _months(owners: dict[str, Provider], *, now: datetime) -> Iterator[Attempt]:
    """Yield two months of attempts as a busy user's log would hold them: sample data, the same each time."""
    chance = random.Random(11)
    models = {model.id: model for model in (LARGE, FAST, CODER)}
    for days in range(DAYS, 0, -1):
        day = now - timedelta(days=days)
        is_weekend = day.weekday() >= 5
        for _ in range(chance.randint(2, 8) if is_weekend else chance.randint(22, 44)):
            started_at = day.replace(hour=chance.randint(7, 18), minute=chance.randint(0, 59))
            model = models[chance.choices(list(HABITS), [weight for _, _, weight in HABITS.values()])[0]]
            yield _attempt(owners[model.id], model, started_at, chance)


def _attempt(provider: Provider, model: Model, started_at: datetime, chance: random.Random) -> Attempt:
    first_ms, tokens_per_s, _ = HABITS[model.id]
    status = chance.choices([Status.DONE, Status.STOPPED, Status.FAILED], [95, 3, 2])[0]
    is_failed = status is Status.FAILED
    ttft_ms = round(first_ms * chance.lognormvariate(0, 0.35))
    input_tokens, output_tokens = round(chance.lognormvariate(8, 0.7)), round(chance.lognormvariate(5.9, 0.6))
    latency_ms = ttft_ms + round(1000 * output_tokens / tokens_per_s)
    has_cache = model is not CODER
    usage = Usage(
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        cache_read_tokens=round(input_tokens * chance.uniform(0, 0.6)) if has_cache else None,
        is_estimated=status is Status.STOPPED,
    )
    usage = Usage() if is_failed else usage
    priced = cost(usage, model.price, started_at)
    priced = not_billed(priced) if is_failed else priced
    return Attempt(
        id=new_id(),
        turn_id=new_id(),
        reply_id=None,
        conversation_id=None,
        project_id=DEFAULT_PROJECT_ID,
        attempt_number=1,
        provider_id=provider.id,
        provider_name=provider.name,
        protocol=provider.protocol,
        model_requested=model.id,
        model_served=None if is_failed else model.id,
        model_name=model.name,
        route_reason="chosen with the message",
        status=status,
        http_status=529 if is_failed else 200,
        error_kind=ErrorKind.OVERLOADED.value if is_failed else None,
        finish_reason=FinishReason.STOP if status is Status.DONE else None,
        started_at=started_at,
        finished_at=started_at + timedelta(milliseconds=latency_ms),
        latency_ms=400 if is_failed else latency_ms,
        ttft_ms=None if is_failed else ttft_ms,
        usage=usage,
        price=priced.price,
        price_rule=priced.rule,
        cost_usd=priced.total,
        cost_source=priced.source,
    )


def _page(chromium: Browser, *, is_dark: bool = False) -> Page:
    context = chromium.new_context(
        viewport={"width": 1280, "height": 800},
        device_scale_factor=1,
        color_scheme="dark" if is_dark else "light",
        timezone_id="UTC",
    )
    page = context.new_page()
    page.set_default_timeout(DEADLINE_S * 1000)
    return page


def _picture_chat(page: Page, url: str, conversation_id: str, pictures: Path) -> None:
    """Send the second message of the conversation, to another provider, and show both answers."""
    page.goto(f"{url}/?c={conversation_id}")
    replies = page.get_by_label("Chat message from assistant")
    expect(replies).to_have_count(1)
    box = page.get_by_placeholder("Message", exact=True)
    box.fill(QUESTION)
    box.press("Enter")
    expect(replies).to_have_count(2)
    expect(replies.last).to_contain_text("chosen with the message", timeout=DEADLINE_S * 1000)
    expect(page.get_by_role("button", name="Stop")).to_have_count(0)
    box.blur()
    _save(page, pictures / "chat.png")


def _picture_usage(page: Page, url: str, pictures: Path) -> None:
    """Show the figures and the chart over time."""
    page.goto(f"{url}/usage")
    expect(page.get_by_text("Spend per day")).to_be_visible()
    expect(page.get_by_text("Requests by latency")).to_be_attached()
    page.get_by_test_id("stVegaLiteChart").first.scroll_into_view_if_needed()
    _save(page, pictures / "usage.png")


def _picture(page: Page, url: str, name: str, path: Path) -> None:
    page.goto(f"{url}/{name}")
    expect(page.get_by_role("heading", name=PAGES[name])).to_be_visible()
    _save(page, path)


def _save(page: Page, path: Path) -> None:
    """Write what the page shows once it has come to rest, in 256 colours: a quarter of the bytes."""
    page.mouse.move(640, 5)
    before = b""
    end_s = time.monotonic() + DEADLINE_S
    while (shown := page.screenshot(animations="disabled")) != before and time.monotonic() < end_s:
        before = shown
        page.wait_for_timeout(1000)
    path.write_bytes(shown)
    with Image.open(path) as image:
        image.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)
    print(f"{path.name}: {path.stat().st_size // 1000} kB")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
