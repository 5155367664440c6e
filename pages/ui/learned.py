"""What refusals taught about a provider, and the way to let it be tried again."""

import streamlit as st

from core.types import Provider
from core.workbench import Workbench
from pages.ui.provider_forms import apply
from pages.ui.provider_words import FLAG_WORDS
from pages.ui.safe import literal


def learned(workbench: Workbench, provider: Provider) -> None:
    """Draw a button for each flag that forgets it."""
    name = literal(provider.name)
    for flag in sorted(provider.flags):
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
            st.markdown(f":small[:material/school: Learned: {name} {literal(FLAG_WORDS[flag])}.]", width="content")
            if st.button("Forget", key=f"forget-{flag}-{provider.id}", type="tertiary", help="Try it again next time."):
                apply(
                    lambda flag=flag: workbench.providers.forget(provider, flag),  # type: ignore[misc]
                    f"The next request to {name} tries it again.",
                )
