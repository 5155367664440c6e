"""All SQL. Two files, so that no query over the log can ever reach a key: settings.duckdb and log.duckdb."""

from pathlib import Path

from core.errors import StorageError
from core.store.agents import AgentTable
from core.store.connection import Database
from core.store.conversations import ConversationTable
from core.store.keys import KeyTable
from core.store.log import AttemptTable
from core.store.messages import MessageTable
from core.store.models import ModelTable
from core.store.pins import PinTable
from core.store.projects import ProjectTable
from core.store.providers import ProviderTable
from core.store.steps import StepTable


class Store:
    """Both files and a table object for each noun. Settings is written first and is the authority."""

    def __init__(self, folder: Path) -> None:
        """Open the files, making the folder (mode 0700) when it is missing. Raises StorageError, AlreadyRunning."""
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(
                f"The data folder {folder} cannot be made: {error.strerror}. Set SWITCHBOARD_DATA_DIR to another."
            ) from error
        self.folder = folder
        self.settings = Database(folder / "settings.duckdb", migrations="settings")
        try:
            self.log = Database(folder / "log.duckdb", migrations="log")
        except BaseException:
            self.settings.close()
            raise
        self.providers = ProviderTable(self.settings)
        self.models = ModelTable(self.settings)
        self.pins = PinTable(self.settings)
        self.keys = KeyTable(self.settings)
        self.projects = ProjectTable(self.settings)
        self.agents = AgentTable(self.settings)
        self.conversations = ConversationTable(self.log)
        self.messages = MessageTable(self.log)
        self.attempts = AttemptTable(self.log)
        self.steps = StepTable(self.log)

    def close(self) -> None:
        self.settings.close()
        self.log.close()
