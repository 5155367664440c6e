"""What the Providers page says and asks about a model: its price and retirement in words, its form, its dialogs."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.errors import InvalidInput, SwitchboardError
from core.store.log import ModelRecord
from core.types import Model, Price, Provider
from core.workbench import Workbench
from pages.ui.provider_forms import apply, done, refuse
from pages.ui.safe import literal
from pages.ui.session import session

ENTERED = "entered by you"
RECORD_DAYS = 7
PRICE_LIMIT = 1_000_000
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
_AMOUNT = re.compile(r"\d{1,8}(\.\d{0,9})?|\.\d{1,9}", re.ASCII)
_TOKENS = re.compile(r"(\d{1,9})(?:\.(\d{1,3}))?([km]?)", re.ASCII | re.IGNORECASE)


def parse_price(text: str, field: str) -> Decimal | None:
    """Return USD per million tokens; nothing typed is unknown. Raises InvalidInput naming `price_FIELD`."""
    typed = text.strip().removeprefix("$").strip()
    if not typed:
        return None
    if not _AMOUNT.fullmatch(typed) or (amount := Decimal(typed)) > PRICE_LIMIT:
        raise InvalidInput(
            f"Enter a number from 0 to {PRICE_LIMIT:,} such as 0.25, with a point and without thousands separators.",
            field=f"price_{field}",
        )
    return amount


def parse_tokens(text: str) -> int | None:
    """Read 200000, 200,000, 200k or 1M; nothing typed is unknown. Raises InvalidInput."""
    typed = re.sub(r"(?<=\d)[, _](?=\d{3})", "", text.strip())
    if not typed:
        return None
    found = _TOKENS.fullmatch(typed)
    factor = {"": 1, "k": 1000, "m": 1_000_000}[found[3].lower()] if found else 1
    tokens = Decimal(f"{found[1]}.{found[2] or 0}") * factor if found else Decimal(0)
    if tokens < 1 or tokens > 1_000_000_000 or tokens != int(tokens):
        raise InvalidInput("Enter a number of tokens such as 128000, 128k or 1M.", field="context_tokens")
    return int(tokens)


def amount_words(amount: Decimal | None) -> str:
    """Return an amount with the digits it was entered with and no zeros behind them."""
    return "unknown" if amount is None else f"${amount.normalize():f}"


def price_words(price: Price) -> str:
    known = [f"{label.lower()} {amount_words(getattr(price, field))}" for field, label in PRICES.items()]
    if price.input is None and price.output is None:
        return "Price unknown"
    shown = [text for text in known if not (text.startswith("cache") and text.endswith("unknown"))]
    origin = ", ".join(str(part) for part in (price.source, price.as_of) if part)
    return f"Price per million tokens: {', '.join(shown)}" + (f" ({origin})" if origin else "")


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
            "Note": [model.note or "" for model in models],
        }
    )


def model_form(workbench: Workbench, provider: Provider, model: Model | None = None) -> Model | None:
    """Draw the fields of a model, new or to change, and return it once it is saved. The id of a known model stays."""
    of = f"{provider.id}_{model.id if model else ''}"
    slots: dict[str, DeltaGenerator] = {}
    with st.form(f"model_{of}", border=False):
        if model is None:
            model_id = st.text_input(
                "Model id", key=f"model_id_{of}", placeholder="gpt-6-luna", help="Exactly as the provider writes it."
            )
            slots["id"] = st.empty()
        else:
            model_id = model.id
        name = st.text_input(
            "Name", model.name if model else "", key=f"model_name_{of}", placeholder="Like the id, if left empty"
        )
        slots["name"] = st.empty()
        context = st.text_input(
            "Context length in tokens",
            str(model.context_tokens) if model and model.context_tokens else "",
            key=f"context_tokens_{of}",
            placeholder="Unknown",
        )
        slots["context_tokens"] = st.empty()
        st.markdown(
            "Prices in USD per million tokens", help="Left empty, a price is unknown. Enter 0 for what is free."
        )
        typed: dict[str, str] = {}
        for row in (("input", "output"), ("cache_read", "cache_write")):
            for field, column in zip(row, st.columns(2), strict=True):
                amount = getattr(model.price, field) if model else None
                with column:
                    typed[field] = st.text_input(
                        PRICES[field],
                        f"{amount.normalize():f}" if amount is not None else "",
                        key=f"price_{field}_{of}",
                        placeholder="Unknown",
                    )
                    slots[f"price_{field}"] = st.empty()
        slots[""] = st.empty()
        is_sent = st.form_submit_button("Save" if model else "Add model", type="primary")
    if not is_sent:
        return None
    base = model or Model(provider_id=provider.id, id=model_id, name=name)
    try:
        changed = replace(base, id=model_id, name=name, context_tokens=parse_tokens(context))
        prices = {field: parse_price(text, field) for field, text in typed.items()}
        if any(getattr(base.price, field) != amount for field, amount in prices.items()):
            today = datetime.now(UTC).date()
            changed = replace(changed, price=replace(base.price, **prices, source=ENTERED, as_of=today))
        return workbench.providers.save_model(changed, is_new=model is None)
    except SwitchboardError as error:
        refuse(error, slots)
        return None


def model_summary(model: Model) -> str:
    """Return what a table row has no room for, as Markdown."""
    context = f"Context {model.context_tokens:,} tokens" if model.context_tokens else "Context unknown"
    return "  \n".join(literal(text) for text in (f"{context}. {price_words(model.price)}", model.note) if text)


def add_model(workbench: Workbench, provider: Provider) -> None:
    def body() -> None:
        if saved := model_form(workbench, provider):
            session().model_id = saved.id
            done(f"{literal(saved.name)} added to {literal(provider.name)}.")

    st.dialog(f"Add a model to {literal(provider.name)}", on_dismiss="rerun")(body)()


def edit_model(workbench: Workbench, provider: Provider, model: Model) -> None:
    def body() -> None:
        st.caption(literal(model.id))
        if saved := model_form(workbench, provider, model):
            done(f"{literal(saved.name)} saved.")

    st.dialog(f"Edit {literal(model.name)}", on_dismiss="rerun")(body)()


def delete_model(workbench: Workbench, provider: Provider, model: Model) -> None:
    def body() -> None:
        st.write("Conversations keep its answers and its name. You can add the id again.")
        if model.is_default:
            st.write("It is the default: the first model that is left takes its place.")
        if st.button("Delete", type="primary", icon=":material/delete:"):
            message = f"{literal(model.name)} deleted from {literal(provider.name)}."
            apply(lambda: workbench.providers.delete_model(model), message)

    st.dialog(f"Delete {literal(model.name)}?")(body)()
