"""The one Workbench of a process: configuration, store, keys, engine, and what pages do with them."""

import logging
from datetime import UTC, datetime, timedelta

from core.agents import Agents
from core.config import Config
from core.encryption import Keyring
from core.engine import Engine
from core.interrupted import mark_interrupted
from core.projects import Projects
from core.providers import Providers
from core.raw import RawBodies
from core.router import problem
from core.seeding import seed
from core.store import Store
from core.store.backup import DailyBackup
from core.turns import Turns

logger = logging.getLogger(__name__)
TRASH_KEPT = timedelta(days=30)


class Workbench:
    """Everything a page needs. Close it to end running turns and write what they have."""

    def __init__(self, config: Config) -> None:
        """Open the store, seed the catalogue, mark what a dead process left. Raises StorageError, ConfigError."""
        self.config = config
        self.store = Store(config.data_dir)
        try:
            keyring = Keyring(
                config.encryption_key,
                config.data_dir,
                has_ciphertexts=self.store.keys.has_any,
                makes_file=config.disk_lasts,
            )
            self.providers = Providers(self.store, keyring, config.provider_keys)
            self.projects = Projects(self.store, keyring)
            self.agents = Agents(self.store, keyring, config.agents)
            seed(self.store)
            self.projects.ensure_default()
            if count := mark_interrupted(self.store):
                logger.info("Marked %d answers that were cut off by the last stop", count)
            deleted_before = datetime.now(UTC) - TRASH_KEPT
            self.store.conversations.purge(deleted_before=deleted_before)
            self.store.providers.purge(deleted_before=deleted_before)
            usable = {c.provider.protocol for c in self.providers.candidates() if problem(c) is None}
            self.engine = Engine(self.store, config.timeouts)
        except BaseException:
            self.store.close()
            raise
        self.raw = RawBodies(config.data_dir, keep_days=config.keep_raw_days)
        self.raw.purge(now=datetime.now(UTC))
        self.turns = Turns(self.store, self.engine, self.providers, self.agents, retries=config.retries, raw=self.raw)
        self.engine.warm(usable)
        self._backup = DailyBackup(self.store.settings, self.store.log, then=lambda now: self.raw.purge(now=now))
        self._backup.start()

    def close(self) -> None:
        try:
            self._backup.close()
            self.engine.close()
        finally:
            self.store.close()
