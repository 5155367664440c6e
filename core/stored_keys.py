"""The ciphertexts of all API keys: under which encryption key each one is, and all of them under the newest.

There is no canary row: each ciphertext says by itself whether the encryption keys at hand open it, and with which.
"""

from dataclasses import dataclass
from enum import StrEnum

from core.encryption import Keyring
from core.errors import KeyUnreadable
from core.store import Store
from core.store.connection import Cursor


class KeyStanding(StrEnum):
    CURRENT = "current"  # under the newest encryption key
    OLDER = "older"  # under one that only older ciphertexts still need
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class StoredKey:
    """One ciphertext, by whom it is for. `problem` says what to do about one that cannot be read."""

    provider: str  # its name; of one in no table any more, its id
    project: str | None
    origin: str
    standing: KeyStanding
    problem: str | None = None


class StoredKeys:
    def __init__(self, store: Store, keyring: Keyring) -> None:
        self._store = store
        self._keyring = keyring

    def report(self) -> list[StoredKey]:
        """Return every stored key, those that cannot be read first."""
        providers = {provider.id: provider.name for provider in self._store.providers.all()}
        projects = {project.id: project.name for project in self._store.projects.all()}
        found = []
        for (owner, origin), ciphertext in self._store.keys.all().items():
            project_id, _, provider_id = owner.rpartition("provider:")
            project_id = project_id.removeprefix("project:").removesuffix("/")
            standing, problem = self._standing(ciphertext, owner, origin)
            provider = providers.get(provider_id, provider_id)
            project = projects.get(project_id, project_id) if project_id else None
            found.append(StoredKey(provider, project, origin, standing, problem))
        return sorted(
            found, key=lambda key: (key.standing is not KeyStanding.UNREADABLE, key.provider, key.project or "")
        )

    def reencrypt(self) -> int:
        """Put every key that can be read under the newest encryption key, in one transaction; return how many moved.

        What cannot be read is left as it is. Raises StorageError, and then all are as they were.
        """

        def write(cursor: Cursor) -> int:
            moved = 0
            for (owner, origin), ciphertext in self._store.keys.all().items():
                if self._standing(ciphertext, owner, origin)[0] is KeyStanding.OLDER:
                    self._store.keys.rewrite(
                        cursor, owner, origin=origin, ciphertext=self._keyring.reencrypt(ciphertext)
                    )
                    moved += 1
            return moved

        return self._store.settings.write(write)

    def _standing(self, ciphertext: str, owner: str, origin: str) -> tuple[KeyStanding, str | None]:
        try:
            self._keyring.decrypt(ciphertext, owner=owner, origin=origin)
        except KeyUnreadable as error:
            return KeyStanding.UNREADABLE, error.message
        return (KeyStanding.CURRENT if self._keyring.is_newest(ciphertext) else KeyStanding.OLDER), None
