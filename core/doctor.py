"""Ask a provider step by step where it fails, and try what might help.

The probes go through the same runners and the same URL builder as chat. What they mean is judged in `core.diagnosis`.
"""

import asyncio
import time
from dataclasses import replace

from core.diagnosis import (
    Diagnosis,
    Fix,
    Listed,
    MoveTo,
    Seen,
    first_for_chat,
    is_misplaced,
    is_reached,
    judge,
    lacks_key,
    model_fixes,
    score,
    variants,
)
from core.discovery import list_models
from core.engine import Engine
from core.errors import InvalidInput, ProviderError
from core.types import Candidate, ModelInfo, Route
from core.urls import normalise
from core.verify import probe

LISTING_TIMEOUT_S = 20.0


async def examine(candidate: Candidate, engine: Engine) -> Diagnosis:
    """Go through all steps; where the answer fails, try what might help. Never raises ProviderError."""
    provider = candidate.provider
    try:
        if provider.base_url:
            normalise(provider.base_url, provider.protocol)
    except InvalidInput as error:
        return Diagnosis(provider, tuple(judge(candidate, None, address_problem=error.message)))
    seen = await _look(candidate, engine)
    fixes: list[Fix] = list(model_fixes(candidate, seen))
    if not fixes and is_misplaced(seen):
        points, others = score(seen), variants(provider)
        found = await asyncio.gather(*(_look(_at(candidate, other), engine) for other in others))
        ranked = sorted(zip(others, map(score, found), strict=True), key=lambda pair: -pair[1])
        fixes += [other for other, reached in ranked if reached > points]
    return Diagnosis(provider, tuple(judge(candidate, seen)), tuple(fixes))


async def _look(candidate: Candidate, engine: Engine) -> Seen:
    listed = await _listed(candidate, engine)
    if not is_reached(listed.error):
        return Seen(listed)
    model = (
        candidate.default_model
        or next(iter(candidate.models), None)
        or first_for_chat(candidate.provider, listed.models)
    )
    if model is None or lacks_key(candidate):
        return Seen(listed, model)
    return Seen(listed, model, await probe(Route(candidate.provider, model, candidate.key, reason="doctor"), engine))


async def _listed(candidate: Candidate, engine: Engine) -> Listed:
    # Also without the key that is needed: the refusal shows that the connection works.
    keyless = replace(candidate, provider=replace(candidate.provider, requires_key=False))
    began_s = time.monotonic()
    error: ProviderError | None = None
    models: list[ModelInfo] = []
    try:
        await engine.runner(candidate.provider.protocol)
        began_s = time.monotonic()
        models = await list_models(keyless, engine, timeout_s=LISTING_TIMEOUT_S)
    except ProviderError as failure:
        error = failure
    return Listed(round((time.monotonic() - began_s) * 1000), tuple(models), error)


def _at(candidate: Candidate, move: MoveTo) -> Candidate:
    return replace(candidate, provider=replace(candidate.provider, protocol=move.protocol, base_url=move.base_url))
