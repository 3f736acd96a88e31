"""Several runs in one directory of backups: who may work at the same time, and who must wait.

Locks are the kernel's: they end with the process that holds them, however it ends, so none is ever
stale. What is written into the file tells only those who must wait for whom; the line of a run that
has died is recognised and says nothing.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pytest_visionforge.backup import files
from pytest_visionforge.backup.catalogue import JOURNAL
from pytest_visionforge.cutover.journal import Journal
from pytest_visionforge.errors import BackupError

LOCK = ".lock"
PATIENCE = 30.0  # seconds to wait for a run that wants the directory for itself
PAUSE = 0.1


@contextmanager
def step(
    directory: Path, action: str, shown: str, *, place: str = "", alone: bool = False, **facts: Any
) -> Iterator[dict[str, Any]]:
    """An action on the backups of a directory: under its lock, with its begin and end in the journal.

    Runs that are `alone` have the directory for themselves; the others work side by side, but for
    those that put something into the same `place`. Yields the facts of the end, to fill.
    """
    with held(directory, action, alone=alone):
        if not place:
            with Journal(directory / JOURNAL).step(action, shown, **facts) as end:
                yield end
            return
        name = f"{LOCK}-{hashlib.sha256(place.encode()).hexdigest()[:12]}"
        with (
            held(directory, action, alone=True, name=name, patience=0),
            Journal(directory / JOURNAL).step(action, shown, place=place, **facts) as end,
        ):
            yield end


@contextmanager
def held(
    directory: Path, action: str, *, alone: bool = False, name: str = LOCK, patience: float | None = None
) -> Iterator[None]:
    """A lock of the directory; BackupError, with who holds it, where it is not free in time."""
    with _opened(directory / name) as descriptor:
        end = time.monotonic() + (PATIENCE if patience is None else patience)
        while not _taken(descriptor, alone=alone):
            if time.monotonic() >= end:
                raise BackupError(
                    f"{action}: {directory} is in use by {_who(descriptor)}; wait until it has ended"
                )
            time.sleep(PAUSE)
        with suppress(OSError):  # a full disk: then those who wait do not learn for whom
            os.write(descriptor, _line(action))
        yield


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        descriptor = os.open(path, flags, files.FILE_MODE)
    except OSError as error:
        raise BackupError(f"{path}: cannot be locked: {files.why(error)}") from None
    try:
        yield descriptor
    finally:
        os.close(descriptor)  # the lock ends with it


def _taken(descriptor: int, *, alone: bool) -> bool:
    """Takes the lock if it is free. Whoever is alone for a moment wipes off what others have left."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        if alone:
            return False
    else:
        os.ftruncate(descriptor, 0)
    if not alone:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def _line(action: str) -> bytes:
    facts = {
        "action": action,
        "pid": os.getpid(),
        "born": _born(os.getpid()),
        "host": socket.gethostname(),
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    return json.dumps(facts).encode() + b"\n"


def _who(descriptor: int) -> str:
    """Those who hold the lock, as far as they can be told."""
    size = os.fstat(descriptor).st_size
    lines = os.pread(descriptor, min(size, 1 << 16), 0).splitlines()
    return ", ".join(filter(None, map(_alive, lines))) or "another run"


def _alive(line: bytes) -> str:
    """A run in words; "" where it has ended, or its line cannot be read."""
    try:
        facts = json.loads(line)
        host, pid = str(facts["host"]), int(facts["pid"])
        if host == socket.gethostname() and _born(pid) != facts["born"]:
            return ""
        return f"{str(facts['action'])[:40]} (process {pid} on {host}, since {facts['since']})"
    except (ValueError, KeyError, TypeError):
        return ""


def _born(pid: int) -> float | None:
    """When a process was started: a number that is used again is another process."""
    import psutil

    try:
        return round(psutil.Process(pid).create_time(), 1)
    except psutil.Error:
        return None
