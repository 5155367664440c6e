"""What the Providers page says about a model: its prices, its retirement, its record. It asks nothing."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

import pandas as pd
import streamlit as st

from core.pricing import window_words
from core.store.log import ModelRecord
from core.types import Model, Price, Tier
from pages.ui.safe import literal

RECORD_DAYS = 7
# Field of Price -> its label. Eight digits and nine decimals are what the store keeps exactly.
PRICES = {"input": "Input", "output": "Output", "cache_read": "Cache read", "cache_write": "Cache write"}
_MONEY = {
    label: st.column_config.NumberColumn(format="$%g", help="USD per million tokens") for label in PRICES.values()
}
MODEL_COLUMNS = {
    "Default": st.column_config.TextColumn(width=70, alignment="center"),
    "Retirement": st.column_config.TextColumn(width=380),
    "Context": st.column_config.NumberColumn(format="compact", help="Tokens"),
    "First token": st.column_config.NumberColumn(
        format="%.0f ms", help=f"Median of your own answers in the last {RECORD_DAYS} days"
    ),
    "Failed": st.column_config.NumberColumn(
        format="percent", help=f"Share of your own requests in the last {RECORD_DAYS} days; stopped ones do not count"
    ),
    **_MONEY,
}


def amount_words(amount: Decimal | None) -> str:
    """Return an amount with the digits it was entered with and no zeros behind them."""
    return "unknown" if amount is None else f"${amount.normalize():f}"


def price_words(price: Price) -> str:
    if price.input is None and price.output is None:
        return "Price unknown"
    origin = ", ".join(str(part) for part in (price.source, price.as_of) if part)
    return f"Price per million tokens: {_amounts(price)}" + (f" ({origin})" if origin else "")


def rule_lines(price: Price) -> list[str]:
    """Return a line for each tier, and one for all windows of a factor."""
    lines = [f"Over {tier.above_tokens:,} tokens of prompt: {_amounts(tier)}" for tier in price.tiers]
    for factor in dict.fromkeys(window.factor for window in price.windows):
        hours = "; ".join(window_words(window) for window in price.windows if window.factor == factor)
        lines.append(f"{'Peak' if factor > 1 else 'Off-peak'} × {factor:f}: {hours}")
    return lines


def _amounts(row: Price | Tier) -> str:
    known = [f"{label.lower()} {amount_words(getattr(row, field))}" for field, label in PRICES.items()]
    return ", ".join(text for text in known if not (text.startswith("cache") and text.endswith("unknown")))


def retirement(model: Model, today: date) -> str:
    """Return what the vendor said about the end of the model, or nothing."""
    use = f"use {model.replacement}" if model.replacement else ""
    if model.retires_on is None:
        return use
    verb = "retires on" if model.retires_on > today else "retired by the vendor on"
    return " · ".join(part for part in (f"{verb} {model.retires_on}", use) if part)


def model_table(models: Sequence[Model], today: date, records: Mapping[str, ModelRecord]) -> pd.DataFrame:
    """Return one row per model, in order, as the page shows it. Prices are only for the eye."""
    known = [records.get(model.id) for model in models]
    failed = [record.failed / record.ended if record and record.ended else None for record in known]

    def dollars(field: str) -> pd.Series:
        return pd.Series([getattr(model.price, field) for model in models], dtype="float64")

    return pd.DataFrame(
        {
            "Name": [model.name for model in models],
            "Default": ["✓" if model.is_default else "" for model in models],
            "Input": dollars("input"),
            "Output": dollars("output"),
            "Cache read": dollars("cache_read"),
            "Context": pd.Series([model.context_tokens for model in models], dtype="Int64"),
            "First token": pd.Series([record.ttft_p50_ms if record else None for record in known], dtype="float64"),
            "Failed": pd.Series(failed, dtype="float64"),
            "Id": [model.id for model in models],
            "Retirement": [retirement(model, today) for model in models],
            "Price from": [model.price.source or "" for model in models],
            "Price of": [f"{model.price.as_of or ''}" for model in models],
            "Note": [model.note or "" for model in models],
        }
    )


def model_summary(model: Model) -> str:
    """Return what a table row has no room for, as Markdown."""
    context = f"Context {model.context_tokens:,} tokens" if model.context_tokens else "Context unknown"
    lines = [f"{context}. {price_words(model.price)}", *rule_lines(model.price), model.note]
    return "  \n".join(literal(line) for line in lines if line)
