"""What is kept: conversations, messages, an agent's steps, the attempts and their usage."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from core.types.offers import Price
from core.types.routes import UNSET, AnswerSettings, Choice, Role


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
