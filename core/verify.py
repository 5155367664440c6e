"""Ask a provider for a tiny real answer, through the same runner and URL as chat, and say what was seen."""

import asyncio
import time
from contextlib import aclosing
from datetime import UTC, datetime

from core.engine import Engine
from core.errors import ErrorKind, ProviderError
from core.events import Completed, ReasoningDelta, TextDelta
from core.types import Candidate, ChatMessage, ChatRequest, Check, Model, Role, Route

VERIFY_TOKENS = 16
VERIFY_TIMEOUT_S = 30.0  # somebody is watching


async def verify(candidate: Candidate, engine: Engine, *, model: Model | None = None) -> Check:
    """Send one message to the model, else the default, else the first. Any finished stream counts, also an empty one
    that was cut by length: a reasoning model spends all the tokens on thinking.
    """
    if candidate.provider.requires_key and candidate.key is None:
        return _nothing_sent(candidate.key_problem or "No API key. Add one first.")
    model = model or candidate.default_model or next(iter(candidate.models), None)
    if model is None:
        return _nothing_sent("No models. Add one first.")
    route = Route(provider=candidate.provider, model=model, key=candidate.key, reason="verify")
    request = ChatRequest(messages=(ChatMessage(Role.USER, "Say OK."),), max_output_tokens=VERIFY_TOKENS)
    began_s = time.monotonic()
    ttft_ms: int | None = None
    error: ProviderError | None = None
    is_done = False
    try:
        runner = await engine.runner(route.provider.protocol)
        began_s = time.monotonic()
        async with asyncio.timeout(VERIFY_TIMEOUT_S), aclosing(runner.stream(route, request)) as events:  # type: ignore[type-var]
            async for event in events:
                if ttft_ms is None and isinstance(event, TextDelta | ReasoningDelta):
                    ttft_ms = _since(began_s)
                is_done = is_done or isinstance(event, Completed)
    except TimeoutError:
        limit = f"{VERIFY_TIMEOUT_S:g} s"
        error = ProviderError(
            ErrorKind.TIMEOUT, f"{route.provider.name} did not finish within {limit}. Check the address, or try again."
        )
    except ProviderError as failure:
        error = failure
    if error is None and not is_done:
        error = ProviderError(ErrorKind.INTERRUPTED, f"{route.provider.name} broke off before the answer's end.")
    message = error.message if error else f"{model.name} answered."
    return Check(
        is_ok=error is None,
        message=message,
        latency_ms=_since(began_s),
        ttft_ms=ttft_ms,
        checked_at=datetime.now(UTC),
    )


def _nothing_sent(message: str) -> Check:
    return Check(is_ok=False, message=message, latency_ms=None, checked_at=datetime.now(UTC))


def _since(began_s: float) -> int:
    return round((time.monotonic() - began_s) * 1000)
