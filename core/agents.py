"""Agents in projects: where they may work, whether they can at all, and the task of a turn."""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

from core.agent_settings import AgentForm, AgentSettings, checked_folder, checked_limit, checked_number, checked_servers
from core.config import AgentConfig
from core.encryption import Keyring
from core.errors import InvalidInput, TurnRefused
from core.live import AGENT_PROTOCOL, LiveTurn
from core.providers import project_owner
from core.runners.agent_environment import anthropic_url
from core.runners.agent_program import NEEDED_MB, bundled_program, free_mb, is_installed
from core.store import Store
from core.store.connection import Cursor
from core.types import AgentTask, Decision, Message, Project, Refusal, Role, Route, Secret

MCP_SERVERS = "MCP servers"  # their ciphertext stands among the keys, as a provider's of this project
KEPT = "•••"  # stands for a value that is stored and not shown
MOST_STEPS, MOST_MINUTES = 500, 240
_HIDDEN = ("env", "headers")
_WITHOUT_ALWAYS = re.compile(r"Web")  # each address is a question of its own


class Agents:
    def __init__(self, store: Store, keyring: Keyring, config: AgentConfig) -> None:
        self._store = store
        self._keyring = keyring
        self._config = config
        self._root = store.folder.resolve() / "agents"

    # What people see of them.

    def problem(self, route: Route | Refusal, project: Project | None) -> str | None:
        """Return why no agent can answer, with what to do, or None. Imports and starts nothing."""
        if not self._config.is_allowed:
            return "Agents are off on this server. Its owner can allow them: SWITCHBOARD_AGENTS_ALLOWED."
        if not is_installed():
            return "The package claude-agent-sdk is not installed."
        if bundled_program() is None:
            return "The program of claude-agent-sdk is missing: install the package again."
        if project is None:
            return "Agents work in the folder of a project, and this conversation's project is gone."
        if isinstance(route, Route) and anthropic_url(route.provider) is None:
            name = route.provider.name
            return f"{name} has no address for the Anthropic protocol: choose a model of a provider that has one."
        free = free_mb()
        if free is not None and free < NEEDED_MB:
            return f"Memory is short: an agent needs {NEEDED_MB} MB, and {max(free, 0)} MB are left."
        return None

    def settings(self, project_id: str) -> AgentSettings:
        return self._store.agents.all().get(project_id) or AgentSettings(project_id)

    def folder(self, settings: AgentSettings) -> Path:
        """Return where the project's agents work; it may not be made yet."""
        return Path(settings.folder) if settings.folder else self._root / "projects" / settings.project_id

    def shown_servers(self, project_id: str) -> str:
        """Return the MCP servers as JSON, without the values that may be keys. Raises KeyUnreadable."""
        servers = self._servers(project_id)
        for server in servers.values():
            for name in _HIDDEN:
                if name in server:
                    server[name] = dict.fromkeys(server[name], KEPT)
        return json.dumps(servers, indent=2, ensure_ascii=False) if servers else ""

    # As people change them.

    def save(self, project: Project, form: AgentForm) -> AgentSettings:
        """Store what a user typed. Raises InvalidInput naming the field; nothing is half saved."""
        others = [self.folder(other) for id_, other in self._store.agents.all().items() if id_ != project.id]
        own = self.folder(AgentSettings(project.id))
        settings = AgentSettings(
            project_id=project.id,
            folder=checked_folder(form.folder, data_dir=self._store.folder, own=own, others=others),
            has_web=form.has_web,
            has_sub_agents=form.has_sub_agents,
            is_read_only=form.is_read_only,
            always_allowed=form.always_allowed,
            max_steps=checked_number(form.max_steps, most=MOST_STEPS, field="max_steps"),
            max_minutes=checked_number(form.max_minutes, most=MOST_MINUTES, field="max_minutes"),
            max_cost_usd=checked_limit(form.max_cost_usd, field="max_cost_usd"),
            max_cost_a_day_usd=checked_limit(form.max_cost_a_day_usd, field="max_cost_a_day_usd"),
        )
        servers = checked_servers(form.mcp_servers)
        if KEPT in json.dumps(servers, ensure_ascii=False):
            servers = _with_kept(servers, self._servers(project.id))
        owner = project_owner(project.id, MCP_SERVERS)
        ciphertext = self._keyring.encrypt(Secret(json.dumps(servers)), owner=owner, origin="") if servers else None

        def write(cursor: Cursor) -> None:
            self._store.agents.put(cursor, settings)
            self._store.keys.delete(cursor, owner)
            if ciphertext:
                self._store.keys.put(cursor, owner, origin="", ciphertext=ciphertext)

        self._store.settings.write(write)
        return settings

    def answer(self, turn: LiveTurn, call_id: str, tool: str, decision: Decision) -> bool:
        """Answer an agent's question from any page. Returns False where it no longer waits."""
        if decision is Decision.ALWAYS and can_be_always(tool):
            settings = self.settings(turn.project_id)
            allowed = replace(settings, always_allowed=settings.always_allowed | {tool})
            self._store.settings.write(lambda cursor: self._store.agents.put(cursor, allowed))
        return turn.answer(call_id, decision)

    # As turns need them.

    def task(self, route: Route, project: Project | None) -> AgentTask:
        """Return what an agent may do in the next turn. Raises TurnRefused where none can answer now."""
        if reason := self.problem(route, project):
            raise TurnRefused(f"No agent can answer. {reason} Or turn Agent off.")
        assert project is not None
        settings = self.settings(project.id)
        folder = self.folder(settings)
        home = self._root / "home"
        try:
            for path in (folder, home):
                path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise TurnRefused(f"The agent's folder {folder} cannot be made: {error.strerror}.") from error
        if not settings.folder and folder.resolve() != folder:
            raise TurnRefused(f"The agent's folder {folder} is a link. Name the folder it leads to under Projects.")
        return AgentTask(
            folder=str(folder.resolve()),
            home=str(home),
            tools=settings.tools,
            always_allowed=settings.always_allowed,
            mcp_servers=json.dumps(self._servers(project.id)),
            max_steps=settings.max_steps,
            max_s=settings.max_minutes * 60.0,
            max_cost_usd=self._left(settings),
            at_once=self._config.at_once,
        )

    def session_id(self, history: Sequence[Message], route: Route, *, project_id: str) -> str | None:
        """Return the session that the next turn goes on with: the last reply's, if the same may read it.

        Another provider's or family's thinking carries signatures that this one refuses, another project's session
        knows another folder, and a reply of plain chat is in none. Then the conversation goes along as text.
        """
        replies = [message for message in history if message.role is Role.ASSISTANT]
        if not replies or history[-1].role is not Role.USER or replies[-1].session_id is None:
            return None
        last = replies[-1]
        attempts = self._store.attempts.of_replies([last.id]).get(last.id, [])
        is_same = (
            last.provider_id == route.provider.id
            and family(last.model_id or "") == family(route.model.id)
            and {attempt.project_id for attempt in attempts} == {project_id}
        )
        return last.session_id if is_same else None

    def _left(self, settings: AgentSettings) -> Decimal | None:
        """Return what the next turn may cost. Raises TurnRefused where today's is used up."""
        limits = [settings.max_cost_usd] if settings.max_cost_usd is not None else []
        if (a_day := settings.max_cost_a_day_usd) is not None:
            today = datetime.combine(datetime.now(UTC).date(), time(), UTC)
            spent = self._store.attempts.spent(settings.project_id, protocol=AGENT_PROTOCOL, since=today)
            if spent >= a_day:
                raise TurnRefused(
                    f"Agents of this project may use ${a_day:f} a day, and have: allow more on the Projects page, "
                    "or turn Agent off."
                )
            limits.append(a_day - spent)
        return min(limits) if limits else None

    def _servers(self, project_id: str) -> dict[str, dict[str, Any]]:
        owner = project_owner(project_id, MCP_SERVERS)
        ciphertext = self._store.keys.all().get((owner, ""))
        if ciphertext is None:
            return {}
        found: dict[str, dict[str, Any]] = json.loads(
            self._keyring.decrypt(ciphertext, owner=owner, origin="").reveal()
        )
        return found


def family(model_id: str) -> str:
    """Return the vendor's word for a line of models, whose answers read each other's: claude, deepseek, glm."""
    found = re.search(r"[a-z]{2,}", model_id.rpartition("/")[2].lower())
    return found.group() if found else model_id


def can_be_always(tool: str) -> bool:
    """Whether a tool may be allowed once for all in a project."""
    return not _WITHOUT_ALWAYS.match(tool)


def _with_kept(typed: dict[str, dict[str, Any]], stored: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Put the stored values where only their marks were shown. One entered for an address goes to no other."""
    for name, server in typed.items():
        before = stored.get(name, {})
        is_moved = any(server.get(part) != before.get(part) for part in ("command", "args", "url"))
        for part in _HIDDEN:
            for key, value in server.get(part, {}).items():
                if value != KEPT:
                    continue
                if is_moved or key not in before.get(part, {}):
                    raise InvalidInput(
                        f"{name}: enter {key} again, it was stored for another server.", field="mcp_servers"
                    )
                server[part][key] = before[part][key]
    return typed
