"""What "Verify" asks of a provider and says about it; where it fails, the doctor finds out why."""

import streamlit as st

from core.diagnosis import Diagnosis, Fix, MoveTo, UseModel
from core.doctor import examine
from core.providers import ProviderForm
from core.types import Candidate, Check, Provider
from core.verify import check_provider
from core.workbench import Workbench
from pages.ui.asking import answer_to, ask, waiting
from pages.ui.doctor import fix_label, fix_words, show_diagnosis
from pages.ui.provider_forms import apply
from pages.ui.provider_words import show_check
from pages.ui.safe import literal


def provider_check(workbench: Workbench, chosen: Candidate, *, asks: bool) -> None:
    """Begin a check if the user asks for one, and draw how the last one stands."""
    verifying, examining = f"verify:{chosen.provider.id}", f"doctor:{chosen.provider.id}"
    if asks:
        model = chosen.default_model or next(iter(chosen.models), None)
        name = literal(model.name if model else chosen.provider.name)
        work = check_provider(chosen, workbench.engine, workbench.providers)
        ask(workbench, verifying, f"Asking {name} for a short answer", work)
    if waiting(verifying) or waiting(examining):
        return
    if isinstance(check := answer_to(verifying), Check):
        show_check(check)
        if not check.is_ok and st.button("Find out why", icon=":material/stethoscope:"):
            words = f"Trying {literal(chosen.provider.name)} step by step"
            ask(workbench, examining, words, examine(chosen, workbench.engine))
            st.rerun()
    if isinstance(found := answer_to(examining), Diagnosis):
        show_diagnosis(found)
        _show_fixes(workbench, found)


def _show_fixes(workbench: Workbench, found: Diagnosis) -> None:
    """Draw what was tried and helps, each with what it changes and a button that does it."""
    for number, fix in enumerate(found.fixes):
        with st.container(horizontal=True, vertical_alignment="center"):
            if st.button(fix_label(fix), icon=":material/build:", key=f"fix_{number}"):
                apply(lambda fix=fix: _take(workbench, found.provider, fix), _did(found.provider, fix))  # type: ignore[misc]
            st.caption(fix_words(found.provider, fix), width="content")


def _take(workbench: Workbench, provider: Provider, fix: Fix) -> None:
    match fix:
        case MoveTo(protocol, base_url):
            form = ProviderForm(provider.name, protocol, base_url, requires_key=provider.requires_key)
            workbench.providers.save(provider, form)
        case UseModel(model, is_new):
            if is_new:
                workbench.providers.save_model(model, is_new=True)
            workbench.providers.set_default(model)


def _did(provider: Provider, fix: Fix) -> str:
    match fix:
        case MoveTo(_, base_url):
            return f"{literal(provider.name)} is now asked at `{base_url}`. Verify it again."
        case UseModel(model, _):
            return f"{literal(model.name)} is now the default of {literal(provider.name)}. Verify it again."
