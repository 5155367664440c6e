"""When a failed request is tried again, and which providers rest after failing. Pure: times and dice are given.

A back-off library was looked at (tenacity, stamina): what is special here, Retry-After, the fallback chain and one log
row per attempt, would be ours all the same, and the rest is the few lines below.
"""

from dataclasses import dataclass

from core.errors import ErrorKind

RETRY_AFTER_LIMIT_S = 60.0  # a provider that asks for more is passed over
_BASE_S, _LIMIT_S = 0.5, 8.0
# The same request may succeed a moment later. Never a refusal (400, 401, 403, 404).
_PASSING = frozenset(
    {ErrorKind.RATE_LIMIT, ErrorKind.OVERLOADED, ErrorKind.SERVER_ERROR, ErrorKind.TIMEOUT, ErrorKind.NETWORK}
)
# Another provider may succeed where this one cannot.
_ELSEWHERE = _PASSING | {ErrorKind.QUOTA}

COOL_AFTER = 3  # failures in a row
_COOL_S, _COOL_LIMIT_S = 30.0, 300.0


def may_try_again(kind: ErrorKind) -> bool:
    return kind in _PASSING


def may_try_elsewhere(kind: ErrorKind) -> bool:
    return kind in _ELSEWHERE


def pause_s(tried: int, *, retry_after_s: float | None, dice: float) -> float | None:
    """Return how long to wait after the `tried`-th failure (from 1), or None if the provider asks for too long.

    Without Retry-After it is exponential with full jitter: `dice` is a random number from 0 to 1.
    """
    if retry_after_s is not None:
        return retry_after_s if 0 <= retry_after_s <= RETRY_AFTER_LIMIT_S else None
    return min(_BASE_S * 2.0 ** (tried - 1), _LIMIT_S) * dice


@dataclass(slots=True)
class _Health:
    failures: int = 0
    rests_until_s: float = 0.0


class CoolDown:
    """Which providers rest: three failures in a row send one to rest for 30 s, each further one for twice as long."""

    def __init__(self) -> None:
        self._health: dict[str, _Health] = {}

    def failed(self, provider_id: str, kind: ErrorKind, *, now_s: float) -> None:
        if not may_try_elsewhere(kind):
            return  # the request was at fault, or the key
        health = self._health.setdefault(provider_id, _Health())
        health.failures += 1
        if health.failures >= COOL_AFTER:
            rest_s = min(_COOL_S * 2 ** (health.failures - COOL_AFTER), _COOL_LIMIT_S)
            health.rests_until_s = now_s + rest_s

    def succeeded(self, provider_id: str) -> None:
        self._health.pop(provider_id, None)

    def rests_s(self, provider_id: str, *, now_s: float) -> float:
        """Return how long this provider still rests; 0 when it does not."""
        health = self._health.get(provider_id)
        return max(health.rests_until_s - now_s, 0.0) if health else 0.0
