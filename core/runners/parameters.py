"""Which answer settings a model takes, and the fields they are sent as. Pure.

Nothing is sent that was not asked for, and nothing that is known to be refused: a conversation keeps its settings
through every switch of model, and each request carries what fits. Fields as in openai 3.54 and anthropic 2.12.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from core.errors import InvalidInput
from core.events import FlagLearned, LimitLearned
from core.types import AnswerSettings, ChatRequest, Model, Provider, ProviderFlag, Route, Thinking

DEFAULT_MAX_TOKENS = 8192  # of the Messages protocol, which requires one, where neither request nor model says
TEMPERATURE_LIMIT = 2.0
OUTPUT_LIMIT = 10_000_000  # tokens; nobody's model writes as many
# A budget is part of max_tokens, and 1,024 the least of it (Anthropic's documentation); as much is left for the answer.
_BUDGETS = {Thinking.LOW: 2_048, Thinking.MEDIUM: 8_192, Thinking.HIGH: 24_576}
_LEAST_BUDGET = 1_024

_ALL = tuple(Thinking)
_LEVELS = (Thinking.LOW, Thinking.MEDIUM, Thinking.HIGH)
SWITCH = (Thinking.OFF, Thinking.MEDIUM)  # off and on
# What can be said by protocol and kind of `Model.thinking`; what is not here cannot be said.
_THINKING: dict[tuple[str, str], tuple[Thinking, ...]] = {
    ("anthropic", "adaptive"): _ALL,
    ("anthropic", "always"): _LEVELS,
    ("anthropic", "budget"): _ALL,
    ("anthropic", "enable_thinking"): SWITCH,
    ("anthropic", "type"): SWITCH,
    ("openai", "effort"): _ALL,
    ("openai", "enable_thinking"): SWITCH,
    ("openai", "type"): SWITCH,
}


def thinking_kinds(protocol: str | None = None) -> tuple[str, ...]:
    """Return what `Model.thinking` may be for something to be said in a protocol; without one, in any."""
    return tuple(dict.fromkeys(kind for spoken, kind in _THINKING if protocol in (None, spoken)))


@dataclass(frozen=True, slots=True)
class Takes:
    """What can be set for a model: the levels of thinking, a temperature, and why not, by the setting's name."""

    thinking: tuple[Thinking, ...] = ()
    temperature: bool = False
    why_not: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_switch(self) -> bool:
        return self.thinking == SWITCH


def takes(provider: Provider, model: Model) -> Takes:
    """Return what can be set; `why_not` in words that follow "Not sent: "."""
    why_not: dict[str, str] = {}
    levels = _THINKING.get((provider.protocol, model.thinking or ""), ())
    if reason := _no_thinking(provider, model, levels):
        levels = ()
        why_not["thinking"] = reason
    if reason := _no_temperature(provider, model):
        why_not["temperature"] = reason
    return Takes(levels, "temperature" not in why_not, why_not)


def _no_thinking(provider: Provider, model: Model, levels: tuple[Thinking, ...]) -> str | None:
    if provider.protocol not in ("openai", "anthropic"):
        return f"{provider.name} decides that itself."
    if model.thinking is None:
        return f"{model.name} is not known to think."
    if ProviderFlag.NO_THINKING in provider.flags:
        return f"{provider.name} refused it before (see Providers)."
    if levels:
        return None
    if model.thinking == "always":
        return f"{model.name} always thinks."
    return f"it has no field in the protocol of {provider.name}."


def _no_temperature(provider: Provider, model: Model) -> str | None:
    if provider.protocol == "anthropic":  # a 400 since version 2026-10-21 of the protocol
        return "the Messages protocol no longer takes it."
    if provider.protocol != "openai":
        return f"{provider.name} has none."
    if model.thinking == "effort":  # they take 1 only
        return f"{model.name} takes none, as models with effort do."
    if ProviderFlag.NO_TEMPERATURE in provider.flags:
        return f"{provider.name} refused it before (see Providers)."
    return None


def fit(route: Route, request: ChatRequest) -> AnswerSettings:
    """Return what of the request's settings is sent to this model."""
    can = takes(route.provider, route.model)
    limit = request.max_output_tokens
    if limit is not None and route.model.max_output_tokens is not None:
        limit = min(limit, route.model.max_output_tokens)
    level = nearest(request.thinking, can)
    if level not in (None, Thinking.OFF) and _needs_budget(route) and limit is not None and limit < 2 * _LEAST_BUDGET:
        level = None
    return AnswerSettings(level, request.temperature if can.temperature else None, limit)


def taught(route: Route, lessons: Iterable[FlagLearned | LimitLearned]) -> Route:
    """Return the route as it is once these lessons are kept."""
    provider, model = route.provider, route.model
    for lesson in lessons:
        if isinstance(lesson, FlagLearned):
            provider = replace(provider, flags=provider.flags | {lesson.flag})
        else:
            model = replace(model, max_output_tokens=lesson.max_output_tokens)
    return replace(route, provider=provider, model=model)


def nearest(level: Thinking | None, can: Takes) -> Thinking | None:
    """Return the level that is sent where this one was chosen, maybe for another model."""
    if level in can.thinking:
        return level
    return Thinking.MEDIUM if level and level is not Thinking.OFF and can.is_switch else None


def thinking_fields(route: Route, level: Thinking | None, *, max_tokens: int = DEFAULT_MAX_TOKENS) -> dict[str, object]:
    """Return the fields of the request's body that ask for this level; `max_tokens` is the answer's limit."""
    if level is None:
        return {}
    is_on = level is not Thinking.OFF
    match route.provider.protocol, route.model.thinking:
        case "openai", "effort":
            return {"reasoning_effort": level.value if is_on else "none"}
        case "openai", "enable_thinking":
            return {"enable_thinking": is_on}
        case "openai", "type":
            return {"thinking": {"type": "enabled" if is_on else "disabled"}}
        case "anthropic", "always":
            return {"output_config": {"effort": level.value}}
        case "anthropic", "adaptive" if is_on:
            return {"thinking": {"type": "adaptive"}, "output_config": {"effort": level.value}}
        case "anthropic", _ if is_on:
            budget = max(min(_BUDGETS[level], max_tokens - _LEAST_BUDGET), _LEAST_BUDGET)
            return {"thinking": {"type": "enabled", "budget_tokens": budget}}
        case "anthropic", _:
            return {"thinking": {"type": "disabled"}}
    return {}


def _needs_budget(route: Route) -> bool:
    return route.provider.protocol == "anthropic" and route.model.thinking in ("budget", "enable_thinking", "type")


def words(settings: AnswerSettings) -> str | None:
    """Return settings in words, or None where nothing is set."""
    parts = [
        f"thinking {settings.thinking}" if settings.thinking else "",
        f"temperature {settings.temperature:g}" if settings.temperature is not None else "",
        f"at most {settings.max_output_tokens:,} tokens" if settings.max_output_tokens is not None else "",
    ]
    return ", ".join(filter(None, parts)) or None


def check(settings: AnswerSettings) -> AnswerSettings:
    """Return the settings as they may be stored. Raises InvalidInput naming the field."""
    temperature, limit = settings.temperature, settings.max_output_tokens
    if temperature is not None and not 0 <= temperature <= TEMPERATURE_LIMIT:
        raise InvalidInput(f"A temperature is between 0 and {TEMPERATURE_LIMIT:g}.", field="temperature")
    if limit is not None and not 1 <= limit <= OUTPUT_LIMIT:
        raise InvalidInput(
            f"The longest answer is a number of tokens from 1 to {OUTPUT_LIMIT:,}.", field="max_output_tokens"
        )
    return settings
