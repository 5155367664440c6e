"""What the agent's program finds around it: its variables, its limits and its folders. No secret of ours is there."""

import shutil
import tempfile
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

from core.errors import ErrorKind
from core.runners import Timeouts
from core.runners.failures import Failures
from core.types import ChatRequest, Provider, Route
from core.urls import origin

# The child gets these variables of ours; everything else it would inherit is blanked, whatever its name.
_KEPT_VARIABLES = frozenset(
    {
        *("PATH", "LANG", "LANGUAGE", "TZ"),
        *("SYSTEMROOT", "WINDIR", "COMSPEC", "PATHEXT"),  # Windows starts nothing without them
        *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
        *("SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS"),
    }
)
_ON = dict.fromkeys(
    (
        "DISABLE_TELEMETRY",
        "DISABLE_ERROR_REPORTING",
        "DISABLE_AUTOUPDATER",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC",  # without it a second, paid request makes a title
        "CLAUDE_CODE_DISABLE_BACKGROUND_TASKS",  # a sub-agent ends before its turn, and its steps name it
        "CLAUDE_CODE_DISABLE_AUTO_MEMORY",  # it writes outside the folder
        "CLAUDE_CODE_DISABLE_CRON",
        "CLAUDE_CODE_DISABLE_CLAUDE_MDS",  # what lies in the folder is read when the agent reads it, as a file
    ),
    "1",
)
# A sub-agent, or the program itself, would ask for another model by these names: at another price, or at a provider
# that has none of them.
_MODELS = (
    "CLAUDE_CODE_SUBAGENT_MODEL",
    "ANTHROPIC_SMALL_FAST_MODEL",
    "ANTHROPIC_DEFAULT_HAIKU_MODEL",
    "ANTHROPIC_DEFAULT_SONNET_MODEL",
    "ANTHROPIC_DEFAULT_OPUS_MODEL",
)
_NO_BASE_URL = "{provider} has no base URL for the Messages protocol. Enter the address on the Providers page."


def child_environment(inherited: Mapping[str, str], route: Route, home: Path) -> dict[str, str]:
    """Return what is laid over the inherited environment, so that no secret of ours reaches the program.

    The SDK merges it over our own environment, so that a variable can be blanked, not removed.
    """
    base_url = anthropic_url(route.provider)
    if not base_url:
        raise Failures(route).error(ErrorKind.NOT_FOUND, _NO_BASE_URL)
    blank = {name: "" for name in inherited if not _is_kept(name)}
    key = route.secret or "none"  # the program refuses to start without one
    return blank | {
        **_ON,
        "HOME": str(home),
        "CLAUDE_CONFIG_DIR": str(home / "config"),
        "TMPDIR": str(home / "tmp"),
        "ANTHROPIC_BASE_URL": base_url,
        **dict.fromkeys(_MODELS, route.model.id),
        # Both headers: compatible gateways read only one of them, and not the same one.
        "ANTHROPIC_API_KEY": key,
        "ANTHROPIC_AUTH_TOKEN": key,
    }


def anthropic_url(provider: Provider) -> str | None:
    """Return where the provider speaks the Messages protocol, at an address its key may be sent to."""
    speaks = provider.protocol in ("anthropic", "claude_agent")
    url = provider.anthropic_base_url or (provider.base_url if speaks else None)
    return url if url and origin(url) == origin(provider.base_url) else None


def _is_kept(name: str) -> bool:
    return name.upper() in _KEPT_VARIABLES or name.upper().startswith("LC_")


def child_limits(request: ChatRequest, timeouts: Timeouts) -> dict[str, str]:
    """Return the variables that bound one turn."""
    limits = {
        "CLAUDE_CODE_MAX_RETRIES": "2",  # unset, a 401 is tried 10 times over 50 s
        "API_TIMEOUT_MS": str(int(timeouts.first_event_s * 1000)),
    }
    if request.max_output_tokens is not None:
        limits["CLAUDE_CODE_MAX_OUTPUT_TOKENS"] = str(request.max_output_tokens)
    return limits


def mcp_servers(servers: Mapping[str, Any]) -> dict[str, Any]:
    """Return a project's MCP servers without our key: a server that is a command inherits the program's variables."""
    blank = dict.fromkeys(("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"), "")
    return {
        name: {**server, "env": blank | server.get("env", {})} if "command" in server else dict(server)
        for name, server in servers.items()
    }


class AgentHome:
    """The program's private folder: its sessions and system prompts. Removed with this object if nobody named one."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder

    def folder(self) -> Path:
        """Return the folder with what belongs inside, made when it is first asked for."""
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="switchboard-agent-"))
            weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        for name in ("config", "work", "tmp"):
            (self._folder / name).mkdir(mode=0o700, parents=True, exist_ok=True)
        return self._folder

    def write_system(self, system: str | None) -> Path | None:
        """Write the system prompt to a file: an argument is limited to 128 kB and readable by every local user."""
        if not system:
            return None
        path = self.folder() / f"system-{uuid4()}.txt"
        path.touch(mode=0o600)
        path.write_text(system, encoding="utf-8")
        return path
