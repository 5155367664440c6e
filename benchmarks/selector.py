"""Time to open and to filter a list of many models: our selector against st.selectbox with the same rows.

The clock starts at the browser's own event, a press of the mouse or an input, and stops behind the first frame in which
the row that is waited for can be seen. Both take turns, so that other load on the machine meets both.

    python -m benchmarks.selector [models] [rounds]
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Literal

from playwright.sync_api import Locator, Page

from benchmarks.apps import API_KEY, DEADLINE_S, App, chromium, evaluate, percentile, print_table, ratio, running
from core.config import load_config
from core.providers import ProviderForm
from core.store.connection import Cursor
from core.types import Model
from core.workbench import Workbench
from tests.running_app import RunningApp

MODELS = 500
ROUNDS = 15
SELECTBOX = """
import streamlit as st
st.space({space})
st.selectbox("Model", [f"Model {{number:04}} · vendor/model-{{number:04}}" for number in range({models})])
"""
# A frame has been painted when the task that its callback posts runs.
WATCH = """([event, words]) => {
  const isSeen = (root) => [...root.querySelectorAll("[role=option]")].some((option) =>
    option.checkVisibility() && option.textContent.includes(words));
  const hosts = [...document.querySelectorAll("[data-testid=stBidiComponentIsolated]")].map((host) => host.shadowRoot);
  window.tookMs = new Promise((resolve) => document.addEventListener(event, () => {
    const start = performance.now();
    const look = () => {
      const isThere = [document, ...hosts].some((root) => root && isSeen(root));
      const next = new MessageChannel();
      next.port1.onmessage = () => isThere ? resolve(performance.now() - start) : requestAnimationFrame(look);
      next.port2.postMessage(null);
    };
    requestAnimationFrame(look);
  }, {capture: true, once: true}));
}"""


@contextmanager
def switchboard(models: int) -> Iterator[str]:
    """Run the app over one provider with this many models and give its address."""
    with TemporaryDirectory(prefix="switchboard-benchmark-") as folder:
        data_dir = Path(folder) / "data"
        workbench = Workbench(load_config({"SWITCHBOARD_DATA_DIR": str(data_dir)}, {}))
        try:
            farm = workbench.providers.add(ProviderForm("Farm", "openai", "http://127.0.0.1:9/v1", key=API_KEY))

            def write(cursor: Cursor) -> None:
                for number in range(models):
                    model = Model(farm.id, f"vendor/model-{number:04}", f"Model {number:04}")
                    workbench.store.models.add(cursor, model)

            workbench.store.settings.write(write)
        finally:
            workbench.close()
        with RunningApp(data_dir) as app:
            yield app.url


@contextmanager
def selectbox(models: int) -> Iterator[str]:
    with TemporaryDirectory(prefix="switchboard-benchmark-") as folder:
        script = Path(folder) / "selectbox.py"
        script.write_text(SELECTBOX.format(models=models, space=400), encoding="utf-8")
        with running(App("st.selectbox", script, ""), provider_url=None) as server:
            server.wait_for_port()
            yield server.url


def took_ms(page: Page, event: Literal["pointerdown", "input"], words: str, target: Locator, typed: str = "") -> float:
    """Press on the target, or type into it, and return the time until an option with these words can be seen."""
    page.evaluate(WATCH, [event, words])
    if event == "input":
        target.fill(typed)
    else:
        target.click()
    return evaluate(page, "window.tookMs")


def measure(page: Page, opener: Locator, number: int) -> tuple[float, float]:
    """Open the list, filter it down to one model, close it; return both times."""
    opened = took_ms(page, "pointerdown", "Model 0000", opener)
    field = page.get_by_role("combobox")
    filtered = took_ms(page, "input", f"Model {number:04}", field, f"model-{number:04}")
    page.keyboard.press("Escape")
    page.get_by_role("listbox").wait_for(state="hidden")
    return opened, filtered


def main(models: int = MODELS, rounds: int = ROUNDS) -> None:
    found: dict[str, list[tuple[float, float]]] = {"our selector": [], "st.selectbox": []}
    with switchboard(models) as ours, selectbox(models) as theirs, chromium() as browser:
        pages = {name: browser.new_page() for name in found}
        for (name, page), url in zip(pages.items(), (ours, theirs), strict=True):
            page.set_default_timeout(DEADLINE_S * 1000)
            page.goto(url)
            page.get_by_role("combobox" if name == "st.selectbox" else "button", name="Model").wait_for()
        first: dict[str, tuple[float, float]] = {}
        for turn in range(rounds + 1):
            for name, page in pages.items():
                page.bring_to_front()
                role: Literal["combobox", "button"] = "combobox" if name == "st.selectbox" else "button"
                times = measure(page, page.get_by_role(role, name="Model"), models - 1 - turn)
                if turn:
                    found[name].append(times)
                else:
                    first[name] = times
    for column, title in enumerate(("Open", "Filter")):
        print_table(
            f"{title} {models} models, ms ({rounds} rounds)",
            ("first", "median", "p95"),
            [
                (name, [f"{ms:.0f}" for ms in (first[name][column], median(values), percentile(values, 0.95))])
                for name, times in found.items()
                for values in [[time[column] for time in times]]
            ],
        )
        ours_ms, theirs_ms = ([time[column] for time in times] for times in found.values())
        print(f"our selector / st.selectbox: {ratio(ours_ms, theirs_ms)}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
