"""What the usage page reads, kept for as long as the log has not grown: a rerun or a chip taken back asks nothing."""

from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from core import usage
from core.store.connection import Database
from core.usage import Filter, Names, Query, Span, Stretch, Totals

_KEPT = 100
# `size` is the number of attempts: rows are only ever added, so the same number is the same log.
_LOG: dict[str | type[Any], Callable[[Any], Any]] = {Database: id, ZoneInfo: str}


@st.cache_data(show_spinner=False, max_entries=4, hash_funcs=_LOG)
def span(log: Database, size: int) -> Span | None:
    return usage.span(log)


@st.cache_data(show_spinner=False, max_entries=4, hash_funcs=_LOG)
def names(log: Database, size: int) -> Names:
    return usage.names(log)


@st.cache_data(show_spinner=False, max_entries=_KEPT, hash_funcs=_LOG)
def compared(log: Database, size: int, where: Filter, before: Stretch | None) -> tuple[Totals, Totals | None]:
    return usage.compared(log, where, before)


@st.cache_data(show_spinner=False, max_entries=_KEPT, hash_funcs=_LOG)
def frame(log: Database, size: int, query: Query) -> pd.DataFrame:
    return usage.frame(log, query)


@st.cache_data(show_spinner=False, max_entries=_KEPT, hash_funcs=_LOG)
def last_messages(log: Database, size: int, where: Filter) -> pd.DataFrame:
    return usage.last_messages(log, where)
