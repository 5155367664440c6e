"""The prices in a model's form: base, tiers, windows, where they are from, and an example that is priced with them."""

import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.errors import InvalidInput
from core.models import PRICE_LIMIT, check_price
from core.pricing import cost, day_words
from core.types import EVERY_DAY, Price, Tier, Usage, Window
from pages.ui.cost import draw_cost
from pages.ui.model_words import PRICES

ENTERED = "entered by you"
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_DAY_NUMBERS = {name.lower(): number for number, name in enumerate(_DAYS, start=1)}
_ABOVE = "Prompt above"
_HOUR = re.compile(r"([01]?\d|2[0-4]):([0-5]\d)", re.ASCII)
_AMOUNT = re.compile(r"\d{1,8}(\.\d{0,9})?|\.\d{1,9}", re.ASCII)
_TOKENS = re.compile(r"(\d{1,9})(?:\.(\d{1,3}))?([km]?)", re.ASCII | re.IGNORECASE)


def parse_price(text: str, field: str, *, slot: str | None = None) -> Decimal | None:
    """Return USD per million tokens; nothing typed is unknown. Raises InvalidInput naming `price_FIELD` or the slot."""
    typed = text.strip().removeprefix("$").strip()
    if not typed:
        return None
    if not _AMOUNT.fullmatch(typed) or (amount := Decimal(typed)) > PRICE_LIMIT:
        raise InvalidInput(
            f"Enter a number from 0 to {PRICE_LIMIT:,} such as 0.25, with a point and without thousands separators.",
            field=slot or f"price_{field}",
        )
    return amount


def parse_tokens(text: str, field: str = "context_tokens") -> int | None:
    """Read 200000, 200,000, 200k or 1M; nothing typed is unknown. Raises InvalidInput."""
    typed = re.sub(r"(?<=\d)[, _](?=\d{3})", "", text.strip())
    if not typed:
        return None
    found = _TOKENS.fullmatch(typed)
    factor = {"": 1, "k": 1000, "m": 1_000_000}[found[3].lower()] if found else 1
    tokens = Decimal(f"{found[1]}.{found[2] or 0}") * factor if found else Decimal(0)
    if tokens < 1 or tokens > 1_000_000_000 or tokens != int(tokens):
        raise InvalidInput("Enter a number of tokens such as 128000, 128k or 1M.", field=field)
    return int(tokens)


def parse_hour(text: str) -> time:
    """Read an hour of the day such as 16:30; 24:00 is midnight. Raises InvalidInput."""
    found = _HOUR.fullmatch(text.strip())
    if not found or (int(found[1]) == 24 and int(found[2])):
        raise InvalidInput("Enter the hours of a window as 16:30, in UTC.", field="windows")
    return time(int(found[1]) % 24, int(found[2]))


def parse_days(text: str) -> frozenset[int]:
    """Read days such as Mon-Fri or Sat, Sun; nothing typed is every day. Raises InvalidInput."""
    days: set[int] = set()
    for part in text.lower().replace("–", "-").split(",") if text.strip() else ():
        ends = [name.strip()[:3] for name in part.split("-")]
        if len(ends) > 2 or not set(ends) <= set(_DAY_NUMBERS):
            raise InvalidInput("Enter the days of a window as Mon-Fri, or Sat, Sun.", field="windows")
        first, last = _DAY_NUMBERS[ends[0]], _DAY_NUMBERS[ends[-1]]
        days |= {(first - 1 + step) % 7 + 1 for step in range((last - first) % 7 + 1)}
    return frozenset(days) or EVERY_DAY


@dataclass(frozen=True, slots=True)
class PriceFields:
    """What stands in the fields, as it was typed."""

    amounts: Mapping[str, str]
    source: str
    as_of: date | None
    tiers: list[Mapping[Hashable, Any]]
    windows: list[Mapping[Hashable, Any]]


def price_fields(price: Price, of: str, slots: dict[str, DeltaGenerator]) -> PriceFields:
    """Draw the fields; each leaves a slot for what is wrong with it."""
    st.markdown("Prices in USD per million tokens", help="Left empty, a price is unknown. Enter 0 for what is free.")
    typed: dict[str, str] = {}
    for row in (("input", "output"), ("cache_read", "cache_write")):
        for field, column in zip(row, st.columns(2), strict=True):
            with column:
                typed[field] = st.text_input(
                    PRICES[field], _text(getattr(price, field)), key=f"price_{field}_{of}", placeholder="Unknown"
                )
                slots[f"price_{field}"] = st.empty()
    slots["price"] = st.empty()
    left, right = st.columns(2)
    source = left.text_input("Source", price.source or "", key=f"price_source_{of}", placeholder=ENTERED)
    as_of = right.date_input("As of", price.as_of, key=f"price_as_of_{of}", format="YYYY-MM-DD")
    slots["source"] = st.empty()
    with st.expander(_title("Tiers by prompt length", len(price.tiers)), expanded=bool(price.tiers)):
        st.caption("From one token more than this, cached ones counted, its prices hold for the whole request.")
        tiers = st.data_editor(
            _tier_rows(price),
            num_rows="dynamic",
            hide_index=True,
            key=f"price_tiers_{of}",
            column_config={
                _ABOVE: st.column_config.TextColumn(help="Tokens, such as 200k", width=110),
                **{label: st.column_config.TextColumn(width=85) for label in PRICES.values()},
            },
            placeholder="–",
            alt="Prices by the length of the prompt",
        )
        slots["tiers"] = st.empty()
    with st.expander(_title("Off-peak windows", len(price.windows)), expanded=bool(price.windows)):
        st.caption("Hours in UTC in which every price is multiplied by a factor. A window may cross midnight.")
        windows = st.data_editor(
            _window_rows(price),
            num_rows="dynamic",
            hide_index=True,
            key=f"price_windows_{of}",
            column_config={
                "From": st.column_config.TextColumn(help="Such as 16:30", width=80),
                "To": st.column_config.TextColumn(help="Not part of the window", width=75),
                "Factor": st.column_config.TextColumn(help="0.5 for half price", width=90),
                "Days": st.column_config.TextColumn(
                    help="On which it begins: Mon-Fri, or Sat, Sun. Empty: every day", width=110
                ),
            },
            placeholder="–",
            alt="Hours with other prices",
        )
        slots["windows"] = st.empty()
    return PriceFields(typed, source, as_of, [*tiers.to_dict("records")], [*windows.to_dict("records")])


def read_price(fields: PriceFields, was: Price, *, today: date) -> Price:
    """Return the price that was typed, checked. Other amounts under an untouched source are the user's, of today."""
    amounts = {field: parse_price(text, field) for field, text in fields.amounts.items()}
    price = check_price(
        Price(
            amounts["input"],
            amounts["output"],
            amounts["cache_read"],
            amounts["cache_write"],
            fields.source,
            fields.as_of,
            tuple(_tier(row) for row in fields.tiers if any(_cell(row, name) for name in (_ABOVE, *PRICES.values()))),
            tuple(_window(row) for row in fields.windows if any(_cell(row, name) for name in ("From", "To", "Factor"))),
        )
    )
    is_same_source = (price.source, price.as_of) == (was.source, was.as_of)
    if is_same_source and _bare(price) != _bare(was):
        return replace(price, source=ENTERED, as_of=today)
    return price


@dataclass(frozen=True, slots=True)
class Example:
    """A request to price: typed beside the prices, and never stored."""

    prompt: str
    output: str
    cached_percent: int
    day: str
    at: time


def example_fields(of: str) -> Example:
    now = datetime.now(UTC)
    left, right = st.columns(2)
    prompt = left.text_input("Prompt in tokens", "10k", key=f"example_prompt_{of}")
    output = right.text_input("Answer in tokens", "1k", key=f"example_output_{of}")
    cached = st.slider("Share of the prompt read from the cache", 0, 100, 0, format="%d %%", key=f"example_cached_{of}")
    left, right = st.columns(2)
    day = left.selectbox("Day", _DAYS, index=now.weekday(), key=f"example_day_{of}")
    at = right.time_input("Time (UTC)", time(now.hour), key=f"example_at_{of}", step=60)
    return Example(prompt, output, cached, day, at)


def check_example(example: Example, price: Price) -> None:
    """Draw what a request would cost and how, by the function that prices real ones. Raises InvalidInput."""
    prompt, output = parse_tokens(example.prompt, "example"), parse_tokens(example.output, "example")
    cached = (prompt or 0) * example.cached_percent // 100
    usage = Usage(input_tokens=prompt, output_tokens=output, cache_read_tokens=cached)
    monday = date(2026, 11, 23)
    at = datetime.combine(monday.replace(day=monday.day + _DAYS.index(example.day)), example.at, tzinfo=UTC)
    draw_cost(usage, cost(usage, price, at))


def _bare(price: Price) -> tuple[Any, ...]:
    return price.input, price.output, price.cache_read, price.cache_write, price.tiers, price.windows


def _text(amount: Decimal | None) -> str:
    return "" if amount is None else f"{amount.normalize():f}"


def _title(words: str, count: int) -> str:
    return f"{words} ({count})" if count else words


def _tier_rows(price: Price) -> pd.DataFrame:
    rows = [
        {_ABOVE: str(tier.above_tokens), **{label: _text(getattr(tier, name)) for name, label in PRICES.items()}}
        for tier in price.tiers
    ]
    return pd.DataFrame(rows, columns=[_ABOVE, *PRICES.values()], dtype="str")


def _window_rows(price: Price) -> pd.DataFrame:
    rows = [
        {
            "From": f"{window.start:%H:%M}",
            "To": "24:00" if window.end == time(0) else f"{window.end:%H:%M}",
            "Factor": _text(window.factor),
            "Days": "" if window.days == EVERY_DAY else day_words(window.days),
        }
        for window in price.windows
    ]
    return pd.DataFrame(rows, columns=["From", "To", "Factor", "Days"], dtype="str")


def _cell(row: Mapping[Hashable, Any], name: str) -> str:
    value = row.get(name)
    return value.strip() if isinstance(value, str) else ""  # an empty cell is None or NaN


def _tier(row: Mapping[Hashable, Any]) -> Tier:
    above = parse_tokens(_cell(row, _ABOVE), "tiers")
    if above is None:
        raise InvalidInput("Say from how many tokens of prompt on a tier holds.", field="tiers")
    amounts = [parse_price(_cell(row, label), "tiers", slot="tiers") for label in PRICES.values()]
    return Tier(above, *amounts)


def _window(row: Mapping[Hashable, Any]) -> Window:
    factor = parse_price(_cell(row, "Factor"), "windows", slot="windows")
    if factor is None:
        raise InvalidInput("Say by which factor prices are multiplied, such as 0.5 for half price.", field="windows")
    return Window(parse_hour(_cell(row, "From")), parse_hour(_cell(row, "To")), factor, parse_days(_cell(row, "Days")))
