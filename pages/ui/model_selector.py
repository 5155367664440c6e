"""Choose who answers the next message: Automatic, then every model of every provider. Drawn by model_selector.js.

What a click may do is a closed set: each choice on offer has a callback of its own, and anything else is nobody's.
Callbacks run before the page does, so a message sent right after a click goes where the click says.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import streamlit as st

from core.errors import SwitchboardError
from core.store.log import ModelUse
from core.types import Choice, Conversation, Project
from core.workbench import Workbench
from pages.ui.links import PROVIDERS
from pages.ui.model_options import Options, options
from pages.ui.session import Session, session

SPEED_DAYS = 7

_HTML = """
<button id="button" type="button" popovertarget="popup" aria-haspopup="dialog" aria-expanded="false">
  <span id="choice"></span>
  <svg viewBox="0 0 16 16" aria-hidden="true"><path d="m5 6 3-3 3 3M5 10l3 3 3-3"/></svg>
</button>
<div id="popup" popover role="dialog" aria-label="Choose a model">
  <div id="field">
    <svg viewBox="0 0 16 16" aria-hidden="true"><circle cx="7" cy="7" r="4.5"/><path d="m10.5 10.5 3.5 3.5"/></svg>
    <input id="search" type="text" role="combobox" aria-label="Search models" aria-autocomplete="list"
      aria-expanded="false" aria-controls="list" placeholder="Search by provider, name or id" autofocus
      autocomplete="off" autocapitalize="off" spellcheck="false" enterkeyhint="done">
  </div>
  <p id="notice" hidden></p>
  <div id="list" role="listbox" aria-label="Models" tabindex="-1"></div>
  <p id="empty" role="status"></p>
  <p id="legend"></p>
</div>
"""
_draw = st.components.v2.component(
    "model_selector",
    html=_HTML,
    css=Path(__file__).with_suffix(".css").read_text(encoding="utf-8"),
    js=Path(__file__).with_suffix(".js").read_text(encoding="utf-8"),
)


def model_selector(workbench: Workbench, conversation: Conversation | None) -> Choice:
    """Draw the selector and return the choice, remembered per conversation."""
    tab = session()
    conversation_id = conversation.id if conversation else None
    remembered = conversation.choice if conversation else tab.draft_choice
    _selector(
        workbench,
        f"model-{conversation_id or 'new'}",
        remembered=remembered,
        project=workbench.store.projects.get(conversation.project_id if conversation else tab.project_id),
        choose=partial(_choose, workbench, tab, conversation_id),
    )
    return remembered


def project_model_selector(workbench: Workbench, of: str, stored: Choice) -> Choice:
    """Draw the selector for who answers in a project, and return the choice, kept in the tab until it is saved."""
    tab = session()
    remembered = tab.project_choices.get(of, stored)
    _selector(
        workbench,
        f"model-project-{of}",
        remembered=remembered,
        project=None,
        choose=partial(tab.project_choices.__setitem__, of),
        is_for_project=True,
    )
    return remembered


def _selector(
    workbench: Workbench,
    key: str,
    *,
    remembered: Choice,
    project: Project | None,
    choose: Callable[[Choice], None],
    is_for_project: bool = False,
) -> None:
    tab = session()
    found = options(
        workbench.providers.candidates(project),
        remembered=remembered,
        project=project,
        uses=_uses(str(workbench.store.folder), workbench),
        pins=workbench.store.pins.all(),
        today=datetime.now(UTC).date(),
        is_for_project=is_for_project,
    )
    _draw(
        key=key,
        # In a list: in a dict Streamlit looks for dataframes, and imports pandas for that: 70 MB (measured 2026-11-24).
        data=[found.data],
        default=None,
        width="stretch",
        height="content",
        **_events(found, choose=choose, pin=partial(_pin, workbench, tab), fix=partial(_fix, tab)),
    )


def _events(
    found: Options,
    *,
    choose: Callable[[Choice], None],
    pin: Callable[[Choice, bool], None],
    fix: Callable[[str | None], None],
) -> dict[str, Callable[[], None]]:
    """Return what each event of the component does, as the arguments that announce it."""
    events = {f"choose:{value}": partial(choose, choice) for value, choice in found.choices.items()}
    for value, is_pinned in found.pinned.items():
        events[f"pin:{value}"] = partial(pin, found.choices[value], not is_pinned)
    for provider_id in {None, *(group["fix"] for group in found.data["groups"])}:
        events[f"fix:{provider_id or ''}"] = partial(fix, provider_id)
    return {f"on_{event}_change": act for event, act in events.items()}


def _choose(workbench: Workbench, tab: Session, conversation_id: str | None, choice: Choice) -> None:
    """Remember the choice before anything else, and ask nothing of Streamlit: session state gives way to a rerun.

    A message sent 20 ms after a click ended this callback there, and went to the model chosen before (seen 2026-11-24).
    """
    tab.refusal = None
    if conversation_id is None:
        tab.draft_choice = choice
    else:
        try:
            workbench.store.conversations.choose(conversation_id, choice)
        except SwitchboardError as error:
            tab.refusal = error.message
    _uses.clear()  # the model that is left belongs among the recent ones at once


def _pin(workbench: Workbench, tab: Session, choice: Choice, is_wanted: bool) -> None:
    change = workbench.store.pins.pin if is_wanted else workbench.store.pins.unpin
    try:
        change(choice.provider_id or "", choice.model_id or "")
    except SwitchboardError as error:
        tab.refusal = error.message


def _fix(tab: Session, provider_id: str | None) -> None:
    tab.provider_id = provider_id or tab.provider_id
    st.switch_page(PROVIDERS)


@st.cache_data(ttl=60, show_spinner=False)
def _uses(folder: str, _workbench: Workbench) -> list[ModelUse]:
    return _workbench.store.attempts.by_model(since=datetime.now(UTC) - timedelta(days=SPEED_DAYS))
