"""One turn of the log, opened: its attempts in time, what each cost and why, what was asked and answered."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

import streamlit as st

from core.bill import made
from core.log import curl, pretty, rebuild
from core.raw import Raw, RawBodies
from core.store import Store
from core.types import Attempt, Role
from pages.ui.cost import draw_cost
from pages.ui.figures import UNKNOWN, count, duration
from pages.ui.links import CHAT
from pages.ui.log_waterfall import draw_waterfall
from pages.ui.safe import literal


def draw_turn(store: Store, raw: RawBodies, attempts: Sequence[Attempt], chosen_id: str, *, zone: ZoneInfo) -> None:
    chosen = next(attempt for attempt in attempts if attempt.id == chosen_id)
    rebuilt = rebuild(store, chosen)
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.subheader(literal(f"{chosen.model_name} · {chosen.provider_name}"))
            if rebuilt.has_conversation:
                st.page_link(
                    CHAT,
                    label="Open the conversation",
                    icon=":material/forum:",
                    query_params={"c": chosen.conversation_id or ""},
                )
        st.caption(literal(f"{chosen.started_at.astimezone(zone):%d %B %Y, %H:%M:%S} · {chosen.route_reason}"))
        if chosen.error_message:
            st.error(literal(chosen.error_message), icon=":material/error:")
        draw_waterfall(attempts, sent_at=rebuilt.reply.created_at if rebuilt.reply else None)
        with st.grid(2, min_column_width=320):
            with st.container():
                _facts(chosen)
            with st.container():
                st.markdown("**Cost**")
                draw_cost(chosen.usage, made(chosen))
        if kept := raw.get(chosen):
            draw_raw(kept)
        if not rebuilt.messages:
            st.caption("What was asked is not kept any more: the conversation was deleted for good.")
            return
        with st.expander("What was asked", type="compact", icon=":material/upload:"):
            st.caption(
                "Rebuilt from the conversation, with the project's system prompt of now. Anything that looks like a "
                "key is left out."
            )
            if rebuilt.system:
                st.markdown("**System**")
                st.text(rebuilt.system)
            for message in rebuilt.messages:
                st.markdown("**You**" if message.role is Role.USER else "**Model**")
                st.text(message.text)
        if rebuilt.reply and rebuilt.reply.text:
            with st.expander("What was answered", type="compact", icon=":material/download:"):
                st.text(rebuilt.reply.text)
        if command := curl(store, chosen, rebuilt):
            with st.expander("As a curl command", type="compact", icon=":material/terminal:"):
                st.caption("Set `API_KEY` in your shell first. The key is not in the command.")
                st.code(command, language="bash")


def draw_raw(kept: Raw) -> None:
    """Draw what went over the wire, as far as it was kept."""
    words = f"HTTP {kept.http_status}" if kept.http_status else "No answer came."
    with st.expander("As it was sent", type="compact", icon=":material/upload:"):
        st.caption(literal(f"{kept.method} {kept.url}"))
        st.code(pretty(kept.request), language="json", height=320)
    with st.expander("As it was received", type="compact", icon=":material/download:"):
        st.caption(words + (" Only the first part is kept." if kept.is_cut else ""))
        st.code(kept.response or "–", language=None, height=320)


def _facts(attempt: Attempt) -> None:
    usage = attempt.usage
    about = "~" if usage.is_estimated else ""
    served = attempt.model_served if attempt.model_served != attempt.model_requested else None
    facts = {
        "Status": attempt.status.value + (f", {attempt.error_kind.replace('_', ' ')}" if attempt.error_kind else ""),
        "HTTP status": attempt.http_status,
        "Ended because": attempt.finish_reason.value.replace("_", " ") if attempt.finish_reason else None,
        "Model asked for": attempt.model_requested,
        "Model served": served,
        "First token": duration(attempt.ttft_ms),
        "Latency": duration(attempt.latency_ms),
        "Input tokens": about + count(usage.input_tokens),
        "Output tokens": about + count(usage.output_tokens),
        "of them reasoning": count(usage.reasoning_tokens) if usage.reasoning_tokens else None,
        "Asked with": attempt.parameters,
        "Request id": attempt.request_id,
    }
    st.markdown("**Request**")
    st.table(
        {name: literal(str(value)) for name, value in facts.items() if value not in (None, UNKNOWN, "~" + UNKNOWN)},
        border="horizontal",
        alt="What is known of the request",
    )
