"""What an attempt cost. Pure, exact decimals; what is not known stays unknown and is never 0."""

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

from core.types import CostSource, Price, Usage

_MILLION = Decimal(1_000_000)
_NANO = Decimal("0.000000001")  # the log keeps nine decimals
_LIMIT = Decimal(10) ** 9  # and nine digits before them: a provider that reports more is talking nonsense


@dataclass(frozen=True, slots=True)
class Cost:
    """USD. The parts add up to the total where we priced it; they are None where the provider said only the sum."""

    total: Decimal | None
    source: CostSource
    input: Decimal | None = None
    output: Decimal | None = None
    cache_read: Decimal | None = None
    cache_write: Decimal | None = None


def cost(usage: Usage, price: Price) -> Cost:
    """Price the tokens of one attempt. A cost above zero that the provider itself reports wins (OpenRouter does)."""
    if usage.reported_cost_usd is not None and usage.reported_cost_usd > 0:
        if usage.reported_cost_usd >= _LIMIT:
            return Cost(total=None, source=CostSource.UNPRICED)
        return Cost(total=_nano(usage.reported_cost_usd), source=CostSource.REPORTED)
    if price.input == 0 and price.output == 0:
        return Cost(total=Decimal(0), source=CostSource.FREE)
    if usage.input_tokens is None or usage.output_tokens is None:
        return Cost(total=None, source=CostSource.UNPRICED)
    cache_read, cache_write = usage.cache_read_tokens or 0, usage.cache_write_tokens or 0
    parts = [
        _part(max(usage.input_tokens - cache_read - cache_write, 0), price.input),
        _part(usage.output_tokens, price.output),
        _part(cache_read, price.cache_read),
        _part(cache_write, price.cache_write),
    ]
    known = [part for part in parts if part is not None]
    total = sum(known, Decimal(0))
    if len(known) < len(parts) or total >= _LIMIT:
        return Cost(None, CostSource.UNPRICED, *parts)
    return Cost(total, CostSource.PRICED, *parts)


def estimate_tokens(text: str) -> int:
    """Return about how many tokens a text has: a quarter of its UTF-8 bytes, which is fair to Chinese text too."""
    return -(-len(text.encode("utf-8", "replace")) // 4)


def _part(tokens: int, per_million: Decimal | None) -> Decimal | None:
    if tokens == 0:
        return Decimal(0)
    return None if per_million is None else _nano(tokens * per_million / _MILLION)


def _nano(amount: Decimal) -> Decimal:
    return amount.quantize(_NANO, rounding=ROUND_HALF_EVEN)
