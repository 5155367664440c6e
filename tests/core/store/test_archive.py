"""Everything in one file: taken while in use, brought back whole, and refused when it is not ours."""

import io
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.errors import InvalidInput, StorageError
from core.providers import ProviderForm
from core.store import Store
from core.store.archive import FILES, pack, swap_in
from core.types import Provider
from core.workbench import Workbench
from tests.conftest import Scripted, finished, send

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def test_what_was_taken_away_comes_back(workbench: Workbench, scripted: Scripted, provider: Provider) -> None:
    workbench.providers.put_key(provider, "sk-canary-0123456789")
    kept_id = send(workbench, "Keep me", provider)
    finished(workbench, kept_id)
    archive = pack(workbench.store, now=NOW)
    lost_id = send(workbench, "Lose me", provider)
    finished(workbench, lost_id)
    folder = workbench.config.data_dir
    workbench.close()
    kept = swap_in(archive, folder, now=NOW)
    assert sorted(file.name for file in kept.iterdir()) == sorted(FILES)
    again = Workbench(workbench.config)
    try:
        assert again.store.conversations.get(kept_id) is not None
        assert again.store.conversations.get(lost_id) is None
        [candidate] = [c for c in again.providers.candidates() if c.provider.id == provider.id]
        assert candidate.key is not None and candidate.key.secret.reveal() == "sk-canary-0123456789"
    finally:
        again.close()
    assert b"sk-canary" not in archive
    assert not list((folder / "backups").glob("*download*"))


def zipped(**files: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in files.items():
            archive.writestr(name.replace("_", "."), content)
    return packed.getvalue()


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", InvalidInput),
        (b"no zip", InvalidInput),
        (zipped(), InvalidInput),
        (zipped(settings_duckdb=b"x"), InvalidInput),
        (zipped(settings_duckdb=b"x", log_duckdb=b"x", more_txt=b"x"), InvalidInput),
        (zipped(settings_duckdb=b"x" * 9000, log_duckdb=b"x" * 9000), StorageError),
    ],
)
def test_a_file_that_is_no_backup_changes_nothing(tmp_path: Path, data: bytes, error: type[Exception]) -> None:
    folder = tmp_path / "data"
    Store(folder).close()
    before = {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}
    with pytest.raises(error):
        swap_in(data, folder, now=NOW)
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before


def test_a_backup_of_a_newer_version_is_refused(workbench: Workbench) -> None:
    workbench.store.log.write(
        lambda cursor: cursor.execute("INSERT INTO schema_versions VALUES (999, 'later', TIMESTAMP '2030-01-01')")
    )
    workbench.providers.add(ProviderForm("Mine", "openai", "https://mine.example/v1"))
    archive = pack(workbench.store, now=NOW)
    workbench.close()
    with pytest.raises(StorageError, match="newer Switchboard"):
        swap_in(archive, workbench.config.data_dir, now=NOW)
