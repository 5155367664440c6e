"""Answer a turn whose rows exist: try, try again, try elsewhere, and store how it ended. Runs on the engine's loop."""

import asyncio
import logging
import random
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial

from core.attempts import Learn, Outcome, attempt
from core.engine import Engine
from core.errors import ErrorKind, ProviderError, StorageError
from core.live import LiveTurn
from core.raw import RawBodies
from core.recording import recording
from core.retries import CoolDown, may_try_again, may_try_elsewhere, pause_s
from core.store import Store
from core.store.connection import Cursor
from core.types import Route, Status

logger = logging.getLogger(__name__)
_SAVE_PAUSE_S = 0.2
_SAVE_PAUSE_LIMIT_S = 5.0


class Answering:
    """Owns the asynchronous half of every turn."""

    def __init__(
        self,
        store: Store,
        engine: Engine,
        *,
        learn: Learn,
        retries: int = 2,
        raw: RawBodies | None = None,
        cool_down: CoolDown | None = None,
        dice: Callable[[], float] = random.random,
    ) -> None:
        self._store = store
        self._engine = engine
        self._learn = learn
        self._retries = retries
        self._raw = raw
        self._dice = dice
        self.cool_down = cool_down or CoolDown()

    async def run(self, turn: LiveTurn) -> None:
        """Bring the turn to its end, whatever happens, and store it."""
        outcome = await self._answer(turn)
        row = outcome.attempt
        reply = replace(
            turn.reply,
            text=outcome.text,
            reasoning=outcome.reasoning,
            reasoning_ms=outcome.reasoning_ms,
            status=outcome.status,
            finish_reason=row.finish_reason,
            error_kind=row.error_kind if outcome.status is not Status.STOPPED else None,
            error_message=row.error_message if outcome.status is not Status.STOPPED else None,
            error_detail=outcome.error.detail if outcome.error else None,
            session_id=turn.session_id,
        )
        steps = turn.close_steps()

        def write(cursor: Cursor) -> None:
            self._store.messages.finish(cursor, reply, finished_at=row.finished_at)
            self._store.steps.put(cursor, steps)
            self._store.attempts.add(cursor, row)

        await self._save(turn, write)
        turn.finish(reply)

    async def _answer(self, turn: LiveTurn) -> Outcome:
        """Ask until somebody answers, or nobody is left to ask. Every attempt but the last is logged here.

        Only what failed before anything was visible is tried again: a reader never sees two beginnings.
        """
        number = 0
        failed: dict[str, str] = {}  # provider -> how it failed last
        routes = [turn.route, *turn.fallbacks]
        retries = 0 if turn.request.agent else self._retries  # an agent's program tries again by itself
        for position, route in enumerate(routes):
            if position:
                tried_before = ", ".join(f"{name} ({how})" for name, how in failed.items())
                turn.switch(replace(route, reason=f"tried {tried_before}, answered by {route.provider.name}"))
            for tried in range(1, retries + 2):
                number += 1
                outcome = await self._attempt(turn, number)
                error = outcome.error
                self._note_health(route, error)
                if error is None or outcome.is_visible or outcome.attempt.status is not Status.FAILED:
                    return outcome
                wait_s = None
                if tried <= retries and may_try_again(error.kind):
                    wait_s = pause_s(tried, retry_after_s=error.retry_after_s, dice=self._dice())
                goes_on = wait_s is not None or (position + 1 < len(routes) and may_try_elsewhere(error.kind))
                if not goes_on:
                    return outcome
                failed[route.provider.name] = str(error.http_status or error.kind.value)
                if not await self._wait(turn, outcome, error, wait_s):
                    return self._stopped(turn, outcome)
                if wait_s is None:
                    break
        return outcome

    async def _attempt(self, turn: LiveTurn, number: int) -> Outcome:
        if self._raw is None or not self._raw.is_on:
            return await attempt(turn, self._engine, number=number, learn=self._learn)
        secret = turn.route.secret
        with recording() as noted:
            outcome = await attempt(turn, self._engine, number=number, learn=self._learn)
        row = outcome.attempt
        keep = partial(self._raw.keep, row, noted, secrets=[secret])
        asyncio.get_running_loop().run_in_executor(None, keep)  # the reader does not wait for a disk
        return outcome

    async def _wait(self, turn: LiveTurn, outcome: Outcome, error: ProviderError, wait_s: float | None) -> bool:
        """Log the failed attempt and wait before the next. Returns False when the turn is to end meanwhile."""
        name = turn.route.provider.name
        what = f"{name} failed ({error.http_status or error.kind.value})"
        turn.notify(f"{what}, asking another provider." if wait_s is None else f"{what}, trying again.")
        await self._save(turn, lambda cursor: self._store.attempts.add(cursor, outcome.attempt))
        if not (turn.is_stopping or self._engine.is_closing):
            with suppress(asyncio.CancelledError):
                await self._engine.pause(wait_s or 0)
        return not (turn.is_stopping or self._engine.is_closing)

    def _stopped(self, turn: LiveTurn, outcome: Outcome) -> Outcome:
        """Return the outcome of a turn that was ended between two attempts: the last one keeps its row as it was."""
        return replace(outcome, status=Status.STOPPED if turn.is_stopping else Status.INTERRUPTED)

    def _note_health(self, route: Route, error: ProviderError | None) -> None:
        if error is None:
            self.cool_down.succeeded(route.provider.id)
        elif error.kind is not ErrorKind.INTERNAL:
            self.cool_down.failed(route.provider.id, error.kind, now_s=time.monotonic())

    async def _save(self, turn: LiveTurn, write: Callable[[Cursor], None]) -> None:
        saving = asyncio.ensure_future(self._save_surely(turn, write))
        while not saving.done():
            # Stop comes too late now, and a server that goes down waits: what was answered is stored first.
            with suppress(asyncio.CancelledError):
                await asyncio.wait({saving})
        saving.result()

    async def _save_surely(self, turn: LiveTurn, write: Callable[[Cursor], None]) -> None:
        """Store, again and again while the store refuses: until then the text is in memory only."""
        wait_s = _SAVE_PAUSE_S
        while True:
            try:
                await asyncio.wrap_future(self._store.log.submit(write))
                return
            except StorageError as error:
                if self._engine.is_closing:
                    raise
                if wait_s == _SAVE_PAUSE_S:
                    logger.warning("A reply could not be stored, trying again: %s", error)
                turn.notify(f"This could not be stored yet, trying again. {error.message}")
                await self._engine.pause(wait_s)
                wait_s = min(wait_s * 2, _SAVE_PAUSE_LIMIT_S)
