"""The queries of the SQL page: the built-in ones, the user's own, and the one that came by a link."""

import streamlit as st

from core.errors import InvalidInput
from core.store.console import TableShape
from core.store.presets import PRESETS, preset
from core.store.queries import QueryTable, SavedQuery
from pages.ui.safe import literal
from pages.ui.session import put_back, session

LINK_LIMIT = 2000  # characters of a query in a URL
_OWN = "own:"


def take_link() -> str | None:
    """Put the query of the URL (`q`: a built-in one's name, or a text) into the editor, once.

    Returns the query that is to be run, a built-in one or that of a figure on the usage page: a text that came by a
    link is never run by itself.
    """
    tab = session().sql
    if tab.handed is not None:
        handed, tab.handed = tab.handed, None
        put_back("sql", handed)
        remember_in_url(handed)
        tab.is_foreign = False
        return handed
    link = st.query_params.get("q")
    if link is None or link == tab.link:
        return None
    tab.link = link
    found = preset(link)
    tab.is_foreign = found is None
    if found:
        put_back("sql", found.sql)
        return found.sql
    if len(link) > LINK_LIMIT:
        put_back("sql", "")
        tab.is_foreign = False
        st.warning(f"The query in the link has {len(link):,} characters; {LINK_LIMIT:,} is the most. It was left out.")
        return None
    put_back("sql", link)
    return None


def remember_in_url(sql: str) -> None:
    """Let the URL name what was run, so that it can be passed on; a long text is left out."""
    name = next((query.name for query in PRESETS if query.sql == sql), sql)
    if len(name) <= LINK_LIMIT:
        st.query_params["q"] = name
        session().sql.link = name
    else:
        st.query_params.pop("q", None)


def choose_query(queries: QueryTable) -> SavedQuery | None:
    """Draw the list of queries; one that is newly chosen goes into the editor. Returns the chosen one if it is own."""
    tab = session().sql
    own = {f"{_OWN}{query.id}": query for query in queries.all()}
    texts = {key: query.sql for key, query in own.items()} | {query.name: query.sql for query in PRESETS}
    names = {key: query.name for key, query in own.items()} | {query.name: query.title for query in PRESETS}
    chosen = st.selectbox(
        "Queries",
        list(names),
        index=None,
        format_func=lambda key: f"{names.get(key, key)}{' (yours)' if key in own else ''}",
        placeholder="Choose a query to begin with",
        label_visibility="collapsed",
        width=420,
        key="sql_choice",
    )
    if chosen != tab.chosen:
        tab.chosen = chosen
        if chosen in texts:
            tab.is_foreign = False
            put_back("sql", texts[chosen])
            st.rerun()
    return own.get(chosen or "")


def keep_query(queries: QueryTable, sql: str, own: SavedQuery | None) -> None:
    """Draw the popover in which the editor's text is kept under a name."""
    with st.popover("Keep", icon=":material/bookmark_add:", help="Keep this query for later."):
        name = st.text_input("Name", own.name if own else "", max_chars=80, key=f"sql_name_{own.id if own else ''}")
        with st.container(horizontal=True):
            is_new = st.button("Keep as new" if own else "Keep", type="primary", key="sql_keep")
            is_change = own is not None and st.button("Save changes", key="sql_change")
            is_delete = own is not None and st.button("Delete", icon=":material/delete:", key="sql_delete")
        if not (is_new or is_change or is_delete):
            return
        try:
            if own and is_delete:
                queries.delete(own.id)
                session().toasts.append(f"“{literal(own.name)}” is deleted.")
            else:
                saved = queries.save(name, sql, query_id=own.id if own and is_change else None)
                session().toasts.append(f"“{literal(saved.name)}” is kept.")
        except InvalidInput as refused:
            st.error(literal(refused.message))
        else:
            st.rerun()


def draw_tables(shapes: list[TableShape]) -> None:
    """Draw what can be asked: each table with its columns and their types."""
    for shape in shapes:
        with st.expander(shape.name, type="compact"):
            st.dataframe(
                [{"Column": name, "Type": kind} for name, kind in shape.columns],
                hide_index=True,
                height="content" if len(shape.columns) < 14 else 420,
                alt=f"The columns of {shape.name}",
            )
