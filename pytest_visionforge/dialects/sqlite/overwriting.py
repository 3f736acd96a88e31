"""A database in the place of another that is in use: written into its file, as one transaction.

Whoever has the file open reads the old state until the commit and the new one after it. SQLite itself
undoes what was half written. The old state is copied before; if somebody wrote between the copy and the
lock, it is copied again.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from urllib.parse import quote as quote_uri

from pytest_visionforge.dialects.sqlite.plain import create_file, remove_sides, sync
from pytest_visionforge.errors import BackupError

LOCK_SECONDS = 20.0
ATTEMPTS = 5
STEP, CACHE = (
    8 << 20,
    32 << 20,
)  # bytes written in a step; nothing of the first reaches the file before its end
COUNTER = 24  # where a file without a log counts its commits, 4 bytes
Progress = Callable[[str], None]


class _Changed(Exception):
    """Somebody wrote after the old state was copied."""


def holders(live: Path, *, ours: int = 0) -> list[str]:
    """The processes that have a file open, as far as the system tells; this one may have it `ours` times.

    SQLite's locks do not show who merely has it open, the system does (of the processes that we may
    look at).
    """
    import psutil

    found, path = [], str(live)
    for process in psutil.process_iter(["pid", "name"]):
        with suppress(psutil.Error, OSError):
            count = sum(file.path == path for file in process.open_files())
            if count > (ours if process.pid == os.getpid() else 0):
                who = "this very process" if process.pid == os.getpid() else f"process {process.pid}"
                found.append(f"{who} ({process.info['name']})")
    return found


def is_sound(path: Path) -> bool:
    """Can it be read as a database at all?"""
    with closing(_opened(path)) as connection:
        try:
            connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        except sqlite3.DatabaseError as error:
            return error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
    return True


def copied(live: Path, path: Path) -> None:
    """A consistent copy, with the owner and the mode of the original."""
    create_file(path)
    try:
        with closing(_opened(live)) as source, closing(sqlite3.connect(path)) as target:
            source.backup(target, pages=-1, progress=_Deadline(live))
        remove_sides(path)
        status = live.stat()
        path.chmod(status.st_mode & 0o7777)
        with suppress(PermissionError):
            os.chown(path, status.st_uid, status.st_gid)
        sync(path)
    except BaseException:
        remove(path)
        raise


def remove(path: Path) -> None:
    """Removes a database's file and what SQLite keeps beside it."""
    path.unlink(missing_ok=True)
    remove_sides(path)


def overwrite(new: Path, live: Path, aside: Path, progress: Progress) -> None:
    """Writes `new` into the file of `live`; what was there is in `aside`."""
    for _ in range(ATTEMPTS):
        with _watched(live) as unchanged:
            try:
                progress(f"keeping the old database as {aside.name}")
                copied(live, aside)
                _pour(new, live, unchanged, progress)
                return
            except _Changed:
                remove(aside)
            except BaseException:
                remove(aside)
                raise
        progress("somebody wrote meanwhile: once more")
    raise BackupError(f"{live} is written all the time: stop what writes (nothing was changed)")


@contextmanager
def _watched(live: Path) -> Iterator[Callable[[], bool]]:
    """Tells whether nobody has committed since, also while the file is locked for writing."""
    file = os.open(live, os.O_RDONLY)  # closed last: closing it ends every lock of this process on it
    try:
        with closing(_opened(live)) as watch:
            logged = watch.execute("PRAGMA journal_mode").fetchone() == ("wal",)
            version = watch.execute("PRAGMA data_version").fetchone()
            count = os.pread(file, 4, COUNTER)
            yield (
                lambda: (
                    watch.execute("PRAGMA data_version").fetchone() == version
                    if logged
                    else os.pread(file, 4, COUNTER) == count
                )
            )
    finally:
        os.close(file)


def _pour(new: Path, live: Path, unchanged: Callable[[], bool], progress: Progress) -> None:
    """The reverse of a backup: the lock is ours from the first page on, the commit is the last."""
    with closing(_opened(new)) as source, closing(_opened(live)) as target:
        count, size = (source.execute(f"PRAGMA page_{what}").fetchone()[0] for what in ("count", "size"))
        target.execute(f"PRAGMA cache_size = -{CACHE >> 10}")
        deadline, first = _Deadline(live), True

        def tell(status: int, left: int, total: int) -> None:
            nonlocal first
            deadline(status, left, total)
            if status == sqlite3.SQLITE_OK and first:
                first = False
                if not unchanged():
                    raise _Changed
            progress(f"writing: {total - left:,} of {total:,} pages")

        source.backup(target, pages=max(1, min(STEP // size, count // 2)), progress=tell)


class _Deadline:
    """Python goes on asking for ever for a file that somebody holds: this ends it."""

    def __init__(self, live: Path) -> None:
        self._live = live
        self._end = time.monotonic() + LOCK_SECONDS

    def __call__(self, status: int, left: int, total: int) -> None:
        """Called after each step."""
        if status not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            self._end = time.monotonic() + LOCK_SECONDS
        elif time.monotonic() > self._end:
            who = ", ".join(holders(self._live, ours=9)) or "a process that cannot be seen"
            raise BackupError(
                f"{self._live} is in use by {who}, which holds a transaction:"
                " end it (nothing was changed), then try again"
            )


def _opened(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{quote_uri(str(path))}?mode=rw", uri=True, isolation_level=None, timeout=0)
