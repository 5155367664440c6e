"""Providers, their models and their keys, as a user edits them and as the router sees them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar, assert_never

from core.catalog import CatalogProvider, load_catalog
from core.changes import MODEL_FIELDS, require_unchanged
from core.encryption import Keyring, clean_key, mask
from core.errors import ChangedMeanwhile, InvalidInput, KeyUnreadable
from core.events import FlagLearned, LimitLearned
from core.ids import new_id
from core.models import check_model
from core.runners import RUNNERS
from core.store import Store
from core.store.connection import Conflict, Cursor
from core.stored_keys import StoredKeys
from core.text import clean_name, name_key
from core.types import Candidate, Check, Key, KeySource, Model, Project, Provider, ProviderFlag, Route, Secret
from core.urls import normalise, origin

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ProviderForm:
    """What a user types about a custom provider. `key` empty: none is stored."""

    name: str
    protocol: str
    base_url: str
    requires_key: bool = True
    key: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class KeyState:
    """What may be shown of a provider's key."""

    source: KeySource | None
    masked: str | None = None
    variable: str | None = None
    problem: str | None = None


class Providers:
    """Every change is checked whole before anything is written, and written in one transaction."""

    def __init__(self, store: Store, keyring: Keyring, environment_keys: Mapping[str, str]) -> None:
        """`environment_keys`: API keys by the variable or secret they come from; used, never stored."""
        self._store = store
        self._keyring = keyring
        self._environment_keys = environment_keys

    # As the router sees them.

    def candidates(self, project: Project | None = None) -> tuple[Candidate, ...]:
        """Return every provider in table order with its models and the key it would use for this project."""
        models = self._store.models.all()
        ciphertexts = self._store.keys.all()
        return tuple(
            self._candidate(provider, tuple(models.get(provider.id, ())), ciphertexts, project)
            for provider in self._store.providers.all()
        )

    def _candidate(
        self,
        provider: Provider,
        models: tuple[Model, ...],
        ciphertexts: Mapping[tuple[str, str], str],
        project: Project | None,
    ) -> Candidate:
        key, problem = self._key(provider, ciphertexts, project)
        spec = RUNNERS.get(provider.protocol)
        return Candidate(provider, models, key, problem, is_demo=bool(spec and spec.is_demo))

    def _key(
        self, provider: Provider, ciphertexts: Mapping[tuple[str, str], str], project: Project | None
    ) -> tuple[Key | None, str | None]:
        """Return the key and what is wrong with it. Precedence: project, stored, environment."""
        owners = [(KeySource.STORED, provider_owner(provider.id))]
        if project and project.provider_id == provider.id:
            owners.insert(0, (KeySource.PROJECT, project_owner(project.id, provider.id)))
        where = origin(provider.base_url) if provider.base_url else ""
        for source, owner in owners:
            if ciphertext := ciphertexts.get((owner, where)):
                try:
                    return Key(self._keyring.decrypt(ciphertext, owner=owner, origin=where), source), None
                except KeyUnreadable as error:
                    return None, error.message
        if built_in := _catalogued(provider):
            for variable in built_in.key_variables:
                if text := self._environment_keys.get(variable):
                    try:
                        return Key(Secret(clean_key(text)), KeySource.ENVIRONMENT, variable), None
                    except InvalidInput as error:
                        return None, f"{variable} cannot be used: {error.message}"
        return None, None

    def key_state(self, candidate: Candidate) -> KeyState:
        if candidate.key is None:
            return KeyState(source=None, problem=candidate.key_problem)
        return KeyState(candidate.key.source, mask(candidate.key.secret), candidate.key.variable)

    def has_stored_key(self, provider: Provider) -> bool:
        """Say whether a key is stored for the provider's present address, readable or not."""
        where = origin(provider.base_url) if provider.base_url else ""
        return (provider_owner(provider.id), where) in self._store.keys.all()

    @property
    def stored_keys(self) -> StoredKeys:
        return StoredKeys(self._store, self._keyring)

    # As a user edits them.

    def check_form(self, form: ProviderForm, *, provider: Provider | None = None) -> Provider:
        """Return the provider a form describes, without writing it. Raises InvalidInput naming the field."""
        if provider and provider.is_builtin:
            built_in = _catalogued(provider)
            regions = [url for _, url in built_in.base_urls] if built_in else [provider.base_url]
            if form.base_url not in regions:
                raise InvalidInput(
                    "A built-in provider keeps its address: choose one of its regions.", field="base_url"
                )
            anthropic = built_in.anthropic_base_url(form.base_url) if built_in else None
            return replace(provider, base_url=form.base_url, anthropic_base_url=anthropic)
        name = clean_name(form.name, what="name")
        if form.protocol not in RUNNERS or not RUNNERS[form.protocol].is_offered:
            raise InvalidInput("Choose a protocol.", field="protocol")
        base = provider or Provider(id=new_id(), name=name, protocol=form.protocol, base_url="")
        taken = {name_key(other.name): other for other in self._store.providers.all() if other.id != base.id}
        if other := taken.get(name_key(name)):
            raise InvalidInput(f"There is already a provider called {other.name}. Choose another name.", field="name")
        return replace(
            base,
            name=name,
            protocol=form.protocol,
            base_url=normalise(form.base_url, form.protocol),
            requires_key=form.requires_key,
        )

    def add(self, form: ProviderForm, *, models: Sequence[Model] = ()) -> Provider:
        """Add a custom provider with its models and the key that was typed, or nothing at all. Raises InvalidInput."""
        provider = self.check_form(form)
        ciphertext = self._encrypt(provider, form.key) if form.key.strip() else None

        def write(cursor: Cursor) -> None:
            self._store.providers.add(cursor, provider)
            self._store.models.add_many(cursor, [replace(model, provider_id=provider.id) for model in models])
            if ciphertext:
                self._put(cursor, provider, ciphertext)

        self._write(write, f"There is already a provider called {provider.name}. Choose another name.", field="name")
        return provider

    def draft(self, form: ProviderForm, *, provider: Provider | None = None) -> Candidate:
        """Return the provider a form describes as the router would see it, without writing it: to try it out.

        The key is the typed one, else the stored one if the address still is where it was entered for. Raises
        InvalidInput naming the field.
        """
        changed = self.check_form(form, provider=provider)
        models = tuple(self._store.models.of(changed.id))
        if form.key.strip():
            return Candidate(changed, models, Key(Secret(clean_key(form.key)), KeySource.STORED))
        key, problem = self._key(changed, self._store.keys.all(), None)
        return Candidate(changed, models, key, problem)

    def save(self, provider: Provider, form: ProviderForm) -> Provider:
        """Change a provider, given as it was when its form was opened.

        A custom one whose address moves to another origin loses its key: it was not for there. Raises InvalidInput, and
        ChangedMeanwhile when another tab was faster.
        """
        changed = self.check_form(form, provider=provider)
        ciphertext = self._encrypt(changed, form.key) if form.key.strip() else None

        def write(cursor: Cursor) -> None:
            current = self._store.providers.get(provider.id) or provider  # it may have been disabled meanwhile
            self.change(cursor, provider, replace(changed, is_enabled=current.is_enabled))
            if ciphertext:
                self._put(cursor, changed, ciphertext)

        self._write(write, f"There is already a provider called {changed.name}. Choose another name.", field="name")
        return changed

    def change(self, cursor: Cursor, provider: Provider, changed: Provider) -> None:
        """Write a change that was checked, as part of a transaction, with what follows from another address.

        `provider` is what the change was made from. Raises ChangedMeanwhile when the row is another one by now.
        """
        require_unchanged(provider, self._store.providers.get(provider.id))
        self._store.providers.save(cursor, changed)
        if loses_key(provider, changed):
            self._store.keys.delete_for_provider(cursor, provider_owner(provider.id))
        if (changed.base_url, changed.protocol) != (provider.base_url, provider.protocol):
            self._store.providers.forget_check(cursor, provider.id)  # it says nothing about another server

    def enable(self, provider: Provider, is_enabled: bool) -> None:
        current = self._store.providers.get(provider.id) or provider  # another tab may have edited it
        changed = replace(current, is_enabled=is_enabled)
        self._store.settings.write(lambda cursor: self._store.providers.save(cursor, changed))

    def delete(self, provider: Provider) -> None:
        """Move a custom provider to the trash and forget its keys. Running turns and old messages are not touched."""
        if provider.is_builtin:
            raise InvalidInput(f"{provider.name} is built in and cannot be deleted. Disable it instead.")

        def write(cursor: Cursor) -> None:
            self._store.providers.delete(cursor, provider.id)
            self._store.keys.delete_for_provider(cursor, provider_owner(provider.id))

        self._store.settings.write(write)

    def restore(self, provider: Provider) -> None:
        """Take a provider out of the trash with its models; its key has to be entered again. Raises InvalidInput."""
        taken = f"There is already a provider called {provider.name}. Rename that one first."
        self._write(lambda cursor: self._store.providers.restore(cursor, provider.id), taken, field="name")

    def put_key(self, provider: Provider, text: str) -> None:
        """Encrypt and store the key for the provider's present address. Raises InvalidInput, KeyUnreadable."""
        ciphertext = self._encrypt(provider, text)

        def write(cursor: Cursor) -> None:
            require_unchanged(provider, self._store.providers.get(provider.id))  # it is for the address the form named
            self._put(cursor, provider, ciphertext)

        self._store.settings.write(write)

    def remove_key(self, provider: Provider) -> None:
        """Forget the key for the provider's present address, and the check that was made with it."""

        def write(cursor: Cursor) -> None:
            self._store.keys.delete(cursor, provider_owner(provider.id), origin=origin(provider.base_url))
            self._store.providers.forget_check(cursor, provider.id)

        self._store.settings.write(write)

    def save_model(self, model: Model, *, is_new: bool, opened: Model | None = None) -> Model:
        """Add or change a model. Raises InvalidInput naming the field.

        `opened` is what the change was made from: ChangedMeanwhile is raised when the row is another one by now.
        """
        clean = check_model(model)
        models = self._store.models

        def write(cursor: Cursor) -> None:
            row = clean
            if is_new and self._store.providers.get(model.provider_id) is None:
                raise ChangedMeanwhile("The provider was deleted meanwhile, in another tab. Nothing was saved.")
            if opened:
                current = next((model for model in models.of(opened.provider_id) if model.id == opened.id), None)
                require_unchanged(opened, current)
                # What the wire has taught since then stays.
                row = replace(current or opened, **{name: getattr(clean, name) for name in MODEL_FIELDS})
            models.add(cursor, row) if is_new else models.save(cursor, row)

        self._write(write, f"This provider already has a model {clean.id}.", field="id")
        return clean

    def delete_model(self, model: Model) -> None:
        self._store.settings.write(lambda cursor: self._store.models.delete(cursor, model.provider_id, model.id))

    def set_default(self, model: Model) -> None:
        self._store.settings.write(lambda cursor: self._store.models.set_default(cursor, model.provider_id, model.id))

    def record_check(self, provider: Provider, check: Check) -> None:
        self._store.settings.write(lambda cursor: self._store.providers.record_check(cursor, provider.id, check))

    def set_fallbacks(self, provider: Provider, entries: tuple[str, ...]) -> None:
        """Store who answers when this provider fails, PROVIDER/MODEL in order."""
        self._store.settings.write(
            lambda cursor: self._store.providers.set_fallbacks(cursor, provider.id, tuple(dict.fromkeys(entries)))
        )

    def learn(self, provider: Provider, flag: ProviderFlag) -> None:
        """Keep what the wire taught us about this provider."""
        self._store.settings.write(lambda cursor: self._store.providers.learn(cursor, provider.id, flag))

    def take(self, route: Route, lesson: FlagLearned | LimitLearned) -> None:
        """Keep what a request has taught."""
        match lesson:
            case FlagLearned(flag):
                self.learn(route.provider, flag)
            case LimitLearned(tokens):
                self.learn_limit(route.model, tokens)
            case _:
                assert_never(lesson)

    def forget(self, provider: Provider, flag: ProviderFlag) -> None:
        """Forget what the wire taught us: the next request tries the parameter again."""
        self._store.settings.write(lambda cursor: self._store.providers.forget_flag(cursor, provider.id, flag))

    def learn_limit(self, model: Model, tokens: int) -> None:
        """Keep the longest answer that a refusal named as this model's."""
        self._store.settings.write(
            lambda cursor: self._store.models.limit_output(cursor, model.provider_id, model.id, tokens)
        )

    def _encrypt(self, provider: Provider, text: str) -> str:
        return self._keyring.encrypt(
            Secret(clean_key(text)), owner=provider_owner(provider.id), origin=origin(provider.base_url)
        )

    def _put(self, cursor: Cursor, provider: Provider, ciphertext: str) -> None:
        where = origin(provider.base_url)
        self._store.keys.put(cursor, provider_owner(provider.id), origin=where, ciphertext=ciphertext)
        self._store.providers.forget_check(cursor, provider.id)  # an old refusal beside a new key misleads

    def _write(self, change: Callable[[Cursor], T], taken: str, *, field: str) -> T:
        try:
            return self._store.settings.write(change)
        except Conflict as conflict:
            raise InvalidInput(taken, field=field) from conflict


def loses_key(provider: Provider, changed: Provider) -> bool:
    """Say whether a custom provider moves to another origin: its key was not for there."""
    return not provider.is_builtin and bool(provider.base_url) and origin(changed.base_url) != origin(provider.base_url)


def provider_owner(provider_id: str) -> str:
    return f"provider:{provider_id}"


def project_owner(project_id: str, provider_id: str) -> str:
    """An override key is for one project and one provider; both are inside the ciphertext."""
    return f"project:{project_id}/{provider_owner(provider_id)}"


def _catalogued(provider: Provider) -> CatalogProvider | None:
    if not provider.is_builtin:
        return None
    return next((row for row in load_catalog().providers if row.id == provider.id), None)
