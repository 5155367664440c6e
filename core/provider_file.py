"""Provider settings as one TOML file without keys: written, read as if it had been typed, compared, and brought in."""

import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, TypeVar

from core.catalog import load_catalog
from core.errors import InvalidInput
from core.providers import ProviderForm, Providers, loses_key
from core.store import Store
from core.store.connection import Conflict, Cursor
from core.text import name_key, storable
from core.types import Candidate, Model, Price, Provider

FORMAT = 1
FILE_LIMIT = 5_000_000  # characters
TEXT_LIMIT = 500  # of a note or a source
_AMOUNTS = ("input", "output", "cache_read", "cache_write")
T = TypeVar("T")


class Standing(StrEnum):
    NEW = "new"
    CHANGED = "changed"
    SAME = "same"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Entry:
    """One provider of a file against what is here. `words` says what would change, or why it is refused."""

    name: str
    standing: Standing
    words: str
    provider: Provider | None = None  # as it would be
    known: Provider | None = None  # as it is
    models: tuple[Model, ...] = ()  # new or changed ones
    default_id: str | None = None


def write_file(candidates: Iterable[Candidate]) -> str:
    """Return custom providers whole, and of built-in ones what the user changed. No key, no log, no check."""
    blocks = [f"# Provider settings of Switchboard. There is no key in this file.\nformat = {FORMAT}\n"]
    for candidate in candidates:
        provider = candidate.provider
        models = [model for model in candidate.models if model != _catalogued(provider).get(model.id)]
        if candidate.is_demo or (provider.is_builtin and provider == _as_shipped(provider) and not models):
            continue
        head = {"builtin": provider.id} if provider.is_builtin else {"name": provider.name}
        head |= {"protocol": provider.protocol, "base_url": provider.base_url}
        lines = ["[[providers]]", *_pairs(head)]
        lines += _pairs({"requires_key": provider.requires_key, "enabled": provider.is_enabled})
        lines += _pairs({"default_model": candidate.default_model.id if candidate.default_model else None})
        blocks.append("\n".join([*lines, ""]))
        blocks += ["\n".join(["[[providers.models]]", *_model_lines(model), ""]) for model in models]
    return "\n".join(blocks)


def plan(text: str, providers: Providers) -> list[Entry]:
    """Compare a file with what is here, checked like typed input. Raises InvalidInput when it is no such file."""
    if len(text) > FILE_LIMIT:
        raise InvalidInput(f"The file has {len(text):,} characters; {FILE_LIMIT:,} is the most.")
    try:
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InvalidInput(f"This is not a TOML file: {str(error)[:200]}.") from error
    if data.get("format") != FORMAT:
        raise InvalidInput(f"This is not a file of provider settings: it should say format = {FORMAT}.")
    rows = data.get("providers", [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InvalidInput("The file has no [[providers]] blocks.")
    here = providers.candidates()
    entries: list[Entry] = []
    seen: set[str] = set()
    for number, row in enumerate(rows, start=1):
        name = str(row.get("name") or row.get("builtin") or f"Provider {number}")[:80]
        try:
            entry = _entry(row, here, providers)
            if name_key(entry.name) in seen:
                raise InvalidInput("The file has this provider twice.")
            seen.add(name_key(entry.name))
        except InvalidInput as error:
            entry = Entry(storable(name), Standing.REFUSED, error.message)
        entries.append(entry)
    return entries


def bring_in(entries: Sequence[Entry], providers: Providers, store: Store) -> None:
    """Write what is new or changed in one transaction. Raises InvalidInput, and then nothing was written."""

    def write(cursor: Cursor) -> None:
        for entry in entries:
            if entry.provider is None or entry.standing not in (Standing.NEW, Standing.CHANGED):
                continue
            known = store.models.of(entry.provider.id)
            if entry.known:
                providers.change(cursor, entry.known, entry.provider)
            else:
                store.providers.add(cursor, entry.provider)
            ids = {model.id for model in known}
            store.models.add_many(cursor, [model for model in entry.models if model.id not in ids])
            for model in entry.models:
                if model.id in ids:
                    store.models.save(cursor, model)
            if entry.default_id:
                store.models.set_default(cursor, entry.provider.id, entry.default_id)

    try:
        store.settings.write(write)
    except Conflict as conflict:
        raise InvalidInput("Another tab has changed the providers meanwhile. Look at the file again.") from conflict


def _entry(row: dict[str, Any], here: Sequence[Candidate], providers: Providers) -> Entry:
    known = _known(row, here)
    before = known.provider if known else None
    form = ProviderForm(
        _get(row, "name", str, "") if before is None or not before.is_builtin else before.name,
        _get(row, "protocol", str, ""),
        _get(row, "base_url", str, ""),
        requires_key=_get(row, "requires_key", bool, True),
    )
    provider = replace(providers.check_form(form, provider=before), is_enabled=_get(row, "enabled", bool, True))
    models = [providers.check_model(_model(provider.id, model)) for model in _get(row, "models", list, [])]
    if len({model.id for model in models}) < len(models):
        raise InvalidInput("The file has a model of this provider twice.")
    ours = {model.id: model for model in known.models} if known else {}
    models = [replace(model, is_default=model.id in ours and ours[model.id].is_default) for model in models]
    added = [model for model in models if model.id not in ours]
    changed = [model for model in models if model.id in ours and ours[model.id] != model]
    default_id = _get(row, "default_model", str, "") or None
    is_default = known is not None and known.default_model is not None and known.default_model.id == default_id
    has_default = default_id in {*ours, *(model.id for model in models)}
    if before is None:
        words = f"{len(models)} models" if len(models) != 1 else "1 model"
        return Entry(provider.name, Standing.NEW, words, provider, None, tuple(models), default_id)
    parts = [
        label
        for label, differs in (
            ("name", provider.name != before.name),
            (f"protocol {provider.protocol}", provider.protocol != before.protocol),
            (f"base URL {provider.base_url}", provider.base_url != before.base_url),
            ("its key is removed, since it is for the old address", loses_key(before, provider)),
            ("whether it needs a key", provider.requires_key != before.requires_key),
            ("enabled" if provider.is_enabled else "disabled", provider.is_enabled != before.is_enabled),
            (f"models added: {len(added)}", added),
            (f"models changed: {len(changed)}", changed),
            (f"default {default_id}", has_default and not is_default),
        )
        if differs
    ]
    standing = Standing.CHANGED if parts else Standing.SAME
    return Entry(provider.name, standing, ", ".join(parts), provider, before, (*added, *changed), default_id)


def _known(row: dict[str, Any], here: Sequence[Candidate]) -> Candidate | None:
    if "builtin" in row:
        built_in = _get(row, "builtin", str, "")
        found = next((c for c in here if c.provider.is_builtin and c.provider.id == built_in), None)
        if found is None:
            raise InvalidInput("There is no such built-in provider in this version.")
        return found
    name = name_key(_get(row, "name", str, ""))
    return next((c for c in here if not c.provider.is_builtin and name_key(c.provider.name) == name), None)


def _model(provider_id: str, row: object) -> Model:
    if not isinstance(row, dict):
        raise InvalidInput("A model has to be a block of its own, [[providers.models]].")
    price = _get(row, "price", dict, {})
    amounts = {name: _amount(price.get(name)) for name in _AMOUNTS}
    return Model(
        provider_id,
        _get(row, "id", str, ""),
        _get(row, "name", str, ""),
        context_tokens=_get(row, "context_tokens", int, None),
        max_output_tokens=_get(row, "max_output_tokens", int, None),
        thinking=_text(row, "thinking"),
        retires_on=_get(row, "retires_on", date, None),
        replacement=_text(row, "replacement"),
        note=_text(row, "note"),
        price=Price(**amounts, source=_text(price, "source"), as_of=_get(price, "as_of", date, None)),
    )


def _get(row: Mapping[str, Any], name: str, kind: type[T], default: T | None) -> Any:
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
    text = storable(_get(row, name, str, "")).strip()
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


def _catalogued(provider: Provider) -> dict[str, Model]:
    rows = [row for row in load_catalog().providers if provider.is_builtin and row.id == provider.id]
    return {model.id: model for row in rows for model in row.models}


def _as_shipped(provider: Provider) -> Provider:
    row = next((row for row in load_catalog().providers if row.id == provider.id), None)
    return replace(provider, base_url=row.base_url, is_enabled=True) if row else provider


def _model_lines(model: Model) -> list[str]:
    price: dict[str, object] = {
        name: f"{amount.normalize():f}" for name in _AMOUNTS if (amount := getattr(model.price, name)) is not None
    }
    price |= {"source": model.price.source, "as_of": model.price.as_of}
    inside = ", ".join(_pairs(price))
    fields = ("id", "name", "context_tokens", "max_output_tokens", "thinking", "retires_on", "replacement", "note")
    lines = _pairs({name: getattr(model, name) for name in fields})
    return [*lines, f"price = {{ {inside} }}"] if inside else lines


def _pairs(values: Mapping[str, object]) -> list[str]:
    """Return `name = value` for every value that is known."""
    return [f"{name} = {_literal(value)}" for name, value in values.items() if value is not None]


def _literal(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case int():
            return str(value)
        case date():
            return value.isoformat()
        case _:
            # JSON's escapes are TOML's too, but for DEL, which TOML wants escaped.
            return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
