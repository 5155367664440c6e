"""An agent's turn from the message to what is stored, through the real program and a loopback Messages API."""

import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from core.agent_settings import AgentForm
from core.config import Config
from core.interrupted import mark_interrupted
from core.live import LiveTurn
from core.projects import DEFAULT_PROJECT_ID, ProjectForm
from core.providers import ProviderForm
from core.types import Choice, CostSource, Decision, Message, Model, Price, Provider, Status, Step, StepStatus
from core.workbench import Workbench
from tests.conftest import finished, stored, wait_until
from tests.core.runners.agent_support import KEY, needs_program
from tests.servers.claude_messages import WAIT_S, ClaudeMessages, Reply, Use, serve

pytestmark = needs_program
PRICE = Price(Decimal(100), Decimal(1000), Decimal(100), Decimal(100), "worked by hand")
ONE_REQUEST = Decimal(60 * 100 + 7 * 1000) / 1_000_000
WRITE = Use("Write", {"file_path": "new.txt", "content": "fresh\n"})
READ = Use("Read", {"file_path": "notes.txt"})


@pytest.fixture
def server() -> Iterator[ClaudeMessages]:
    with serve() as running:
        yield running


@pytest.fixture
def claude(workbench: Workbench, server: ClaudeMessages) -> Provider:
    provider = workbench.providers.add(ProviderForm("Loopback", "anthropic", server.url, key=KEY))
    for id_ in ("claude-sonnet-5-5", "claude-opus-5"):
        workbench.providers.save_model(Model(provider.id, id_, id_, price=PRICE), is_new=True)
    return provider


@pytest.fixture
def folder(workbench: Workbench) -> Path:
    """The default project's, with a file in it."""
    made = workbench.agents.folder(workbench.agents.settings(DEFAULT_PROJECT_ID))
    made.mkdir(parents=True)
    (made / "notes.txt").write_text("one\ntwo\n")
    return made


def ask(
    workbench: Workbench,
    provider: Provider,
    text: str = "Go.",
    *,
    conversation_id: str | None = None,
    project_id: str = DEFAULT_PROJECT_ID,
    model_id: str = "claude-sonnet-5-5",
) -> str:
    choice = Choice(provider.id, model_id)
    return workbench.turns.send(text, choice, conversation_id=conversation_id, project_id=project_id, is_agent=True)


def live(workbench: Workbench, conversation_id: str) -> LiveTurn:
    turn = workbench.engine.live(conversation_id)
    assert turn is not None
    return turn


def asked(workbench: Workbench, conversation_id: str) -> LiveTurn:
    """Return the running turn once it waits for a permission."""
    wait_until(lambda: live(workbench, conversation_id).look().questions, deadline_s=WAIT_S)
    return live(workbench, conversation_id)


def ended(workbench: Workbench, conversation_id: str) -> Message:
    wait_until(lambda: workbench.engine.live(conversation_id) is None, deadline_s=WAIT_S)
    return finished(workbench, conversation_id)


def steps(workbench: Workbench, reply: Message) -> list[Step]:
    return workbench.store.steps.of_replies([reply.id]).get(reply.id, [])


def test_a_turns_steps_permissions_session_and_cost_are_stored(
    workbench: Workbench, server: ClaudeMessages, claude: Provider, folder: Path
) -> None:
    server.replies = [
        Reply(blocks=("I look.",), uses=(READ,)),
        Reply(blocks=("I write.",), uses=(WRITE,)),
        Reply(blocks=("Done.",)),
    ]
    conversation_id = ask(workbench, claude)
    turn = asked(workbench, conversation_id)
    (question,) = turn.look().questions
    assert question.tool == "Write" and "fresh" in question.input_json
    # A reload, or another process after a kill, finds the steps so far in the store.
    wait_until(lambda: len(steps(workbench, turn.reply)) == 2)
    assert [step.status for step in steps(workbench, turn.reply)] == [StepStatus.DONE, StepStatus.RUNNING]
    assert workbench.agents.answer(turn, question.call_id, question.tool, Decision.ALWAYS)
    reply = ended(workbench, conversation_id)
    assert (reply.status, reply.text) == (Status.DONE, "I look.\n\nI write.\n\nDone.")
    assert reply.session_id
    read, write = steps(workbench, reply)
    assert (read.tool, read.status, read.decision, read.cost_usd) == ("Read", StepStatus.DONE, None, ONE_REQUEST)
    assert (write.status, write.decision, write.path) == (StepStatus.DONE, Decision.ALWAYS, "new.txt")
    assert "+fresh" in (write.diff or "") and "two" in read.result
    assert [reply.text[: step.text_offset] for step in (read, write)] == ["I look.", "I look.\n\nI write."]
    (attempt,) = workbench.store.attempts.of_replies([reply.id])[reply.id]
    assert (attempt.protocol, attempt.cost_source) == ("claude_agent", CostSource.PRICED)
    assert attempt.cost_usd == 3 * ONE_REQUEST and attempt.usage.input_tokens == 3 * 60
    assert not turn.answer(question.call_id, Decision.DENY)  # it waits no more
    assert workbench.agents.settings(DEFAULT_PROJECT_ID).always_allowed == {"Write"}

    server.replies = [*server.replies, Reply(uses=(WRITE,)), Reply(blocks=("Again.",))]
    ask(workbench, claude, "And again", conversation_id=conversation_id)
    assert ended(workbench, conversation_id).text.endswith("Again.")  # without a question
    sent = server.received[3].json["messages"]
    assert "I look." in str(sent) and "And again" in str(sent[-1]) and "The conversation so far" not in str(sent)


def test_a_lost_session_and_a_plain_chat_between_go_along_as_text(
    workbench: Workbench, server: ClaudeMessages, claude: Provider, folder: Path
) -> None:
    conversation_id = ask(workbench, claude, "My name is Ada.")
    ended(workbench, conversation_id)
    shutil.rmtree(workbench.store.folder / "agents" / "home")
    server.replies = [Reply(holds=True)]
    ask(workbench, claude, "Who am I?", conversation_id=conversation_id)
    wait_until(lambda: live(workbench, conversation_id).look().text, deadline_s=WAIT_S)
    assert "reads the conversation again as text" in (live(workbench, conversation_id).look().notice or "")
    workbench.turns.stop(conversation_id)
    assert ended(workbench, conversation_id).status is Status.STOPPED
    assert "My name is Ada." in str(server.received[-1].json["messages"])


def test_stop_is_quick_in_each_phase_and_what_was_done_stays(
    workbench: Workbench, server: ClaudeMessages, claude: Provider, folder: Path
) -> None:
    server.replies = [Reply(uses=(WRITE,))]
    conversation_id = ask(workbench, claude)  # at once: the program has not even started
    workbench.turns.stop(conversation_id)
    assert ended(workbench, conversation_id).status is Status.STOPPED
    seen = len(server.received)
    ask(workbench, claude, conversation_id=conversation_id)
    asked(workbench, conversation_id)
    began_s = time.monotonic()
    workbench.turns.stop(conversation_id)
    reply = ended(workbench, conversation_id)
    assert time.monotonic() - began_s < 1.5  # 0.2 s on an idle machine
    assert reply.status is Status.STOPPED and reply.session_id
    assert [step.status for step in steps(workbench, reply)] in ([StepStatus.DENIED], [StepStatus.STOPPED])
    assert not (folder / "new.txt").exists()
    assert len(server.received) == seen + 1


def test_dollars_by_our_prices_end_the_turn(
    workbench: Workbench, server: ClaudeMessages, claude: Provider, folder: Path
) -> None:
    project = workbench.store.projects.get(DEFAULT_PROJECT_ID)
    assert project is not None
    workbench.agents.save(project, AgentForm(max_cost_usd="0.03"))
    server.replies = [Reply(uses=(READ,))]
    reply = ended(workbench, ask(workbench, claude))
    assert reply.status is Status.FAILED and reply.error_kind == "budget"
    assert "$0.03" in (reply.error_message or "") and len(server.received) <= 4
    assert steps(workbench, reply)[0].status is StepStatus.DONE


def test_a_refused_key_is_one_request_and_one_attempt(
    workbench: Workbench, server: ClaudeMessages, claude: Provider, folder: Path
) -> None:
    server.replies = [Reply(status=401, error=("authentication_error", f"bad {KEY}"))]
    reply = ended(workbench, ask(workbench, claude))
    assert (reply.status, reply.error_kind) == (Status.FAILED, "auth")
    assert KEY not in repr(reply) and len(server.received) == 1
    assert len(workbench.store.attempts.recent()) == 1


def test_an_exhausted_provider_is_asked_three_times_in_all(
    workbench: Workbench, server: ClaudeMessages, claude: Provider, folder: Path
) -> None:
    server.replies = [Reply(status=429, error=("rate_limit_error", "slow down"))]
    reply = ended(workbench, ask(workbench, claude))
    assert reply.error_kind == "rate_limit" and len(server.received) == 3


def test_two_projects_work_at_once_each_with_its_own_key_and_folder(
    workbench: Workbench, server: ClaudeMessages, claude: Provider
) -> None:
    found = {}
    keys = {name: f"sk-ant-{name}-0123456789abcdefghij" for name in ("ash", "oak")}
    server.replies = [Reply(uses=(WRITE,)), Reply(uses=(WRITE,)), Reply()]
    for name, key in keys.items():
        form = ProjectForm(name, model_id="claude-sonnet-5-5", provider_id=claude.id, key=key)
        found[name] = workbench.projects.save(form)
    conversations = {name: ask(workbench, claude, name, project_id=found[name].id) for name in keys}
    turns = {name: asked(workbench, id_) for name, id_ in conversations.items()}
    for name, turn in turns.items():
        (question,) = turn.look().questions
        workbench.agents.answer(turn, question.call_id, question.tool, Decision.ONCE)
        assert ended(workbench, conversations[name]).status is Status.DONE
    for name, project in found.items():
        folder = workbench.agents.folder(workbench.agents.settings(project.id))
        assert (folder / "new.txt").read_text() == "fresh\n"
        own = [sent for sent in server.received if sent.headers["x-api-key"] == keys[name]]
        assert len(own) == 2 and all(str(folder) in sent.body for sent in own)


def test_a_provider_of_another_protocol_answers_at_its_anthropic_address(
    workbench: Workbench, server: ClaudeMessages, folder: Path
) -> None:
    provider = workbench.providers.add(ProviderForm("Deep", "openai", f"{server.url}/v1", key=KEY))
    workbench.providers.save_model(Model(provider.id, "deepseek-chat", "Chat", price=PRICE), is_new=True)
    has_both = replace(provider, anthropic_base_url=f"{server.url}/anthropic")
    workbench.store.settings.write(lambda cursor: workbench.store.providers.save(cursor, has_both))
    server.replies = [Reply(uses=(READ,)), Reply(blocks=("Two lines.",))]
    reply = ended(workbench, ask(workbench, provider, model_id="deepseek-chat"))
    assert reply.text.endswith("Two lines.") and reply.provider_name == "Deep"
    assert {sent.path.partition("?")[0] for sent in server.received} == {"/anthropic/v1/messages"}
    assert "thinking" not in server.received[0].json and server.received[0].json["model"] == "deepseek-chat"


def test_a_stalled_provider_ends_the_turn_while_a_waiting_person_does_not(
    config: Config, seeded_folder: Path, server: ClaudeMessages
) -> None:
    shutil.copytree(seeded_folder, config.data_dir)
    limits = replace(config.timeouts, first_event_s=2.5, idle_s=1.5)
    workbench = Workbench(replace(config, timeouts=limits))
    try:
        provider = workbench.providers.add(ProviderForm("Loopback", "anthropic", server.url, key=KEY))
        workbench.providers.save_model(Model(provider.id, "claude-sonnet-5-5", "S", price=PRICE), is_new=True)
        server.replies = [Reply(uses=(WRITE,)), Reply(blocks=("Half",), holds=True)]
        conversation_id = ask(workbench, provider)
        turn = asked(workbench, conversation_id)
        asked_s = time.monotonic()
        wait_until(lambda: time.monotonic() - asked_s > 2.0)  # longer than any silence of a provider may be
        (question,) = turn.look().questions
        workbench.agents.answer(turn, question.call_id, question.tool, Decision.DENY)
        reply = ended(workbench, conversation_id)
    finally:
        workbench.close()
    assert (reply.status, reply.error_kind) == (Status.FAILED, "timeout")
    assert reply.text.endswith("Half") and server.hung_up.is_set()


def test_steps_of_a_process_that_died_are_stopped_ones(
    workbench: Workbench, server: ClaudeMessages, claude: Provider, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.replies = [Reply(uses=(WRITE,))]
    conversation_id = ask(workbench, claude)
    turn = asked(workbench, conversation_id)
    wait_until(lambda: steps(workbench, turn.reply))
    monkeypatch.setattr("core.interrupted.process_id", lambda: "the next process")
    assert mark_interrupted(workbench.store) == 1
    assert stored(workbench, conversation_id)[-1].status is Status.INTERRUPTED
    assert [step.status for step in steps(workbench, turn.reply)] == [StepStatus.STOPPED]
    workbench.turns.stop(conversation_id)
    ended(workbench, conversation_id)
