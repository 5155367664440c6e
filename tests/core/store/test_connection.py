"""The two files: their rights, their one owner, their transactions, and many readers beside the one writer."""

import os
import stat
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from pathlib import Path

import pytest

from core.config import ROOT
from core.errors import AlreadyRunning, StorageError
from core.store import Store
from core.store.connection import Conflict, Cursor, Database, from_db, to_db
from core.types import Project


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def rename(project_id: str, name: str, cursor: Cursor) -> None:
    cursor.execute("UPDATE projects SET name = ?, name_key = ? WHERE id = ?", [name, name.lower(), project_id])


def test_the_store_is_two_files_that_only_their_owner_reads(tmp_path: Path) -> None:
    store = Store(tmp_path / "data")
    store.close()
    files = sorted(path.name for path in store.folder.iterdir() if path.suffix == ".duckdb")
    assert files == ["log.duckdb", "settings.duckdb"]
    assert mode(store.folder) == 0o700
    assert {mode(store.folder / name) for name in files} == {0o600}


def test_a_missing_folder_is_made_with_its_parents(tmp_path: Path) -> None:
    Store(tmp_path / "far" / "away").close()
    assert mode(tmp_path / "far" / "away") == 0o700


def test_keys_lie_in_settings_and_no_query_over_the_log_reaches_them(store: Store) -> None:
    with store.log.read() as cursor:
        tables = {row[0] for row in cursor.execute("SELECT table_name FROM information_schema.tables").fetchall()}
        databases = {row[0] for row in cursor.execute("SELECT database_name FROM duckdb_databases()").fetchall()}
    assert tables == {"conversations", "messages", "reply_chunks", "attempts", "steps", "replies", "schema_versions"}
    assert "settings" not in databases


def test_a_second_process_is_told_who_holds_the_store(store: Store) -> None:
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from core.errors import AlreadyRunning\n"
        "from core.store import Store\n"
        "try:\n"
        "    Store(Path(sys.argv[1]))\n"
        "except AlreadyRunning as error:\n"
        "    print(error.message)\n"
    )
    second = subprocess.run(
        [sys.executable, "-c", code, str(store.folder)], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert f"already running (PID {os.getpid()})" in second.stdout
    assert "settings.duckdb" in second.stdout
    assert not second.stderr


def test_a_store_that_could_not_be_opened_whole_holds_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "log.duckdb").write_bytes(b"not a database" * 1000)
    with pytest.raises(StorageError, match=r"log\.duckdb is damaged"):
        Store(folder)
    (folder / "log.duckdb").unlink()
    Store(folder).close()


def test_a_damaged_file_is_not_taken_for_a_running_one_whatever_its_path_says(tmp_path: Path) -> None:
    path = tmp_path / "clock.duckdb"
    path.write_bytes(b"not a database" * 1000)
    with pytest.raises(StorageError) as caught:
        Database(path, migrations="log")
    assert not isinstance(caught.value, AlreadyRunning)


def test_a_folder_that_cannot_be_made_is_named_with_the_setting_to_change(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="SWITCHBOARD_DATA_DIR"):
        Store(tmp_path / "file" / "data")


def test_a_raise_inside_a_write_takes_all_of_it_back(store: Store) -> None:
    store.settings.write(lambda cursor: store.projects.add(cursor, Project("one", "One")))

    def change(cursor: Cursor) -> None:
        rename("one", "Uno", cursor)
        store.projects.add(cursor, Project("two", "Two"))
        raise LookupError("in the middle")

    with pytest.raises(LookupError, match="in the middle"):
        store.settings.write(change)
    assert store.projects.all() == [Project("one", "One")]
    store.settings.write(lambda cursor: store.projects.add(cursor, Project("two", "Two")))
    assert len(store.projects.all()) == 2


def test_a_refused_statement_takes_all_of_it_back_and_is_a_conflict(store: Store) -> None:
    store.settings.write(lambda cursor: store.projects.add(cursor, Project("one", "One")))

    def change(cursor: Cursor) -> None:
        store.projects.add(cursor, Project("two", "Two"))
        store.projects.add(cursor, Project("three", "ONE"))

    with pytest.raises(Conflict):
        store.settings.write(change)
    assert store.projects.all() == [Project("one", "One")]


def test_a_broken_statement_is_a_storage_error(store: Store) -> None:
    with pytest.raises(StorageError, match=r"settings\.duckdb could not be written"):
        store.settings.write(lambda cursor: cursor.execute("SELECT no_such_column FROM projects"))
    with pytest.raises(StorageError, match=r"log\.duckdb could not be read"), store.log.read() as cursor:
        cursor.execute("SELECT no_such_column FROM messages")


def test_a_write_returns_what_its_change_returns_and_comes_in_order(store: Store) -> None:
    order: list[int] = []

    def change(cursor: Cursor, number: int) -> int:
        order.append(number)
        return number

    futures = [store.log.submit(partial(change, number=number)) for number in range(50)]
    assert [future.result() for future in futures] == list(range(50))
    assert order == list(range(50))


def test_closing_finishes_the_writes_that_wait(tmp_path: Path) -> None:
    store = Store(tmp_path)
    projects = [Project(f"p{n}", f"P{n}") for n in range(20)]
    for project in projects:
        store.settings.submit(partial(store.projects.add, project=project))
    store.close()
    again = Store(tmp_path)
    assert again.projects.all() == projects
    again.close()


def test_eight_readers_beside_a_writer_see_whole_and_right_rows(store: Store) -> None:
    """Every transaction gives both projects the same new name, so a reader never sees two different numbers."""
    for id_ in ("one", "two"):
        store.settings.write(partial(store.projects.add, project=Project(id_, f"{id_} 0")))
    is_over = threading.Event()
    wrong: list[object] = []
    reads = [0] * 8

    def read(reader: int) -> None:
        while not is_over.is_set() or not reads[reader]:
            try:
                names = [(project.id, *project.name.split()) for project in store.projects.all()]
            except Exception as error:
                wrong.append(error)
                return
            numbers = {number for _, _, number in names}
            if [id_ for id_, _, _ in names] != ["one", "two"] or len(numbers) != 1:
                wrong.append(names)
            if any(id_ != name for id_, name, _ in names):
                wrong.append(names)
            reads[reader] += 1

    readers = [threading.Thread(target=read, args=(number,)) for number in range(8)]
    for reader in readers:
        reader.start()

    def change(cursor: Cursor, number: int) -> None:
        for id_ in ("one", "two"):
            rename(id_, f"{id_} {number}", cursor)

    for number in range(1, 50):
        store.settings.write(partial(change, number=number))
    is_over.set()
    for reader in readers:
        reader.join(10)
    assert not wrong
    assert all(reads)


def test_a_closed_store_refuses_instead_of_waiting_for_ever(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.close()
    store.close()
    with pytest.raises(StorageError, match="is closed"):
        store.log.write(lambda cursor: None)
    with pytest.raises(StorageError, match="could not be read"):
        store.projects.all()


def test_times_are_aware_utc_here_and_naive_utc_in_the_file() -> None:
    noon_in_zurich = datetime(2026, 7, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    assert to_db(noon_in_zurich) == datetime(2026, 7, 1, 10)
    assert from_db(to_db(noon_in_zurich)) == noon_in_zurich
    assert from_db(to_db(noon_in_zurich)).tzinfo is UTC


def test_a_python_variable_is_not_a_table_and_no_extension_is_fetched(store: Store) -> None:
    secret_rows = [("sk-canary",)]
    with store.log.read() as cursor:
        with pytest.raises(StorageError), store.log.read() as other:
            other.execute("SELECT * FROM secret_rows")
        settings = dict(
            cursor.execute(
                "SELECT name, value FROM duckdb_settings() WHERE name LIKE '%load_known_extensions' "
                "OR name LIKE 'autoinstall_known_extensions'"
            ).fetchall()
        )
    assert set(settings.values()) == {"false"}
    assert len(settings) == 2
    assert secret_rows
