"""`kill -9` at a random moment: the message is there, the answer is marked, and at most half a second of it is lost.

A server of this process streams numbered words and notes when each left; a driver process that asked for them is
killed; then its folder is opened anew and compared. The same folders are used again and again, as in life.
`SWITCHBOARD_KILL_ROUNDS=2000 pytest tests/test_kill.py` is the longer run.
"""

import multiprocessing
import os
import random
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Self

import pytest

from core.config import load_config
from core.providers import ProviderForm
from core.types import Attempt, Message, Role, Status
from core.workbench import Workbench
from tests.kill_driver import drive
from tests.running_app import prepare
from tests.servers.base import Reply, Request, Step
from tests.servers.openai_server import OpenAIServer, chunk, sse, stream_reply

ROUNDS = int(os.environ.get("SWITCHBOARD_KILL_ROUNDS", "54"))
SEED = os.environ.get("SWITCHBOARD_KILL_SEED", str(random.randrange(1_000_000)))
FOLDERS = 3  # used at the same time
PACE_S = 0.01
MOST_WORDS = 200  # some answers end before the kill, and some just then
LIFE_S = 1.5  # at most, from the moment the request has come
LOSS_S = 0.5
# A word is noted before it is written to the socket. From there to the app's memory it goes through two processes that
# share two cores with the other drivers and their commits: what the scheduler takes is not in the app's hands. On a
# machine that is busy with something else too, the words themselves come late, and by as much the rest may be late.
TRANSFER_S = 0.1
WAIT_S = 20.0


class Paced(tuple[Step, ...]):
    """The steps of an answer of numbered words; each word is noted just before it is sent."""

    words: list[str]
    sent_s: list[float]
    is_asked: threading.Event

    def __new__(cls, count: int) -> Self:
        made = super().__new__(cls)
        made.words = [f"word{number} " for number in range(count)]
        made.sent_s = []
        made.is_asked = threading.Event()
        return made

    def __iter__(self) -> Iterator[Step]:
        for word in self.words:
            yield PACE_S
            self.sent_s.append(time.monotonic())
            yield sse(chunk({"content": word}))
        yield sse(chunk({}, finish="stop"))
        yield b"data: [DONE]\n\n"

    def __call__(self, request: Request) -> Reply:
        self.is_asked.set()
        return Reply(self, headers=stream_reply().headers)


@dataclass(frozen=True, slots=True)
class Round:
    status: Status
    lost_s: float  # before the kill, when the first word that is missing was sent; 0 when none is missing
    late_s: float  # the most by which a word of the server came late


def test_a_killed_process_loses_at_most_half_a_second_of_an_answer(
    tmp_path: Path, seeded_folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    print(f"seed {SEED}")
    # AppTest leaves the app's script behind as __main__, and every forked process would run that first.
    monkeypatch.setitem(sys.modules, "__main__", ModuleType("__main__"))
    template = shutil.copytree(seeded_folder, tmp_path / "template")
    with OpenAIServer() as server, ThreadPoolExecutor(FOLDERS) as pool:
        models = tuple(f"model-{number}" for number in range(FOLDERS))
        prepare(template, (ProviderForm("Paced", "openai", server.url, requires_key=False), models))

        def kill_again_and_again(model: str) -> list[Round]:
            chance = random.Random(f"{SEED} {model}")
            folder = shutil.copytree(template, tmp_path / model)
            return [kill_once(server, folder, model, number, chance) for number in range(ROUNDS // FOLDERS)]

        rounds = [seen for found in pool.map(kill_again_and_again, models) for seen in found]
    losses = sorted(seen.lost_s for seen in rounds)
    with capsys.disabled():
        print(
            f"\n{len(rounds)} kills, seed {SEED}: {sum(seen.status is Status.DONE for seen in rounds)} answers were "
            f"done, lost at worst {losses[-1] * 1000:.0f} ms, in the middle {losses[len(losses) // 2] * 1000:.0f} ms; "
            f"the machine was late by up to {max(seen.late_s for seen in rounds) * 1000:.0f} ms"
        )
    assert [seen for seen in rounds if seen.lost_s > LOSS_S + TRANSFER_S + seen.late_s] == []


def kill_once(server: OpenAIServer, folder: Path, model: str, number: int, chance: random.Random) -> Round:
    """Kill a driver at a random moment after its request has come, and compare what its folder holds."""
    answer = server.by_model[model] = Paced(chance.randint(1, MOST_WORDS))
    # A template process that has imported everything forks the drivers.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["pytest", "tests.kill_driver"])
    driver = context.Process(target=drive, args=(folder, f"message {number}", model), daemon=True)
    driver.start()
    assert answer.is_asked.wait(WAIT_S), "the driver did not ask"
    time.sleep(chance.uniform(0, LIFE_S))  # no condition to wait for: the moment is what is tested
    killed_s = time.monotonic()
    driver.kill()
    driver.join(WAIT_S)
    sent_s = list(answer.sent_s)

    branch, attempts = reopened(folder)
    asked = [message.text for message in branch if message.role is Role.USER]
    assert asked == [f"message {earlier}" for earlier in range(number + 1)]
    assert [message.role for message in branch] == [Role.USER, Role.ASSISTANT] * (number + 1)
    reply = branch[-1]
    assert [row.status for row in attempts if row.reply_id == reply.id] == [reply.status]
    assert len(attempts) == number + 1
    assert "".join(answer.words[: len(sent_s)]).startswith(reply.text)
    if reply.status is Status.DONE:
        assert reply.text == "".join(answer.words)
    else:
        assert reply.status is Status.INTERRUPTED
    missing = len(reply.text.split())
    assert "".join(answer.words[:missing]) == reply.text, "words come whole"
    return Round(
        reply.status,
        lost_s=killed_s - sent_s[missing] if missing < len(sent_s) else 0.0,
        late_s=max((later - earlier - PACE_S for earlier, later in pairwise(sent_s)), default=0.0),
    )


def reopened(folder: Path) -> tuple[list[Message], list[Attempt]]:
    """Open the folder as the next start does and return its conversation and its log."""
    workbench = Workbench(load_config({"SWITCHBOARD_DATA_DIR": str(folder)}, {}))
    try:
        [conversation] = workbench.store.conversations.recent()
        return workbench.turns.history(conversation), workbench.store.attempts.recent(ROUNDS)
    finally:
        workbench.close()
