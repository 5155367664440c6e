"""Time to the first text of an agent's turn, next to the bare SDK, and what agents weigh.

A loopback Messages API answers at once, so that what is measured is the program's start and our own part. Cold is the
first turn of a process, which imports the SDK; warm the next ones, each in a new conversation; resumed those that go on
with a session. Both sides take turns, so that other load on the machine meets both.

    python -m benchmarks.agent [turns]
"""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.apps import API_KEY, print_table, ratio, rss_mb, wait_until, watching_load
from core.config import load_config
from core.projects import DEFAULT_PROJECT_ID
from core.providers import ProviderForm
from core.types import Choice, Model
from core.workbench import Workbench
from tests.servers.claude_messages import Reply, serve

TURNS = 8
COLD = 4  # processes of each side
AT_ONCE = 5
MODEL = "claude-sonnet-5-5"


class Bare:
    """The SDK as its documentation shows it, with the same tools and the same quiet environment."""

    def __init__(self, folder: Path, url: str) -> None:
        self._folder = folder
        self._url = url
        self._session_id: str | None = None

    def first_text_s(self, *, is_resumed: bool) -> float:
        return asyncio.run(self._turn(self._session_id if is_resumed else None))

    async def _turn(self, session_id: str | None) -> float:
        began_s = time.monotonic()
        from claude_agent_sdk import ClaudeAgentOptions, ClaudeSDKClient, ResultMessage, StreamEvent

        options = ClaudeAgentOptions(
            tools=["Read", "Glob", "Grep", "Edit", "Write", "Agent"],
            setting_sources=[],
            strict_mcp_config=True,
            include_partial_messages=True,
            model=MODEL,
            resume=session_id,
            cwd=self._folder,
            env={
                "HOME": str(self._folder),
                "CLAUDE_CONFIG_DIR": str(self._folder / "config"),
                "ANTHROPIC_BASE_URL": self._url,
                "ANTHROPIC_API_KEY": API_KEY,
                "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
                "DISABLE_TELEMETRY": "1",
                "DISABLE_AUTOUPDATER": "1",
            },
        )
        first_s = 0.0
        async with ClaudeSDKClient(options) as client:
            await client.query("Hi")
            async for message in client.receive_response():
                match message:
                    case StreamEvent(event={"delta": {"type": "text_delta"}}) if not first_s:
                        first_s = time.monotonic() - began_s
                    case ResultMessage():
                        self._session_id = message.session_id
                    case _:
                        pass
        return first_s


class Ours:
    """A conversation of Switchboard's, from the message to the first text that pages could draw."""

    def __init__(self, folder: Path, url: str, *, at_once: int = 2) -> None:
        variables = {"SWITCHBOARD_DATA_DIR": str(folder / "data"), "SWITCHBOARD_AGENTS_AT_ONCE": str(at_once)}
        self.workbench = Workbench(load_config(variables, {}))
        provider = self.workbench.providers.add(ProviderForm("Loopback", "anthropic", url, key=API_KEY))
        self.workbench.providers.save_model(Model(provider.id, MODEL, MODEL), is_new=True)
        self.workbench.engine.run(self.workbench.engine.runner("anthropic"))  # imported at a start, while nobody waits
        self._choice = Choice(provider.id, MODEL)
        self._conversation_id: str | None = None

    def first_text_s(self, *, is_resumed: bool) -> float:
        began_s = time.monotonic()
        id_ = self.send(self._conversation_id if is_resumed else None)
        self.wait_for_text(id_)
        first_s = time.monotonic() - began_s
        wait_until(lambda: self.workbench.engine.live(id_) is None)
        self._conversation_id = id_
        return first_s

    def send(self, conversation_id: str | None = None) -> str:
        return self.workbench.turns.send(
            "Hi", self._choice, conversation_id=conversation_id, project_id=DEFAULT_PROJECT_ID, is_agent=True
        )

    def wait_for_text(self, conversation_id: str) -> None:
        turn = self.workbench.engine.live(conversation_id)
        version = -1
        while turn is not None:
            look = turn.wait(version, timeout_s=30.0)
            version = look.version
            if look.text or look.is_finished:
                return

    def close(self) -> None:
        self.workbench.close()


@contextmanager
def a_folder() -> Iterator[Path]:
    with TemporaryDirectory(prefix="switchboard-benchmark-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def cold(side: str, url: str) -> None:
    """Print the time of the first turn of this process."""
    with a_folder() as folder:
        if side == "bare":
            print(Bare(folder, url).first_text_s(is_resumed=False))
            return
        ours = Ours(folder, url)
        print(ours.first_text_s(is_resumed=False))
        ours.close()


def cold_ms(side: str, url: str) -> float:
    command = [sys.executable, "-m", "benchmarks.agent", "cold", side, url]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1]) * 1000


def times(url: str, turns: int) -> dict[str, dict[str, list[float]]]:
    found: dict[str, dict[str, list[float]]] = {name: {"bare": [], "ours": []} for name in ("cold", "warm", "resumed")}
    for _ in range(COLD):
        for side in ("bare", "ours"):
            found["cold"][side].append(cold_ms(side, url))
    with a_folder() as folder, a_folder() as other:
        bare, ours = Bare(folder, url), Ours(other, url)
        for client in (bare, ours):
            client.first_text_s(is_resumed=False)
        for _ in range(turns):
            for name in ("warm", "resumed"):
                for side, client in (("bare", bare), ("ours", ours)):
                    seen_s = client.first_text_s(is_resumed=name == "resumed")
                    found[name][side].append(seen_s * 1000)
        ours.close()
    return found


def programs_mb(pid: int) -> float:
    """Return the resident memory of the children of all threads: the engine's starts the programs."""
    children = [path.read_text().split() for path in Path(f"/proc/{pid}/task").glob("*/children")]
    return sum(rss_mb(int(child)) for found in children for child in found)


def weight() -> tuple[float, float, float]:
    """Return the MB of one agent at work, of five, and the seconds until all five have said something."""
    with serve(Reply(blocks=("Working",), holds=True)) as server, a_folder() as folder:
        ours = Ours(folder, server.url, at_once=AT_ONCE)
        pid = os.getpid()
        first = ours.send()
        ours.wait_for_text(first)
        ours.workbench.turns.stop(first)
        wait_until(lambda: ours.workbench.engine.live(first) is None)
        began_s = time.monotonic()
        ids = [ours.send()]
        ours.wait_for_text(ids[0])
        one = programs_mb(pid)
        ids += [ours.send() for _ in range(AT_ONCE - 1)]
        for id_ in ids:
            ours.wait_for_text(id_)
        took_s = time.monotonic() - began_s
        all_of_them = programs_mb(pid)
        ours.close()
    return one, all_of_them, took_s


def main(turns: int = TURNS) -> None:
    with watching_load(), serve(Reply(blocks=("Hello.",))) as server:
        found = times(server.url, turns)
        one, all_of_them, took_s = weight()
    print_table(
        f"First text of an agent's turn, ms (median of {turns}; cold of {COLD})",
        ("bare SDK", "Switchboard", "ratio"),
        [
            (
                name,
                [f"{median(sides['bare']):.0f}", f"{median(sides['ours']):.0f}", ratio(sides["ours"], sides["bare"])],
            )
            for name, sides in found.items()
        ],
    )
    print(f"\nMemory of one agent: {one:.0f} MB; of {AT_ONCE} at once: {all_of_them:.0f} MB")
    print(f"{AT_ONCE} at once, until the last has said something: {took_s:.1f} s")


if __name__ == "__main__":
    if sys.argv[1:2] == ["cold"]:
        cold(*sys.argv[2:])
    else:
        main(*map(int, sys.argv[1:]))
