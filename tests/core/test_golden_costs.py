"""Costs worked by hand, in golden_costs.csv: each row says what was used, at which prices, and what it has to cost.

The amounts were computed in whole nano-dollars from the prices of the public tables that each row names, never by the
function that is tested. `price` and `held` are input/output/cache read/cache write, USD per million tokens.
"""

import csv
from datetime import datetime, time
from decimal import Decimal
from pathlib import Path

import pytest

from core.catalog import load_catalog
from core.pricing import cost, not_billed
from core.types import EVERY_DAY, CostSource, Price, Tier, Usage, Window

Row = dict[str, str]
ROWS: list[Row] = list(csv.DictReader(Path(__file__).with_name("golden_costs.csv").read_text().splitlines()))


def amount(text: str) -> Decimal | None:
    return Decimal(text) if text else None


def amounts(text: str) -> list[Decimal | None]:
    return [amount(part) for part in text.split("/")]


def tier(text: str) -> Tier:
    above, _, prices = text.removeprefix(">").partition(" ")
    return Tier(int(above), *amounts(prices))


def window(text: str) -> Window:
    *days, hours, factor = text.split()
    start, _, end = hours.partition("-")
    first, _, last = days[0].partition("-") if days else ("1", "", "7")
    chosen = frozenset(range(int(first), int(last or first) + 1))
    return Window(time.fromisoformat(start), time.fromisoformat(end), Decimal(factor.removeprefix("x")), chosen)


def price(row: Row) -> Price:
    tiers = tuple(tier(text) for text in row["tiers"].split("; ") if text)
    windows = tuple(window(text) for text in row["windows"].split("; ") if text)
    found = amounts(row["price"])
    return Price(found[0], found[1], found[2], found[3], tiers=tiers, windows=windows)


def usage(row: Row) -> Usage:
    def tokens(name: str) -> int | None:
        return int(row[name]) if row[name] else None

    return Usage(
        input_tokens=tokens("input"),
        output_tokens=tokens("output"),
        cache_read_tokens=tokens("cache_read"),
        cache_write_tokens=tokens("cache_write"),
        cache_write_1h_tokens=tokens("cache_write_1h"),
        longest_prompt_tokens=tokens("longest_prompt"),
        reported_cost_usd=amount(row["reported"]),
        is_estimated=bool(row["estimated"]),
    )


@pytest.mark.parametrize("row", ROWS, ids=[f"{row['row']} {row['topic']} {row['model']}" for row in ROWS])
def test_a_cost_is_the_one_worked_by_hand(row: Row) -> None:
    found = cost(usage(row), price(row), datetime.fromisoformat(row["at"]))
    if row["refused"]:
        found = not_billed(found)
    held = found.price
    assert (found.source.value, found.rule or "") == (row["cost_source"], row["rule"])
    assert [held.input, held.output, held.cache_read, held.cache_write] == amounts(row["held"])
    assert found.total == amount(row["total_usd"])
    names = ("input_usd", "output_usd", "cache_read_usd", "cache_write_usd", "cache_write_1h_usd")
    assert list(found.parts) == [amount(row[name]) for name in names]
    if found.source is CostSource.PRICED:
        assert found.total == sum(part for part in found.parts if part is not None)


def test_there_are_two_hundred_rows_of_every_kind_each_with_a_source() -> None:
    assert len(ROWS) >= 200
    assert {row["cost_source"] for row in ROWS} == set(CostSource)
    assert all(row["price_source"] for row in ROWS)
    assert len({tuple(row.values())[1:] for row in ROWS}) == len(ROWS)


def test_the_prices_of_every_model_of_the_catalogue_are_worked_by_hand() -> None:
    def bare(found: Price) -> tuple[object, ...]:
        return found.input, found.output, found.cache_read, found.cache_write, found.tiers, found.windows

    worked = {(row["model"], bare(price(row))) for row in ROWS}
    models = [model for provider in load_catalog().providers for model in provider.models]
    assert not [model.id for model in models if (model.id, bare(model.price)) not in worked]
    assert frozenset({1, 2, 3, 4, 5, 6, 7}) == EVERY_DAY
