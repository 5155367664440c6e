"""The messages of a request as every provider takes them. Pure."""

from core.text import storable
from core.types import ChatMessage, Role


def alternating(messages: tuple[ChatMessage, ...]) -> list[dict[str, str]]:
    """Return role and text, nothing else: one provider's reasoning and ids are nobody else's business.

    Neighbours of one role become one message, since a failed or stopped reply leaves two questions in a row and strict
    templates refuse that (Mistral and Gemma in vLLM; Anthropic-compatible gateways). Empty ones are left out: an empty
    text block is a 400 at Anthropic.
    """
    merged: list[dict[str, str]] = []
    for message in messages:
        text = storable(message.text)
        if not text.strip():
            continue
        if merged and merged[-1]["role"] == message.role.value:
            merged[-1]["content"] += "\n\n" + text
        else:
            merged.append({"role": message.role.value, "content": text})
    return merged


def user_first(messages: list[dict[str, str]]) -> list[dict[str, str]]:
    """Return the messages from the first of the user on."""
    is_cut = bool(messages) and messages[0]["role"] == Role.ASSISTANT.value
    return messages[1:] if is_cut else messages
