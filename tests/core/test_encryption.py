"""Keys at rest: what opens, what never opens, and what is never shown."""

import base64
import errno
import json
import logging
import stat
import subprocess
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from core.config import ROOT
from core.encryption import KEY_COMMAND, KEY_LIMIT, Keyring, clean_key, mask
from core.errors import ConfigError, InvalidInput, KeyUnreadable, StorageError
from core.types import Secret

CANARY = "sk-canary-0123456789abcdefghijklmnopqrstuvwxyz"
OWNER = "provider:openai"
ORIGIN = "https://api.openai.com"


ONE_KEY = "MDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDA="  # for names of tests, which are the same in every process


def _new_key() -> str:
    return Fernet.generate_key().decode()


def _keyring(data_dir: Path, encryption_key: str | None = None, *, has_ciphertexts: bool = False) -> Keyring:
    return Keyring(encryption_key, data_dir, has_ciphertexts=lambda: has_ciphertexts)


def _encrypt(keyring: Keyring) -> str:
    return keyring.encrypt(Secret(CANARY), owner=OWNER, origin=ORIGIN)


def _decrypt(keyring: Keyring, ciphertext: str) -> str:
    return keyring.decrypt(ciphertext, owner=OWNER, origin=ORIGIN).reveal()


def test_a_key_comes_back_and_its_ciphertext_shows_nothing(tmp_path: Path) -> None:
    keyring = _keyring(tmp_path, _new_key())
    ciphertext = _encrypt(keyring)
    assert CANARY not in ciphertext
    assert _decrypt(keyring, ciphertext) == CANARY
    assert not list(tmp_path.iterdir())


def test_owner_and_origin_are_inside_the_encrypted_text(tmp_path: Path) -> None:
    key = _new_key()
    ciphertext = _encrypt(_keyring(tmp_path, key))
    content = json.loads(Fernet(key).decrypt(ciphertext))
    assert content == {"owner": OWNER, "origin": ORIGIN, "secret": CANARY}


def test_a_swapped_row_does_not_open(tmp_path: Path) -> None:
    keyring = _keyring(tmp_path, _new_key())
    ciphertext = _encrypt(keyring)
    with pytest.raises(KeyUnreadable, match="another provider or project"):
        keyring.decrypt(ciphertext, owner="provider:deepseek", origin=ORIGIN)


def test_an_edited_url_does_not_open_the_key(tmp_path: Path) -> None:
    keyring = _keyring(tmp_path, _new_key())
    ciphertext = _encrypt(keyring)
    with pytest.raises(
        KeyUnreadable, match=r"entered for https://api\.openai\.com .* not sent to https://evil\.example"
    ):
        keyring.decrypt(ciphertext, owner=OWNER, origin="https://evil.example")


def test_the_newest_key_encrypts_and_older_ones_still_open(tmp_path: Path) -> None:
    old, new = _new_key(), _new_key()
    ciphertext = _encrypt(_keyring(tmp_path, old))
    rotated = _keyring(tmp_path, f"{new}, {old}")
    assert _decrypt(rotated, ciphertext) == CANARY
    assert _decrypt(_keyring(tmp_path, new), _encrypt(rotated)) == CANARY


def test_reencrypting_lets_the_old_key_go(tmp_path: Path) -> None:
    old, new = _new_key(), _new_key()
    ciphertext = _encrypt(_keyring(tmp_path, old))
    renewed = _keyring(tmp_path, f"{new},{old}").reencrypt(ciphertext)
    assert _decrypt(_keyring(tmp_path, new), renewed) == CANARY
    with pytest.raises(KeyUnreadable):
        _decrypt(_keyring(tmp_path, old), renewed)


@pytest.mark.parametrize("ciphertext", ["", "not a token", "gAAAAA==", "é"])
def test_a_damaged_ciphertext_is_unreadable_not_a_crash(tmp_path: Path, ciphertext: str) -> None:
    keyring = _keyring(tmp_path, _new_key())
    with pytest.raises(KeyUnreadable):
        _decrypt(keyring, ciphertext)
    with pytest.raises(KeyUnreadable):
        keyring.reencrypt(ciphertext)


def test_a_wrong_encryption_key_says_what_to_do(tmp_path: Path) -> None:
    ciphertext = _encrypt(_keyring(tmp_path, _new_key()))
    with pytest.raises(KeyUnreadable, match="Set ENCRYPTION_KEY to the one used before") as caught:
        _decrypt(_keyring(tmp_path, _new_key()), ciphertext)
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize(
    "value",
    ["hunter2", "hunter2" * 10, " , ", "hunter2é" * 4, ONE_KEY[:-1], ONE_KEY + "=", f"{ONE_KEY},hunter2"],
)
def test_a_malformed_encryption_key_is_refused_with_a_remedy_and_never_echoed(tmp_path: Path, value: str) -> None:
    with pytest.raises(ConfigError) as caught:
        _keyring(tmp_path, value)
    assert KEY_COMMAND in caught.value.message
    assert all(part.strip() not in caught.value.message for part in value.split(",") if part.strip())
    assert caught.value.__context__ is None


def test_a_malformed_key_in_a_list_is_named_by_its_place(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="key 2 of 2"):
        _keyring(tmp_path, f"{_new_key()},hunter2")


def test_the_command_that_makes_a_key_works(tmp_path: Path) -> None:
    assert KEY_COMMAND in (ROOT / ".streamlit" / "secrets.toml.example").read_text(encoding="utf-8")
    made = subprocess.run(KEY_COMMAND, shell=True, capture_output=True, text=True, check=True).stdout.strip()
    assert len(base64.urlsafe_b64decode(made)) == 32
    assert _decrypt(_keyring(tmp_path, made), _encrypt(_keyring(tmp_path, made))) == CANARY


def test_the_key_file_is_made_at_the_first_encrypt_only_and_for_its_owner_only(tmp_path: Path) -> None:
    data_dir = tmp_path / "new" / "data"
    keyring = _keyring(data_dir)
    with pytest.raises(KeyUnreadable, match="encryption key is missing"):
        _decrypt(keyring, "anything")
    assert not data_dir.exists()

    ciphertext = _encrypt(keyring)
    key_file = data_dir / "encryption.key"
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(data_dir.stat().st_mode) == 0o700
    assert [path.name for path in data_dir.iterdir()] == ["encryption.key"]
    assert _decrypt(_keyring(data_dir, has_ciphertexts=True), ciphertext) == CANARY


def test_the_key_file_is_not_made_twice(tmp_path: Path) -> None:
    keyring = _keyring(tmp_path)
    first = _encrypt(keyring)
    text = (tmp_path / "encryption.key").read_text()
    _encrypt(keyring)
    _encrypt(_keyring(tmp_path, has_ciphertexts=True))
    assert (tmp_path / "encryption.key").read_text() == text
    assert _decrypt(_keyring(tmp_path), first) == CANARY


def test_no_new_key_file_while_stored_keys_need_the_lost_one(tmp_path: Path) -> None:
    keyring = _keyring(tmp_path, has_ciphertexts=True)
    with pytest.raises(KeyUnreadable, match=r"put .* back or set ENCRYPTION_KEY as it was"):
        _encrypt(keyring)
    assert not list(tmp_path.iterdir())


def test_a_key_file_put_back_is_used_without_a_restart(tmp_path: Path) -> None:
    ciphertext = _encrypt(_keyring(tmp_path))
    key_file = tmp_path / "encryption.key"
    away = key_file.rename(tmp_path / "away")
    keyring = _keyring(tmp_path, has_ciphertexts=True)
    with pytest.raises(KeyUnreadable):
        _decrypt(keyring, ciphertext)
    away.rename(key_file)
    assert _decrypt(keyring, ciphertext) == CANARY


def test_keys_of_the_key_file_open_after_moving_to_encryption_key(tmp_path: Path) -> None:
    ciphertext = _encrypt(_keyring(tmp_path))
    key = _new_key()
    renewed = _keyring(tmp_path, key).reencrypt(ciphertext)
    (tmp_path / "encryption.key").unlink()
    assert _decrypt(_keyring(tmp_path, key), renewed) == CANARY


@pytest.mark.parametrize("content", ["", "hunter2", ONE_KEY[:20]])
def test_a_damaged_key_file_is_named_and_left_alone(tmp_path: Path, content: str) -> None:
    key_file = tmp_path / "encryption.key"
    key_file.write_text(content)
    key_file.chmod(0o600)
    keyring = _keyring(tmp_path)
    with pytest.raises(KeyUnreadable, match="is damaged"):
        _encrypt(keyring)
    with pytest.raises(KeyUnreadable, match="is damaged"):
        _decrypt(keyring, "anything")
    assert key_file.read_text() == content
    configured = _keyring(tmp_path, _new_key())
    assert _decrypt(configured, _encrypt(configured)) == CANARY


def test_a_key_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "encryption.key").mkdir(mode=0o700)  # even root cannot read a folder as a file
    with pytest.raises(KeyUnreadable, match="cannot be read"):
        _encrypt(_keyring(tmp_path))


def test_a_key_file_is_never_written_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "encryption.key").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StorageError, match="cannot be written"):
        _encrypt(_keyring(tmp_path))
    assert not (tmp_path / "elsewhere").exists()


def test_a_full_disk_leaves_no_half_written_key_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(StorageError, match="No space left on device"):
            _encrypt(_keyring(tmp_path))
    assert not list(tmp_path.iterdir())
    keyring = _keyring(tmp_path)
    assert _decrypt(keyring, _encrypt(keyring)) == CANARY


def test_a_key_file_open_to_others_is_closed_and_that_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    ciphertext = _encrypt(_keyring(tmp_path))
    key_file = tmp_path / "encryption.key"
    key_file.chmod(0o644)
    with caplog.at_level(logging.WARNING):
        assert _decrypt(_keyring(tmp_path), ciphertext) == CANARY
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    assert "could read the key file" in caplog.text
    assert key_file.read_text().strip() not in caplog.text


def test_nothing_prints_a_key(tmp_path: Path) -> None:
    key = _new_key()
    keyring = _keyring(tmp_path, key)
    secret = keyring.decrypt(_encrypt(keyring), owner=OWNER, origin=ORIGIN)
    assert CANARY not in f"{secret!r} {secret} {keyring!r} {vars(keyring)!r}"
    assert key not in f"{keyring!r} {keyring} {vars(keyring)!r}"


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        ("", "***"),
        ("a" * 12, "***"),
        ("abcdefghijklm", "abc***"),
        ("abcdefghijklmnopqrst", "abcde***"),
        ("abcdefgh" + "x" * 23, "abcdefg***"),
        ("sk-proj-abcdefgh" + "x" * 16, "sk-proj-abcd***"),
        (CANARY, "sk-canary-01***"),
    ],
)
def test_the_mask_shows_twelve_characters_at_most(key: str, shown: str) -> None:
    assert mask(Secret(key)) == shown


@pytest.mark.parametrize("pasted", ["sk-abc", "  sk-abc\n", "\tsk-abc\r\n", "\u00a0sk-abc"])
def test_blanks_around_a_key_are_dropped(pasted: str) -> None:
    assert clean_key(pasted) == "sk-abc"


@pytest.mark.parametrize(
    ("pasted", "reason"),
    [
        ("", "Enter a key"),
        (" \n", "Enter a key"),
        ("hunter2 hunter2", "blank"),
        ("hunter2\nhunter2", "line break"),
        ("Bearer hunter2", "blank"),
        ("hunter2\u00a0hunter2", "blank"),
        ("hunter2\u200b", "no key has"),
        ("hunter2é", "no key has"),
        ("hunter2\x00", "no key has"),
        ("hunter2\x7f", "no key has"),
        ("hunter2…", "no key has"),
        ("hunter2\ud800", "no key has"),
        ("hunter2" * KEY_LIMIT, "4,096"),
    ],
)
def test_a_bad_key_is_refused_without_a_word_of_it(pasted: str, reason: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        clean_key(pasted)
    assert caught.value.field == "key"
    assert reason in caught.value.message
    assert "hunter2" not in caught.value.message
