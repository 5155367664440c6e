"""Where every visit begins: the gate, then the pages. Alone in its folder, so that nothing here is a page by itself."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:  # a launcher puts this file's own folder there
    sys.path.insert(0, str(ROOT))

import streamlit as st  # noqa: E402

from core.errors import SwitchboardError  # noqa: E402
from pages.ui.enter import enter, is_admitted  # noqa: E402
from pages.ui.gate import is_signed_in  # noqa: E402
from pages.ui.links import ABOUT, CHAT, DATA, LOG, LOOK, PROJECTS, PROVIDERS, SIGN_OUT, SQL, USAGE  # noqa: E402
from pages.ui.safe import literal  # noqa: E402

# Before the navigation: a page's Material icon would become the tab's, and be fetched from a font host. An image of our
# own would import numpy and PIL before anything is drawn: 10 MB and 0.1 s (measured 2026-11-24).
st.set_page_config(page_title="Switchboard", page_icon="🔀", menu_items={"About": ABOUT.read_text(encoding="utf-8")})
chat = st.Page(
    CHAT,
    title="Chat",
    icon=":material/forum:",
    default=True,
    help="Ask any model of any provider you have a key for, and switch between two messages.",
)
others = (
    (PROVIDERS, "Providers", "hub", "Add keys, check that they work, and choose which models each provider offers."),
    (PROJECTS, "Projects", "folder", "Give conversations a system prompt, a model and a key in common."),
    (USAGE, "Usage", "monitoring", "What it cost, how fast it was and how often it failed, by model and by day."),
    (LOG, "Log", "receipt_long", "Every request to a provider: what it took, what it cost, and how to send it again."),
    (SQL, "SQL", "code", "Ask the log in SQL: ready-made queries, your own, and the result as table, chart or file."),
    (DATA, "Data", "database", "Where everything lies, its backups, and all of it in one file to take away."),
)
leave = ((SIGN_OUT, "Sign out", "logout", "This browser then needs the password again."),)
pages = [
    st.Page(path, title=title, icon=f":material/{icon}:", help=words)
    for path, title, icon, words in (*others, *(leave if is_signed_in() else ()))
]
page = st.navigation([chat, *pages], position="top" if is_admitted() else "hidden")
st.set_page_config(page_title=f"{page.title} · Switchboard", layout="centered" if page == chat else "wide")
st.html(LOOK)
enter(is_main=True)
try:
    page.run()
except SwitchboardError as error:  # what no page expects: a file that cannot be read, or a server that is stopping
    st.error(literal(error.message), icon=":material/error:")
