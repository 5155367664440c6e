"""Switchboard is killed while an agent works: its steps are there again, and nobody goes on working without it."""

import subprocess
import sys
from pathlib import Path

from core.config import ROOT, load_config
from core.types import Role, Status, StepStatus
from core.workbench import Workbench
from tests.core.runners.agent_support import KEY, needs_program
from tests.servers.claude_messages import WAIT_S, Reply, Use, serve

DRIVER = """
import sys
from core.config import load_config
from core.providers import ProviderForm
from core.types import Choice, Model
from core.workbench import Workbench
from tests.conftest import wait_until

folder, url, key = sys.argv[1:]
workbench = Workbench(load_config({"SWITCHBOARD_DATA_DIR": folder}, {}))
provider = workbench.providers.add(ProviderForm("Loopback", "anthropic", url, key=key))
workbench.providers.save_model(Model(provider.id, "claude-sonnet-5-5", "S"), is_new=True)
conversation = workbench.turns.send(
    "Go.", Choice(provider.id), conversation_id=None, project_id="default", is_agent=True
)
turn = workbench.engine.live(conversation)
wait_until(lambda: turn.look().text.endswith("Half"), deadline_s=30)
wait_until(lambda: workbench.store.steps.of_replies([turn.reply.id]), deadline_s=30)
wait_until(lambda: workbench.store.messages.get([turn.reply.id])[0].text.endswith("Half"), deadline_s=30)
print(conversation, flush=True)
sys.stdin.read()
"""


@needs_program
def test_a_killed_agents_steps_are_shown_again_and_its_program_ends_with_its_request(tmp_path: Path) -> None:
    data = tmp_path / "data"
    look = Use("Glob", {"pattern": "*"})
    with serve(Reply(blocks=("I look.",), uses=(look,)), Reply(blocks=("Half",), holds=True)) as server:
        with subprocess.Popen(
            [sys.executable, "-c", DRIVER, str(data), server.url, KEY],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as driver:
            assert driver.stdout is not None
            conversation_id = driver.stdout.readline().strip()
            driver.kill()
        assert server.hung_up.wait(WAIT_S)
        asked = len(server.received)
    assert conversation_id and asked == 2
    workbench = Workbench(load_config({"SWITCHBOARD_DATA_DIR": str(data)}, {}))
    try:
        conversation = workbench.store.conversations.get(conversation_id)
        assert conversation is not None and conversation.is_agent
        reply = workbench.turns.history(conversation)[-1]
        assert (reply.role, reply.status) == (Role.ASSISTANT, Status.INTERRUPTED)
        assert reply.text == "I look.\n\nHalf"
        [step] = workbench.store.steps.of_replies([reply.id])[reply.id]
        assert (step.tool, step.status) == ("Glob", StepStatus.DONE)
        [attempt] = workbench.store.attempts.of_replies([reply.id])[reply.id]
        assert attempt.protocol == "claude_agent"
    finally:
        workbench.close()
