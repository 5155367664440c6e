"""What agents may do in a project, and the check of what people type about it. Looks at no store."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from core.errors import InvalidInput
from core.runners.agent_confinement import FILE_TOOLS, SUB_AGENTS, WEB_TOOLS

READ_TOOLS = ("Read", "Glob", "Grep")
MCP_LIMIT = 50_000  # characters


@dataclass(frozen=True, slots=True)
class AgentSettings:
    """As they are stored. `folder` None: the project's own under the data folder."""

    project_id: str
    folder: str | None = None
    has_web: bool = False
    has_sub_agents: bool = True
    is_read_only: bool = False
    always_allowed: frozenset[str] = frozenset()
    max_steps: int = 30
    max_minutes: int = 10
    max_cost_usd: Decimal | None = Decimal(1)
    max_cost_a_day_usd: Decimal | None = Decimal(10)

    @property
    def tools(self) -> tuple[str, ...]:
        return (
            *(READ_TOOLS if self.is_read_only else FILE_TOOLS),
            *((SUB_AGENTS,) if self.has_sub_agents else ()),
            *(WEB_TOOLS if self.has_web else ()),
        )


@dataclass(frozen=True, slots=True)
class AgentForm:
    """What a user types about a project's agents."""

    folder: str = ""
    has_web: bool = False
    has_sub_agents: bool = True
    is_read_only: bool = False
    always_allowed: frozenset[str] = frozenset()
    max_steps: int = 30
    max_minutes: int = 10
    max_cost_usd: str = "1"
    max_cost_a_day_usd: str = "10"
    mcp_servers: str = field(default="", repr=False)


def checked_folder(typed: str, *, data_dir: Path, own: Path, others: Iterable[Path]) -> str | None:
    """Return the folder to store, made if it was missing; None is the project's own. Raises InvalidInput."""
    text = typed.strip()
    if not text:
        return None
    if "\0" in text:
        raise _refused("A folder's name cannot hold that character.")
    path = Path(text).expanduser()
    if not path.is_absolute():
        raise _refused("Enter the whole path of the folder, from the root.")
    path = _resolved(path)
    if path == _resolved(own):
        return None
    data = _resolved(data_dir)
    if path == data or path.is_relative_to(data) or data.is_relative_to(path):
        raise _refused("An agent must not reach Switchboard's own data: choose a folder beside the data folder.")
    for other in map(_resolved, others):
        if path == other or path.is_relative_to(other) or other.is_relative_to(path):
            raise _refused("Another project's agents work in that folder, or inside or above it. Choose another.")
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _refused(f"The folder cannot be made: {error.strerror or error}.") from error
    return str(path)


def checked_limit(text: str, *, field: str) -> Decimal | None:
    """Return dollars, or None for no limit. Raises InvalidInput."""
    words = text.strip().lstrip("$").strip()
    if not words:
        return None
    try:
        value = Decimal(words)
    except InvalidOperation:
        raise InvalidInput("Enter an amount in dollars, such as 0.50, or nothing for no limit.", field=field) from None
    if not value.is_finite() or not Decimal("0.0001") <= value <= 100_000:
        raise InvalidInput("The amount has to be from 0.0001 to 100000 dollars.", field=field)
    return value


def checked_number(value: int, *, most: int, field: str) -> int:
    if not 1 <= value <= most:
        raise InvalidInput(f"The number has to be from 1 to {most}.", field=field)
    return value


def checked_servers(text: str) -> dict[str, dict[str, Any]]:
    """Return MCP servers by name, in the SDK's shape: a command, or an address of type http or sse.

    The wrapping {"mcpServers": …} of other programs' files is taken off. Raises InvalidInput.
    """
    if not text.strip():
        return {}
    if len(text) > MCP_LIMIT:
        raise _bad(f"{len(text):,} characters are more than the {MCP_LIMIT:,} that are taken.")
    try:
        found = json.loads(text)
    except ValueError as error:
        raise _bad(f"This is no JSON: {error}.") from error
    if isinstance(found, dict) and set(found) == {"mcpServers"}:
        found = found["mcpServers"]
    if not isinstance(found, dict):
        raise _bad("The servers have to be an object: their names with what each of them is.")
    return {_server_name(name): _server(name, server) for name, server in found.items()}


def _server_name(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,60}", name):
        raise _bad(f"The name of a server is made of 1 to 60 letters, digits, - and _: {name[:60]!r} is not.")
    return name


def _server(name: str, server: object) -> dict[str, Any]:
    if not isinstance(server, Mapping):
        raise _bad(f"{name} has to be an object.")
    kind = server.get("type", "stdio")
    if kind == "stdio":
        fields: dict[str, type] = {"type": str, "command": str, "args": list, "env": dict}
        needed = "command"
    elif kind in ("http", "sse"):
        fields = {"type": str, "url": str, "headers": dict}
        needed = "url"
    else:
        raise _bad(f"The type of {name} has to be stdio, http or sse.")
    for key, value in server.items():
        if key not in fields:
            raise _bad(f"{name} has {key!r}, which a server of type {kind} does not.")
        if not isinstance(value, fields[key]):
            raise _bad(f"{name}: {key} has to be {_KINDS[fields[key]]}.")
        inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        if not all(isinstance(part, str) for part in inside):
            raise _bad(f"{name}: {key} has to hold texts only.")
    if not str(server.get(needed, "")).strip():
        raise _bad(f"{name} needs {needed!r}.")
    if needed == "url" and urlsplit(server["url"]).scheme not in ("http", "https"):
        raise _bad(f"The url of {name} has to begin with http:// or https://.")
    return dict(server)


_KINDS: dict[type, str] = {str: "a text", list: "a list", dict: "an object"}


def _resolved(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError) as error:
        raise _refused("The folder cannot be looked at.") from error


def _refused(message: str) -> InvalidInput:
    return InvalidInput(message, field="folder")


def _bad(message: str) -> InvalidInput:
    return InvalidInput(message, field="mcp_servers")
