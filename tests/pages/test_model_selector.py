"""What the model selector offers, in which order and words, and which of it may be chosen. A browser tests the rest."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.projects import DEFAULT_PROJECT_ID
from core.store.log import ModelUse
from core.types import (
    AUTOMATIC,
    Candidate,
    Choice,
    Conversation,
    Key,
    KeySource,
    Model,
    Price,
    Project,
    Provider,
    Secret,
)
from core.workbench import Workbench
from pages.ui.model_options import Group, Options, Row, options
from pages.ui.model_selector import _choose, _events, _fix, _pin
from pages.ui.session import Session
from tests.core.test_usage import make_attempt, write
from tests.pages.conftest import OpenPage

TODAY = date(2026, 11, 24)


def candidate(provider_id: str, *models: Model, has_key: bool = True, is_demo: bool = False) -> Candidate:
    key = Key(Secret("k"), KeySource.STORED) if has_key else None
    provider = Provider(provider_id, provider_id.title(), "openai", "https://x.example/v1")
    return Candidate(provider, tuple(replace(model, provider_id=provider_id) for model in models), key, is_demo=is_demo)


def model(model_id: str, **fields: Any) -> Model:
    return Model("", model_id, fields.pop("name", model_id.title()), **fields)


TABLE = (
    candidate("demo", model("echo", is_default=True), is_demo=True),
    candidate("closed", model("c-1", is_default=True), has_key=False),
    candidate("open", model("o-1", is_default=True), model("o-2")),
    candidate("empty"),
)


def build(
    candidates: Sequence[Candidate] = TABLE,
    *,
    remembered: Choice = AUTOMATIC,
    project: Project | None = None,
    uses: Sequence[ModelUse] = (),
    pins: Sequence[tuple[str, str]] = (),
) -> Options:
    return options(candidates, remembered=remembered, project=project, uses=uses, pins=pins, today=TODAY)


def groups(found: Options) -> dict[str, Group]:
    return {group["heading"]: group for group in found.data["groups"]}


def only_row(shown: Model) -> Row:
    [row] = groups(build([candidate("open", shown)]))["Open"]["rows"]
    return row


def test_usable_providers_come_first_and_the_demo_behind_them() -> None:
    found = build()
    assert list(groups(found)) == ["", "Open", "Demo", "Closed", "Empty"]
    reasons = {heading: (group["reason"], group["fix"]) for heading, group in groups(found).items()}
    assert reasons == {
        "": ("", None),
        "Open": ("", None),
        "Demo": ("", None),
        "Closed": ("has no key", "closed"),
        "Empty": ("has no models", "empty"),
    }


def test_automatic_says_who_would_answer_and_why() -> None:
    found = build()
    [row] = groups(found)[""]["rows"]
    assert row["detail"] == "now O-1 of Open: the first provider that can be used"
    assert found.data["button"] == {
        "name": "Automatic",
        "detail": "O-1 · the first provider that can be used",
        "problem": "",
    }
    found = build(project=Project("p", "P", provider_id="open", model_id="o-2"))
    assert found.data["button"]["detail"] == "O-2 · the project's provider"


def test_automatic_says_why_nobody_can_answer() -> None:
    found = build([TABLE[1]])
    assert found.data["button"]["detail"] == "nobody can answer yet"
    assert groups(found)[""]["rows"][0]["detail"].startswith("No provider can answer yet. Closed has no key")


def test_only_what_can_answer_may_be_chosen() -> None:
    found = build()
    assert found.choices == {
        "": AUTOMATIC,
        "open/o-1": Choice("open", "o-1"),
        "open/o-2": Choice("open", "o-2"),
        "demo/echo": Choice("demo", "echo"),
    }
    chosen: list[Choice] = []
    events = _events(found, choose=chosen.append, pin=lambda choice, is_wanted: None, fix=lambda provider_id: None)
    for forged in ("closed/c-1", "open/o-3", "open", "open/o-1/", "OPEN/o-1", "None/None", "/"):
        assert f"on_choose:{forged}_change" not in events
    events["on_choose:open/o-2_change"]()
    events["on_choose:_change"]()
    assert chosen == [Choice("open", "o-2"), AUTOMATIC]


def test_for_a_project_everything_can_be_chosen_since_it_may_bring_a_key() -> None:
    found = options(TABLE, remembered=AUTOMATIC, project=None, uses=(), pins=(), today=TODAY, is_for_project=True)
    assert Choice("closed", "c-1") in found.choices.values()
    assert {group["fix"] for group in found.data["groups"]} == {None}


def test_a_models_id_may_hold_what_it_likes() -> None:
    odd = ("a/b", "x_change", "on_y", "__", "<img onerror>", "a:b", "ü")
    found = build([candidate("open", *(model(model_id) for model_id in odd))])
    assert [found.choices[f"open/{model_id}"].model_id for model_id in odd] == list(odd)
    assert json.loads(json.dumps(found.data)) == found.data


@pytest.mark.parametrize(
    ("price", "words"),
    [
        (Price(Decimal(2), Decimal(10)), "$2 / $10"),
        (Price(Decimal("0.1"), Decimal("0.075")), "$0.10 / $0.075"),
        (Price(Decimal(0), Decimal(0)), "free"),
        (Price(Decimal(0), Decimal(3)), "$0 / $3"),
        (Price(Decimal(3)), "$3 / –"),
        (Price(), "no price"),
    ],
)
def test_a_price_is_in_and_out_per_million(price: Price, words: str) -> None:
    assert only_row(model("m", price=price))["price"] == words


@pytest.mark.parametrize(
    ("tokens", "words"),
    [(None, ""), (512, "512"), (8192, "8.19k"), (128_000, "128k"), (999_999, "1M"), (1_048_576, "1.05M")],
)
def test_a_context_length_is_short(tokens: int | None, words: str) -> None:
    assert only_row(model("m", context_tokens=tokens))["context"] == words


def test_a_retired_model_names_its_successor_and_can_be_chosen() -> None:
    retired = model("old", retires_on=TODAY, replacement="new")
    found = build([candidate("open", retired, model("new", name="New"), model("late", retires_on=date(2026, 11, 25)))])
    assert [row["mark"] for row in groups(found)["Open"]["rows"]] == ["retired · use New", "", ""]
    assert "open/old" in found.choices
    assert only_row(model("m", retires_on=TODAY, replacement="elsewhere"))["mark"] == "retired · use elsewhere"
    assert only_row(model("m", retires_on=TODAY))["mark"] == "retired"


def test_a_speed_needs_five_replies_and_the_demo_has_none() -> None:
    uses = [ModelUse("open", "o-1", 5, 420.0), ModelUse("open", "o-2", 4, 100.0), ModelUse("demo", "echo", 99, 1.0)]
    found = groups(build(uses=uses))
    assert [row["speed"] for row in found["Open"]["rows"]] == ["420 ms", ""]
    assert found["Demo"]["rows"][0]["speed"] == ""


def test_recent_are_the_last_three_that_can_still_be_chosen() -> None:
    many = candidate("open", *(model(f"o-{number}") for number in range(5)))
    used = [
        ("open", "o-4"),
        ("demo", "echo"),
        ("closed", "c-1"),
        ("open", "gone"),
        *(("open", f"o-{n}") for n in "210"),
    ]
    found = groups(build([TABLE[0], TABLE[1], many], uses=[ModelUse(*pair, 1, None) for pair in used]))
    assert [(row["value"], row["detail"]) for row in found["Recent"]["rows"]] == [
        ("open/o-4", "Open"),
        ("open/o-2", "Open"),
        ("open/o-1", "Open"),
    ]


def test_pinned_models_stand_on_top_in_the_order_of_pinning_and_are_not_recent_too() -> None:
    pins = [("open", "o-2"), ("closed", "c-1"), ("open", "gone"), ("open", "o-1")]
    uses = [ModelUse("open", "o-1", 1, None)]
    found = build(uses=uses, pins=pins)
    assert list(groups(found)) == ["", "Pinned", "Open", "Demo", "Closed", "Empty"]
    assert [(row["value"], row["is_pinned"]) for row in groups(found)["Pinned"]["rows"]] == [
        ("open/o-2", True),
        ("open/o-1", True),
    ]
    assert [row["is_pinned"] for row in groups(found)["Demo"]["rows"]] == [None]
    assert [row["is_pinned"] for row in groups(found)["Closed"]["rows"]] == [None]
    asked: list[tuple[Choice, bool]] = []
    events = _events(
        build(pins=pins[:1]),
        choose=lambda choice: None,
        pin=lambda choice, is_wanted: asked.append((choice, is_wanted)),
        fix=lambda provider_id: None,
    )
    events["on_pin:open/o-2_change"]()
    events["on_pin:open/o-1_change"]()
    assert asked == [(Choice("open", "o-2"), False), (Choice("open", "o-1"), True)]
    assert not {"on_pin:demo/echo_change", "on_pin:closed/c-1_change", "on_pin:_change"} & set(events)


@pytest.mark.parametrize(
    ("remembered", "name", "detail", "problem", "notice"),
    [
        (Choice("open", "o-2"), "O-2", "Open", "", ""),
        (Choice("open"), "O-1", "Open", "", ""),
        (Choice("open", "gone"), "gone", "Open", "no longer there", "Open has no model gone"),
        (Choice("gone", "g-1"), "g-1", "", "no longer there", "The chosen provider no longer exists"),
        (Choice("closed", "c-1"), "C-1", "Closed", "has no key", "Closed has no key: add one under Providers"),
    ],
)
def test_the_button_says_what_is_remembered_and_what_is_wrong_with_it(
    remembered: Choice, name: str, detail: str, problem: str, notice: str
) -> None:
    data = build(remembered=remembered).data
    assert data["button"] == {"name": name, "detail": detail, "problem": problem}
    assert data["notice"].startswith(notice) and bool(data["notice"]) == bool(notice)


def test_the_log_gives_the_median_of_the_last_days_and_what_was_used_last(workbench: Workbench) -> None:
    now = datetime.now(UTC)
    for days, model_id, times in ((1, "a", (100, 300, 200)), (0, "b", (50, None)), (9, "old", (1,))):
        for ttft_ms in times:
            write(
                workbench.store, [make_attempt(now - timedelta(days=days), model_requested=model_id, ttft_ms=ttft_ms)]
            )
    assert workbench.store.attempts.by_model(since=now - timedelta(days=7)) == [
        ModelUse("openai", "b", 1, 50.0),
        ModelUse("openai", "a", 3, 200.0),
    ]


# On the page. AppTest cannot click in a component; what it was given is there to read.


def drawn(app: AppTest) -> dict[str, Any]:
    [component] = app.get("bidi_component")
    found: dict[str, Any] = json.loads(component.proto.json)[0]
    return found


def test_a_draft_remembers_its_choice_and_what_is_drawn_stays_the_same(
    open_page: OpenPage, workbench: Workbench
) -> None:
    app = open_page("chat", draft_choice=Choice("demo", "demo-echo"))
    before = drawn(app)
    assert before["selected"] == "demo/demo-echo"
    app.run()
    assert drawn(app) == before
    app.chat_input[0].set_value("hello").run()
    [conversation] = workbench.store.conversations.recent()
    assert conversation.choice == Choice("demo", "demo-echo")
    assert drawn(app)["selected"] == "demo/demo-echo"


def test_a_choice_is_kept_in_the_conversation_and_clears_an_old_refusal(workbench: Workbench) -> None:
    now = datetime.now(UTC)
    conversation = Conversation("c", DEFAULT_PROJECT_ID, "Title", AUTOMATIC, None, now, now)
    workbench.store.log.write(lambda cursor: workbench.store.conversations.add(cursor, conversation))
    tab = Session(refusal="No.")
    _choose(workbench, tab, "c", Choice("demo", "demo-echo"))
    kept = workbench.store.conversations.get("c")
    assert kept is not None and kept.choice == Choice("demo", "demo-echo")
    assert (tab.refusal, tab.draft_choice) == (None, AUTOMATIC)
    _choose(workbench, tab, None, Choice("demo", "demo-echo"))
    assert tab.draft_choice == Choice("demo", "demo-echo")


def test_a_pin_is_kept_for_every_tab_and_can_be_taken_back(workbench: Workbench) -> None:
    tab = Session()
    for choice in (Choice("openai", "b"), Choice("openai", "a"), Choice("openai", "b")):
        _pin(workbench, tab, choice, True)
    assert workbench.store.pins.all() == [("openai", "b"), ("openai", "a")]
    _pin(workbench, tab, Choice("openai", "b"), False)
    assert workbench.store.pins.all() == [("openai", "a")]
    assert tab.refusal is None


def test_a_link_opens_its_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    visited: list[object] = []
    monkeypatch.setattr("streamlit.switch_page", visited.append)
    tab = Session(provider_id="glm")
    _fix(tab, None)
    assert tab.provider_id == "glm"
    _fix(tab, "qwen")
    assert (tab.provider_id, len(visited)) == ("qwen", 2)
