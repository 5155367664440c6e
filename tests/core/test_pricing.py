"""What an attempt costs: rows worked by hand, and sums that are exact."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.pricing import cost, estimate_tokens
from core.types import CostSource, Price, Usage

SONNET = Price(input=Decimal(2), output=Decimal(10), cache_read=Decimal("0.1"), cache_write=Decimal("2.5"))
PLAIN = Price(input=Decimal("0.28"), output=Decimal("0.42"))
FREE = Price(input=Decimal(0), output=Decimal(0))
UNKNOWN = Price()
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
PRICED, REPORTED, IS_FREE, UNPRICED = CostSource.PRICED, CostSource.REPORTED, CostSource.FREE, CostSource.UNPRICED


@pytest.mark.parametrize(
    ("usage", "price", "total", "source"),
    [
        # 1,000 × 2 + 500 × 10 = 7,000 per million
        (Usage(1_000, 500), SONNET, "0.007", PRICED),
        # One token: 0.28 millionths.
        (Usage(1, 0), PLAIN, "0.00000028", PRICED),
        (Usage(0, 0), SONNET, "0", PRICED),
        # Reasoning is part of the output and not paid twice.
        (Usage(1_000, 500, reasoning_tokens=400), SONNET, "0.007", PRICED),
        # 10,000 in, of which 8,000 read from the cache: 2,000 × 2 + 8,000 × 0.1 + 100 × 10 = 5,800
        (Usage(10_000, 100, cache_read_tokens=8_000), SONNET, "0.0058", PRICED),
        # 10,000 in, of which 6,000 written and 3,000 read: 1,000 × 2 + 3,000 × 0.1 + 6,000 × 2.5 + 100 × 10 = 18,300
        (Usage(10_000, 100, cache_read_tokens=3_000, cache_write_tokens=6_000), SONNET, "0.0183", PRICED),
        # A provider that counts cached tokens on top never makes the rest negative: 8,000 × 0.1 = 800
        (Usage(2_000, 0, cache_read_tokens=8_000), SONNET, "0.0008", PRICED),
        # No price for what was cached: unknown. None were cached: no price is needed.
        (Usage(10_000, 100, cache_read_tokens=8_000), PLAIN, None, UNPRICED),
        (Usage(10_000, 100, cache_write_tokens=1), PLAIN, None, UNPRICED),
        (Usage(10_000, 100, cache_read_tokens=0, cache_write_tokens=0), PLAIN, "0.002842", PRICED),
        # Estimated tokens are priced like reported ones.
        (Usage(1_000, 500, is_estimated=True), SONNET, "0.007", PRICED),
        # Unknown is never 0.
        (Usage(1_000, 500), UNKNOWN, None, UNPRICED),
        (Usage(1_000, 500), Price(input=Decimal(2)), None, UNPRICED),
        (Usage(1_000, 500), Price(output=Decimal(2)), None, UNPRICED),
        (Usage(1_000, 0), Price(input=Decimal(2)), "0.002", PRICED),
        (Usage(None, 500), SONNET, None, UNPRICED),
        (Usage(1_000, None), SONNET, None, UNPRICED),
        (Usage(), SONNET, None, UNPRICED),
        # Free is free whatever was counted.
        (Usage(1_000, 500), FREE, "0", IS_FREE),
        (Usage(), FREE, "0", IS_FREE),
        (Usage(1_000, 500), Price(input=Decimal(0), output=Decimal(1)), "0.0005", PRICED),
        # What the provider says wins over our prices, but 0 says nothing.
        (Usage(1_000, 500, reported_cost_usd=Decimal("0.0123")), SONNET, "0.0123", REPORTED),
        (Usage(1_000, 500, reported_cost_usd=Decimal("0.0123")), UNKNOWN, "0.0123", REPORTED),
        (Usage(reported_cost_usd=Decimal("0.0123")), FREE, "0.0123", REPORTED),
        (Usage(1_000, 500, reported_cost_usd=Decimal(0)), SONNET, "0.007", PRICED),
        (Usage(1_000, 500, reported_cost_usd=Decimal(0)), UNKNOWN, None, UNPRICED),
        # Nine decimals are kept, halves to the even neighbour: 0.0000000005 and 0.0000000015
        (Usage(1, 0), Price(Decimal("0.0005"), Decimal(1)), "0", PRICED),
        (Usage(1, 0), Price(Decimal("0.0015"), Decimal(1)), "0.000000002", PRICED),
    ],
)
def test_a_cost_worked_by_hand(usage: Usage, price: Price, total: str | None, source: CostSource) -> None:
    found = cost(usage, price, NOON)
    assert found.source is source
    assert found.total == (None if total is None else Decimal(total))


def test_the_parts_of_a_cost_are_named() -> None:
    found = cost(Usage(10_000, 100, cache_read_tokens=3_000, cache_write_tokens=6_000), SONNET, NOON)
    assert (found.input, found.output) == (Decimal("0.002"), Decimal("0.001"))
    assert (found.cache_read, found.cache_write) == (Decimal("0.0003"), Decimal("0.015"))


@pytest.mark.parametrize(
    "usage",
    [
        Usage(1_000, 500, reported_cost_usd=Decimal("1e9")),
        Usage(1_000, 500, reported_cost_usd=Decimal("1e40")),
        Usage(2**53 - 1, 2**53 - 1),
    ],
)
def test_a_cost_that_no_log_can_hold_is_unknown_not_a_crash(usage: Usage) -> None:
    price = Price(input=Decimal(1_000_000), output=Decimal(1_000_000))
    found = cost(usage, price, NOON)
    assert (found.total, found.source) == (None, UNPRICED)


TOKENS = st.none() | st.integers(0, 10_000_000)
AMOUNTS = st.none() | st.decimals(0, 1_000_000, places=9)


@settings(deadline=None)
@given(
    usage=st.builds(
        Usage, TOKENS, TOKENS, cache_read_tokens=TOKENS, cache_write_tokens=TOKENS, reasoning_tokens=TOKENS
    ),
    price=st.builds(Price, AMOUNTS, AMOUNTS, AMOUNTS, AMOUNTS),
)
def test_the_total_is_exactly_the_sum_of_its_parts_or_unknown(usage: Usage, price: Price) -> None:
    found = cost(usage, price, NOON)
    if found.source is not PRICED:
        assert found.total == (Decimal(0) if found.source is IS_FREE else None)
        return
    assert found.total is not None
    parts = [part for part in found.parts if part is not None]
    assert len(parts) == len(found.parts)
    assert found.total == sum(parts)
    assert found.total >= 0
    assert -int(found.total.as_tuple().exponent) <= 9


@pytest.mark.parametrize(
    ("text", "tokens"), [("", 0), ("a", 1), ("abcd", 1), ("abcde", 2), ("供应商", 3), ("a\ud800", 1)]
)
def test_an_estimate_is_a_quarter_of_the_bytes_rounded_up(text: str, tokens: int) -> None:
    assert estimate_tokens(text) == tokens
