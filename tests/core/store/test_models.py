"""Models: an order, exact prices, and exactly one default for each provider that has any."""

from datetime import date, time
from decimal import Decimal
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.ids import new_id
from core.store import Store
from core.store.connection import Conflict, Cursor
from core.types import Model, Price, Tier, Window

TIERS = (Tier(128_000, Decimal("0.5"), None, Decimal(0)), Tier(256_000, Decimal("1.5"), Decimal(3)))
WINDOWS = (Window(time(16, 30), time(0, 30), Decimal("0.125"), frozenset({1, 7})), Window(time(1), time(1), Decimal(2)))
FULL = Model(
    "p",
    "full",
    "Full",
    is_default=True,
    context_tokens=1_000_000,
    max_output_tokens=128_000,
    thinking="adaptive",
    retires_on=date(2027, 1, 14),
    replacement="fuller",
    note="Half price off-peak.",
    price=Price(
        Decimal("0.28"),
        Decimal(100),
        Decimal("0.000000001"),
        Decimal(0),
        "price page",
        date(2026, 11, 23),
        TIERS,
        WINDOWS,
    ),
)


def add(store: Store, *models: Model) -> None:
    for model in models:
        store.settings.write(partial(store.models.add, model=model))


def test_a_model_comes_back_as_it_was_written(store: Store) -> None:
    add(store, FULL)
    [back] = store.models.of("p")
    assert back == FULL
    assert [str(amount) for amount in (back.price.input, back.price.output)] == ["0.28", "100"]


def test_models_stay_in_the_order_they_came_by_provider(store: Store) -> None:
    add(store, Model("p", "b", "B"), Model("q", "x", "X"), Model("p", "a", "A"))
    assert [model.id for model in store.models.of("p")] == ["b", "a"]
    assert {provider: [model.id for model in models] for provider, models in store.models.all().items()} == {
        "p": ["b", "a"],
        "q": ["x"],
    }


def test_the_first_model_is_the_default_until_one_that_asks_for_it(store: Store) -> None:
    add(store, Model("p", "a", "A"), Model("p", "b", "B"), Model("p", "c", "C", is_default=True))
    assert [model.is_default for model in store.models.of("p")] == [False, False, True]


def test_saving_keeps_id_and_default(store: Store) -> None:
    add(store, Model("p", "a", "A"), Model("p", "b", "B"))
    store.settings.write(lambda cursor: store.models.save(cursor, Model("p", "b", "Bee", is_default=True)))
    assert [(model.name, model.is_default) for model in store.models.of("p")] == [("A", True), ("Bee", False)]


def test_an_id_is_taken_once_per_provider(store: Store) -> None:
    add(store, Model("p", "a", "A"), Model("q", "a", "A"))
    with pytest.raises(Conflict):
        add(store, Model("p", "a", "Again"))
    assert [model.name for model in store.models.of("p")] == ["A"]


def test_the_first_one_left_follows_a_deleted_default(store: Store) -> None:
    add(store, Model("p", "a", "A"), Model("p", "b", "B"), Model("p", "c", "C"))
    store.settings.write(lambda cursor: store.models.set_default(cursor, "p", "b"))
    store.settings.write(lambda cursor: store.models.delete(cursor, "p", "b"))
    assert [(model.id, model.is_default) for model in store.models.of("p")] == [("a", True), ("c", False)]


def test_a_default_that_was_deleted_meanwhile_leaves_the_old_one(store: Store) -> None:
    add(store, Model("p", "a", "A"))
    store.settings.write(lambda cursor: store.models.set_default(cursor, "p", "gone"))
    assert [model.is_default for model in store.models.of("p")] == [True]


def test_one_default_per_provider_is_the_files_own_rule(store: Store) -> None:
    add(store, Model("p", "a", "A"), Model("p", "b", "B"))
    with pytest.raises(Conflict):
        store.settings.write(lambda cursor: cursor.execute("UPDATE models SET is_default = true"))


EDITS = st.tuples(
    st.sampled_from(["add", "add as default", "save", "make default", "delete"]),
    st.sampled_from(["p", "q"]),
    st.sampled_from(["a", "b", "c"]),
)


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(EDITS, min_size=1, max_size=3), max_size=8))
def test_after_any_edits_each_provider_with_models_has_exactly_one_default(
    store: Store, transactions: list[list[tuple[str, str, str]]]
) -> None:
    run = new_id()  # the file is shared by all examples

    def apply(cursor: Cursor, edits: list[tuple[str, str, str]]) -> None:
        for edit, provider, model_id in edits:
            model = Model(provider + run, model_id, model_id.upper(), is_default=edit == "add as default")
            match edit:
                case "save":
                    store.models.save(cursor, model)
                case "make default":
                    store.models.set_default(cursor, model.provider_id, model.id)
                case "delete":
                    store.models.delete(cursor, model.provider_id, model.id)
                case _:
                    store.models.add(cursor, model)

    for edits in transactions:
        before = store.models.all()
        try:
            store.settings.write(partial(apply, edits=edits))
        except Conflict:  # an id that is there already
            assert store.models.all() == before
        for provider in ("p", "q"):
            models = store.models.of(provider + run)
            assert sum(model.is_default for model in models) == min(len(models), 1)
