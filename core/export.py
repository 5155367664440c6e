"""A conversation as a file of the user's own: Markdown to read, JSON to keep. Pure. No keys, nothing of other chats."""

import json
from collections.abc import Sequence
from typing import Any

from core.types import Conversation, Message, Role


def to_markdown(conversation: Conversation, messages: Sequence[Message]) -> str:
    """Return the branch that is shown, each reply under the name of who wrote it."""
    parts = [f"# {conversation.title}"]
    for message in messages:
        if message.role is Role.USER:
            parts.append(f"## You\n\n{message.text}")
        else:
            status = "" if message.status == "done" else f" ({message.status.value})"
            parts.append(f"## {message.model_name} · {message.provider_name}{status}\n\n{message.text}")
    return "\n\n".join(parts) + "\n"


def to_json(conversation: Conversation, messages: Sequence[Message]) -> str:
    """Return all messages of the conversation, every branch, with parents, routes and outcomes. Times are ISO, UTC."""
    content: dict[str, Any] = {
        "format": "switchboard-conversation",
        "version": 1,
        "id": conversation.id,
        "title": conversation.title,
        "created_at": conversation.created_at.isoformat(),
        "updated_at": conversation.updated_at.isoformat(),
        "leaf_id": conversation.leaf_id,
        "messages": [_message(message) for message in messages],
    }
    return json.dumps(content, ensure_ascii=False, indent=2) + "\n"


def _message(message: Message) -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": message.id,
        "parent_id": message.parent_id,
        "role": message.role.value,
        "created_at": message.created_at.isoformat(),
        "text": message.text,
    }
    if message.role is Role.USER:
        return row
    return row | {
        "status": message.status.value,
        "reasoning": message.reasoning,
        "provider": message.provider_name,
        "model": message.model_id,
        "route_reason": message.route_reason,
        "finish_reason": message.finish_reason.value if message.finish_reason else None,
        "error": message.error_message,
    }
