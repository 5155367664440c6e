"""The conversations table."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

from core.store import Store
from core.store.connection import to_db
from core.store.conversations import fetch
from core.types import AUTOMATIC, AnswerSettings, Choice, Conversation, Message, Provider, Role, Status, Thinking
from core.workbench import Workbench
from tests.conftest import Scripted, finished, send

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
FULL = Conversation("c", "default", "Plans", Choice("p", "m"), None, NOW, NOW)


def add(store: Store, *conversations: Conversation) -> None:
    for conversation in conversations:
        store.log.write(partial(store.conversations.add, conversation=conversation))


def test_a_conversation_comes_back_as_it_was_written(store: Store) -> None:
    settings = AnswerSettings(Thinking.HIGH, 0.25, 4096)
    pinned = replace(FULL, id="d", is_pinned=True, choice=AUTOMATIC, leaf_id="m9", settings=settings)
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


def say(store: Store, conversation_id: str, *texts: str) -> None:
    for number, text in enumerate(texts, 1):
        message = Message(
            f"{conversation_id}{number}",
            conversation_id,
            Role.USER,
            text,
            Status.DONE,
            NOW + timedelta(minutes=number),
            number,
        )
        store.log.write(partial(store.messages.add, message=message))


def test_a_search_finds_the_words_as_they_stand_in_any_case_newest_first(store: Store) -> None:
    add(store, FULL, replace(FULL, id="d", title="Other"))
    say(store, "c", "The Colosseum", "nothing", "a COLOSSEUM again")
    say(store, "d", "col osseum", "Über den Wolken")
    assert [(hit.message_id, hit.title) for hit in store.conversations.search("colosseum")] == [
        ("c3", "Plans"),
        ("c1", "Plans"),
    ]
    assert [hit.message_id for hit in store.conversations.search("über DEN")] == ["d2"]
    assert [hit.message_id for hit in store.conversations.search("colosseum", limit=1)] == ["c3"]
    assert store.conversations.search("forum") == []


def test_a_search_takes_no_sign_for_a_pattern(store: Store) -> None:
    add(store, FULL)
    say(store, "c", "100% sure", "100 sure", "snake_case", "snakeXcase", r"C:\new", "it's 'quoted'")
    found = {words: [hit.text for hit in store.conversations.search(words)] for words in ("0%", "e_c", ":\\n", "s 'q")}
    assert found == {"0%": ["100% sure"], "e_c": ["snake_case"], ":\\n": [r"C:\new"], "s 'q": ["it's 'quoted'"]}


def test_a_search_does_not_look_into_the_trash(store: Store) -> None:
    add(store, FULL)
    say(store, "c", "The Colosseum")
    store.conversations.delete("c")
    assert store.conversations.search("colosseum") == []
    store.conversations.restore("c")
    assert len(store.conversations.search("colosseum")) == 1


def test_renaming_and_pinning_change_nothing_else(store: Store) -> None:
    add(store, FULL)
    store.conversations.rename("c", "Rome")
    store.conversations.pin("c", True)
    assert store.conversations.get("c") == replace(FULL, title="Rome", is_pinned=True)
    store.conversations.pin("c", False)
    assert store.conversations.get("c") == replace(FULL, title="Rome")


def test_the_trash_holds_what_was_deleted_last_deleted_first_and_gives_it_back_as_it_was(store: Store) -> None:
    others = [replace(FULL, id=id_) for id_ in ("d", "e")]
    add(store, FULL, *others)
    for id_ in ("e", "c"):
        store.conversations.delete(id_)
    assert [found.id for found in store.conversations.trash()] == ["c", "e"]
    assert [found.id for found in store.conversations.recent()] == ["d"]
    store.conversations.restore("c")
    assert store.conversations.get("c") == FULL
    assert [found.id for found in store.conversations.trash()] == ["e"]


def test_only_what_has_lain_in_the_trash_for_long_is_purged_and_the_bill_stays(
    workbench: Workbench, scripted: Scripted, provider: Provider
) -> None:
    store = workbench.store
    old, young, kept = (send(workbench, "Hi", provider) for _ in range(3))
    for id_ in (old, young, kept):
        finished(workbench, id_)
    for id_ in (old, young):
        store.conversations.delete(id_)
    store.log.write(
        lambda cursor: cursor.execute(
            "UPDATE conversations SET deleted_at = ? WHERE id = ?", [to_db(NOW - timedelta(days=31)), old]
        )
    )
    assert store.conversations.purge(deleted_before=NOW - timedelta(days=30)) == 1
    assert store.conversations.purge(deleted_before=NOW - timedelta(days=30)) == 0
    assert store.conversations.get(old) is None
    assert [len(store.messages.nodes(id_)) for id_ in (old, young, kept)] == [0, 2, 2]
    assert len(store.attempts.recent()) == 3
