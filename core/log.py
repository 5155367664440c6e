"""What a row of the log was about: its cost in parts, and its request as it would be sent again. No key comes near."""

import json
import shlex
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from core.pricing import cost
from core.redact import redact
from core.runners.messages import alternating, user_first
from core.store import Store
from core.tree import Tree
from core.types import Attempt, ChatMessage, CostSource, Message, Price, ProviderFlag, Usage

_MAX_TOKENS = 8192  # what the runner of the Messages protocol sends where nobody says more
_ANTHROPIC_VERSION = "2026-10-21"


@dataclass(frozen=True, slots=True)
class Part:
    """One line of a bill. `cost_usd` None: the price, or how many tokens, is not known."""

    name: str
    tokens: int | None
    price: Decimal | None  # USD per million
    cost_usd: Decimal | None


def cost_parts(attempt: Attempt) -> list[Part]:
    """Return how the cost of a priced attempt was made, from the row's own tokens and prices."""
    usage, price = attempt.usage, attempt.price
    made = cost(replace(usage, reported_cost_usd=None), price)
    cached = (usage.cache_read_tokens or 0) + (usage.cache_write_tokens or 0)
    fresh = None if usage.input_tokens is None else max(usage.input_tokens - cached, 0)
    parts = [
        Part("Input" if not cached else "Input, not cached", fresh, price.input, made.input),
        Part("Output", usage.output_tokens, price.output, made.output),
        Part("Read from the cache", usage.cache_read_tokens, price.cache_read, made.cache_read),
        Part("Written to the cache", usage.cache_write_tokens, price.cache_write, made.cache_write),
    ]
    return parts[:2] + [part for part in parts[2:] if part.tokens]


def cost_words(attempt: Attempt) -> str:
    """Return in a sentence how the cost was found."""
    match attempt.cost_source:
        case CostSource.PRICED:
            words = "Tokens times the prices at the time of sending."
        case CostSource.REPORTED:
            words = "The provider said it."
        case CostSource.FREE:
            words = "The model's prices are 0."
        case CostSource.NOT_BILLED:
            words = "The provider refused the request, so nothing is billed."
        case CostSource.UNPRICED:
            words = "Unknown: a price or a number of tokens is missing."
    return words + (" The tokens are estimates of ours." if attempt.usage.is_estimated else "")


def has_parts(attempt: Attempt) -> bool:
    return attempt.cost_source in (CostSource.PRICED, CostSource.UNPRICED) and (
        attempt.usage != Usage() or attempt.price != Price()
    )


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
