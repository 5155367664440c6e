"""A conversation as Markdown and as JSON."""

import json
from dataclasses import replace
from datetime import UTC, datetime

from core.export import to_json, to_markdown
from core.types import Choice, Conversation, FinishReason, Message, Role, Status

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
CONVERSATION = Conversation("c", "default", "Plans for Rome", Choice("p", "m"), "m2", NOW, NOW)
ASKED = Message("m1", "c", Role.USER, "Why?\n\n> quoted", Status.DONE, NOW, 1)
REPLY = Message(
    "m2",
    "c",
    Role.ASSISTANT,
    "Because “so” 🚀.",
    Status.DONE,
    NOW,
    2,
    parent_id="m1",
    reasoning="hm",
    provider_id="p",
    provider_name="Acme",
    model_id="model-1",
    model_name="Model One",
    route_reason="chosen with the message",
    finish_reason=FinishReason.STOP,
)
CUT = replace(REPLY, id="m3", text="Bec", status=Status.STOPPED, finish_reason=None)
FAILED = replace(CUT, id="m4", text="", status=Status.FAILED, error_message="Acme refused the key.", error_detail="raw")


def test_markdown_reads_as_the_conversation_with_who_said_what() -> None:
    assert to_markdown(CONVERSATION, [ASKED, REPLY]) == (
        "# Plans for Rome\n\n## You\n\nWhy?\n\n> quoted\n\n## Model One · Acme\n\nBecause “so” 🚀.\n"
    )


def test_markdown_says_of_an_answer_that_is_not_whole_what_became_of_it() -> None:
    text = to_markdown(CONVERSATION, [ASKED, CUT])
    assert "## Model One · Acme (stopped)\n\nBec\n" in text


def test_json_holds_every_message_with_its_parent_its_route_and_its_outcome() -> None:
    content = json.loads(to_json(CONVERSATION, [ASKED, REPLY, CUT, FAILED]))
    messages = content.pop("messages")
    assert content == {
        "format": "switchboard-conversation",
        "version": 1,
        "id": "c",
        "title": "Plans for Rome",
        "created_at": "2026-11-23T12:00:00+00:00",
        "updated_at": "2026-11-23T12:00:00+00:00",
        "leaf_id": "m2",
    }
    asked = {"id": "m1", "parent_id": None, "role": "user", "text": "Why?\n\n> quoted"}
    assert messages[0] == {**asked, "created_at": "2026-11-23T12:00:00+00:00"}
    assert messages[1] == {
        "id": "m2",
        "parent_id": "m1",
        "role": "assistant",
        "created_at": "2026-11-23T12:00:00+00:00",
        "text": "Because “so” 🚀.",
        "status": "done",
        "reasoning": "hm",
        "provider": "Acme",
        "model": "model-1",
        "route_reason": "chosen with the message",
        "finish_reason": "stop",
        "error": None,
    }
    outcomes = [(row["id"], row["parent_id"], row["status"], row["error"]) for row in messages[2:]]
    assert outcomes == [("m3", "m1", "stopped", None), ("m4", "m1", "failed", "Acme refused the key.")]


def test_json_is_text_that_people_can_read() -> None:
    assert "“so” 🚀" in to_json(CONVERSATION, [REPLY])
