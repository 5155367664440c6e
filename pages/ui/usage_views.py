"""What the charts of the usage page can show: each view with what it counts, how it is split and how it reads."""

from dataclasses import dataclass
from enum import StrEnum

from core.usage import Dimension, Measure


class Shown(StrEnum):
    SPEND = "spend"
    MESSAGES = "messages"
    TOKENS = "tokens"
    FIRST_TOKEN = "first-token"
    LATENCY = "latency"
    SPEED = "speed"
    ERRORS = "errors"


@dataclass(frozen=True, slots=True)
class View:
    """One way to look at the log. Over time it is split by `split` or, without, into `parts`."""

    title: str
    measure: Measure  # what groups are compared by
    parts: dict[Measure, str]  # measure -> its name in the legend
    axis: str  # number format
    tooltip: str
    split: Dimension | None = None
    colours: tuple[str, ...] = ()
    is_duration: bool = False  # counted in milliseconds, drawn in seconds
    is_line: bool = False

    @property
    def counted(self) -> list[Measure]:
        return list(dict.fromkeys([self.measure, *self.parts]))


_P50, _P95 = "p50", "p95"
VIEWS = {
    Shown.SPEND: View(
        "Spend", Measure.COST_USD, {Measure.COST_USD: "Spend"}, "$,.4~f", "$,.6~f", split=Dimension.PROVIDER
    ),
    Shown.MESSAGES: View(
        "Messages",
        Measure.MESSAGES,
        {
            Measure.DONE: "Done",
            Measure.STOPPED: "Stopped",
            Measure.INTERRUPTED: "Interrupted",
            Measure.FAILED: "Failed",
        },
        "~s",
        ",d",
        colours=("#3f9b68", "#8d9aa0", "#d0803a", "#d1574c"),  # they mean something, in light and dark
    ),
    Shown.TOKENS: View(
        "Tokens",
        Measure.TOKENS,
        {
            Measure.FRESH_TOKENS: "Input",
            Measure.CACHE_READ_TOKENS: "Cached",
            Measure.CACHE_WRITE_TOKENS: "Cache write",
            Measure.ANSWER_TOKENS: "Output",
            Measure.REASONING_TOKENS: "Reasoning",
        },
        "~s",
        ",d",
    ),
    Shown.FIRST_TOKEN: View(
        "Time to first token",
        Measure.TTFT_P50_MS,
        {Measure.TTFT_P50_MS: _P50, Measure.TTFT_P95_MS: _P95},
        ",.3~f",
        ",.2f",
        is_duration=True,
        is_line=True,
    ),
    Shown.LATENCY: View(
        "Latency",
        Measure.LATENCY_P50_MS,
        {Measure.LATENCY_P50_MS: _P50, Measure.LATENCY_P95_MS: _P95},
        ",.3~f",
        ",.2f",
        is_duration=True,
        is_line=True,
    ),
    Shown.SPEED: View(
        "Tokens per second", Measure.TOKENS_PER_S, {Measure.TOKENS_PER_S: "Tokens/s"}, ",.3~f", ",.1f", is_line=True
    ),
    Shown.ERRORS: View("Errors", Measure.ERRORS, {Measure.ERRORS: "Errors"}, "~s", ",d", split=Dimension.ERROR_KIND),
}
LABELS = {
    Shown.SPEND: "Spend",
    Shown.MESSAGES: "Messages",
    Shown.TOKENS: "Tokens",
    Shown.FIRST_TOKEN: "First token",
    Shown.LATENCY: "Latency",
    Shown.SPEED: "Tokens/s",
    Shown.ERRORS: "Errors",
}
# What rows of the breakdown are, with the parameter of the URL that keeps one of them.
GROUPS = {
    Dimension.PROVIDER: "Provider",
    Dimension.MODEL: "Model",
    Dimension.PROJECT: "Project",
    Dimension.CONVERSATION: "Conversation",
    Dimension.STATUS: "Status",
    Dimension.ERROR_KIND: "Error",
}
