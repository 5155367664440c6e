"""What refusals taught about a provider, and the way to let it be tried again."""

import streamlit as st

from core.types import Provider
from core.workbench import Workbench
from pages.ui.provider_forms import apply
from pages.ui.provider_words import FLAG_WORDS
from pages.ui.safe import literal


def learned(workbench: Workbench, provider: Provider) -> None:
    """Say what each flag means, with a button that forgets it."""
    if not provider.flags:
        return
    with st.container(gap="xxsmall"):
        for flag in sorted(provider.flags):
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                st.caption(f"Learned: {literal(FLAG_WORDS[flag])}.", width="content")
                key = f"forget-{flag}-{provider.id}"
                if st.button(
                    "Forget", icon=":material/undo:", key=key, type="tertiary", help="Try it again next time."
                ):
                    apply(
                        lambda flag=flag: workbench.providers.forget(provider, flag),  # type: ignore[misc]
                        f"The next request to {literal(provider.name)} tries it again.",
                    )
