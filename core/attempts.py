"""One request to one provider, watched: its time, its tokens, its price and how it ended."""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import assert_never

from core.agent_budget import check_budget
from core.engine import Engine
from core.errors import ErrorKind, ProviderError, StorageError
from core.events import (
    Completed,
    FlagLearned,
    LimitLearned,
    Notice,
    PermissionRequest,
    PermissionSettled,
    ReasoningDelta,
    SessionStarted,
    StreamEvent,
    TextConfirmed,
    TextDelta,
    ToolCall,
    ToolResult,
    UsageReport,
)
from core.ids import new_id
from core.live import LiveTurn
from core.pricing import cost, estimate_tokens, not_billed
from core.runners.parameters import fit, taught, words
from core.types import Attempt, Route, Status, Usage

logger = logging.getLogger(__name__)
Learn = Callable[[Route, FlagLearned | LimitLearned], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt ended: the row for the log, and what stands in the reply."""

    attempt: Attempt
    status: Status  # of the reply: the attempt's, unless the turn was ended between two attempts
    text: str
    reasoning: str
    reasoning_ms: int | None
    error: ProviderError | None = None
    has_steps: bool = False

    @property
    def is_visible(self) -> bool:
        """Whether a reader has seen anything of the answer."""
        return bool(self.text or self.reasoning or self.has_steps)


@dataclass(slots=True)
class _Seen:
    """What has been seen of the answer so far."""

    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    began_s: float = field(default_factory=time.monotonic)
    ttft_ms: int | None = None
    usage: Usage = field(default_factory=Usage)
    completed: Completed | None = None
    learned: list[FlagLearned | LimitLearned] = field(default_factory=list)

    def elapsed_ms(self) -> int:
        return round((time.monotonic() - self.began_s) * 1000)


async def attempt(turn: LiveTurn, engine: Engine, *, number: int, learn: Learn) -> Outcome:
    """Run the turn's request to its end, good or bad. Returns, never raises: each attempt has exactly one row."""
    seen = _Seen()
    error: ProviderError | None = None
    status = Status.DONE
    try:
        await _consume(turn, engine, seen, learn)
    except asyncio.CancelledError:
        # Stop, or the server going down. The task goes on: it still has to store what arrived.
        if task := asyncio.current_task():
            task.uncancel()
        status = Status.STOPPED if turn.is_stopping else Status.INTERRUPTED
        if status is Status.INTERRUPTED:
            error = ProviderError(
                ErrorKind.INTERRUPTED, "Switchboard was stopped while this answer was being written. Try again."
            )
    except ProviderError as failure:
        error = failure
        status = Status.INTERRUPTED if failure.kind is ErrorKind.INTERRUPTED else Status.FAILED
    except Exception:
        reference = turn.turn_id[-8:]
        logger.exception("Turn %s failed inside Switchboard", reference)
        error = ProviderError(
            ErrorKind.INTERNAL, f"Something went wrong inside Switchboard; the server's log has it as {reference}."
        )
        status = Status.FAILED
    return _outcome(turn, seen, status, error, number)


async def _consume(turn: LiveTurn, engine: Engine, seen: _Seen, learn: Learn) -> None:
    runner = await engine.runner(turn.protocol)
    seen.started_at, seen.began_s = datetime.now(UTC), time.monotonic()  # the first use of a protocol loads its SDK
    loop = asyncio.get_running_loop()
    limits = engine.timeouts
    try:
        async with (
            asyncio.timeout(limits.first_event_s) as watch,
            aclosing(runner.stream(turn.route, turn.request)) as events,  # type: ignore[type-var]
        ):
            async for event in events:
                if isinstance(event, FlagLearned | LimitLearned):
                    seen.learned.append(event)
                    await _keep(event, turn.route, learn)
                else:
                    _take(event, turn, seen)
                limit_s = limits.first_event_s if seen.ttft_ms is None else limits.idle_s
                watch.reschedule(loop.time() + limit_s)
    except TimeoutError as error:
        raise _timed_out(turn, seen, engine) from error
    if seen.completed is None:
        name = turn.route.provider.name
        raise ProviderError(ErrorKind.INTERRUPTED, f"{name} broke off before the answer's end. Try again.")


async def _keep(lesson: FlagLearned | LimitLearned, route: Route, learn: Learn) -> None:
    try:
        await asyncio.to_thread(learn, route, lesson)
    except StorageError as error:
        # The answer is worth more: the next request meets the same refusal and learns it again.
        logger.warning("What %s taught could not be kept: %s", route.provider.name, error)


def _take(event: StreamEvent, turn: LiveTurn, seen: _Seen) -> None:
    if seen.ttft_ms is None and isinstance(event, TextDelta | ReasoningDelta):
        seen.ttft_ms = seen.elapsed_ms()
    match event:
        case TextDelta(text):
            turn.add_text(text)
        case ReasoningDelta(text):
            turn.add_reasoning(text)
        case TextConfirmed(text):
            turn.confirm_text(text)
        case Notice(text):
            turn.notify(text)
        case UsageReport(usage):
            seen.usage = usage
            check_budget(turn.request.agent, usage, turn.route.model.price, seen.started_at)
        case SessionStarted(id_):
            turn.session_id = id_
        case ToolCall() | ToolResult() | PermissionRequest() | PermissionSettled():
            turn.take_step(event)
        case Completed():
            seen.completed = event
            seen.usage = event.usage
        case FlagLearned() | LimitLearned():
            pass  # kept by the caller
        case _:
            assert_never(event)


def _timed_out(turn: LiveTurn, seen: _Seen, engine: Engine) -> ProviderError:
    name = turn.route.provider.name
    if seen.ttft_ms is None:
        limit = f"{engine.timeouts.first_event_s:g} s"
        return ProviderError(ErrorKind.TIMEOUT, f"{name} sent nothing for {limit}. Try again, or choose another model.")
    limit = f"{engine.timeouts.idle_s:g} s"
    return ProviderError(
        ErrorKind.TIMEOUT, f"{name} fell silent for {limit} in the middle of the answer. What had arrived is kept."
    )


def _outcome(turn: LiveTurn, seen: _Seen, status: Status, error: ProviderError | None, number: int) -> Outcome:
    look = turn.look()
    route, completed = turn.route, seen.completed
    latency_ms = seen.elapsed_ms()
    usage = _usage(turn, seen, has_output=bool(look.text or look.reasoning))
    priced = cost(usage, route.model.price, seen.started_at)
    if error is not None and usage == Usage() and _was_never_answered(error):
        priced = not_billed(priced)
    return Outcome(
        attempt=Attempt(
            id=new_id(),
            turn_id=turn.turn_id,
            reply_id=turn.reply.id,
            conversation_id=turn.reply.conversation_id,
            project_id=turn.project_id,
            attempt_number=number,
            provider_id=route.provider.id,
            provider_name=route.provider.name,
            protocol=turn.protocol,
            model_requested=route.model.id,
            model_name=route.model.name,
            route_reason=route.reason,
            status=status,
            started_at=seen.started_at,
            finished_at=datetime.now(UTC),
            latency_ms=latency_ms,
            ttft_ms=seen.ttft_ms,
            model_served=completed.served_model if completed else None,
            http_status=error.http_status if error else 200 if completed else None,
            error_kind=error.kind.value if error else None,
            error_message=error.message if error else None,
            finish_reason=completed.finish_reason if completed else None,
            raw_finish_reason=completed.raw_finish_reason if completed else None,
            request_id=error.request_id if error else completed.request_id if completed else None,
            usage=usage,
            price=priced.price,
            price_rule=priced.rule,
            cost_usd=priced.total,
            cost_source=priced.source,
            parameters=words(fit(taught(route, seen.learned), turn.request)),
        ),
        status=status,
        text=look.text,
        reasoning=look.reasoning,
        reasoning_ms=look.reasoning_ms,
        error=error,
        has_steps=bool(look.steps),
    )


def _was_never_answered(error: ProviderError) -> bool:
    """Whether the provider refused the request before working on it, or never had it: only that costs nothing.

    After a time-out (408, 504 among them), a 500 or a 502 the model may have worked. Neither OpenAI nor Anthropic nor
    DeepSeek was found to say who pays for that, and those who say something differ: OpenRouter charges no answer
    without a token, Azure counts 200 and 400 and not 429 (openrouter.ai/docs zero-completion-insurance,
    learn.microsoft.com answers 1632971, read 2026-11-24). So the cost of such an attempt is unknown, as the totals
    say, and not 0.
    """
    if error.http_status is None:
        return error.kind is ErrorKind.NETWORK
    is_refused = 400 <= error.http_status < 500 and error.http_status not in (408, 499)
    return is_refused or error.http_status in (501, 503, 529)  # not built, and no capacity: nothing was begun


def _usage(turn: LiveTurn, seen: _Seen, *, has_output: bool) -> Usage:
    """Return what the provider reported, filled up by an estimate from the text where it did not.

    A stopped answer's last report is from its beginning: Anthropic counts one output token there.
    """
    usage = seen.usage
    if not has_output and seen.completed is None:
        return usage
    look = turn.look()
    written = estimate_tokens(look.text + look.reasoning)
    is_cut = seen.completed is None and (usage.output_tokens or 0) < written
    if usage.output_tokens is None or is_cut:
        usage = replace(usage, output_tokens=written, is_estimated=True)
    if usage.input_tokens is None:
        asked = "".join(message.text for message in turn.request.messages) + (turn.request.system or "")
        usage = replace(usage, input_tokens=estimate_tokens(asked), is_estimated=True)
    return usage
