"""Very long answers and messages: stored whole, checkpointed on the way, logged once."""

import pytest

from core.errors import InvalidInput
from core.events import Completed, TextDelta
from core.text import MESSAGE_LIMIT
from core.types import Provider, Status, Usage
from core.workbench import Workbench
from tests.conftest import Gate, Scripted, finished, send, stored, wait_until

PART = "Some words of a very long answer, with **bold** and `code`.\n\n" * 1000  # 62 kB


def test_an_answer_of_four_megabytes_is_written_on_the_way_and_kept_whole(
    workbench: Workbench, scripted: Scripted, provider: Provider
) -> None:
    gate = Gate()
    parts = [TextDelta(PART)] * 70
    scripted.play(*parts[:40], gate, *parts[40:], Completed(Usage(3, 1_000_000)))
    id_ = send(workbench, "Write a book", provider)
    gate.reached()
    wait_until(lambda: stored(workbench, id_)[-1].text == PART * 40)
    gate.open()
    reply = finished(workbench, id_)
    assert (reply.status, reply.text == PART * 70) == (Status.DONE, True)
    assert len(reply.text) > 4_000_000
    assert len(workbench.store.attempts.recent()) == 1
    with workbench.store.log.read() as cursor:
        assert cursor.execute("SELECT count(*) FROM reply_chunks").fetchall() == [(0,)]


def test_a_message_of_100_000_characters_is_sent_as_it_was_typed(
    workbench: Workbench, scripted: Scripted, provider: Provider
) -> None:
    text = ("A long message, " * 6250).strip()
    id_ = send(workbench, text, provider)
    assert finished(workbench, id_).status is Status.DONE
    assert stored(workbench, id_)[0].text == text
    [(_, request)] = scripted.asked
    assert request.messages[-1].text == text


def test_a_message_beyond_the_limit_is_refused_whole(
    workbench: Workbench, scripted: Scripted, provider: Provider
) -> None:
    with pytest.raises(InvalidInput, match="400,000 is the most"):
        send(workbench, "x" * (MESSAGE_LIMIT + 1), provider)
    assert workbench.store.conversations.recent() == []
    assert scripted.asked == []
