"""Two tabs edit the same provider: the second is told what the first has changed, and nothing is written over it."""

from dataclasses import replace

import pytest

from core.errors import ChangedMeanwhile
from core.provider_file import bring_in, plan, write_file
from core.providers import ProviderForm
from core.types import Model, Provider, ProviderFlag
from core.workbench import Workbench

FORM = ProviderForm("Mine", "openai", "https://mine.example/v1", key="the-key-of-this-provider")


def current(workbench: Workbench, provider: Provider) -> Provider:
    found = workbench.store.providers.get(provider.id)
    assert found is not None
    return found


def test_the_second_save_is_refused_with_what_changed_and_saving_again_replaces_it(workbench: Workbench) -> None:
    opened = workbench.providers.add(FORM)
    first = workbench.providers.save(opened, replace(FORM, name="Ours", base_url="https://ours.example", key=""))
    second = replace(FORM, name="Theirs", key="")
    with pytest.raises(ChangedMeanwhile) as caught:
        workbench.providers.save(opened, second)
    assert caught.value.message == (
        "Mine was changed meanwhile, in another tab: the name is now Ours; the base URL is now https://ours.example. "
        "Nothing was saved. Save again to put what stands here in its place."
    )
    assert caught.value.current == current(workbench, opened) == first
    assert workbench.providers.save(first, second).name == current(workbench, opened).name == "Theirs"


def test_what_no_form_edits_is_no_change_and_stays(workbench: Workbench) -> None:
    opened = workbench.providers.add(FORM)
    workbench.providers.enable(opened, False)
    workbench.providers.learn(opened, ProviderFlag.MAX_TOKENS)
    workbench.providers.save(opened, replace(FORM, name="Ours", key=""))
    found = current(workbench, opened)
    assert (found.name, found.is_enabled, found.flags) == ("Ours", False, frozenset({ProviderFlag.MAX_TOKENS}))


def test_a_provider_that_another_tab_has_deleted_takes_no_change_no_model_and_no_key(workbench: Workbench) -> None:
    opened = workbench.providers.add(FORM)
    workbench.providers.delete(opened)
    with pytest.raises(ChangedMeanwhile, match="Mine was deleted meanwhile"):
        workbench.providers.save(opened, replace(FORM, name="Ours"))
    with pytest.raises(ChangedMeanwhile, match="Mine was deleted meanwhile"):
        workbench.providers.put_key(opened, "another-key")
    with pytest.raises(ChangedMeanwhile, match="provider was deleted meanwhile"):
        workbench.providers.save_model(Model(opened.id, "m", "M"), is_new=True)
    assert not workbench.store.keys.has_any() and not workbench.store.models.of(opened.id)
    assert [provider.name for provider, _ in workbench.store.providers.deleted()] == ["Mine"]


def test_a_key_is_not_stored_for_an_address_that_moved_meanwhile(workbench: Workbench) -> None:
    opened = workbench.providers.add(FORM)
    workbench.providers.save(opened, replace(FORM, base_url="https://ours.example", key=""))
    with pytest.raises(ChangedMeanwhile, match=r"base URL is now https://ours\.example"):
        workbench.providers.put_key(opened, "another-key")
    assert not workbench.store.keys.has_any()


def test_a_file_that_was_looked_at_before_the_change_is_not_brought_in(workbench: Workbench) -> None:
    opened = workbench.providers.add(FORM)
    text = write_file(workbench.providers.candidates()).replace("mine.example", "file.example")
    entries = plan(text, workbench.providers)
    changed = workbench.providers.save(opened, replace(FORM, name="Ours", key=""))
    with pytest.raises(ChangedMeanwhile, match="the name is now Ours"):
        bring_in(entries, workbench.providers, workbench.store)
    assert current(workbench, opened) == changed


def test_a_model_keeps_what_the_wire_taught_while_its_form_was_open(workbench: Workbench) -> None:
    opened = workbench.providers.save_model(Model("openai", "mine", "Mine"), is_new=True)
    workbench.providers.save_model(replace(opened, max_output_tokens=4096), is_new=False)
    workbench.providers.save_model(replace(opened, name="Ours"), is_new=False, opened=opened)
    [found] = [model for model in workbench.store.models.of("openai") if model.id == "mine"]
    assert (found.name, found.max_output_tokens) == ("Ours", 4096)
    with pytest.raises(ChangedMeanwhile, match="Mine was changed meanwhile, in another tab: the name is now Ours"):
        workbench.providers.save_model(replace(opened, context_tokens=5), is_new=False, opened=opened)
