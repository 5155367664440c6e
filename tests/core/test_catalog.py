"""The catalogue as shipped: complete, priced with sources, consistent with itself."""

from datetime import date
from decimal import Decimal

import pytest

from core.catalog import CatalogProvider, load_catalog
from core.models import check_model
from core.runners import RUNNERS
from core.types import Model, Price, Tier
from core.urls import normalise

THINKING = {None, "adaptive", "always", "budget", "effort", "enable_thinking", "type"}

# The models of the first request: id and name.
ASKED = {
    "claude-opus-4-5-20251101": "Opus 4.5",
    "claude-sonnet-4-5-20250929": "Sonnet 4.5",
    "claude-3-5-haiku-20241022": "Haiku 3.5",
    "gpt-4o": "GPT-4o",
    "gpt-4o-mini": "GPT-4o mini",
    "deepseek-chat": "Deepseek V3",
    "deepseek-reasoner": "Deepseek R1",
    "qwen-plus": "Qwen Plus",
    "qwen-turbo": "Qwen Turbo",
    "qwen-max": "Qwen Max",
    "glm-4-plus": "GLM-4 Plus",
    "glm-4-flash": "GLM-4 Flash",
}


def _provider(provider_id: str) -> CatalogProvider:
    return next(provider for provider in load_catalog().providers if provider.id == provider_id)


def _models() -> dict[str, Model]:
    return {model.id: model for provider in load_catalog().providers for model in provider.models}


def test_the_built_in_providers_come_in_table_order_with_the_demo_last() -> None:
    providers = load_catalog().providers
    assert [provider.name for provider in providers] == ["Anthropic", "OpenAI", "DeepSeek", "Qwen", "GLM", "Demo"]
    assert len({provider.id for provider in providers}) == len(providers)
    assert {provider.protocol for provider in providers} <= RUNNERS.keys()


def test_the_catalogue_is_read_once_and_names_its_date() -> None:
    assert load_catalog() is load_catalog()
    assert date.fromisoformat(load_catalog().version)


def test_all_models_of_the_first_request_are_there_under_their_names() -> None:
    models = _models()
    assert {model_id: models[model_id].name for model_id in ASKED} == ASKED


def test_every_model_id_is_unique_within_its_provider() -> None:
    for provider in load_catalog().providers:
        assert len({model.id for model in provider.models}) == len(provider.models)
        assert {model.provider_id for model in provider.models} == {provider.id}


def test_every_provider_has_one_default_model_which_the_vendor_does_not_retire() -> None:
    for provider in load_catalog().providers:
        (default,) = (model for model in provider.models if model.is_default)
        assert default.retires_on is None
        assert default.replacement is None


def test_every_price_has_a_source_a_date_and_exact_amounts() -> None:
    for model in _models().values():
        price = model.price
        assert price.source
        assert price.as_of == date.fromisoformat(load_catalog().version)
        for amount in (price.input, price.output):
            assert isinstance(amount, Decimal)
            assert amount >= 0


def test_a_cache_read_costs_less_than_input() -> None:
    for model in _models().values():
        if model.price.cache_read is not None:
            assert model.price.input is not None
            assert 0 < model.price.cache_read < model.price.input


def test_a_cache_write_costs_a_quarter_more_than_input_where_vendors_charge_for_it() -> None:
    for model in _models().values():
        prices: list[Price | Tier] = [model.price, *model.price.tiers]
        for price in prices:
            if model.provider_id == "anthropic" or (model.provider_id == "openai" and price.cache_write is not None):
                assert price.input is not None
                assert price.cache_write == price.input * Decimal("1.25")


def test_the_catalogue_is_checked_like_typed_input() -> None:
    for model in _models().values():
        assert check_model(model) == model


def test_tiers_cost_more_and_windows_less() -> None:
    models = _models()
    tiered = {model.id for model in models.values() if model.price.tiers}
    assert tiered == {"claude-haiku-5-5", "gpt-6.1-sol", "gpt-6-luna", "gpt-6.1-terra", "qwen-plus"}
    for model_id in tiered:
        [tier] = models[model_id].price.tiers
        assert tier.input is not None and tier.input > (models[model_id].price.input or 0)
    for model_id in ("deepseek-flash", "deepseek-v4-pro"):
        assert {window.factor for window in models[model_id].price.windows} == {Decimal("0.5")}


def test_a_replacement_is_a_model_of_the_same_provider_that_is_not_retired_itself() -> None:
    for provider in load_catalog().providers:
        models = {model.id: model for model in provider.models}
        for model in provider.models:
            if model.replacement is not None:
                assert models[model.replacement].retires_on is None
            if model.retires_on is not None:
                assert model.replacement is not None


@pytest.mark.parametrize(
    ("model_id", "retires_on", "replacement"),
    [
        ("claude-sonnet-4-5-20250929", date(2026, 11, 30), "claude-sonnet-5-5"),
        ("claude-3-5-haiku-20241022", date(2026, 2, 19), "claude-haiku-5-5"),
        ("deepseek-chat", date(2026, 7, 24), "deepseek-flash"),
        ("qwen-max", date(2026, 7, 13), "qwen3.8-max"),
        ("glm-4-flash", None, "glm-4.7-flash"),
        ("claude-opus-4-5-20251101", None, None),
    ],
)
def test_a_retired_model_says_when_and_what_to_use(
    model_id: str, retires_on: date | None, replacement: str | None
) -> None:
    model = _models()[model_id]
    assert (model.retires_on, model.replacement) == (retires_on, replacement)


def test_thinking_and_limits_are_in_the_vocabulary() -> None:
    for model in _models().values():
        assert model.thinking in THINKING
        if model.max_output_tokens is not None:
            assert model.context_tokens is not None
            assert 0 < model.max_output_tokens < model.context_tokens


def test_every_base_url_is_in_its_one_spelling_already() -> None:
    for provider in load_catalog().providers:
        if provider.id == "demo":
            continue
        for _, url in provider.base_urls:
            assert normalise(url, provider.protocol, allow_private=False) == url
        for _, url in provider.anthropic_base_urls:
            assert normalise(url, "anthropic", allow_private=False) == url


def test_an_anthropic_url_belongs_to_a_region_of_the_provider() -> None:
    for provider in load_catalog().providers:
        assert {region for region, _ in provider.anthropic_base_urls} <= {region for region, _ in provider.base_urls}


def test_the_anthropic_url_follows_the_region() -> None:
    glm = _provider("glm")
    assert glm.anthropic_base_url("https://api.z.ai/api/paas/v4") == "https://api.z.ai/api/anthropic"
    assert glm.anthropic_base_url(glm.base_url) == "https://open.bigmodel.cn/api/anthropic"
    qwen = _provider("qwen")
    assert qwen.anthropic_base_url(qwen.base_url) is None
    assert glm.anthropic_base_url("https://elsewhere.example") is None


def test_built_in_providers_need_a_key_with_a_variable_and_the_demo_needs_none() -> None:
    for provider in load_catalog().providers:
        assert provider.requires_key is (provider.id != "demo")
        assert bool(provider.key_variables) is provider.requires_key
    demo = _provider("demo")
    assert (demo.base_url, [model.id for model in demo.models]) == ("", ["demo-guide", "demo-echo"])
    assert all(model.price.input == model.price.output == 0 for model in demo.models)


@pytest.mark.parametrize(
    ("alias", "model_id"),
    [
        ("sonnet-4", "claude-sonnet-4-20250514"),
        ("sonnet-4.5", "claude-sonnet-4-5-20250929"),
        ("opus-4", "claude-opus-4-20250514"),
        ("opus-4.5", "claude-opus-4-5-20251101"),
        ("haiku-3.5", "claude-3-5-haiku-20241022"),
        ("sonnet", "claude-sonnet-5-5"),
        ("opus", "claude-opus-5-5"),
        ("haiku", "claude-haiku-5-5"),
    ],
)
def test_an_alias_stands_for_its_id(alias: str, model_id: str) -> None:
    assert load_catalog().aliases[alias] == model_id


def test_no_alias_hides_a_model_id() -> None:
    assert not load_catalog().aliases.keys() & _models().keys()
