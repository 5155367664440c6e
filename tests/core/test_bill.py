"""How an amount was made, from its row alone: the lines add up to it, and the rule is said in words."""

from datetime import UTC, datetime, time
from decimal import Decimal

from core.bill import made, parts, rule_words, words
from core.pricing import cost
from core.types import CostSource, Price, Tier, Usage, Window
from tests.core.test_usage import make_attempt

AT = datetime(2026, 11, 3, 17, tzinfo=UTC)
PRICE = Price(
    Decimal(2),
    Decimal(10),
    Decimal("0.2"),
    Decimal("2.5"),
    tiers=(Tier(100_000, Decimal(4), Decimal(15), Decimal("0.4"), Decimal(5)),),
    windows=(Window(time(16, 30), time(0, 30), Decimal("0.5")),),
)


def test_the_parts_of_a_cost_add_up_to_it() -> None:
    usage = Usage(1000, 200, cache_read_tokens=600, cache_write_tokens=150, cache_write_1h_tokens=50)
    flat = Price(Decimal(2), Decimal(10), Decimal("0.2"), Decimal("2.5"))
    found = parts(usage, made(make_attempt(AT, usage=usage, price=flat, cost_source=CostSource.PRICED)))
    assert [(part.name, part.tokens, part.price, part.cost_usd) for part in found] == [
        ("Input, not cached", 250, Decimal(2), Decimal("0.0005")),
        ("Output", 200, Decimal(10), Decimal("0.002")),
        ("Read from the cache", 600, Decimal("0.2"), Decimal("0.00012")),
        ("Written to the cache", 100, Decimal("2.5"), Decimal("0.00025")),
        ("Written to the cache for 1 hour", 50, Decimal(4), Decimal("0.0002")),
    ]


def test_a_row_alone_tells_how_its_tier_and_window_were_priced() -> None:
    usage = Usage(200_000, 1000)
    priced = cost(usage, PRICE, AT)
    row = make_attempt(
        AT, usage=usage, price=priced.price, price_rule=priced.rule, cost_usd=priced.total, cost_source=priced.source
    )
    again = made(row)
    assert [(part.tokens, part.price, part.cost_usd) for part in parts(usage, again)] == [
        (200_000, Decimal(2), Decimal("0.4")),
        (1000, Decimal("7.5"), Decimal("0.0075")),
    ]
    assert again.total == Decimal("0.4075") == sum(part for part in again.parts if part)
    assert rule_words(again) == "Over 100,000 tokens, off-peak 16:30-00:30 UTC × 0.5"
    assert words(again) == "Tokens times the prices at the time of sending."


def test_what_is_not_known_stands_as_unknown() -> None:
    nothing = cost(Usage(), Price(), AT)
    assert (parts(Usage(), nothing), rule_words(nothing)) == ([], None)
    no_price = cost(Usage(5, 7), Price(), AT)
    assert [(part.tokens, part.price, part.cost_usd) for part in parts(Usage(5, 7), no_price)] == [
        (5, None, None),
        (7, None, None),
    ]
    assert words(no_price) == "Unknown: a price or a number of tokens is missing."


def test_what_was_said_or_is_free_has_no_parts() -> None:
    said = cost(Usage(5, 7, reported_cost_usd=Decimal("0.01")), PRICE, AT)
    free = cost(Usage(5, 7), Price(Decimal(0), Decimal(0)), AT)
    assert parts(Usage(5, 7), said) == parts(Usage(5, 7), free) == []
    assert (rule_words(said), words(said)) == (None, "The provider said it.")
    assert (rule_words(free), words(free)) == ("Base price", "The model's prices are 0.")
