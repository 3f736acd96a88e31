"""How MariaDB and MySQL are backed up and put back: their own dump, and one RENAME TABLE.

A backup is up to five payloads: tables (with or without rows), rows, programs (triggers and routines),
views, events. Apart they can be loaded in the order that they need, and events, which would run by
themselves, stay out of scratch databases.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError

from pytest_visionforge.database.session import Session
from pytest_visionforge.dialects import Dumped, Payloads, Raw, Sink
from pytest_visionforge.dialects.child import Command, Program, feed, installed, pour
from pytest_visionforge.dialects.mysql.language import quote
from pytest_visionforge.dialects.writing import Admin, admin
from pytest_visionforge.errors import BackupError

FULL, SCHEMA, DATA = "full.sql", "schema.sql", "data.sql"
PROGRAMS, VIEWS, EVENTS = "programs.sql", "views.sql", "events.sql"
MARKER = b"-- Dump completed"
DUMP_OPTIONS = (
    "--single-transaction",
    "--quick",
    "--hex-blob",
    "--no-tablespaces",
    "--order-by-primary",
    "--default-character-set=utf8mb4",
    "--max-allowed-packet=1G",
    "--skip-dump-date",
    "--loose-set-gtid-purged=OFF",
    "--loose-column-statistics=0",
)
LOAD_OPTIONS = ("--batch", "--binary-mode", "--default-character-set=utf8mb4", "--max-allowed-packet=1G")
# What each payload is made with; "tables" are named where it says so.
PARTS: dict[str, tuple[str, ...]] = {
    FULL: ("--skip-triggers",),
    SCHEMA: ("--skip-triggers", "--no-data"),
    DATA: ("--skip-triggers", "--no-create-info"),
    PROGRAMS: ("--no-create-info", "--no-data", "--triggers", "--routines"),
    VIEWS: ("--skip-triggers", "--no-data"),
    EVENTS: ("--no-create-info", "--no-data", "--skip-triggers", "--events"),
}
KINDS = {"full": (FULL,), "schema": (SCHEMA,), "data": (SCHEMA, DATA)}
LOCK_SECONDS = 20
_TABLES = "'BASE TABLE', 'SYSTEM VERSIONED', 'SEQUENCE'"


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
    program = _program("dump", session.dialect.session.product(session))
    tables = _names(session.all, _TABLES)
    views = _names(session.all, "'VIEW'")
    for name in (*KINDS[kind], PROGRAMS, VIEWS, EVENTS):
        wanted = {PROGRAMS: (), EVENTS: (), VIEWS: views}.get(name, tables)
        if wanted or name in (PROGRAMS, EVENTS):
            progress(f"{program.name}: {name.partition('.')[0]}")
            with write(name) as sink:
                _dump_part(program, url, name, wanted, sink)
    return Dumped({program.name: program.shown}, DUMP_OPTIONS, shared=False)


def check(name: str, raw: Raw, workplace: Path) -> None:
    """A dump is whole only with the marker at its end: what is cut off before it looks sound."""
    _drain(_Marked(raw))


@contextmanager
def scratch(url: URL | None, tag: str, directory: Path | None) -> Iterator[URL]:
    """`vf_scratch_<tag>` on the same server, with the character set of the database at `url`."""
    if url is None:
        raise BackupError("a scratch database needs a server: name the URL of a database on it")
    name = f"vf_scratch_{tag}"
    with _connected(url) as server:
        if server.value("SELECT GET_LOCK(:name, 0)", name=name) != 1:
            raise BackupError(f"another run is using {name}; wait until it has ended")
        _drop(server, name)
        server.run(f"CREATE DATABASE {quote(name)} {_character_set(server, url)}")
        try:
            yield url.set(database=name)
        finally:
            _drop(server, name)


def load(payloads: Payloads, url: URL, progress: Callable[[str], None]) -> None:
    """Runs the client on all but the events."""
    for name in payloads.names:
        if name != EVENTS:
            _load_part(payloads, name, url, progress)


def swap(
    scratch: URL, url: URL, payloads: Payloads, tag: str, keep_old: bool, progress: Callable[[str], None]
) -> str:
    """Moves all tables with one RENAME TABLE; triggers, routines, views and events are put back after it.

    Triggers cannot move between databases: they are dropped before, and come back if the rename fails.
    """
    live, new = str(url.database), str(scratch.database)
    with _connected(url) as server, tempfile.TemporaryFile() as programs, tempfile.TemporaryFile() as views:
        _refuse_foreign_references(server, live)
        old = _free_name(server, live, tag)
        exists = _exists(server, live)
        server.run(f"CREATE DATABASE {quote(old if exists else live)} {_character_set(server, scratch)}")
        if exists:
            _save(server, url, programs, views)
        try:
            _move_tables(server, live, new, old, progress)
        except BaseException:
            _load_saved(programs, url)
            _drop(server, old)
            raise
        _drop_rest(server, live)
        for name in (PROGRAMS, VIEWS, EVENTS):
            if name in payloads.names:
                _load_part(payloads, name, url, progress)
        if exists and keep_old:
            for saved in (programs, views):
                _load_saved(saved, url.set(database=old))
            return old
        _drop(server, old)
        return ""


def _move_tables(server: Admin, live: str, new: str, old: str, progress: Callable[[str], None]) -> None:
    """Every table at once: a foreign key follows its tables only if they move together."""
    moves = [
        f"{quote(source)}.{quote(name)} TO {quote(target)}.{quote(name)}"
        for source, target in ((live, old), (new, live))
        for name in _names(partial(server.rows, of=source), _TABLES, ":of")
    ]
    for database in (live, new):
        for name in _listed(server, "TRIGGER_NAME", "TRIGGERS", "TRIGGER_SCHEMA", database):
            server.run(f"DROP TRIGGER {quote(database)}.{quote(name)}")
    if moves:
        progress(f"swapping: the old tables go to {old}")
        server.run(f"SET lock_wait_timeout = {LOCK_SECONDS}")
        server.run(f"RENAME TABLE {', '.join(moves)}")


def _drop_rest(server: Admin, live: str) -> None:
    """Views, routines and events of the old state: the backup's come in their place."""
    for name in _names(partial(server.rows, of=live), "'VIEW'", ":of"):
        server.run(f"DROP VIEW {quote(live)}.{quote(name)}")
    routines = server.rows(
        "SELECT ROUTINE_TYPE, ROUTINE_NAME FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = :of",
        of=live,
    )
    for kind, name in routines:
        server.run(f"DROP {kind} {quote(live)}.{quote(name)}")
    for name in _listed(server, "EVENT_NAME", "EVENTS", "EVENT_SCHEMA", live):
        server.run(f"DROP EVENT {quote(live)}.{quote(name)}")


def _save(server: Admin, url: URL, programs: IO[bytes], views: IO[bytes]) -> None:
    """The live database's own definitions, for its kept copy and for the way back."""
    program = _program("dump", str(server.value("SELECT VERSION()")))
    _dump_part(program, url, PROGRAMS, (), programs)
    names = _names(partial(server.rows, of=url.database), "'VIEW'", ":of")
    if names:
        _dump_part(program, url, VIEWS, names, views)


def _load_saved(saved: IO[bytes], url: URL) -> None:
    if saved.seek(0, os.SEEK_END):
        saved.seek(0)
        _client(url, saved)


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


def _refuse_foreign_references(server: Admin, live: str) -> None:
    """References from other databases would follow the old tables."""
    found = server.rows(
        "SELECT DISTINCT CONCAT(TABLE_SCHEMA, '.', TABLE_NAME) FROM information_schema.KEY_COLUMN_USAGE"
        " WHERE REFERENCED_TABLE_SCHEMA = :live AND TABLE_SCHEMA <> :live",
        live=live,
    )
    if found:
        raise BackupError(
            f"tables of other databases refer to {live}: {', '.join(row[0] for row in found[:5])};"
            " drop those foreign keys, restore, and add them again"
        )


def _names(query: Callable[..., Sequence[Any]], types: str, schema: str = "DATABASE()") -> list[str]:
    sql = (
        f"SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = {schema}"
        f" AND TABLE_TYPE IN ({types}) ORDER BY TABLE_TYPE = 'SEQUENCE' DESC, TABLE_NAME"
    )
    return [str(row[0]) for row in query(sql)]


def _listed(server: Admin, column: str, table: str, schema: str, database: str) -> list[str]:
    sql = f"SELECT {column} FROM information_schema.{table} WHERE {schema} = :database"
    return [str(row[0]) for row in server.rows(sql, database=database)]


def _exists(server: Admin, name: str) -> bool:
    return bool(_listed(server, "SCHEMA_NAME", "SCHEMATA", "SCHEMA_NAME", name))


def _free_name(server: Admin, name: str, tag: str) -> str:
    """`<name>__old_<tag>`, within 64 characters, that no database has."""
    number = 1
    while True:
        end = f"__old_{tag}" + (f"_{number}" if number > 1 else "")
        old = name[: 64 - len(end)] + end
        if not _exists(server, old):
            return old
        number += 1


def _drop(server: Admin, name: str) -> None:
    server.run(f"DROP DATABASE IF EXISTS {quote(name)}")


def _character_set(server: Admin, url: URL) -> str:
    row = server.rows(
        "SELECT DEFAULT_CHARACTER_SET_NAME, DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA"
        " WHERE SCHEMA_NAME = :name",
        name=url.database,
    )
    return f"CHARACTER SET {row[0][0]} COLLATE {row[0][1]}" if row else "CHARACTER SET utf8mb4"


def _connected(url: URL) -> AbstractContextManager[Admin]:
    """A connection to the server, without a database: the one of the URL may be gone."""
    arguments = {"connect_timeout": 5, "charset": "utf8mb4", "program_name": "visionforge"}
    return admin(url.set(database=""), arguments, _remedy)


def _remedy(error: DBAPIError) -> str:
    number = error.orig.args[0] if error.orig and error.orig.args else None
    if number == 1205:
        return "; a transaction holds a table: stop what uses the database, then restore again"
    if number in (1044, 1142, 1227):
        return "; the role needs ALL PRIVILEGES on the database and on `vf_scratch_%` and `%__old_%`"
    return ""


def _program(kind: str, product: str) -> Program:
    """The server's own dump program or client; the other maker's where it is missing."""
    maria, mysql = {"dump": ("mariadb-dump", "mysqldump"), "client": ("mariadb", "mysql")}[kind]
    ours = "mariadb" in product.lower()
    for name in (maria, mysql) if ours else (mysql, maria):
        if found := installed(name):
            return found[-1]
    package = "mariadb-client" if ours else "mysql-client"
    raise BackupError(f"{maria} is not installed; install it: apt-get install {package}")


def _dump_part(program: Program, url: URL, name: str, tables: Sequence[str], sink: Sink | IO[bytes]) -> None:
    marked = _MarkedSink(sink)
    with _secrets(url) as (option, descriptor):
        arguments = (program.path, option, *DUMP_OPTIONS, *PARTS[name], "--", str(url.database), *tables)
        pour(_command(arguments, descriptor, url), marked)
    if not marked.whole:
        raise BackupError(f"{program.name} ended without an error, but its dump has no end")


def _load_part(payloads: Payloads, name: str, url: URL, progress: Callable[[str], None]) -> None:
    progress(f"loading: {name.partition('.')[0]}")
    with payloads.open(name) as raw:
        _client(url, _Marked(raw))


def _client(url: URL, raw: Any) -> None:
    program = _program("client", "mariadb")
    with _secrets(url) as (option, descriptor):
        arguments = (program.path, option, *LOAD_OPTIONS, f"--database={url.database}")
        feed(_command(arguments, descriptor, url), raw)


def _command(arguments: Sequence[str], descriptor: int, url: URL) -> Command:
    return Command(
        arguments=arguments,
        environment=dict.fromkeys(("MYSQL_PWD", "MYSQL_HOST", "MYSQL_TCP_PORT", "MYSQL_UNIX_PORT"), None),
        descriptors=(descriptor,),
        tidy=partial(_tidy, secret=str(url.password or "")),
    )


@contextmanager
def _secrets(url: URL) -> Iterator[tuple[str, int]]:
    """How to connect, in an option file that has no name: only the child can read it.

    It is the only option file: another, read after it, could lead the child to another server.
    """
    query = url.query
    options: dict[str, object] = {"host": url.host, "port": url.port, "user": url.username}
    options |= {"password": url.password, "socket": query.get("unix_socket")}
    options |= {f"ssl-{part}": query.get(f"ssl_{part}") for part in ("ca", "cert", "key")}
    if not any(key.startswith("ssl") for key in query):
        options["loose-skip-ssl-verify-server-cert"] = ""
    lines = ["[client]", *(_option(key, value) for key, value in options.items() if value is not None)]
    reader, writer = os.pipe()
    try:
        os.write(writer, ("\n".join(lines) + "\n").encode())
        os.close(writer)
        yield f"--defaults-file=/dev/fd/{reader}", reader
    finally:
        os.close(reader)


def _option(key: str, value: object) -> str:
    escaped = str(value).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'{key}="{escaped}"' if escaped else key


_ROWS = re.compile(r"'.*'", re.S)
_NAMING = {1044, 1045, 1049, 1142, 1146, 1227, 1356, 1419, 1449, 2002, 2003, 2005, 2013}


def _tidy(line: str, secret: str) -> str:
    """The error's own line; quoted parts are shown only where they are names, for they may be rows."""
    found = re.match(r"(?:ERROR |[\w-]+: Got error: )(\d+)", line)
    known = bool(found) and int(found[1]) in _NAMING if found else False
    if not found and not re.match(r"[\w-]+: ", line):
        return ""
    line = line if known else _ROWS.sub("'...'", line)
    line = line[:500].strip()
    return line.replace(secret, "***") if secret else line


class _MarkedSink:
    """Passes a dump on and remembers whether it ended with the marker."""

    def __init__(self, sink: Sink | IO[bytes]) -> None:
        self._sink = sink
        self._end = b""

    def write(self, data: bytes) -> None:
        """The next bytes."""
        self._sink.write(data)
        self._end = (self._end + data)[-200:]

    @property
    def whole(self) -> bool:
        """Is the last line the marker?"""
        return MARKER in self._end.rstrip().rpartition(b"\n")[2]


class _Marked:
    """Passes a dump on and refuses one that does not end with the marker."""

    def __init__(self, raw: Raw) -> None:
        self._raw = raw
        self._seen = _MarkedSink(_Nowhere())

    def read(self, size: int = 1 << 20) -> bytes:
        """The next bytes."""
        data = self._raw.read(size)
        if not data and not self._seen.whole:
            raise BackupError("the dump is cut off: the marker at its end is missing")
        self._seen.write(data)
        return data


class _Nowhere:
    def write(self, data: bytes) -> None:
        """Nothing is kept."""


def _drain(raw: _Marked) -> None:
    while raw.read():
        pass
