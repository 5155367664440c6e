"""Chat: ask any model, switch between two messages, lose nothing."""

import streamlit as st

from core.errors import SwitchboardError
from core.tree import Tree
from core.types import Status
from pages.ui.agent_switch import agent_switch
from pages.ui.answer_settings import answer_settings
from pages.ui.chat_dialogs import open_dialog
from pages.ui.conversation_header import conversation_header
from pages.ui.conversation_list import conversation_list, open_conversation
from pages.ui.enter import enter
from pages.ui.follow import follow
from pages.ui.model_selector import model_selector
from pages.ui.safe import literal
from pages.ui.session import put_back, session
from pages.ui.transcript import Transcript
from pages.ui.welcome import undo_delete, welcome

SHOWN = 40  # messages; older ones come with "Load earlier"

workbench = enter()
tab = session()

if "new" not in st.query_params and "c" not in st.query_params and tab.conversation_id:
    st.query_params["c"] = tab.conversation_id  # back from another page
conversation_id = st.query_params.get("c")
conversation = workbench.store.conversations.get(conversation_id) if conversation_id else None
if conversation_id and (conversation is None or conversation.deleted_at):
    st.info("This conversation does not exist any more. Start a new one, or choose another on the left.")
    conversation = None
tab.conversation_id = conversation.id if conversation else None

conversation_list(workbench, current=tab.conversation_id)
if conversation:
    conversation_header(workbench, conversation)

with st.bottom:
    refusal = st.empty()  # always there: what moved while a run draws would show the selector twice
    if tab.refusal:
        refusal.error(literal(tab.refusal), icon=":material/block:")
    with st.container(horizontal=True, vertical_alignment="center"):
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", wrap=False):
            choice = model_selector(workbench, conversation)
            settings = answer_settings(workbench, conversation, choice)
        is_agent = agent_switch(workbench, conversation, choice)
# Not inside st.bottom: only where Streamlit itself puts the input there does the page follow the end of the answer.
text = st.chat_input("Message", key="message")
if conversation is None:
    undo_delete(workbench)
    text = text or welcome(workbench)

if text:
    tab.refusal = None
    try:
        started = workbench.turns.send(
            text,
            choice,
            conversation_id=tab.conversation_id,
            project_id=tab.project_id,
            settings=settings,
            is_agent=is_agent,
        )
    except SwitchboardError as error:
        tab.refusal = error.message
        put_back("message", text)
        st.rerun()
    if conversation is None:
        open_conversation(started)
    conversation = workbench.store.conversations.get(started)

if conversation:
    revision = workbench.engine.revision(conversation.id)
    tree = Tree(workbench.store.messages.nodes(conversation.id))
    ids = tree.branch(conversation.leaf_id)
    hidden = max(len(ids) - tab.shown(conversation.id, SHOWN), 0)
    if hidden and st.button(f"Load earlier ({hidden})", icon=":material/expand_less:"):
        tab.show_more(conversation.id, SHOWN)
        st.rerun()
    transcript = Transcript(workbench, tree, choice)
    settled = [m for m in workbench.store.messages.get(ids[hidden:]) if m.status is not Status.STREAMING]
    transcript.draw(settled)
    follow(transcript, conversation.id, after=settled[-1].id if settled else None, revision=revision)
open_dialog(workbench, conversation, choice)
