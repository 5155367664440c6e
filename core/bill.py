"""How an amount was made: tokens times prices, line by line, and the rule in words. Pure."""

from dataclasses import dataclass, replace
from decimal import Decimal

from core.pricing import BASE, Cost, cost, hour_price, prompt_parts
from core.types import Attempt, CostSource, Usage


@dataclass(frozen=True, slots=True)
class Part:
    """One line of a bill. `cost_usd` None: the price, or how many tokens, is not known."""

    name: str
    tokens: int | None
    price: Decimal | None  # USD per million
    cost_usd: Decimal | None


def made(attempt: Attempt) -> Cost:
    """Return how the cost in an attempt's row was made, from the tokens and prices in that row alone."""
    usage = replace(attempt.usage, reported_cost_usd=None)
    again = cost(usage, attempt.price, attempt.started_at)
    return replace(again, total=attempt.cost_usd, source=attempt.cost_source, rule=attempt.price_rule)


def parts(usage: Usage, cost: Cost) -> list[Part]:
    """Return the lines whose sum the cost is; none where it is not made of tokens."""
    price = cost.price
    has_tokens = usage.input_tokens is not None or usage.output_tokens is not None
    if cost.source not in (CostSource.PRICED, CostSource.UNPRICED) or not (has_tokens or cost.rule):
        return []
    fresh, read, written, written_1h = prompt_parts(usage)
    is_cached = read or written or written_1h
    lines = [
        Part(
            "Input, not cached" if is_cached else "Input",
            None if usage.input_tokens is None else fresh,
            price.input,
            cost.input,
        ),
        Part("Output", usage.output_tokens, price.output, cost.output),
        Part("Read from the cache", read, price.cache_read, cost.cache_read),
        Part("Written to the cache", written, price.cache_write, cost.cache_write),
        Part("Written to the cache for 1 hour", written_1h, hour_price(price), cost.cache_write_1h),
    ]
    return lines[:2] + [line for line in lines[2:] if line.tokens]


def words(cost: Cost) -> str:
    """Return in a sentence how the cost was found."""
    match cost.source:
        case CostSource.PRICED:
            return "Tokens times the prices at the time of sending."
        case CostSource.REPORTED:
            return "The provider said it."
        case CostSource.FREE:
            return "The model's prices are 0."
        case CostSource.NOT_BILLED:
            return "The provider refused the request or never had it, so nothing is billed."
        case CostSource.UNPRICED:
            return "Unknown: a price or a number of tokens is missing."


def rule_words(cost: Cost) -> str | None:
    """Return which of the model's prices held; None where none is known or none was used."""
    if cost.rule is None or cost.source in (CostSource.REPORTED, CostSource.NOT_BILLED):
        return None
    if cost.rule == BASE:
        return "Base price"
    return cost.rule[0].upper() + cost.rule[1:].replace(" x ", " × ")
