"""The row of figures above the charts: what core/usage counted, each beside what it was in the period before."""

from collections.abc import Callable
from decimal import Decimal
from typing import Literal

import streamlit as st

from core.usage import Totals
from pages.ui.figures import UNKNOWN, count, duration, money
from pages.ui.safe import literal


def figures(now: Totals, before: Totals | None) -> None:
    """Draw the eight figures of a period, each with its change against the period before, if there was one."""
    with st.grid(4, min_column_width=150):
        _figure(
            "Spend",
            spend_words(now),
            _change(now, before, lambda totals: totals.cost_usd),
            detail=f"{now.unpriced:,} unpriced" if now.unpriced else "every request priced",
            about="The sum over all requests whose price is known. The others are counted as unpriced, never as free. "
            f"The tokens of {now.estimated:,} requests are estimates, because the provider did not report them.",
        )
        _figure(
            "Messages",
            count(now.messages),
            _change(now, before, lambda totals: totals.messages),
            detail=f"{count(now.attempts)} {'attempt' if now.attempts == 1 else 'attempts'}",
            about="A message that was tried more than once counts once; each try is an attempt.",
        )
        _figure(
            "Success",
            _percent(now.success_rate),
            _change(now, before, lambda totals: totals.success_rate, is_share=True),
            color="normal",
            detail=f"{now.failed + now.interrupted:,} failed",
            about=f"{now.done:,} messages were answered to the end, {now.failed:,} failed and {now.interrupted:,} were "
            f"interrupted. The {now.stopped:,} that were stopped by hand are left out.",
        )
        _figure(
            "Cache hits",
            _percent(now.cached_share),
            _change(now, before, lambda totals: totals.cached_share, is_share=True),
            color="normal",
            detail=_saved_words(now),
            about="Share of the input that was read from a provider's cache, where it is reported. Saved: what that "
            "input costs less than fresh input, minus what writing to the cache costs more, at the prices of each row.",
        )
        _figure(
            "Tokens",
            count(now.tokens),
            _change(now, before, lambda totals: totals.tokens),
            detail=f"{count(now.input_tokens)} in, {count(now.output_tokens)} out",
            about="Input with its cached parts and output with its reasoning. "
            f"Of the output {count(now.reasoning_tokens)} are known to be reasoning.",
        )
        about = "From sending to the first text or reasoning: half began sooner, and 95 of 100 sooner than p95."
        change = _change(now, before, lambda totals: totals.ttft_p50_ms)
        _speed("First token", now.ttft_p50_ms, now.ttft_p95_ms, change, about)
        about = "From sending to the end of finished answers: half were faster, and 95 of 100 faster than p95."
        change = _change(now, before, lambda totals: totals.latency_p50_ms)
        _speed("Latency", now.latency_p50_ms, now.latency_p95_ms, change, about)
        _figure(
            "Tokens/s",
            UNKNOWN if now.tokens_per_s is None else f"{now.tokens_per_s:,.1f}",
            _change(now, before, lambda totals: totals.tokens_per_s),
            color="normal",
            detail="over the whole latency",
            about="Output tokens over the whole latency, of finished answers.",
        )


def spend_words(totals: Totals) -> str:
    """Return a total as far as it is known: with ≥ where something is unpriced, unknown where everything is."""
    if totals.cost_usd is None:
        return UNKNOWN if totals.unpriced else money(Decimal(0))
    return f"≥ {money(totals.cost_usd)}" if totals.unpriced else money(totals.cost_usd)


def _change(
    now: Totals, before: Totals | None, of: Callable[[Totals], float | Decimal | None], *, is_share: bool = False
) -> str | int | None:
    """Return a change in percent, of a share in points; 0 where it rounds to nothing, None without a comparison."""
    value, old = of(now), of(before) if before else None
    if value is None or old is None:
        return None
    if is_share:
        points = round(100 * (float(value) - float(old)), 1)
        return f"{points:+.1f} points" if points else 0
    if not old:
        return None
    percent = round(100 * (float(value) / float(old) - 1))
    return f"{percent:+,d}%" if percent else 0


def _percent(share: float | None) -> str:
    """Return a share in percent; 100% and 0% only where nothing is missing."""
    if share is None:
        return UNKNOWN
    rounded = f"{100 * share:.1f}".removesuffix(".0")
    if (rounded == "100" and share < 1) or (rounded == "0" and share > 0):
        return "<0.1%" if share < 0.5 else ">99.9%"
    return f"{rounded}%"


def _saved_words(totals: Totals) -> str:
    saved = totals.cache_saved_usd
    if saved is None:
        return "savings unknown"
    return f"{money(saved)} saved" if saved >= 0 else f"{money(-saved)} more than without"


def _speed(label: str, p50: float | None, p95: float | None, change: str | int | None, about: str) -> None:
    _figure(label, duration(p50), change, color="inverse", detail=f"p95 {duration(p95)}", about=about)


def _figure(
    label: str,
    value: str,
    change: str | int | None,
    *,
    color: Literal["off", "normal", "inverse"] = "off",
    detail: str = "",
    about: str,
) -> None:
    with st.container(border=True, height="stretch", gap="xxsmall"):
        st.metric(label, literal(value), change, delta_color=color, help=about)
        if detail:
            st.caption(literal(detail))
