"""Who answers a message, and what is asked of them: candidates, choices, routes, requests."""

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from core.types.offers import Key, Model, Provider


class Role(StrEnum):
    USER = "user"
    ASSISTANT = "assistant"


class Thinking(StrEnum):
    """How much a model is asked to think. Where it can only be switched, everything but `OFF` is on."""

    OFF = "off"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


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
