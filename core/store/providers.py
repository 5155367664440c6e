"""The providers table: built-ins first, then by creation. Validation of what people type is not done here."""

from datetime import UTC, datetime
from typing import Any

from core.store.connection import Cursor, Database, from_db, to_db
from core.store.rows import dicts, insert
from core.text import name_key
from core.types import Check, Provider, ProviderFlag

_COLUMNS = "id, name, protocol, base_url, anthropic_base_url, requires_key, is_enabled, is_builtin, flags, fallbacks"


class ProviderTable:
    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> list[Provider]:
        """Return what is not in the trash, in table order."""
        sql = f"""
            SELECT {_COLUMNS}
            FROM providers
            WHERE deleted_at IS NULL
            ORDER BY is_builtin DESC, position, created_at, id"""
        with self._database.read() as cursor:
            return [_provider(row) for row in dicts(cursor, sql)]

    def get(self, provider_id: str) -> Provider | None:
        sql = f"SELECT {_COLUMNS} FROM providers WHERE id = ? AND deleted_at IS NULL"
        with self._database.read() as cursor:
            return next((_provider(row) for row in dicts(cursor, sql, [provider_id])), None)

    def save(self, cursor: Cursor, provider: Provider) -> None:
        """Write the fields a form edits of an existing row."""
        cursor.execute(
            """
            UPDATE providers
            SET name = ?, name_key = ?, protocol = ?, base_url = ?, anthropic_base_url = ?, requires_key = ?,
                is_enabled = ?
            WHERE id = ?""",
            [
                provider.name,
                name_key(provider.name),
                provider.protocol,
                provider.base_url,
                provider.anthropic_base_url,
                provider.requires_key,
                provider.is_enabled,
                provider.id,
            ],
        )

    def add(self, cursor: Cursor, provider: Provider) -> None:
        position = cursor.execute("SELECT coalesce(max(position), 0) + 1 FROM providers").fetchall()[0][0]
        insert(
            cursor,
            "providers",
            {
                "id": provider.id,
                "name": provider.name,
                "name_key": name_key(provider.name),
                "protocol": provider.protocol,
                "base_url": provider.base_url,
                "anthropic_base_url": provider.anthropic_base_url,
                "requires_key": provider.requires_key,
                "is_enabled": provider.is_enabled,
                "is_builtin": provider.is_builtin,
                "flags": sorted(provider.flags),
                "fallbacks": list(provider.fallbacks),
                "position": position,
                "created_at": to_db(datetime.now(UTC)),
            },
        )

    def delete(self, cursor: Cursor, provider_id: str) -> None:
        """Move the row to the trash; its name is free again."""
        cursor.execute("UPDATE providers SET deleted_at = ? WHERE id = ?", [to_db(datetime.now(UTC)), provider_id])

    def deleted(self) -> list[tuple[Provider, datetime]]:
        """Return what is in the trash and since when, the last one first."""
        sql = f"SELECT {_COLUMNS}, deleted_at FROM providers WHERE deleted_at IS NOT NULL ORDER BY deleted_at DESC"
        with self._database.read() as cursor:
            rows = dicts(cursor, sql)
        return [(_provider(row), from_db(moment)) for row in rows if (moment := row.pop("deleted_at"))]

    def restore(self, cursor: Cursor, provider_id: str) -> None:
        """Take the row out of the trash. Raises Conflict (through `write`) when its name is taken."""
        cursor.execute("UPDATE providers SET deleted_at = NULL WHERE id = ?", [provider_id])

    def purge(self, *, deleted_before: datetime) -> None:
        """Delete for good, with their models, the providers that have been in the trash for longer."""

        def write(cursor: Cursor) -> None:
            gone = "SELECT id FROM providers WHERE deleted_at < ?"
            cursor.execute(f"DELETE FROM models WHERE provider_id IN ({gone})", [to_db(deleted_before)])
            cursor.execute("DELETE FROM providers WHERE deleted_at < ?", [to_db(deleted_before)])

        self._database.write(write)

    def learn(self, cursor: Cursor, provider_id: str, flag: ProviderFlag) -> None:
        """Add the flag; of the two names of the token limit the last one learned stands alone."""
        limits = {ProviderFlag.MAX_TOKENS, ProviderFlag.MAX_COMPLETION_TOKENS}
        out = [other.value for other in limits if flag in limits and other is not flag]
        cursor.execute(
            """
            UPDATE providers
            SET flags = list_sort(list_distinct(list_append(list_filter(flags, lambda f: f NOT IN ?), ?)))
            WHERE id = ?""",
            [out, flag.value, provider_id],
        )

    def forget_flag(self, cursor: Cursor, provider_id: str, flag: ProviderFlag) -> None:
        cursor.execute(
            "UPDATE providers SET flags = list_filter(flags, lambda f: f != ?) WHERE id = ?", [flag.value, provider_id]
        )

    def set_fallbacks(self, cursor: Cursor, provider_id: str, fallbacks: tuple[str, ...]) -> None:
        cursor.execute("UPDATE providers SET fallbacks = ? WHERE id = ?", [list(fallbacks), provider_id])

    def record_check(self, cursor: Cursor, provider_id: str, check: Check) -> None:
        cursor.execute(
            """
            UPDATE providers
            SET checked_at = ?, check_is_ok = ?, check_latency_ms = ?, check_message = ?
            WHERE id = ?""",
            [to_db(check.checked_at), check.is_ok, check.latency_ms, check.message, provider_id],
        )

    def forget_check(self, cursor: Cursor, provider_id: str) -> None:
        cursor.execute(
            """
            UPDATE providers
            SET checked_at = NULL, check_is_ok = NULL, check_latency_ms = NULL, check_message = NULL
            WHERE id = ?""",
            [provider_id],
        )

    def checks(self) -> dict[str, Check]:
        """Return the last check of each provider that had one."""
        sql = """
            SELECT id, checked_at, check_is_ok, check_latency_ms, check_message
            FROM providers
            WHERE checked_at IS NOT NULL"""
        with self._database.read() as cursor:
            return {
                row["id"]: Check(
                    is_ok=row["check_is_ok"],
                    message=row["check_message"],
                    latency_ms=row["check_latency_ms"],
                    checked_at=from_db(row["checked_at"]),
                )
                for row in dicts(cursor, sql)
            }

    def seeded(self) -> set[str]:
        with self._database.read() as cursor:
            return {row[0] for row in cursor.execute("SELECT item FROM seeded").fetchall()}

    def mark_seeded(self, cursor: Cursor, item: str, *, version: str) -> None:
        insert(cursor, "seeded", {"item": item, "catalog_version": version, "seeded_at": to_db(datetime.now(UTC))})


def _provider(row: dict[str, Any]) -> Provider:
    known = {flag.value for flag in ProviderFlag}
    flags = frozenset(ProviderFlag(flag) for flag in row["flags"] if flag in known)
    return Provider(**{**row, "flags": flags, "fallbacks": tuple(row["fallbacks"])})
