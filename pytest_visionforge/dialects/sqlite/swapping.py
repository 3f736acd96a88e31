"""A file in the place of another: scratch databases, and one rename while nobody holds the old one."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote as quote_uri

from sqlalchemy import URL

from pytest_visionforge.dialects.rooms.archive import Payloads
from pytest_visionforge.dialects.sqlite.overwriting import copied, holders, is_sound, overwrite, remove
from pytest_visionforge.dialects.sqlite.plain import SIDES, side, sync, translated
from pytest_visionforge.dialects.sqlite.session import path_of
from pytest_visionforge.errors import BackupError

SCRATCH = ".tmp-scratch-"
RESTORED, SAFE = "before-restore", "safe"  # what a kept file is called after
STOP = "stop what uses it (nothing was changed), then restore again"


@contextmanager
def scratch(url: URL | None, tag: str, directory: Path | None) -> Iterator[URL]:
    """A file that is not there yet, in a directory of its own."""
    if directory is None:
        assert url is not None
        directory = Path(os.path.realpath(path_of(url))).parent
    with translated(f"making a scratch database in {directory}"):
        for left in directory.glob(f"{SCRATCH}*"):
            _remove_dead(left)
        folder = Path(tempfile.mkdtemp(prefix=f"{SCRATCH}{tag}-", dir=directory))
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        yield URL.create("sqlite+pysqlite", database=str(folder / "scratch.db"))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _remove_dead(folder: Path) -> None:
    """Removes what a run that was killed has left: nobody holds its lock any more."""
    with suppress(OSError):
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(lock)


def exists(url: URL) -> bool:
    """Is there a file with something in it?"""
    path = Path(os.path.realpath(path_of(url)))
    return path.exists() and path.stat().st_size > 0


def swap(scratch: URL, url: URL, payloads: Payloads, tag: str, progress: Callable[[str], None]) -> str:
    """Renames the new file over the old one, or writes into it where somebody has it open."""
    return _swapped(path_of(scratch), url, progress)


def put_back(kept: str, url: URL, tag: str, progress: Callable[[str], None]) -> str:
    """The kept file back in the place of the live one, which is kept in turn."""
    with _held(Path(kept)):  # what somebody has written into it since is in its file, not beside it
        pass
    return _swapped(Path(kept), url, progress)


def copy(url: URL, tag: str, progress: Callable[[str], None]) -> str:
    """A copy of the file beside it."""
    live = Path(os.path.realpath(path_of(url)))
    aside = _aside(live, SAFE)
    progress(f"copying the database to {aside.name}")
    with translated(f"copying {live}"):
        copied(live, aside)
    return str(aside)


def kept(url: URL) -> list[str]:
    """The files beside it that hold its former states, the newest first."""
    live = Path(os.path.realpath(path_of(url)))
    name = re.compile(re.escape(live.name) + rf"\.({RESTORED}|{SAFE})-(\d{{8}}T\d{{12}})")
    found = [(match[2], path) for path in live.parent.iterdir() if (match := name.fullmatch(path.name))]
    return [str(path) for _, path in sorted(found, reverse=True)]


def discard(url: URL, kept: str) -> None:
    """Removes a kept file."""
    with translated(f"removing {kept}"):
        Path(kept).unlink(missing_ok=True)
        for end in SIDES:
            side(Path(kept), end).unlink(missing_ok=True)
        sync(Path(kept).parent)


def recover(url: URL, progress: Callable[[str], None]) -> str:
    """A rename is one step, and SQLite undoes what was half written by itself: only scratch is left.

    And a second name of the old file, where the rename did not come.
    """
    live = Path(os.path.realpath(path_of(url)))
    left = sorted(live.parent.glob(f"{SCRATCH}*"))
    for folder in left:
        _remove_dead(folder)
    for name in kept(url):
        if live.exists() and live.samefile(name):
            left.append(Path(name))
            Path(name).unlink()
    dropped = [path.name for path in left if not path.exists()]
    return f"left by a run that died, and removed: {', '.join(dropped)}" if dropped else ""


def _swapped(new: Path, url: URL, progress: Callable[[str], None]) -> str:
    live = Path(os.path.realpath(path_of(url)))
    with translated(f"putting a database in the place of {live}"):
        if not live.exists():
            _set_aside_sides(live, _aside(live))
            _rename(new, live)
            return ""
        if _is_shared(live) and is_sound(live):
            aside = _aside(live)
            overwrite(new, live, aside, progress)
            remove(new)
            return str(aside)
        return _replace(new, live, progress)


def _is_shared(live: Path) -> bool:
    """Have others it open, and not we? A connection of our own would lose its locks if we wrote into it."""
    found = holders(live)
    return bool(found) and not any(who.startswith("this") for who in found)


def _replace(new: Path, live: Path, progress: Callable[[str], None]) -> str:
    refuse_holders(live, ours=0)
    status = live.stat()
    new.chmod(status.st_mode & 0o7777)
    with suppress(PermissionError):
        os.chown(new, status.st_uid, status.st_gid)
    sync(new)
    aside = _aside(live)
    with _held(live) as healthy:
        if not healthy:
            _set_aside_sides(live, aside)
        refuse_holders(live, ours=1)
        progress(f"keeping the old database as {aside.name}")
        _link(live, aside)
        progress("replacing")
        _rename(new, live)
    return str(aside)


@contextmanager
def _held(live: Path) -> Iterator[bool]:
    """The file, locked for us alone and without a log beside it; False where it is no sound database.

    Replacing a file whose log is still there would blend two states, and SQLite would not notice.
    """
    connection = sqlite3.connect(
        f"file:{quote_uri(str(live))}?mode=rw", uri=True, isolation_level=None, timeout=0
    )
    with closing(connection):
        try:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.execute("PRAGMA journal_mode = DELETE")
            connection.execute("BEGIN EXCLUSIVE")
            healthy = not any(side(live, end).exists() for end in SIDES)
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise BackupError(f"{live} is in use ({error}): {STOP}") from None
            if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
                raise
            healthy = False
        yield healthy


def refuse_holders(live: Path, *, ours: int) -> None:
    """Raises BackupError while a process has the file open: what it wrote then would be lost unseen."""
    found = holders(live, ours=ours)
    if found:
        raise BackupError(f"{live} is held by {found[0]}: {STOP}")


def _aside(live: Path, word: str = RESTORED) -> Path:
    """A free name beside the file: `<db>.before-restore-<time>`."""
    while True:
        path = live.with_name(f"{live.name}.{word}-{datetime.now(UTC):%Y%m%dT%H%M%S%f}")
        if not path.exists():
            return path
        time.sleep(0.001)


def _set_aside_sides(live: Path, aside: Path) -> None:
    """Logs of a database that is gone or broken must not be played into the new one."""
    for end in SIDES:
        with suppress(FileNotFoundError):
            side(live, end).rename(side(aside, end))


def _link(live: Path, aside: Path) -> None:
    """A second name for the old file: at no moment is there none at the place of the database."""
    try:
        os.link(live, aside)
    except OSError:  # a file system without links
        shutil.copy2(live, aside)
        sync(aside)


def _rename(new: Path, live: Path) -> None:
    sync(new)
    new.replace(live)
    left = [side(live, end).name for end in SIDES if side(live, end).exists()]
    sync(live.parent)
    if left:
        raise BackupError(
            f"{live} was put back, but {', '.join(left)} appeared beside it: somebody opened it"
        )
