"""The request of a row of the log as it would be sent again. No key comes near."""

import json
import shlex
from dataclasses import dataclass
from typing import Any

from core.redact import redact
from core.runners.messages import alternating, user_first
from core.store import Store
from core.tree import Tree
from core.types import Attempt, ChatMessage, Message, ProviderFlag

_MAX_TOKENS = 8192  # what the runner of the Messages protocol sends where nobody says more
_ANTHROPIC_VERSION = "2026-10-21"


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """A request as it would be sent again today: the branch above the reply, the project's prompt of now."""

    system: str | None
    messages: tuple[ChatMessage, ...]
    reply: Message | None
    has_conversation: bool  # it exists, and not in the trash


def rebuild(store: Store, attempt: Attempt) -> Rebuilt:
    """Return the request of an attempt, redacted. No messages: its conversation was deleted for good."""
    conversation = store.conversations.get(attempt.conversation_id) if attempt.conversation_id else None
    reply = next(iter(store.messages.get([attempt.reply_id])), None) if attempt.reply_id else None
    messages: list[Message] = []
    if reply is not None:
        tree = Tree(store.messages.nodes(reply.conversation_id))
        messages = store.messages.get(tree.branch(reply.parent_id))
    project = store.projects.get(attempt.project_id) if attempt.project_id else None
    system = project.system_prompt if project else None
    return Rebuilt(
        system=redact(system) if system else None,
        messages=tuple(ChatMessage(m.role, redact(m.text)) for m in messages if m.text.strip()),
        reply=reply,
        has_conversation=conversation is not None and conversation.deleted_at is None,
    )


def curl(store: Store, attempt: Attempt, rebuilt: Rebuilt) -> str | None:
    """Return a shell command that sends the request, with $API_KEY for the key; None where nothing goes by HTTP.

    The body stands in a quoted here-document: nothing of it is read by the shell.
    """
    provider = store.providers.get(attempt.provider_id)
    if attempt.protocol not in ("openai", "anthropic") or not rebuilt.messages:
        return None
    base_url = shlex.quote(provider.base_url) if provider and provider.base_url else "$BASE_URL"
    model = next((m for m in store.models.of(attempt.provider_id) if m.id == attempt.model_requested), None)
    messages = alternating(rebuilt.messages)
    body: dict[str, Any] = {"model": attempt.model_requested}
    headers = ["Content-Type: application/json"]
    if attempt.protocol == "openai":
        if rebuilt.system and rebuilt.system.strip():
            messages.insert(0, {"role": "system", "content": rebuilt.system})
        body |= {"messages": messages, "stream": True}
        if provider is None or ProviderFlag.NO_STREAM_OPTIONS not in provider.flags:
            body["stream_options"] = {"include_usage": True}
        path, key = "/chat/completions", "Authorization: Bearer $API_KEY"
    else:
        limit = (model.max_output_tokens if model else None) or _MAX_TOKENS
        body |= {"max_tokens": limit, "messages": user_first(messages), "stream": True}
        if rebuilt.system and rebuilt.system.strip():
            body["system"] = rebuilt.system
        path, key = "/v1/messages", "x-api-key: $API_KEY"
        headers.append(f"anthropic-version: {_ANTHROPIC_VERSION}")
    lines = [f"curl -N {base_url}{path}", f'-H "{key}"', *(f"-H '{header}'" for header in headers)]
    text = json.dumps(body, ensure_ascii=False, indent=2)
    return " \\\n  ".join([*lines, "--data-binary @- <<'END_OF_REQUEST'"]) + f"\n{text}\nEND_OF_REQUEST\n"


def pretty(body: str) -> str:
    """Return a JSON body with line breaks; anything else as it is."""
    try:
        return json.dumps(json.loads(body), ensure_ascii=False, indent=2)
    except ValueError:
        return body
