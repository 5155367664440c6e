"""Measures over the log: what it cost, how fast it was, how often it failed."""

from core.usage.filters import Filter
from core.usage.measures import Measure, Query, Totals
from core.usage.queries import (
    LATENCY_BORDERS_MS,
    TIMES,
    Dimension,
    Stretch,
    by_query,
    last_query,
    totals_query,
)
from core.usage.reads import (
    Names,
    Span,
    answer,
    bounded,
    by,
    compared,
    frame,
    has_conversation,
    last_messages,
    names,
    size,
    span,
    text,
    titles,
    totals,
)

__all__ = [
    "LATENCY_BORDERS_MS", "TIMES", "Dimension", "Filter", "Measure", "Names", "Query", "Span", "Stretch", "Totals",
    "answer", "bounded", "by", "by_query", "compared", "frame", "has_conversation", "last_messages", "last_query",
    "names", "size", "span", "text", "titles", "totals", "totals_query",
]  # fmt: skip
