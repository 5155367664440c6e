"""Draw an answer of any length: of a very long one its end, the rest on request."""

import streamlit as st

from pages.ui.blocks import mend, split
from pages.ui.safe import answer
from pages.ui.session import session

# Blocks of about 12,000 characters that are left out together: what stays changes seldom, so it is seldom sent again.
# All 357 blocks of a 4 MB answer kept a browser busy for more than two minutes (measured 2026-11-24).
PARTS = 16


def draw_text(text: str, *, key: str, is_growing: bool = False) -> None:
    """Draw Markdown in blocks, with its open end mended while it grows. `key` is the text's own."""
    blocks, tail = split(text)
    tab = session()
    hidden = max((len(blocks) // PARTS - 1) * PARTS - tab.shown(key, 0), 0)
    if hidden:
        st.button(
            f"Show what is earlier ({hidden} of {len(blocks) + 1} parts)",
            icon=":material/expand_less:",
            key=f"earlier-{key}",
            on_click=tab.show_more,
            args=(key, PARTS),
        )
    for block in blocks[hidden:]:
        st.markdown(answer(block))
    if tail.strip():
        st.markdown(answer(mend(tail) if is_growing else tail))
