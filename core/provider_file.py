"""Provider settings as one TOML file without keys: written, read as if it had been typed, compared, and brought in."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from core.catalog import load_catalog
from core.errors import InvalidInput
from core.models import check_model
from core.provider_rows import get, model_lines, pairs, read_model, rows, tables
from core.providers import ProviderForm, Providers, loses_key
from core.store import Store
from core.store.connection import Conflict, Cursor
from core.text import name_key, storable
from core.types import Candidate, Model, Provider

FORMAT = 1
FILE_LIMIT = 5_000_000  # characters


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


def write_file(candidates: Sequence[Candidate]) -> str:
    """Return custom providers whole, and of built-in ones what the user changed. No key, no log, no check."""
    blocks = [f"# Provider settings of Switchboard. There is no key in this file.\nformat = {FORMAT}\n"]
    for candidate in candidates:
        provider = candidate.provider
        models = [model for model in candidate.models if model != _catalogued(provider).get(model.id)]
        if candidate.is_demo or (provider.is_builtin and provider == _as_shipped(provider) and not models):
            continue
        head = {"builtin": provider.id} if provider.is_builtin else {"name": provider.name}
        head |= {"protocol": provider.protocol, "base_url": provider.base_url}
        lines = ["[[providers]]", *pairs(head)]
        lines += pairs({"requires_key": provider.requires_key, "enabled": provider.is_enabled})
        lines += pairs({"default_model": candidate.default_model.id if candidate.default_model else None})
        if provider.fallbacks:
            lines.append(tables("fallbacks", _fallback_rows(provider, candidates)))
        blocks.append("\n".join([*lines, ""]))
        blocks += ["\n".join(["[[providers.models]]", *model_lines(model), ""]) for model in models]
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
    blocks = data.get("providers", [])
    if not isinstance(blocks, list) or not all(isinstance(row, dict) for row in blocks):
        raise InvalidInput("The file has no [[providers]] blocks.")
    here = providers.candidates()
    entries: list[Entry] = []
    seen: set[str] = set()
    for number, row in enumerate(blocks, start=1):
        name = str(row.get("name") or row.get("builtin") or f"Provider {number}")[:80]
        try:
            entry = _entry(row, here, providers)
            if name_key(entry.name) in seen:
                raise InvalidInput("The file has this provider twice.")
            seen.add(name_key(entry.name))
        except InvalidInput as error:
            entry = Entry(storable(name), Standing.REFUSED, error.message)
        entries.append(entry)
    return [_with_fallbacks(entry, row, here, entries) for entry, row in zip(entries, blocks, strict=True)]


def bring_in(entries: Sequence[Entry], providers: Providers, store: Store) -> None:
    """Write what is new or changed in one transaction. Raises InvalidInput, and then nothing was written."""

    def write(cursor: Cursor) -> None:
        for entry in entries:
            if entry.provider is None or entry.standing not in (Standing.NEW, Standing.CHANGED):
                continue
            known = store.models.of(entry.provider.id)
            if entry.known:
                providers.change(cursor, entry.known, entry.provider)
                store.providers.set_fallbacks(cursor, entry.provider.id, entry.provider.fallbacks)
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
        get(row, "name", str, "") if before is None or not before.is_builtin else before.name,
        get(row, "protocol", str, ""),
        get(row, "base_url", str, ""),
        requires_key=get(row, "requires_key", bool, True),
    )
    provider = replace(providers.check_form(form, provider=before), is_enabled=get(row, "enabled", bool, True))
    models = [check_model(read_model(provider.id, model)) for model in get(row, "models", list, [])]
    if len({model.id for model in models}) < len(models):
        raise InvalidInput("The file has a model of this provider twice.")
    ours = {model.id: model for model in known.models} if known else {}
    models = [replace(model, is_default=model.id in ours and ours[model.id].is_default) for model in models]
    added = [model for model in models if model.id not in ours]
    changed = [model for model in models if model.id in ours and ours[model.id] != model]
    default_id = get(row, "default_model", str, "") or None
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


def _fallback_rows(provider: Provider, candidates: Sequence[Candidate]) -> list[list[str]]:
    """Return who answers when this one fails, by name: the id of a user's own provider means nothing elsewhere."""
    known = {candidate.provider.id: candidate.provider for candidate in candidates}
    found = []
    for entry in provider.fallbacks:
        provider_id, _, model = entry.partition("/")
        if other := known.get(provider_id):
            head = {"builtin": other.id} if other.is_builtin else {"name": other.name}
            found.append(pairs(head | {"model": model}))
    return found


def _with_fallbacks(entry: Entry, row: Mapping[str, Any], here: Sequence[Candidate], entries: Sequence[Entry]) -> Entry:
    """Return the entry with its fallbacks, which may be providers of the same file; a file without any says nothing."""
    if entry.provider is None or "fallbacks" not in row:
        return entry
    models = {candidate.provider.id: {model.id for model in candidate.models} for candidate in here}
    added = {name_key(other.name): other.provider for other in entries if other.provider}
    for other in entries:
        if other.provider:
            models.setdefault(other.provider.id, set()).update(model.id for model in other.models)
    found: list[str] = []
    try:
        for fallback in rows(row, "fallbacks"):
            known = _known(fallback, here)
            provider = known.provider if known else added.get(name_key(get(fallback, "name", str, "")))
            model = get(fallback, "model", str, "")
            if provider is None or model not in models[provider.id]:
                raise InvalidInput("A fallback names a provider or a model that is neither here nor in the file.")
            if provider.id == entry.provider.id:
                raise InvalidInput("A provider cannot be its own fallback.")
            found.append(f"{provider.id}/{model}")
    except InvalidInput as error:
        return Entry(entry.name, Standing.REFUSED, error.message)
    chain = tuple(dict.fromkeys(found))
    if chain == entry.provider.fallbacks:
        return entry
    entry = replace(entry, provider=replace(entry.provider, fallbacks=chain))
    if entry.standing is Standing.NEW:
        return entry
    words = ", ".join(part for part in (entry.words, "who answers when it fails") if part)
    return replace(entry, standing=Standing.CHANGED, words=words)


def _known(row: Mapping[str, Any], here: Sequence[Candidate]) -> Candidate | None:
    if "builtin" in row:
        built_in = get(row, "builtin", str, "")
        found = next((c for c in here if c.provider.is_builtin and c.provider.id == built_in), None)
        if found is None:
            raise InvalidInput("There is no such built-in provider in this version.")
        return found
    name = name_key(get(row, "name", str, ""))
    return next((c for c in here if not c.provider.is_builtin and name_key(c.provider.name) == name), None)


def _catalogued(provider: Provider) -> dict[str, Model]:
    rows = [row for row in load_catalog().providers if provider.is_builtin and row.id == provider.id]
    return {model.id: model for row in rows for model in row.models}


def _as_shipped(provider: Provider) -> Provider:
    row = next((row for row in load_catalog().providers if row.id == provider.id), None)
    return replace(provider, base_url=row.base_url, is_enabled=True, fallbacks=()) if row else provider
