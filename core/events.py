"""The event contract between a runner and the turn that runs it. Imports the nouns only.

A runner yields events and, on success only, exactly one `Completed` as the last. A failure is an exception of
`core.errors.ProviderError`: never an event, never text. Cancelling the iterator closes the request.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from core.types import Decision, FinishReason, ProviderFlag, Usage


@dataclass(frozen=True, slots=True)
class TextDelta:
    """More of the answer. Provisional until the turn ends or a `TextConfirmed` replaces it."""

    text: str


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    text: str


@dataclass(frozen=True, slots=True)
class TextConfirmed:
    """Everything since the last `TextConfirmed` (or the start) is exactly this text; "" takes the draft back.

    Agents repeat or replace what they already streamed when a request inside the turn is tried again.
    """

    text: str


@dataclass(frozen=True, slots=True)
class SessionStarted:
    """An agent's session that a later turn may go on with, known before the turn has ended."""

    id: str


@dataclass(frozen=True, slots=True)
class ToolCall:
    """An agent uses a tool. With a parent it is a sub-agent's, which works for that call."""

    id: str
    name: str
    input_json: str
    parent_id: str | None = None


@dataclass(frozen=True, slots=True)
class ToolResult:
    call_id: str
    text: str
    is_error: bool = False
    path: str | None = None  # of the file that was changed
    diff: str | None = None
    usage: Usage | None = None  # of the request that asked for the call, and of the sub-agent it started
    is_refused: bool = False  # what confines the agent did not let it happen


@dataclass(frozen=True, slots=True)
class PermissionRequest:
    """An agent waits for a yes or no, which `answer` takes from any thread; it goes on without one after a while."""

    call_id: str
    tool: str
    input_json: str
    answer: Callable[[Decision], None] = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class PermissionSettled:
    call_id: str
    decision: Decision


@dataclass(frozen=True, slots=True)
class Notice:
    """Something the reader should know that is not part of the answer; "" takes the last one back."""

    text: str


@dataclass(frozen=True, slots=True)
class UsageReport:
    """What is known of the tokens so far, so that a stopped or broken answer is still counted. The last one wins."""

    usage: Usage


@dataclass(frozen=True, slots=True)
class FlagLearned:
    """The wire taught us something about this provider; it is kept on the provider's row for the next request."""

    flag: ProviderFlag


@dataclass(frozen=True, slots=True)
class LimitLearned:
    """A refusal named the longest answer of this model; it is kept on the model for the next request."""

    max_output_tokens: int


@dataclass(frozen=True, slots=True)
class Completed:
    usage: Usage = field(default_factory=Usage)
    finish_reason: FinishReason = FinishReason.STOP
    raw_finish_reason: str | None = None  # the provider's own word
    served_model: str | None = None
    request_id: str | None = None
    session_id: str | None = None


StreamEvent = (
    TextDelta
    | ReasoningDelta
    | TextConfirmed
    | SessionStarted
    | ToolCall
    | ToolResult
    | PermissionRequest
    | PermissionSettled
    | Notice
    | UsageReport
    | FlagLearned
    | LimitLearned
    | Completed
)
