"""The table of attempts: one page of the log, of which one row can be chosen."""

from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st


def draw_attempts(frame: pd.DataFrame, *, zone: ZoneInfo, key: str) -> str | None:
    """Draw the rows that core.store.log_search.page gave; return the id of the chosen one."""
    errors = frame["error_kind"].str.replace("_", " ")
    shown = frame.assign(
        started_at=frame["started_at"].dt.tz_localize("UTC").dt.tz_convert(zone).dt.tz_localize(None),
        status=frame["status"].str.capitalize().str.cat(errors, sep=": ", na_rep="").str.removesuffix(": "),
        ttft_ms=frame["ttft_ms"] / 1000,
        latency_ms=frame["latency_ms"] / 1000,
    )
    number = st.column_config.NumberColumn
    has_retries = bool((frame["attempt_number"] > 1).any())
    event = st.dataframe(
        shown,
        hide_index=True,
        placeholder="–",
        height="content" if len(frame) <= 12 else 460,
        on_select="rerun",
        selection_mode="single-row",
        key=key,
        alt="Requests to providers: when, which model, how it ended, how fast, at what cost",
        column_order=[
            "started_at", "model", "provider", "status", "ttft_ms", "latency_ms", "input_tokens", "output_tokens",
            "cost_usd", *(["attempt_number"] if has_retries else []), "conversation", "error_message",
        ],
        column_config={
            "started_at": st.column_config.DatetimeColumn("Time", format="MMM D, HH:mm:ss", width=130),
            "model": "Model",
            "provider": "Provider",
            "status": st.column_config.TextColumn("Status", width=150),
            "ttft_ms": number("First token", format="%,.2f s"),
            "latency_ms": number("Latency", format="%,.2f s"),
            "input_tokens": number("Input", format="%,d"),
            "output_tokens": number("Output", format="%,d"),
            "cost_usd": number("Cost", format="$%,.6f"),
            "attempt_number": number("Attempt", format="%,d"),
            "conversation": st.column_config.TextColumn("Conversation", width=200),
            "error_message": st.column_config.TextColumn("What the page said", width=300),
        },
    )  # fmt: skip
    rows = event["selection"]["rows"]
    return str(frame["id"].iloc[rows[0]]) if rows and rows[0] < len(frame) else None
