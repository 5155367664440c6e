"""The lower half of the Providers page: the models of the chosen provider."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import streamlit as st

from core.catalog import offered_price
from core.types import Candidate, Check, Model
from core.verify import check_provider
from core.workbench import Workbench
from pages.ui.asking import answer_to, ask, waiting
from pages.ui.discovery import start_discovery
from pages.ui.model_forms import add_model, delete_model, edit_model
from pages.ui.model_words import (
    MODEL_COLUMNS,
    RECORD_DAYS,
    model_summary,
    model_table,
    price_words,
    retirement,
    rule_lines,
)
from pages.ui.provider_forms import apply
from pages.ui.provider_words import show_check
from pages.ui.safe import literal
from pages.ui.session import session


def model_section(workbench: Workbench, chosen: Candidate, today: date) -> None:
    provider, tab = chosen.provider, session()
    name = literal(provider.name)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(f"Models of {name}", width="content")
        if not chosen.is_demo and st.button("Add model", icon=":material/add:"):
            add_model(workbench, provider)
        if not chosen.is_demo and st.button("Discover models", icon=":material/travel_explore:"):
            start_discovery(workbench, chosen)
    if not chosen.models:
        st.info(
            "No models yet. Discover them, or add the ids that this provider serves; then it can answer.",
            icon=":material/list:",
        )
        return
    ids = tuple(model.id for model in chosen.models)
    remembered = tab.model_id if tab.model_id in ids else (chosen.default_model or chosen.models[0]).id
    since = datetime.now(UTC) - timedelta(days=RECORD_DAYS)
    marked = st.dataframe(
        model_table(chosen.models, today, workbench.store.attempts.records(provider.id, since=since)),
        hide_index=True,
        column_config=MODEL_COLUMNS,
        key=f"model_{hash((provider.id, ids))}",
        on_select="rerun",
        selection_mode="single-row-required",
        selection_default={"selection": {"rows": [ids.index(remembered)]}},
        placeholder="–",
        alt=f"Models of {provider.name} with their prices in USD per million tokens",
    )
    model = chosen.models[marked.selection.rows[0]]
    tab.model_id = model.id
    end = retirement(model, today)
    st.markdown(f"**{literal(model.name)}**" + (f"  \n:orange[:material/event_busy: {literal(end)}]" if end else ""))
    st.caption(model_summary(model))
    _catalogue_price(workbench, model)
    what = f"verify:{provider.id}/{model.id}"
    with st.container(horizontal=True, gap="xsmall"):
        if st.button("Verify this model", icon=":material/network_check:"):
            work = check_provider(chosen, workbench.engine, workbench.providers, model=model)
            ask(workbench, what, f"Asking {literal(model.name)} for a short answer", work)
        if st.button("Make default", icon=":material/star:", disabled=model.is_default):
            apply(
                lambda: workbench.providers.set_default(model), f"{literal(model.name)} is now the default of {name}."
            )
        if not chosen.is_demo and st.button("Edit model", icon=":material/edit:"):
            edit_model(workbench, provider, model)
        if not chosen.is_demo and st.button("Delete model", icon=":material/delete:"):
            delete_model(workbench, provider, model)
    if not waiting(what) and isinstance(check := answer_to(what), Check):
        show_check(check)


def _catalogue_price(workbench: Workbench, model: Model) -> None:
    """Say what the catalogue that came with this version says, where it is not what the model costs here."""
    if (price := offered_price(model)) is None:
        return
    is_news = model.price.as_of is None or (price.as_of is not None and price.as_of > model.price.as_of)
    words = "  \n".join(literal(line) for line in (price_words(price), *rule_lines(price)))
    with st.container(border=True):
        st.markdown(f"**The catalogue {'now ' if is_news else ''}says**  \n{words}")
        if st.button("Use it", icon=":material/sell:", key="use_catalogue_price"):
            apply(
                lambda: workbench.providers.save_model(replace(model, price=price), is_new=False, opened=model),
                f"{literal(model.name)} has the price of the catalogue.",
            )
