"""What the Providers page asks about a provider: forms and dialogs, and how they say that something was done."""

from collections.abc import Callable, Mapping
from typing import NoReturn

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.errors import ChangedMeanwhile, InvalidInput, SwitchboardError
from core.providers import ProviderForm
from core.runners import RUNNERS
from core.types import Candidate, Model, Provider
from core.urls import origin
from core.workbench import Workbench
from pages.ui.asking import cancel
from pages.ui.form_check import ask_about_form, form_check
from pages.ui.provider_words import regions
from pages.ui.safe import literal
from pages.ui.session import first_value, session


def done(message: str) -> NoReturn:
    """Close the dialog, draw the page anew and say there what was done. `message` is Markdown."""
    tab = session()
    tab.toasts.append(message)
    tab.provider_dialog = tab.answered = None
    tab.opened.clear()
    tab.closings += 1
    st.rerun()


def apply(change: Callable[[], object], message: str) -> None:
    """Make a change at once and say so, or say here why it was refused."""
    try:
        change()
    except SwitchboardError as error:
        st.error(literal(error.message), icon=":material/error:")
    else:
        done(message)


def refuse(error: SwitchboardError, slots: Mapping[str, DeltaGenerator], *, row: str = "") -> None:
    """Show why a form was refused, under the field it names. `slots[""]` takes what belongs to no field.

    Where another tab was faster the form goes on from its row, kept under `row`: who saves again has been told.
    """
    if isinstance(error, ChangedMeanwhile) and isinstance(error.current, Provider | Model):
        session().opened[row] = error.current
    field = error.field if isinstance(error, InvalidInput) and error.field in slots else None
    slots[field or ""].error(literal(error.message), icon=":material/error:")


# Forms: each draws its fields and returns what it saved, once.


def provider_form(workbench: Workbench, provider: Provider | None = None) -> Provider | None:
    """Draw the fields of a custom provider, new or to change. What is refused stays in its field."""
    closings = session().closings
    name_key = (provider.id if provider else "new") + (f"_{closings}" if closings else "")
    slots: dict[str, DeltaGenerator] = {}
    # The page may be drawn again meanwhile, with another row: what counts is the one that the fields began with.
    opened = session().opened.setdefault(name_key, provider) if provider else None
    with st.form(f"provider_{name_key}", border=False):
        name = st.text_input(
            "Name",
            first_value(f"name_{name_key}", provider.name if provider else ""),
            key=f"name_{name_key}",
            placeholder="My gateway",
        )
        slots["name"] = st.empty()
        protocol_key, was = f"protocol_{name_key}", provider.protocol if provider else ""
        offered = [name for name, spec in RUNNERS.items() if spec.is_offered]
        protocol = st.radio(
            "Protocol",
            offered,
            index=offered.index(protocol) if (protocol := first_value(protocol_key, was)) in offered else 0,
            format_func=lambda name: RUNNERS[name].label,
            key=protocol_key,
            help="What the server speaks. Most gateways and local servers speak OpenAI's chat completions.",
        )
        slots["protocol"] = st.empty()
        base_url = st.text_input(
            "Base URL",
            first_value(f"base_url_{name_key}", provider.base_url if provider else ""),
            key=f"base_url_{name_key}",
            placeholder="https://api.example.com/v1",
            help="As the provider's documentation gives it. A pasted endpoint such as …/chat/completions is cut.",
        )
        slots["base_url"] = st.empty()
        key = ""
        if provider is None:
            key = st.text_input("API key", type="password", key=f"api_key_{name_key}", help=_KEY_HELP)
            slots["key"] = st.empty()
        requires_key = st.checkbox(
            "Needs a key",
            provider.requires_key if provider else True,
            key=f"requires_key_{name_key}",
            help="Leave it off for a server that answers without one: it can then be used at once.",
        )
        slots[""] = st.empty()
        with st.container(horizontal=True, gap="xsmall"):
            is_sent = st.form_submit_button("Save" if provider else "Add provider", type="primary")
            is_tried = st.form_submit_button(
                "Verify", icon=":material/network_check:", help="Tries what is typed here; nothing is saved."
            )
    form = ProviderForm(name, protocol, base_url, requires_key=requires_key, key=key)
    saved = None
    try:
        if is_sent:
            saved = (
                workbench.providers.save(opened, form)
                if isinstance(opened, Provider)
                else workbench.providers.add(form)
            )
        elif is_tried:
            ask_about_form(workbench, workbench.providers.draft(form, provider=provider), name_key)
    except SwitchboardError as error:
        refuse(error, slots, row=name_key)
    if saved is None:
        form_check(name_key)
    return saved


def region_form(workbench: Workbench, provider: Provider) -> Provider | None:
    choice = regions(provider)
    slots = {}
    with st.form(f"region_{provider.id}", border=False):
        base_url = st.radio(
            "Region",
            list(choice),
            index=list(choice).index(provider.base_url) if provider.base_url in choice else 0,
            format_func=lambda url: literal(choice[url]),
            captions=[f"`{url}`" for url in choice],
            key=f"region_of_{provider.id}",
        )
        st.caption("Each region has its own key. Switching keeps both.")
        slots[""] = st.empty()
        is_sent = st.form_submit_button("Save", type="primary")
    if not is_sent:
        return None
    opened = session().opened.get("region", provider)
    try:
        form = ProviderForm(provider.name, provider.protocol, base_url)
        return workbench.providers.save(opened if isinstance(opened, Provider) else provider, form)
    except SwitchboardError as error:
        refuse(error, slots, row="region")
        return None


def key_form(workbench: Workbench, provider: Provider) -> bool:
    """Draw the write-only field of a key; True once it is stored."""
    slots = {}
    with st.form(f"key_{provider.id}", border=False):
        key = st.text_input("API key", type="password", key=f"api_key_{provider.id}", help=_KEY_HELP)
        slots["key"] = st.empty()
        st.caption(f"It is only ever sent to `{origin(provider.base_url)}`")
        slots[""] = st.empty()
        is_sent = st.form_submit_button("Save key", type="primary")
    if not is_sent:
        return False
    try:
        workbench.providers.put_key(provider, key)
    except SwitchboardError as error:
        refuse(error, slots)
        return False
    return True


_KEY_HELP = "Stored encrypted and never shown again, only its first characters."


# Dialogs. Dismissing one runs the page again: what was typed is forgotten, keys first of all.


def close_dialog() -> None:
    """Forget the dialog that is drawn by each run, and what it was asking."""
    tab = session()
    cancel()
    tab.provider_dialog = tab.answered = None
    tab.opened.clear()
    tab.closings += 1


@st.dialog("Add provider", on_dismiss=close_dialog)
def add_provider(workbench: Workbench) -> None:
    if saved := provider_form(workbench):
        session().provider_id = saved.id
        done(f"{literal(saved.name)} added. Add the models it serves, then verify it.")


def edit_provider(workbench: Workbench, provider: Provider) -> None:
    def body() -> None:
        had_key = workbench.providers.has_stored_key(provider)
        if saved := provider_form(workbench, provider):
            moved = had_key and not workbench.providers.has_stored_key(saved)
            done(f"{literal(saved.name)} saved" + (", its key removed: it was for the old address." if moved else "."))

    st.dialog(f"Edit {literal(provider.name)}", on_dismiss=close_dialog)(body)()


def choose_region(workbench: Workbench, provider: Provider) -> None:
    session().opened["region"] = provider

    def body() -> None:
        if saved := region_form(workbench, provider):
            message = f"{literal(saved.name)} now uses {literal(regions(saved)[saved.base_url])}."
            if not workbench.providers.has_stored_key(saved):
                message += " No key is stored for this region."
            done(message)

    st.dialog(f"Region of {literal(provider.name)}", on_dismiss="rerun")(body)()


def enter_key(workbench: Workbench, provider: Provider) -> None:
    def body() -> None:
        if key_form(workbench, provider):
            done(f"Key of {literal(provider.name)} stored. Verify shows whether it works.")

    st.dialog(f"Key of {literal(provider.name)}", on_dismiss="rerun")(body)()


def delete_provider(workbench: Workbench, candidate: Candidate) -> None:
    provider = candidate.provider

    def body() -> None:
        st.write("It goes to the trash for 30 days, without its key. Conversations keep their answers and its name.")
        if st.button("Delete", type="primary", icon=":material/delete:"):
            apply(lambda: workbench.providers.delete(provider), f"{literal(provider.name)} deleted.")

    st.dialog(f"Delete {literal(provider.name)}?")(body)()
