"""The rows of a settings file: values, models and prices as TOML, and back as if they had been typed."""

import json
from collections.abc import Iterable, Mapping
from datetime import date, time
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

from core.errors import InvalidInput
from core.pricing import AMOUNTS
from core.text import storable
from core.types import EVERY_DAY, Model, Price, Tier, Window

TEXT_LIMIT = 500  # of a note or a source
T = TypeVar("T")


def read_model(provider_id: str, row: object) -> Model:
    """Return the model of a block, not checked yet. Raises InvalidInput for a value of the wrong kind."""
    if not isinstance(row, dict):
        raise InvalidInput("A model has to be a block of its own, [[providers.models]].")
    price = get(row, "price", dict, {})
    return Model(
        provider_id,
        get(row, "id", str, ""),
        get(row, "name", str, ""),
        context_tokens=get(row, "context_tokens", int, None),
        max_output_tokens=get(row, "max_output_tokens", int, None),
        thinking=_text(row, "thinking"),
        retires_on=get(row, "retires_on", date, None),
        replacement=_text(row, "replacement"),
        note=_text(row, "note"),
        price=Price(
            *_amounts(price),
            _text(price, "source"),
            get(price, "as_of", date, None),
            tiers=tuple(_tier(tier) for tier in rows(price, "tiers")),
            windows=tuple(_window(window) for window in rows(price, "windows")),
        ),
    )


def _tier(row: Mapping[str, Any]) -> Tier:
    return Tier(get(row, "above_tokens", int, 0), *_amounts(row))


def _window(row: Mapping[str, Any]) -> Window:
    days = get(row, "days", list, sorted(EVERY_DAY))
    if not all(type(day) is int for day in days):
        raise InvalidInput("days has to be a list of numbers, 1 for Monday to 7 for Sunday.")
    factor = _amount(row.get("factor"))
    if factor is None or "start" not in row or "end" not in row:
        raise InvalidInput("A window needs start, end and factor.")
    return Window(get(row, "start", time, None), get(row, "end", time, None), factor, frozenset(days))


def _amounts(row: Mapping[str, Any]) -> tuple[Decimal | None, Decimal | None, Decimal | None, Decimal | None]:
    given = row.get
    return (
        _amount(given("input")),
        _amount(given("output")),
        _amount(given("cache_read")),
        _amount(given("cache_write")),
    )


def rows(row: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """Return a list of tables. Raises InvalidInput."""
    found = get(row, name, list, [])
    if not all(isinstance(value, dict) for value in found):
        raise InvalidInput(f"{name} has to be a list of tables in braces.")
    return list(found)


def get(row: Mapping[str, Any], name: str, kind: type[T], default: T | None) -> Any:
    """Return a value of this kind, or the default where there is none. Raises InvalidInput."""
    value = row.get(name)
    if value is None:
        return default
    # In Python True is a number, and a time of day is a date.
    if (
        not isinstance(value, kind)
        or (kind is int and isinstance(value, bool))
        or (kind is date and type(value) is not date)
    ):
        raise InvalidInput(f"{name} has a value of the wrong kind.")
    return value


def _text(row: Mapping[str, Any], name: str) -> str | None:
    text = storable(get(row, name, str, "")).strip()
    if len(text) > TEXT_LIMIT:
        raise InvalidInput(f"{name} has {len(text):,} characters; {TEXT_LIMIT} is the most.")
    return text or None


def _amount(value: object) -> Decimal | None:
    if value is None:
        return None
    try:
        if isinstance(value, str | int) and not isinstance(value, bool):
            return round(Decimal(value), 9)
    except InvalidOperation:
        pass
    raise InvalidInput('A price has to be a number in quotes, such as "0.25".')


def model_lines(model: Model) -> list[str]:
    """Return the lines of a model's block. Tiers and windows stand on lines of their own."""
    price = model.price
    inside = [f"{name} = {text}" for name, text in _known(price)]
    inside += pairs({"source": price.source, "as_of": price.as_of})
    tiers = (
        pairs({"above_tokens": tier.above_tokens}) + [f"{n} = {t}" for n, t in _known(tier)] for tier in price.tiers
    )
    windows = (
        pairs({"start": window.start, "end": window.end, "factor": _decimal(window.factor)})
        + ([] if window.days == EVERY_DAY else [f"days = {sorted(window.days)}"])
        for window in price.windows
    )
    inside += [tables("tiers", tiers)] if price.tiers else []
    inside += [tables("windows", windows)] if price.windows else []
    fields = ("id", "name", "context_tokens", "max_output_tokens", "thinking", "retires_on", "replacement", "note")
    lines = pairs({name: getattr(model, name) for name in fields})
    return [*lines, f"price = {{ {', '.join(inside)} }}"] if inside else lines


def tables(name: str, found: Iterable[list[str]]) -> str:
    return f"{name} = [\n" + "".join(f"    {{ {', '.join(values)} }},\n" for values in found) + "]"


def _known(row: Price | Tier) -> list[tuple[str, str]]:
    return [(name, literal(_decimal(amount))) for name in AMOUNTS if (amount := getattr(row, name)) is not None]


def _decimal(amount: Decimal) -> str:
    return f"{amount.normalize():f}"


def pairs(values: Mapping[str, object]) -> list[str]:
    """Return `name = value` for every value that is known."""
    return [f"{name} = {literal(value)}" for name, value in values.items() if value is not None]


def literal(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case int():
            return str(value)
        case date() | time():
            return value.isoformat()
        case _:
            # JSON's escapes are TOML's too, but for DEL, which TOML wants escaped.
            return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
