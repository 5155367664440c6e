"""Draw a conversation: a stored reply and a growing one with the same code."""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.live import LiveReply, LiveTurn
from core.tree import Tree
from core.types import Attempt, Choice, FinishReason, Message, Role, Status, Step
from core.workbench import Workbench
from pages.ui.figures import count, duration
from pages.ui.long_text import draw_text
from pages.ui.message_actions import actions
from pages.ui.permission_cards import permission_cards
from pages.ui.safe import literal, visible
from pages.ui.steps import draw_changes, draw_work

_ENDINGS = {
    FinishReason.LENGTH: "The answer was cut at the model's output limit.",
    FinishReason.CONTENT_FILTER: "The provider's content filter ended the answer.",
    FinishReason.REFUSAL: "The model declined to answer.",
    FinishReason.CONTEXT_FULL: "The conversation fills the model's context: the answer was cut.",
}


# Streamlit's own are red and orange: signs of trouble.
_AVATARS = {Role.USER: ":material/person:", Role.ASSISTANT: ":material/forum:"}


def message_box(role: Role) -> DeltaGenerator:
    """Return the box of one message, for what stands in it."""
    return st.chat_message(role.value, avatar=_AVATARS[role])


@dataclass(frozen=True, slots=True)
class Transcript:
    """What messages are drawn with. `choice` is what an answer to a message of it would be asked of now."""

    workbench: Workbench
    tree: Tree
    choice: Choice

    def draw(self, messages: Sequence[Message]) -> None:
        """Draw finished messages, oldest first."""
        siblings = self.tree.siblings()
        replies = [message.id for message in messages if message.role is Role.ASSISTANT]
        attempts = self.workbench.store.attempts.of_replies(replies) if replies else {}
        steps = self.workbench.store.steps.of_replies(replies) if replies else {}
        for message in messages:
            with message_box(message.role):
                if message.role is Role.USER:
                    st.text(visible(message.text))
                else:
                    draw_reply(message, attempts.get(message.id, []), steps.get(message.id, []))
                actions(
                    self.workbench,
                    message,
                    siblings.get(message.id, []),
                    self.choice,
                    attempts=attempts.get(message.id, []),
                )


def draw_reply(reply: Message, attempts: Sequence[Attempt], steps: Sequence[Step]) -> None:
    _draw_reasoning(reply.id, reply.reasoning, reply.reasoning_ms, is_running=False)
    draw_work(reply.text, steps, key=reply.id)
    draw_changes(steps)
    _draw_ending(reply)
    if line := _figures(reply, attempts):
        st.caption(line)


def draw_growing(turn: LiveTurn, look: LiveReply, workbench: Workbench) -> None:
    """Draw what has arrived of a running reply, and the button that stops it."""
    _draw_reasoning(turn.reply.id, look.reasoning, look.reasoning_ms, is_running=not look.text and not look.steps)
    if not draw_work(look.text, look.steps, key=turn.reply.id, is_growing=True) and not look.questions:
        st.markdown(":shimmer[Working…]" if look.steps else ":shimmer[Waiting for the first words…]")
    permission_cards(workbench, turn, look.questions)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Stop",
            icon=":material/stop_circle:",
            key=f"stop-{turn.reply.id}",
            on_click=workbench.turns.stop,
            args=(turn.reply.conversation_id,),
        )
        st.caption(f"{_served_by(turn.reply)} · {literal(look.notice)}" if look.notice else _served_by(turn.reply))


def _draw_reasoning(reply_id: str, reasoning: str, reasoning_ms: int | None, *, is_running: bool) -> None:
    if not reasoning:
        return
    label = f"Thought for {duration(reasoning_ms)}" if reasoning_ms is not None else "Thought"
    if is_running:
        label = ":shimmer[Thinking…]"
    with st.expander(label, type="compact"):
        draw_text(reasoning, key=f"{reply_id}-reasoning", is_growing=True)


def _draw_ending(reply: Message) -> None:
    match reply.status:
        case Status.STOPPED:
            st.info("You stopped this answer. What had arrived is kept.", icon=":material/stop_circle:")
        case Status.INTERRUPTED | Status.FAILED:
            show = st.warning if reply.status is Status.INTERRUPTED else st.error
            show(literal(reply.error_message or "This answer is not complete."), icon=":material/error:")
            if reply.error_detail:
                with st.expander("What the provider said", type="compact"):
                    st.text(visible(reply.error_detail))
        case Status.DONE | Status.STREAMING:
            if reply.finish_reason in _ENDINGS:
                st.info(_ENDINGS[reply.finish_reason], icon=":material/info:")


def _served_by(reply: Message) -> str:
    return f"{literal(reply.provider_name or '')} · {literal(reply.model_name or '')}"


def _figures(reply: Message, attempts: Sequence[Attempt]) -> str:
    """Return the one quiet line under a reply: who, how fast, how long, and why this provider."""
    parts = [_served_by(reply)]
    if attempts:
        last = attempts[-1]
        if last.ttft_ms is not None:
            parts.append(f"first token {duration(last.ttft_ms)}")
        parts.append(duration(last.latency_ms))
        if len(attempts) > 1:
            parts.append(f"attempt {len(attempts)}")
        usage = last.usage
        if usage.input_tokens is not None or usage.output_tokens is not None:
            about = "~" if usage.is_estimated else ""
            parts.append(f"{about}{count(usage.input_tokens)} → {about}{count(usage.output_tokens)} tokens")
    if reply.route_reason:
        parts.append(reply.route_reason)
    return " · ".join([parts[0], *(literal(part) for part in parts[1:])])
