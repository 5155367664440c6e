"""The Projects page: what conversations share: a system prompt, who answers, a key of their own."""

import streamlit as st

from core.projects import DEFAULT_PROJECT_ID
from pages.ui.agent_forms import agent_settings, agent_words
from pages.ui.enter import enter
from pages.ui.links import USAGE
from pages.ui.project_forms import (
    USAGE_DAYS,
    add_project,
    archive_project,
    choice_of,
    edit_project,
    key_place,
    model_words,
    override_words,
    project_archive,
    project_table,
    usage_words,
)
from pages.ui.provider_forms import apply
from pages.ui.safe import literal
from pages.ui.session import session

workbench = enter()
tab = session()
while tab.toasts:
    st.toast(tab.toasts.pop(0), icon=":material/check_circle:")

st.title("Projects")
st.caption("What conversations share: a system prompt, who answers by itself, and a key of their own.")
if st.button("Add project", type="primary", icon=":material/add:"):
    add_project(workbench)

projects = workbench.store.projects.all()
candidates = workbench.providers.candidates()
ids = tuple(project.id for project in projects)
keyed = {project.id for project in projects if workbench.projects.has_key(project)}
marked = st.dataframe(
    project_table(projects, candidates, keyed),
    hide_index=True,
    key=f"project_{hash(ids)}",
    on_select="rerun",
    selection_mode="single-row-required",
    selection_default={"selection": {"rows": [ids.index(tab.project_shown_id) if tab.project_shown_id in ids else 0]}},
    alt="Projects with who answers in them and their system prompts",
)
project = projects[marked.selection.rows[0]]
tab.project_shown_id = project.id
name = literal(project.name)
is_current = project.id == tab.project_id

st.subheader(name + (" :green-badge[New conversations go here]" if is_current else ""))
details = {
    "Answers": literal(model_words(choice_of(project), candidates)),
    f"Last\u00a0{USAGE_DAYS}\u00a0days": usage_words(workbench, project),
}
if project.id in keyed:
    own = next((c for c in workbench.providers.candidates(project) if c.provider.id == project.provider_id), None)
    words = override_words(workbench.providers.key_state(own)) if own else "its provider is gone"
    details["Own\u00a0key"] = f"{literal(words)}, sent to {key_place(own)}"
details["Agents"] = agent_words(workbench, workbench.agents.settings(project.id))
st.table(details, border="horizontal", width="content")
if project.system_prompt:
    with st.expander("System prompt", icon=":material/notes:"):
        st.code(project.system_prompt, language=None, wrap_lines=True)

with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
    if st.button("Use for new conversations", icon=":material/forum:", disabled=is_current):
        tab.project_id = project.id
        st.rerun()
    st.page_link(USAGE, label="Usage", icon=":material/monitoring:", query_params={"project": project.id})
    if st.button("Edit", icon=":material/edit:"):
        edit_project(workbench, project)
    if st.button("Agents", icon=":material/smart_toy:"):
        agent_settings(workbench, project)
    if project.id in keyed and st.button("Remove key", icon=":material/key_off:"):
        apply(lambda: workbench.projects.remove_key(project), f"Own key of {name} removed.")
    if project.id != DEFAULT_PROJECT_ID and st.button("Archive", icon=":material/archive:"):
        archive_project(workbench, project)

project_archive(workbench)
