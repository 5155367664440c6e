"""Ask a provider for a tiny real answer, through the same runner and URL as chat, and say what was seen."""

import asyncio
import time
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime

from core.engine import Engine
from core.errors import ErrorKind, ProviderError
from core.events import Completed, ReasoningDelta, TextDelta
from core.providers import Providers
from core.types import Candidate, ChatMessage, ChatRequest, Check, Model, Role, Route, Usage

VERIFY_TOKENS = 16
VERIFY_TIMEOUT_S = 30.0  # somebody is watching


@dataclass(frozen=True, slots=True)
class Probe:
    """What came of one tiny request."""

    latency_ms: int
    ttft_ms: int | None
    error: ProviderError | None  # None: the answer is complete
    usage: Usage | None


async def verify(candidate: Candidate, engine: Engine, *, model: Model | None = None) -> Check:
    """Send one message to the model, else the default, else the first. Any finished stream counts, also an empty one
    that was cut by length: a reasoning model spends all the tokens on thinking.
    """
    if candidate.provider.requires_key and candidate.key is None:
        return _nothing_sent(candidate.key_problem or "No API key. Add one first.")
    model = model or candidate.default_model or next(iter(candidate.models), None)
    if model is None:
        return _nothing_sent("No models. Add one first.")
    seen = await probe(Route(candidate.provider, model, candidate.key, reason="verify"), engine)
    return Check(
        is_ok=seen.error is None,
        message=seen.error.message if seen.error else f"{model.name} answered.",
        latency_ms=seen.latency_ms,
        ttft_ms=seen.ttft_ms,
        checked_at=datetime.now(UTC),
    )


async def probe(route: Route, engine: Engine) -> Probe:
    """Send the tiny request and read its answer to the end."""
    request = ChatRequest(messages=(ChatMessage(Role.USER, "Say OK."),), max_output_tokens=VERIFY_TOKENS)
    began_s = time.monotonic()
    ttft_ms: int | None = None
    error: ProviderError | None = None
    end: Completed | None = None
    try:
        runner = await engine.runner(route.provider.protocol)
        began_s = time.monotonic()
        async with asyncio.timeout(VERIFY_TIMEOUT_S), aclosing(runner.stream(route, request)) as events:  # type: ignore[type-var]
            async for event in events:
                if ttft_ms is None and isinstance(event, TextDelta | ReasoningDelta):
                    ttft_ms = _since(began_s)
                end = event if isinstance(event, Completed) else end
    except TimeoutError:
        limit = f"{VERIFY_TIMEOUT_S:g} s"
        error = ProviderError(
            ErrorKind.TIMEOUT, f"{route.provider.name} did not finish within {limit}. Check the address, or try again."
        )
    except ProviderError as failure:
        error = failure
    if error is None and end is None:
        error = ProviderError(ErrorKind.INTERRUPTED, f"{route.provider.name} broke off before the answer's end.")
    return Probe(_since(began_s), ttft_ms, error, end.usage if end else None)


async def check_provider(
    candidate: Candidate, engine: Engine, providers: Providers, *, model: Model | None = None
) -> Check:
    """Verify, and keep what was seen on the provider's row."""
    check = await verify(candidate, engine, model=model)
    # What was never sent is no check, and one model that is gone says nothing against its provider.
    if check.latency_ms is not None and (check.is_ok or model is None or model.is_default):
        await asyncio.to_thread(providers.record_check, candidate.provider, check)
    return check


def _nothing_sent(message: str) -> Check:
    return Check(is_ok=False, message=message, latency_ms=None, checked_at=datetime.now(UTC))


def _since(began_s: float) -> int:
    return round((time.monotonic() - began_s) * 1000)
