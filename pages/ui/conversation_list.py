"""The conversations in the sidebar, by day, and the search over all messages. Each is a link: it opens in a tab too."""

from collections.abc import Iterable
from datetime import UTC, datetime, tzinfo
from itertools import groupby
from typing import NoReturn
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

from core.store.conversations import Hit
from core.text import excerpt
from core.types import Conversation
from core.workbench import Workbench
from pages.ui.links import CHAT
from pages.ui.safe import literal
from pages.ui.session import Dialog, session

LISTED = 60


def open_conversation(conversation_id: str) -> NoReturn:
    """Show a conversation: its id goes into the URL."""
    st.query_params.from_dict({"c": conversation_id})
    st.rerun()


# Streamlit marks every link to the page that is open, and all of these lead there.
_STYLE = """<style>
[class*="st-key-conversation-"] a { background: transparent }
[class*="st-key-conversation-"] a:hover, .st-key-conversation-current a {
  background: rgb(128 128 128 / 15%)
}
[class*="st-key-conversation-"] a p { font-weight: 400; overflow: hidden; text-overflow: ellipsis }
.st-key-conversation-current a p { font-weight: 600 }
</style>"""


def conversation_list(workbench: Workbench, *, current: str | None) -> None:
    # A link to the page that is open changes what is shown but not the browser's address (Streamlit 1.67, seen
    # 2026-11-24), and the next message went where the old address led. Where it is right, saying it again does nothing.
    st.query_params.from_dict(st.query_params.to_dict())
    st.html(_STYLE)
    with st.sidebar:
        st.page_link(CHAT, label="New chat", icon=":material/edit_square:", query_params={"new": "1"})
        words = st.text_input(
            "Search", placeholder="Search all messages", icon=":material/search:", label_visibility="collapsed"
        ).strip()
        if len(words) > 1:
            _hits(workbench.store.conversations.search(words), words)
            return
        conversations = workbench.store.conversations.recent(LISTED)
        if not conversations:
            st.caption("Your conversations will be listed here.")
        _groups(conversations, current)
        if st.button("Trash", icon=":material/delete:", type="tertiary"):
            session().dialog = Dialog("trash")


def _groups(conversations: Iterable[Conversation], current: str | None) -> None:
    zone = _zone()
    today = datetime.now(zone)
    for heading, group in groupby(conversations, lambda conversation: _heading(conversation, today, zone)):
        st.caption(heading)
        for conversation in group:
            name = "current" if conversation.id == current else conversation.id
            with st.container(key=f"conversation-{name}"):
                st.page_link(
                    CHAT, label=literal(conversation.title), query_params={"c": conversation.id}, width="stretch"
                )


def _heading(conversation: Conversation, today: datetime, zone: tzinfo) -> str:
    if conversation.is_pinned:
        return "Pinned"
    day = conversation.updated_at.astimezone(zone).date()
    days = (today.date() - day).days
    if days <= 0:
        return "Today"
    if days == 1:
        return "Yesterday"
    return "Last 7 days" if days < 7 else f"{day:%B %Y}"


def _hits(hits: list[Hit], words: str) -> None:
    if not hits:
        st.caption(f"No message contains “{literal(words)}”.")
    for hit in hits:
        before, found, after = (literal(part) for part in excerpt(hit.text, words))
        with st.container(key=f"conversation-hit-{hit.message_id}"):
            st.page_link(
                CHAT, label=literal(hit.title), icon=":material/chat:", query_params={"c": hit.conversation_id}
            )
        st.caption(f"{before}**{found}**{after}")


def _zone() -> tzinfo:
    try:
        return ZoneInfo(st.context.timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return UTC
