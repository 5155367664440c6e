"""Rotation: every key under the newest encryption key, in one transaction, and nothing unreadable is touched."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from cryptography.fernet import Fernet

from core.config import Config, load_config
from core.errors import StorageError
from core.projects import ProjectForm
from core.providers import ProviderForm, provider_owner
from core.store.connection import Cursor
from core.stored_keys import KeyStanding
from core.workbench import Workbench

OLD, NEW, OTHER = (Fernet.generate_key().decode() for _ in range(3))


@contextmanager
def started(config: Config, encryption_key: str) -> Iterator[Workbench]:
    environ = {"SWITCHBOARD_DATA_DIR": str(config.data_dir), "ENCRYPTION_KEY": encryption_key}
    workbench = Workbench(load_config(environ, {}))
    yield workbench
    workbench.close()


def standings(workbench: Workbench) -> dict[str, str]:
    return {
        key.provider + (f"/{key.project}" if key.project else ""): key.standing.value
        for key in workbench.providers.stored_keys.report()
    }


def secrets(workbench: Workbench) -> list[str]:
    return [found.key.secret.reveal() for found in workbench.providers.candidates() if found.key]


def test_all_keys_move_to_the_newest_encryption_key(config: Config) -> None:
    with started(config, OLD) as workbench:
        one = workbench.providers.add(ProviderForm("One", "openai", "https://one.example", key="key-one"))
        workbench.providers.add(ProviderForm("Two", "openai", "https://two.example", key="key-two"))
        workbench.projects.save(ProjectForm("Atlas", provider_id=one.id, key="key-atlas"))
    with started(config, f"{NEW},{OLD}") as workbench:
        assert standings(workbench) == {"One": "older", "One/Atlas": "older", "Two": "older"}
        assert workbench.providers.stored_keys.reencrypt() == 3
        assert set(standings(workbench).values()) == {"current"}
        assert workbench.providers.stored_keys.reencrypt() == 0
    with started(config, NEW) as workbench:
        assert secrets(workbench) == ["key-one", "key-two"]


def test_what_cannot_be_read_is_listed_and_left_until_the_user_acts(config: Config) -> None:
    with started(config, OTHER) as workbench:
        lost = workbench.providers.add(ProviderForm("Lost", "openai", "https://lost.example", key="key-lost"))
    with started(config, OLD) as workbench:
        workbench.providers.add(ProviderForm("Kept", "openai", "https://kept.example", key="key-kept"))
    with started(config, f"{NEW},{OLD}") as workbench:
        before = workbench.store.keys.all()
        [unreadable, _] = workbench.providers.stored_keys.report()
        assert (unreadable.provider, unreadable.standing) == ("Lost", KeyStanding.UNREADABLE)
        assert unreadable.problem is not None and "enter the key again" in unreadable.problem
        assert workbench.providers.stored_keys.reencrypt() == 1
        place = (provider_owner(lost.id), "https://lost.example")
        assert workbench.store.keys.all()[place] == before[place]
    with started(config, f"{NEW},{OTHER}") as workbench:
        assert secrets(workbench) == ["key-lost", "key-kept"]


def test_a_failure_leaves_all_keys_as_they_were(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    with started(config, OLD) as workbench:
        for name in ("one", "two"):
            workbench.providers.add(ProviderForm(name, "openai", f"https://{name}.example", key="a-key"))
    with started(config, f"{NEW},{OLD}") as workbench:
        before = workbench.store.keys.all()
        rewrite, calls = workbench.store.keys.rewrite, []

        def fail_at_the_second(cursor: Cursor, owner: str, *, origin: str, ciphertext: str) -> None:
            calls.append(owner)
            if len(calls) == 2:
                raise StorageError("The disk is full.")
            rewrite(cursor, owner, origin=origin, ciphertext=ciphertext)

        monkeypatch.setattr(workbench.store.keys, "rewrite", fail_at_the_second)
        with pytest.raises(StorageError):
            workbench.providers.stored_keys.reencrypt()
        assert len(calls) == 2
        assert workbench.store.keys.all() == before


def test_a_key_of_a_swapped_row_is_not_moved(config: Config) -> None:
    with started(config, OLD) as workbench:
        one = workbench.providers.add(ProviderForm("One", "openai", "https://one.example", key="key-one"))
        two = workbench.providers.add(ProviderForm("Two", "openai", "https://two.example"))
        [stolen] = workbench.store.keys.all().values()
        workbench.store.settings.write(
            lambda cursor: workbench.store.keys.put(
                cursor, provider_owner(two.id), origin="https://two.example", ciphertext=stolen
            )
        )
    with started(config, f"{NEW},{OLD}") as workbench:
        assert standings(workbench) == {"Two": "unreadable", "One": "older"}
        assert workbench.providers.stored_keys.reencrypt() == 1
        assert workbench.store.keys.all()[(provider_owner(two.id), "https://two.example")] == stolen
        assert workbench.store.keys.all()[(provider_owner(one.id), "https://one.example")] != stolen
