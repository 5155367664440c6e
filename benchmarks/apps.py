"""Start the two apps that are compared, each as a process of its own on an empty folder, and look at them."""

import math
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser, Page, sync_playwright

from core.config import load_config
from core.providers import ProviderForm
from core.types import Model
from core.workbench import Workbench

ROOT = Path(__file__).resolve().parent.parent
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
API_KEY = "sk-loopback-0123456789"
MODEL = "test-model"
INPUT = "[data-testid=stChatInputTextArea]"
DEADLINE_S = 30.0
_POLL_S = 0.005


@dataclass(frozen=True, slots=True)
class App:
    """What is measured. `stop` is a selector that is on the page as long as an answer runs."""

    name: str
    script: Path
    stop: str


SWITCHBOARD = App("Switchboard", ROOT / "streamlit_app.py", "[class*=st-key-stop-]")
TEXTBOOK = App("textbook chat", ROOT / "benchmarks" / "textbook_chat.py", "[data-testid=stStatusWidget]")


@dataclass(frozen=True, slots=True)
class Server:
    """A running app. `started_s` is the monotonic time at which its process was made."""

    url: str
    pid: int
    started_s: float

    def wait_for_port(self) -> None:
        port = int(self.url.rpartition(":")[2])
        wait_until(lambda: _is_open(port))


@contextmanager
def running(
    app: App, *, provider_url: str | None, fill: Callable[[Path], None] = lambda data_dir: None
) -> Iterator[Server]:
    """Run an app on a fresh data folder, which `fill` may fill before.

    `provider_url` is the OpenAI provider it knows; None leaves the demo only.
    """
    with TemporaryDirectory(prefix="switchboard-benchmark-") as folder:
        if app is SWITCHBOARD and provider_url:
            add_provider(Path(folder) / "data", provider_url)
            fill(Path(folder) / "data")
        port = _free_port()
        command = [sys.executable, "-m", "streamlit", "run", str(app.script)]
        options = {
            "server.port": str(port),
            "server.address": "127.0.0.1",
            "server.headless": "true",
            "browser.gatherUsageStats": "false",
            "secrets.files": f"{folder}/secrets.toml",  # not those of the developer
        }
        log = Path(folder) / "server.log"
        with log.open("wb") as output:
            started_s = time.monotonic()
            process = subprocess.Popen(
                command + [f"--{name}={value}" for name, value in options.items()],
                cwd=folder,
                env=_environment(app, folder, provider_url),
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            yield Server(f"http://127.0.0.1:{port}", process.pid, started_s)
        except BaseException:
            sys.stderr.write(log.read_text(errors="replace"))
            raise
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def add_provider(data_dir: Path, url: str) -> None:
    """Make a data folder whose first usable provider is an OpenAI one at this address."""
    workbench = Workbench(load_config({"SWITCHBOARD_DATA_DIR": str(data_dir)}, {}))
    try:
        provider = workbench.providers.add(ProviderForm("Loopback", "openai", url, key=API_KEY))
        workbench.providers.save_model(Model(provider.id, MODEL, "Test model", is_default=True), is_new=True)
    finally:
        workbench.close()


def _environment(app: App, folder: str, provider_url: str | None) -> dict[str, str]:
    """Return the environment of a server: nothing of the developer's but the search path."""
    common = {"PATH": os.environ["PATH"], "HOME": folder, "LANG": "C.UTF-8"}
    if app is SWITCHBOARD:
        return {**common, "SWITCHBOARD_DATA_DIR": f"{folder}/data"}
    return {**common, "OPENAI_BASE_URL": provider_url or "http://127.0.0.1:9/v1", "OPENAI_API_KEY": API_KEY}


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def visit(browser: Browser, server: Server, *, script: str = "") -> Iterator[Page]:
    """Open the app with an empty cache as soon as its port is open, and wait until a message can be typed."""
    context = browser.new_context()
    try:
        page = context.new_page()
        page.set_default_timeout(DEADLINE_S * 1000)
        if script:
            page.add_init_script(script)
        server.wait_for_port()
        page.goto(server.url, wait_until="commit")
        page.wait_for_selector(f"{INPUT}:enabled", state="visible")
        yield page
    finally:
        context.close()


def send(page: Page, text: str) -> None:
    box = page.locator(INPUT)
    box.fill(text)
    box.press("Enter")


def wait_for_end(page: Page, app: App) -> None:
    """Wait until no answer runs any more."""
    page.wait_for_selector(app.stop, state="detached")


def browser_clock_offset_s(page: Page) -> float:
    """Return what to add to the page's performance.now() (in seconds) to get our monotonic clock.

    Of 20 readings the one with the shortest round trip counts: half of it bounds the error.
    """
    readings = []
    for _ in range(20):
        before_s = time.monotonic()
        page_s = float(page.evaluate("performance.now()")) / 1000
        after_s = time.monotonic()
        readings.append((after_s - before_s, (before_s + after_s) / 2 - page_s))
    return min(readings)[1]


def rss_mb(pid: int) -> float:
    """Return the resident memory of a process and its children, in MB of 10^6 bytes."""
    total = 0
    waiting = [pid]
    while waiting:
        process = waiting.pop()
        try:
            status = Path(f"/proc/{process}/status").read_text()
            waiting += [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
        except OSError:
            continue
        found = re.search(r"^VmRSS:\s+(\d+) kB", status, re.MULTILINE)
        total += int(found.group(1)) * 1024 if found else 0
    return total / 1e6


def settled_rss_mb(pid: int) -> float:
    """Return the resident memory once it has stopped changing for a second: warming threads have ended."""
    seen = [rss_mb(pid)]
    end_s = time.monotonic() + DEADLINE_S
    while len(seen) < 6 or max(seen[-5:]) - min(seen[-5:]) > 1.0:
        if time.monotonic() > end_s:
            break
        time.sleep(0.25)
        seen.append(rss_mb(pid))
    return seen[-1]


def evaluate(page: Page, promise: str, *, deadline_s: float = DEADLINE_S) -> float:
    """Return the number a promise in the page comes to; raise when it does not within the deadline."""
    late = f"new Promise((_, reject) => setTimeout(() => reject(new Error('nothing seen')), {deadline_s * 1000:.0f}))"
    return float(page.evaluate(f"Promise.race([{promise}, {late}])"))


def wait_until(claim: Callable[[], bool], *, deadline_s: float = DEADLINE_S) -> None:
    end_s = time.monotonic() + deadline_s
    while not claim():
        if time.monotonic() > end_s:
            raise TimeoutError(f"nothing happened within {deadline_s:g} s")
        time.sleep(_POLL_S)


def cpu_s(pid: int) -> float:
    """Return the processor time of a process so far: unlike the clock, other load on the machine hardly changes it."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def watching_load() -> Iterator[None]:
    """Say afterwards how busy the machine was. Times measured on a machine that others keep busy mean little."""
    idle, total = _idle_and_total()
    yield
    idle_after, total_after = _idle_and_total()
    busy = 1 - (idle_after - idle) / max(1, total_after - total)
    print(f"Processors busy: {busy:.0%} of {os.cpu_count()}, load {os.getloadavg()[0]:.1f}")


def _idle_and_total() -> tuple[int, int]:
    ticks = [int(field) for field in Path("/proc/stat").read_text().splitlines()[0].split()[1:]]
    return ticks[3] + ticks[4], sum(ticks)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the least value that `share` of the values do not exceed (nearest rank)."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def print_table(title: str, columns: Sequence[str], rows: Sequence[tuple[str, Sequence[str]]]) -> None:
    print(f"\n{title}")
    widths = [max(len(column), *(len(cells[n]) for _, cells in rows)) for n, column in enumerate(columns)]
    first = max(len(name) for name, _ in rows)
    print(" " * first, *(column.rjust(width) for column, width in zip(columns, widths, strict=True)), sep="  ")
    for name, cells in rows:
        print(name.ljust(first), *(cell.rjust(width) for cell, width in zip(cells, widths, strict=True)), sep="  ")


def ratio(ours: Sequence[float], baseline: Sequence[float]) -> str:
    """Return the ratio of the two medians."""
    return f"{median(ours) / median(baseline):.2f}×"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
