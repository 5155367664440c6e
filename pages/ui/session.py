"""What one browser tab remembers between reruns, as one typed object. The only file with st.session_state."""

from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import streamlit as st

from core.projects import DEFAULT_PROJECT_ID
from core.runners.parameters import Takes
from core.types import AUTOMATIC, UNSET, AnswerSettings, Choice, Model, Provider

if TYPE_CHECKING:  # pyarrow comes with it, and only the SQL page needs that
    from core.store.answer import Answer
    from core.store.console_errors import QueryFailed
    from core.store.console_job import Job


@dataclass(frozen=True, slots=True)
class Dialog:
    """The dialog that is open: drawn again by each run until it is closed, so that no rerun can take it away."""

    kind: Literal["edit", "rename", "move", "export", "trash"]
    id: str = ""  # of the message or conversation it is about


@dataclass(frozen=True, slots=True)
class Asking:
    """A question to a provider that runs in the engine. One is in flight for a tab."""

    what: str  # which question it is, so that nobody takes another one's answer
    words: str  # Markdown, shown meanwhile
    future: Future[Any]
    began_s: float


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of the last question."""

    what: str
    value: object  # what its coroutine returned, or the SwitchboardError it raised


@dataclass(slots=True)
class SqlTab:
    """What the SQL page of this tab is about. At most one of the last three is there."""

    handed: str | None = None  # the query of a figure on the usage page, to be taken over and run
    is_open: bool = False  # the copy that queries see was looked at once
    link: str | None = None  # the query of the URL that was taken over
    chosen: str | None = None  # in the list of queries
    is_foreign: bool = False  # the text came by a link, and its reader has not run it yet
    job: "Job | None" = None
    answer: "Answer | None" = None
    failure: "QueryFailed | None" = None


@dataclass(slots=True)
class Session:
    is_admitted: bool = False  # the gate let this tab in
    is_navigated: bool = False  # main.py has run in this run of the script, and the page is next
    conversation_id: str | None = None  # shown on the chat page
    draft_choice: Choice = AUTOMATIC  # of a conversation that has no message yet
    draft_settings: AnswerSettings = UNSET  # of the same
    # Conversation id or "new" -> what the fields of its settings were last filled with, and for what kind of model.
    settings_shown: dict[str, tuple[AnswerSettings, Takes]] = field(default_factory=dict)
    draft_is_agent: bool = False  # whether an agent is to answer that one
    project_id: str = DEFAULT_PROJECT_ID  # where new conversations go
    project_choices: dict[str, Choice] = field(default_factory=dict)  # project id or "new" -> what its form holds
    project_shown_id: str | None = None  # marked on the Projects page
    provider_id: str | None = None  # shown on the Providers page
    model_id: str | None = None  # marked in that provider's table of models
    asking: Asking | None = None  # what a provider is being asked
    answered: Answered | None = None
    provider_dialog: str | None = None  # the dialog of the Providers page that is drawn again by each run
    closings: int = 0  # of that dialog: opened again, its fields are others, and nothing typed before is in them
    opened: dict[str, Provider | Model] = field(default_factory=dict)  # rows as the open forms were drawn with
    picked: set[str] = field(default_factory=set)  # ids of models chosen in the discovery dialog
    picks: int = 0  # grows when they were chosen by a button: the table is then drawn with them
    toasts: list[str] = field(default_factory=list)  # Markdown, shown by the next run: a rerun would swallow them
    drawn: dict[str, int] = field(default_factory=dict)  # turn id -> version of the growing reply on the page
    dialog: Dialog | None = None
    deleted_id: str | None = None  # the conversation just moved to the trash, for "Undo"
    backup: bytes | None = None  # the archive that was just made, until it is downloaded
    refusal: str | None = None  # why the last message was not sent
    earlier: dict[str, int] = field(
        default_factory=dict
    )  # id of a conversation or of a text -> what is shown of it beyond the usual
    sql: SqlTab = field(default_factory=SqlTab)
    to_put_back: dict[str, str] = field(default_factory=dict)  # widget key -> text for the next run

    def shown(self, key: str, usual: int) -> int:
        return usual + self.earlier.get(key, 0)

    def show_more(self, key: str, more: int) -> None:
        self.earlier[key] = self.earlier.get(key, 0) + more


def session() -> Session:
    found = st.session_state.get("switchboard")
    if isinstance(found, Session):
        while found.to_put_back:
            key, text = found.to_put_back.popitem()
            st.session_state[key] = text
        return found
    made = Session()
    st.session_state["switchboard"] = made
    return made


def put_back(key: str, text: str) -> None:
    """Let the widget of this key show the text in the next run: what was typed and refused is not lost."""
    session().to_put_back[key] = text


def show(key: str, value: object) -> None:
    """Let the widget of this key show the value in this run; it is not drawn yet."""
    st.session_state[key] = value


def is_shown(key: str) -> bool:
    return key in st.session_state


def shown(key: str) -> Any:
    """Return what the widget of this key holds, also before it is drawn."""
    return st.session_state[key]


def first_value(key: str, value: str) -> str:
    """Return what a widget of this key begins with: nothing where it has a value already, as two are one too many."""
    return "" if key in st.session_state else value
