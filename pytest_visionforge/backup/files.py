"""Files that are whole or not there: private, written once, on the disk before they are named."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from pytest_visionforge.errors import BackupError

DIRECTORY_MODE, FILE_MODE = 0o700, 0o600


def make_directory(path: Path) -> None:
    """A new directory of our own; an error where something of that name is there."""
    path.mkdir(mode=DIRECTORY_MODE)


@contextmanager
def created(path: Path) -> Iterator[BinaryIO]:
    """A new file to write, which must not be there; on the disk once the block ends."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE)
    with os.fdopen(descriptor, "wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """An ordinary file to read; what a link or a device leads to is not read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise BackupError(f"{path}: cannot be read: {error.strerror}") from None
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise BackupError(f"{path}: is not a file")
        yield file


def sync_directory(path: Path) -> None:
    """The names in a directory are on the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def publish(unfinished: Path, path: Path) -> None:
    """Gives a finished directory its name: from one moment to the next it is there as a whole."""
    sync_directory(unfinished)
    unfinished.rename(path)
    sync_directory(path.parent)


def write_new(path: Path, content: bytes) -> None:
    """A small file of that name: whole or not there."""
    unfinished = path.with_name(f".tmp-{path.name}")
    with suppress(FileNotFoundError):
        unfinished.unlink()
    with created(unfinished) as file:
        file.write(content)
    unfinished.rename(path)
    sync_directory(path.parent)


@contextmanager
def workplace(path: Path) -> Iterator[Path]:
    """A new private directory that is gone afterwards, unless it has been renamed."""
    make_directory(path)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def why(error: OSError) -> str:
    """What the system says, with its remedy where there is one."""
    remedies = {
        28: "; free some space or choose another directory",
        122: "; raise the quota or choose another directory",
        13: "; the directory must be yours to write",
        30: "; choose a directory that can be written",
    }
    where = f"{error.filename}: " if error.filename else ""
    return f"{where}{error.strerror or error}{remedies.get(error.errno or 0, '')}"
