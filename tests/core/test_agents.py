"""Agents' settings of a project, as typed, stored and shown; no program is started here."""

import json
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import core.agents
from core.agent_settings import AgentForm, AgentSettings, checked_servers
from core.agents import KEPT, Agents, family
from core.config import ROOT, AgentConfig, load_config
from core.errors import InvalidInput, TurnRefused
from core.projects import DEFAULT_PROJECT_ID, ProjectForm
from core.types import Choice, Message, Model, Project, Provider, Refusal, Route
from core.workbench import Workbench
from tests.conftest import finished, send, stored

MCP = {"docs": {"type": "http", "url": "https://docs.example/mcp", "headers": {"Authorization": "Bearer geheim-1234"}}}


@pytest.fixture
def project(workbench: Workbench) -> Project:
    return workbench.projects.save(ProjectForm("Garden"))


def route(*, url: str = "https://a.example", protocol: str = "anthropic", anthropic_url: str | None = None) -> Route:
    provider = Provider("p", "Acme", protocol, url, anthropic_base_url=anthropic_url)
    return Route(provider, Model("p", "claude-sonnet-5-5", "Sonnet"), None, "chosen")


def test_what_is_typed_is_stored_and_a_project_without_it_has_the_defaults(
    workbench: Workbench, project: Project, tmp_path: Path
) -> None:
    assert workbench.agents.settings(project.id) == AgentSettings(project.id)
    form = AgentForm(str(tmp_path / "work"), True, False, True, frozenset({"Edit"}), 5, 2, "$0.50", "")
    saved = workbench.agents.save(project, form)
    assert saved == workbench.agents.settings(project.id)
    assert (saved.max_cost_usd, saved.max_cost_a_day_usd) == (Decimal("0.5"), None)
    assert saved.tools == ("Read", "Glob", "Grep", "WebFetch", "WebSearch")
    assert (tmp_path / "work").is_dir()


def test_every_project_has_a_folder_of_its_own_until_it_names_another(workbench: Workbench, project: Project) -> None:
    folder = workbench.agents.folder(workbench.agents.settings(project.id))
    assert folder.name == project.id and folder.is_relative_to(workbench.store.folder.resolve())
    assert not folder.exists()
    task = workbench.agents.task(route(), project)
    assert task.folder == str(folder) and folder.is_dir()
    assert "WebFetch" not in task.tools and "Bash" not in task.tools
    assert not Path(task.home).is_relative_to(folder)


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("work", "whole path"),
        ("{data}", "own data"),
        ("{data}/agents/home", "own data"),
        ("{data}/backups", "own data"),
        ("{data}/..", "own data"),
        ("/", "own data"),
        ("{link}", "own data"),
        ("{other}", "Another project"),
        ("{other}/inside", "Another project"),
        ("{file}/inside", "cannot be made"),
        ("/a\0b", "cannot hold"),
    ],
)
def test_a_folder_that_reaches_what_is_not_the_projects_is_refused_and_nothing_changes(
    workbench: Workbench, project: Project, tmp_path: Path, typed: str, words: str
) -> None:
    other = workbench.projects.save(ProjectForm("Other"))
    workbench.agents.save(other, AgentForm(str(tmp_path / "other")))
    (tmp_path / "link").symlink_to(workbench.store.folder)
    (tmp_path / "file").write_text("x")
    names = {"data": workbench.store.folder, "link": tmp_path / "link", "other": tmp_path / "other"}
    text = typed.format(**names, file=tmp_path / "file")
    with pytest.raises(InvalidInput, match=words) as caught:
        workbench.agents.save(project, AgentForm(text))
    assert caught.value.field == "folder"
    assert workbench.agents.settings(project.id) == AgentSettings(project.id)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("max_steps", 0),
        ("max_steps", 501),
        ("max_minutes", 241),
        ("max_cost_usd", "much"),
        ("max_cost_usd", "0"),
        ("max_cost_usd", "NaN"),
        ("max_cost_a_day_usd", "-1"),
    ],
)
def test_a_limit_that_is_none_is_refused(workbench: Workbench, project: Project, field: str, value: Any) -> None:
    with pytest.raises(InvalidInput) as caught:
        workbench.agents.save(project, replace(AgentForm(), **{field: value}))
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "no JSON"),
        ("[]", "object"),
        ('{"a b": {"command": "x"}}', "letters, digits"),
        ('{"a": "x"}', "has to be an object"),
        ('{"a": {}}', "needs 'command'"),
        ('{"a": {"command": ["x"]}}', "has to be a text"),
        ('{"a": {"command": "x", "args": "y"}}', "has to be a list"),
        ('{"a": {"command": "x", "env": {"A": 1}}}', "texts only"),
        ('{"a": {"command": "x", "cwd": "/"}}', "does not"),
        ('{"a": {"type": "sdk", "name": "x"}}', "stdio, http or sse"),
        ('{"a": {"type": "http", "url": "file:///etc/passwd"}}', "http://"),
    ],
)
def test_mcp_servers_of_another_shape_are_refused(text: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words) as caught:
        checked_servers(text)
    assert caught.value.field == "mcp_servers"


def test_mcp_servers_are_stored_encrypted_and_shown_without_what_may_be_a_key(
    workbench: Workbench, project: Project
) -> None:
    workbench.agents.save(project, AgentForm(mcp_servers=json.dumps({"mcpServers": MCP})))
    shown = workbench.agents.shown_servers(project.id)
    assert "geheim" not in shown and KEPT in shown
    workbench.agents.save(project, AgentForm(mcp_servers=shown, max_steps=7))
    assert json.loads(workbench.agents.task(route(), project).mcp_servers) == MCP
    moved = shown.replace("docs.example", "evil.example")
    with pytest.raises(InvalidInput, match="enter Authorization again"):
        workbench.agents.save(project, AgentForm(mcp_servers=moved))
    workbench.store.settings.write(lambda cursor: cursor.execute("CHECKPOINT") and None)
    files = b"".join(path.read_bytes() for path in workbench.store.folder.glob("settings.duckdb*"))
    assert b"geheim-1234" not in files and b"docs.example" not in files
    assert [(key.provider, key.project) for key in workbench.providers.stored_keys.report()] == [
        ("MCP servers", "Garden")
    ]
    workbench.projects.archive(project)
    assert not workbench.store.keys.all()


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        (route(protocol="openai"), "no address for the Anthropic protocol"),
        (route(protocol="openai", anthropic_url="https://b.example/anthropic"), "no address"),  # not the key's
        (route(protocol="openai", anthropic_url="https://a.example/anthropic"), None),
        (route(), None),
        (Refusal("nobody"), None),
    ],
)
def test_agents_are_offered_where_a_provider_speaks_their_protocol_at_its_keys_address(
    workbench: Workbench, project: Project, chosen: Route | Refusal, words: str | None
) -> None:
    found = workbench.agents.problem(chosen, project)
    assert found is None if words is None else words in (found or "")


def test_agents_are_off_with_the_reason_where_they_cannot_run(
    monkeypatch: pytest.MonkeyPatch, workbench: Workbench, project: Project
) -> None:
    agents = workbench.agents
    monkeypatch.setattr(core.agents, "free_mb", lambda: 120)
    assert "Memory is short: an agent needs 300 MB, and 120 MB are left" in (agents.problem(route(), project) or "")
    monkeypatch.setattr(core.agents, "bundled_program", lambda: None)
    assert "program of claude-agent-sdk is missing" in (agents.problem(route(), project) or "")
    monkeypatch.setattr(core.agents, "is_installed", lambda: False)
    assert "package claude-agent-sdk is not installed" in (agents.problem(route(), project) or "")
    with pytest.raises(TurnRefused, match="turn Agent off"):
        agents.task(route(), project)
    off = Agents(workbench.store, None, AgentConfig(is_allowed=False, at_once=2))  # type: ignore[arg-type]
    assert "Its owner can allow them" in (off.problem(route(), project) or "")


@pytest.mark.parametrize(
    ("variables", "is_allowed"),
    [
        ({}, True),
        ({"SWITCHBOARD_PASSWORD_HASH": "scrypt:x"}, False),
        ({"SWITCHBOARD_DISK_LASTS": "false"}, False),
        ({"SWITCHBOARD_PASSWORD_HASH": "scrypt:x", "SWITCHBOARD_AGENTS_ALLOWED": "true"}, True),
        ({"SWITCHBOARD_AGENTS_ALLOWED": "false"}, False),
    ],
)
def test_where_others_may_get_in_the_owner_has_to_allow_agents(variables: dict[str, str], is_allowed: bool) -> None:
    assert load_config(variables, {}).agents.is_allowed is is_allowed


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("claude-sonnet-5-5", "claude-opus-5", True),
        ("claude-sonnet-5-5", "deepseek-chat", False),
        ("deepseek-chat", "deepseek-reasoner", True),
        ("zai/glm-5", "glm-4.6", True),
    ],
)
def test_a_family_of_models_reads_its_own_thinking(one: str, other: str, is_same: bool) -> None:
    assert (family(one) == family(other)) is is_same


def test_a_session_goes_on_only_below_its_own_reply_for_the_same_provider_and_project(
    workbench: Workbench, provider: Provider
) -> None:
    conversation_id = send(workbench, "Hello", provider)
    reply = replace(finished(workbench, conversation_id), session_id="s")
    question = stored(workbench, conversation_id)[0]
    chosen = Route(provider, Model(provider.id, "alpha-2", "Alpha 2"), None, "chosen")

    def find(*history: Message, to: Route = chosen, project_id: str = DEFAULT_PROJECT_ID) -> str | None:
        return workbench.agents.session_id(history, to, project_id=project_id)

    assert find(question, reply, question) == "s"
    assert find(question) is None
    assert find(question, reply, question, replace(reply, session_id=None), question) is None
    assert find(question, reply, question, to=route()) is None
    assert find(question, reply, question, to=replace(chosen, model=Model(provider.id, "deepseek", "D"))) is None
    assert find(question, reply, question, project_id="another") is None


def test_an_agents_turn_at_a_provider_without_the_protocol_is_refused_before_anything_is_written(
    workbench: Workbench, provider: Provider
) -> None:
    with pytest.raises(TurnRefused, match="no address for the Anthropic protocol"):
        workbench.turns.send(
            "Go.", Choice(provider.id), conversation_id=None, project_id=DEFAULT_PROJECT_ID, is_agent=True
        )
    assert workbench.store.conversations.recent() == []


def test_a_conversation_remembers_that_an_agent_answers(workbench: Workbench, provider: Provider) -> None:
    conversation_id = send(workbench, "Hello", provider)
    finished(workbench, conversation_id)
    workbench.store.conversations.set_agent(conversation_id, True)
    found = workbench.store.conversations.get(conversation_id)
    assert found is not None and found.is_agent
    with pytest.raises(TurnRefused, match="No agent can answer"):
        send(workbench, "More", provider, conversation_id=conversation_id)
    workbench.store.conversations.set_agent(conversation_id, False)
    send(workbench, "More", provider, conversation_id=conversation_id)
    finished(workbench, conversation_id)


def test_plain_chat_and_the_question_whether_agents_can_run_load_no_sdk(tmp_path: Path) -> None:
    program = """
import sys
from core.config import load_config
from core.types import Choice
from core.workbench import Workbench
from tests.conftest import finished

workbench = Workbench(load_config({"SWITCHBOARD_DATA_DIR": sys.argv[1]}, {}))
choice = Choice("demo")
project = workbench.store.projects.get("default")
workbench.agents.problem(workbench.turns.preview(choice), project)
finished(workbench, workbench.turns.send("Hi", choice, conversation_id=None, project_id="default"))
workbench.close()
print("claude_agent_sdk" in sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "data")], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False"]


def test_a_project_that_has_used_its_day_is_refused_until_tomorrow(workbench: Workbench, project: Project) -> None:
    workbench.agents.save(project, AgentForm(max_cost_usd="1", max_cost_a_day_usd="2"))
    assert workbench.agents.task(route(), project).max_cost_usd == 1

    def spend(amount: str, at: str) -> None:
        workbench.store.log.write(
            lambda cursor: cursor.execute(
                """
                INSERT INTO attempts (id, turn_id, project_id, attempt_number, provider_id, provider_name, protocol,
                    model_requested, model_name, route_reason, status, tokens_are_estimated, cost_usd, cost_source,
                    started_at, finished_at)
                VALUES (?, 't', ?, 1, 'p', 'P', 'claude_agent', 'm', 'M', 'r', 'done', FALSE, ?, 'priced',
                    now() AT TIME ZONE 'UTC' - CAST(? AS INTERVAL), now() AT TIME ZONE 'UTC')""",
                [f"{amount}{at}", project.id, Decimal(amount), at],
            )
        )

    spend("50", "2 days")
    spend("1.5", "0 days")
    assert workbench.agents.task(route(), project).max_cost_usd == Decimal("0.5")
    spend("0.5", "0 days")
    with pytest.raises(TurnRefused, match=r"\$2 a day"):
        workbench.agents.task(route(), project)
