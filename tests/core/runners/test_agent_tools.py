"""An agent's tools, permissions and limits, through the real program against a loopback Messages API."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from claude_agent_sdk import create_sdk_mcp_server, tool

from core.errors import ErrorKind
from core.events import Completed, PermissionRequest, StreamEvent, TextDelta, ToolCall, ToolResult
from core.runners import Timeouts
from core.runners.claude_agent import ClaudeAgentRunner
from core.types import Decision
from tests.core.runners.agent_support import KEY, ask_agent, needs_program, task_in
from tests.servers.claude_messages import WAIT_S, Reply, Use, serve

pytestmark = needs_program
STOP_LIMIT_S = 1.5  # 0.15 s on an idle machine; a bare disconnect takes 5


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "project"
    made.mkdir()
    (made / "notes.txt").write_text("one\ntwo\n")
    return made


def test_tools_work_in_the_folder_and_each_step_tells_what_it_did(folder: Path) -> None:
    notes = str(folder / "notes.txt")
    with serve(
        Reply(blocks=("I look.",), uses=(Use("Read", {"file_path": notes}), Use("Grep", {"pattern": "two"}))),
        Reply(
            blocks=("I change.",),
            uses=(
                Use("Edit", {"file_path": notes, "old_string": "two", "new_string": "three"}),
                Use("Write", {"file_path": "new/file.txt", "content": "fresh\n"}),
            ),
        ),
        Reply(blocks=("Done.",)),
    ) as server:
        agent = ask_agent(server, task_in(folder))
    assert (folder / "notes.txt").read_text() == "one\nthree\n"
    assert (folder / "new/file.txt").read_text() == "fresh\n"
    assert agent.text == "I look.\n\nI change.\n\nDone."
    assert [call.name for call in agent.calls] == ["Read", "Grep", "Edit", "Write"]
    results = {result.call_id: result for result in agent.results}  # what reads is done at the same time
    read, grep, edit, write = (results[call.id] for call in agent.calls)
    assert "two" in read.text and "notes.txt" in grep.text and read.diff is None
    assert (edit.path, write.path) == ("notes.txt", "new/file.txt")
    assert edit.diff is not None and "-two" in edit.diff and "+three" in edit.diff
    assert write.diff is not None and "+fresh" in write.diff
    assert [request.tool for request in agent.requests] == ["Edit", "Write"]
    # Every request is counted once: on the first step it asked for, and in the whole.
    carried = [result.usage.input_tokens if result.usage else None for result in (read, grep, edit, write)]
    assert carried == [60, None, 60, None]
    assert (agent.completed.usage.input_tokens, agent.completed.usage.output_tokens) == (3 * 60, 3 * 7)
    assert not agent.completed.usage.is_estimated
    assert agent.completed.session_id == agent.session_id


@pytest.mark.parametrize("answers", [Decision.DENY, None])
def test_what_is_denied_or_never_answered_does_not_happen_and_the_agent_goes_on(
    folder: Path, answers: Decision | None
) -> None:
    use = Use("Write", {"file_path": "new.txt", "content": "no"})
    with serve(Reply(uses=(use,)), Reply(blocks=("Then not.",))) as server:
        agent = ask_agent(server, task_in(folder, permission_s=0.3), answers=answers)
        said = json.dumps(server.received[1].json["messages"])
    assert not (folder / "new.txt").exists()
    assert [settled.decision for settled in agent.settled] == [answers or Decision.TIMED_OUT]
    assert agent.results[0].is_refused and agent.results[0].is_error
    assert ("does not allow" if answers else "Nobody answered") in said
    assert agent.text.endswith("Then not.")


def test_always_is_asked_once_in_a_turn_and_never_where_the_project_remembers_it(folder: Path) -> None:
    writes = [Reply(uses=(Use("Write", {"file_path": f"{n}.txt", "content": "x"}),)) for n in range(2)]
    with serve(*writes, Reply()) as server:
        agent = ask_agent(server, task_in(folder), answers=Decision.ALWAYS)
    assert len(agent.requests) == 1 and len(agent.results) == 2
    with serve(writes[0], Reply()) as server:
        agent = ask_agent(server, task_in(folder, always_allowed=frozenset({"Write"})), answers=None)
    assert not agent.requests and agent.results[0].path == "0.txt"


def test_a_sub_agents_steps_name_the_call_they_work_for_and_its_tokens_are_counted(folder: Path) -> None:
    task = Use("Agent", {"description": "look", "prompt": "Read it", "subagent_type": "general-purpose"})
    with serve(
        Reply(uses=(task,)),
        Reply(blocks=("Sub.",), uses=(Use("Read", {"file_path": str(folder / "notes.txt")}),)),
        Reply(blocks=("The report.",)),
        Reply(blocks=("Thanks.",)),
    ) as server:
        agent = ask_agent(server, task_in(folder))
        assert {sent.json["model"] for sent in server.received} == {"claude-sonnet-5-5"}
    parent, child = agent.calls
    assert (parent.name, child.name, child.parent_id) == ("Agent", "Read", parent.id)
    assert [result.call_id for result in agent.results] == [child.id, parent.id]
    assert agent.results[1].text == "The report."
    assert agent.text == "Hello from the loopback.\n\nThanks."
    assert agent.completed.usage.input_tokens == 4 * 60 and agent.completed.usage.is_estimated
    carried = [result.usage.input_tokens for result in agent.results if result.usage]
    assert carried == [60, 2 * 60]  # the child's request; the parent's own and the sub-agent's last


def test_an_mcp_server_in_this_process_is_asked_after_a_permission(folder: Path) -> None:
    @tool("add", "Add two numbers", {"a": int, "b": int})
    async def add(given: dict[str, int]) -> dict[str, object]:
        return {"content": [{"type": "text", "text": str(given["a"] + given["b"])}]}

    server_of_ours = create_sdk_mcp_server("sums", tools=[add])
    use = Use("mcp__sums__add", {"a": 2, "b": 40})
    with serve(Reply(uses=(use,)), Reply(blocks=("42.",))) as server:
        agent = ask_agent(
            server, task_in(folder), runner=lambda: ClaudeAgentRunner(Timeouts(), servers={"sums": server_of_ours})
        )
    assert [request.tool for request in agent.requests] == ["mcp__sums__add"]
    assert agent.results[0].text == "42"


SERVER = """
import json, os, sys
for line in sys.stdin:
    asked = json.loads(line)
    match asked.get("method"):
        case "initialize":
            result = {"protocolVersion": asked["params"]["protocolVersion"], "capabilities": {"tools": {}},
                      "serverInfo": {"name": "spy", "version": "1"}}
        case "tools/list":
            result = {"tools": [{"name": "environment", "inputSchema": {"type": "object"}}]}
        case "tools/call":
            result = {"content": [{"type": "text", "text": json.dumps(dict(os.environ))}]}
        case _:
            continue
    print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": result}), flush=True)
"""


def test_an_mcp_server_that_is_a_command_sees_its_own_variables_and_no_key(folder: Path) -> None:
    servers = {"spy": {"command": sys.executable, "args": ["-c", SERVER], "env": {"OF_ITS_OWN": "yes"}}}
    with serve(Reply(uses=(Use("mcp__spy__environment"),)), Reply()) as server:
        agent = ask_agent(server, task_in(folder, mcp_servers=json.dumps(servers)))
    told = json.loads(agent.results[0].text)
    assert told["OF_ITS_OWN"] == "yes"
    assert KEY not in agent.results[0].text and not told.get("ANTHROPIC_API_KEY")


def test_a_session_goes_on_after_a_restart_and_from_any_of_its_replies(folder: Path) -> None:
    with serve(Reply(blocks=("One.",)), Reply(blocks=("Two.",)), Reply(blocks=("Other two.",))) as server:
        first = ask_agent(server, task_in(folder), "first")
        second = ask_agent(server, task_in(folder), "second", session_id=first.session_id)
        other = ask_agent(server, task_in(folder), "other second", session_id=first.session_id)
        sent = json.dumps(server.received[2].json["messages"])
    assert len({first.session_id, second.session_id, other.session_id}) == 3
    assert "first" in sent and "One." in sent and "other second" in sent and "Two." not in sent


def test_a_stopped_session_goes_on(folder: Path) -> None:
    with serve(Reply(blocks=("Half an answer",), holds=True), Reply(blocks=("Whole.",))) as server:
        stopped = ask_agent(server, task_in(folder), stop_at=lambda event: isinstance(event, TextDelta))
        agent = ask_agent(server, task_in(folder), "And?", session_id=stopped.session_id)
    assert agent.text == "Whole." and not agent.notices


def test_the_last_allowed_step_ends_the_turn_with_what_to_do(folder: Path) -> None:
    with serve(Reply(uses=(Use("Read", {"file_path": "notes.txt"}),))) as server:
        agent = ask_agent(server, task_in(folder, max_steps=2))
        assert len(server.received) == 2
    assert agent.error is not None and agent.error.kind is ErrorKind.BUDGET
    assert "tell it to go on" in agent.error.message


def test_minutes_end_the_turn_and_a_persons_are_not_counted(folder: Path) -> None:
    with serve(Reply(holds=True)) as server:
        agent = ask_agent(server, task_in(folder, max_s=1.0))
        assert server.hung_up.wait(STOP_LIMIT_S)
    assert agent.error is not None and agent.error.kind is ErrorKind.BUDGET
    use = Use("Write", {"file_path": "new.txt", "content": "x"})
    with serve(Reply(uses=(use,)), Reply(blocks=("Then not.",))) as server:
        agent = ask_agent(server, task_in(folder, max_s=3.0, permission_s=3.2), answers=None)
    assert agent.error is None and "Waiting for your permission." in agent.notices
    assert agent.notices[-1] == ""  # it is over


def holding_permission(event: StreamEvent) -> bool:
    return isinstance(event, PermissionRequest)


def holding_after_a_tool(event: StreamEvent) -> bool:
    return isinstance(event, ToolResult)


def holding_a_call(event: StreamEvent) -> bool:
    return isinstance(event, ToolCall)


@pytest.mark.parametrize("stop_at", [holding_permission, holding_after_a_tool, holding_a_call])
def test_stop_works_in_each_phase_and_nothing_is_asked_after_it(
    folder: Path, stop_at: Callable[[StreamEvent], bool]
) -> None:
    answers = None if stop_at is holding_permission else Decision.ONCE
    use = Use("Write", {"file_path": "new.txt", "content": "x"})
    with serve(Reply(uses=(use,)), Reply(holds=True)) as server:
        agent = ask_agent(server, task_in(folder), answers=answers, stop_at=stop_at)
        asked = len(server.received)
    assert agent.stop_s < STOP_LIMIT_S
    assert len(server.received) == asked <= 2
    assert not any(isinstance(event, Completed) for event in agent.events)


def test_stop_ends_a_sub_agents_request_too(folder: Path) -> None:
    task = Use("Agent", {"description": "d", "prompt": "p", "subagent_type": "general-purpose"})
    read = Use("Read", {"file_path": str(folder / "notes.txt")})
    with serve(Reply(uses=(task,)), Reply(uses=(read,)), Reply(holds=True)) as server:

        def is_held(event: StreamEvent) -> bool:
            return isinstance(event, ToolResult) and server.held.wait(WAIT_S)

        agent = ask_agent(server, task_in(folder), stop_at=is_held)
        assert server.hung_up.wait(STOP_LIMIT_S)
        assert len(server.received) == 3
    assert agent.stop_s < STOP_LIMIT_S
    assert agent.last_report.usage.input_tokens == 2 * 60


def test_an_overloaded_provider_is_asked_three_times_and_the_reader_is_told(folder: Path) -> None:
    with serve(Reply(status=529, error=("overloaded_error", "Overloaded"))) as server:
        agent = ask_agent(server, task_in(folder))
        assert len(server.received) == 3
    assert agent.error is not None and agent.error.kind is ErrorKind.OVERLOADED
    assert [notice for notice in agent.notices if "529" in notice]


def test_an_answer_that_breaks_after_a_tool_is_repeated_without_doubling(folder: Path) -> None:
    read = Use("Read", {"file_path": "notes.txt"})
    with serve(
        Reply(blocks=("Looking.",), uses=(read,)), Reply(blocks=(), breaks=True), Reply(blocks=("All of it.",))
    ) as server:
        agent = ask_agent(server, task_in(folder))
    assert agent.text == "Looking.\n\nAll of it."
