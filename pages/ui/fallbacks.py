"""Who answers when a provider fails: the chain on its row, chosen among the models of the others."""

from collections.abc import Sequence

import streamlit as st

from core.router import problem
from core.types import Candidate
from core.workbench import Workbench
from pages.ui.safe import literal
from pages.ui.session import session


def fallback_chain(workbench: Workbench, chosen: Candidate, candidates: Sequence[Candidate]) -> None:
    """Draw the chain of the chosen provider and store what is changed."""
    if chosen.is_demo:
        return
    stored = chosen.provider.fallbacks
    labels = chain_labels([c for c in candidates if c.provider.id != chosen.provider.id], stored)
    chain = st.multiselect(
        "If it fails before its answer begins, ask",
        list(labels),
        default=[entry for entry in stored if entry in labels],
        format_func=labels.__getitem__,
        key=f"fallbacks-{chosen.provider.id}",
        placeholder="Nobody else" if labels else "No other provider can be used yet",
        help=(
            "In this order, after trying it again. Only for failures that may pass or a used-up quota, never for a "
            "refused key or request. Every attempt stands in the log."
        ),
    )
    if tuple(chain) != stored:
        workbench.providers.set_fallbacks(chosen.provider, tuple(chain))
        session().toasts.append(f"Who answers for {literal(chosen.provider.name)} is stored.")
        st.rerun()


def chain_labels(candidates: Sequence[Candidate], stored: Sequence[str]) -> dict[str, str]:
    """Return what a chain may hold: every model that could answer now, and what is in it already."""
    return {
        f"{candidate.provider.id}/{model.id}": f"{literal(candidate.provider.name)} · {literal(model.name)}"
        for candidate in candidates
        if not candidate.is_demo
        for model in candidate.models
        if problem(candidate) is None or f"{candidate.provider.id}/{model.id}" in stored
    }
