"""A question to a provider that its reader may cancel: it runs in the engine, and the page looks whether it is done."""

import time
from collections.abc import Coroutine
from concurrent.futures import CancelledError, wait
from typing import Any

import streamlit as st

from core.errors import SwitchboardError
from core.workbench import Workbench
from pages.ui.figures import duration
from pages.ui.session import Answered, Asking, session

LOOK_S = 0.25
# An answer from this machine is there before anybody could read that it is awaited.
AT_ONCE_S = 0.15


def ask(workbench: Workbench, what: str, words: str, work: Coroutine[Any, Any, object]) -> None:
    """Begin a question; one that still runs is cancelled."""
    cancel()
    tab = session()
    tab.answered = None
    tab.asking = Asking(what, words, workbench.engine.submit(work), time.monotonic())


def cancel() -> None:
    tab = session()
    if tab.asking:
        tab.asking.future.cancel()
        tab.asking = None


def collect() -> None:
    """Take in the answer, if it has come. First thing in a run, so that all of the page knows it."""
    tab = session()
    if tab.asking is None or not tab.asking.future.done():
        return
    asked, tab.asking = tab.asking, None
    try:
        tab.answered = Answered(asked.what, asked.future.result())
    except SwitchboardError as error:
        tab.answered = Answered(asked.what, error)
    except CancelledError:  # the server is stopping
        tab.answered = None


def answer_to(what: str) -> object:
    """Return what came of this question, or None."""
    answered = session().answered
    return answered.value if answered and answered.what == what else None


def waiting(what: str) -> bool:
    """Draw that this question is under way, with a way to cancel it; False when it is not."""
    asked = session().asking
    if asked is None or asked.what != what:
        return False
    wait([asked.future], AT_ONCE_S)
    if asked.future.done():
        st.rerun()
    _watch(what)
    return True


@st.fragment(run_every=LOOK_S)
def _watch(what: str) -> None:
    asked = session().asking
    if asked is None or asked.what != what or asked.future.done():
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center"):
        waited = duration((time.monotonic() - asked.began_s) * 1000)
        st.markdown(f":shimmer[{asked.words}] {waited}", width="content")
        if st.button("Cancel", icon=":material/close:", key=f"cancel_{what}", type="tertiary"):
            cancel()
            st.rerun()
