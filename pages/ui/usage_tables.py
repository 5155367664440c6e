"""The tables of the usage page: one row per model, one row per message."""

import pandas as pd
import streamlit as st


def models_table(frame: pd.DataFrame) -> None:
    """Draw one row per model. Columns: as core.usage.by gives them; durations become seconds."""
    columns = ["ttft_p50_ms", "ttft_p95_ms", "latency_p50_ms", "latency_p95_ms"]
    is_unknown = (frame["unpriced"] > 0) & (frame["cost_usd"] == 0)  # all that is known are requests that were refused
    shown = frame.assign(
        cost_usd=frame["cost_usd"].mask(is_unknown), **{column: frame[column] / 1000 for column in columns}
    )
    unpriced = ["unpriced"] if frame["unpriced"].any() else []
    seconds = {
        "ttft_p50_ms": "First token p50",
        "ttft_p95_ms": "First token p95",
        "latency_p50_ms": "Latency p50",
        "latency_p95_ms": "Latency p95",
    }
    number = st.column_config.NumberColumn
    st.dataframe(
        shown,
        hide_index=True,
        placeholder="–",
        alt="One row per model: messages, success, speed, tokens and spend",
        column_order=[
            "model", "provider", "messages", "success_rate", "cost_usd", *unpriced, *columns,
            "tokens_per_s", "input_tokens", "output_tokens", "cached_share",
        ],
        column_config={
            "model": st.column_config.TextColumn("Model", pinned=True),
            "provider": "Provider",
            "messages": number("Messages", format="%,d"),
            "success_rate": number("Success", format="percent"),
            **{column: number(label, format="%,.2f s") for column, label in seconds.items()},
            "tokens_per_s": number("Tokens/s", format="%,.1f", help="Output tokens over the whole latency."),
            "input_tokens": number("Input", format="%,d", help="Tokens, cached ones included."),
            "output_tokens": number("Output", format="%,d", help="Tokens, reasoning included."),
            "cached_share": number("Cached", format="percent", help="Share of the input read from a cache."),
            "cost_usd": number("Spend", format="$%,.4f", help="Of the requests whose price is known."),
            "unpriced": number("Unpriced", format="%,d", help="Requests whose price is not known."),
        },
    )  # fmt: skip


def messages_table(frame: pd.DataFrame) -> None:
    """Draw the last messages. Columns: as core.usage.last_messages gives them; durations become seconds."""
    shown = frame.assign(
        ttft_ms=frame["ttft_ms"] / 1000,
        latency_ms=frame["latency_ms"] / 1000,
        status=frame["status"].str.capitalize().str.cat(frame["error_kind"].str.replace("_", " "), sep=": ", na_rep="")
        .str.removesuffix(": "),
    )  # fmt: skip
    number = st.column_config.NumberColumn
    st.dataframe(
        shown,
        hide_index=True,
        placeholder="–",
        height="content" if len(frame) <= 10 else 420,
        alt="The last messages, newest first: who answered, why, how fast and at what cost",
        column_order=[
            "time", "model", "provider", "status", "ttft_ms", "latency_ms", "input_tokens", "output_tokens",
            "cost_usd", *(["attempts"] if (frame["attempts"] > 1).any() else []), "route_reason",
        ],
        column_config={
            "time": st.column_config.DatetimeColumn("Time", format="MMM D, HH:mm:ss", width=130, pinned=True),
            "model": "Model",
            "provider": "Provider",
            "status": st.column_config.TextColumn("Status", width=150),
            "ttft_ms": number("First token", format="%,.2f s"),
            "latency_ms": number("Latency", format="%,.2f s"),
            "input_tokens": number("Input", format="%,d", help="Tokens, cached ones included."),
            "output_tokens": number("Output", format="%,d", help="Tokens, reasoning included."),
            "cost_usd": number("Cost", format="$%,.6f", help="Of the request that ended the message."),
            "route_reason": st.column_config.TextColumn("Why this model", width=280),
            "attempts": number("Attempts", format="%,d"),
        },
    )  # fmt: skip
