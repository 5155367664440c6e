"""What agents may do in each project."""

from dataclasses import fields
from typing import Any

from core.agent_settings import AgentSettings
from core.store.connection import Cursor, Database
from core.store.rows import dicts, insert

_COLUMNS = [field.name for field in fields(AgentSettings)]


class AgentTable:
    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> dict[str, AgentSettings]:
        """Return the settings by project, also of projects in the archive: they may come back to their folders."""
        with self._database.read() as cursor:
            rows = dicts(cursor, f"SELECT {', '.join(_COLUMNS)} FROM project_agents")
        return {row["project_id"]: _settings(row) for row in rows}

    def put(self, cursor: Cursor, settings: AgentSettings) -> None:
        cursor.execute("DELETE FROM project_agents WHERE project_id = ?", [settings.project_id])
        values: dict[str, Any] = {name: getattr(settings, name) for name in _COLUMNS}
        insert(cursor, "project_agents", values | {"always_allowed": sorted(settings.always_allowed)})


def _settings(row: dict[str, Any]) -> AgentSettings:
    def amount(name: str) -> Any:
        return row[name].normalize() + 0 if row[name] is not None else None

    return AgentSettings(
        **row
        | {
            "always_allowed": frozenset(row["always_allowed"]),
            "max_cost_usd": amount("max_cost_usd"),
            "max_cost_a_day_usd": amount("max_cost_a_day_usd"),
        }
    )
