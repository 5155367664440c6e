"""Projects as a user edits them. An override key needs an override provider and is cleared when that changes."""

from dataclasses import dataclass, field, replace

from core.agents import MCP_SERVERS
from core.encryption import Keyring, clean_key
from core.errors import InvalidInput
from core.ids import new_id
from core.providers import project_owner
from core.store import Store
from core.store.connection import Conflict, Cursor
from core.text import clean_identifier, clean_name, storable
from core.types import Project, Provider, Secret
from core.urls import origin

DEFAULT_PROJECT_ID = "default"
SYSTEM_PROMPT_LIMIT = 100_000  # characters


@dataclass(frozen=True, slots=True)
class ProjectForm:
    """What a user types about a project. `key` empty: what is stored stays."""

    name: str
    system_prompt: str = ""
    model_id: str | None = None
    provider_id: str | None = None
    key: str = field(default="", repr=False)
    fallbacks: tuple[str, ...] = ()


class Projects:
    def __init__(self, store: Store, keyring: Keyring) -> None:
        self._store = store
        self._keyring = keyring

    def ensure_default(self) -> None:
        """Make the project that conversations belong to when nobody chose one."""
        if self._store.projects.get(DEFAULT_PROJECT_ID) is None:
            project = Project(id=DEFAULT_PROJECT_ID, name="Default")
            self._store.settings.write(lambda cursor: self._store.projects.add(cursor, project))

    def save(self, form: ProjectForm, *, project: Project | None = None) -> Project:
        """Add a project, or change one. Raises InvalidInput naming the field; nothing is half saved."""
        prompt = storable(form.system_prompt).strip()
        if len(prompt) > SYSTEM_PROMPT_LIMIT:
            raise InvalidInput(
                f"The system prompt has {len(prompt):,} characters; {SYSTEM_PROMPT_LIMIT:,} is the most.",
                field="system_prompt",
            )
        provider = self._store.providers.get(form.provider_id) if form.provider_id else None
        if form.provider_id and provider is None:
            raise InvalidInput("The provider no longer exists. Choose another.", field="provider_id")
        if form.key.strip() and provider is None:
            raise InvalidInput("A key of its own needs a provider of its own: choose one first.", field="key")
        saved = replace(
            project or Project(id=new_id(), name=""),
            name=clean_name(form.name, what="name"),
            system_prompt=prompt or None,
            model_id=clean_identifier(form.model_id, what="model id", field="model_id") if form.model_id else None,
            provider_id=provider.id if provider else None,
            fallbacks=self._known(form.fallbacks),
        )
        ciphertext = self._encrypt(saved, provider, form.key) if provider and form.key.strip() else None

        def write(cursor: Cursor) -> None:
            if project is None:
                self._store.projects.add(cursor, saved)
            else:
                self._store.projects.save(cursor, saved)
                if project.provider_id and project.provider_id != saved.provider_id:
                    self._store.keys.delete(cursor, project_owner(saved.id, project.provider_id))
            if provider and ciphertext:
                owner = project_owner(saved.id, provider.id)
                self._store.keys.put(cursor, owner, origin=origin(provider.base_url), ciphertext=ciphertext)

        try:
            self._store.settings.write(write)
        except Conflict as conflict:
            raise InvalidInput(f"There is already a project called {saved.name}.", field="name") from conflict
        return saved

    def has_key(self, project: Project) -> bool:
        """Say whether the project has a key of its own for its provider, readable or not."""
        if project.provider_id is None:
            return False
        owner = project_owner(project.id, project.provider_id)
        return any(found == owner for found, _ in self._store.keys.all())

    def remove_key(self, project: Project) -> None:
        if provider_id := project.provider_id:
            owner = project_owner(project.id, provider_id)
            self._store.settings.write(lambda cursor: self._store.keys.delete(cursor, owner))

    def restore(self, project: Project) -> None:
        """Take a project back out of the archive. Raises InvalidInput while another one has its name."""
        try:
            self._store.settings.write(lambda cursor: self._store.projects.restore(cursor, project.id))
        except Conflict as conflict:
            raise InvalidInput(f"There is another project called {project.name} now: rename that one first.") from (
                conflict
            )

    def archive(self, project: Project) -> None:
        """Put a project away and forget its key. Its conversations stay and are answered as without a project."""
        if project.id == DEFAULT_PROJECT_ID:
            raise InvalidInput("The default project cannot be archived: conversations without another live in it.")

        def write(cursor: Cursor) -> None:
            self._store.projects.delete(cursor, project.id)
            self._store.keys.delete(cursor, project_owner(project.id, MCP_SERVERS))
            if project.provider_id:
                self._store.keys.delete(cursor, project_owner(project.id, project.provider_id))

        self._store.settings.write(write)

    def _known(self, entries: tuple[str, ...]) -> tuple[str, ...]:
        models = self._store.models.all()
        known = {
            f"{provider.id}/{m.id}" for provider in self._store.providers.all() for m in models.get(provider.id, ())
        }
        if gone := [entry for entry in entries if entry not in known]:
            raise InvalidInput(f"{gone[0]} no longer exists. Choose others.", field="fallbacks")
        return tuple(dict.fromkeys(entries))

    def _encrypt(self, project: Project, provider: Provider, text: str) -> str:
        owner = project_owner(project.id, provider.id)
        return self._keyring.encrypt(Secret(clean_key(text)), owner=owner, origin=origin(provider.base_url))
