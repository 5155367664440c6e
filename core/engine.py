"""The background loop that owns running turns: one daemon thread, one asyncio loop, one registry for the process."""

import asyncio
import logging
import threading
import time
from collections.abc import Coroutine
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, TypeVar

from core.errors import ErrorKind, ProviderError, StorageError
from core.live import LiveTurn
from core.runners import RUNNERS, Runner, Timeouts
from core.store import Store
from core.store.connection import Cursor

T = TypeVar("T")
logger = logging.getLogger(__name__)

# From one checkpoint's beginning to the next one's. A killed process may lose half a second of text, and what a commit
# takes has to fit in as well: 0.2 s on a machine that others load (measured 2026-11-24).
CHECKPOINT_S = 0.3
# An SDK costs a third to two thirds of a second of the processor that the first page is being drawn with.
WARM_AFTER_S = 2.0


class Engine:
    """Everything asynchronous runs here. Its methods are called from other threads unless they are coroutines."""

    def __init__(self, store: Store, timeouts: Timeouts) -> None:
        self.store = store
        self.timeouts = timeouts
        self._loop = asyncio.new_event_loop()
        self._runners: dict[str, asyncio.Future[Runner]] = {}
        self._turns: dict[str, LiveTurn] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._revisions: dict[str, int] = {}
        self._lock = threading.Lock()
        self._closing = asyncio.Event()
        self._is_ending = False  # a second stop would end the loop while it still waits for its threads
        self._thread = threading.Thread(target=self._run_loop, name="switchboard-engine", daemon=True)
        self._thread.start()
        self._checkpoints = asyncio.run_coroutine_threadsafe(self._checkpoint_forever(), self._loop)

    def start(self, turn: LiveTurn, work: Coroutine[Any, Any, None]) -> None:
        """Take over a turn whose rows exist; `work` finishes it whatever happens."""
        conversation_id = turn.reply.conversation_id
        with self._lock:
            self._turns[conversation_id] = turn
        self._bump(conversation_id)
        self._loop.call_soon_threadsafe(self._spawn, turn, work)

    def live(self, conversation_id: str) -> LiveTurn | None:
        """Return the conversation's running turn."""
        with self._lock:
            return self._turns.get(conversation_id)

    def running(self) -> list[LiveTurn]:
        with self._lock:
            return list(self._turns.values())

    def stop(self, conversation_id: str) -> None:
        """End the running turn: its text stays, the provider's connection is closed. Asking twice changes nothing."""
        turn = self.live(conversation_id)
        if turn and not turn.is_stopping:
            turn.is_stopping = True
            self._loop.call_soon_threadsafe(self._cancel, turn)

    def revision(self, conversation_id: str | None) -> int:
        """Return a number that grows whenever the conversation changes; without one, whenever any does. No SQL."""
        with self._lock:
            return self._revisions.get(conversation_id or "", 0)

    def changed(self, conversation_id: str) -> None:
        """Tell open pages that the conversation is not what they drew."""
        self._bump(conversation_id)

    def submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Run a coroutine on the loop without waiting: for a page whose reader may cancel it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def run(self, work: Coroutine[Any, Any, T], *, timeout_s: float | None = None) -> T:
        """Run a coroutine on the loop and wait for it: for a page that asks a provider something now."""
        future = self.submit(work)
        try:
            return future.result(timeout_s)
        except BaseException:
            future.cancel()
            raise

    async def runner(self, protocol: str) -> Runner:
        """Return the protocol's runner, made once. Its SDK is imported in a thread: the loop goes on turning."""
        made = self._runners.get(protocol)
        if made is None or (made.done() and made.exception()):  # what could not be imported is tried again
            if protocol not in RUNNERS:
                raise ProviderError(ErrorKind.BAD_REQUEST, f"There is no protocol {protocol!r} in this version.")
            made = asyncio.ensure_future(asyncio.to_thread(RUNNERS[protocol].load, self.timeouts))
            self._runners[protocol] = made
        return await asyncio.shield(made)  # one turn's stop must not take the runner from the others

    @property
    def is_closing(self) -> bool:
        return self._closing.is_set()

    async def pause(self, seconds: float) -> None:
        """Sleep, but not beyond the moment the engine is asked to close."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._closing.wait(), seconds)

    def warm(self, protocols: set[str]) -> None:
        """Import what these protocols need, one after the other, once the first page has had its time."""
        asyncio.run_coroutine_threadsafe(self._warm(sorted(protocols & set(RUNNERS))), self._loop)

    async def _warm(self, protocols: list[str]) -> None:
        await self.pause(WARM_AFTER_S)
        for protocol in protocols:
            if not self.is_closing:
                await self.runner(protocol)

    def close(self, *, timeout_s: float = 10.0) -> None:
        """Stop all turns as interrupted, with what they have, then the loop. Who asks second waits for the first."""
        with self._lock:
            is_first, self._is_ending = not self._is_ending, True
        if not is_first:
            self._thread.join(timeout_s)
            return
        try:
            asyncio.run_coroutine_threadsafe(self._shut_down(), self._loop).result(timeout_s)
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(timeout_s)

    def _run_loop(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()

    def _spawn(self, turn: LiveTurn, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks[turn.turn_id] = task
        task.add_done_callback(lambda done: self._ended(turn, done))

    def _ended(self, turn: LiveTurn, task: asyncio.Task[None]) -> None:
        self._tasks.pop(turn.turn_id, None)
        conversation_id = turn.reply.conversation_id
        with self._lock:
            # The store has known for a moment that this one ended: the next may have begun already.
            if self._turns.get(conversation_id) is turn:
                del self._turns[conversation_id]
        self._bump(conversation_id)
        if not task.cancelled() and (error := task.exception()):
            logger.error("A turn ended without being stored", exc_info=error)

    def _cancel(self, turn: LiveTurn) -> None:
        if task := self._tasks.get(turn.turn_id):
            # Not at once: a task cancelled before its first step never runs, and its reply would stream for ever.
            self._loop.call_soon(task.cancel)

    def _bump(self, conversation_id: str) -> None:
        with self._lock:
            for name in (conversation_id, ""):
                self._revisions[name] = self._revisions.get(name, 0) + 1

    async def _checkpoint_forever(self) -> None:
        is_failing = False
        pause_s = CHECKPOINT_S
        while True:
            await asyncio.sleep(pause_s)
            began_s = time.monotonic()
            try:
                await self._checkpoint()
            except StorageError as error:
                # The next round brings it again, and the end of the turn all of it.
                if not is_failing:
                    logger.warning("Running replies could not be written, trying again: %s", error)
                is_failing = True
            else:
                is_failing = False
            pause_s = max(began_s + CHECKPOINT_S - time.monotonic(), 0.0)

    async def _checkpoint(self) -> None:
        turns = self.running()
        found = [(turn, chunk) for turn in turns if (chunk := turn.unwritten())]
        taken = [(turn, steps) for turn in turns if (steps := turn.unwritten_steps())]
        if not found and not taken:
            return

        def write(cursor: Cursor) -> None:
            self.store.messages.add_chunks(cursor, [chunk for _, chunk in found])
            for _, steps in taken:
                self.store.steps.put(cursor, steps)

        try:
            await asyncio.wrap_future(self.store.log.submit(write))
        except StorageError:
            for turn, chunk in found:
                turn.mark_doubtful(chunk)
            for turn, steps in taken:
                turn.keep_steps(steps)
            raise
        for turn, chunk in found:
            turn.mark_written(chunk)

    async def _shut_down(self) -> None:
        self._checkpoints.cancel()
        self._closing.set()
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for runner in await asyncio.gather(*self._runners.values(), return_exceptions=True):
            if not isinstance(runner, BaseException):
                await runner.close()
