"""The dialog that compares a provider's own list of models with ours and brings over what is ticked."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.discovery import Discovery, Row, Standing, apply_rows, discover
from core.errors import SwitchboardError
from core.types import Candidate
from core.workbench import Workbench
from pages.ui.asking import answer_to, ask, waiting
from pages.ui.figures import count
from pages.ui.provider_forms import close_dialog, done
from pages.ui.safe import literal
from pages.ui.session import session

_ADDED, _UPDATED, _DELETED = {Standing.NEW}, {Standing.RETIRING, Standing.CHANGED}, {Standing.GONE}
_LABELS = {
    Standing.NEW: "New",
    Standing.RETIRING: "Retiring",
    Standing.CHANGED: "Other limits",
    Standing.GONE: "Gone",
    Standing.SAME: "Already there",
}
_COLUMNS = {
    "Standing": st.column_config.TextColumn(width=110),
    "Id": st.column_config.TextColumn(width=260),
    "Input": st.column_config.NumberColumn(format="$%g", help="USD per million tokens, from the catalogue"),
    "Output": st.column_config.NumberColumn(format="$%g", help="USD per million tokens, from the catalogue"),
    "Context": st.column_config.NumberColumn(format="compact", help="Tokens"),
    "Ends": st.column_config.DateColumn(format="YYYY-MM-DD", width=110),
}


def start_discovery(workbench: Workbench, candidate: Candidate) -> None:
    """Ask for the list and open the dialog on it."""
    tab = session()
    tab.provider_dialog, tab.picked, tab.picks = "discover", set(), 0
    name = literal(candidate.provider.name)
    ask(workbench, _what(candidate), f"Asking {name} for its models", discover(candidate, workbench.engine))


def discovery_dialog(workbench: Workbench, candidate: Candidate) -> None:
    def body() -> None:
        discovery_body(workbench, candidate)

    st.dialog(f"Models of {literal(candidate.provider.name)}", width="large", on_dismiss=close_dialog)(body)()


def discovery_body(workbench: Workbench, candidate: Candidate) -> None:
    """Draw what the dialog holds: the question under way, why it failed, or the two lists compared."""
    if waiting(_what(candidate)):
        return
    match answer_to(_what(candidate)):
        case Discovery() as found:
            _choose(workbench, candidate, found)
        case SwitchboardError() as error:
            st.error(literal(error.message), icon=":material/error:")
            st.caption("Nothing has changed. Adding models by hand works without a list.")
            if st.button("Try again", icon=":material/refresh:"):
                start_discovery(workbench, candidate)
                st.rerun()
        case _:
            st.caption("The question was cancelled. Nothing has changed.")
            if st.button("Ask again", icon=":material/refresh:"):
                start_discovery(workbench, candidate)
                st.rerun()


def _what(candidate: Candidate) -> str:
    return f"discover:{candidate.provider.id}"


def _choose(workbench: Workbench, candidate: Candidate, found: Discovery) -> None:
    tab = session()
    if not tab.picks:  # what only brings the vendor's facts up to date is proposed, nothing else
        tab.picked = {row.model.id for row in found.rows if row.standing in _UPDATED}
        tab.picks = 1
    _remarks(found)
    offered = [standing for standing in _LABELS if found.count(standing)]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        words = st.text_input("Filter", key="discovery_filter", placeholder="Part of an id or name", width=260)
        kinds = st.pills(
            "Show",
            offered,
            selection_mode="multi",
            default=[standing for standing in offered if standing is not Standing.SAME],
            format_func=lambda standing: f"{_LABELS[standing]} ({count(found.count(standing))})",
            key=f"discovery_kinds_{candidate.provider.id}",
        )
    shown = [row for row in found.rows if row.standing in kinds and _matches(row, words)]
    ids = tuple(row.model.id for row in shown)
    shown_ids = set(ids)
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
        if st.button("Select all", icon=":material/select_all:", disabled=not shown):
            tab.picked |= shown_ids
            tab.picks += 1
        if st.button("Select none", icon=":material/deselect:", disabled=not tab.picked):
            tab.picked -= shown_ids
            tab.picks += 1
        st.caption(f"{count(len(shown))} shown", width="content")
    if shown:
        marked = st.dataframe(
            discovery_table(shown),
            hide_index=True,
            height=360,
            column_config=_COLUMNS,
            # Other rows, or a choice made by a button, are another table, marked by what we remember.
            key=f"discovery_{hash((tab.picks, ids))}",
            on_select="rerun",
            selection_mode="multi-row",
            selection_default={
                "selection": {"rows": [number for number, row in enumerate(shown) if row.model.id in tab.picked]}
            },
            placeholder="–",
            alt=f"Models of {candidate.provider.name} in its own list and here",
        )
        marked_ids = {ids[number] for number in marked.selection.rows}
        tab.picked = (tab.picked - shown_ids) | marked_ids
    else:
        st.info("No model is like that.", icon=":material/filter_alt_off:")
    _apply(workbench, candidate, [row for row in found.rows if row.model.id in tab.picked])


def _remarks(found: Discovery) -> None:
    if not any(row.standing is not Standing.SAME for row in found.rows):
        st.success("Nothing to do: every model of the list is here already.", icon=":material/check_circle:")
    if found.is_partial:
        st.caption(
            "The provider's list does not look whole, so models of yours that are missing from it are not called gone."
        )
    if found.unreadable:
        st.caption(f"{count(found.unreadable)} rows of the list have an id that cannot be sent and are left out.")


def _apply(workbench: Workbench, candidate: Candidate, rows: Sequence[Row]) -> None:
    """Say what would be done, and do it."""
    plan = [
        (verb, sum(row.standing in standings for row in rows))
        for verb, standings in (("add", _ADDED), ("update", _UPDATED), ("delete", _DELETED))
    ]
    words = ", ".join(f"{verb} {count(number)}" for verb, number in plan if number)
    st.caption("Your names and prices stay as they are; conversations keep the names of models that go.")
    slot = st.empty()
    if st.button(f"Apply: {words}" if words else "Apply", type="primary", icon=":material/check:", disabled=not words):
        try:
            with st.spinner("Applying…"):
                apply_rows(workbench.store, candidate.provider, rows)
        except SwitchboardError as error:
            slot.error(literal(error.message), icon=":material/error:")
            return
        past = {"add": "added", "update": "updated", "delete": "deleted"}
        did = ", ".join(f"{count(number)} {past[verb]}" for verb, number in plan if number)
        done(f"Models of {literal(candidate.provider.name)}: {did}.")


def _matches(row: Row, words: str) -> bool:
    text = f"{row.model.id} {row.model.name}".casefold()
    return all(word in text for word in words.casefold().split())


def discovery_table(rows: Sequence[Row]) -> pd.DataFrame:
    """Return one row per model, in order, as the dialog shows it."""

    def dollars(field: str) -> pd.Series:
        return pd.Series([getattr(row.model.price, field) for row in rows], dtype="float64")

    return pd.DataFrame(
        {
            "Standing": [_LABELS[row.standing] for row in rows],
            "Id": [row.model.id for row in rows],
            "Name": [row.model.name for row in rows],
            "Input": dollars("input"),
            "Output": dollars("output"),
            "Context": pd.Series([row.model.context_tokens for row in rows], dtype="Int64"),
            "Ends": [row.model.retires_on for row in rows],
        }
    )
