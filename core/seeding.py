"""Bring the catalogue into the store: what it has never had, once. The user's edits and deletions stand."""

import logging
from dataclasses import replace

from core.catalog import CatalogProvider, load_catalog
from core.ids import new_id
from core.runners import RUNNERS
from core.store import Store
from core.store.connection import Cursor
from core.text import name_key
from core.types import Provider

logger = logging.getLogger(__name__)


def seed(store: Store) -> None:
    """Add the providers and models of the catalogue that this store has never had."""
    catalog = load_catalog()
    seeded = store.providers.seeded()
    taken = {name_key(provider.name) for provider in store.providers.all()}

    def write(cursor: Cursor) -> tuple[int, int]:
        providers = models = 0
        for row in catalog.providers:
            is_new = row.id not in seeded
            if is_new:
                store.providers.add(cursor, _built_in(row, taken))
                store.providers.mark_seeded(cursor, row.id, version=catalog.version)
                providers += not RUNNERS[row.protocol].is_demo
            known = {model.id for model in store.models.of(row.id)}
            for model in row.models:
                item = f"{row.id}/{model.id}"
                if item in seeded:
                    continue
                if model.id not in known:
                    store.models.add(cursor, model if is_new else replace(model, is_default=False))
                    models += 1
                store.providers.mark_seeded(cursor, item, version=catalog.version)
        return providers, models

    providers, models = store.settings.write(write)
    if providers:
        logger.info("Seeded %d built-in providers", providers)
    elif models:
        logger.info("Added %d models of catalogue %s", models, catalog.version)


def _built_in(row: CatalogProvider, taken: set[str]) -> Provider:
    """Return the row to seed. A custom provider of the same name keeps it: the app has to start."""
    names = [row.name, f"{row.name} (built-in)", f"{row.name} ({row.id})", f"{row.name} ({new_id()})"]
    return Provider(
        id=row.id,
        name=next(name for name in names if name_key(name) not in taken),
        protocol=row.protocol,
        base_url=row.base_url,
        anthropic_base_url=row.anthropic_base_url(row.base_url),
        requires_key=row.requires_key,
        is_builtin=True,
        flags=row.flags,
    )
