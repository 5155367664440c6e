"""A workbench over an empty folder, and a scripted provider: a third protocol, made of one runner and one row.

The scripted runner is a fake that fits the seam (`core.runners.Runner`). Nothing in `core` knows of it, which is the
proof that a protocol needs no more than this.
"""

import asyncio
import atexit
import os
import shutil
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import settings

from core.config import Config, load_config
from core.events import Completed, StreamEvent, TextDelta
from core.projects import DEFAULT_PROJECT_ID
from core.providers import ProviderForm
from core.runners import RUNNERS, ProtocolSpec, Timeouts
from core.store import Store
from core.types import AUTOMATIC, ChatRequest, Choice, Message, Model, ModelInfo, Price, Provider, Route, Usage
from core.workbench import Workbench

DEADLINE_S = 10.0

# Half of hypothesis's usual examples keep the suite's time in bounds; a busy machine is no reason to fail.
settings.register_profile("suite", max_examples=50, deadline=None)
settings.load_profile("suite")

# DuckDB's binding counts what is alive when the interpreter has ended, and prints its own types and functions if any
# module still holds it then (seen 2026-11-24: no connection among them). That would stand below pytest's summary.
atexit.register(lambda: os.dup2(os.open(os.devnull, os.O_WRONLY), 2))


def wait_until(claim: Callable[[], object], *, deadline_s: float = DEADLINE_S) -> None:
    """Return as soon as the claim holds; fail when it does not within the deadline."""
    end_s = time.monotonic() + deadline_s
    pause = threading.Event()
    while not claim():
        assert time.monotonic() < end_s, "the condition did not come true in time"
        pause.wait(0.001)


class Gate:
    """Holds a stream where the script has it, until the test opens it or the turn is stopped."""

    def __init__(self) -> None:
        self._is_reached = threading.Event()
        self._opened: Future[None] = Future()

    async def hold(self) -> None:
        self._is_reached.set()
        await asyncio.shield(asyncio.wrap_future(self._opened))

    def reached(self) -> None:
        """Wait until a stream is held here."""
        assert self._is_reached.wait(DEADLINE_S), "no stream came to the gate"

    def open(self) -> None:
        self._opened.set_result(None)


Step = StreamEvent | Gate | BaseException | Callable[[], object]


class Scripted:
    """Plays a script for each request: events are sent, exceptions raised, gates held, functions called."""

    def __init__(self) -> None:
        self.asked: list[tuple[Route, ChatRequest]] = []
        self.ended = 0  # streams that ran to their end or were closed
        self.is_closed = False
        self._scripts: deque[tuple[Step, ...]] = deque()

    def play(self, *steps: Step) -> None:
        """Answer the next request like this; further ones queue up. Without a script the answer is "Hello."."""
        self._scripts.append(steps)

    async def stream(self, route: Route, request: ChatRequest) -> AsyncIterator[StreamEvent]:
        self.asked.append((route, request))
        steps = self._scripts.popleft() if self._scripts else (TextDelta("Hello."), Completed(Usage(3, 2)))
        try:
            for step in steps:
                if isinstance(step, Gate):
                    await step.hold()
                elif isinstance(step, BaseException):
                    raise step
                elif callable(step):
                    step()
                else:
                    yield step
        finally:
            self.ended += 1

    async def models(self, route: Route) -> list[ModelInfo]:
        return [ModelInfo("alpha")]

    async def close(self) -> None:
        self.is_closed = True


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """A failure is final, so that a script is played once; the tests of retries set their own."""
    return load_config({"SWITCHBOARD_DATA_DIR": str(tmp_path / "data"), "SWITCHBOARD_RETRIES": "0"}, {})


@pytest.fixture(scope="session")
def seeded_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder as a first start leaves it. Copying it is four times faster than starting anew."""
    folder = tmp_path_factory.mktemp("seeded") / "data"
    Workbench(load_config({"SWITCHBOARD_DATA_DIR": str(folder)}, {})).close()
    return folder


@pytest.fixture(scope="session")
def empty_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("empty") / "data"
    Store(folder).close()
    return folder


@pytest.fixture
def workbench(config: Config, seeded_folder: Path) -> Iterator[Workbench]:
    """A workbench as after the first start, without any key."""
    shutil.copytree(seeded_folder, config.data_dir)
    workbench = Workbench(config)
    yield workbench
    workbench.close()


@pytest.fixture(scope="module")
def refusing(tmp_path_factory: pytest.TempPathFactory, seeded_folder: Path) -> Iterator[Workbench]:
    """One workbench for a file's tables of refusals, which prove that nothing in it changes; it holds one key."""
    folder = shutil.copytree(seeded_folder, tmp_path_factory.mktemp("refusing") / "data")
    workbench = Workbench(load_config({"SWITCHBOARD_DATA_DIR": str(folder)}, {}))
    workbench.providers.add(ProviderForm("Mine", "openai", "https://mine.example/v1", key="providers-own"))
    yield workbench
    workbench.close()


@pytest.fixture
def store(tmp_path: Path, empty_folder: Path) -> Iterator[Store]:
    """Both files, empty."""
    store = Store(shutil.copytree(empty_folder, tmp_path / "data"))
    yield store
    store.close()


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Scripted:
    """The runner of the protocol "scripted"."""
    return register_scripted(monkeypatch)


def register_scripted(monkeypatch: pytest.MonkeyPatch, load: Callable[[Timeouts], Scripted] | None = None) -> Scripted:
    runner = Scripted()
    monkeypatch.setitem(RUNNERS, "scripted", ProtocolSpec("Scripted", load or (lambda timeouts: runner)))
    return runner


@pytest.fixture
def provider(workbench: Workbench, scripted: Scripted) -> Provider:
    """A usable custom provider of the scripted protocol with the models alpha (default) and beta."""
    return add_scripted(workbench)


def add_scripted(workbench: Workbench, name: str = "Stage", *, key: str = "") -> Provider:
    form = ProviderForm(name, "scripted", "https://stage.example/v1", requires_key=bool(key), key=key)
    provider = workbench.providers.add(form)
    price = Price(input=Decimal(2), output=Decimal(10), source="worked by hand")
    for model_id in ("alpha", "beta"):
        workbench.providers.save_model(Model(provider.id, model_id, model_id.title(), price=price), is_new=True)
    return provider


def send(
    workbench: Workbench, text: str, choice: Provider | Choice = AUTOMATIC, *, conversation_id: str | None = None
) -> str:
    """Send a message in the default project to a provider or by a choice; return the conversation's id."""
    if isinstance(choice, Provider):
        choice = Choice(choice.id)
    return workbench.turns.send(text, choice, conversation_id=conversation_id, project_id=DEFAULT_PROJECT_ID)


def stored(workbench: Workbench, conversation_id: str) -> list[Message]:
    """Return the branch that is shown, as it lies in the store now."""
    conversation = workbench.store.conversations.get(conversation_id)
    assert conversation is not None
    return workbench.turns.history(conversation)


def finished(workbench: Workbench, conversation_id: str) -> Message:
    """Wait for the running turn's end and return the stored reply."""
    wait_until(lambda: workbench.engine.live(conversation_id) is None)
    return stored(workbench, conversation_id)[-1]
