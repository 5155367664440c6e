"""Messages, the one running turn of a conversation, and the chunks of a reply that grows."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

import core.store.messages as messages
from core.store import Store
from core.store.connection import Conflict, Cursor
from core.types import Chunk, FinishReason, Message, Role, Status

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ASKED = Message("m1", "c", Role.USER, "Why?", Status.DONE, NOW, 1)
REPLY = Message(
    "m2",
    "c",
    Role.ASSISTANT,
    "",
    Status.STREAMING,
    NOW,
    2,
    parent_id="m1",
    provider_id="p",
    provider_name="P",
    model_id="m",
    model_name="M",
    route_reason="chosen with the message",
)
ENDED = replace(
    REPLY,
    text="Because.",
    reasoning="hm",
    reasoning_ms=12,
    status=Status.DONE,
    finish_reason=FinishReason.STOP,
    error_kind="kind",
    error_message="message",
    error_detail="detail",
)


def add(store: Store, *found: Message, process: str | None = "this") -> None:
    def write(cursor: Cursor) -> None:
        for message in found:
            store.messages.add(cursor, message, process=process if message.status is Status.STREAMING else None)

    store.log.write(write)


def grow(store: Store, *chunks: Chunk) -> None:
    store.log.write(lambda cursor: store.messages.add_chunks(cursor, chunks))


def finish(store: Store, reply: Message) -> None:
    store.log.write(lambda cursor: store.messages.finish(cursor, reply, finished_at=NOW))


def chunk_count(store: Store) -> int:
    with store.log.read() as cursor:
        return int(cursor.execute("SELECT count(*) FROM reply_chunks").fetchall()[0][0])


def test_messages_come_back_as_written_in_the_order_asked_for(store: Store) -> None:
    add(store, ASKED, REPLY)
    assert store.messages.get(["m2", "nothing", "m1"]) == [REPLY, ASKED]
    assert store.messages.get([]) == []


def test_the_tree_comes_without_texts_in_the_order_of_writing(store: Store) -> None:
    add(store, REPLY, ASKED, replace(ASKED, id="elsewhere", conversation_id="other"))
    assert [(node.id, node.parent_id, node.role, node.status) for node in store.messages.nodes("c")] == [
        ("m1", None, Role.USER, Status.DONE),
        ("m2", "m1", Role.ASSISTANT, Status.STREAMING),
    ]


def test_sequences_go_on_within_their_conversation(store: Store) -> None:
    def next_sequence(conversation_id: str) -> int:
        return store.log.write(lambda cursor: store.messages.next_sequence(cursor, conversation_id))

    assert next_sequence("c") == 1
    add(store, ASKED, REPLY)
    assert (next_sequence("c"), next_sequence("other")) == (3, 1)


def test_a_conversation_has_one_running_turn(store: Store) -> None:
    add(store, ASKED, REPLY)
    with pytest.raises(Conflict):
        add(store, replace(ASKED, id="m3"), replace(REPLY, id="m4"))
    assert [node.id for node in store.messages.nodes("c")] == ["m1", "m2"]
    add(store, replace(REPLY, id="elsewhere", conversation_id="other"))
    finish(store, ENDED)
    add(store, replace(REPLY, id="m4"))


def test_a_growing_reply_reads_as_its_chunks(store: Store) -> None:
    add(store, ASKED, REPLY)
    grow(store, Chunk("m2", 1, "Be", "h"), Chunk("m2", 2, "cause", "m"))
    grow(store, Chunk("m2", 3, ".", ""))
    [reply] = store.messages.get(["m2"])
    assert (reply.text, reply.reasoning, reply.status) == ("Because.", "hm", Status.STREAMING)


def test_a_chunk_that_replaces_stands_for_all_before_it(store: Store) -> None:
    add(store, ASKED, REPLY)
    grow(
        store,
        Chunk("m2", 1, "wrong", "h"),
        Chunk("m2", 2, "Be", "hm", replaces=True),
        Chunk("m2", 3, "cause.", ""),
    )
    [reply] = store.messages.get(["m2"])
    assert (reply.text, reply.reasoning) == ("Because.", "hm")


def test_the_end_writes_the_whole_text_in_place_of_the_chunks(store: Store) -> None:
    add(store, ASKED, REPLY)
    grow(store, Chunk("m2", 1, "Bec", ""))
    finish(store, ENDED)
    assert store.messages.get(["m2"]) == [ENDED]
    assert chunk_count(store) == 0


@pytest.mark.parametrize("status", [Status.DONE, Status.STOPPED, Status.FAILED, Status.INTERRUPTED])
def test_a_last_status_is_never_left(store: Store, status: Status) -> None:
    add(store, ASKED, REPLY)
    ended = replace(ENDED, status=status)
    finish(store, ended)
    for later in Status:
        finish(store, replace(ENDED, status=later, text="rewritten"))
    assert store.messages.get(["m2"]) == [ended]


def test_a_chunk_that_comes_after_the_end_leaves_nothing_behind(store: Store) -> None:
    add(store, ASKED, REPLY)
    finish(store, ENDED)
    grow(store, Chunk("m2", 1, "Because.", ""))
    assert chunk_count(store) == 0


def test_a_reply_that_ends_while_it_is_read_is_read_whole(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    add(store, ASKED, REPLY)
    grow(store, Chunk("m2", 1, "Because.", "hm"))
    read_chunks = messages._grown

    def slowly(cursor: Cursor, reply_ids: list[str]) -> dict[str, tuple[str, str]]:
        finish(store, ENDED)
        return read_chunks(cursor, reply_ids)

    monkeypatch.setattr(messages, "_grown", slowly)
    [reply] = store.messages.get(["m2"])
    assert (reply.text, reply.reasoning) == ("Because.", "hm")


def test_only_what_another_process_left_streaming_is_found(store: Store) -> None:
    add(store, ASKED, REPLY, process="dead")
    add(store, replace(REPLY, id="live", conversation_id="d"), process="this")
    add(store, replace(REPLY, id="nameless", conversation_id="e"), process=None)
    add(store, replace(ENDED, id="ended", conversation_id="f"))
    grow(store, Chunk("m2", 1, "Bec", ""))
    left = store.messages.left_streaming(process="this")
    assert {(reply.id, reply.text) for reply in left} == {("m2", "Bec"), ("nameless", "")}


def test_what_no_file_can_hold_is_replaced_and_the_rest_kept(store: Store) -> None:
    add(store, replace(ASKED, text="a\ud800b"), REPLY)
    grow(store, Chunk("m2", 1, "c\udc00d", ""))
    assert [message.text for message in store.messages.get(["m1", "m2"])] == ["a\ufffdb", "c\ufffdd"]
    finish(store, replace(ENDED, text="e\ud800f", error_detail="\ud83d\ude80"))
    [reply] = store.messages.get(["m2"])
    assert (reply.text, reply.error_detail) == ("e\ufffdf", "🚀")
