"""The filters of the log page. Each is in the URL, so that what is found can be passed on."""

from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import streamlit as st

from core.periods import Preset, period
from core.store.log_search import Choices, LogFilter, Order
from core.types import Project, Status

_ORDERS = {
    Order.NEWEST: "Newest first",
    Order.SLOWEST: "Slowest first",
    Order.LATE_START: "Latest first token",
    Order.DEAREST: "Dearest first",
    Order.INPUT: "Most input tokens",
    Order.OUTPUT: "Most output tokens",
}
_STATUSES = [Status.DONE, Status.STOPPED, Status.INTERRUPTED, Status.FAILED]


def draw_filters(
    offered: Choices, projects: list[Project], *, now: datetime, zone: ZoneInfo
) -> tuple[LogFilter, Order]:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        preset = st.segmented_control(
            "Period",
            list(Preset),
            default=Preset.MONTH,
            required=True,
            format_func=lambda option: option.value.capitalize(),
            wrap=True,
            key="log_period",
            bind="query-params",
        )
        words = st.text_input(
            "Search",
            placeholder="Error, model, conversation, request id",
            icon=":material/search:",
            width=300,
            key="log_words",
            bind="query-params",
        )
        order = st.selectbox(
            "Order", list(Order), format_func=lambda one: _ORDERS[one], width=190, key="log_order", bind="query-params"
        )
    names = {project.id: project.name for project in projects}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        provider = _choice("Provider", offered.provider, "log_provider")
        model = _choice("Model", offered.model, "log_model")
        status = _choice("Status", [status.value for status in _STATUSES], "log_status")
        error_kind = _choice("Error", offered.error_kind, "log_error")
        project_id = _choice("Project", offered.project_id, "log_project", names)
        latency_s = st.number_input(
            "Latency from, s", min_value=0.0, value=None, width=130, key="log_latency", bind="query-params"
        )
        cost_usd = st.number_input(
            "Cost from, $",
            min_value=0.0,
            value=None,
            step=0.001,
            format="%.4f",
            width=130,
            key="log_cost",
            bind="query-params",
        )
    chosen = period(preset or Preset.MONTH, now, zone=zone)
    return LogFilter(
        since=chosen.since,
        until=chosen.until,
        provider=provider,
        model=model,
        status=status,
        error_kind=error_kind,
        project_id=project_id,
        min_latency_ms=None if latency_s is None else latency_s * 1000,
        min_cost_usd=None if cost_usd is None else Decimal(str(cost_usd)),
        words=words,
    ), order or Order.NEWEST


def _choice(label: str, options: list[str], key: str, names: dict[str, str] | None = None) -> str | None:
    def name(option: str) -> str:
        if names:
            return names.get(option, option)
        return option.replace("_", " ") if key == "log_error" else option

    return st.selectbox(
        label, options, index=None, format_func=name, placeholder="All", width=150, key=key, bind="query-params"
    )
