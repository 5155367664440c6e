"""A disk that is really full: a small file system of its own, filled to the brim while an answer grows."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.config import Config, load_config
from core.errors import StorageError
from core.events import Completed, TextDelta
from core.types import Provider, Status, Usage
from core.workbench import Workbench
from tests.conftest import Gate, Scripted, finished, send, stored, wait_until

DISK_MB = 32
PART = "Words that need room. " * 4000  # 88 kB


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "switchboard-test", str(folder)]
    mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"a file system of 32 MB cannot be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture
def config(disk: Path) -> Config:
    return load_config({"SWITCHBOARD_DATA_DIR": str(disk / "data"), "SWITCHBOARD_RETRIES": "0"}, {})


def fill(disk: Path) -> Path:
    """Take every byte that is left."""
    ballast = disk / "ballast"
    with ballast.open("ab", buffering=0) as file:
        for size in (1_000_000, 4096, 1):
            while True:
                try:
                    file.write(b"\0" * size)
                except OSError:
                    break
    assert os.statvfs(disk).f_bavail == 0
    return ballast


def test_a_message_without_room_is_refused_and_leaves_nothing_behind(
    workbench: Workbench, scripted: Scripted, provider: Provider, disk: Path
) -> None:
    earlier = send(workbench, "Before", provider)
    finished(workbench, earlier)
    ballast = fill(disk)
    with pytest.raises(StorageError, match=r"log\.duckdb could not be written: .*No space left on device"):
        send(workbench, PART, provider, conversation_id=earlier)
    assert [message.text for message in stored(workbench, earlier)] == ["Before", "Hello."]
    assert len(scripted.asked) == 1, "nothing leaves that is not stored"
    ballast.unlink()
    send(workbench, PART, provider, conversation_id=earlier)
    assert finished(workbench, earlier).text == "Hello."
    assert [message.text for message in stored(workbench, earlier)] == ["Before", "Hello.", PART.strip(), "Hello."]


def test_an_answer_waits_for_room_and_is_kept_whole(
    workbench: Workbench, scripted: Scripted, provider: Provider, disk: Path
) -> None:
    gate = Gate()
    scripted.play(TextDelta(PART), gate, *[TextDelta(PART)] * 9, Completed(Usage(3, 9000)))
    id_ = send(workbench, "Write", provider)
    gate.reached()
    turn = workbench.engine.live(id_)
    assert turn is not None
    ballast = fill(disk)
    gate.open()
    wait_until(lambda: "could not be stored yet, trying again" in (turn.look().notice or ""))
    ballast.unlink()
    reply = finished(workbench, id_)
    assert (reply.status, reply.text == PART * 10) == (Status.DONE, True)
    assert len(workbench.store.attempts.recent()) == 1
