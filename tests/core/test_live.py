"""A reply while it grows: what readers see, and that the written chunks always give its text again."""

import threading
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from core.live import LiveTurn
from core.types import ChatRequest, Chunk, Message, Model, Provider, Role, Route, Status

REPLY = Message("r", "c", Role.ASSISTANT, "", Status.STREAMING, datetime.now(UTC), 2)
ROUTE = Route(Provider("p", "P", "scripted", ""), Model("p", "m", "M"), None, "chosen")


def new_turn() -> LiveTurn:
    return LiveTurn(turn_id="t", reply=REPLY, project_id="default", route=ROUTE, request=ChatRequest(()))


def replay(chunks: list[Chunk]) -> tuple[str, str]:
    """Return text and reasoning as a reader of the store puts them together."""
    text = reasoning = ""
    for chunk in sorted(chunks, key=lambda chunk: chunk.sequence):
        if chunk.replaces:
            text = reasoning = ""
        text += chunk.text
        reasoning += chunk.reasoning
    return text, reasoning


def write(turn: LiveTurn, chunks: list[Chunk]) -> None:
    if chunk := turn.unwritten():
        chunks.append(chunk)
        turn.mark_written(chunk)


def test_text_and_reasoning_grow_and_each_change_has_its_version() -> None:
    turn = new_turn()
    versions = [turn.look().version]
    for change, words in (
        (turn.add_reasoning, "Let me "),
        (turn.add_reasoning, "think."),
        (turn.add_text, "Hel"),
        (turn.add_text, "lo"),
        (turn.notify, "slow"),
    ):
        change(words)
        versions.append(turn.look().version)
    look = turn.look()
    assert (look.text, look.reasoning, look.notice, look.is_finished) == ("Hello", "Let me think.", "slow", False)
    assert versions == sorted(set(versions))


def test_reasoning_is_timed_from_its_first_word_to_the_first_of_the_answer() -> None:
    turn = new_turn()
    assert turn.look().reasoning_ms is None
    turn.add_reasoning("hm")
    assert turn.look().reasoning_ms is None
    turn.add_text("so")
    took_ms = turn.look().reasoning_ms
    assert took_ms is not None and took_ms >= 0
    turn.add_text(" it is")
    assert turn.look().reasoning_ms == took_ms


def test_an_answer_without_reasoning_has_no_time_for_it() -> None:
    turn = new_turn()
    turn.add_text("so")
    assert turn.look().reasoning_ms is None


def test_confirmed_text_stands_for_the_draft_and_never_for_what_was_confirmed_before() -> None:
    turn = new_turn()
    turn.add_text("one ")
    turn.confirm_text("one ")
    turn.add_text("tow")
    turn.confirm_text("two ")
    turn.add_text("half of thr")
    assert turn.look().text == "one two half of thr"
    turn.confirm_text("")
    assert turn.look().text == "one two "


def test_only_what_is_new_is_written() -> None:
    turn = new_turn()
    assert turn.unwritten() is None
    turn.add_text("one ")
    first = turn.unwritten()
    assert first == Chunk("r", 1, "one ", "")
    turn.add_text("two")
    turn.add_reasoning("hm")
    assert first is not None
    turn.mark_written(first)
    second = turn.unwritten()
    assert second == Chunk("r", 2, "two", "hm")
    assert second is not None
    turn.mark_written(second)
    assert turn.unwritten() is None


def test_what_could_not_be_written_comes_again() -> None:
    turn = new_turn()
    turn.add_text("one ")
    turn.unwritten()  # the write fails: nothing is marked
    turn.add_text("two")
    assert turn.unwritten() == Chunk("r", 1, "one two", "")


def test_a_confirmation_that_changes_nothing_costs_no_rewriting() -> None:
    turn = new_turn()
    chunks: list[Chunk] = []
    turn.add_text("same")
    write(turn, chunks)
    turn.confirm_text("same")
    assert turn.unwritten() is None


def test_a_replaced_draft_is_rewritten_as_a_whole() -> None:
    turn = new_turn()
    chunks: list[Chunk] = []
    turn.add_reasoning("hm")
    turn.add_text("wrong and long")
    write(turn, chunks)
    turn.confirm_text("right")
    write(turn, chunks)
    assert chunks[-1] == Chunk("r", 2, "right", "hm", replaces=True)
    turn.add_text(" on")
    write(turn, chunks)
    assert chunks[-1] == Chunk("r", 3, " on", "")


def test_a_draft_replaced_while_it_is_being_written_is_rewritten() -> None:
    turn = new_turn()
    turn.add_text("wrong")
    chunk = turn.unwritten()
    turn.confirm_text("right, and longer")
    assert chunk is not None
    turn.mark_written(chunk)
    chunks = [chunk]
    write(turn, chunks)
    assert replay(chunks) == ("right, and longer", "")


WORDS = st.sampled_from(["", "a", "bc", "def", "供应商"])
KINDS = ["text", "reasoning", "confirm", "confirm the draft", "begin to write", "written", "not written"]
CHANGES = st.tuples(st.sampled_from(KINDS), WORDS)


@settings(deadline=None, max_examples=500)
@given(st.lists(CHANGES, max_size=40))
def test_replaying_the_written_chunks_always_gives_the_text(changes: list[tuple[str, str]]) -> None:
    turn = new_turn()
    confirmed = draft = reasoning = ""
    chunks: list[Chunk] = []
    on_its_way: Chunk | None = None
    for change, words in changes:
        match change:
            case "text":
                turn.add_text(words)
                draft += words
            case "reasoning":
                turn.add_reasoning(words)
                reasoning += words
            case "confirm" | "confirm the draft":
                words = draft if change == "confirm the draft" else words
                turn.confirm_text(words)
                confirmed, draft = confirmed + words, ""
            case "begin to write":
                on_its_way = on_its_way or turn.unwritten()
            case "written" if on_its_way:
                chunks.append(on_its_way)
                turn.mark_written(on_its_way)
                on_its_way = None
            case _:
                on_its_way = None
        look = turn.look()
        assert (look.text, look.reasoning) == (confirmed + draft, reasoning)
    if on_its_way:
        chunks.append(on_its_way)
        turn.mark_written(on_its_way)
    write(turn, chunks)
    assert replay(chunks) == (confirmed + draft, reasoning)
    assert turn.unwritten() is None
    assert [chunk.sequence for chunk in chunks] == list(range(1, len(chunks) + 1))


def test_a_waiting_reader_is_woken_by_the_next_change() -> None:
    turn = new_turn()
    seen: list[str] = []
    reader = threading.Thread(target=lambda: seen.append(turn.wait(0, timeout_s=10).text))
    reader.start()
    turn.add_text("news")
    reader.join(10)
    assert seen == ["news"]


def test_a_reader_who_is_behind_does_not_wait_and_one_who_is_not_waits_no_longer_than_asked() -> None:
    turn = new_turn()
    turn.add_text("old")
    assert turn.wait(0, timeout_s=10).text == "old"
    version = turn.look().version
    assert turn.wait(version, timeout_s=0.001).version == version


def test_a_finished_turn_shows_the_stored_reply() -> None:
    turn = new_turn()
    turn.add_text("all")
    version = turn.look().version
    turn.finish(REPLY)
    look = turn.wait(version, timeout_s=10)
    assert look.is_finished
    assert look.text == "all"
