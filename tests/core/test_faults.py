"""Everything a turn asks of the store and of its provider fails once, at every place: a turn is whole, or it is not."""

import asyncio
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import Enum, auto
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pytest

import core.answering
import core.engine
from core.config import load_config
from core.errors import ErrorKind, ProviderError, StorageError, SwitchboardError
from core.events import Completed, FlagLearned, Notice, ReasoningDelta, TextConfirmed, TextDelta, UsageReport
from core.interrupted import mark_interrupted
from core.live import LiveTurn
from core.projects import DEFAULT_PROJECT_ID
from core.store import Store
from core.store.connection import Cursor, Database
from core.types import (
    AUTOMATIC,
    Attempt,
    Choice,
    Chunk,
    Conversation,
    Message,
    Provider,
    ProviderFlag,
    Role,
    Status,
    Usage,
)
from core.workbench import Workbench
from tests.conftest import Gate, Scripted, Step, finished, send, stored, wait_until
from tests.core.test_usage import make_attempt, write

DONE = Completed(Usage(10, 5))
LAST = {Status.DONE, Status.STOPPED, Status.INTERRUPTED, Status.FAILED}


class Fault(Enum):
    REFUSED = auto()  # an ordinary error before the statement has done anything
    FATAL = auto()  # the same, and the whole instance is unusable from now on: a full disk
    KEPT = auto()  # a fatal error after the statement was carried out: its sender cannot know that


@dataclass
class Faults:
    """Fails one statement of one file, counted from the moment it is set."""

    file: str = ""
    number: int = 0
    fault: Fault = Fault.REFUSED
    count: int = 0
    failed: list[str] = field(default_factory=list)
    _own: threading.local = field(default_factory=threading.local)

    def set(self, file: str, number: int, fault: Fault) -> None:
        self.file, self.number, self.fault, self.count = file, number, fault, 0
        self.failed.clear()

    def clear(self) -> None:
        self.file = ""

    @contextmanager
    def looking(self) -> Iterator[None]:
        """What this thread reads meanwhile is the test's, not the turn's."""
        self._own.is_looking = True
        try:
            yield
        finally:
            self._own.is_looking = False

    def execute(self, file: str, cursor: Cursor, *arguments: Any) -> Any:
        if file == self.file and not getattr(self._own, "is_looking", False):
            self.count += 1
            if self.count == self.number:
                self.failed.append(str(arguments[0]))
                if self.fault is Fault.KEPT:
                    cursor.execute(*arguments)
                if self.fault is Fault.REFUSED:
                    raise duckdb.IOException("the fault of the test")
                raise duckdb.FatalException("the fault of the test")
        return cursor.execute(*arguments)


class FaultyCursor:
    def __init__(self, faults: Faults, file: str, cursor: Cursor) -> None:
        self._faults, self._file, self._cursor = faults, file, cursor

    def execute(self, *arguments: Any) -> Any:
        return self._faults.execute(self._file, self._cursor, *arguments)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)


@pytest.fixture
def faults(monkeypatch: pytest.MonkeyPatch) -> Faults:
    """Stands between every statement and both files. What is tried again is tried soon."""
    faults = Faults()
    real = Database._cursor

    @contextmanager
    def faulty(database: Database) -> Iterator[FaultyCursor]:
        with real(database) as cursor:
            yield FaultyCursor(faults, database.path.stem, cursor)

    monkeypatch.setattr(Database, "_cursor", faulty)
    monkeypatch.setattr(core.engine, "CHECKPOINT_S", 0.01)
    monkeypatch.setattr(core.answering, "_SAVE_PAUSE_S", 0.01)
    return faults


def tables(workbench: Workbench) -> list[list[Any]]:
    """Return everything the log's file holds."""
    with workbench.store.log.read() as cursor:
        return [
            cursor.execute(f"SELECT * FROM {table} ORDER BY ALL").fetchall()
            for table in ("conversations", "messages", "reply_chunks", "attempts")
        ]


def attempts_of(workbench: Workbench, reply: Message) -> list[Attempt]:
    return workbench.store.attempts.of_replies([reply.id]).get(reply.id, [])


def check_end(workbench: Workbench, turn: LiveTurn, reply: Message) -> None:
    """What holds of every turn that has ended, however it did."""
    assert reply.status in LAST
    assert [row.status for row in attempts_of(workbench, reply)] == [reply.status]
    look = turn.look()
    assert look.is_finished
    assert (look.text, look.reasoning) == (reply.text, reply.reasoning)
    assert turn.reply == reply
    assert tables(workbench)[2] == [], "no chunk outlives its reply"


def live(workbench: Workbench, conversation_id: str) -> LiveTurn:
    turn = workbench.engine.live(conversation_id)
    assert turn is not None
    return turn


def has_reply(workbench: Workbench, conversation_id: str, text: str) -> bool:
    return stored(workbench, conversation_id)[-1].text == text


def is_quiet(workbench: Workbench, conversation_id: str) -> bool:
    return workbench.engine.live(conversation_id) is None


Start = Callable[[Workbench, Provider, str], str]


def begin(workbench: Workbench, provider: Provider, known: str) -> str:
    return send(workbench, "Why?", provider)


def go_on(workbench: Workbench, provider: Provider, known: str) -> str:
    return send(workbench, "Why?", provider, conversation_id=known)


def regenerate(workbench: Workbench, provider: Provider, known: str) -> str:
    workbench.turns.regenerate(stored(workbench, known)[-1], Choice(provider.id))
    return known


@pytest.mark.parametrize("fault", Fault, ids=lambda fault: fault.name.lower())
@pytest.mark.parametrize(("start", "file"), [(begin, "log"), (go_on, "log"), (regenerate, "log"), (go_on, "settings")])
def test_a_turn_is_whole_or_refused_whichever_statement_fails(
    workbench: Workbench, scripted: Scripted, provider: Provider, faults: Faults, start: Start, file: str, fault: Fault
) -> None:
    known = send(workbench, "Hi", provider)
    finished(workbench, known)
    number = refusals = 0
    while not number or faults.failed:
        number += 1
        before = tables(workbench)
        wanted = stored(workbench, known)[-2].text if start is regenerate else "Why?"
        gate = Gate()
        flag = FlagLearned(ProviderFlag.NO_STREAM_OPTIONS)
        scripted.play(flag, ReasoningDelta("hm"), TextDelta("Half"), gate, TextDelta(" and half."), DONE)
        faults.set(file, number, fault)
        try:
            id_ = start(workbench, provider, known)
        except SwitchboardError as error:
            faults.clear()
            assert f"{file}.duckdb could not be" in error.message, faults.failed
            assert tables(workbench) == before, faults.failed
            assert workbench.engine.live(known) is None
            gate.open()  # the next turn plays what this one did not
            refusals += 1
        else:
            gate.reached()
            turn = live(workbench, id_)
            with faults.looking():
                wait_until(partial(has_reply, workbench, id_, "Half"))
            gate.open()
            wait_until(partial(is_quiet, workbench, id_))
            faults.clear()
            asked, reply = stored(workbench, id_)[-2:]
            assert (asked.role, asked.text) == (Role.USER, wanted), faults.failed
            assert (reply.text, reply.reasoning, reply.status) == ("Half and half.", "hm", Status.DONE), faults.failed
            check_end(workbench, turn, reply)
            added = [len(after) - len(rows) for after, rows in zip(tables(workbench), before, strict=True)]
            assert added == [start is begin, 1 if start is regenerate else 2, 0, 1], faults.failed
        assert finished(workbench, send(workbench, "Next", provider, conversation_id=known)).status is Status.DONE
    assert number > 5
    assert refusals


EVENTS: tuple[Step, ...] = (
    UsageReport(Usage(10, 1)),
    Notice("waiting"),
    ReasoningDelta("hm"),
    TextDelta("drfat"),
    TextConfirmed("draft"),
    TextDelta(" and more."),
    DONE,
)


def unreached() -> BaseException:
    return ProviderError(ErrorKind.NETWORK, "Stage could not be reached.")


def broken_off() -> BaseException:
    return ProviderError(ErrorKind.INTERRUPTED, "Stage broke off.")


def bug() -> BaseException:
    return ZeroDivisionError("a bug of the runner")


def leaked() -> BaseException:
    return asyncio.CancelledError()  # what a task group inside an SDK may let out


@pytest.mark.parametrize(
    ("fail", "status"),
    [
        (unreached, Status.FAILED),
        (broken_off, Status.INTERRUPTED),
        (bug, Status.FAILED),
        (leaked, Status.INTERRUPTED),
        (None, Status.STOPPED),
    ],
    ids=["unreached", "broken off", "bug", "leaked cancel", "stop"],
)
def test_a_turn_is_whole_whichever_event_of_its_stream_fails(
    workbench: Workbench,
    scripted: Scripted,
    provider: Provider,
    fail: Callable[[], BaseException] | None,
    status: Status,
) -> None:
    known = send(workbench, "Hi", provider)
    finished(workbench, known)
    texts = ["", "", "", "", "drfat", "draft", "draft and more."]
    for number, text in enumerate(texts):
        gate = Gate()
        stop = partial(workbench.turns.stop, known)
        failing: tuple[Step, ...] = (fail(),) if fail else (stop, Gate())
        scripted.play(gate, *EVENTS[:number], *failing)
        before = tables(workbench)
        send(workbench, "Why?", provider, conversation_id=known)
        gate.reached()
        turn = live(workbench, known)
        gate.open()
        wait_until(partial(is_quiet, workbench, known))
        asked, reply = stored(workbench, known)[-2:]
        assert (asked.text, reply.parent_id, reply.status, reply.text) == ("Why?", asked.id, status, text)
        assert reply.reasoning == ("hm" if number > 2 else "")
        check_end(workbench, turn, reply)
        added = [len(after) - len(rows) for after, rows in zip(tables(workbench), before, strict=True)]
        assert added == [0, 2, 0, 1]
        assert finished(workbench, send(workbench, "Next", provider, conversation_id=known)).status is Status.DONE


def test_what_a_commit_that_seemed_to_fail_kept_is_not_read_twice(
    workbench: Workbench, scripted: Scripted, provider: Provider, faults: Faults
) -> None:
    """Growing text is what a killed process leaves behind: it must be right at every moment, not at the end only."""
    first, second = Gate(), Gate()
    scripted.play(first, TextDelta("One"), second, TextDelta(" two"), DONE)
    id_ = send(workbench, "Hi", provider)
    first.reached()
    faults.set("log", 3, Fault.KEPT)  # BEGIN, INSERT, COMMIT
    first.open()
    wait_until(lambda: faults.failed)
    with faults.looking():
        wait_until(partial(has_reply, workbench, id_, "One"))
    assert faults.failed == ["COMMIT"]
    second.open()
    assert finished(workbench, id_).text == "One two"


@contextmanager
def reading(store: Store, seen: list[object]) -> Iterator[None]:
    """Keep a cursor of the log at work while the block begins; what it read is in `seen` after it."""
    is_at_work = threading.Event()

    def work() -> None:
        try:
            with store.log.read() as cursor:
                is_at_work.set()
                seen.extend(
                    cursor.execute("SELECT max(a.range * b.range) FROM range(40000) a, range(5000) b").fetchall()
                )
        except StorageError as error:
            seen.append(error.message)

    worker = threading.Thread(target=work)
    worker.start()
    assert is_at_work.wait(10)
    yield
    worker.join(10)


def test_a_file_that_is_opened_anew_waits_for_the_cursors_that_are_at_work(store: Store, faults: Faults) -> None:
    seen: list[object] = []
    faults.set("log", 2, Fault.FATAL)
    with reading(store, seen):
        wait_until(lambda: faults.count == 1)
        with pytest.raises(StorageError, match="could not be read"):
            store.conversations.recent()
        assert store.conversations.recent() == []
    assert seen == [(39_999 * 4_999,)]


def test_a_store_that_closes_waits_for_the_cursors_that_are_at_work(store: Store, faults: Faults) -> None:
    seen: list[object] = []
    faults.set("log", 0, Fault.REFUSED)
    with reading(store, seen):
        wait_until(lambda: faults.count == 1)
        store.close()
    assert seen == [(39_999 * 4_999,)]


def test_a_provider_deleted_between_the_two_files_is_still_the_one_that_answers(
    workbench: Workbench, scripted: Scripted, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Settings is read first; what happens to it before the log is written belongs to the next message."""
    write = workbench.store.log.write

    def late(change: Callable[[Cursor], Any]) -> Any:
        workbench.providers.delete(provider)
        monkeypatch.undo()
        return write(change)

    id_ = send(workbench, "Hi", provider)
    finished(workbench, id_)
    with monkeypatch.context() as patch:
        patch.setattr(workbench.store.log, "write", late)
        send(workbench, "Why?", provider, conversation_id=id_)
    reply = finished(workbench, id_)
    assert (reply.status, reply.provider_name) == (Status.DONE, "Stage")
    [row] = attempts_of(workbench, reply)
    assert (row.provider_id, row.provider_name, row.model_requested) == (provider.id, "Stage", "alpha")
    with pytest.raises(SwitchboardError, match="no longer exists"):
        send(workbench, "Next", provider, conversation_id=id_)


def leave_behind(workbench: Workbench) -> str:
    """Write what a killed process leaves: a message and a reply that streams, with a chunk."""
    now = datetime.now(UTC)
    conversation = Conversation("c", DEFAULT_PROJECT_ID, "Hi", AUTOMATIC, "reply", now, now)
    asked = Message("asked", "c", Role.USER, "Hi", Status.DONE, now, 1)
    reply = replace(
        asked,
        id="reply",
        role=Role.ASSISTANT,
        text="",
        status=Status.STREAMING,
        sequence=2,
        parent_id="asked",
        provider_id="gone",  # deleted since: its rows are in the other file
        provider_name="Gone",
        model_id="m",
        model_name="M",
    )

    def write(cursor: Cursor) -> None:
        workbench.store.conversations.add(cursor, conversation)
        workbench.store.messages.add(cursor, asked)
        workbench.store.messages.add(cursor, reply, process="dead")
        workbench.store.messages.add_chunks(cursor, [Chunk("reply", 1, "Half", "hm")])

    workbench.store.log.write(write)
    return conversation.id


def test_a_turn_that_was_killed_while_it_was_tried_again_is_one_turn(workbench: Workbench) -> None:
    id_ = leave_behind(workbench)
    earlier = make_attempt(datetime.now(UTC), turn_id="turn", reply_id="reply", status=Status.FAILED)
    write(workbench.store, [earlier])
    assert mark_interrupted(workbench.store) == 1
    first, second = attempts_of(workbench, stored(workbench, id_)[-1])
    assert (first.attempt_number, second.attempt_number) == (1, 2)
    assert second.turn_id == "turn"
    assert second.started_at == first.finished_at


@pytest.mark.parametrize("fault", [Fault.REFUSED, Fault.KEPT], ids=["refused", "kept"])
@pytest.mark.parametrize("file", ["settings", "log"])
def test_a_start_that_fails_at_any_statement_leaves_the_next_one_its_work(
    tmp_path: Path, seeded_folder: Path, faults: Faults, file: str, fault: Fault
) -> None:
    folder = shutil.copytree(seeded_folder, tmp_path / "data")
    config = load_config({"SWITCHBOARD_DATA_DIR": str(folder)}, {})
    first = Workbench(config)
    id_ = leave_behind(first)
    first.close()
    left = shutil.copytree(folder, tmp_path / "left")
    number = 0
    while not number or faults.failed:
        number += 1
        shutil.copytree(left, folder, dirs_exist_ok=True)
        faults.set(file, number, fault)
        try:
            Workbench(config).close()
        except StorageError:
            assert faults.failed
        faults.clear()
        again = Workbench(config)
        reply = stored(again, id_)[-1]
        assert (reply.status, reply.text, reply.reasoning) == (Status.INTERRUPTED, "Half", "hm"), faults.failed
        [row] = attempts_of(again, reply)
        assert (row.status, row.provider_name, row.cost_usd) == (Status.INTERRUPTED, "Gone", None)
        assert again.engine.running() == []
        again.close()
    assert number > 5
