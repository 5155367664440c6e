"""The small buttons under a message: other versions of it, answer again, edit, what it cost."""

from collections.abc import Callable, Sequence

import streamlit as st

from core.errors import SwitchboardError
from core.types import Attempt, Choice, Message, Role, Status
from core.workbench import Workbench
from pages.ui.cost import cost_popover
from pages.ui.session import Dialog, session


def actions(
    workbench: Workbench, message: Message, siblings: list[str], choice: Choice, *, attempts: Sequence[Attempt] = ()
) -> None:
    """Draw the buttons; what they do is drawn by a rerun of the page."""
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        if siblings:
            _pager(workbench, message, siblings)
        if message.role is Role.USER:
            if _button("Edit and send again", "edit", message):
                session().dialog = Dialog("edit", message.id)
                st.rerun()
        else:
            is_whole = message.status is Status.DONE
            words = "Answer again with the model chosen below"
            if _button(words, "refresh", message, label="" if is_whole else "Try again"):
                _do(lambda: workbench.turns.regenerate(message, choice))
            if attempts:
                cost_popover(attempts)


def _pager(workbench: Workbench, message: Message, siblings: list[str]) -> None:
    at = siblings.index(message.id)
    if _button("The version before", "chevron_left", message, is_disabled=at == 0):
        _show(workbench, siblings[at - 1])
    st.caption(f"{at + 1}/{len(siblings)}", width="content")
    if _button("The next version", "chevron_right", message, is_disabled=at == len(siblings) - 1):
        _show(workbench, siblings[at + 1])


def _show(workbench: Workbench, message_id: str) -> None:
    [sibling] = workbench.store.messages.get([message_id])
    _do(lambda: workbench.turns.show(sibling))


def _do(act: Callable[[], None]) -> None:
    session().refusal = None
    try:
        act()
    except SwitchboardError as error:
        session().refusal = error.message
    st.rerun()


def _button(words: str, icon: str, message: Message, *, label: str = "", is_disabled: bool = False) -> bool:
    return st.button(
        label or f":small[:material/{icon}:]",
        icon=f":material/{icon}:" if label else None,
        key=f"{icon}-{message.id}",
        help=words,
        type="secondary" if label else "tertiary",
        disabled=is_disabled,
    )
