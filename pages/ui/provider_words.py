"""What the Providers page says about a provider: its address, its key, its last check. It asks nothing."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import pandas as pd
import streamlit as st

from core.catalog import load_catalog
from core.providers import KeyState
from core.runners import RUNNERS
from core.types import Candidate, Check, KeySource, Provider, ProviderFlag
from pages.ui.figures import duration
from pages.ui.safe import literal

FLAG_WORDS = {
    ProviderFlag.NO_STREAM_OPTIONS: "refuses stream_options, so token counts may be missing",
    ProviderFlag.MAX_TOKENS: "wants max_tokens instead of max_completion_tokens",
    ProviderFlag.MAX_COMPLETION_TOKENS: "wants max_completion_tokens instead of max_tokens",
    ProviderFlag.NO_TEMPERATURE: "refuses a temperature, so none is sent",
    ProviderFlag.NO_THINKING: "refuses to be told how much to think, so it is not",
}
PROVIDER_COLUMNS = {
    "Name": st.column_config.TextColumn(width=150),
    "Key": st.column_config.TextColumn(width=190),
    "Last check": st.column_config.TextColumn(width=160),
    "Checked": st.column_config.DatetimeColumn(format="distance", width=140),
}


def protocol_label(provider: Provider) -> str:
    spec = RUNNERS.get(provider.protocol)
    return spec.label if spec else f"{provider.protocol} (not in this version)"


def regions(provider: Provider) -> dict[str, str]:
    """Return the names of a built-in provider's regions by base URL; empty where there is no choice."""
    row = next((row for row in load_catalog().providers if provider.is_builtin and row.id == provider.id), None)
    return {url: name for name, url in row.base_urls} if row and len(row.base_urls) > 1 else {}


def address(provider: Provider) -> str:
    if not provider.base_url:
        return "this machine"
    region = regions(provider).get(provider.base_url)
    return f"{region}: {provider.base_url}" if region else provider.base_url


def key_words(candidate: Candidate, state: KeyState) -> str:
    if state.problem:
        return "cannot be read"
    if state.source is KeySource.ENVIRONMENT:
        return f"from {state.variable}"
    if state.source is not None:
        return f"stored {state.masked}"
    return "missing" if candidate.provider.requires_key else "not needed"


def check_words(provider: Provider, check: Check | None) -> str:
    if check is None:
        return "never"
    # The message begins with the name, which already stands beside it.
    return (
        f"✓ {duration(check.latency_ms)}" if check.is_ok else f"✗ {check.message.removeprefix(provider.name).strip()}"
    )


def show_check(check: Check) -> None:
    """Draw the outcome of a check with its times."""
    message = literal(check.message)
    if not check.is_ok:
        took = f" ({duration(check.latency_ms)})" if check.latency_ms is not None else ""
        st.error(message + took, icon=":material/error:")
        return
    first = f"First token after {duration(check.ttft_ms)}, whole" if check.ttft_ms is not None else "Whole"
    st.success(f"{message} {first} answer after {duration(check.latency_ms)}.", icon=":material/check_circle:")


def ago(moment: datetime, now: datetime) -> str:
    minutes = int((now - moment).total_seconds() // 60)
    if minutes < 1:
        return "just now"
    if minutes < 60:
        return f"{minutes} min ago"
    if minutes < 24 * 60:
        return f"{minutes // 60} h ago"
    return f"on {moment.astimezone(UTC):%Y-%m-%d}"


def facts(candidate: Candidate, state: KeyState, check: Check | None, now: datetime) -> dict[str, str]:
    """Return what is known of a provider, label to Markdown."""
    provider = candidate.provider
    region = regions(provider).get(provider.base_url)
    # As code: Streamlit makes a link of any other URL, escaped or not.
    url = f"`{provider.base_url}`" if provider.base_url else "none, it runs inside Switchboard"
    found = {
        "Protocol": literal(protocol_label(provider)),
        "Base\u00a0URL": f"{literal(region)}: {url}" if region else url,
        "Key": literal(key_words(candidate, state)),
        "Last\u00a0check": literal(
            f"{check_words(provider, check)} ({ago(check.checked_at, now)})" if check else "never"
        ),
    }
    return found


def provider_table(
    candidates: Sequence[Candidate], states: Mapping[str, KeyState], checks: Mapping[str, Check]
) -> pd.DataFrame:
    """Return one row per provider, in order, as the page shows it."""
    ids = [candidate.provider.id for candidate in candidates]
    table = pd.DataFrame(
        {
            "Name": [candidate.provider.name for candidate in candidates],
            "Key": [key_words(candidate, states[candidate.provider.id]) for candidate in candidates],
            "Last check": [check_words(c.provider, checks.get(c.provider.id)) for c in candidates],
            "Checked": [checks[provider_id].checked_at if provider_id in checks else None for provider_id in ids],
            "Models": [len(candidate.models) for candidate in candidates],
            "Default model": [c.default_model.name if c.default_model else None for c in candidates],
            "Enabled": [candidate.provider.is_enabled for candidate in candidates],
            "Protocol": [protocol_label(candidate.provider) for candidate in candidates],
            "Base URL": [address(candidate.provider) for candidate in candidates],
        }
    )
    return table.astype({"Checked": "datetime64[us, UTC]"})
