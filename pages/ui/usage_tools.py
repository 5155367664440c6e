"""The frame around each part of the usage page: its title, the SQL that made it, and its rows as a file."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import streamlit as st

from core import usage
from core.store.connection import Database
from core.usage import Query
from pages.ui.links import SQL
from pages.ui.session import session


@contextmanager
def card(title: str, log: Database, query: Query, *, name: str, has_sql: bool) -> Iterator[None]:
    with st.container(border=True, height="stretch"):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.markdown(f"**{title}**", width="content")
            draw_tools(log, query, name=name, has_sql=has_sql)
        yield


def draw_tools(log: Database, query: Query, *, name: str, has_sql: bool) -> None:
    """Draw the way to the query and to its rows. The sample has no SQL page: that one reads the user's own log."""
    with st.container(horizontal=True, vertical_alignment="center", width="content", gap="xsmall"):
        if has_sql and st.button(
            "SQL",
            icon=":material/database:",
            type="tertiary",
            key=f"sql_of_{name}",
            help="Open the query that made it.",
        ):
            session().sql.handed = usage.text(query)
            st.switch_page(SQL, query_params={})  # without, it fails on parameters that are bound to widgets
        with st.popover("Save", icon=":material/download:", type="tertiary", key=f"save_{name}"):
            st.caption("All rows and digits of what is drawn.")
            csv, parquet = _files(log, query)
            for kind, mime, make in (
                ("CSV", "text/csv", csv),
                ("Parquet", "application/vnd.apache.parquet", parquet),
            ):
                st.download_button(
                    kind,
                    make,
                    file_name=f"switchboard-{name}.{kind.lower()}",
                    mime=mime,
                    on_click="ignore",
                    key=f"{kind.lower()}_of_{name}",
                )


def _files(log: Database, query: Query) -> tuple[Callable[[], bytes], Callable[[], bytes]]:
    """Return what makes the files, when they are asked for, on a thread of their own."""
    return (lambda: usage.answer(log, query).csv()), (lambda: usage.answer(log, query).parquet())
