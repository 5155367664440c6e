"""The door to every page: the process's one Workbench, or a page that says why there is none."""

import atexit
import logging
import os
import runpy
from datetime import UTC, datetime
from weakref import WeakSet

import streamlit as st

from core.errors import AlreadyRunning, Damaged, SwitchboardError
from core.store.archive import swap_in
from core.workbench import Workbench
from pages.ui.gate import admits_tab, ask_in_page
from pages.ui.links import MAIN
from pages.ui.recovery import recovery
from pages.ui.session import session
from pages.ui.settings import read_config

_made: WeakSet[Workbench] = WeakSet()


@st.cache_resource(show_spinner=False, on_release=lambda workbench: workbench.close())
def _workbench() -> Workbench:
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("core").setLevel(logging.INFO)
    os.umask(0o077)  # what this process writes, write-ahead logs included, is for this user only
    workbench = Workbench(read_config())
    _made.add(workbench)
    atexit.register(workbench.close)  # where the file runs as a plain script, there is no lifespan to do it
    return workbench


def enter(*, is_main: bool = False) -> Workbench:
    """Return the workbench. First line of every page: what it refuses, no page can show.

    As a plain script Streamlit runs the first visit to /providers as that file alone, in its old multipage mode; then
    main.py, which calls with `is_main`, is run from here and shows the page with its navigation.
    """
    tab = session()
    if not is_main and not tab.is_navigated:
        runpy.run_path(str(MAIN), run_name="__main__")
        st.stop()
    tab.is_navigated = is_main
    try:
        if not is_admitted():
            ask_in_page()
            tab.is_admitted = True
            st.rerun()
        return _workbench()
    except AlreadyRunning as error:
        st.title("Already running")
        st.info(error.message)
    except Damaged as damaged:
        recovery(damaged)
    except SwitchboardError as error:
        st.title("Switchboard cannot start")
        st.error(error.message)
    st.stop()


def is_admitted() -> bool:
    """Whether the gate lets this tab in. Raises ConfigError."""
    tab = session()
    tab.is_admitted = tab.is_admitted or admits_tab()
    return tab.is_admitted


def replace_data(archive: bytes) -> None:
    """Let a backup take the place of all data: the workbench is closed for it, and the next page opens the new one.

    Raises InvalidInput or StorageError, and then nothing has changed.
    """
    folder = _workbench().config.data_dir
    close_workbench()
    swap_in(archive, folder, now=datetime.now(UTC))


def close_workbench() -> None:
    """End running turns and close the store, if a workbench was made. The next page opens a new one."""
    _workbench.clear()


def stop_workbench() -> None:
    """End running turns and close the store for good: pages that still run get an error, not a new workbench."""
    for workbench in _made:
        workbench.close()
