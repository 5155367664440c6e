"""The line above a conversation: its title and what can be done with it."""

import streamlit as st

from core.projects import DEFAULT_PROJECT_ID
from core.types import Conversation
from core.workbench import Workbench
from pages.ui.safe import literal
from pages.ui.session import Dialog, session


def conversation_header(workbench: Workbench, conversation: Conversation) -> None:
    store = workbench.store.conversations
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", wrap=False):
        project = workbench.store.projects.get(conversation.project_id)
        is_named = project is not None and project.id != DEFAULT_PROJECT_ID
        badge = f" :gray-badge[:material/folder: {literal(project.name)}]" if project and is_named else ""
        st.markdown(f"**{literal(conversation.title)}**{badge}")
        action = st.menu_button(
            ":material/more_horiz:",
            ["Rename", "Unpin" if conversation.is_pinned else "Pin", "Move to a project", "Export", "Delete"],
            key="conversation-menu",
            type="tertiary",
        )
    match action:
        case "Rename":
            session().dialog = Dialog("rename", conversation.id)
        case "Move to a project":
            session().dialog = Dialog("move", conversation.id)
        case "Export":
            session().dialog = Dialog("export", conversation.id)
        case "Pin" | "Unpin":
            store.pin(conversation.id, not conversation.is_pinned)
            st.rerun()
        case "Delete":
            workbench.turns.stop(conversation.id)
            store.delete(conversation.id)
            workbench.engine.changed(conversation.id)
            session().deleted_id = conversation.id
            session().conversation_id = None
            st.query_params.from_dict({"new": "1"})
            st.rerun()
