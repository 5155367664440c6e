"""The conversations table."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

from core.store import Store
from core.store.conversations import fetch
from core.types import AUTOMATIC, Choice, Conversation

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
FULL = Conversation("c", "default", "Plans", Choice("p", "m"), None, NOW, NOW)


def add(store: Store, *conversations: Conversation) -> None:
    for conversation in conversations:
        store.log.write(partial(store.conversations.add, conversation=conversation))


def test_a_conversation_comes_back_as_it_was_written(store: Store) -> None:
    pinned = replace(FULL, id="d", is_pinned=True, choice=AUTOMATIC, leaf_id="m9")
    add(store, FULL, pinned)
    assert store.conversations.get("c") == FULL
    assert store.conversations.get("d") == pinned
    assert store.conversations.get("nothing") is None


def test_the_newest_come_first_and_pinned_ones_before_them(store: Store) -> None:
    days = [replace(FULL, id=f"day {day}", updated_at=NOW + timedelta(days=day)) for day in range(4)]
    add(store, *days, replace(FULL, id="pinned", is_pinned=True))
    assert [found.id for found in store.conversations.recent(4)] == ["pinned", "day 3", "day 2", "day 1"]


def test_the_trash_is_not_among_the_recent_but_still_found(store: Store) -> None:
    add(store, FULL)
    store.log.write(
        lambda cursor: cursor.execute("UPDATE conversations SET deleted_at = ?", [NOW.replace(tzinfo=None)])
    )
    assert store.conversations.recent() == []
    found = store.conversations.get("c")
    assert found is not None
    assert found.deleted_at == NOW


def test_the_choice_for_the_next_message_is_remembered(store: Store) -> None:
    add(store, FULL)
    for choice in (Choice("q", "n"), Choice(None, "n"), AUTOMATIC):
        store.conversations.choose("c", choice)
        assert store.conversations.get("c") == replace(FULL, choice=choice)


def test_a_new_leaf_is_a_change_of_the_conversation(store: Store) -> None:
    add(store, FULL)
    store.log.write(lambda cursor: store.conversations.move_leaf(cursor, "c", "m2"))
    with store.log.read() as cursor:
        moved = fetch(cursor, "c")
    assert moved is not None
    assert moved.leaf_id == "m2"
    assert moved.updated_at > NOW
