"""Queries that the user keeps for the SQL page, by name."""

from dataclasses import dataclass
from datetime import UTC, datetime

from core.errors import InvalidInput
from core.ids import new_id
from core.store.connection import Conflict, Cursor, Database, to_db
from core.store.rows import dicts, insert
from core.text import clean_name, name_key, storable

SQL_LIMIT = 20_000  # characters


@dataclass(frozen=True, slots=True)
class SavedQuery:
    id: str
    name: str
    sql: str


class QueryTable:
    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> list[SavedQuery]:
        """Return the kept queries by name."""
        with self._database.read() as cursor:
            return [
                SavedQuery(**row) for row in dicts(cursor, "SELECT id, name, sql FROM saved_queries ORDER BY name_key")
            ]

    def save(self, name: str, sql: str, *, query_id: str | None = None) -> SavedQuery:
        """Keep a query under a new name, or change the one with this id. Raises InvalidInput naming the field."""
        saved = SavedQuery(query_id or new_id(), clean_name(name, what="name"), storable(sql).strip())
        if not saved.sql:
            raise InvalidInput("Write a query first.", field="sql")
        if len(saved.sql) > SQL_LIMIT:
            raise InvalidInput(f"The query has {len(saved.sql):,} characters; {SQL_LIMIT:,} is the most.", field="sql")
        now = to_db(datetime.now(UTC))

        def write(cursor: Cursor) -> None:
            values = {"name": saved.name, "name_key": name_key(saved.name), "sql": saved.sql, "updated_at": now}
            if query_id is None:
                insert(cursor, "saved_queries", {"id": saved.id, **values, "created_at": now})
                return
            cursor.execute(
                "UPDATE saved_queries SET name = ?, name_key = ?, sql = ?, updated_at = ? WHERE id = ?",
                [*values.values(), saved.id],
            )

        try:
            self._database.write(write)
        except Conflict as conflict:
            raise InvalidInput(f"There is already a query called {saved.name}.", field="name") from conflict
        return saved

    def delete(self, query_id: str) -> None:
        self._database.write(lambda cursor: cursor.execute("DELETE FROM saved_queries WHERE id = ?", [query_id]))
