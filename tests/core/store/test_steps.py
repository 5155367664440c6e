"""Steps of agents in the log file, and older files that had none."""

import shutil
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

import core.store.connection as connection
from core.agent_settings import AgentSettings
from core.store import Store
from core.store.connection import Database
from core.types import Decision, Step, StepStatus

STARTED = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
STEP = Step("call", "reply", 0, "Edit", '{"a": 1}', StepStatus.RUNNING, STARTED, text_offset=7)


def test_a_step_is_written_again_in_place_of_itself_and_read_as_it_was(store: Store) -> None:
    done = Step(
        "call", "reply", 0, "Edit", '{"a": 1}', StepStatus.DONE, STARTED, 7, "parent", "text", "a.txt", "-a\n+b", 12,
        Decision.ALWAYS, 10, 2, Decimal("0.5"),
    )  # fmt: skip
    second = Step("next", "reply", 1, "Read", "{}", StepStatus.RUNNING, STARTED)
    store.log.write(lambda cursor: store.steps.put(cursor, [STEP, second]))
    store.log.write(lambda cursor: store.steps.put(cursor, [done]))
    assert store.steps.of_replies(["reply", "other"]) == {"reply": [done, second]}
    store.log.write(lambda cursor: store.steps.end(cursor, "reply"))
    assert [step.status for step in store.steps.of_replies(["reply"])["reply"]] == [StepStatus.DONE, StepStatus.STOPPED]


@pytest.mark.parametrize(("name", "marker"), [("log", "_steps"), ("settings", "_project_agents")])
def test_a_file_from_before_agents_is_brought_up_to_date_with_what_it_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, marker: str
) -> None:
    files = sorted((connection.MIGRATIONS / name).glob("*.sql"))
    at = next(number for number, file in enumerate(files) if file.stem.endswith(marker))
    older = tmp_path / "migrations" / name
    older.mkdir(parents=True)
    for file in files[:at]:
        shutil.copy(file, older)
    with monkeypatch.context() as patch:
        patch.setattr(connection, "MIGRATIONS", older.parent)
        old = Database(tmp_path / f"{name}.duckdb", migrations=name)
        if name == "log":
            old.write(
                lambda cursor: cursor.execute(
                    """
                    INSERT INTO conversations (id, project_id, title, is_pinned, created_at, updated_at)
                    VALUES ('c', 'p', 'kept', FALSE, TIMESTAMP '2026-11-01', TIMESTAMP '2026-11-01')"""
                )
            )
            old.write(
                lambda cursor: cursor.execute(
                    """
                    INSERT INTO messages (id, conversation_id, sequence, role, status, text, reasoning, created_at)
                    VALUES ('r', 'c', 1, 'assistant', 'done', 'kept', '', TIMESTAMP '2026-11-01')"""
                )
            )
        old.close()
    store = Store(tmp_path)
    try:
        if name == "log":
            conversation = store.conversations.get("c")
            assert conversation is not None and not conversation.is_agent
            assert [(message.text, message.session_id) for message in store.messages.get(["r"])] == [("kept", None)]
            store.log.write(lambda cursor: store.steps.put(cursor, [STEP]))
            assert store.steps.of_replies(["reply"]) == {"reply": [STEP]}
        else:
            settings = AgentSettings("p", max_steps=3)
            store.settings.write(lambda cursor: store.agents.put(cursor, settings))
            assert store.agents.all() == {"p": settings}
    finally:
        store.close()
