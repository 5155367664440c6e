"""Snapshots of files in use, and the ways out when a file is damaged: what was there is always kept."""

import shutil
import stat
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

import core.store.connection as connection
from core.errors import Damaged, StorageError
from core.store import Store
from core.store.backup import EVERY, back_up_if_due, backups, restore, set_wal_aside
from core.store.connection import BACKUPS_KEPT, Cursor, Database
from core.types import Project

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def project_names(folder: Path) -> list[str]:
    store = Store(folder)
    try:
        return [project.name for project in store.projects.all()]
    finally:
        store.close()


def rename_both(number: int, cursor: Cursor) -> None:
    for id_ in ("one", "two"):
        name = f"{id_} {number}"
        cursor.execute("UPDATE projects SET name = ?, name_key = ? WHERE id = ?", [name, name, id_])


def test_a_snapshot_of_a_file_in_use_is_whole_and_only_its_owners(store: Store, tmp_path: Path) -> None:
    """Every transaction gives both projects the same number: a snapshot with two of them would be torn."""
    for id_ in ("one", "two"):
        store.settings.write(partial(store.projects.add, project=Project(id_, f"{id_} 0")))
    is_over = threading.Event()

    def write() -> None:
        number = 0
        while not is_over.is_set():
            number += 1
            store.settings.write(partial(rename_both, number))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        snapshots = [store.settings.snapshot(f"test{n}", now=NOW) for n in range(5)]
    finally:
        is_over.set()
        writer.join(10)
    for number, snapshot in enumerate(snapshots):
        assert stat.S_IMODE(snapshot.stat().st_mode) == 0o600
        (folder := tmp_path / str(number)).mkdir()
        shutil.copy(snapshot, folder / "settings.duckdb")
        numbers = {name.split()[1] for name in project_names(folder)}
        assert len(numbers) == 1
    assert not list((store.folder / "backups").glob("*.partial"))


def test_of_each_occasion_and_file_the_last_few_are_kept(store: Store) -> None:
    for day in range(5):
        store.log.snapshot("daily", now=NOW + timedelta(days=day))
    for version in range(5):
        store.log.snapshot(f"before_{version:03}", now=NOW + timedelta(days=version))
    store.settings.snapshot("daily", now=NOW)
    names = sorted(path.name for path in (store.folder / "backups").iterdir())
    assert BACKUPS_KEPT == 3
    assert names == [
        "log-20261125T120000-before_002.duckdb",
        "log-20261125T120000-daily.duckdb",
        "log-20261126T120000-before_003.duckdb",
        "log-20261126T120000-daily.duckdb",
        "log-20261127T120000-before_004.duckdb",
        "log-20261127T120000-daily.duckdb",
        "settings-20261123T120000-daily.duckdb",
    ]


def test_a_snapshot_that_fails_leaves_nothing_half_written(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(StorageError, match="No space left on device"):
        store.log.snapshot("daily", now=NOW)
    assert list((store.folder / "backups").iterdir()) == []


def test_a_daily_snapshot_is_due_when_the_last_one_is_a_day_old(store: Store) -> None:
    now = datetime.now(UTC)
    first = back_up_if_due(store.log, now=now)
    assert first is not None
    assert backups(store.log.path) == [first]
    assert back_up_if_due(store.log, now=now + EVERY - timedelta(minutes=1)) is None
    store.log.snapshot("before_002", now=now + timedelta(minutes=1))
    second = back_up_if_due(store.log, now=now + EVERY + timedelta(minutes=1))
    assert second is not None
    assert backups(store.log.path, occasion="daily") == [second, first]


def test_before_a_migration_the_file_is_kept_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "migrations" / "notes"
    folder.mkdir(parents=True)
    monkeypatch.setattr(connection, "MIGRATIONS", folder.parent)
    (folder / "001_initial.sql").write_text("CREATE TABLE notes (text TEXT NOT NULL);")
    path = tmp_path / "notes.duckdb"
    old = Database(path, migrations="notes")
    old.write(lambda cursor: cursor.execute("INSERT INTO notes VALUES ('kept')"))
    old.close()
    assert backups(path) == [], "a new file has nothing to keep"
    (folder / "002_gone.sql").write_text("DELETE FROM notes;")
    Database(path, migrations="notes").close()
    [kept] = backups(path, occasion="before_002")
    (folder / "002_gone.sql").unlink()
    again = Database(Path(shutil.copy(kept, tmp_path / "again.duckdb")), migrations="notes")
    with again.read() as cursor:
        assert cursor.execute("SELECT text FROM notes").fetchall() == [("kept",)]
    again.close()


def test_a_newer_schema_is_refused_and_nothing_is_changed(tmp_path: Path) -> None:
    store = Store(tmp_path / "data")
    store.log.write(
        lambda cursor: cursor.execute("INSERT INTO schema_versions VALUES (99, 'x', TIMESTAMP '2030-01-01')")
    )
    store.close()
    before = {path.name: path.read_bytes() for path in store.folder.iterdir()}
    with pytest.raises(StorageError, match="written by a newer Switchboard") as caught:
        Store(store.folder)
    assert not isinstance(caught.value, Damaged)
    assert {path.name: path.read_bytes() for path in store.folder.iterdir()} == before


@pytest.fixture
def killed(tmp_path: Path, empty_folder: Path) -> Path:
    """A data folder as a kill leaves it: project One in the settings' file, Two in its write-ahead log only."""
    source = shutil.copytree(empty_folder, tmp_path / "source")
    store = Store(source)
    store.settings.write(lambda cursor: store.projects.add(cursor, Project("one", "One")))
    store.close()
    store = Store(source)
    store.settings.snapshot("daily", now=NOW)
    store.settings.write(lambda cursor: store.projects.add(cursor, Project("two", "Two")))
    folder = shutil.copytree(source, tmp_path / "killed")
    store.close()
    return folder


def turn_byte(path: Path) -> bytes:
    """Turn a byte in the middle of the file and return what it holds now."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    return bytes(content)


def test_what_a_kill_leaves_opens_with_all_that_was_committed(killed: Path) -> None:
    assert project_names(killed) == ["One", "Two"]


def test_a_damaged_log_is_named_and_set_aside_not_deleted(killed: Path) -> None:
    wal = killed / "settings.duckdb.wal"
    content = turn_byte(wal)
    with pytest.raises(Damaged, match=r"settings\.duckdb\.wal is damaged") as caught:
        Store(killed)
    assert (caught.value.path, caught.value.has_wal) == (killed / "settings.duckdb", True)
    assert wal.read_bytes() == content
    kept = set_wal_aside(caught.value.path, now=NOW)
    assert kept == killed / "settings.duckdb.wal.damaged-20261123T120000"
    assert project_names(killed) == ["One"]
    assert kept.read_bytes() == content


def garbage(content: bytes) -> bytes:
    return b"not a database" * 1000


def empty(content: bytes) -> bytes:
    return b""


def cut(content: bytes) -> bytes:
    return content[:12_288]


def turned(content: bytes) -> bytes:
    return content[:12_300] + bytes(byte ^ 0xFF for byte in content[12_300:12_364]) + content[12_364:]


@pytest.mark.parametrize("damage", [garbage, empty, cut, turned])
def test_a_damaged_file_is_named_and_kept_and_a_backup_takes_its_place(
    killed: Path, damage: Callable[[bytes], bytes]
) -> None:
    path, wal = killed / "settings.duckdb", killed / "settings.duckdb.wal"
    content, log = damage(path.read_bytes()), wal.read_bytes()
    path.write_bytes(content)
    with pytest.raises(Damaged) as caught:
        Store(killed)
    assert caught.value.path == path
    assert path.read_bytes() == content
    [backup] = backups(path)
    kept = restore(path, backup, now=NOW)
    assert kept.read_bytes() == content
    assert (killed / "settings.duckdb.wal.damaged-20261123T120000").read_bytes() == log
    assert project_names(killed) == ["One"]
    assert backups(path) == [backup], "the backup itself is not used up"


def test_a_part_that_turns_out_to_be_damaged_when_it_is_read_is_named_too(tmp_path: Path, empty_folder: Path) -> None:
    folder = shutil.copytree(empty_folder, tmp_path / "data")
    store = Store(folder)
    store.log.write(lambda cursor: cursor.execute("CREATE TABLE filler AS SELECT random() AS n FROM range(300_000)"))
    store.close()
    turn_byte(folder / "log.duckdb")
    store = Store(folder)
    with pytest.raises(Damaged, match=r"log\.duckdb is damaged"), store.log.read() as cursor:
        cursor.execute("SELECT sum(n) FROM filler").fetchall()
    store.close()


def test_a_backup_that_cannot_be_copied_changes_nothing(killed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = killed / "settings.duckdb"
    content = turn_byte(path)

    def refuse(source: Path, target: Path) -> None:
        target.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    before = sorted(found.name for found in killed.iterdir())
    monkeypatch.setattr(shutil, "copy2", refuse)
    with pytest.raises(OSError, match="No space left"):
        restore(path, backups(path)[0], now=NOW)
    assert path.read_bytes() == content
    assert sorted(found.name for found in killed.iterdir()) == before
