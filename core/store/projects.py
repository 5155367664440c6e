"""The projects table. An override key needs an override provider, and goes when that changes."""

from datetime import UTC, datetime
from typing import Any

from core.store.connection import Cursor, Database, to_db
from core.store.rows import dicts, insert
from core.text import name_key
from core.types import Project

_COLUMNS = "id, name, system_prompt, model_id, provider_id, fallbacks"


class ProjectTable:
    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> list[Project]:
        sql = f"SELECT {_COLUMNS} FROM projects WHERE deleted_at IS NULL ORDER BY created_at, id"
        with self._database.read() as cursor:
            return [_project(row) for row in dicts(cursor, sql)]

    def get(self, project_id: str) -> Project | None:
        sql = f"SELECT {_COLUMNS} FROM projects WHERE id = ? AND deleted_at IS NULL"
        with self._database.read() as cursor:
            return next((_project(row) for row in dicts(cursor, sql, [project_id])), None)

    def archived(self) -> list[Project]:
        """Return what was put away, last first."""
        sql = f"SELECT {_COLUMNS} FROM projects WHERE deleted_at IS NOT NULL ORDER BY deleted_at DESC, id"
        with self._database.read() as cursor:
            return [_project(row) for row in dicts(cursor, sql)]

    def add(self, cursor: Cursor, project: Project) -> None:
        insert(cursor, "projects", {"id": project.id, **_fields(project), "created_at": to_db(datetime.now(UTC))})

    def save(self, cursor: Cursor, project: Project) -> None:
        fields = _fields(project)
        assignments = ", ".join(f"{name} = ?" for name in fields)
        cursor.execute(f"UPDATE projects SET {assignments} WHERE id = ?", [*fields.values(), project.id])

    def restore(self, cursor: Cursor, project_id: str) -> None:
        cursor.execute("UPDATE projects SET deleted_at = NULL WHERE id = ?", [project_id])

    def delete(self, cursor: Cursor, project_id: str) -> None:
        cursor.execute("UPDATE projects SET deleted_at = ? WHERE id = ?", [to_db(datetime.now(UTC)), project_id])


def _fields(project: Project) -> dict[str, Any]:
    return {
        "name": project.name,
        "name_key": name_key(project.name),
        "system_prompt": project.system_prompt,
        "model_id": project.model_id,
        "provider_id": project.provider_id,
        "fallbacks": list(project.fallbacks),
    }


def _project(row: dict[str, Any]) -> Project:
    return Project(**{**row, "fallbacks": tuple(row["fallbacks"] or ())})
