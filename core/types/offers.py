"""Who can answer and at what price: providers, keys, models, prices, projects."""

from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from enum import StrEnum


class ProviderFlag(StrEnum):
    """What the wire taught us about a provider (kept on its row, shown on its page)."""

    NO_STREAM_OPTIONS = "no_stream_options"  # refuses stream_options: usage may be missing
    MAX_TOKENS = "max_tokens"  # wants max_tokens, refuses max_completion_tokens
    MAX_COMPLETION_TOKENS = "max_completion_tokens"  # wants max_completion_tokens, refuses max_tokens
    NO_TEMPERATURE = "no_temperature"  # refuses a temperature
    NO_THINKING = "no_thinking"  # refuses to be told how much to think


class KeySource(StrEnum):
    PROJECT = "project"
    STORED = "stored"
    ENVIRONMENT = "environment"


@dataclass(frozen=True, slots=True, repr=False)
class Secret:
    """An API key that does not print itself. `reveal()` only where the request is built or the key encrypted."""

    value: str

    def reveal(self) -> str:
        return self.value

    def __repr__(self) -> str:
        return "Secret(***)"


@dataclass(frozen=True, slots=True)
class Key:
    secret: Secret
    source: KeySource
    variable: str | None = None  # the environment variable or secret it was read from


@dataclass(frozen=True, slots=True)
class Tier:
    """Prices of a whole request whose prompt has more than `above_tokens` tokens, cached ones counted."""

    above_tokens: int
    input: Decimal | None = None
    output: Decimal | None = None
    cache_read: Decimal | None = None
    cache_write: Decimal | None = None


EVERY_DAY = frozenset(range(1, 8))


@dataclass(frozen=True, slots=True)
class Window:
    """Hours of the day, in UTC, in which every price is multiplied by `factor`. `end` is not part of it.

    One that ends before it starts crosses midnight, one that ends when it starts lasts 24 hours. `days` are those on
    which it starts, 1 for Monday to 7 for Sunday.
    """

    start: time
    end: time
    factor: Decimal
    days: frozenset[int] = EVERY_DAY


@dataclass(frozen=True, slots=True)
class Price:
    """USD per million tokens. None means unknown, never free."""

    input: Decimal | None = None
    output: Decimal | None = None
    cache_read: Decimal | None = None
    cache_write: Decimal | None = None  # kept for minutes; for an hour it costs twice the input
    source: str | None = None
    as_of: date | None = None
    tiers: tuple[Tier, ...] = ()  # the shortest prompt first
    windows: tuple[Window, ...] = ()  # they do not overlap


@dataclass(frozen=True, slots=True)
class Model:
    provider_id: str
    id: str
    name: str
    is_default: bool = False
    context_tokens: int | None = None
    max_output_tokens: int | None = None
    thinking: str | None = None  # adaptive, always, budget, effort, enable_thinking, type; None: the model has none
    retires_on: date | None = None
    replacement: str | None = None  # the id the vendor names instead
    note: str | None = None
    price: Price = field(default_factory=Price)


@dataclass(frozen=True, slots=True)
class Provider:
    id: str
    name: str
    protocol: str  # a key of core.runners.RUNNERS
    base_url: str  # "" for a protocol without a network
    requires_key: bool = True
    is_enabled: bool = True
    is_builtin: bool = False
    anthropic_base_url: str | None = None
    flags: frozenset[ProviderFlag] = frozenset()
    fallbacks: tuple[str, ...] = ()  # PROVIDER/MODEL, in order: who answers when this one fails


@dataclass(frozen=True, slots=True)
class Check:
    """The outcome of one "Verify": a tiny real request through the same runner as chat."""

    is_ok: bool
    message: str  # what was seen, and on failure what to do next
    latency_ms: int | None  # None: nothing was sent
    checked_at: datetime
    ttft_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Project:
    """Where a conversation lives. An override key belongs to the override provider and to nobody else."""

    id: str
    name: str
    system_prompt: str | None = None
    model_id: str | None = None
    provider_id: str | None = None
    fallbacks: tuple[str, ...] = ()  # as a provider's, and in their place


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """One row of a provider's own model list."""

    id: str
    name: str | None = None
    context_tokens: int | None = None
    max_output_tokens: int | None = None
    retires_on: date | None = None
