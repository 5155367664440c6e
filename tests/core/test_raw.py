"""What went over the wire is kept only when the user wants it, without keys, and no longer than they said."""

import shutil
import stat
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pytest

from core import recording
from core.config import load_config
from core.errors import ConfigError
from core.providers import ProviderForm
from core.raw import FOLDER, RawBodies
from core.recording import LIMIT, Recording
from core.store.archive import pack
from core.store.backup import DailyBackup
from core.types import Attempt, Choice, Model, Status
from core.workbench import Workbench
from tests.conftest import finished, send, wait_until
from tests.core.test_usage import NOW, make_attempt
from tests.servers.anthropic_server import AnthropicServer
from tests.servers.openai_server import OpenAIServer, error_reply

KEY = "sk-canary-0123456789abcdef0123456789abcdef"


@contextmanager
def keeping(folder: Path, *, days: int) -> Iterator[Workbench]:
    variables = {
        "SWITCHBOARD_DATA_DIR": str(folder), "SWITCHBOARD_RETRIES": "0", "SWITCHBOARD_KEEP_RAW_DAYS": str(days),
    }  # fmt: skip
    workbench = Workbench(load_config(variables, {}))
    try:
        yield workbench
    finally:
        workbench.close()


def asked(workbench: Workbench, protocol: str, url: str, text: str) -> Attempt:
    """Ask a provider and return the row of the attempt."""
    provider = workbench.providers.add(ProviderForm(f"Loop {protocol}", protocol, url, key=KEY))
    workbench.providers.save_model(Model(provider.id, "m", "M"), is_new=True)
    finished(workbench, send(workbench, text, Choice(provider.id, "m")))
    return workbench.store.attempts.recent(1)[0]


def files(folder: Path) -> list[Path]:
    return [path for path in (folder / FOLDER).rglob("*") if path.is_file()]


@pytest.mark.parametrize("protocol", ["openai", "anthropic"])
def test_a_request_and_its_answer_are_kept_without_the_key(tmp_path: Path, seeded_folder: Path, protocol: str) -> None:
    folder = shutil.copytree(seeded_folder, tmp_path / "data")
    server = OpenAIServer(api_key=KEY) if protocol == "openai" else AnthropicServer(api_key=KEY)
    with server, keeping(folder, days=2) as workbench:
        attempt = asked(workbench, protocol, server.url, f"Is {KEY} a good key? 模型")
        wait_until(lambda: workbench.raw.get(attempt))
        kept = workbench.raw.get(attempt)
        assert kept is not None
        assert (kept.method, kept.http_status, kept.is_cut) == ("POST", 200, False)
        assert kept.url.startswith(server.url)
        assert "a good key? 模型" in kept.request or "\\u6a21" in kept.request
        assert "data: " in kept.response
        assert KEY not in str(kept)
        (path,) = files(folder)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        archive = zipfile.ZipFile(BytesIO(pack(workbench.store, now=datetime.now(UTC))))
        assert set(archive.namelist()) == {"settings.duckdb", "log.duckdb"}


def test_an_error_is_kept_with_its_status(tmp_path: Path, seeded_folder: Path) -> None:
    folder = shutil.copytree(seeded_folder, tmp_path / "data")
    with OpenAIServer(api_key=KEY) as server, keeping(folder, days=1) as workbench:
        server.by_model["m"] = error_reply(400, f"The key {KEY} is odd.")
        attempt = asked(workbench, "openai", server.url, "Hello")
        assert attempt.status is Status.FAILED
        wait_until(lambda: workbench.raw.get(attempt))
        kept = workbench.raw.get(attempt)
        assert kept is not None and kept.http_status == 400
        assert "is odd" in kept.response and KEY not in kept.response


def test_nothing_is_kept_by_default(tmp_path: Path, seeded_folder: Path) -> None:
    folder = shutil.copytree(seeded_folder, tmp_path / "data")
    with OpenAIServer(api_key=KEY) as server, keeping(folder, days=0) as workbench:
        attempt = asked(workbench, "openai", server.url, "Hello")
        assert workbench.raw.get(attempt) is None
    assert not (folder / FOLDER).exists()


def test_a_day_is_deleted_when_its_time_is_over_and_all_of_them_when_it_is_switched_off(tmp_path: Path) -> None:
    noted = Recording(method="POST", url="http://127.0.0.1/v1", request=b"{}")
    old, new = make_attempt(NOW - timedelta(days=3)), make_attempt(NOW - timedelta(days=2))
    bodies = RawBodies(tmp_path, keep_days=2)
    for attempt in (old, new):
        bodies.keep(attempt, noted, secrets=[])
    stranger = tmp_path / FOLDER / "notes.txt"
    stranger.write_text("mine")
    assert bodies.purge(now=NOW) == 1
    assert bodies.get(old) is None and bodies.get(new) is not None
    assert RawBodies(tmp_path, keep_days=0).purge(now=NOW) == 1
    assert bodies.get(new) is None
    assert stranger.exists()


def test_switching_it_off_deletes_what_is_there_at_the_next_start(tmp_path: Path, seeded_folder: Path) -> None:
    folder = shutil.copytree(seeded_folder, tmp_path / "data")
    attempt = make_attempt(datetime.now(UTC))
    RawBodies(folder, keep_days=2).keep(attempt, Recording(url="http://127.0.0.1"), secrets=[])
    assert files(folder)
    with keeping(folder, days=0):
        assert not files(folder)


def test_the_daily_look_deletes_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.store.backup._SETTLE_S", 0.0)
    looked: list[datetime] = []
    daily = DailyBackup(then=looked.append)
    daily.start()
    wait_until(lambda: looked)
    daily.close()
    assert datetime.now(UTC) - looked[0] < timedelta(minutes=1)


def test_a_body_that_is_too_long_is_cut_and_says_so(tmp_path: Path) -> None:
    bodies = RawBodies(tmp_path, keep_days=1)
    with recording.recording() as noted:
        recording.sent("POST", "http://127.0.0.1", b"{}")
        for _ in range(3):
            recording.received(b"x" * (LIMIT // 2))
    attempt = make_attempt(NOW)
    bodies.keep(attempt, noted, secrets=[])
    kept = bodies.get(attempt)
    assert kept is not None and kept.is_cut and len(kept.response) == LIMIT


def test_of_several_requests_of_an_attempt_the_last_is_kept() -> None:
    with recording.recording() as noted:
        recording.sent("POST", "http://127.0.0.1", b"first")
        recording.answered(400)
        recording.received(b"no")
        recording.sent("POST", "http://127.0.0.1", b"second")
    assert (noted.request, noted.http_status, bytes(noted.response)) == (b"second", None, b"")
    recording.received(b"after")
    assert not noted.response


def test_a_full_disk_costs_the_copy_and_not_the_answer(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / FOLDER).write_text("in the way")
    bodies = RawBodies(tmp_path, keep_days=1)
    bodies.keep(make_attempt(NOW), Recording(url="http://127.0.0.1"), secrets=[])
    assert "could not be kept" in caplog.text


def test_a_damaged_file_is_as_none(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    bodies = RawBodies(tmp_path, keep_days=1)
    attempt = replace(make_attempt(NOW))
    bodies.keep(attempt, Recording(url="http://127.0.0.1"), secrets=[])
    (path,) = files(tmp_path)
    path.write_bytes(path.read_bytes()[:20])
    assert bodies.get(attempt) is None
    assert "cannot be read" in caplog.text


@pytest.mark.parametrize("days", ["-1", "31", "soon"])
def test_a_number_of_days_that_makes_no_sense_is_refused(days: str) -> None:
    with pytest.raises(ConfigError, match="keep_raw_days"):
        load_config({"SWITCHBOARD_KEEP_RAW_DAYS": days}, {})
