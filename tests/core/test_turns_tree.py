"""Answering again, editing and going back between versions: nothing that was written is ever overwritten."""

from collections.abc import Callable

import pytest

from core.errors import InvalidInput, TurnRefused
from core.events import Completed, TextDelta
from core.tree import Tree
from core.types import Choice, Message, Provider, Status, Usage
from core.workbench import Workbench
from tests.conftest import Gate, Scripted, finished, send, stored


def texts(workbench: Workbench, conversation_id: str) -> list[str]:
    return [message.text for message in stored(workbench, conversation_id)]


def siblings(workbench: Workbench, message: Message) -> list[str]:
    return Tree(workbench.store.messages.nodes(message.conversation_id)).siblings().get(message.id, [])


@pytest.fixture
def talk(workbench: Workbench, scripted: Scripted, provider: Provider) -> str:
    """A conversation of two questions and two answers."""
    scripted.play(*answer("One."))
    id_ = send(workbench, "First?", provider)
    finished(workbench, id_)
    scripted.play(*answer("Two."))
    finished(workbench, send(workbench, "Second?", provider, conversation_id=id_))
    return id_


def answer(text: str) -> tuple[TextDelta, Completed]:
    return TextDelta(text), Completed(Usage(3, 2))


def test_another_answer_is_a_sibling_and_the_first_one_stays(
    workbench: Workbench, scripted: Scripted, provider: Provider, talk: str
) -> None:
    first = stored(workbench, talk)[-1]
    scripted.play(*answer("Too."))
    workbench.turns.regenerate(first, Choice(provider.id, "beta"))
    second = finished(workbench, talk)
    assert (second.text, second.model_id, second.parent_id) == ("Too.", "beta", first.parent_id)
    assert siblings(workbench, first) == [first.id, second.id]
    assert workbench.store.messages.get([first.id]) == [first]
    assert texts(workbench, talk) == ["First?", "One.", "Second?", "Too."]
    asked = [message.text for message in scripted.asked[-1][1].messages]
    assert asked == ["First?", "One.", "Second?"], "the answer that is replaced is not sent"
    assert len(workbench.store.attempts.recent()) == 3


def test_an_edited_message_is_a_sibling_with_an_answer_of_its_own(
    workbench: Workbench, scripted: Scripted, provider: Provider, talk: str
) -> None:
    before = stored(workbench, talk)
    scripted.play(*answer("Uno."))
    workbench.turns.edit(before[0], "  Primo?\n", Choice(provider.id))
    finished(workbench, talk)
    assert texts(workbench, talk) == ["Primo?", "Uno."]
    assert [message.text for message in scripted.asked[-1][1].messages] == ["Primo?"]
    edited = stored(workbench, talk)[0]
    assert (edited.parent_id, siblings(workbench, edited)) == (None, [before[0].id, edited.id])
    assert workbench.store.messages.get([message.id for message in before]) == before
    conversation = workbench.store.conversations.get(talk)
    assert conversation is not None
    assert conversation.title == "First?"


def test_choosing_a_version_shows_its_branch_and_the_next_message_goes_there(
    workbench: Workbench, scripted: Scripted, provider: Provider, talk: str
) -> None:
    before = stored(workbench, talk)
    workbench.turns.edit(before[0], "Primo?", Choice(provider.id))
    finished(workbench, talk)
    revision = workbench.engine.revision(talk)
    workbench.turns.show(before[0])
    assert stored(workbench, talk) == before
    assert workbench.engine.revision(talk) > revision, "other tabs have to hear of it"
    finished(workbench, send(workbench, "Third?", provider, conversation_id=talk))
    assert texts(workbench, talk) == ["First?", "One.", "Second?", "Two.", "Third?", "Hello."]


@pytest.mark.parametrize("status", [Status.STOPPED, Status.FAILED])
def test_an_answer_that_is_not_whole_can_be_asked_for_again(
    workbench: Workbench, scripted: Scripted, provider: Provider, status: Status
) -> None:
    gate = Gate()
    scripted.play(TextDelta("Half"), *([ZeroDivisionError("a bug")] if status is Status.FAILED else [gate]))
    id_ = send(workbench, "Hi", provider)
    if status is Status.STOPPED:
        gate.reached()
        workbench.turns.stop(id_)
    half = finished(workbench, id_)
    assert (half.status, half.text) == (status, "Half")
    workbench.turns.regenerate(half, Choice(provider.id))
    whole = finished(workbench, id_)
    assert (whole.status, whole.text) == (Status.DONE, "Hello.")
    assert siblings(workbench, whole) == [half.id, whole.id]
    assert [message.text for message in scripted.asked[-1][1].messages] == ["Hi"]


def regenerate(workbench: Workbench, messages: list[Message], choice: Choice) -> None:
    workbench.turns.regenerate(messages[-1], choice)


def edit(workbench: Workbench, messages: list[Message], choice: Choice) -> None:
    workbench.turns.edit(messages[0], "Primo?", choice)


def show(workbench: Workbench, messages: list[Message], choice: Choice) -> None:
    workbench.turns.show(messages[0])


@pytest.mark.parametrize("act", [regenerate, edit, show])
def test_nothing_of_it_is_possible_while_an_answer_runs(
    workbench: Workbench,
    scripted: Scripted,
    provider: Provider,
    talk: str,
    act: Callable[[Workbench, list[Message], Choice], None],
) -> None:
    messages = stored(workbench, talk)
    gate = Gate()
    scripted.play(gate, *answer("Three."))
    send(workbench, "Third?", provider, conversation_id=talk)
    gate.reached()
    with pytest.raises(TurnRefused):
        act(workbench, messages, Choice(provider.id))
    gate.open()
    finished(workbench, talk)
    assert texts(workbench, talk) == ["First?", "One.", "Second?", "Two.", "Third?", "Three."]
    assert len(workbench.store.messages.nodes(talk)) == 6


@pytest.mark.parametrize("act", [regenerate, edit])
def test_a_deleted_conversation_takes_no_version(
    workbench: Workbench, provider: Provider, talk: str, act: Callable[[Workbench, list[Message], Choice], None]
) -> None:
    messages = stored(workbench, talk)
    workbench.store.conversations.delete(talk)
    with pytest.raises(TurnRefused, match="was deleted"):
        act(workbench, messages, Choice(provider.id))
    assert len(workbench.store.messages.nodes(talk)) == 4


def test_an_edit_without_text_or_with_a_choice_nobody_can_answer_writes_nothing(
    workbench: Workbench, provider: Provider, talk: str
) -> None:
    [first, *_] = stored(workbench, talk)
    with pytest.raises(InvalidInput, match="Type a message"):
        workbench.turns.edit(first, " \n", Choice(provider.id))
    with pytest.raises(TurnRefused, match="no longer exists"):
        workbench.turns.edit(first, "Primo?", Choice("ghost"))
    assert len(workbench.store.messages.nodes(talk)) == 4
