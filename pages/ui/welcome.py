"""What a new conversation looks like before its first message."""

import streamlit as st

from core.projects import DEFAULT_PROJECT_ID
from core.router import problem
from core.workbench import Workbench
from pages.ui.conversation_list import open_conversation
from pages.ui.links import PROVIDERS
from pages.ui.safe import literal
from pages.ui.session import session

_SUGGESTIONS = {
    "What can I do here?": "What is Switchboard and what can I do here?",
    "How do I add a provider?": "How do I add a provider and its key?",
    "Who answers a message?": "How does the router choose who answers?",
}


def welcome(workbench: Workbench) -> str | None:
    """Draw the empty state and return the suggestion that was clicked."""
    st.title("What would you like to know?")
    usable = [c for c in workbench.providers.candidates() if problem(c) is None]
    if all(c.is_demo for c in usable):
        if usable:
            st.info(
                "No provider has a key yet, so the built-in demo answers. It needs no key and no network.",
                title="You are talking to the demo",
                icon=":material/science:",
            )
        else:
            st.warning("Nothing can answer yet: add a key, or enable the demo.", icon=":material/key_off:")
        st.page_link(PROVIDERS, label="Add a key under Providers", icon=":material/key:")
    else:
        names = ", ".join(c.provider.name for c in usable if not c.is_demo)
        st.caption(f"Ready: {names}. Choose a model below; the choice counts from the next message on.")
    _project(workbench)
    if not usable or not all(c.is_demo for c in usable):
        return None
    clicked = st.pills("Suggestions", list(_SUGGESTIONS), label_visibility="collapsed", key="suggestion")
    return _SUGGESTIONS[clicked] if clicked else None


def _project(workbench: Workbench) -> None:
    """Say which project the conversation will be in, and let it be another, once there is more than one."""
    projects = workbench.store.projects.all()
    ids = [project.id for project in projects]
    tab = session()
    if tab.project_id not in ids:
        tab.project_id = DEFAULT_PROJECT_ID  # another tab archived it
    if len(projects) > 1:
        chosen = st.selectbox(
            "Project",
            ids,
            index=ids.index(tab.project_id),
            format_func=lambda project_id: projects[ids.index(project_id)].name,
            width=320,
        )
        if chosen != tab.project_id:
            tab.project_id = chosen
            st.rerun()  # the model selector has already said who answers


def undo_delete(workbench: Workbench) -> None:
    """Offer to take back the conversation that was just deleted."""
    deleted_id = session().deleted_id
    conversation = workbench.store.conversations.get(deleted_id) if deleted_id else None
    if conversation is None or not conversation.deleted_at:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"“{literal(conversation.title)}” is in the trash.", width="content")
        if st.button("Undo", icon=":material/undo:", type="tertiary"):
            workbench.store.conversations.restore(conversation.id)
            workbench.engine.changed(conversation.id)
            session().deleted_id = None
            open_conversation(conversation.id)
