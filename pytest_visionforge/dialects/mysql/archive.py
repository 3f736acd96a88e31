"""How MariaDB and MySQL are backed up and put back: their own dump and their own client.

A backup is up to five payloads: tables (with or without rows), rows, programs (triggers and routines),
views, events. Apart they can be loaded in the order that they need, and events, which would run by
themselves, stay out of scratch databases.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from pathlib import Path

from sqlalchemy import URL

from pytest_visionforge.database.session import Session
from pytest_visionforge.dialects.disks import scratch_disks
from pytest_visionforge.dialects.mysql import queries
from pytest_visionforge.dialects.mysql.databases import (
    TABLES,
    discard,
    exists,
    kept,
    names_of,
    prepare_scratch,
    scratch,
)
from pytest_visionforge.dialects.mysql.foreign import load_foreign, recognises
from pytest_visionforge.dialects.mysql.programs import (
    DATA,
    DUMP_OPTIONS,
    EVENTS,
    FULL,
    PROGRAMS,
    SCHEMA,
    VIEWS,
    Marked,
    Nowhere,
    dump_part,
    load_part,
    program_for,
    refuse_falling_back,
)
from pytest_visionforge.dialects.mysql.rows import replacing
from pytest_visionforge.dialects.mysql.swapping import copy, put_back, recover, swap
from pytest_visionforge.dialects.rooms.archive import Dumped, Payloads, Raw, Sink
from pytest_visionforge.errors import BackupError, DatabaseError

__all__ = [
    "check",
    "copy",
    "discard",
    "dump",
    "exists",
    "kept",
    "lacking",
    "load",
    "load_foreign",
    "make",
    "needs",
    "place",
    "prepare",
    "prepare_scratch",
    "put_back",
    "recognises",
    "recover",
    "replacing",
    "scratch",
    "scratch_disks",
    "swap",
    "workspace",
]

ORDER = (FULL, SCHEMA, DATA, PROGRAMS, VIEWS, EVENTS)  # a view may call a routine
_DEFINERS = " UNION ".join(
    f"SELECT DEFINER FROM information_schema.{view} WHERE {column} = DATABASE()"
    for view, column in (
        ("VIEWS", "TABLE_SCHEMA"),
        ("TRIGGERS", "TRIGGER_SCHEMA"),
        ("ROUTINES", "ROUTINE_SCHEMA"),
        ("EVENTS", "EVENT_SCHEMA"),
    )
)
_SEEING = {"EXECUTE", "ALTER ROUTINE", "CREATE ROUTINE", "SHOW CREATE ROUTINE", "SHOW_ROUTINE"}
KINDS = {"full": (FULL,), "schema": (SCHEMA,), "data": (SCHEMA, DATA)}


def place(url: URL) -> str:
    """Host, port and name."""
    return f"mysql:{url.host or url.query.get('unix_socket') or 'local'}:{url.port or 3306}/{url.database}"


def workspace(session: Session, url: URL, kind: str) -> int:
    """None: the dump program writes into the payloads."""
    return 0


def needs(session: Session) -> Mapping[str, tuple[str, ...]]:
    """The users in whose name views, triggers, routines and events act."""
    return {"definers": tuple(sorted(str(name) for (name,) in session.all(_DEFINERS)))}


def lacking(url: URL, needs: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """None: a dump is loaded without its definers, what they define fails only when it is used."""
    return ()


def prepare(session: Session, url: URL, kind: str) -> None:
    """The programs are there and do as the URL says; all that is to be dumped is seen, and has snapshots.

    What is dumped after the rows is dumped once before them, into nothing: a view over a table that is gone,
    a routine whose text is hidden.
    """
    _refuse_unsafe_engines(session)
    _refuse_hidden_routines(session)
    product = session.dialect.session.product(session)
    for kind in ("dump", "client"):
        refuse_falling_back(program_for(kind, product), url)
    for name, wanted in _without_rows(session):
        dump_part(program_for("dump", product), url, name, wanted, Nowhere())


def dump(
    session: Session,
    url: URL,
    kind: str,
    write: Callable[[str], AbstractContextManager[Sink]],
    workplace: Path,
    progress: Callable[[str], None],
) -> Dumped:
    """Runs the dump program in a snapshot of its own: the server cannot share the session's."""
    program = program_for("dump", session.dialect.session.product(session))
    tables = names_of(session.all, TABLES)
    named = [(name, tables) for name in KINDS[kind] if tables]  # no names would mean: all of them
    for name, wanted in sorted([*named, *_without_rows(session)], key=lambda part: ORDER.index(part[0])):
        progress(f"{program.name}: {name.partition('.')[0]}")
        with write(name) as sink:
            dump_part(program, url, name, wanted, sink)
    return Dumped({program.name: program.shown}, DUMP_OPTIONS, shared=False)


def _without_rows(session: Session) -> Iterator[tuple[str, list[str]]]:
    """The payloads that are no tables, with the names that each is of."""
    yield PROGRAMS, []
    if views := names_of(session.all, "'VIEW'"):
        yield VIEWS, views
    yield EVENTS, []


def check(name: str, raw: Raw, workplace: Path) -> None:
    """A dump is whole only with the marker at its end: what is cut off before it looks sound."""
    marked = Marked(raw)
    while marked.read():
        pass


def make(payloads: Payloads, url: URL, progress: Callable[[str], None]) -> bool:
    """Nothing: a dump does not say how its database was made."""
    return False


def load(payloads: Payloads, url: URL, progress: Callable[[str], None], only: Collection[str] = ()) -> None:
    """Runs the client on all but the events."""
    for name in payloads.names:
        if name != EVENTS:
            load_part(payloads, name, url, progress, only)


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


def _refuse_hidden_routines(session: Session) -> None:
    """A role without any right on a routine does not see it, and the dump program leaves it out in silence.

    With one of these rights it is seen, and the dump program itself says if its body may not be read.
    """
    with suppress(DatabaseError):
        session.all("SELECT 1 FROM mysql.proc LIMIT 0")  # MariaDB's routines, all of them
        return
    here = str(session.value("SELECT DATABASE()"))
    if not _SEEING & {str(row[0]).upper() for row in session.all(queries.WIDE_PRIVILEGES, here=here)}:
        raise BackupError(
            f"a backup by this role would not be whole: routines of {here} are hidden from it;"
            " GRANT SELECT ON mysql.proc to it (MySQL: SHOW_ROUTINE)"
        )
