"""Encrypt API keys at rest and clean and mask them for people. The only file that knows `cryptography`."""

import json
import logging
import os
import re
import stat
import threading
from collections.abc import Callable
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from core.errors import ConfigError, InvalidInput, KeyUnreadable, StorageError
from core.types import Secret

KEY_FILE = "encryption.key"
# Needs nothing but Python, so that it works before anything is installed.
KEY_COMMAND = 'python3 -c "import base64, os; print(base64.urlsafe_b64encode(os.urandom(32)).decode())"'
KEY_LIMIT = 4096  # characters; longer than any provider's key, shorter than any server's header limit

_FERNET_KEY = re.compile(r"[A-Za-z0-9_-]{43}=")
_LOG = logging.getLogger(__name__)


class Keyring:
    """The encryption keys at hand, newest first: ENCRYPTION_KEY, then the key file of the data folder.

    The file is read at the first use and made at the first `encrypt` only when there is no other key and
    `has_ciphertexts` says that nothing is stored which a new key could not read.
    """

    def __init__(
        self,
        encryption_key: str | None,
        data_dir: Path,
        *,
        has_ciphertexts: Callable[[], bool],
        makes_file: bool = True,
    ) -> None:
        """Raises ConfigError when `encryption_key` is set but is not a list of Fernet keys.

        `makes_file` False: the disk does not last, and a key file on it would be lost with all it encrypted.
        """
        self._makes_file = makes_file
        self._path = data_dir / KEY_FILE
        self._has_ciphertexts = has_ciphertexts
        self._configured = _parse_keys(encryption_key) if encryption_key else []
        self._from_file: Fernet | None = None
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return "Keyring(***)"

    def encrypt(self, secret: Secret, *, owner: str, origin: str) -> str:
        """Return a ciphertext that only opens for the same owner and origin.

        Raises KeyUnreadable when a new key would be needed while older ciphertexts exist, StorageError when the key
        file cannot be written.
        """
        text = json.dumps({"owner": owner, "origin": origin, "secret": secret.reveal()})
        with self._lock:
            keys = self._keys() or [self._create_file()]
        return keys[0].encrypt(text.encode()).decode("ascii")

    def decrypt(self, ciphertext: str, *, owner: str, origin: str) -> Secret:
        """Return the key. Raises KeyUnreadable with what to do when it cannot be read or belongs elsewhere."""
        try:
            content = json.loads(self._multi().decrypt(ciphertext.encode()))
        except InvalidToken as error:
            raise KeyUnreadable(_WRONG_KEY) from error
        if content["owner"] != owner:
            raise KeyUnreadable("The stored key belongs to another provider or project. Enter the key for this one.")
        if content["origin"] != origin:
            raise KeyUnreadable(
                f"The stored key was entered for {content['origin']} and is not sent to {origin}. "
                "Enter the key for this address."
            )
        return Secret(content["secret"])

    def reencrypt(self, ciphertext: str) -> str:
        """Return the same content under the newest key. Raises KeyUnreadable."""
        try:
            return self._multi().rotate(ciphertext.encode()).decode("ascii")
        except InvalidToken as error:
            raise KeyUnreadable(_WRONG_KEY) from error

    def is_newest(self, ciphertext: str) -> bool:
        """Say whether the newest encryption key alone opens the ciphertext."""
        with self._lock:
            keys = self._keys()
        try:
            keys[0].decrypt(ciphertext.encode())
        except (InvalidToken, IndexError):
            return False
        return True

    def _multi(self) -> MultiFernet:
        with self._lock:
            keys = self._keys()
        if not keys:
            raise KeyUnreadable(
                f"The encryption key is missing: put {self._path} back or set ENCRYPTION_KEY as it was. "
                "If it is lost, remove the stored keys and enter them again."
            )
        return MultiFernet(keys)

    def _keys(self) -> list[Fernet]:
        if self._from_file is None:
            self._from_file = self._read_file()
        return [*self._configured, *([self._from_file] if self._from_file else [])]

    def _read_file(self) -> Fernet | None:
        try:
            _close_to_others(self._path)
            text = self._path.read_text(encoding="utf-8", errors="replace").strip()
        except FileNotFoundError:
            return None
        except OSError as error:
            if self._configured:
                return None  # the file only helps with older ciphertexts
            raise KeyUnreadable(
                f"The key file {self._path} cannot be read ({error.strerror}). Give this user the right to read it."
            ) from error
        if _FERNET_KEY.fullmatch(text):
            return Fernet(text)
        if self._configured:
            return None
        raise KeyUnreadable(
            f"The key file {self._path} is damaged. Put back a copy of it; if there is none, delete it, remove the "
            "stored keys and enter them again."
        )

    def _create_file(self) -> Fernet:
        if self._has_ciphertexts():
            raise KeyUnreadable(
                f"The encryption key is missing, but keys encrypted with it are stored: put {self._path} back or set "
                "ENCRYPTION_KEY as it was. If it is lost, remove the stored keys first, then enter them again."
            )
        if not self._makes_file:
            raise KeyUnreadable(
                "This app's disk does not last, so no key file is made on it. Put encryption_key under [app] in the "
                f"app's Secrets first (make one with: {KEY_COMMAND}), or put the provider's own key there."
            )
        key = Fernet.generate_key()
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write_new(self._path, key)
        except OSError as error:
            raise StorageError(f"The key file {self._path} cannot be written ({error.strerror}).") from error
        self._from_file = Fernet(key)
        return self._from_file


def clean_key(text: str) -> str:
    """Return an API key as it will be sent. Raises InvalidInput, without a word of the key."""
    key = text.strip()
    if not key:
        raise InvalidInput("Enter a key.", field="key")
    if len(key) > KEY_LIMIT:
        raise InvalidInput(f"The key has {len(key):,} characters; {KEY_LIMIT:,} is the most.", field="key")
    if any(character.isspace() for character in key):
        raise InvalidInput("The key contains a blank or a line break. Paste the key alone, in one piece.", field="key")
    if not (key.isascii() and key.isprintable()):
        raise InvalidInput(
            "The key contains a character that no key has. Copy it again from the provider.", field="key"
        )
    return key


def mask(secret: Secret) -> str:
    """Return what may be shown of a key: 12 characters of a long one, a quarter of a shorter one, else nothing."""
    key = secret.reveal()
    if len(key) <= 12:
        return "***"
    return key[: 12 if len(key) >= 32 else len(key) // 4] + "***"


_WRONG_KEY = (
    "The stored key was encrypted with another encryption key. Set ENCRYPTION_KEY to the one used before (older ones "
    "may follow the newest, comma separated), or enter the key again."
)


def _parse_keys(text: str) -> list[Fernet]:
    keys = [key.strip() for key in text.split(",") if key.strip()]
    wrong = [number for number, key in enumerate(keys, start=1) if not _FERNET_KEY.fullmatch(key)]
    if wrong or not keys:
        which = f"key {wrong[0]} of {len(keys)} is" if len(keys) > 1 else "it is"
        raise ConfigError(
            f"ENCRYPTION_KEY cannot be used: {which} not a Fernet key (44 characters, the last one is =). "
            f"Make one with: {KEY_COMMAND}"
        )
    return [Fernet(key) for key in keys]


def _close_to_others(path: Path) -> None:
    """Take the rights of group and others away from the key file, and say so."""
    mode = stat.S_IMODE(path.stat().st_mode)
    if os.name != "posix" or not mode & 0o077:
        return
    try:
        path.chmod(0o600)
    except OSError:
        _LOG.warning("Other users may read the key file %s: set its permissions to 0600.", path)
    else:
        _LOG.warning("Other users could read the key file %s: its permissions are 0600 again.", path)


def _write_new(path: Path, key: bytes) -> None:
    """Write a file that must not exist yet, readable by its owner only; leave nothing half written."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(key + b"\n")
            file.flush()
            os.fsync(descriptor)
    except BaseException:
        path.unlink()
        raise
