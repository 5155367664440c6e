"""Prices in a model's form: tiers and windows as they are typed, an example priced with them, and two tabs."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.catalog import offered_price
from core.errors import ChangedMeanwhile, InvalidInput
from core.pricing import AMOUNTS
from core.types import Model, Price, Provider, Tier, Window
from core.workbench import Workbench
from pages.ui.price_form import PriceFields, parse_days, parse_hour, read_price
from tests.pages.conftest import WAIT_S, OpenPage
from tests.pages.test_providers import _model_form

TIER = Tier(200_000, Decimal(6), Decimal("22.5"))
WINDOW = Window(time(16, 30), time(0, 30), Decimal("0.5"), frozenset({6, 7}))


def stored(workbench: Workbench, provider: Provider) -> Model:
    return next(model for model in workbench.store.models.of(provider.id) if model.id == "alpha")


def submit(
    provider: Provider, label: str = "Save", *, change: Callable[[AppTest], object] = lambda _: None, **edits: Any
) -> AppTest:
    """Open the form of the known model, edit its tables and press a button. `change` is made by others meanwhile."""
    app = AppTest.from_function(_model_form, default_timeout=WAIT_S)
    app.query_params["model"] = "alpha"
    app.run()
    nothing: dict[str, Any] = {"edited_rows": {}, "added_rows": [], "deleted_rows": []}
    for name, edit in edits.items():
        app.session_state[f"price_{name}_{provider.id}_alpha"] = nothing | edit
    change(app)
    next(button for button in app.button if button.label == label).click().run()
    assert not app.exception
    return app


def give(workbench: Workbench, provider: Provider, **changes: Any) -> Model:
    model = stored(workbench, provider)
    return workbench.providers.save_model(replace(model, price=replace(model.price, **changes)), is_new=False)


def test_a_tier_and_a_window_are_typed_and_are_the_users_from_today(workbench: Workbench, provider: Provider) -> None:
    submit(
        provider,
        tiers={"added_rows": [{"Prompt above": "200k", "Input": "6", "Output": "$22.50"}]},
        windows={"added_rows": [{"From": "16:30", "To": "0:30", "Factor": ".5", "Days": "Sat, Sun"}]},
    )
    price = stored(workbench, provider).price
    assert (price.tiers, price.windows) == ((TIER,), (WINDOW,))
    assert (price.source, price.as_of) == ("entered by you", datetime.now(UTC).date())


def test_what_is_stored_stands_in_the_tables_and_is_changed_or_deleted_there(
    workbench: Workbench, provider: Provider
) -> None:
    give(workbench, provider, tiers=(TIER, Tier(500_000, Decimal(9))), windows=(WINDOW,))
    app = submit(
        provider,
        tiers={"edited_rows": {0: {"Output": "20"}}, "deleted_rows": [1]},
        windows={"edited_rows": {0: {"To": "24:00", "Days": ""}}},
    )
    assert [table.value.values.tolist() for table in app.data_editor] == [
        [["200000", "6", "22.5", "", ""], ["500000", "9", "", "", ""]],
        [["16:30", "00:30", "0.5", "Sat, Sun"]],
    ]
    price = stored(workbench, provider).price
    assert price.tiers == (replace(TIER, output=Decimal(20)),)
    assert price.windows == (Window(time(16, 30), time(0), Decimal("0.5")),)


def test_a_form_saved_untouched_changes_nothing(workbench: Workbench, provider: Provider) -> None:
    before = give(workbench, provider, tiers=(TIER,), windows=(WINDOW,))
    submit(provider)
    assert stored(workbench, provider) == before


@pytest.mark.parametrize(
    ("edits", "words"),
    [
        ({"tiers": [{"Prompt above": "many", "Input": "1"}]}, "number of tokens"),
        ({"tiers": [{"Input": "1"}]}, "from how many tokens"),
        ({"tiers": [{"Prompt above": "5k", "Input": "2,5"}]}, "such as 0.25"),
        ({"tiers": [{"Prompt above": "5k"}]}, "no price"),
        ({"tiers": [{"Prompt above": "5k", "Input": "1"}, {"Prompt above": "5000", "Input": "2"}]}, "same number"),
        ({"windows": [{"From": "25:00", "To": "01:00", "Factor": "1"}]}, "as 16:30"),
        ({"windows": [{"From": "1:00", "To": "2:00"}]}, "by which factor"),
        ({"windows": [{"From": "1:00", "To": "2:00", "Factor": "11"}]}, "from 0 to 10"),
        ({"windows": [{"From": "1:00", "To": "2:00", "Factor": "1", "Days": "Noday"}]}, "as Mon-Fri"),
        (
            {"windows": [{"From": "1:00", "To": "3:00", "Factor": "1"}, {"From": "2:59", "To": "4:00", "Factor": "1"}]},
            "in common",
        ),
    ],
)
def test_bad_rows_are_refused_with_the_table_they_stand_in(
    edits: dict[str, list[Mapping[Hashable, str]]], words: str
) -> None:
    [table] = edits
    typed = PriceFields({}, "", None, tiers=[*edits.get("tiers", [])], windows=[*edits.get("windows", [])])
    with pytest.raises(InvalidInput, match=words) as caught:
        read_price(replace(typed, amounts=dict.fromkeys(AMOUNTS, "")), Price(), today=date(2026, 11, 24))
    assert caught.value.field == table


def test_a_bad_row_is_refused_in_the_form(workbench: Workbench, provider: Provider) -> None:
    before = stored(workbench, provider)
    app = submit(provider, tiers={"added_rows": [{"Prompt above": "many", "Input": "1"}]})
    assert ["number of tokens" in error.value for error in app.error] == [True]
    assert stored(workbench, provider) == before


def test_an_example_is_priced_with_what_is_typed_and_nothing_is_saved(workbench: Workbench, provider: Provider) -> None:
    before = give(workbench, provider, cache_read=Decimal("0.2"))
    of = f"{provider.id}_alpha"

    def example(app: AppTest) -> None:
        app.text_input(key=f"price_input_{of}").set_value("3")
        app.text_input(key=f"example_prompt_{of}").set_value("200,001")
        app.slider(key=f"example_cached_{of}").set_value(50)
        app.selectbox(key=f"example_day_{of}").set_value("Sun")
        app.time_input(key=f"example_at_{of}").set_value(time(16, 30))

    tiers = [{"Prompt above": "200k", "Input": "6", "Output": "10", "Cache read": "0.4"}]
    windows = [{"From": "16:30", "To": "0:30", "Factor": "0.5", "Days": "Sun"}]
    app = submit(provider, "Check", change=example, tiers={"added_rows": tiers}, windows={"added_rows": windows})
    [table] = [text.value.replace("\\", "").replace("\u00a0", " ") for text in app.markdown if "Sum" in text.value]
    # 100,001 × 3 + 1,000 × 5 + 100,000 × 0.2 = 325,003 millionths
    assert "| Input, not cached :gray[100,001 × 3] | $0.300003 |" in table
    assert "| **Sum** | **$0.325003** |" in table
    captions = " ".join(caption.value.replace("\\", "") for caption in app.caption)
    assert "Over 200,000 tokens, off-peak Sun 16:30-00:30 UTC × 0.5" in captions
    assert stored(workbench, provider) == before


def test_the_second_of_two_tabs_is_told_and_keeps_what_is_typed(workbench: Workbench, provider: Provider) -> None:
    of = f"{provider.id}_alpha"
    app = AppTest.from_function(_model_form, default_timeout=WAIT_S)
    app.query_params["model"] = "alpha"
    app.run()
    app.session_state["switchboard"].opened[of] = stored(workbench, provider)  # as the dialog does when it opens
    give(workbench, provider, input=Decimal(7))
    app.text_input(key=f"model_name_{of}").set_value("Mine")
    app.button[0].click().run()
    [error] = [error.value.replace("\\", "") for error in app.error]
    assert "Alpha was changed meanwhile, in another tab: the price is now input 7, output 10" in error
    assert app.text_input(key=f"model_name_{of}").value == "Mine"
    assert (stored(workbench, provider).name, stored(workbench, provider).price.input) == ("Alpha", Decimal(7))
    app.button[0].click().run()  # told, and still wanted
    assert not app.error
    assert (stored(workbench, provider).name, stored(workbench, provider).price.input) == ("Mine", Decimal(2))


def test_a_model_that_another_tab_has_deleted_is_not_saved(workbench: Workbench, provider: Provider) -> None:
    opened = stored(workbench, provider)
    workbench.providers.delete_model(opened)
    with pytest.raises(ChangedMeanwhile, match="deleted meanwhile") as caught:
        workbench.providers.save_model(replace(opened, name="Mine"), is_new=False, opened=opened)
    assert caught.value.current is None
    assert [model.id for model in workbench.store.models.of(provider.id)] == ["beta"]


def test_what_the_catalogue_says_now_is_shown_beside_an_edit_and_taken_when_asked_for(
    open_page: OpenPage, workbench: Workbench
) -> None:
    [sonnet, *_] = workbench.store.models.of("anthropic")
    assert offered_price(sonnet) is None
    mine = replace(sonnet, price=Price(Decimal(1), Decimal(2), source="entered by you"))
    workbench.providers.save_model(mine, is_new=False)
    app = open_page("providers")
    [said] = [text.value.replace("\\", "") for text in app.markdown if "The catalogue now says" in text.value]
    assert "input $2, output $10, cache read $0.1" in said
    app.button(key="use_catalogue_price").click().run()
    assert not app.exception
    assert workbench.store.models.of("anthropic")[0] == sonnet
    assert not [text for text in app.markdown if "The catalogue" in text.value]


def test_hours_and_days_are_read_as_people_write_them() -> None:
    assert [parse_hour(text) for text in ("0:30", "16:30 ", "24:00")] == [time(0, 30), time(16, 30), time(0)]
    assert [sorted(parse_days(text)) for text in ("", "Mon-Fri", "sat, SUN", "Saturday", "Fri–Mon")] == [
        [1, 2, 3, 4, 5, 6, 7],
        [1, 2, 3, 4, 5],
        [6, 7],
        [6],
        [1, 5, 6, 7],
    ]
    for text in ("24:01", "7", "1:5", "٣:00"):
        with pytest.raises(InvalidInput):
            parse_hour(text)
