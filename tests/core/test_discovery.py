"""Discovery: what a provider's own list says against ours, and what is brought over."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from core.discovery import Discovery, Row, Standing, apply_rows, compare, discover
from core.errors import ErrorKind, InvalidInput, ProviderError
from core.providers import ProviderForm
from core.types import Candidate, Model, ModelInfo, Price, Provider
from core.workbench import Workbench
from tests.servers.anthropic_server import AnthropicServer
from tests.servers.base import Framing, Reply, json_reply, page_reply
from tests.servers.openai_server import OpenAIServer

GATEWAY = Provider("g", "Gateway", "openai", "https://gateway.example/v1")
DAY = date(2027, 3, 1)


def ours(*ids: str) -> tuple[Model, ...]:
    return tuple(Model("g", model_id, model_id.upper()) for model_id in ids)


def standings(found: Discovery) -> dict[str, str]:
    return {row.model.id: row.standing.value for row in found.rows}


def candidate(workbench: Workbench, provider_id: str) -> Candidate:
    return next(found for found in workbench.providers.candidates() if found.provider.id == provider_id)


def at(workbench: Workbench, url: str, *models: str, protocol: str = "openai") -> Candidate:
    provider = workbench.providers.add(ProviderForm("Loopback", protocol, url, key="sk-loopback"))
    for model_id in models:
        workbench.providers.save_model(Model(provider.id, model_id, model_id), is_new=True)
    return candidate(workbench, provider.id)


# Comparing, without a network.


def test_every_model_of_both_lists_has_its_standing() -> None:
    listed = [ModelInfo("a"), ModelInfo("b", retires_on=DAY), ModelInfo("c", context_tokens=9), ModelInfo("new")]
    found = compare(Candidate(GATEWAY, ours("a", "b", "c", "old")), listed)
    assert standings(found) == {"a": "already there", "b": "retiring", "c": "changed", "new": "new", "old": "gone"}
    assert [found.count(standing) for standing in Standing] == [1, 1, 1, 1, 1]


@pytest.mark.parametrize(
    "listed",
    [[], [ModelInfo("a")], [ModelInfo(f"page-{n}") for n in range(97)] + [ModelInfo(x) for x in "abc"]],
    ids=["empty", "most of ours are missing", "exactly one page"],
)
def test_nothing_is_called_gone_where_the_list_looks_partial(listed: list[ModelInfo]) -> None:
    found = compare(Candidate(GATEWAY, ours("a", "b", "c", "d")), listed)
    assert found.is_partial
    assert not found.count(Standing.GONE)


def test_a_retirement_that_is_known_already_is_no_news() -> None:
    known = replace(ours("a")[0], retires_on=DAY)
    [row] = compare(Candidate(GATEWAY, (known,)), [ModelInfo("a", retires_on=DAY)]).rows
    assert row == Row(Standing.SAME, known, known)


def test_a_list_without_limits_and_dates_takes_none_away() -> None:
    known = replace(ours("a")[0], retires_on=DAY, context_tokens=8, max_output_tokens=4)
    [row] = compare(Candidate(GATEWAY, (known,)), [ModelInfo("a")]).rows
    assert row.model == known


def test_a_price_comes_from_the_catalogue_of_the_same_vendor_only(workbench: Workbench) -> None:
    openai = candidate(workbench, "openai").provider
    listed = [ModelInfo("gpt-6-luna", context_tokens=7)]
    for provider in (openai, replace(GATEWAY, base_url=openai.base_url)):
        [row] = compare(Candidate(provider), listed).rows
        assert (row.model.price.input, row.model.name) == (Decimal("0.1"), "GPT-6 Luna")
        assert (row.model.context_tokens, row.model.provider_id) == (7, provider.id)
    [row] = compare(Candidate(GATEWAY), listed).rows
    assert row.model == Model("g", "gpt-6-luna", "gpt-6-luna", context_tokens=7)


@pytest.mark.parametrize(
    ("info", "name"),
    [
        (ModelInfo("a", name="Alpha: *best* [new]"), "Alpha: best new"),
        (ModelInfo("a", name="\u202e\u0000"), "a"),
        (ModelInfo("a/b[1m]", name="x" * 300), "x" * 80),
        (ModelInfo("[]"), "Model"),
    ],
)
def test_a_vendors_name_becomes_one_that_may_be_shown(workbench: Workbench, info: ModelInfo, name: str) -> None:
    provider = workbench.providers.add(ProviderForm("Mine", "openai", "https://mine.example"))
    found = compare(Candidate(provider), [info])
    assert [row.model.name for row in found.rows] == [name]
    apply_rows(workbench.store, provider, found.rows)
    [model] = workbench.store.models.of(provider.id)
    assert workbench.providers.save_model(model, is_new=False) == model


def test_what_nobody_could_send_is_counted_and_left_out() -> None:
    found = compare(Candidate(GATEWAY), [ModelInfo("two words"), ModelInfo("x" * 201), ModelInfo("a"), ModelInfo("a")])
    assert (found.unreadable, list(standings(found))) == (2, ["a"])


# Bringing over.


def test_chosen_rows_are_brought_over_and_the_users_edits_stay(workbench: Workbench) -> None:
    provider = workbench.providers.add(ProviderForm("Mine", "openai", "https://mine.example"))
    mine = Price(Decimal(7), Decimal(8), source="entered by you")
    for model in (
        Model(provider.id, "a", "My A", price=mine),
        Model(provider.id, "b", "B"),
        Model(provider.id, "c", "C"),
    ):
        workbench.providers.save_model(model, is_new=True)
    listed = [ModelInfo("a", "Their A", 10, 5, DAY), ModelInfo("b"), ModelInfo("x"), ModelInfo("y")]
    found = compare(candidate(workbench, provider.id), listed)
    # Another tab edits the name after the comparison.
    workbench.providers.save_model(replace(found.rows[0].model, name="Mine now", retires_on=None), is_new=False)
    apply_rows(workbench.store, provider, [row for row in found.rows if row.model.id != "y"])
    a, b, x = workbench.store.models.of(provider.id)
    assert (a.name, a.price, a.context_tokens, a.retires_on, a.is_default) == ("Mine now", mine, 10, DAY, True)
    assert (b.id, x.id) == ("b", "x")


def test_a_deleted_default_gives_way_to_what_is_left(workbench: Workbench) -> None:
    provider = workbench.providers.add(ProviderForm("Mine", "openai", "https://mine.example"))
    for model_id in "abc":
        workbench.providers.save_model(Model(provider.id, model_id, model_id), is_new=True)
    found = compare(candidate(workbench, provider.id), [ModelInfo("b"), ModelInfo("c")])
    apply_rows(workbench.store, provider, found.rows)
    assert [(model.id, model.is_default) for model in workbench.store.models.of(provider.id)] == [
        ("b", True),
        ("c", False),
    ]


def test_what_another_tab_did_meanwhile_is_no_conflict(workbench: Workbench) -> None:
    provider = workbench.providers.add(ProviderForm("Mine", "openai", "https://mine.example"))
    found = compare(candidate(workbench, provider.id), [ModelInfo("a"), ModelInfo("b")])
    workbench.providers.save_model(Model(provider.id, "a", "Added by hand"), is_new=True)
    apply_rows(workbench.store, provider, found.rows)
    apply_rows(workbench.store, provider, found.rows)
    assert [model.name for model in workbench.store.models.of(provider.id)] == ["Added by hand", "b"]
    workbench.providers.delete(provider)
    with pytest.raises(InvalidInput, match="no longer exists"):
        apply_rows(workbench.store, provider, found.rows)


def test_thousands_of_models_keep_order_and_one_default(workbench: Workbench) -> None:
    provider = workbench.providers.add(ProviderForm("Mine", "openai", "https://mine.example"))
    found = compare(Candidate(provider), [ModelInfo(f"vendor/model-{n:04}") for n in range(1203)])
    apply_rows(workbench.store, provider, found.rows)
    models = workbench.store.models.of(provider.id)
    assert [model.id for model in models] == [row.model.id for row in found.rows]
    assert [model.id for model in models if model.is_default] == ["vendor/model-0000"]


def test_a_built_in_that_lost_its_models_gets_the_vendors_default_back(workbench: Workbench) -> None:
    found = candidate(workbench, "openai")
    for model in found.models:
        workbench.providers.delete_model(model)
    listed = [ModelInfo(model.id) for model in reversed(found.models)]
    apply_rows(workbench.store, found.provider, compare(candidate(workbench, "openai"), listed).rows)
    again = candidate(workbench, "openai")
    assert again.default_model is not None
    assert again.default_model.id == "gpt-6.1-sol"
    assert {model.id: model.price for model in again.models} == {model.id: model.price for model in found.models}


# Asking.


def test_the_list_of_an_openai_server_with_its_shutdown_date(workbench: Workbench) -> None:
    rows = [{"id": "a"}, {"id": "b", "context_length": 4096, "shutdown_date": "2027-03-01"}]
    with OpenAIServer(api_key="sk-loopback", models=rows) as server:
        found = workbench.engine.run(discover(at(workbench, server.url, "b"), workbench.engine), timeout_s=10)
    assert standings(found) == {"a": "new", "b": "retiring"}
    assert (found.rows[1].model.retires_on, found.rows[1].model.context_tokens) == (DAY, 4096)


def test_all_pages_of_an_anthropic_server_are_one_list(workbench: Workbench) -> None:
    with AnthropicServer(api_key="sk-loopback", models=[f"m{n}" for n in range(45)]) as server:
        there = at(workbench, server.url, "m44", "gone", protocol="anthropic")
        found = workbench.engine.run(discover(there, workbench.engine), timeout_s=10)
    assert (found.count(Standing.NEW), standings(found)["gone"]) == (44, "gone")
    assert found.rows[0].model.name == "M0"


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (json_reply({"error": {"message": "no such route"}}, 404), "has no model list at this address"),
        (page_reply(), "answered with a web page"),
        (json_reply({"object": "list"}), "cannot be read"),
        (json_reply({"error": {"message": "bad key", "code": "invalid_api_key"}}, 401), "refused the API key"),
        (Reply((b"{",), framing=Framing.LENGTH), "cannot be read"),
    ],
)
def test_a_provider_without_a_usable_list_says_so(workbench: Workbench, reply: Reply, words: str) -> None:
    with OpenAIServer() as server:
        server.next = reply
        there = at(workbench, server.url)
        with pytest.raises(ProviderError, match=words):
            workbench.engine.run(discover(there, workbench.engine), timeout_s=10)


def test_nothing_is_sent_without_the_key_that_is_needed(workbench: Workbench) -> None:
    with OpenAIServer(models=["a"]) as server:
        provider = workbench.providers.add(ProviderForm("Locked", "openai", server.url))
        with pytest.raises(ProviderError, match="No API key") as caught:
            workbench.engine.run(discover(candidate(workbench, provider.id), workbench.engine), timeout_s=10)
        assert caught.value.kind is ErrorKind.AUTH
        assert not server.requests
