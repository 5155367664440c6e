"""What a refused request teaches: which of its parameters to leave out, rename or lower, each once. Pure.

Servers disagree on a few parameters only. A refusal that names one of them is answered with the same request without
it, and what was learned is reported to whoever keeps the provider's row once that request is taken.
"""

import re
from dataclasses import dataclass, field

from core.errors import ErrorKind
from core.events import FlagLearned, LimitLearned, Notice
from core.runners.http import ErrorAnswer
from core.runners.wording import Wording, read_wording
from core.types import ProviderFlag

Lesson = FlagLearned | LimitLearned | Notice
_STATUSES = (400, 404, 422, 500, 501)  # the statuses compatible servers were seen to use for a refused parameter
_THINKING = ("reasoning_effort", "enable_thinking", "thinking", "output_config")
_RANGE = re.compile(r"\bbetween\b|\brange\b|less than|greater than|at (?:most|least)|[<>]=?", re.IGNORECASE)
_VALUE = re.compile(r"supported values|does not support '|invalid value", re.IGNORECASE)
_NUMBER = r"[`'\"]?(\d[\d,_]*)"
# How a limit is named, looked up 2026-11-24: Anthropic (anthropics/claude-code#24451), OpenAI (NextChat#3195),
# Volcano Ark (yiliqi78/TOKENICODE#3), Groq and DashScope (see tests/wire/refusals.py).
_LIMIT = re.compile(
    rf"max_(?:completion_)?tokens: \d+ > {_NUMBER}"
    rf"|at most {_NUMBER} (?:completion |output )?tokens"
    rf"|<= ?{_NUMBER}"
    rf"|\[\s*\d+\s*,\s*{_NUMBER}\s*\]"
    rf"|max(?:imum)?(?: allowed)?(?: value| number)?(?: of \w+)? (?:is|of) {_NUMBER}"
    rf"|less than or equal to {_NUMBER}"
    rf"|between \d+ and {_NUMBER}",
    re.IGNORECASE,
)


@dataclass(slots=True)
class Draft:
    """A request's body, changed by its refusals; `lessons` are true once it is taken."""

    body: dict[str, object]
    lessons: list[Lesson] = field(default_factory=list)
    _tried: set[str] = field(default_factory=set)

    def adapt(self, answer: ErrorAnswer, kind: ErrorKind) -> bool:
        """Change the body as the refusal asks; False if it is about something else, or was heeded before."""
        if answer.status not in _STATUSES:
            return False
        wording = read_wording(answer.body)
        if kind is ErrorKind.CONTEXT_LENGTH:  # names a limit that follows from this prompt's length
            return False
        return (
            self._drop_stream_options(wording)
            or self._lower_limit(wording)
            or self._rename_limit(wording, kind)
            or self._drop_temperature(wording)
            or self._drop_thinking(wording)
        )

    def _once(self, name: str) -> bool:
        is_first = name not in self._tried
        self._tried.add(name)
        return is_first

    def _drop_stream_options(self, wording: Wording) -> bool:
        if "stream_options" not in self.body or not _names(wording, "stream_options", "include_usage"):
            return False
        del self.body["stream_options"]
        self.lessons.append(FlagLearned(ProviderFlag.NO_STREAM_OPTIONS))
        return True

    @property
    def _limit_name(self) -> str | None:
        return next((name for name in ("max_tokens", "max_completion_tokens") if name in self.body), None)

    def _lower_limit(self, wording: Wording) -> bool:
        name = self._limit_name
        if name is None or not _names(wording, "max_tokens", "max_completion_tokens"):
            return False
        found = _LIMIT.search(wording.message)
        limit = int(re.sub(r"[,_]", "", next(filter(None, found.groups())))) if found else 0
        if not 0 < limit < _number(self.body[name]) or not self._once("limit"):
            return False
        self.body[name] = limit
        self._fit_budget(limit)
        self.lessons.append(LimitLearned(limit))
        return True

    def _fit_budget(self, limit: int) -> None:
        thinking = self.body.get("thinking")
        if isinstance(thinking, dict) and _number(thinking.get("budget_tokens")) >= limit:
            del self.body["thinking"]

    def _rename_limit(self, wording: Wording, kind: ErrorKind) -> bool:
        name = self._limit_name
        is_unknown = kind is ErrorKind.UNSUPPORTED_PARAMETER
        if name == "max_tokens" and (
            wording.names("max_completion_tokens") or (is_unknown and wording.names("max_tokens"))
        ):
            other, flag = "max_completion_tokens", ProviderFlag.MAX_COMPLETION_TOKENS
        elif name == "max_completion_tokens" and is_unknown and wording.names("max_completion_tokens"):
            other, flag = "max_tokens", ProviderFlag.MAX_TOKENS
        else:
            return False
        if not self._once("limit_name"):
            return False
        self.body[other] = self.body.pop(name)
        self.lessons.append(FlagLearned(flag))
        return True

    def _drop_temperature(self, wording: Wording) -> bool:
        # One that is only too high is the user's to correct: the provider does take a temperature.
        if "temperature" not in self.body or not wording.names("temperature") or _RANGE.search(wording.message):
            return False
        del self.body["temperature"]
        self.lessons.append(FlagLearned(ProviderFlag.NO_TEMPERATURE))
        return True

    def _drop_thinking(self, wording: Wording) -> bool:
        sent = [name for name in _THINKING if name in self.body]
        if not sent or not _names(wording, *sent, "budget_tokens"):
            return False
        for name in sent:
            del self.body[name]
        # A level that this model has not, others may have: said, and not kept.
        is_level = "unsupported_value" in wording.codes or _VALUE.search(wording.message)
        self.lessons.append(
            Notice("The model refused this level of thinking, so it was asked without one.")
            if is_level
            else FlagLearned(ProviderFlag.NO_THINKING)
        )
        return True


def _names(wording: Wording, *parameters: str) -> bool:
    return any(wording.names(parameter) for parameter in parameters)


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
