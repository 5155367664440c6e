"""The tables of the usage page: one row per group, one row per message."""

from collections.abc import Callable, Mapping

import pandas as pd
import streamlit as st

from core.usage import Dimension, Measure

TABLE = (
    Measure.MESSAGES,
    Measure.SUCCESS_RATE,
    Measure.ERRORS,
    Measure.TTFT_P50_MS,
    Measure.TTFT_P95_MS,
    Measure.LATENCY_P50_MS,
    Measure.LATENCY_P95_MS,
    Measure.TOKENS_PER_S,
    Measure.INPUT_TOKENS,
    Measure.OUTPUT_TOKENS,
    Measure.CACHED_SHARE,
    Measure.CACHE_SAVED_USD,
    Measure.COST_USD,
    Measure.UNPRICED,
)
_COLUMNS = {  # dimension -> the column of its id, and the filter of the URL that keeps one
    Dimension.PROVIDER: ("provider_id", "provider"),
    Dimension.MODEL: ("model_id", "model"),
    Dimension.PROJECT: ("project_id", "project"),
    Dimension.CONVERSATION: ("conversation_id", "conversation"),
    Dimension.STATUS: ("status", "status"),
    Dimension.ERROR_KIND: ("error_kind", "error"),
}


def labelled(
    frame: pd.DataFrame,
    group: Dimension,
    projects: Mapping[str, str],
    titles: Callable[[list[str]], Mapping[str, str]],
) -> pd.DataFrame:
    """Add to each row a label as people read it, no two alike."""
    column, _ = _COLUMNS[group]
    ids = [None if pd.isna(value) else str(value) for value in frame[column]]
    match group:
        case Dimension.PROVIDER | Dimension.MODEL:
            labels = frame[group].astype(str).tolist()
        case Dimension.PROJECT:
            labels = [projects.get(one, one) if one else "No project" for one in ids]
        case Dimension.CONVERSATION:
            found = titles([one for one in ids if one])
            labels = [found.get(one, "Deleted conversation") if one else "No conversation" for one in ids]
        case Dimension.STATUS:
            labels = [(one or "unknown").capitalize() for one in ids]
        case _:
            labels = [one.replace("_", " ") if one else "No error" for one in ids]
    names = pd.Series(labels, index=frame.index, dtype=object)
    if group is Dimension.MODEL:
        names = names.where(~names.duplicated(keep=False), names + " · " + frame["provider"].astype(str))
    again = names.groupby(names).cumcount()
    names = names.where(again == 0, names + " (" + (again + 1).astype(str) + ")")
    return frame.assign(label=names)


def choice(frame: pd.DataFrame, row: int, group: Dimension) -> dict[str, str | None]:
    """Return the filters that keep one row alone; none where what it stands for is not known."""
    column, parameter = _COLUMNS[group]
    found = frame[column].iloc[row]
    if pd.isna(found):
        return {}
    chosen: dict[str, str | None] = {parameter: str(found)}
    if group is Dimension.MODEL:
        chosen["provider"] = str(frame["provider_id"].iloc[row])
    return chosen


def groups_table(frame: pd.DataFrame, name: str) -> None:
    """Draw one row per group. Columns: label, and those of TABLE; durations become seconds."""
    columns = ["ttft_p50_ms", "ttft_p95_ms", "latency_p50_ms", "latency_p95_ms"]
    is_unknown = (frame["unpriced"] > 0) & (frame["cost_usd"] == 0)  # all that is known are requests that were refused
    shown = frame.assign(
        cost_usd=frame["cost_usd"].mask(is_unknown), **{column: frame[column] / 1000 for column in columns}
    )
    unpriced = ["unpriced"] if frame["unpriced"].any() else []
    provider = ["provider"] if "model" in frame else []
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
        height="content" if len(frame) <= 12 else 460,
        alt=f"One row per {name.lower()}: messages, success, speed, tokens and spend",
        column_order=[
            "label", *provider, "messages", "success_rate", "errors", "cost_usd", *unpriced, *columns,
            "tokens_per_s", "input_tokens", "output_tokens", "cached_share", "cache_saved_usd",
        ],
        column_config={
            "label": st.column_config.TextColumn(name, pinned=True),
            "provider": "Provider",
            "messages": number("Messages", format="%,d"),
            "success_rate": number("Success", format="percent"),
            "errors": number("Errors", format="%,d", help="Requests that failed or were interrupted."),
            **{column: number(label, format="%,.2f s") for column, label in seconds.items()},
            "tokens_per_s": number("Tokens/s", format="%,.1f", help="Output tokens over the whole latency."),
            "input_tokens": number("Input", format="%,d", help="Tokens, cached ones included."),
            "output_tokens": number("Output", format="%,d", help="Tokens, reasoning included."),
            "cached_share": number("Cached", format="percent", help="Share of the input read from a cache."),
            "cache_saved_usd": number("Saved", format="$%,.4f", help="What caching saved, less what it cost."),
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
