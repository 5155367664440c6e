"""Schema versions: run once and in order, each in one transaction; a file from the future is refused as it is."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

import core.store.connection as connection
from core.errors import StorageError
from core.store import Store
from core.store.connection import Cursor, Database
from core.store.conversations import ConversationTable
from core.store.projects import ProjectTable
from core.types import AnswerSettings, Project


@pytest.fixture
def migrations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of migrations of a kind called "notes"."""
    folder = tmp_path / "migrations" / "notes"
    folder.mkdir(parents=True)
    monkeypatch.setattr(connection, "MIGRATIONS", folder.parent)
    return folder


def versions(database: Database) -> list[tuple[int, str]]:
    with database.read() as cursor:
        return cursor.execute("SELECT version, name FROM schema_versions ORDER BY version").fetchall()


@pytest.mark.parametrize("name", ["settings", "log"])
def test_a_new_file_has_every_version_once_and_opening_again_changes_nothing(tmp_path: Path, name: str) -> None:
    files = sorted((connection.MIGRATIONS / name).glob("*.sql"))
    assert [int(file.stem.split("_")[0]) for file in files] == list(range(1, len(files) + 1))
    for _ in range(2):
        database = Database(tmp_path / f"{name}.duckdb", migrations=name)
        assert versions(database) == [(number, file.stem) for number, file in enumerate(files, start=1)]
        database.close()


def test_an_older_file_is_brought_up_to_date_with_what_it_holds(tmp_path: Path, migrations: Path) -> None:
    (migrations / "001_initial.sql").write_text("CREATE TABLE notes (text TEXT NOT NULL);")
    old = Database(tmp_path / "notes.duckdb", migrations="notes")
    old.write(lambda cursor: cursor.execute("INSERT INTO notes (text) VALUES ('kept; really')"))
    old.close()
    (migrations / "002_stars.sql").write_text(
        "-- two statements; and a semicolon in a comment\n"
        "ALTER TABLE notes ADD COLUMN stars INTEGER DEFAULT 3;\nUPDATE notes SET text = text || ';';"
    )
    new = Database(tmp_path / "notes.duckdb", migrations="notes")
    with new.read() as cursor:
        assert cursor.execute("SELECT text, stars FROM notes").fetchall() == [("kept; really;", 3)]
    assert versions(new) == [(1, "001_initial"), (2, "002_stars")]
    new.close()


def test_a_migration_that_fails_half_way_leaves_the_file_as_it_was(tmp_path: Path, migrations: Path) -> None:
    (migrations / "001_initial.sql").write_text("CREATE TABLE notes (text TEXT NOT NULL);")
    Database(tmp_path / "notes.duckdb", migrations="notes").close()
    broken = migrations / "002_broken.sql"
    broken.write_text("CREATE TABLE half (n INTEGER);\nINSERT INTO no_such_table VALUES (1);")
    with pytest.raises(StorageError, match="could not be written"):
        Database(tmp_path / "notes.duckdb", migrations="notes")
    broken.unlink()
    database = Database(tmp_path / "notes.duckdb", migrations="notes")
    assert versions(database) == [(1, "001_initial")]
    with database.read() as cursor:
        assert cursor.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'half'").fetchall() == [(0,)]
    database.close()


def test_a_file_of_a_newer_version_is_refused_and_not_touched(tmp_path: Path) -> None:
    store = Store(tmp_path)

    def jump(cursor: Cursor) -> None:
        cursor.execute("CREATE TABLE from_the_future (n INTEGER)")
        cursor.execute("INSERT INTO schema_versions VALUES (99, '099_future', TIMESTAMP '2030-01-01')")

    store.log.write(jump)
    store.close()
    for _ in range(2):
        with pytest.raises(StorageError, match=r"log\.duckdb was written by a newer Switchboard \(schema 99") as caught:
            Store(tmp_path)
        assert "Update Switchboard" in caught.value.message


def test_a_log_without_the_view_of_replies_gets_it_over_what_it_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = tmp_path / "migrations" / "log"
    older.mkdir(parents=True)
    shutil.copy(connection.MIGRATIONS / "log" / "001_initial.sql", older)
    with monkeypatch.context() as patch:
        patch.setattr(connection, "MIGRATIONS", older.parent)
        old = Database(tmp_path / "log.duckdb", migrations="log")
        old.write(
            lambda cursor: cursor.execute(
                """
                INSERT INTO messages (id, conversation_id, sequence, role, status, text, reasoning, created_at)
                VALUES ('r', 'c', 1, 'assistant', 'done', 'kept', '', TIMESTAMP '2026-11-01')"""
            )
        )
        old.close()
    new = Database(tmp_path / "log.duckdb", migrations="log")
    with new.read() as cursor:
        assert cursor.execute("SELECT reply_id, answer, attempts FROM replies").fetchall() == [("r", "kept", 0)]
    copied = Database(new.snapshot("test", now=datetime(2026, 11, 2, tzinfo=UTC)), migrations="log")
    with copied.read() as cursor:
        assert cursor.execute("SELECT answer FROM replies").fetchall() == [("kept",)]
    copied.close()
    new.close()


def test_conversations_and_attempts_of_the_version_before_leave_all_settings_to_the_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = tmp_path / "migrations" / "log"
    older.mkdir(parents=True)
    for file in sorted((connection.MIGRATIONS / "log").glob("*.sql")):
        if file.stem.endswith("answer_settings"):
            break
        shutil.copy(file, older)
    with monkeypatch.context() as patch:
        patch.setattr(connection, "MIGRATIONS", older.parent)
        old = Database(tmp_path / "log.duckdb", migrations="log")
        old.write(
            lambda cursor: cursor.execute(
                """
                INSERT INTO conversations (id, project_id, title, is_pinned, created_at, updated_at)
                VALUES ('c', 'default', 'Kept', false, TIMESTAMP '2026-11-01', TIMESTAMP '2026-11-01')"""
            )
        )
        old.close()
    new = Database(tmp_path / "log.duckdb", migrations="log")
    found = ConversationTable(new).get("c")
    assert found is not None and (found.title, found.settings) == ("Kept", AnswerSettings())
    with new.read() as cursor:
        assert cursor.execute("SELECT parameters FROM attempts").fetchall() == []
        assert cursor.execute("SELECT count(*) FROM replies").fetchall() == [(0,)]
    new.close()


def test_projects_of_the_version_before_have_no_chain_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = tmp_path / "migrations" / "settings"
    older.mkdir(parents=True)
    for file in sorted((connection.MIGRATIONS / "settings").glob("*.sql")):
        if file.stem.endswith("project_fallbacks"):
            break
        shutil.copy(file, older)
    with monkeypatch.context() as patch:
        patch.setattr(connection, "MIGRATIONS", older.parent)
        old = Database(tmp_path / "settings.duckdb", migrations="settings")
        old.write(
            lambda cursor: cursor.execute(
                "INSERT INTO projects (id, name, name_key, created_at) VALUES ('p', 'Kept', 'kept', now()::TIMESTAMP)"
            )
        )
        old.close()
    new = Database(tmp_path / "settings.duckdb", migrations="settings")
    assert ProjectTable(new).all() == [Project("p", "Kept")]
    new.write(lambda cursor: ProjectTable(new).add(cursor, Project("q", "New", fallbacks=("a/b",))))
    assert ProjectTable(new).get("q") == Project("q", "New", fallbacks=("a/b",))
    new.close()
