"""What the Providers page asks about a model: its form and its dialogs."""

from dataclasses import replace
from datetime import UTC, datetime

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.errors import SwitchboardError
from core.runners.parameters import thinking_kinds
from core.types import Model, Price, Provider
from core.workbench import Workbench
from pages.ui.price_form import check_example, example_fields, parse_tokens, price_fields, read_price
from pages.ui.provider_forms import apply, done, refuse
from pages.ui.safe import literal
from pages.ui.session import session

_THINKING = {
    "adaptive": "adaptive, in levels",
    "always": "always, in levels",
    "budget": "a budget of tokens",
    "effort": "levels, sent as reasoning_effort",
    "enable_thinking": "on or off, sent as enable_thinking",
    "type": "on or off, sent as thinking.type",
}


def model_form(workbench: Workbench, provider: Provider, model: Model | None = None) -> Model | None:
    """Draw the fields of a model, new or to change, and return it once it is saved. The id of a known model stays."""
    of = f"{provider.id}_{model.id if model else ''}"
    slots: dict[str, DeltaGenerator] = {}
    with st.form(f"model_{of}", border=False):
        if model is None:
            model_id = st.text_input(
                "Model id", key=f"model_id_{of}", placeholder="gpt-6-luna", help="Exactly as the provider writes it."
            )
            slots["id"] = st.empty()
        else:
            model_id = model.id
        name = st.text_input(
            "Name", model.name if model else "", key=f"model_name_{of}", placeholder="Like the id, if left empty"
        )
        slots["name"] = st.empty()
        context = st.text_input(
            "Context length in tokens",
            str(model.context_tokens) if model and model.context_tokens else "",
            key=f"context_tokens_{of}",
            placeholder="Unknown",
        )
        slots["context_tokens"] = st.empty()
        longest = st.text_input(
            "Longest answer in tokens",
            str(model.max_output_tokens) if model and model.max_output_tokens else "",
            key=f"max_output_tokens_{of}",
            placeholder="Unknown",
        )
        slots["max_output_tokens"] = st.empty()
        present = model.thinking if model else None
        kinds = [*thinking_kinds(provider.protocol)]
        kinds += [present] if present and present not in kinds else []
        thinking = st.selectbox(
            "Thinking",
            kinds,
            index=kinds.index(present) if present else None,
            format_func=lambda kind: _THINKING.get(kind, kind),
            key=f"thinking_{of}",
            placeholder="None, or unknown",
            help="How the model is asked to think more or less. The answer settings in the chat then offer it.",
        )
        slots["thinking"] = st.empty()
        fields = price_fields(model.price if model else Price(), of, slots)
        slots[""] = st.empty()
        is_sent = st.form_submit_button("Save" if model else "Add model", type="primary")
        # After the button that saves: Enter in a field presses the first one.
        with st.expander("Check an example"):
            example = example_fields(of)
            is_checked = st.form_submit_button("Check", icon=":material/calculate:", help="Nothing is saved.")
            slots["example"] = st.container()
    if not (is_sent or is_checked):
        return None
    base = model or Model(provider_id=provider.id, id=model_id, name=name)
    opened = session().opened.get(of, model)
    try:
        price = read_price(fields, base.price, today=datetime.now(UTC).date())
        if is_checked:
            with slots["example"]:
                check_example(example, price)
            return None
        changed = replace(
            base,
            id=model_id,
            name=name,
            context_tokens=parse_tokens(context),
            max_output_tokens=parse_tokens(longest, field="max_output_tokens"),
            thinking=thinking,
            price=price,
        )
        return workbench.providers.save_model(
            changed, is_new=model is None, opened=opened if isinstance(opened, Model) else None
        )
    except SwitchboardError as error:
        refuse(error, slots, row=of)
        return None


def add_model(workbench: Workbench, provider: Provider) -> None:
    def body() -> None:
        if saved := model_form(workbench, provider):
            session().model_id = saved.id
            done(f"{literal(saved.name)} added to {literal(provider.name)}.")

    st.dialog(f"Add a model to {literal(provider.name)}", on_dismiss="rerun")(body)()


def edit_model(workbench: Workbench, provider: Provider, model: Model) -> None:
    session().opened[f"{provider.id}_{model.id}"] = model

    def body() -> None:
        st.caption(literal(model.id))
        if saved := model_form(workbench, provider, model):
            done(f"{literal(saved.name)} saved.")

    st.dialog(f"Edit {literal(model.name)}", on_dismiss="rerun")(body)()


def delete_model(workbench: Workbench, provider: Provider, model: Model) -> None:
    def body() -> None:
        st.write("Conversations keep its answers and its name. You can add the id again.")
        if model.is_default:
            st.write("It is the default: the first model that is left takes its place.")
        if st.button("Delete", type="primary", icon=":material/delete:"):
            message = f"{literal(model.name)} deleted from {literal(provider.name)}."
            apply(lambda: workbench.providers.delete_model(model), message)

    st.dialog(f"Delete {literal(model.name)}?")(body)()
