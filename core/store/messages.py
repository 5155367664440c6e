"""The messages of a conversation, a tree by parent, and the chunks of a reply that is still growing."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from core.store.connection import Cursor, Database, from_db, to_db
from core.store.rows import dicts, insert
from core.text import storable
from core.types import Chunk, FinishReason, Message, Node, Role, Status

_PLAIN = [  # columns that are fields of the same name
    "id",
    "conversation_id",
    "parent_id",
    "sequence",
    "text",
    "reasoning",
    "reasoning_ms",
    "provider_id",
    "provider_name",
    "model_id",
    "model_name",
    "route_reason",
    "error_kind",
    "error_message",
    "error_detail",
    "session_id",
]
_COLUMNS = ", ".join([*_PLAIN, "role", "status", "finish_reason", "created_at"])


class MessageTable:
    def __init__(self, database: Database) -> None:
        self._database = database

    def nodes(self, conversation_id: str) -> list[Node]:
        """Return the whole tree in the order it was written. No texts: cheap in a long conversation."""
        sql = "SELECT id, parent_id, sequence, role, status FROM messages WHERE conversation_id = ? ORDER BY sequence"
        with self._database.read() as cursor:
            rows = cursor.execute(sql, [conversation_id]).fetchall()
        return [Node(id_, parent, sequence, Role(role), Status(status)) for id_, parent, sequence, role, status in rows]

    def get(self, message_ids: list[str]) -> list[Message]:
        """Return the messages in the order asked for. A reply still growing comes with the chunks written so far."""
        sql = f"SELECT {_COLUMNS} FROM messages WHERE id IN (SELECT unnest(?))"
        with self._database.read() as cursor:
            cursor.execute("BEGIN")  # a reply that ends between the two queries has neither its chunks nor its text
            found = {row["id"]: _message(row) for row in dicts(cursor, sql, [message_ids])}
            grown = _grown(cursor, [id_ for id_, message in found.items() if message.status is Status.STREAMING])
        for id_, (text, reasoning) in grown.items():
            found[id_] = replace(found[id_], text=text, reasoning=reasoning)
        return [found[id_] for id_ in message_ids if id_ in found]

    def add(self, cursor: Cursor, message: Message, *, process: str | None = None) -> None:
        """Insert the message; a streaming reply names the process that streams it.

        Raises Conflict (through `write`) when the conversation has a running turn and this would be a second one.
        """
        insert(
            cursor,
            "messages",
            {
                **{name: getattr(message, name) for name in _PLAIN},
                "role": message.role.value,
                "status": message.status.value,
                "created_at": to_db(message.created_at),
                "process": process,
            },
        )

    def next_sequence(self, cursor: Cursor, conversation_id: str) -> int:
        sql = "SELECT coalesce(max(sequence), 0) + 1 FROM messages WHERE conversation_id = ?"
        return int(cursor.execute(sql, [conversation_id]).fetchall()[0][0])

    def add_chunks(self, cursor: Cursor, chunks: Iterable[Chunk]) -> None:
        """Append to replies that grow. One that has ended has its whole text: nothing is left behind for it."""
        for chunk in chunks:
            cursor.execute(
                """
                INSERT INTO reply_chunks (reply_id, sequence, text, reasoning, replaces)
                SELECT id, ?, ?, ?, ?
                FROM messages
                WHERE id = ? AND status = 'streaming'""",
                [chunk.sequence, storable(chunk.text), storable(chunk.reasoning), chunk.replaces, chunk.reply_id],
            )

    def finish(self, cursor: Cursor, reply: Message, *, finished_at: Any) -> None:
        """Give a streaming reply its whole text and its last status; one that is finished already is left alone."""
        cursor.execute(
            """
            UPDATE messages
            SET status = ?, text = ?, reasoning = ?, reasoning_ms = ?, provider_id = ?, provider_name = ?, model_id = ?,
                model_name = ?, route_reason = ?, finish_reason = ?, error_kind = ?, error_message = ?,
                error_detail = ?, session_id = ?, process = NULL, finished_at = ?
            WHERE id = ? AND status = 'streaming'""",
            [
                reply.status.value,
                storable(reply.text),
                storable(reply.reasoning),
                reply.reasoning_ms,
                reply.provider_id,
                reply.provider_name,
                reply.model_id,
                reply.model_name,
                reply.route_reason,
                reply.finish_reason.value if reply.finish_reason else None,
                reply.error_kind,
                storable(reply.error_message) if reply.error_message else None,
                storable(reply.error_detail) if reply.error_detail else None,
                reply.session_id,
                to_db(finished_at),
                reply.id,
            ],
        )
        cursor.execute("DELETE FROM reply_chunks WHERE reply_id = ?", [reply.id])

    def left_streaming(self, *, process: str) -> list[Message]:
        """Return the replies that another, dead process was streaming, with the text it had written."""
        sql = "SELECT id FROM messages WHERE status = 'streaming' AND process IS DISTINCT FROM ?"
        with self._database.read() as cursor:
            ids = [row[0] for row in cursor.execute(sql, [process]).fetchall()]
        return self.get(ids)


def _grown(cursor: Cursor, reply_ids: list[str]) -> dict[str, tuple[str, str]]:
    if not reply_ids:
        return {}
    rows = cursor.execute(
        """
        SELECT reply_id, text, reasoning, replaces
        FROM reply_chunks
        WHERE list_contains(?, reply_id)
        ORDER BY reply_id, sequence""",
        [reply_ids],
    ).fetchall()
    parts: dict[str, list[tuple[str, str]]] = {}
    for reply_id, text, reasoning, replaces in rows:
        if replaces:
            parts[reply_id] = []
        parts.setdefault(reply_id, []).append((text, reasoning))
    return {
        reply_id: ("".join(text for text, _ in found), "".join(reasoning for _, reasoning in found))
        for reply_id, found in parts.items()
    }


def _message(row: dict[str, Any]) -> Message:
    return Message(
        **{name: row[name] for name in _PLAIN},
        role=Role(row["role"]),
        status=Status(row["status"]),
        finish_reason=FinishReason(row["finish_reason"]) if row["finish_reason"] else None,
        created_at=from_db(row["created_at"]),
    )
