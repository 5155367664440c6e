"""The trash of providers: back with its models within 30 days, gone for good afterwards."""

from datetime import UTC, datetime, timedelta

import pytest

from core.errors import InvalidInput
from core.providers import ProviderForm
from core.types import Model, Provider
from core.workbench import Workbench
from tests.conftest import finished, send

FORM = ProviderForm("Mine", "openai", "https://mine.example", key="a-key")


def names(workbench: Workbench) -> list[str]:
    return [provider.name for provider in workbench.store.providers.all() if not provider.is_builtin]


def deleted(workbench: Workbench, form: ProviderForm = FORM) -> Provider:
    provider = workbench.providers.add(form, models=[Model("", "a", "A"), Model("", "b", "B", is_default=True)])
    workbench.providers.delete(provider)
    return provider


def test_a_deleted_provider_comes_back_with_its_models_and_without_its_key(workbench: Workbench) -> None:
    provider = deleted(workbench)
    [(in_trash, since)] = workbench.store.providers.deleted()
    assert (in_trash, names(workbench)) == (provider, [])
    assert datetime.now(UTC) - since < timedelta(minutes=1)
    workbench.providers.restore(in_trash)
    assert (names(workbench), workbench.store.providers.deleted()) == (["Mine"], [])
    [model] = [model for model in workbench.store.models.of(provider.id) if model.is_default]
    assert model.id == "b"
    assert not workbench.store.keys.has_any()


def test_a_name_that_is_taken_meanwhile_is_told(workbench: Workbench) -> None:
    provider = deleted(workbench)
    workbench.providers.add(ProviderForm("MINE", "openai", "https://other.example"))
    with pytest.raises(InvalidInput, match="already a provider called Mine"):
        workbench.providers.restore(provider)
    assert names(workbench) == ["MINE"]
    assert len(workbench.store.providers.deleted()) == 1


def test_after_its_time_a_provider_goes_with_its_models_and_nothing_else_does(workbench: Workbench) -> None:
    gone = deleted(workbench)
    kept = workbench.providers.add(FORM, models=[Model("", "a", "A")])
    count = sum(map(len, workbench.store.models.all().values()))
    workbench.store.providers.purge(deleted_before=datetime.now(UTC) - timedelta(days=30))
    assert len(workbench.store.providers.deleted()) == 1
    workbench.store.providers.purge(deleted_before=datetime.now(UTC) + timedelta(seconds=1))
    assert workbench.store.providers.deleted() == []
    assert workbench.store.models.of(gone.id) == []
    assert sum(map(len, workbench.store.models.all().values())) == count - 2
    assert workbench.store.providers.get(kept.id) == kept


def test_old_messages_keep_the_name_of_a_provider_that_is_gone(workbench: Workbench, provider: Provider) -> None:
    conversation_id = send(workbench, "Hello", provider)
    finished(workbench, conversation_id)
    workbench.providers.delete(provider)
    workbench.store.providers.purge(deleted_before=datetime.now(UTC) + timedelta(seconds=1))
    assert finished(workbench, conversation_id).provider_name == "Stage"
