"""What the Projects page asks about a project, and what it says about one."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.errors import SwitchboardError
from core.projects import DEFAULT_PROJECT_ID, ProjectForm
from core.providers import KeyState
from core.types import AUTOMATIC, Candidate, Choice, KeySource, Project
from core.urls import origin
from core.usage import Filter, totals
from core.workbench import Workbench
from pages.ui.fallbacks import chain_labels
from pages.ui.figures import count
from pages.ui.model_selector import project_model_selector
from pages.ui.provider_forms import apply, done, refuse
from pages.ui.safe import literal
from pages.ui.session import session
from pages.ui.usage_figures import spend_words

USAGE_DAYS = 30


def model_words(choice: Choice, candidates: Sequence[Candidate]) -> str:
    """Return who answers in a project, as plain text."""
    if choice.is_automatic:
        return "Automatic"
    found = next((c for c in candidates if c.provider.id == choice.provider_id), None)
    if choice.provider_id is None or found is None:
        provider = "any provider" if choice.provider_id is None else "a provider that is gone"
        return f"{provider} · {choice.model_id}" if choice.model_id else provider
    model = found.model(choice.model_id) if choice.model_id else None
    return f"{found.provider.name} · {model.name if model else choice.model_id or 'its default'}"


def choice_of(project: Project) -> Choice:
    return Choice(project.provider_id, project.model_id)


def project_table(projects: Sequence[Project], candidates: Sequence[Candidate], keyed: set[str]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "Name": [project.name for project in projects],
            "Answers": [model_words(choice_of(project), candidates) for project in projects],
            "Own key": ["stored" if project.id in keyed else "" for project in projects],
            "System prompt": [" ".join((project.system_prompt or "").split())[:200] for project in projects],
        }
    )


def usage_words(workbench: Workbench, project: Project) -> str:
    """Return what was asked in a project lately and what it cost, as Markdown."""
    since = datetime.now(UTC) - timedelta(days=USAGE_DAYS)
    found = totals(workbench.store.log, Filter(since=since, project_id=project.id))
    if not found.messages:
        return "nothing asked"
    unpriced = f", {found.unpriced:,} unpriced" if found.unpriced else ""
    return literal(f"{count(found.messages)} messages, {spend_words(found)}{unpriced}")


def override_words(state: KeyState) -> str:
    """Return what may be shown of a project's own key, as plain text."""
    if state.problem:
        return state.problem
    return f"stored {state.masked}" if state.source is KeySource.PROJECT else "cannot be used"


def project_form(workbench: Workbench, project: Project | None = None) -> Project | None:
    """Draw the fields of a project, new or to change, and return it once it is saved."""
    of = project.id if project else "new"
    candidates = workbench.providers.candidates()
    st.markdown("Who answers", help="Where a message chooses nobody itself. Automatic leaves it to the router.")
    choice = project_model_selector(workbench, of, choice_of(project) if project else AUTOMATIC)
    slots: dict[str, DeltaGenerator] = {}
    slots["provider_id"] = slots["model_id"] = st.empty()
    with st.form(f"project_{of}", border=False):
        name = st.text_input("Name", project.name if project else "", key=f"project_name_{of}")
        slots["name"] = st.empty()
        prompt = st.text_area(
            "System prompt",
            (project.system_prompt if project else None) or "",
            key=f"system_prompt_{of}",
            height=160,
            placeholder="None",
            help="Sent before every conversation of this project.",
        )
        slots["system_prompt"] = st.empty()
        chain = project.fallbacks if project else ()
        labels = chain_labels(candidates, chain)
        others = st.multiselect(
            "If it fails before its answer begins, ask",
            list(labels),
            default=[entry for entry in chain if entry in labels],
            format_func=labels.__getitem__,
            key=f"project_fallbacks_{of}",
            placeholder="Whom that provider names" if labels else "No provider can be used yet",
            help="In this order, in place of the chains of the providers. Every attempt stands in the log.",
        )
        slots["fallbacks"] = st.empty()
        key = st.text_input(
            "API key of its own",
            type="password",
            key=f"project_key_{of}",
            help="Used for the provider above instead of the provider's own key, in this project only. Stored "
            "encrypted and never shown again. Left empty, what is stored stays; another provider removes it.",
        )
        slots["key"] = st.empty()
        slots[""] = st.empty()
        is_sent = st.form_submit_button("Save" if project else "Add project", type="primary")
    if not is_sent:
        return None
    form = ProjectForm(name, prompt, choice.model_id, choice.provider_id, key, tuple(others))
    try:
        return workbench.projects.save(form, project=project)
    except SwitchboardError as error:
        refuse(error, slots)
        return None


def add_project(workbench: Workbench) -> None:
    def body() -> None:
        if saved := project_form(workbench):
            session().project_shown_id = saved.id
            done(f"{literal(saved.name)} added.")

    session().project_choices.clear()
    st.dialog("Add project", width="medium", on_dismiss="rerun")(body)()


def edit_project(workbench: Workbench, project: Project) -> None:
    def body() -> None:
        had_key = workbench.projects.has_key(project)
        if saved := project_form(workbench, project):
            lost = had_key and not workbench.projects.has_key(saved)
            done(f"{literal(saved.name)} saved" + (", its own key removed with its provider." if lost else "."))

    session().project_choices.clear()
    st.dialog(f"Edit {literal(project.name)}", width="medium", on_dismiss="rerun")(body)()


def archive_project(workbench: Workbench, project: Project) -> None:
    def body() -> None:
        st.write(
            "Its conversations stay, and are answered as without a project until you restore it. Its own key is "
            "forgotten."
        )
        if st.button("Archive", type="primary", icon=":material/archive:"):
            apply(lambda: put_away(workbench, project), f"{literal(project.name)} archived.")

    st.dialog(f"Archive {literal(project.name)}?")(body)()


def put_away(workbench: Workbench, project: Project) -> None:
    """Archive a project; new conversations of this tab go to the default one again if they went there."""
    workbench.projects.archive(project)
    if session().project_id == project.id:
        session().project_id = DEFAULT_PROJECT_ID


def project_archive(workbench: Workbench) -> None:
    """List what was put away, if anything was, with a way back."""
    archived = workbench.store.projects.archived()
    if not archived:
        return
    with st.expander(f"Archived ({len(archived)})", icon=":material/archive:"):
        for project in archived:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(literal(project.name), width="stretch")
                if st.button("Restore", key=f"restore-{project.id}", icon=":material/unarchive:"):
                    apply(partial(workbench.projects.restore, project), f"{literal(project.name)} restored.")


def key_place(candidate: Candidate | None) -> str:
    """Return where a project's own key is sent, as Markdown."""
    return f"`{origin(candidate.provider.base_url)}`" if candidate and candidate.provider.base_url else "nowhere"
