"""Everything in one file: both databases as a zip archive, and back. API keys in it stay encrypted."""

import io
import shutil
import tempfile
import zipfile
from datetime import datetime
from pathlib import Path

from core.errors import InvalidInput, StorageError
from core.store import Store

FILES = ("settings.duckdb", "log.duckdb")
LARGEST = 2 * 1024**3  # bytes, unpacked


def pack(store: Store, *, now: datetime) -> bytes:
    """Return a zip archive of both files as they stand, taken while they are in use. Raises StorageError."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for database in (store.settings, store.log):
            copy = database.snapshot("download", now=now)
            archive.write(copy, database.path.name)
            copy.unlink()
    return packed.getvalue()


def unpack(data: bytes, folder: Path) -> None:
    """Put an archive's files into `folder` and check them by opening them. Raises InvalidInput, StorageError."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = {member.filename: member for member in archive.infolist()}
            if set(members) != set(FILES):
                raise InvalidInput(
                    "This is not a backup of Switchboard: it should hold settings.duckdb and log.duckdb."
                )
            if sum(member.file_size for member in members.values()) > LARGEST:
                raise InvalidInput(
                    "The backup is larger than 2 GB unpacked. Copy its files into the data folder instead."
                )
            for name in FILES:
                with archive.open(name) as source, (folder / name).open("wb") as target:
                    shutil.copyfileobj(source, target)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise InvalidInput("This file is no zip archive, or it is damaged.") from error
    Store(folder).close()


def swap_in(data: bytes, folder: Path, *, now: datetime) -> Path:
    """Let an archive take the place of the files in `folder`, which nobody may hold open; they are kept in a folder
    that is returned. Raises InvalidInput, StorageError, and then nothing has changed.
    """
    with tempfile.TemporaryDirectory(dir=folder, prefix="restore-") as unpacked:
        unpack(data, Path(unpacked))
        kept = folder / f"replaced-{now:%Y%m%dT%H%M%S}"
        try:
            kept.mkdir(mode=0o700)
            for name in FILES:
                for old in (folder / name, folder / f"{name}.wal"):
                    if old.exists():
                        old.rename(kept / old.name)
                (Path(unpacked) / name).rename(folder / name)
        except OSError as error:
            raise StorageError(f"The backup could not be put in place: {error.strerror}. Look into {kept}.") from error
    return kept
