"""The dialogs of the chat page. Which one is open is remembered: a rerun in the background does not close it."""

import streamlit as st

from core.errors import SwitchboardError
from core.export import to_json, to_markdown
from core.text import clean_title
from core.types import Choice, Conversation
from core.workbench import Workbench
from pages.ui.links import PROJECTS
from pages.ui.safe import literal
from pages.ui.session import session


def _close() -> None:
    session().dialog = None


def open_dialog(workbench: Workbench, conversation: Conversation | None, choice: Choice) -> None:
    """Draw the dialog that is open, if any."""
    dialog = session().dialog
    match dialog.kind if dialog else None:
        case "edit" if dialog and conversation:
            _edit(workbench, dialog.id, choice)
        case "rename" if conversation:
            _rename(workbench, conversation)
        case "move" if conversation:
            _move(workbench, conversation)
        case "export" if conversation:
            _export(workbench, conversation)
        case "trash":
            _trash(workbench)
        case _:
            _close()


@st.dialog("Edit and send again", width="medium", on_dismiss=_close)
def _edit(workbench: Workbench, message_id: str, choice: Choice) -> None:
    found = workbench.store.messages.get([message_id])
    if not found:
        st.info("This message does not exist any more.")
        return
    text = st.text_area("Message", found[0].text, key=f"edit-text-{message_id}", height=200)
    st.caption("What was here stays as a version of its own. The model chosen below the conversation answers.")
    if st.button("Send", type="primary", icon=":material/send:"):
        try:
            workbench.turns.edit(found[0], text, choice)
        except SwitchboardError as error:
            st.error(error.message)
            return
        _close()
        st.rerun()


@st.dialog("Rename", on_dismiss=_close)
def _rename(workbench: Workbench, conversation: Conversation) -> None:
    with st.form("rename", border=False):
        title = st.text_input("Title", conversation.title)
        is_sent = st.form_submit_button("Rename", type="primary")
    if is_sent:
        try:
            workbench.store.conversations.rename(conversation.id, clean_title(title))
        except SwitchboardError as error:
            st.error(error.message)
            return
        _close()
        st.rerun()


@st.dialog("Move to a project", on_dismiss=_close)
def _move(workbench: Workbench, conversation: Conversation) -> None:
    projects = workbench.store.projects.all()
    ids = [project.id for project in projects]
    with st.form("move", border=False):
        project = st.selectbox(
            "Project",
            projects,
            index=ids.index(conversation.project_id) if conversation.project_id in ids else 0,
            format_func=lambda project: project.name,
            help="Its system prompt, model and key count from the next message on.",
        )
        is_sent = st.form_submit_button("Move", type="primary")
    st.page_link(PROJECTS, label="Add a project under Projects", icon=":material/folder:")
    if is_sent and project:
        try:
            workbench.store.conversations.move(conversation.id, project.id)
        except SwitchboardError as error:
            st.error(literal(error.message))
            return
        workbench.engine.changed(conversation.id)
        _close()
        st.rerun()


@st.dialog("Export", on_dismiss=_close)
def _export(workbench: Workbench, conversation: Conversation) -> None:
    st.write("Markdown holds what you see now. JSON holds every version of every message.")
    every = [node.id for node in workbench.store.messages.nodes(conversation.id)]
    name = f"conversation-{conversation.created_at:%Y-%m-%d}"
    with st.container(horizontal=True):
        st.download_button(
            "Markdown",
            to_markdown(conversation, workbench.turns.history(conversation)),
            file_name=f"{name}.md",
            mime="text/markdown",
            icon=":material/markdown:",
            on_click="ignore",
        )
        st.download_button(
            "JSON",
            to_json(conversation, workbench.store.messages.get(every)),
            file_name=f"{name}.json",
            mime="application/json",
            icon=":material/data_object:",
            on_click="ignore",
        )


@st.dialog("Trash", on_dismiss=_close)
def _trash(workbench: Workbench) -> None:
    deleted = workbench.store.conversations.trash()
    st.caption("Deleted conversations are kept for 30 days.")
    if not deleted:
        st.info("The trash is empty.")
    for conversation in deleted:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(literal(conversation.title), width="stretch")
            if st.button("Restore", key=f"restore-{conversation.id}", icon=":material/restore_from_trash:"):
                workbench.store.conversations.restore(conversation.id)
                workbench.engine.changed(conversation.id)
                if len(deleted) == 1:
                    _close()
                st.rerun()
