"""Choose who answers the next message: Automatic, then every model of every provider. Drawn by model_selector.js.

What a click may do is a closed set: each choice on offer has a callback of its own, and anything else is nobody's.
Callbacks run before the page does, so a message sent right after a click goes where the click says.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import TypedDict

import streamlit as st

from core.catalog import load_catalog
from core.errors import SwitchboardError
from core.router import problem, resolve
from core.store.log import ModelUse
from core.types import AUTOMATIC, Candidate, Choice, Conversation, Model, Price, Project, Refusal, Route
from core.workbench import Workbench
from pages.ui.figures import UNKNOWN, duration
from pages.ui.links import PROVIDERS
from pages.ui.session import Session, session

RECENT = 3
SPEED_DAYS = 7
SPEED_REPLIES = 5  # fewer say nothing about a model's speed
GONE = "no longer there"
_AUTOMATIC = ""  # its value; every other is PROVIDER/MODEL, and no provider's id has a slash
_REMEDY = re.compile(r"(?:: [^:]*| \w+ it) under Providers$")  # stands beside the link that leads there

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


class Row(TypedDict):
    value: str
    name: str
    detail: str  # what stands beside the name, small
    price: str
    context: str
    speed: str
    mark: str


class Group(TypedDict):
    kind: str  # automatic, recent, provider
    heading: str
    reason: str  # why none of its rows can be chosen, or nothing
    fix: str | None  # the provider to open under Providers
    rows: list[Row]


class Button(TypedDict):
    name: str
    detail: str
    problem: str


class Data(TypedDict):
    button: Button
    notice: str  # why the remembered choice cannot answer
    selected: str
    providers_url: str
    groups: list[Group]


@dataclass(frozen=True, slots=True)
class Options:
    """What is drawn, and what of it may be chosen, by value."""

    data: Data
    choices: Mapping[str, Choice]


def model_selector(workbench: Workbench, conversation: Conversation | None) -> Choice:
    """Draw the selector and return the choice, remembered per conversation."""
    tab = session()
    remembered = conversation.choice if conversation else tab.draft_choice
    project = workbench.store.projects.get(conversation.project_id if conversation else session().project_id)
    found = options(
        workbench.providers.candidates(project),
        remembered=remembered,
        project=project,
        uses=_uses(str(workbench.store.folder), workbench),
        today=datetime.now(UTC).date(),
    )
    conversation_id = conversation.id if conversation else None
    _draw(
        key=f"model-{conversation_id or 'new'}",
        # In a list: in a dict Streamlit looks for dataframes, and imports pandas for that: 70 MB (measured 2026-11-24).
        data=[found.data],
        default=None,
        width="stretch",
        height="content",
        **_events(found, choose=partial(_choose, workbench, tab, conversation_id), fix=partial(_fix, tab)),
    )
    return remembered


def options(
    candidates: Sequence[Candidate],
    *,
    remembered: Choice,
    project: Project | None,
    uses: Sequence[ModelUse],
    today: date,
) -> Options:
    """Return the rows in their order: Automatic, what was used last, usable providers, the demo, the others."""
    aliases = load_catalog().aliases
    automatic = resolve(candidates, choice=AUTOMATIC, project=project, aliases=aliases)
    speeds = {(use.provider_id, use.model_id): use.ttft_p50_ms for use in uses if use.replies >= SPEED_REPLIES}
    choices = {_AUTOMATIC: AUTOMATIC}
    rows: dict[str, Row] = {}
    usable: list[Group] = []
    others: list[Group] = []
    for candidate in sorted(candidates, key=lambda c: c.is_demo):
        reason = problem(candidate)
        group = Group(
            kind="provider",
            heading=candidate.provider.name,
            reason=_short(reason, candidate) if reason else "",
            fix=candidate.provider.id if reason else None,
            rows=[],
        )
        for model in candidate.models:
            speed = None if candidate.is_demo else speeds.get((candidate.provider.id, model.id))
            row = _row(model, speed, candidate, today)
            group["rows"].append(row)
            if not reason:
                choices[row["value"]] = Choice(candidate.provider.id, model.id)
                if not candidate.is_demo:
                    rows[row["value"]] = row | {"detail": candidate.provider.name}
        (others if reason else usable).append(group)
    last = [value for use in uses if (value := _value(use.provider_id, use.model_id)) in rows][:RECENT]
    recent = [_group("recent", "Recent", [rows[value] for value in last])] if last else []
    answer = (
        automatic
        if remembered.is_automatic
        else resolve(candidates, choice=remembered, project=project, aliases=aliases)
    )
    return Options(
        Data(
            button=_button(remembered, answer, candidates),
            notice=answer.reason if isinstance(answer, Refusal) and not remembered.is_automatic else "",
            selected=_selected(remembered, answer),
            providers_url=PROVIDERS.stem,
            groups=[_group("automatic", "", [_automatic_row(automatic)]), *recent, *usable, *others],
        ),
        choices,
    )


def _events(
    found: Options, *, choose: Callable[[Choice], None], fix: Callable[[str | None], None]
) -> dict[str, Callable[[], None]]:
    """Return what each event of the component does, as the arguments that announce it."""
    events = {f"choose:{value}": partial(choose, choice) for value, choice in found.choices.items()}
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


def _fix(tab: Session, provider_id: str | None) -> None:
    tab.provider_id = provider_id or tab.provider_id
    st.switch_page(PROVIDERS)


@st.cache_data(ttl=60, show_spinner=False)
def _uses(folder: str, _workbench: Workbench) -> list[ModelUse]:
    return _workbench.store.attempts.by_model(since=datetime.now(UTC) - timedelta(days=SPEED_DAYS))


def _group(kind: str, heading: str, rows: Iterable[Row]) -> Group:
    return Group(kind=kind, heading=heading, reason="", fix=None, rows=list(rows))


def _automatic_row(answer: Route | Refusal) -> Row:
    words = (
        answer.reason
        if isinstance(answer, Refusal)
        else f"now {answer.model.name} of {answer.provider.name}: {answer.reason}"
    )
    return Row(value=_AUTOMATIC, name="Automatic", detail=words, price="", context="", speed="", mark="")


def _row(model: Model, ttft_p50_ms: float | None, candidate: Candidate, today: date) -> Row:
    return Row(
        value=_value(model.provider_id, model.id),
        name=model.name,
        detail=model.id if model.id != model.name else "",
        price=_price(model.price),
        context=_tokens(model.context_tokens) if model.context_tokens else "",
        speed=duration(ttft_p50_ms) if ttft_p50_ms is not None else "",
        mark=_mark(model, candidate, today),
    )


def _button(remembered: Choice, answer: Route | Refusal, candidates: Sequence[Candidate]) -> Button:
    """Return the remembered choice in words, also one that cannot answer any more: it is never replaced."""
    if remembered.is_automatic:
        words = "nobody can answer yet" if isinstance(answer, Refusal) else f"{answer.model.name} · {answer.reason}"
        return Button(name="Automatic", detail=words, problem="")
    if isinstance(answer, Route):
        return Button(name=answer.model.name, detail=answer.provider.name, problem="")
    candidate = next((c for c in candidates if c.provider.id == remembered.provider_id), None)
    model = candidate.model(remembered.model_id) if candidate and remembered.model_id else None
    reason = problem(candidate) if candidate else None
    return Button(
        name=model.name if model else remembered.model_id or "The chosen provider",
        detail=candidate.provider.name if candidate else "",
        problem=_short(reason, candidate) if candidate and reason else GONE,
    )


def _selected(remembered: Choice, answer: Route | Refusal) -> str:
    if remembered.is_automatic:
        return _AUTOMATIC
    if isinstance(answer, Route):
        return _value(answer.provider.id, answer.model.id)
    return _value(remembered.provider_id or "", remembered.model_id or "")


def _value(provider_id: str, model_id: str) -> str:
    return f"{provider_id}/{model_id}"


def _short(reason: str, candidate: Candidate) -> str:
    """Return the router's reason without the name that stands before it and the remedy that stands behind."""
    return _REMEDY.sub("", reason.removeprefix(candidate.provider.name).lstrip(": "))


def _mark(model: Model, candidate: Candidate, today: date) -> str:
    if model.retires_on is None or model.retires_on > today:
        return ""
    instead = candidate.model(model.replacement) if model.replacement else None
    name = instead.name if instead else model.replacement
    return f"retired · use {name}" if name else "retired"


def _price(price: Price) -> str:
    if price.input is None and price.output is None:
        return "no price"
    if price.input == 0 and price.output == 0:
        return "free"
    return " / ".join(_dollars(amount) for amount in (price.input, price.output))


def _dollars(amount: Decimal | None) -> str:
    if amount is None:
        return UNKNOWN
    is_in_cents = amount != int(amount) and amount == round(amount, 2)
    return f"${amount:.2f}" if is_in_cents else f"${amount.normalize():f}"


def _tokens(number: int) -> str:
    """Return a context length as vendors write it: 200k, 1M."""
    if number < 1000:
        return str(number)
    size, unit = (number / 1000, "k") if number < 999_500 else (number / 1_000_000, "M")
    return f"{size:.0f}{unit}" if size >= 10 else f"{size:.2f}".rstrip("0").rstrip(".") + unit
