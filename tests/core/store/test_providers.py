"""The providers table: its order, its trash, what the wire taught, the last check."""

from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import pytest

from core.store import Store
from core.store.connection import Conflict
from core.types import Check, Provider, ProviderFlag

CUSTOM = Provider("c", "Custom", "openai", "https://c.example/v1", requires_key=False)
BUILT_IN = Provider(
    "b",
    "Built in",
    "openai",
    "https://b.example",
    is_enabled=False,
    is_builtin=True,
    anthropic_base_url="https://b.example/anthropic",
    flags=frozenset({ProviderFlag.MAX_TOKENS}),
)


def add(store: Store, *providers: Provider) -> None:
    for provider in providers:
        store.settings.write(partial(store.providers.add, provider=provider))


def test_built_ins_come_first_then_creation_decides(store: Store) -> None:
    later = replace(CUSTOM, id="a", name="Aardvark")
    add(store, CUSTOM, later, BUILT_IN)
    assert store.providers.all() == [BUILT_IN, CUSTOM, later]
    assert store.providers.get("b") == BUILT_IN
    assert store.providers.get("nobody") is None


@pytest.mark.parametrize("name", ["Custom", "CUSTOM", "Ｃustom"])
def test_a_name_is_taken_whatever_its_case_or_form(store: Store, name: str) -> None:
    add(store, CUSTOM)
    with pytest.raises(Conflict):
        add(store, replace(CUSTOM, id="other", name=name))
    assert store.providers.all() == [CUSTOM]


def test_saving_writes_the_fields_of_the_form_and_keeps_what_was_learned(store: Store) -> None:
    add(store, CUSTOM)
    store.settings.write(lambda cursor: store.providers.learn(cursor, "c", ProviderFlag.NO_STREAM_OPTIONS))
    changed = replace(CUSTOM, name="New", base_url="https://new.example", protocol="anthropic", is_enabled=False)
    store.settings.write(lambda cursor: store.providers.save(cursor, changed))
    assert store.providers.get("c") == replace(changed, flags=frozenset({ProviderFlag.NO_STREAM_OPTIONS}))


def test_the_trash_hides_a_provider_and_frees_its_name(store: Store) -> None:
    add(store, CUSTOM)
    store.settings.write(lambda cursor: store.providers.delete(cursor, "c"))
    assert store.providers.all() == []
    assert store.providers.get("c") is None
    add(store, replace(CUSTOM, id="next"))
    assert [provider.id for provider in store.providers.all()] == ["next"]


def test_a_lesson_is_kept_once_and_one_of_a_newer_version_is_passed_over(store: Store) -> None:
    add(store, CUSTOM)
    for flag in (ProviderFlag.NO_STREAM_OPTIONS, ProviderFlag.MAX_TOKENS, ProviderFlag.NO_STREAM_OPTIONS):
        store.settings.write(partial(store.providers.learn, provider_id="c", flag=flag))
    store.settings.write(
        lambda cursor: cursor.execute("UPDATE providers SET flags = list_append(flags, 'from_the_future')")
    )
    [provider] = store.providers.all()
    assert provider.flags == {ProviderFlag.NO_STREAM_OPTIONS, ProviderFlag.MAX_TOKENS}


def test_the_last_check_is_kept(store: Store) -> None:
    add(store, CUSTOM, BUILT_IN)
    for is_ok, latency_ms in ((False, None), (True, 120)):
        check = Check(is_ok, "seen", latency_ms, datetime(2026, 11, 23, 12, tzinfo=UTC))
        store.settings.write(partial(store.providers.record_check, provider_id="c", check=check))
        assert store.providers.checks() == {"c": check}


def test_what_was_seeded_is_remembered(store: Store) -> None:
    store.settings.write(lambda cursor: store.providers.mark_seeded(cursor, "b/m", version="2026-11-23"))
    assert store.providers.seeded() == {"b/m"}
