"""The models table. At most one default per provider is the index's promise; exactly one is this file's."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from core.store.connection import Cursor, Database, to_db
from core.store.rows import PRICE_COLUMNS, dicts, insert, insert_many, plain, price_values, to_price
from core.types import Model, Tier, Window

_COLUMNS = (
    "provider_id, id, name, is_default, context_tokens, max_output_tokens, thinking, retires_on, replacement, note, "
    + PRICE_COLUMNS
    + ", price_tiers, price_windows"
)
_TIER = ("above_tokens", "input", "output", "cache_read", "cache_write")


class ModelTable:
    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> dict[str, list[Model]]:
        """Return every provider's models, by provider id, in table order."""
        sql = f"SELECT {_COLUMNS} FROM models ORDER BY provider_id, position, created_at, id"
        found: dict[str, list[Model]] = {}
        with self._database.read() as cursor:
            for row in dicts(cursor, sql):
                found.setdefault(row["provider_id"], []).append(_model(row))
        return found

    def of(self, provider_id: str) -> list[Model]:
        sql = f"SELECT {_COLUMNS} FROM models WHERE provider_id = ? ORDER BY position, created_at, id"
        with self._database.read() as cursor:
            return [_model(row) for row in dicts(cursor, sql, [provider_id])]

    def add(self, cursor: Cursor, model: Model) -> None:
        """Insert the model; the first of a provider is its default. Raises Conflict (through `write`) on a known id."""
        position, has_default = cursor.execute(
            """
            SELECT coalesce(max(position), 0) + 1, coalesce(bool_or(is_default), false)
            FROM models
            WHERE provider_id = ?""",
            [model.provider_id],
        ).fetchall()[0]
        insert(
            cursor,
            "models",
            {
                "provider_id": model.provider_id,
                "id": model.id,
                **_fields(model),
                "is_default": not has_default,
                "position": position,
                "created_at": to_db(datetime.now(UTC)),
            },
        )
        if model.is_default and has_default:
            self.set_default(cursor, model.provider_id, model.id)

    def add_many(self, cursor: Cursor, models: Sequence[Model]) -> None:
        """Insert new models of one provider, in their order, like `add` one after the other but at once."""
        if not models:
            return
        first, *others = models
        self.add(cursor, first)
        position = cursor.execute(
            "SELECT max(position) FROM models WHERE provider_id = ?", [first.provider_id]
        ).fetchall()[0][0]
        now = to_db(datetime.now(UTC))
        rows = [
            {
                "provider_id": model.provider_id,
                "id": model.id,
                **_fields(model),
                "is_default": False,
                "position": position + number,
                "created_at": now,
            }
            for number, model in enumerate(others, start=1)
        ]
        insert_many(cursor, "models", rows)
        if wished := next((model for model in others if model.is_default), None):
            self.set_default(cursor, wished.provider_id, wished.id)

    def save(self, cursor: Cursor, model: Model) -> None:
        """Write an existing model's fields; the id and the default stay."""
        fields = _fields(model)
        assignments = ", ".join(f"{name} = ?" for name in fields)
        cursor.execute(
            f"UPDATE models SET {assignments} WHERE provider_id = ? AND id = ?",
            [*fields.values(), model.provider_id, model.id],
        )

    def limit_output(self, cursor: Cursor, provider_id: str, model_id: str, tokens: int) -> None:
        cursor.execute(
            "UPDATE models SET max_output_tokens = ? WHERE provider_id = ? AND id = ?", [tokens, provider_id, model_id]
        )

    def set_default(self, cursor: Cursor, provider_id: str, model_id: str) -> None:
        """Make this model the default. One that was deleted meanwhile leaves the old default as it is."""
        known = cursor.execute("SELECT 1 FROM models WHERE provider_id = ? AND id = ?", [provider_id, model_id])
        if not known.fetchall():
            return
        # The old default first: the index allows one at any moment, also inside the transaction.
        cursor.execute("UPDATE models SET is_default = false WHERE provider_id = ? AND is_default", [provider_id])
        cursor.execute("UPDATE models SET is_default = true WHERE provider_id = ? AND id = ?", [provider_id, model_id])

    def delete(self, cursor: Cursor, provider_id: str, model_id: str) -> None:
        """Delete the model; if it was the default, the first one left takes its place."""
        cursor.execute("DELETE FROM models WHERE provider_id = ? AND id = ?", [provider_id, model_id])
        left = cursor.execute(
            "SELECT id, is_default FROM models WHERE provider_id = ? ORDER BY position, created_at, id", [provider_id]
        ).fetchall()
        if left and not any(is_default for _, is_default in left):
            self.set_default(cursor, provider_id, left[0][0])


def _fields(model: Model) -> dict[str, Any]:
    return {
        "name": model.name,
        "context_tokens": model.context_tokens,
        "max_output_tokens": model.max_output_tokens,
        "thinking": model.thinking,
        "retires_on": model.retires_on,
        "replacement": model.replacement,
        "note": model.note,
        **price_values(model.price),
        "price_tiers": [{name: getattr(tier, name) for name in _TIER} for tier in model.price.tiers],
        "price_windows": [
            {"start_at": window.start, "end_at": window.end, "days": sorted(window.days), "factor": window.factor}
            for window in model.price.windows
        ],
    }


def _model(row: dict[str, Any]) -> Model:
    price = replace(
        to_price(row),
        tiers=tuple(
            Tier(tier["above_tokens"], *(plain(tier[name]) for name in _TIER[1:])) for tier in row["price_tiers"] or ()
        ),
        windows=tuple(
            Window(window["start_at"], window["end_at"], window["factor"].normalize() + 0, frozenset(window["days"]))
            for window in row["price_windows"] or ()
        ),
    )
    return Model(**{name: value for name, value in row.items() if not name.startswith("price_")}, price=price)
