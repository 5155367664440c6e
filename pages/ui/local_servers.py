"""The dialog that shows which model servers answer on this machine, and adds one with a click."""

import streamlit as st

from core.local_servers import PORTS, LocalServer, add_server, known_as, look
from core.workbench import Workbench
from pages.ui.asking import answer_to, ask, waiting
from pages.ui.provider_forms import apply, close_dialog
from pages.ui.safe import literal
from pages.ui.session import session

_WHAT = "local servers"


def start_looking(workbench: Workbench) -> None:
    session().provider_dialog = "local"
    ask(workbench, _WHAT, "Looking for servers on this machine", look(workbench.engine))


@st.dialog("Servers on this machine", on_dismiss=close_dialog)
def local_servers_dialog(workbench: Workbench) -> None:
    if waiting(_WHAT):
        return
    found = answer_to(_WHAT)
    servers = [server for server in found if isinstance(server, LocalServer)] if isinstance(found, list) else []
    where = ", ".join(f"{name} ({port})" for port, name in PORTS.items())
    if not servers:
        st.info("No server answered with a list of models. Start one and look again.", icon=":material/search_off:")
    st.caption(f"Looked for {where} on this machine only. One at another port is added as a provider by hand.")
    providers = [candidate.provider for candidate in workbench.providers.candidates()]
    for server in servers:
        _offer(workbench, server, known_as(server, providers))
    if st.button("Look again", icon=":material/refresh:"):
        start_looking(workbench)
        st.rerun()


def _offer(workbench: Workbench, server: LocalServer, known: str | None) -> None:
    count = f"{len(server.models)} models" if len(server.models) != 1 else "1 model"
    with st.container(horizontal=True, vertical_alignment="center", border=True):
        st.markdown(f"**{server.name}**  \n`{server.base_url}` · {count}", width="stretch")
        if known:
            st.caption(f"Here as {literal(known)}", width="content")
        elif st.button("Add", icon=":material/add:", type="primary", key=f"add_{server.base_url}"):

            def add() -> None:
                session().provider_id = add_server(server, workbench.providers).id

            apply(add, f"{server.name} added with {count}. It needs no key.")
