"""The answer to a query: as a table, as a chart, as a file."""

from datetime import datetime

import pandas as pd
import streamlit as st

from core.store.answer import Answer
from pages.ui.figures import duration

_CHART_ROWS = 5000
_SERIES = 20
_NOTHING = "–"


def draw_answer(answer: Answer) -> None:
    rows = f"{answer.row_count:,} {'row' if answer.row_count == 1 else 'rows'}"
    words = [f"The first {rows}: there are more" if answer.is_truncated else rows, duration(answer.elapsed_ms)]
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        has_chart = bool(answer.numeric) and answer.row_count > 0
        view = "Table"
        if has_chart:
            view = st.segmented_control(
                "View", ["Table", "Chart"], default="Table", required=True, label_visibility="collapsed", key="sql_view"
            )
        st.caption(" · ".join(words), width="content")
        with st.container(horizontal=True, width="content"):
            _downloads(answer)
    if view == "Chart":
        _chart(answer)
    elif answer.columns[:1] == ["explain_key"]:
        for _, plan in answer.rows():
            st.code(plan, language=None)
    else:
        st.dataframe(
            answer.table,
            hide_index=True,
            placeholder="NULL",
            height="content" if answer.row_count <= 14 else 530,
            alt="The rows of the query",
        )


def _downloads(answer: Answer) -> None:
    name = f"switchboard-{answer.as_of:%Y-%m-%d-%H%M}"
    for label, make, mime, icon in (
        ("CSV", answer.csv, "text/csv", ":material/download:"),
        ("Parquet", answer.parquet, "application/vnd.apache.parquet", ":material/download:"),
    ):
        st.download_button(
            label,
            make,
            file_name=f"{name}.{label.lower()}",
            mime=mime,
            icon=icon,
            on_click="ignore",
            key=f"sql_{label}",
        )


def _chart(answer: Answer) -> None:
    """Draw the rows with the axes that were chosen; at first the column that looks like one of each."""
    columns, numeric = answer.columns, answer.numeric
    texts = [name for name in columns if name not in numeric and name not in answer.temporal]
    x_first = (answer.temporal or texts or columns)[0]
    y_first = next((name for name in numeric if name != x_first), numeric[0])
    groups = [_NOTHING, *texts]
    group_first = next((name for name in texts if name != x_first and answer.temporal), _NOTHING)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kind = st.selectbox("Chart", ["Bars", "Lines", "Points"], index=1 if answer.temporal else 0, key="sql_chart")
        x = st.selectbox("Across", columns, index=columns.index(x_first), key="sql_x")
        y = st.selectbox("Up", numeric, index=numeric.index(y_first), key="sql_y")
        group = st.selectbox("Group", groups, index=groups.index(group_first), key="sql_group")
    frame = _frame(answer, x, y, None if group == _NOTHING else group)
    color = "group" if "group" in frame else None
    alt = f"{y} by {x}"
    if kind == "Lines":
        st.line_chart(frame, x="x", y="y", color=color, x_label=x, y_label=y, alt=alt)
    elif kind == "Points":
        st.scatter_chart(frame, x="x", y="y", color=color, x_label=x, y_label=y, alt=alt)
    else:
        st.bar_chart(frame, x="x", y="y", color=color, x_label=x, y_label=y, sort=False, alt=alt)
    if answer.row_count > _CHART_ROWS:
        st.caption(f"The first {_CHART_ROWS:,} rows are drawn.")


def _frame(answer: Answer, x: str, y: str, group: str | None) -> pd.DataFrame:
    """Return columns x, y and group as a chart takes them: numbers as floats, times as UTC, names as text."""
    chosen = answer.table.slice(0, _CHART_ROWS)
    values = {name: chosen.column(name).to_pylist() for name in {x, y, group} - {None}}
    frame = pd.DataFrame({"x": values[x], "y": [None if v is None else float(v) for v in values[y]]})
    if x in answer.numeric:
        frame["x"] = [None if value is None else float(value) for value in values[x]]
    elif any(isinstance(value, datetime) for value in values[x]):
        frame["x"] = pd.to_datetime(frame["x"], utc=True)  # the browser would move naive times to its own zone
    elif x not in answer.temporal:
        frame["x"] = [_NOTHING if value is None else str(value) for value in values[x]]
    if group is not None:
        names = pd.Series([_NOTHING if value is None else str(value) for value in values[group]])
        kept = names.value_counts().index[:_SERIES]
        frame["group"] = names.where(names.isin(kept), "Other")
    return frame
