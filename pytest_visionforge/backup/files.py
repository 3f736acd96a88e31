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


@contextmanager
def appended(path: Path) -> Iterator[BinaryIO]:
    """A private file to write on at its end."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
    with os.fdopen(os.open(path, flags, FILE_MODE), "ab") as file:
        yield file


@contextmanager
def secret(path: Path) -> Iterator[BinaryIO]:
    """A file that holds a secret; BackupError where others may read it, too."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise BackupError(f"{path}: the secret cannot be read: {error.strerror}") from None
    with os.fdopen(descriptor, "rb") as file:
        if os.fstat(descriptor).st_mode & 0o077:
            raise BackupError(f"{path}: holds a secret that others can read, too; chmod 600 {path}")
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


def refuse_small_disk(directory: Path, wanted: int) -> None:
    """Raises BackupError where so many bytes are not free."""
    free = shutil.disk_usage(directory).free
    if free < wanted:
        raise BackupError(
            f"{directory}: no space left: about {wanted / 1e6:,.1f} MB are needed, {free / 1e6:,.1f} MB"
            " are free; free some space or choose another directory"
        )


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
