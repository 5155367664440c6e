"""The program inside the SDK's package: whether it can run here, and how it is started."""

import importlib.util
import shlex
import shutil
import sys
from pathlib import Path
from uuid import uuid4

NEEDED_MB = 300  # a program holds about 200 MB (measured 2026-11-24), and the app goes on beside it
_CGROUP = Path("/sys/fs/cgroup")


def bundled_program() -> Path | None:
    """Return the program inside the package, which is not imported. One found elsewhere may be too old to confine."""
    found = importlib.util.find_spec("claude_agent_sdk")
    if found is None or not found.submodule_search_locations:
        return None
    name = "claude.exe" if sys.platform == "win32" else "claude"
    program = Path(found.submodule_search_locations[0]) / "_bundled" / name
    return program if program.is_file() else None


def leashed(program: Path, home: Path) -> Path:
    """Return a script in `home` that starts the program so that it ends when Switchboard is killed.

    By itself it would finish its turn: working and paying on, with nobody to watch or stop it. Where the kernel or the
    tool for this is not there, the program is returned as it is.
    """
    tool = shutil.which("setpriv") if sys.platform == "linux" else None
    if tool is None:
        return program
    words = f'#!/bin/sh\nexec {shlex.quote(tool)} --pdeathsig KILL -- {shlex.quote(str(program))} "$@"\n'
    script = home / "claude"
    if not script.is_file() or script.read_text(encoding="utf-8") != words:
        fresh = home / f"claude-{uuid4()}"
        fresh.write_text(words, encoding="utf-8")
        fresh.chmod(0o700)
        fresh.replace(script)  # at once: another turn may be starting it
    return script


def is_installed() -> bool:
    return importlib.util.find_spec("claude_agent_sdk") is not None


def free_mb() -> int | None:
    """Return how much memory is left, of the machine or of our container, or None where nobody says."""
    found = [mb for mb in (_machine_mb(), _container_mb()) if mb is not None]
    return min(found) if found else None


def _machine_mb() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) // 1000 for line in lines if line.startswith("MemAvailable:")), None)


def _container_mb() -> int | None:
    try:
        limit = (_CGROUP / "memory.max").read_text(encoding="ascii").strip()
        used = (_CGROUP / "memory.current").read_text(encoding="ascii")
        stat = (_CGROUP / "memory.stat").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    if not limit.isdigit():
        return None
    # Cached files count as used, and are dropped when the memory is wanted.
    cached = next((int(line.split()[1]) for line in stat if line.startswith("inactive_file ")), 0)
    return (int(limit) - int(used) + cached) // 1_000_000
