"""What agents may do in a project, as it is set."""

from decimal import Decimal

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.agent_settings import AgentForm, AgentSettings
from core.agents import MOST_MINUTES, MOST_STEPS
from core.errors import KeyUnreadable, SwitchboardError
from core.types import Project
from core.workbench import Workbench
from pages.ui.provider_forms import done, refuse
from pages.ui.safe import literal

_SERVERS = '{\n  "docs": {"type": "http", "url": "https://…/mcp"}\n}'


def agent_words(workbench: Workbench, settings: AgentSettings) -> str:
    """Return in a line what agents may do, as Markdown."""
    verbs = "read" if settings.is_read_only else "read and change"
    parts = [f"{verbs} files in {literal(str(workbench.agents.folder(settings)))}"]
    if settings.has_web:
        parts.append("use the web")
    if settings.always_allowed:
        parts.append(f"without asking: {', '.join(map(literal, sorted(settings.always_allowed)))}")
    return " · ".join(parts)


def agent_settings(workbench: Workbench, project: Project) -> None:
    """Open the dialog."""

    def body() -> None:
        if agent_form(workbench, project):
            done(f"What agents may do in {literal(project.name)} is saved.")

    st.dialog(f"Agents in {literal(project.name)}", width="medium", on_dismiss="rerun")(body)()


def agent_form(workbench: Workbench, project: Project) -> bool:
    """Draw the fields; True once they are saved."""
    settings = workbench.agents.settings(project.id)
    of = project.id
    slots: dict[str, DeltaGenerator] = {}
    with st.form(f"agents_{of}", border=False):
        folder = st.text_input(
            "Folder",
            settings.folder or "",
            key=f"agent_folder_{of}",
            placeholder=str(workbench.agents.folder(AgentSettings(of))),
            help="The only folder whose files agents may read or change. Left empty, the project has one of its own.",
        )
        slots["folder"] = st.empty()
        is_read_only = st.toggle("Only read files", settings.is_read_only, key=f"agent_read_only_{of}")
        has_sub_agents = st.toggle(
            "Sub-agents",
            settings.has_sub_agents,
            key=f"agent_subs_{of}",
            help="An agent may hand parts of its work to others. They have the same folder, rights and limits.",
        )
        has_web = st.toggle(
            "Use the web",
            settings.has_web,
            key=f"agent_web_{of}",
            help="Search and fetch public pages; each call is asked about. What a page says may mislead an agent.",
        )
        always = st.multiselect(
            "Without asking",
            sorted({"Edit", "Write"} | settings.always_allowed),
            default=sorted(settings.always_allowed),
            key=f"agent_always_{of}",
            placeholder="Ask about every change",
            help="Reading files in the folder is never asked about.",
        )
        steps, minutes, turn, day = st.columns(4, vertical_alignment="bottom")
        max_steps = steps.number_input(
            "Steps", 1, MOST_STEPS, settings.max_steps, key=f"agent_steps_{of}", help="Requests to the model in a turn."
        )
        max_minutes = minutes.number_input(
            "Minutes", 1, MOST_MINUTES, settings.max_minutes, key=f"agent_minutes_{of}", help="Of work in a turn."
        )
        max_cost = turn.text_input(
            "Dollars",
            _dollars(settings.max_cost_usd),
            key=f"agent_cost_{of}",
            placeholder="No limit",
            help="In a turn, by the prices on the Providers page. A model without a price is not held to it.",
        )
        max_day = day.text_input(
            "Dollars a day",
            _dollars(settings.max_cost_a_day_usd),
            key=f"agent_day_{of}",
            placeholder="No limit",
            help="Of this project's agents, in a day in UTC.",
        )
        for field in ("max_steps", "max_minutes", "max_cost_usd", "max_cost_a_day_usd"):
            slots[field] = st.empty()
        servers = st.text_area(
            "MCP servers",
            _servers(workbench, project),
            key=f"agent_servers_{of}",
            height=120,
            placeholder=_SERVERS,
            help="As JSON. Each use is asked about. A server that is a command runs as Switchboard's user and is not "
            "confined to the folder. Stored encrypted; values of env and headers are not shown again.",
        )
        slots["mcp_servers"] = st.empty()
        slots[""] = st.empty()
        is_sent = st.form_submit_button("Save", type="primary")
    if not is_sent:
        return False
    form = AgentForm(
        folder,
        has_web,
        has_sub_agents,
        is_read_only,
        frozenset(always),
        max_steps,
        max_minutes,
        max_cost,
        max_day,
        servers,
    )
    try:
        workbench.agents.save(project, form)
    except SwitchboardError as error:
        refuse(error, slots)
        return False
    return True


def _servers(workbench: Workbench, project: Project) -> str:
    try:
        return workbench.agents.shown_servers(project.id)
    except KeyUnreadable:
        st.warning("The stored MCP servers cannot be read with the encryption key at hand. Saving replaces them.")
        return ""


def _dollars(amount: Decimal | None) -> str:
    return "" if amount is None else f"{amount:f}"
