"""Which models the user pinned to the top of the model selector."""

from datetime import UTC, datetime

from core.store.connection import Database, to_db


class PinTable:
    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> list[tuple[str, str]]:
        """Return (provider id, model id) in the order of pinning, also of models that are gone."""
        with self._database.read() as cursor:
            return cursor.execute(
                "SELECT provider_id, model_id FROM pinned_models ORDER BY pinned_at, provider_id, model_id"
            ).fetchall()

    def pin(self, provider_id: str, model_id: str) -> None:
        now = to_db(datetime.now(UTC))
        self._database.write(
            lambda cursor: cursor.execute(
                "INSERT INTO pinned_models (provider_id, model_id, pinned_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                [provider_id, model_id, now],
            )
        )

    def unpin(self, provider_id: str, model_id: str) -> None:
        self._database.write(
            lambda cursor: cursor.execute(
                "DELETE FROM pinned_models WHERE provider_id = ? AND model_id = ?", [provider_id, model_id]
            )
        )
