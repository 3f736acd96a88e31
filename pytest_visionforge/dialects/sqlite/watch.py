"""What can be seen of a SQLite database while others work: the locks that the kernel holds on its file."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil
from sqlalchemy import URL

from pytest_visionforge.database.session import Session
from pytest_visionforge.dialects.pulse import Activity, Pulse
from pytest_visionforge.dialects.sqlite.session import path_of

_PRAGMAS = (
    "journal_mode", "page_size", "encoding", "auto_vacuum", "application_id", "user_version", "freelist_count",
)  # fmt: skip
_LOCKS = Path("/proc/locks")
# Bytes of the file (and of the -shm beside it, in WAL mode) whose lock says what a process does.
_RESERVED, _SHARED, _SHARED_END = 0x40000001, 0x40000002, 0x40000002 + 510
_WAL_WRITE, _WAL_READ, _WAL_READ_END = 120, 123, 127


def settings(session: Session) -> Mapping[str, str]:
    """How the file is made."""
    return {name: str(session.value(f"PRAGMA {name}")) for name in _PRAGMAS}


def pulse(session: Session, url: URL) -> Pulse:
    """One look: the processes of others that read or write right now; since when is not known."""
    locks = list(_of_others(path_of(url)))
    return Pulse(
        connections=len({process for process, _ in locks}),
        holders=tuple(_activity(process) for process in sorted({pid for pid, writes in locks if writes})),
    )


def environment(mark: str) -> Mapping[str, str]:
    """Nobody is there to know anybody."""
    return {}


def disconnect(session: Session, mark: str, ports: frozenset[int]) -> int:
    """What a process locked is free once it is gone."""
    return 0


def blockers(session: Session, url: URL, seconds: float) -> tuple[Activity, ...]:
    """The processes of others that are in a transaction, whatever its age."""
    return tuple(_activity(pid) for pid in sorted({process for process, _ in _of_others(path_of(url))}))


def _activity(process: int) -> Activity:
    try:
        name = psutil.Process(process).name()
    except psutil.Error:
        name = "a process that is gone"
    return Activity(f"process {process}", name, process=process)


def _of_others(path: Path) -> Iterator[tuple[int, bool]]:
    """The process of each lock, and whether it writes; none where the kernel does not tell."""
    try:
        lines = _LOCKS.read_text("ascii").splitlines()
    except OSError:
        return
    main, shared = _inode(path), _inode(path.with_name(f"{path.name}-shm"))
    for line in lines:
        words = line.split()
        if len(words) < 8 or words[1] != "POSIX" or int(words[4]) in (os.getpid(), -1):
            continue
        file, start, end = words[5], int(words[6]), words[7]
        last = start if end == "EOF" else int(end)
        if file == main and last >= _RESERVED:
            writes = start <= _RESERVED <= last and words[3] == "WRITE"
            if writes or start <= _SHARED_END:
                yield int(words[4]), writes
        elif file == shared and (start <= _WAL_WRITE <= last or _WAL_READ <= start <= _WAL_READ_END):
            yield int(words[4]), start <= _WAL_WRITE <= last and words[3] == "WRITE"


def _inode(path: Path) -> str:
    """The file as /proc/locks calls it; "" where it is not there."""
    try:
        status = path.stat()
    except OSError:
        return ""
    return f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
