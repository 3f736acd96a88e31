"""How MariaDB and MySQL are backed up and put back: their own dump and their own client.

A backup is up to five payloads: tables (with or without rows), rows, programs (triggers and routines),
views, events. Apart they can be loaded in the order that they need, and events, which would run by
themselves, stay out of scratch databases.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from sqlalchemy import URL

from pytest_visionforge.database.session import Session
from pytest_visionforge.dialects import Dumped, Payloads, Raw, Sink
from pytest_visionforge.dialects.mysql.programs import (
    DATA,
    DUMP_OPTIONS,
    EVENTS,
    FULL,
    PROGRAMS,
    SCHEMA,
    VIEWS,
    Marked,
    dump_part,
    load_part,
    program_for,
)
from pytest_visionforge.dialects.mysql.swapping import TABLES, names_of, scratch, swap
from pytest_visionforge.errors import BackupError

__all__ = ["check", "dump", "load", "place", "scratch", "swap"]

ORDER = (FULL, SCHEMA, DATA, PROGRAMS, VIEWS, EVENTS)  # a view may call a routine
KINDS = {"full": (FULL,), "schema": (SCHEMA,), "data": (SCHEMA, DATA)}


def place(url: URL) -> str:
    """Host, port and name."""
    return f"mysql:{url.host or url.query.get('unix_socket') or 'local'}:{url.port or 3306}/{url.database}"


def dump(
    session: Session,
    url: URL,
    kind: str,
    write: Callable[[str], AbstractContextManager[Sink]],
    workplace: Path,
    progress: Callable[[str], None],
) -> Dumped:
    """Runs the dump program in a snapshot of its own: the server cannot share the session's."""
    _refuse_unsafe_engines(session)
    program = program_for("dump", session.dialect.session.product(session))
    tables, views = names_of(session.all, TABLES), names_of(session.all, "'VIEW'")
    parts = [(name, tables) for name in KINDS[kind]] + [(VIEWS, views)]
    named = [(name, wanted) for name, wanted in parts if wanted]  # no names would mean: all of them
    for name, wanted in sorted([*named, (PROGRAMS, []), (EVENTS, [])], key=lambda part: ORDER.index(part[0])):
        progress(f"{program.name}: {name.partition('.')[0]}")
        with write(name) as sink:
            dump_part(program, url, name, wanted, sink)
    return Dumped({program.name: program.shown}, DUMP_OPTIONS, shared=False)


def check(name: str, raw: Raw, workplace: Path) -> None:
    """A dump is whole only with the marker at its end: what is cut off before it looks sound."""
    marked = Marked(raw)
    while marked.read():
        pass


def load(payloads: Payloads, url: URL, progress: Callable[[str], None]) -> None:
    """Runs the client on all but the events."""
    for name in payloads.names:
        if name != EVENTS:
            load_part(payloads, name, url, progress)


def _refuse_unsafe_engines(session: Session) -> None:
    """Tables outside transactions have no snapshot: they may change while they are dumped."""
    unsafe = session.all(
        "SELECT TABLE_NAME, ENGINE FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()"
        " AND TABLE_TYPE <> 'VIEW' AND ENGINE NOT IN ('InnoDB', 'ROCKSDB') ORDER BY TABLE_NAME"
    )
    if unsafe:
        named = ", ".join(f"{name} ({engine})" for name, engine in unsafe[:5])
        raise BackupError(
            f"{len(unsafe)} tables cannot be dumped consistently, their engine has no transactions: {named};"
            " ALTER TABLE ... ENGINE = InnoDB"
        )
