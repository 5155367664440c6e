"""Read the built-in providers, models and prices from catalog.toml. What the user edits lives in the store."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from core.pricing import AMOUNTS
from core.types import EVERY_DAY, Model, Price, ProviderFlag, Tier, Window

_FILE = Path(__file__).with_name("catalog.toml")


@dataclass(frozen=True, slots=True)
class CatalogProvider:
    """A built-in provider. The first region is the default; keys are per region."""

    id: str
    name: str
    protocol: str
    base_urls: tuple[tuple[str, str], ...]  # (region, URL)
    anthropic_base_urls: tuple[tuple[str, str], ...]  # (region, URL), only where the vendor has one
    key_variables: tuple[str, ...]
    requires_key: bool
    flags: frozenset[ProviderFlag]
    models: tuple[Model, ...]

    @property
    def base_url(self) -> str:
        return self.base_urls[0][1]

    def anthropic_base_url(self, base_url: str) -> str | None:
        """Return the Anthropic-compatible URL of the region that `base_url` belongs to."""
        region = next((name for name, url in self.base_urls if url == base_url), None)
        return next((url for name, url in self.anthropic_base_urls if name == region), None)


@dataclass(frozen=True, slots=True)
class Catalog:
    version: str
    providers: tuple[CatalogProvider, ...]
    aliases: Mapping[str, str]


@cache
def load_catalog() -> Catalog:
    """Return the catalogue that ships with this version. Read once."""
    data = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    return Catalog(
        version=data["version"],
        providers=tuple(_provider(row) for row in data["providers"]),
        aliases=MappingProxyType(data["aliases"]),
    )


def _provider(row: dict[str, Any]) -> CatalogProvider:
    regions = row["regions"]
    return CatalogProvider(
        id=row["id"],
        name=row["name"],
        protocol=row["protocol"],
        base_urls=tuple((region["name"], region["base_url"]) for region in regions),
        anthropic_base_urls=tuple(
            (region["name"], region["anthropic_base_url"]) for region in regions if "anthropic_base_url" in region
        ),
        key_variables=tuple(row["key_variables"]),
        requires_key=row.get("requires_key", True),
        flags=frozenset(ProviderFlag(flag) for flag in row.get("flags", ())),
        models=tuple(
            _model(row["id"], model, is_default=model["id"] == row["default_model"]) for model in row["models"]
        ),
    )


def _model(provider_id: str, row: dict[str, Any], *, is_default: bool) -> Model:
    facts = {**row, "price": _price(row["price"])}
    return Model(provider_id=provider_id, is_default=is_default, **facts)


def _price(row: dict[str, Any]) -> Price:
    tiers = (Tier(tier["above_tokens"], **_amounts(tier)) for tier in row.get("tiers", ()))
    windows = (
        Window(window["start"], window["end"], Decimal(window["factor"]), frozenset(window.get("days", EVERY_DAY)))
        for window in row.get("windows", ())
    )
    return Price(source=row["source"], as_of=row["as_of"], tiers=tuple(tiers), windows=tuple(windows), **_amounts(row))


def _amounts(row: dict[str, Any]) -> dict[str, Decimal]:
    return {name: Decimal(row[name]) for name in AMOUNTS if name in row}


def offered_price(model: Model) -> Price | None:
    """Return what the catalogue says a built-in provider's model costs, if the model's row says something else."""
    rows = (row for provider in load_catalog().providers if provider.id == model.provider_id for row in provider.models)
    price = next((row.price for row in rows if row.id == model.id), None)
    has_same = price == replace(model.price, source=price.source, as_of=price.as_of) if price else True
    return None if has_same else price
