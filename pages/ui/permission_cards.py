"""Ask whether an agent may use a tool. Any tab may answer; who answers first decides."""

from collections.abc import Sequence

import streamlit as st

from core.agents import can_be_always
from core.events import PermissionRequest
from core.live import LiveTurn
from core.types import Decision
from core.workbench import Workbench
from pages.ui.steps import arguments, input_view, title


def permission_cards(workbench: Workbench, turn: LiveTurn, questions: Sequence[PermissionRequest]) -> None:
    for question in questions:
        with st.container(border=True, key=f"permission-{turn.reply.id}-{question.call_id}"):
            st.markdown(
                f":material/front_hand: May the agent do this? {title(question.tool, arguments(question.input_json))}"
            )
            body, language = input_view(question.tool, question.input_json)
            st.code(body, language=language, wrap_lines=True)
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                _button(workbench, turn, question, Decision.ONCE, "Allow once")
                if can_be_always(question.tool):
                    _button(workbench, turn, question, Decision.ALWAYS, "Always in this project")
                _button(workbench, turn, question, Decision.DENY, "Deny")
            if task := turn.request.agent:
                st.caption(f"Without an answer within {task.permission_s / 60:g} minutes it is denied.")


def _button(workbench: Workbench, turn: LiveTurn, question: PermissionRequest, decision: Decision, label: str) -> None:
    st.button(
        label,
        key=f"{decision}-{turn.reply.id}-{question.call_id}",
        type="primary" if decision is Decision.ONCE else "secondary",
        on_click=_answer,
        args=(workbench, turn, question.call_id, question.tool, decision),
    )


def _answer(workbench: Workbench, turn: LiveTurn, call_id: str, tool: str, decision: Decision) -> None:
    if not workbench.agents.answer(turn, call_id, tool, decision):
        st.toast("That question is no longer open.", icon=":material/info:")
