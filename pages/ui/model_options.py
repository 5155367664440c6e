"""What the model selector offers, in which order and words, and which of it may be chosen. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TypedDict

from core.catalog import load_catalog
from core.router import problem, resolve
from core.store.log import ModelUse
from core.types import AUTOMATIC, Candidate, Choice, Model, Price, Project, Refusal, Route
from pages.ui.figures import UNKNOWN, duration
from pages.ui.links import PROVIDERS

RECENT = 3
SPEED_REPLIES = 5  # fewer say nothing about a model's speed
GONE = "no longer there"
_AUTOMATIC = ""  # its value; every other is PROVIDER/MODEL, and no provider's id has a slash
_REMEDY = re.compile(r"(?:: [^:]*| \w+ it) under Providers$")  # stands beside the link that leads there


class Row(TypedDict):
    value: str
    name: str
    detail: str  # what stands beside the name, small
    price: str
    context: str
    speed: str
    mark: str
    is_pinned: bool | None  # None: cannot be pinned


class Group(TypedDict):
    kind: str  # automatic, pinned, recent, provider
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
    pinned: Mapping[str, bool]  # of the choices that can be pinned


def options(
    candidates: Sequence[Candidate],
    *,
    remembered: Choice,
    project: Project | None,
    uses: Sequence[ModelUse],
    pins: Sequence[tuple[str, str]],
    today: date,
    is_for_project: bool = False,
) -> Options:
    """Return the rows in their order: Automatic, pinned, used last, usable providers, the demo, the others.

    For a project everything can be chosen: a key of its own may come with it.
    """
    aliases = load_catalog().aliases
    automatic = resolve(candidates, choice=AUTOMATIC, project=project, aliases=aliases)
    speeds = {(use.provider_id, use.model_id): use.ttft_p50_ms for use in uses if use.replies >= SPEED_REPLIES}
    choices = {_AUTOMATIC: AUTOMATIC}
    rows: dict[str, Row] = {}
    kept = {_value(*pin) for pin in pins}
    usable: list[Group] = []
    others: list[Group] = []
    for candidate in sorted(candidates, key=lambda c: c.is_demo):
        reason = None if is_for_project else problem(candidate)
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
                    row["is_pinned"] = row["value"] in kept
                    rows[row["value"]] = row | {"detail": candidate.provider.name}
        (others if reason else usable).append(group)
    top = [value for pin in pins if (value := _value(*pin)) in rows]
    used = (_value(use.provider_id, use.model_id) for use in uses)
    last = [value for value in used if value in rows and value not in kept][:RECENT]
    shortcuts = [
        _group(kind, kind.title(), [rows[value] for value in values])
        for kind, values in (("pinned", top), ("recent", last))
        if values
    ]
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
            groups=[_group("automatic", "", [_automatic_row(automatic)]), *shortcuts, *usable, *others],
        ),
        choices,
        {value: value in kept for value in rows},
    )


def _group(kind: str, heading: str, rows: Iterable[Row]) -> Group:
    return Group(kind=kind, heading=heading, reason="", fix=None, rows=list(rows))


def _automatic_row(answer: Route | Refusal) -> Row:
    words = (
        answer.reason
        if isinstance(answer, Refusal)
        else f"now {answer.model.name} of {answer.provider.name}: {answer.reason}"
    )
    return Row(
        value=_AUTOMATIC, name="Automatic", detail=words, price="", context="", speed="", mark="", is_pinned=None
    )


def _row(model: Model, ttft_p50_ms: float | None, candidate: Candidate, today: date) -> Row:
    return Row(
        value=_value(model.provider_id, model.id),
        name=model.name,
        detail=model.id if model.id != model.name else "",
        price=_price(model.price),
        context=_tokens(model.context_tokens) if model.context_tokens else "",
        speed=duration(ttft_p50_ms) if ttft_p50_ms is not None else "",
        mark=_mark(model, candidate, today),
        is_pinned=None,
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
