"""Twenty and a hundred paced answers at once: the gaps in which their text arrives, against the bare SDK.

A loopback provider in another process sends a word every 50 ms to each. Ours run through a whole Workbench: routes,
rows, checkpoints, log; a watcher for each waits for its live reply as a page does. The baseline reads the same streams
with the openai SDK on one loop. Gaps are between two looks that brought something new, CPU is this process's own.

    python -m benchmarks.concurrency [words]
"""

import asyncio
import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory

import openai

from benchmarks.apps import API_KEY, MODEL, add_provider, percentile, print_table, rss_mb, watching_load
from core.config import load_config
from core.projects import DEFAULT_PROJECT_ID
from core.types import AUTOMATIC, Status
from core.workbench import Workbench
from tests.servers.openai_server import OpenAIServer

PACE_S = 0.05
WORDS = 100
AT_ONCE = (20, 100)


def _serve(pipe: Connection) -> None:
    with OpenAIServer(pace_s=PACE_S) as server:
        pipe.send(server.url)
        pipe.recv()


@contextmanager
def provider() -> Iterator[str]:
    """Give the URL of a provider in a process of its own, so that it shares no interpreter with what is measured."""
    ours, its = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(its,), daemon=True)
    process.start()
    yield str(ours.recv())
    ours.send("end")
    process.join(10)


def through_workbench(url: str, count: int, words: int) -> tuple[list[float], float, float]:
    """Return the gaps (s), the CPU seconds and the wall seconds of `count` answers through a Workbench."""
    gaps: list[float] = []
    with TemporaryDirectory() as folder:
        data_dir = Path(folder) / "data"
        add_provider(data_dir, url)
        workbench = Workbench(load_config({"SWITCHBOARD_DATA_DIR": str(data_dir)}, {}))
        try:
            _ask(workbench, 1, 3, [])  # imports and the first connection are not counted
            began_s, began_cpu_s = time.monotonic(), time.process_time()
            _ask(workbench, count, words, gaps)
            took_s, cpu_s = time.monotonic() - began_s, time.process_time() - began_cpu_s
            done = [row for row in workbench.store.attempts.recent(count) if row.status is Status.DONE]
            assert len(done) == count, f"{len(done)} of {count} answers were whole"
        finally:
            workbench.close()
    return gaps, cpu_s, took_s


def _ask(workbench: Workbench, count: int, words: int, gaps: list[float]) -> None:
    text = " ".join(f"word{number}" for number in range(words))
    send = workbench.turns.send
    ids = [send(text, AUTOMATIC, conversation_id=None, project_id=DEFAULT_PROJECT_ID) for _ in range(count)]
    watchers = [threading.Thread(target=_watch, args=(workbench, id_, gaps)) for id_ in ids]
    for watcher in watchers:
        watcher.start()
    for watcher in watchers:
        watcher.join()


def _watch(workbench: Workbench, conversation_id: str, gaps: list[float]) -> None:
    turn = workbench.engine.live(conversation_id)
    if turn is None:
        return
    length, version, last_s = 0, -1, 0.0
    while not (look := turn.wait(version, timeout_s=1.0)).is_finished:
        version = look.version
        if len(look.text) > length:
            now_s = time.monotonic()
            if length:
                gaps.append(now_s - last_s)
            length, last_s = len(look.text), now_s


def through_sdk(url: str, count: int, words: int) -> tuple[list[float], float, float]:
    """Return the same of the bare SDK."""
    gaps: list[float] = []
    text = " ".join(f"word{number}" for number in range(words))

    async def read(client: openai.AsyncOpenAI) -> None:
        last_s = 0.0
        stream = await client.chat.completions.create(
            model=MODEL, messages=[{"role": "user", "content": text}], stream=True
        )
        async for part in stream:
            if part.choices and part.choices[0].delta.content:
                now_s = time.monotonic()
                if last_s:
                    gaps.append(now_s - last_s)
                last_s = now_s

    async def all_of_them() -> None:
        async with openai.AsyncOpenAI(base_url=url, api_key=API_KEY, max_retries=0) as client:
            await asyncio.gather(*(read(client) for _ in range(count)))

    began_s, began_cpu_s = time.monotonic(), time.process_time()
    asyncio.run(all_of_them())
    return gaps, time.process_time() - began_cpu_s, time.monotonic() - began_s


def main(words: int = WORDS) -> None:
    rows = []
    with watching_load(), provider() as url:
        for count in AT_ONCE:
            for name, measure in (("Switchboard", through_workbench), ("bare SDK", through_sdk)):
                gaps, cpu_s, took_s = measure(url, count, words)
                figures = [percentile(gaps, 0.5) * 1000, percentile(gaps, 0.99) * 1000, max(gaps) * 1000]
                memory = rss_mb(os.getpid())
                cells = [f"{value:.0f}" for value in figures] + [f"{cpu_s:.1f}", f"{took_s:.1f}", f"{memory:.0f}"]
                rows.append((f"{name}, {count}", cells))
    print_table(
        f"{words} words, one each {PACE_S * 1000:.0f} ms",
        ("gap p50 ms", "gap p99 ms", "longest ms", "CPU s", "wall s", "process MB"),
        rows,
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
