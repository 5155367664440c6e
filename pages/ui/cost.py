"""What an answer cost, and how that amount was made: the same drawing wherever an amount of attempts is shown."""

from collections.abc import Sequence
from decimal import Decimal

import streamlit as st

from core.bill import made, parts, rule_words, words
from core.pricing import Cost
from core.types import Attempt, CostSource, Usage
from pages.ui.figures import UNKNOWN, money
from pages.ui.safe import literal

_SAID = {
    CostSource.FREE: "free",
    CostSource.NOT_BILLED: "not billed",
    CostSource.UNPRICED: "no price known",
}


def cost_popover(attempts: Sequence[Attempt]) -> None:
    """Draw what an answer cost as a quiet button that opens how it was made, each attempt by itself."""
    # Markdown, since it is drawn under every answer: a table of st.table took 3 ms, one of these 0.3 (2026-11-24).
    with st.popover(f":small[{literal(amount(attempts))}]", type="tertiary", help="How this amount was made"):
        for attempt in attempts:
            if len(attempts) > 1:
                name = f"{attempt.attempt_number} · {attempt.model_name} · {attempt.provider_name}"
                st.markdown(f"**{literal(name)}**")
            draw_cost(attempt.usage, made(attempt))


def amount(attempts: Sequence[Attempt]) -> str:
    """Return what attempts cost together: at least that where one of them is not priced."""
    if len(attempts) == 1 and attempts[0].cost_source in _SAID:
        return _SAID[attempts[0].cost_source]
    known = [attempt.cost_usd for attempt in attempts if attempt.cost_usd is not None]
    if not known:
        return _SAID[CostSource.UNPRICED]
    least = "≥ " if len(known) < len(attempts) else ""
    about = "~" if any(attempt.usage.is_estimated for attempt in attempts) else ""
    return least + about + money(sum(known, Decimal(0)))


def draw_cost(usage: Usage, cost: Cost) -> None:
    """Draw tokens × price = part, their sum, the rule that held and where the price is from."""
    total = literal(UNKNOWN if cost.total is None else f"${cost.total.normalize():f}")
    lines = [f"| {name} :gray[{factors}] | {part} |" for name, factors, part in _rows(usage, cost)]
    if lines:
        # Two columns, so that it fits a phone.
        head = ["| Tokens × \\$ per million | Cost |", "|:--|--:|"]
        st.markdown("\n".join([*head, *lines, f"| **Sum** | **{total}** |"]))
    else:
        st.markdown(f"**{total}**")
    said = [words(cost), literal(rule_words(cost) or "")]
    if usage.is_estimated:
        said.append("~ The tokens are estimates of ours")
    if (lines or cost.source is CostSource.FREE) and cost.price.source:
        as_of = f", {cost.price.as_of:%d %B %Y}" if cost.price.as_of else ""
        said.append(literal(f"Prices: {cost.price.source}{as_of}"))
    st.caption("  \n".join(text for text in said if text))


def _rows(usage: Usage, cost: Cost) -> list[tuple[str, str, str]]:
    about = "~" if usage.is_estimated else ""
    return [
        (
            part.name,
            literal(
                f"{UNKNOWN if part.tokens is None else f'{about}{part.tokens:,}'}\u00a0×\u00a0"
                f"{UNKNOWN if part.price is None else f'{part.price.normalize():f}'}"
            ),
            literal(UNKNOWN if part.cost_usd is None else f"${part.cost_usd.normalize():f}"),
        )
        for part in parts(usage, cost)
    ]
