"""The process that `test_kill` kills: it opens a workbench, sends one message and streams until it dies."""

import threading
from pathlib import Path

# What the first message would import: the fork of a process that has it starts in a tenth of the time.
import core.runners.openai_chat  # noqa: F401
from core.config import load_config
from core.projects import DEFAULT_PROJECT_ID
from core.types import Choice
from core.workbench import Workbench

LIFE_S = 60.0  # should the test die before its driver


def drive(folder: Path, text: str, model_id: str) -> None:
    """Send the message in the folder's one conversation and live on until the kill."""
    workbench = Workbench(load_config({"SWITCHBOARD_DATA_DIR": str(folder)}, {}))
    known = next((found.id for found in workbench.store.conversations.recent(1)), None)
    workbench.turns.send(text, Choice(None, model_id), conversation_id=known, project_id=DEFAULT_PROJECT_ID)
    threading.Event().wait(LIFE_S)
