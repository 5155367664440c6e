"""Trying what is typed in a provider's form, unsaved: a fix changes the fields and nothing else."""

import streamlit as st

from core.diagnosis import Diagnosis, MoveTo
from core.doctor import examine
from core.types import Candidate
from core.workbench import Workbench
from pages.ui.asking import answer_to, ask, waiting
from pages.ui.doctor import fix_label, fix_words, show_diagnosis
from pages.ui.safe import literal
from pages.ui.session import session


def ask_about_form(workbench: Workbench, candidate: Candidate, name_key: str) -> None:
    words = f"Trying {literal(candidate.provider.name)} step by step"
    ask(workbench, f"form:{name_key}", words, examine(candidate, workbench.engine))


def form_check(name_key: str) -> None:
    """Draw what came of the values that were typed."""
    what = f"form:{name_key}"
    if waiting(what) or not isinstance(found := answer_to(what), Diagnosis):
        return
    show_diagnosis(found)
    if found.is_well:
        st.success("This works. Nothing is saved yet.", icon=":material/check_circle:")
    for number, fix in enumerate(fix for fix in found.fixes if isinstance(fix, MoveTo)):
        with st.container(horizontal=True, vertical_alignment="center"):
            if st.button(fix_label(fix), icon=":material/build:", key=f"form_fix_{number}"):
                fields = {f"base_url_{name_key}": fix.base_url, f"protocol_{name_key}": fix.protocol}
                session().to_put_back |= fields
                st.rerun()
            st.caption(fix_words(found.provider, fix), width="content")
