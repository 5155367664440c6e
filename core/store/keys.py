"""Ciphertexts of API keys, by owner and origin. What they hold is known to `core.encryption` only."""

from datetime import UTC, datetime

from core.store.connection import Cursor, Database, to_db
from core.store.rows import insert


class KeyTable:
    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> dict[tuple[str, str], str]:
        """Return ciphertexts by (owner, origin)."""
        with self._database.read() as cursor:
            rows = cursor.execute("SELECT owner, origin, ciphertext FROM api_keys").fetchall()
        return {(owner, origin): ciphertext for owner, origin, ciphertext in rows}

    def has_any(self) -> bool:
        with self._database.read() as cursor:
            return bool(cursor.execute("SELECT 1 FROM api_keys LIMIT 1").fetchall())

    def put(self, cursor: Cursor, owner: str, *, origin: str, ciphertext: str) -> None:
        cursor.execute("DELETE FROM api_keys WHERE owner = ? AND origin = ?", [owner, origin])
        insert(
            cursor,
            "api_keys",
            {"owner": owner, "origin": origin, "ciphertext": ciphertext, "created_at": to_db(datetime.now(UTC))},
        )

    def rewrite(self, cursor: Cursor, owner: str, *, origin: str, ciphertext: str) -> None:
        """Replace a ciphertext by one of the same key: it stays as old as it is."""
        cursor.execute("UPDATE api_keys SET ciphertext = ? WHERE owner = ? AND origin = ?", [ciphertext, owner, origin])

    def delete(self, cursor: Cursor, owner: str, *, origin: str | None = None) -> None:
        """Delete the owner's key for one origin, or all of them."""
        cursor.execute("DELETE FROM api_keys WHERE owner = ? AND (? IS NULL OR origin = ?)", [owner, origin, origin])

    def delete_for_provider(self, cursor: Cursor, provider_owner: str) -> None:
        """Delete a provider's keys and every project's override of it."""
        cursor.execute(
            "DELETE FROM api_keys WHERE owner = ? OR ends_with(owner, ?)", [provider_owner, f"/{provider_owner}"]
        )
