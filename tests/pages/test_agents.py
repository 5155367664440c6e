"""Agents on the pages: the switch beside the selector, the dialog of a project, and what a stored reply shows."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from streamlit.testing.v1 import AppTest

import core.agents
from core.projects import DEFAULT_PROJECT_ID
from core.providers import ProviderForm
from core.types import Choice, Decision, Model, Provider, Step, StepStatus
from core.workbench import Workbench
from pages.ui.steps import input_view, title
from tests.conftest import Scripted, finished, send
from tests.pages.conftest import WAIT_S, OpenPage
from tests.pages.test_providers import _labels, _press

STARTED = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


@pytest.fixture
def claude(workbench: Workbench) -> Provider:
    form = ProviderForm("Claude", "anthropic", "http://127.0.0.1:9", key="providers-own-key")
    return workbench.providers.add(form, models=[Model("", "claude-sonnet-5-5", "Sonnet")])


def test_the_switch_is_off_and_says_why_for_a_provider_without_the_protocol(
    open_page: OpenPage, workbench: Workbench, provider: Provider
) -> None:
    toggle = open_page("chat").toggle[0]
    assert (toggle.label, toggle.value, toggle.disabled) == ("Agent", False, True)
    assert "no address for the Anthropic protocol" in toggle.help.replace("\\", "")


def test_the_switch_is_remembered_by_the_conversation(
    open_page: OpenPage, workbench: Workbench, claude: Provider, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(core.agents, "free_mb", lambda: None)
    conversation_id = send(workbench, "Hello", provider)
    finished(workbench, conversation_id)
    workbench.store.conversations.choose(conversation_id, Choice(claude.id))
    app = open_page("chat", conversation_id=conversation_id)
    assert not app.toggle[0].disabled
    app.toggle[0].set_value(True).run()
    found = workbench.store.conversations.get(conversation_id)
    assert found is not None and found.is_agent
    # Where it can work no more, it says so and may be turned off.
    monkeypatch.setattr(core.agents, "free_mb", lambda: 10)
    app = open_page("chat", conversation_id=conversation_id)
    assert app.toggle[0].value and not app.toggle[0].disabled
    assert any("Memory is short" in caption.value for caption in app.caption)


def _form() -> None:
    import streamlit as st

    from core.projects import DEFAULT_PROJECT_ID
    from pages.ui.agent_forms import agent_form
    from pages.ui.enter import enter

    workbench = enter(is_main=True)
    project = workbench.store.projects.get(DEFAULT_PROJECT_ID)
    assert project is not None
    if agent_form(workbench, project):
        st.text("saved")


def test_the_form_keeps_what_was_refused_and_stores_the_rest_with_it(workbench: Workbench) -> None:
    app = AppTest.from_function(_form, default_timeout=WAIT_S).run()
    app.text_input(key="agent_folder_default").set_value("not/whole")
    app.toggle(key="agent_read_only_default").set_value(True)
    app.number_input(key="agent_steps_default").set_value(7)
    app = _press(app, "Save")
    assert ["whole path" in error.value for error in app.error] == [True]
    assert workbench.agents.settings(DEFAULT_PROJECT_ID).max_steps == 30
    app.text_input(key="agent_folder_default").set_value("")
    app = _press(app, "Save")
    assert [text.value for text in app.text] == ["saved"]
    saved = workbench.agents.settings(DEFAULT_PROJECT_ID)
    assert (saved.is_read_only, saved.max_steps, saved.max_cost_usd) == (True, 7, Decimal(1))


def test_a_project_says_what_its_agents_may_do(open_page: OpenPage, workbench: Workbench) -> None:
    app = open_page("projects")
    assert "read and change files in" in str(app.table[0].value) and "Agents" in _labels(app)


def test_a_stored_reply_shows_its_steps_between_its_text_and_what_was_changed(
    open_page: OpenPage, workbench: Workbench, provider: Provider, scripted: Scripted
) -> None:
    conversation_id = send(workbench, "Fix it", provider)
    reply = finished(workbench, conversation_id)
    steps = [
        Step("1", reply.id, 0, "Agent", '{"description": "Look _around_"}', StepStatus.DONE, STARTED, 3),
        Step("2", reply.id, 1, "Read", '{"file_path": "a.txt"}', StepStatus.FAILED, STARTED, 3, "1", "no such file"),
        Step(
            "3", reply.id, 2, "Edit", '{"file_path": "b.txt"}', StepStatus.DONE, STARTED, 3, None, "ok", "b.txt",
            "@@ -1 +1 @@\n-a\n+b", 12, Decision.ALWAYS, 1200, 30, Decimal("0.01"),
        ),
    ]  # fmt: skip
    workbench.store.log.write(lambda cursor: workbench.store.steps.put(cursor, steps))
    app = open_page("chat", conversation_id=conversation_id)
    assert [(status.label, status.state) for status in app.status] == [
        (r"**Sub\-agent** Look \_around\_", "complete"),
        (r"**Read** a\.txt · failed", "error"),
        (r"**Edit** b\.txt", "complete"),
    ]
    assert app.status[1].code[-1].value == "no such file"
    assert any("you allowed it for this project" in caption.value for caption in app.status[2].caption)
    assert any("1 file changed :green[+1] :red[−1]" in expander.label for expander in app.expander)
    texts = [markdown.value for markdown in app.chat_message[1].markdown]
    assert texts[:2] == ["Hel", "lo."]


def test_a_call_reads_as_what_it_is_about() -> None:
    assert title("mcp__docs__search", {"query": "a*b"}) == r"**search of docs** a\*b"
    assert title("Odd", {}) == "**Odd**"
    assert len(title("Write", {"file_path": "x/" * 200})) < 150
    assert input_view("Write", '{"file_path": "a", "content": "one\\ntwo"}') == ("@@ -0,0 +1,2 @@\n+one\n+two", "diff")
    assert input_view("Odd", '{"a": "cut')[0] == '{"a": "cut'
