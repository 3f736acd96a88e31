"""SQLite files and scripts that are none of our backups: read into a scratch file."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing

from sqlalchemy import URL

from pytest_visionforge.dialects.lines import lines
from pytest_visionforge.dialects.rooms.archive import Raw
from pytest_visionforge.dialects.sqlite.parts import allowed
from pytest_visionforge.dialects.sqlite.plain import create_file, translated, write_file
from pytest_visionforge.dialects.sqlite.session import path_of
from pytest_visionforge.errors import BackupError

MAGIC = b"SQLite format 3\0"
SCRIPT = b"PRAGMA foreign_keys=OFF;"
LONGEST = 1 << 28  # bytes of a statement


def recognises(head: bytes) -> bool:
    """Is it how a database file, or what `sqlite3 .dump` prints, begins?"""
    return head.startswith(MAGIC) or head.lstrip().startswith(SCRIPT)


def load_foreign(
    head: bytes,
    open: Callable[[], AbstractContextManager[Raw]],
    url: URL,
    progress: Callable[[str], None],
) -> tuple[str, ...]:
    """Writes the file, or runs the script; what its statements may not do, they do not."""
    path = path_of(url)
    progress("restoring")
    with translated(f"restoring into {path}"), open() as raw:
        if head.startswith(MAGIC):
            write_file(path, raw)
            return ()
        create_file(path)
        with closing(sqlite3.connect(path, isolation_level=None)) as db:
            db.set_authorizer(allowed)
            for statement in _statements(raw):
                if statement.strip().encode() != SCRIPT:  # the only setting that `.dump` needs
                    db.execute(statement)
            if db.in_transaction:
                raise BackupError("the script is cut off: its transaction has no end")
    return ()


def _statements(raw: Raw) -> Iterator[str]:
    waiting = ""
    for line in lines(raw):
        waiting += line.decode()
        if len(waiting) > LONGEST:
            raise BackupError("the script holds a statement that is too long")
        if waiting.rstrip().endswith(";") and sqlite3.complete_statement(waiting):
            yield waiting
            waiting = ""
    if waiting.strip():
        raise BackupError("the script is cut off: its last statement has no end")
