"""The nouns of Switchboard: providers, models, routes, requests, usage, attempts. Imports nothing of ours."""

from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from enum import StrEnum


class Role(StrEnum):
    USER = "user"
    ASSISTANT = "assistant"


class Status(StrEnum):
    """The state of a reply and of an attempt. Only `STREAMING` is ever left."""

    STREAMING = "streaming"
    DONE = "done"
    STOPPED = "stopped"
    INTERRUPTED = "interrupted"
    FAILED = "failed"


class FinishReason(StrEnum):
    """Why an answer ended, in one vocabulary for every protocol. Only these count as finished."""

    STOP = "stop"
    LENGTH = "length"
    CONTENT_FILTER = "content_filter"
    REFUSAL = "refusal"
    TOOL_CALLS = "tool_calls"
    PAUSE = "pause"
    CONTEXT_FULL = "context_full"
    OTHER = "other"  # a word we do not know: see the raw one


class ProviderFlag(StrEnum):
    """What the wire taught us about a provider (kept on its row, shown on its page)."""

    NO_STREAM_OPTIONS = "no_stream_options"  # refuses stream_options: usage may be missing
    MAX_TOKENS = "max_tokens"  # wants max_tokens, refuses max_completion_tokens
    MAX_COMPLETION_TOKENS = "max_completion_tokens"  # wants max_completion_tokens, refuses max_tokens
    NO_TEMPERATURE = "no_temperature"  # refuses a temperature
    NO_THINKING = "no_thinking"  # refuses to be told how much to think


class Thinking(StrEnum):
    """How much a model is asked to think. Where it can only be switched, everything but `OFF` is on."""

    OFF = "off"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class KeySource(StrEnum):
    PROJECT = "project"
    STORED = "stored"
    ENVIRONMENT = "environment"


class CostSource(StrEnum):
    """How an attempt's cost was found."""

    PRICED = "priced"  # tokens × the model's prices
    REPORTED = "reported"  # the provider said it
    FREE = "free"  # the model's prices are zero
    NOT_BILLED = "not_billed"  # the provider refused the request before working on it, or was never reached
    UNPRICED = "unpriced"  # no price or no tokens known: cost is None, never 0


class StepStatus(StrEnum):
    """The state of one step of an agent. Only `RUNNING` is ever left."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    DENIED = "denied"  # by a person, by the time-out of the question, or by what confines the agent
    STOPPED = "stopped"  # the turn ended before the step did


class Decision(StrEnum):
    """What became of an agent's question whether it may use a tool."""

    ONCE = "once"
    ALWAYS = "always"  # in this project
    DENY = "deny"
    TIMED_OUT = "timed_out"  # nobody answered: as good as denied


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
class Candidate:
    """A provider as the router sees it: its models in table order and the key a request would use."""

    provider: Provider
    models: tuple[Model, ...] = ()
    key: Key | None = None
    key_problem: str | None = None  # set when a key is stored but cannot be read
    is_demo: bool = False  # answers by itself only when nothing else can
    rests_s: float = 0.0  # after failing; above 0 it is passed over unless it was chosen or is the only one

    @property
    def is_usable(self) -> bool:
        return self.provider.is_enabled and (self.key is not None or not self.provider.requires_key)

    def model(self, model_id: str) -> Model | None:
        return next((model for model in self.models if model.id == model_id), None)

    @property
    def default_model(self) -> Model | None:
        return next((model for model in self.models if model.is_default), None)


@dataclass(frozen=True, slots=True)
class Choice:
    """What the user picked for the next message. Both None is Automatic."""

    provider_id: str | None = None
    model_id: str | None = None

    @property
    def is_automatic(self) -> bool:
        return self.provider_id is None and self.model_id is None


AUTOMATIC = Choice()


@dataclass(frozen=True, slots=True)
class AnswerSettings:
    """How answers are asked for, kept for each conversation whoever answers in it. None: nothing is said about it."""

    thinking: Thinking | None = None
    temperature: float | None = None
    max_output_tokens: int | None = None


UNSET = AnswerSettings()


@dataclass(frozen=True, slots=True)
class Route:
    """Which provider, model and key answer a message, and why."""

    provider: Provider
    model: Model
    key: Key | None
    reason: str

    @property
    def secret(self) -> str:
        """The key as the wire needs it; empty where the provider needs none."""
        return self.key.secret.reveal() if self.key else ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why no provider can answer, in words that say what to do."""

    reason: str


@dataclass(frozen=True, slots=True)
class ChatMessage:
    role: Role
    text: str


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """What is sent, rebuilt from the store for each request. The last message is the user's."""

    messages: tuple[ChatMessage, ...]
    system: str | None = None
    max_output_tokens: int | None = None  # None: nothing is sent where the protocol allows it
    thinking: Thinking | None = None  # this and the next: sent where the model takes it
    temperature: float | None = None
    session_id: str | None = None  # an agent session to go on with
    agent: "AgentTask | None" = None  # answer as an agent, within this


@dataclass(frozen=True, slots=True)
class AgentTask:
    """What an agent may do in one turn, and where."""

    folder: str  # the only one whose files it may read or change
    home: str  # where its program keeps its sessions
    tools: tuple[str, ...]
    always_allowed: frozenset[str] = frozenset()  # tools that need not ask in this project
    mcp_servers: str = field(default="{}", repr=False)  # JSON by name, which may hold keys
    max_steps: int = 30  # requests to the model
    max_s: float = 600.0  # of work, without the waiting for a place or for a person
    max_cost_usd: Decimal | None = None
    permission_s: float = 300.0  # an unanswered question is a no
    at_once: int = 2  # agents that may work at the same time; others wait


@dataclass(frozen=True, slots=True)
class Step:
    """One use of a tool by an agent. Times are aware UTC; the duration is monotonic, and without waiting for people."""

    id: str  # the call's own, unique in its reply
    reply_id: str
    position: int
    tool: str
    input_json: str
    status: StepStatus
    started_at: datetime
    text_offset: int = 0  # how much of the reply's text stood before it
    parent_id: str | None = None  # the step of the agent that this one's sub-agent works for
    result: str = ""
    path: str | None = None  # of a file that it changed, in the folder
    diff: str | None = None
    duration_ms: int | None = None
    decision: Decision | None = None  # None: nobody was asked
    input_tokens: int | None = None  # of the request that asked for it; the first step of a request carries them
    output_tokens: int | None = None
    cost_usd: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one attempt, in one convention for every protocol. None means the provider did not say.

    `input_tokens` is the whole prompt, cached parts included; `output_tokens` includes reasoning.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    reasoning_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    cache_write_1h_tokens: int | None = None  # the part of them that is kept for an hour
    longest_prompt_tokens: int | None = None  # where an agent made several requests: what decides over the tier
    reported_cost_usd: Decimal | None = None
    is_estimated: bool = False


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """One row of a provider's own model list."""

    id: str
    name: str | None = None
    context_tokens: int | None = None
    max_output_tokens: int | None = None
    retires_on: date | None = None


@dataclass(frozen=True, slots=True)
class Conversation:
    id: str
    project_id: str
    title: str
    choice: Choice
    leaf_id: str | None  # the last message of the branch that is shown
    created_at: datetime
    updated_at: datetime
    is_pinned: bool = False
    deleted_at: datetime | None = None
    settings: AnswerSettings = UNSET
    is_agent: bool = False  # answered by an agent


@dataclass(frozen=True, slots=True)
class Message:
    """A stored message. A user's is always DONE; a reply carries its route, its outcome and its figures."""

    id: str
    conversation_id: str
    role: Role
    text: str
    status: Status
    created_at: datetime
    sequence: int
    parent_id: str | None = None
    reasoning: str = ""
    reasoning_ms: int | None = None
    provider_id: str | None = None
    provider_name: str | None = None
    model_id: str | None = None
    model_name: str | None = None
    route_reason: str | None = None
    finish_reason: FinishReason | None = None
    error_kind: str | None = None
    error_message: str | None = None
    error_detail: str | None = None
    session_id: str | None = None  # the agent's session as this reply left it


@dataclass(frozen=True, slots=True)
class Node:
    """A message's place in the tree, without its text."""

    id: str
    parent_id: str | None
    sequence: int
    role: Role
    status: Status


@dataclass(frozen=True, slots=True)
class Chunk:
    """What a running reply gained since its last chunk, or, with `replaces`, all it has."""

    reply_id: str
    sequence: int
    text: str
    reasoning: str
    replaces: bool = False


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request to one provider, as it stands in the log. Times are aware UTC; durations are monotonic."""

    id: str
    turn_id: str
    reply_id: str | None
    conversation_id: str | None
    project_id: str | None
    attempt_number: int
    provider_id: str
    provider_name: str
    protocol: str
    model_requested: str
    model_name: str
    route_reason: str
    status: Status
    started_at: datetime
    finished_at: datetime
    latency_ms: int | None  # None: the process died with it
    ttft_ms: int | None = None
    model_served: str | None = None
    http_status: int | None = None
    error_kind: str | None = None
    error_message: str | None = None
    finish_reason: FinishReason | None = None
    raw_finish_reason: str | None = None
    request_id: str | None = None
    usage: Usage = field(default_factory=Usage)
    price: Price = field(default_factory=Price)  # the one that applied: neither tiers nor windows are left in it
    price_rule: str | None = None  # which of the model's prices that was; None: no price was known
    cost_usd: Decimal | None = None
    cost_source: CostSource = CostSource.UNPRICED
    parameters: str | None = None  # what was sent of the answer settings, in words
