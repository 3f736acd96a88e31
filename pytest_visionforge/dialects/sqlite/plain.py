"""SQLite's files: made, filled, put on the disk, and its errors as ours."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pytest_visionforge.dialects.rooms.archive import Raw
from pytest_visionforge.errors import BackupError, Hindered

FULL = {errno.ENOSPC, errno.EDQUOT}
SIDES = ("-journal", "-wal", "-shm")
CHUNK = 1 << 20


def side(path: Path, end: str) -> Path:
    """The file that SQLite keeps beside a database: its journal, its log, its index of the log."""
    return path.with_name(path.name + end)


def remove_sides(path: Path) -> None:
    """Removes them."""
    for end in SIDES:
        side(path, end).unlink(missing_ok=True)


def create_file(path: Path) -> None:
    """A new, empty file that only we can read; an error where there is one."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def write_file(path: Path, raw: Raw) -> None:
    """A new file with the bytes of a payload, on the disk."""
    create_file(path)
    with path.open("wb") as file:
        while data := raw.read(CHUNK):
            file.write(data)
        file.flush()
        os.fsync(file.fileno())


def sync(path: Path) -> None:
    """What was written to a file, or the names in a directory, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def translated(what: str) -> Iterator[None]:
    """SQLite's and the system's errors, as ours."""
    try:
        yield
    except sqlite3.Error as error:
        raise BackupError(f"{what}: SQLite says: {error}") from None
    except OSError as error:
        named = f"{error.filename}: " if error.filename else ""
        if error.errno in FULL:
            raise Hindered(f"{what}: {named}{error.strerror}; free some space there") from None
        raise BackupError(f"{what}: {named}{error.strerror or error}") from None
