"""Follow a conversation live, from any tab: no SQL until something has changed, no rerun of the page."""

from dataclasses import replace

import streamlit as st

from core.errors import StorageError
from core.live import LiveTurn
from core.tree import Tree
from core.types import Role, Status
from core.workbench import Workbench
from pages.ui.safe import literal
from pages.ui.session import session
from pages.ui.transcript import Transcript, draw_growing, draw_reply, message_box

# A tab looks for turns begun elsewhere this often; a running reply is drawn as soon as something arrives.
IDLE_S = 2.0
DRAW_S = 0.15
WAIT_S = 0.14  # of each DRAW_S: what arrives in the rest of it waits for the next look


@st.fragment(run_every=IDLE_S)
def follow(transcript: Transcript, conversation_id: str, *, after: str | None, revision: int) -> None:
    """Draw what came into the conversation after the message `after`, the last one drawn by the page at `revision`."""
    workbench = transcript.workbench
    turn = workbench.engine.live(conversation_id)
    if turn is None and workbench.engine.revision(conversation_id) == revision:
        return
    try:
        conversation = workbench.store.conversations.get(conversation_id)
        tree = Tree(workbench.store.messages.nodes(conversation_id))
    except StorageError as error:  # what this tab shows stays; the next look may have more luck
        st.error(literal(error.message))
        return
    ids = tree.branch(conversation.leaf_id) if conversation else []
    is_gone = conversation is None or conversation.deleted_at is not None
    if is_gone or (after is not None and after not in ids):
        st.rerun()  # the page says so, or shows the branch that is shown now
    new = workbench.store.messages.get(ids[ids.index(after) + 1 :] if after else ids)
    replace(transcript, tree=tree).draw([message for message in new if message.status is not Status.STREAMING])
    if turn and turn.reply.id in ids:
        with message_box(Role.ASSISTANT):
            _grow(workbench, turn)


@st.fragment(run_every=DRAW_S)
def _grow(workbench: Workbench, turn: LiveTurn) -> None:
    """Draw the running reply; once it has ended, the stored one, until `follow` takes this fragment away."""
    drawn = session().drawn
    look = turn.wait(drawn.get(turn.turn_id, -1), timeout_s=WAIT_S)
    drawn[turn.turn_id] = look.version
    if look.is_finished:
        drawn.pop(turn.turn_id)
        store = workbench.store
        id_ = turn.reply.id
        try:
            attempts = store.attempts.of_replies([id_]).get(id_, [])
            steps = store.steps.of_replies([id_]).get(id_, [])
        except StorageError:  # at the server's end, above all: the answer is here, its figures are not
            attempts, steps = [], list(look.steps)
        draw_reply(turn.reply, attempts, steps)
    else:
        draw_growing(turn, look, workbench)
