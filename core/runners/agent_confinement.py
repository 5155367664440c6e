"""What an agent's tools may be given: paths inside its folder and nowhere else. Looks at the disk, changes nothing.

The program checks paths by itself; this stands before it, for every call of the agent and of its sub-agents, and knows
no rule that would lift it.
"""

import ipaddress
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

FILE_TOOLS = ("Read", "Glob", "Grep", "Edit", "Write")
WEB_TOOLS = ("WebFetch", "WebSearch")
SUB_AGENTS = "Agent"
_PATHS = ("file_path", "path", "notebook_path")
_PATTERNS = {"Glob": ("pattern",), "Grep": ("glob",)}
_SPECIAL = re.compile(r"[*?\[{]")
# A sub-agent with another model would have another price, one elsewhere another folder.
_SUB_AGENT_INPUT = frozenset({"description", "prompt", "subagent_type"})

_OUTSIDE = "Only files inside the project's folder can be used."


def refusal(tool: str, given: Mapping[str, Any], *, folder: Path, tools: frozenset[str]) -> str | None:
    """Return why this call must not happen, in words for the model, or None."""
    if tool.startswith("mcp__"):
        return None  # a server of the project's, which a person allows call by call
    if tool not in tools:
        return f"The tool {tool} is off in this project."
    if tool == SUB_AGENTS and (extra := given.keys() - _SUB_AGENT_INPUT):
        return f"A sub-agent works with the same model, folder and rights: leave out {', '.join(sorted(extra))}."
    if tool in FILE_TOOLS:
        paths = [given[name] for name in _PATHS if given.get(name) is not None]
        patterns = [given[name] for name in _PATTERNS.get(tool, ()) if given.get(name) is not None]
        if not all(is_inside(folder, path) for path in paths):
            return _OUTSIDE
        starts = [Path(path) for path in paths] or [folder]
        if not all(_stays_inside(folder, start, pattern) for pattern in patterns for start in starts):
            return _OUTSIDE
    if tool == "WebFetch" and not _is_public(given.get("url")):
        return "Only public https addresses can be fetched."
    return None


def is_inside(folder: Path, path: object) -> bool:
    """Whether the path, links followed, is the folder or lies in it. What cannot be looked at does not."""
    if not isinstance(path, str) or "\0" in path or path.startswith("~"):
        return False
    try:
        return (folder / path).resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError, ValueError):  # RuntimeError: links in a circle
        return False


def _stays_inside(folder: Path, start: Path, pattern: object) -> bool:
    """Whether what a pattern matches can only be inside: its fixed beginning is, and nothing in it goes up."""
    if not isinstance(pattern, str) or ".." in re.split(r"[\\/,{}]", pattern):
        return False
    fixed = _SPECIAL.split(pattern, maxsplit=1)[0]
    if re.search(r"[{,](?:/|~)", pattern):
        return False
    return is_inside(folder, str(start / fixed)) and not pattern.startswith("~")


def _is_public(url: object) -> bool:
    try:
        parts = urlsplit(url if isinstance(url, str) else "")
        host = (parts.hostname or "").rstrip(".")
    except ValueError:
        return False
    if parts.scheme != "https" or "." not in host or host.endswith((".localhost", ".local", ".internal")):
        return False
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        # Numbers in other writings are addresses, too: 0x7f.1, 127.1.
        return not re.fullmatch(r"(?:0x[0-9a-f]*|\d+)", host.rpartition(".")[2], re.IGNORECASE)
