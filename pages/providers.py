"""The Providers page: who can answer, with which key and which models, and whether it works."""

from datetime import UTC, datetime

import streamlit as st

from pages.ui.asking import collect
from pages.ui.discovery import discovery_dialog
from pages.ui.enter import enter
from pages.ui.fallbacks import fallback_chain
from pages.ui.learned import learned
from pages.ui.local_servers import local_servers_dialog, start_looking
from pages.ui.model_section import model_section
from pages.ui.provider_check import provider_check
from pages.ui.provider_extras import provider_extras
from pages.ui.provider_forms import add_provider, apply, choose_region, delete_provider, edit_provider, enter_key
from pages.ui.provider_words import PROVIDER_COLUMNS, facts, provider_table, regions
from pages.ui.safe import literal
from pages.ui.session import session

workbench = enter()
tab = session()
now = datetime.now(UTC)
collect()
while tab.toasts:
    words = tab.toasts.pop(0)
    st.toast(words, icon=":material/check_circle:", duration="long" if len(words) > 80 else "short")

st.title("Providers")
st.caption(
    "Who can answer your messages: enter keys, check that they work, and choose the models each provider offers."
)
with st.container(horizontal=True, gap="xsmall"):
    if st.button("Add provider", type="primary", icon=":material/add:"):
        tab.provider_dialog = "add"
    if st.button("Look for local servers", icon=":material/lan:"):
        start_looking(workbench)

candidates = workbench.providers.candidates()
checks = workbench.store.providers.checks()
ids = tuple(candidate.provider.id for candidate in candidates)
states = {candidate.provider.id: workbench.providers.key_state(candidate) for candidate in candidates}
# A row keeps its number while the rows are the same; with other rows it is another table, marked by what we remember.
marked = st.dataframe(
    provider_table(candidates, states, checks),
    hide_index=True,
    column_config=PROVIDER_COLUMNS,
    key=f"provider_{hash(ids)}",
    on_select="rerun",
    selection_mode="single-row-required",
    selection_default={"selection": {"rows": [ids.index(tab.provider_id) if tab.provider_id in ids else 0]}},
    placeholder="–",
    alt="Providers with their keys, models and last check",
)
chosen = candidates[marked.selection.rows[0]]
provider, state = chosen.provider, states[chosen.provider.id]
if tab.provider_id != provider.id:
    tab.provider_id, tab.model_id = provider.id, None
name = literal(provider.name)
has_stored_key = workbench.providers.has_stored_key(provider)

badges = [
    ":violet-badge[No key, no network]" if chosen.is_demo else "",
    ":gray-badge[Built in]" if provider.is_builtin and not chosen.is_demo else "",
    "" if provider.is_enabled else ":orange-badge[Disabled]",
]
st.subheader(" ".join([name, *(badge for badge in badges if badge)]))
if chosen.is_demo:
    st.caption(
        "Runs inside Switchboard: no key, no network, no cost. It answers by itself only while no other provider can."
    )
st.table(facts(chosen, state, checks.get(provider.id), now), border="horizontal", width="content")
learned(workbench, provider)
if state.problem:
    st.warning(literal(state.problem), icon=":material/key_off:")

with st.container(horizontal=True, gap="xsmall"):
    if not chosen.is_demo and st.button("Replace key" if has_stored_key else "Enter key", icon=":material/key:"):
        enter_key(workbench, provider)
    asks = st.button("Verify", icon=":material/network_check:")
    if regions(provider) and st.button("Region", icon=":material/public:"):
        choose_region(workbench, provider)
    if not provider.is_builtin and st.button("Edit", icon=":material/edit:"):
        tab.provider_dialog = "edit"
    verb = "Disable" if provider.is_enabled else "Enable"
    if st.button(verb, icon=":material/block:" if provider.is_enabled else ":material/check:"):
        apply(lambda: workbench.providers.enable(provider, not provider.is_enabled), f"{name} {verb.lower()}d.")
    if has_stored_key and st.button("Remove key", icon=":material/key_off:"):
        apply(lambda: workbench.providers.remove_key(provider), f"Stored key of {name} removed.")
    if not provider.is_builtin and st.button("Delete", icon=":material/delete:"):
        delete_provider(workbench, chosen)
provider_check(workbench, chosen, asks=asks)
fallback_chain(workbench, chosen, candidates)

st.space("xsmall")
model_section(workbench, chosen, now.date())
st.space("small")
provider_extras(workbench)
match tab.provider_dialog:
    case "add":
        add_provider(workbench)
    case "edit":
        edit_provider(workbench, provider)
    case "discover":
        discovery_dialog(workbench, chosen)
    case "local":
        local_servers_dialog(workbench)
