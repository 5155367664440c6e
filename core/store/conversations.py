"""The conversations table."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from core.store.connection import Cursor, Database, from_db, to_db
from core.store.rows import dicts, insert
from core.types import AnswerSettings, Choice, Conversation, Role, Thinking

_COLUMNS = (
    "id, project_id, title, choice_provider_id, choice_model_id, leaf_id, is_pinned, created_at, updated_at, "
    "deleted_at, thinking, temperature, max_output_tokens, is_agent"
)


@dataclass(frozen=True, slots=True)
class Hit:
    """A message that a search found."""

    conversation_id: str
    title: str
    message_id: str
    role: Role
    text: str
    created_at: datetime


class ConversationTable:
    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, conversation_id: str) -> Conversation | None:
        """Return the conversation, also one in the trash (see `deleted_at`)."""
        with self._database.read() as cursor:
            return fetch(cursor, conversation_id)

    def recent(self, limit: int = 50) -> list[Conversation]:
        """Return what is not in the trash: pinned first, then by the last change, newest first."""
        sql = f"""
            SELECT {_COLUMNS}
            FROM conversations
            WHERE deleted_at IS NULL
            ORDER BY is_pinned DESC, updated_at DESC, id DESC
            LIMIT ?"""
        with self._database.read() as cursor:
            return [_conversation(row) for row in dicts(cursor, sql, [limit])]

    def add(self, cursor: Cursor, conversation: Conversation) -> None:
        insert(
            cursor,
            "conversations",
            {
                "id": conversation.id,
                "project_id": conversation.project_id,
                "title": conversation.title,
                "choice_provider_id": conversation.choice.provider_id,
                "choice_model_id": conversation.choice.model_id,
                "leaf_id": conversation.leaf_id,
                "is_pinned": conversation.is_pinned,
                "is_agent": conversation.is_agent,
                "created_at": to_db(conversation.created_at),
                "updated_at": to_db(conversation.updated_at),
                "thinking": conversation.settings.thinking,
                "temperature": conversation.settings.temperature,
                "max_output_tokens": conversation.settings.max_output_tokens,
            },
        )

    def choose(self, conversation_id: str, choice: Choice) -> None:
        """Remember what the next message is to be answered with."""
        self._database.write(
            lambda cursor: cursor.execute(
                "UPDATE conversations SET choice_provider_id = ?, choice_model_id = ? WHERE id = ?",
                [choice.provider_id, choice.model_id, conversation_id],
            )
        )

    def tune(self, conversation_id: str, settings: AnswerSettings) -> None:
        """Remember how its next answers are asked for."""
        self._database.write(
            lambda cursor: cursor.execute(
                "UPDATE conversations SET thinking = ?, temperature = ?, max_output_tokens = ? WHERE id = ?",
                [settings.thinking, settings.temperature, settings.max_output_tokens, conversation_id],
            )
        )

    def trash(self) -> list[Conversation]:
        """Return what lies in the trash, last deleted first."""
        sql = f"SELECT {_COLUMNS} FROM conversations WHERE deleted_at IS NOT NULL ORDER BY deleted_at DESC, id DESC"
        with self._database.read() as cursor:
            return [_conversation(row) for row in dicts(cursor, sql)]

    def rename(self, conversation_id: str, title: str) -> None:
        self._set(conversation_id, "title", title)

    def pin(self, conversation_id: str, is_pinned: bool) -> None:
        self._set(conversation_id, "is_pinned", is_pinned)

    def move(self, conversation_id: str, project_id: str) -> None:
        """Put the conversation into another project. What was logged stays with the one it was asked in."""
        self._set(conversation_id, "project_id", project_id)

    def set_agent(self, conversation_id: str, is_agent: bool) -> None:
        """Remember whether an agent answers from now on."""
        self._set(conversation_id, "is_agent", is_agent)

    def delete(self, conversation_id: str) -> None:
        """Move the conversation to the trash."""
        self._set(conversation_id, "deleted_at", to_db(datetime.now(UTC)))

    def restore(self, conversation_id: str) -> None:
        self._set(conversation_id, "deleted_at", None)

    def purge(self, *, deleted_before: datetime) -> int:
        """Delete for good what went to the trash before this time. The log of attempts stays: it is the bill."""

        def write(cursor: Cursor) -> int:
            old = [
                row[0]
                for row in cursor.execute(
                    "SELECT id FROM conversations WHERE deleted_at < ?", [to_db(deleted_before)]
                ).fetchall()
            ]
            if old:
                cursor.execute(
                    """
                    DELETE FROM steps
                    WHERE reply_id IN (SELECT id FROM messages WHERE list_contains(?, conversation_id))""",
                    [old],
                )
                cursor.execute("DELETE FROM messages WHERE list_contains(?, conversation_id)", [old])
                cursor.execute("DELETE FROM conversations WHERE list_contains(?, id)", [old])
            return len(old)

        return self._database.write(write)

    def search(self, words: str, limit: int = 50) -> list[Hit]:
        """Return messages that contain the words as they stand, in any case; newest first, not those in the trash.

        There is no full-text extension offline; a scan of 1M bodies (200 MB) takes 0.3 s (measured 2026-11-23).
        """
        pattern = "%" + re.sub(r"([\\%_])", r"\\\1", words) + "%"
        sql = r"""
            SELECT m.conversation_id, c.title, m.id, m.role, m.text, m.created_at
            FROM messages m
            JOIN conversations c ON c.id = m.conversation_id
            WHERE m.text ILIKE ? ESCAPE '\' AND c.deleted_at IS NULL
            ORDER BY m.created_at DESC, m.sequence DESC
            LIMIT ?"""
        with self._database.read() as cursor:
            rows = cursor.execute(sql, [pattern, limit]).fetchall()
        return [
            Hit(conversation_id, title, message_id, Role(role), text, from_db(created_at))
            for conversation_id, title, message_id, role, text, created_at in rows
        ]

    def _set(self, conversation_id: str, column: str, value: object) -> None:
        self._database.write(
            lambda cursor: cursor.execute(
                f"UPDATE conversations SET {column} = ? WHERE id = ?", [value, conversation_id]
            )
        )

    def move_leaf(self, cursor: Cursor, conversation_id: str, leaf_id: str) -> None:
        """Show the branch that ends in this message."""
        cursor.execute(
            "UPDATE conversations SET leaf_id = ?, updated_at = ? WHERE id = ?",
            [leaf_id, to_db(datetime.now(UTC)), conversation_id],
        )


def fetch(cursor: Cursor, conversation_id: str) -> Conversation | None:
    sql = f"SELECT {_COLUMNS} FROM conversations WHERE id = ?"
    return next((_conversation(row) for row in dicts(cursor, sql, [conversation_id])), None)


def _conversation(row: dict[str, Any]) -> Conversation:
    return Conversation(
        id=row["id"],
        project_id=row["project_id"],
        title=row["title"],
        choice=Choice(row["choice_provider_id"], row["choice_model_id"]),
        leaf_id=row["leaf_id"],
        is_pinned=row["is_pinned"],
        created_at=from_db(row["created_at"]),
        updated_at=from_db(row["updated_at"]),
        deleted_at=from_db(row["deleted_at"]) if row["deleted_at"] else None,
        settings=AnswerSettings(
            thinking=Thinking(row["thinking"]) if row["thinking"] else None,
            temperature=row["temperature"],
            max_output_tokens=row["max_output_tokens"],
        ),
        is_agent=row["is_agent"],
    )
