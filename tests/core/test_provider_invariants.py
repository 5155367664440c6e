"""Whatever users do with providers and models, in any order, the store's promises hold. Against a real DuckDB file."""

import shutil
import tempfile
import unicodedata
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from core.config import Config
from core.encryption import Keyring
from core.errors import ChangedMeanwhile, InvalidInput
from core.providers import ProviderForm, Providers
from core.seeding import seed
from core.store import Store
from core.text import name_key
from core.types import Model, Provider

# Names that look alike: case, full width, composed and decomposed, a sharp s. And built-in ones.
NAMES = ("Über", "über", "U\u0308BER", "Straße", "STRASSE", "Gate", "ＧＡＴＥ", "openai", "Demo")
MODELS = ("a", "b", "A", "ａ", "gpt-4o")
ORIGINS = ("https://one.example", "https://two.example/v1")


class ProviderMachine(RuleBasedStateMachine):
    """Two tabs' worth of providers: what a rule holds may be older than what the store has."""

    folder: Path  # a copy of what was seeded once
    providers_seen = Bundle("providers_seen")

    @initialize(target=providers_seen)
    def open(self) -> object:
        self.home = Path(tempfile.mkdtemp())
        shutil.copytree(self.folder, self.home / "data")
        self.store = Store(self.home / "data")
        keyring = Keyring(None, self.store.folder, has_ciphertexts=self.store.keys.has_any)
        self.providers = Providers(self.store, keyring, {})
        forms = [ProviderForm(name, "openai", ORIGINS[0]) for name in ("Gate", "Straße")]
        mine = [self.providers.add(form, models=[Model("", "a", "A")]) for form in forms]
        return multiple(self.store.providers.all()[1], *mine)

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()
            shutil.rmtree(self.home)

    def attempt(self, change: Callable[[], object]) -> None:
        with suppress(InvalidInput):  # a name that is taken, a row that another tab has changed: said, and not done
            change()

    @rule(target=providers_seen, name=st.sampled_from(NAMES), ids=st.lists(st.sampled_from(MODELS), unique=True))
    def add(self, name: str, ids: list[str]) -> object:
        taken = {name_key(provider.name) for provider in self.store.providers.all()}
        models = [Model("", model_id, model_id, is_default=model_id == "b") for model_id in ids]
        form = ProviderForm(name, "openai", ORIGINS[0], key="a-key-to-be-lost")
        try:
            return self.providers.add(form, models=models)
        except InvalidInput:
            assert name_key(name) in taken
            return multiple()

    @rule(provider=providers_seen, name=st.sampled_from(NAMES), url=st.sampled_from(ORIGINS))
    def save(self, provider: Provider, name: str, url: str) -> None:
        was = self.store.providers.get(provider.id)
        try:
            self.providers.save(
                provider, ProviderForm(name, "openai", provider.base_url if provider.is_builtin else url)
            )
        except ChangedMeanwhile:
            assert was is None or replace(was, is_enabled=True) != replace(provider, is_enabled=True)
        except InvalidInput:
            assert self.store.providers.get(provider.id) == was

    @rule(provider=providers_seen)
    def delete(self, provider: Provider) -> None:
        self.attempt(lambda: self.providers.delete(provider))

    @rule(index=st.integers(0, 2))
    def restore(self, index: int) -> None:
        if deleted := self.store.providers.deleted()[index : index + 1]:
            self.attempt(lambda: self.providers.restore(deleted[0][0]))

    @rule(provider=providers_seen, is_enabled=st.booleans())
    def enable(self, provider: Provider, is_enabled: bool) -> None:
        self.providers.enable(provider, is_enabled)

    @rule(provider=providers_seen, model_id=st.sampled_from(MODELS), wants_default=st.booleans())
    def add_model(self, provider: Provider, model_id: str, wants_default: bool) -> None:
        model = Model(provider.id, model_id, model_id, is_default=wants_default)
        self.attempt(lambda: self.providers.save_model(model, is_new=True))

    @rule(provider=providers_seen, model_id=st.sampled_from(MODELS))
    def delete_model(self, provider: Provider, model_id: str) -> None:
        self.providers.delete_model(Model(provider.id, model_id, model_id))

    @rule(provider=providers_seen, model_id=st.sampled_from(MODELS))
    def set_default(self, provider: Provider, model_id: str) -> None:
        self.providers.set_default(Model(provider.id, model_id, model_id))

    @rule(provider=providers_seen)
    def delete_for_good(self, provider: Provider) -> None:
        self.attempt(lambda: self.providers.delete(provider))
        self.store.providers.purge(deleted_before=datetime(9999, 1, 1, tzinfo=UTC))

    @rule()
    def start_again(self) -> None:
        before = self.store.providers.all(), self.store.models.all()
        seed(self.store)
        assert (self.store.providers.all(), self.store.models.all()) == before

    @invariant()
    def promises_hold(self) -> None:
        providers = self.store.providers.all()
        with self.store.settings.read() as cursor:
            rows = {row[0] for row in cursor.execute("SELECT id FROM providers").fetchall()}
            owners = cursor.execute(
                "SELECT provider_id, count(*) FILTER (is_default) FROM models GROUP BY provider_id"
            ).fetchall()
        looks = [unicodedata.normalize("NFKC", provider.name.casefold()).casefold() for provider in providers]
        assert len(set(looks)) == len(looks), "two names look alike"
        assert {owner for owner, _ in owners} <= rows, "a model without a provider"
        assert {defaults for _, defaults in owners} <= {1}, "not one default"
        assert [provider.id for provider in providers if provider.is_builtin] == self.builtins(), "a built-in is gone"
        keys = {owner.removeprefix("provider:") for owner, _ in self.store.keys.all()}
        assert keys <= {provider.id for provider in providers}, "a key without a provider"

    def builtins(self) -> list[str]:
        return ["anthropic", "openai", "deepseek", "qwen", "glm", "demo"]


def test_the_promises_of_the_store_hold_whatever_is_done(seeded_folder: Path, config: Config) -> None:
    machine = type("Machine", (ProviderMachine,), {"folder": seeded_folder})
    few = settings(
        max_examples=12,
        stateful_step_count=25,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    run_state_machine_as_test(machine, settings=few)
