"""The steps of agents: what tool was used in a reply, with what, and what came of it."""

from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from core.store.connection import Cursor, Database, from_db, to_db
from core.store.rows import dicts, insert
from core.types import Decision, Step, StepStatus

_COLUMNS = [field.name for field in fields(Step)]


class StepTable:
    def __init__(self, database: Database) -> None:
        self._database = database

    def of_replies(self, reply_ids: list[str]) -> dict[str, list[Step]]:
        """Return the steps by reply, in order; those of a running reply as far as they are written."""
        sql = f"SELECT {', '.join(_COLUMNS)} FROM steps WHERE list_contains(?, reply_id) ORDER BY reply_id, position"
        with self._database.read() as cursor:
            rows = dicts(cursor, sql, [reply_ids])
        found: dict[str, list[Step]] = {}
        for row in rows:
            found.setdefault(row["reply_id"], []).append(_step(row))
        return found

    def put(self, cursor: Cursor, steps: Iterable[Step]) -> None:
        """Write steps, in place of what was written of them before."""
        for step in steps:
            cursor.execute("DELETE FROM steps WHERE reply_id = ? AND id = ?", [step.reply_id, step.id])
            insert(
                cursor,
                "steps",
                {
                    **{name: getattr(step, name) for name in _COLUMNS},
                    "status": step.status.value,
                    "decision": step.decision.value if step.decision else None,
                    "started_at": to_db(step.started_at),
                },
            )

    def end(self, cursor: Cursor, reply_id: str) -> None:
        """Mark what still ran when the process of this reply died."""
        cursor.execute("UPDATE steps SET status = 'stopped' WHERE reply_id = ? AND status = 'running'", [reply_id])


def _step(row: dict[str, Any]) -> Step:
    return Step(
        **row
        | {
            "status": StepStatus(row["status"]),
            "decision": Decision(row["decision"]) if row["decision"] else None,
            "started_at": from_db(row["started_at"]),
        }
    )
