"""The switch beside the selector: whether an agent answers this conversation, and why none can."""

import streamlit as st

from core.types import Choice, Conversation, Route
from core.workbench import Workbench
from pages.ui.safe import literal
from pages.ui.session import session

_HELP = (
    "The model works as an agent: it reads and changes files in this project's folder, step by step, and asks before "
    "it changes anything. What it may do is set under Projects."
)


def agent_switch(workbench: Workbench, conversation: Conversation | None, choice: Choice) -> bool:
    """Draw the switch and return what it says, remembered per conversation."""
    tab = session()
    is_on = conversation.is_agent if conversation else tab.draft_is_agent
    project_id = conversation.project_id if conversation else tab.project_id
    route = workbench.turns.preview(choice, project_id=project_id)
    problem = workbench.agents.problem(route, workbench.store.projects.get(project_id))

    def change() -> None:
        if conversation:
            workbench.store.conversations.set_agent(conversation.id, not is_on)
        else:
            tab.draft_is_agent = not is_on

    st.toggle(
        "Agent",
        is_on,
        # Named after the value, too: changed in another tab, it is drawn as it is.
        key=f"agent-{conversation.id if conversation else 'new'}-{is_on}",
        help=literal(problem) if problem else _HELP,
        on_change=change,
        disabled=problem is not None and not is_on,
        width="content",
    )
    if problem and is_on:
        st.caption(f":material/block: {literal(problem)}", width="content")
    elif is_on and isinstance(route, Route) and route.model.price.input is None and _is_limited(workbench, project_id):
        st.caption(f"{literal(route.model.name)} has no price here: the limit in dollars cannot hold.", width="content")
    return is_on


def _is_limited(workbench: Workbench, project_id: str) -> bool:
    settings = workbench.agents.settings(project_id)
    return settings.max_cost_usd is not None or settings.max_cost_a_day_usd is not None
