"""Compare a provider's own list of models with ours, and bring over the rows that the user chose."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from core.catalog import load_catalog
from core.engine import Engine
from core.errors import ErrorKind, InvalidInput, ProviderError
from core.store import Store
from core.store.connection import Cursor
from core.text import clean_identifier, tidy_name
from core.types import Candidate, Model, ModelInfo, Provider, Route

DISCOVERY_TIMEOUT_S = 60.0  # somebody is watching; OpenRouter's list is 1 MB
# Where a server cuts a list that it could go on with. A list of exactly so many rows says nothing about the others.
_PAGE_SIZES = frozenset({10, 20, 25, 50, 100, 200, 250, 500, 1000})


class Standing(StrEnum):
    """How a model of either list stands to the other list."""

    NEW = "new"
    RETIRING = "retiring"  # here, and the vendor now names a day on which it ends
    CHANGED = "changed"  # here, and the vendor gives other limits
    SAME = "already there"
    GONE = "gone"  # here, but not in the vendor's list


@dataclass(frozen=True, slots=True)
class Row:
    """One model: as it would stand here afterwards, or, when it is gone, as it stands here now."""

    standing: Standing
    model: Model
    known: Model | None = None  # as it stands here now


@dataclass(frozen=True, slots=True)
class Discovery:
    rows: tuple[Row, ...]
    is_partial: bool = False  # the list does not look whole, so nothing is called gone
    unreadable: int = 0  # rows whose id nobody could send

    def count(self, standing: Standing) -> int:
        return sum(row.standing is standing for row in self.rows)


async def discover(candidate: Candidate, engine: Engine) -> Discovery:
    """Ask the provider for its models and compare. Raises ProviderError."""
    return compare(candidate, await list_models(candidate, engine))


async def list_models(
    candidate: Candidate, engine: Engine, *, timeout_s: float = DISCOVERY_TIMEOUT_S
) -> list[ModelInfo]:
    """Return the provider's own list, asked for as chat asks for an answer. Raises ProviderError."""
    provider = candidate.provider
    if provider.requires_key and candidate.key is None:
        raise ProviderError(ErrorKind.AUTH, candidate.key_problem or "No API key. Add one first.")
    route = Route(provider, Model(provider.id, "", ""), candidate.key, reason="model list")
    runner = await engine.runner(provider.protocol)
    try:
        async with asyncio.timeout(timeout_s):
            return await runner.models(route)
    except TimeoutError:
        message = f"{provider.name} did not send its model list within {timeout_s:g} s. Try again."
        raise ProviderError(ErrorKind.TIMEOUT, message) from None


def compare(candidate: Candidate, listed: Sequence[ModelInfo]) -> Discovery:
    """Return every model of both lists, the vendor's first and in its order. Pure."""
    ours = {model.id: model for model in candidate.models}
    catalogued = _catalogued(candidate.provider)
    rows: list[Row] = []
    unreadable = 0
    for info in {info.id: info for info in listed}.values():
        known = ours.get(info.id)
        if known is None and not _is_identifier(info.id):
            unreadable += 1
        elif known is None:
            rows.append(Row(Standing.NEW, _new(candidate.provider, info, catalogued.get(info.id))))
        else:
            rows.append(_known(known, info))
    listed_ids = {info.id for info in listed}
    missing = [model for model in candidate.models if model.id not in listed_ids]
    is_partial = not listed or len(listed) in _PAGE_SIZES or len(missing) * 2 > len(ours)
    if not is_partial:
        rows += [Row(Standing.GONE, model, model) for model in missing]
    return Discovery(tuple(rows), is_partial=is_partial, unreadable=unreadable)


def apply_rows(store: Store, provider: Provider, rows: Iterable[Row]) -> None:
    """Bring the chosen rows over in one transaction: add what is new, take retirement and limits of what is known,
    delete what is gone. Names and prices stay as they are, also those that another tab has edited meanwhile.

    Raises InvalidInput when the provider is gone.
    """
    chosen = list(rows)

    def write(cursor: Cursor) -> None:
        if store.providers.get(provider.id) is None:
            raise InvalidInput(f"{provider.name} no longer exists: another tab has deleted it.")
        current = {model.id: model for model in store.models.of(provider.id)}
        added: list[Model] = []
        for row in chosen:
            now = current.get(row.model.id)
            match row.standing:
                case Standing.GONE if now:
                    store.models.delete(cursor, provider.id, now.id)
                case Standing.NEW if now is None:
                    added.append(replace(row.model, is_default=row.model.is_default and not current))
                case Standing.RETIRING | Standing.CHANGED if now:
                    store.models.save(cursor, _updated(now, row.model))
                case _:
                    pass  # another tab was faster
        store.models.add_many(cursor, added)

    store.settings.write(write)


def new_models(provider: Provider, listed: Sequence[ModelInfo]) -> list[Model]:
    """Return the models of a provider that has none yet."""
    return [row.model for row in compare(Candidate(provider), listed).rows]


def _known(known: Model, info: ModelInfo) -> Row:
    changed = replace(
        known,
        retires_on=info.retires_on or known.retires_on,
        context_tokens=info.context_tokens or known.context_tokens,
        max_output_tokens=info.max_output_tokens or known.max_output_tokens,
    )
    if changed.retires_on != known.retires_on:
        return Row(Standing.RETIRING, changed, known)
    return Row(Standing.SAME if changed == known else Standing.CHANGED, changed, known)


def _updated(now: Model, seen: Model) -> Model:
    """Return what stands here now with the vendor's retirement and limits."""
    return replace(
        now,
        retires_on=seen.retires_on,
        context_tokens=seen.context_tokens,
        max_output_tokens=seen.max_output_tokens,
    )


def _new(provider: Provider, info: ModelInfo, catalogued: Model | None) -> Model:
    base = catalogued or Model(provider.id, info.id, tidy_name(info.name or "") or tidy_name(info.id) or "Model")
    return replace(
        base,
        provider_id=provider.id,
        context_tokens=info.context_tokens or base.context_tokens,
        max_output_tokens=info.max_output_tokens or base.max_output_tokens,
        retires_on=info.retires_on or base.retires_on,
    )


def _catalogued(provider: Provider) -> dict[str, Model]:
    """Return the catalogue's models of the same vendor: prices of one vendor are not those of another."""
    for row in load_catalog().providers:
        if provider.base_url and (provider.id == row.id or provider.base_url in {url for _, url in row.base_urls}):
            return {model.id: model for model in row.models}
    return {}


def _is_identifier(text: str) -> bool:
    try:
        return clean_identifier(text, what="model id", field="id") == text
    except InvalidInput:
        return False
