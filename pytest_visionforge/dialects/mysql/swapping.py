"""A database in the place of another: scratch databases, and one RENAME TABLE."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError

from pytest_visionforge.dialects import Payloads
from pytest_visionforge.dialects.mysql.language import quote
from pytest_visionforge.dialects.mysql.programs import (
    EVENTS,
    PROGRAMS,
    VIEWS,
    dump_part,
    load_part,
    program_for,
    run_client,
)
from pytest_visionforge.dialects.writing import Admin, admin
from pytest_visionforge.errors import BackupError

LOCK_SECONDS = 20
TABLES = "'BASE TABLE', 'SYSTEM VERSIONED', 'SEQUENCE'"


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


def swap(
    scratch: URL, url: URL, payloads: Payloads, tag: str, keep_old: bool, progress: Callable[[str], None]
) -> str:
    """Moves all tables with one RENAME TABLE; triggers, routines, views and events are put back after it.

    Triggers cannot move between databases: they are dropped before, and come back if the rename fails.
    """
    live = str(url.database)
    with _connected(url) as server:
        _refuse_foreign_references(server, live)
        if not _exists(server, live):
            server.run(f"CREATE DATABASE {quote(live)} {_character_set(server, scratch)}")
            _move_tables(server, scratch, live, "", progress)
            _load_rest(payloads, url, progress)
            return ""
        old = _free_name(server, live, tag)
        _swap_live(server, scratch, url, payloads, old, progress)
        if not keep_old:
            _drop(server, old)
    return old if keep_old else ""


def _swap_live(
    server: Admin, scratch: URL, url: URL, payloads: Payloads, old: str, progress: Callable[[str], None]
) -> None:
    """All of it, or the way back: the server undoes a RENAME TABLE that fails, the rest we do."""
    live = str(url.database)
    with tempfile.TemporaryFile() as definitions, tempfile.TemporaryFile() as events:
        _save(server, url, definitions, events)
        before = _state(server, live, scratch)
        server.run(f"CREATE DATABASE {quote(old)} {_character_set(server, url)}")
        try:
            _move_tables(server, scratch, live, old, progress)
            _drop_rest(server, live)
            _load_rest(payloads, url, progress)
        except BaseException:
            progress("going back")
            with _connected(url) as fresh:
                _go_back(fresh, before, scratch, url, old, (definitions, events))
            raise
        _load_saved(definitions, url.set(database=old))


State = tuple[list[str], list[str]]


def _state(server: Admin, live: str, scratch: URL) -> State:
    """What a swap changes: the live database's triggers, the tables still in scratch."""
    return _triggers(server, live), _tables(server, str(scratch.database))


def _go_back(
    server: Admin, before: State, scratch: URL, url: URL, old: str, saved: Sequence[IO[bytes]]
) -> None:
    live, after = str(url.database), _state(server, str(url.database), scratch)
    if after[1] != before[1] or _tables(server, old):
        _move_tables(server, url.set(database=old), live, str(scratch.database), lambda _: None)
    if after != before:
        _drop_rest(server, live)
        for file in saved:
            _load_saved(file, url)
    _drop(server, old)


def _load_rest(payloads: Payloads, url: URL, progress: Callable[[str], None]) -> None:
    for name in (PROGRAMS, VIEWS, EVENTS):
        if name in payloads.names:
            load_part(payloads, name, url, progress)


def _move_tables(server: Admin, scratch: URL, live: str, old: str, progress: Callable[[str], None]) -> None:
    """Every table at once: a foreign key follows its tables only if they move together."""
    new = str(scratch.database)
    moves = [
        (f"{quote(source)}.{quote(name)}", f"{quote(target)}.{quote(name)}")
        for source, target in ((live, old), (new, live))
        for name in _tables(server, source)
    ]
    if moves:
        progress(f"swapping: the old tables go to {old}")
        server.run(f"SET lock_wait_timeout = {LOCK_SECONDS}")
        _drop_triggers(server, (live, new), [source for source, _ in moves])
        server.run(f"RENAME TABLE {', '.join(f'{source} TO {target}' for source, target in moves)}")


def _drop_triggers(server: Admin, databases: Sequence[str], tables: Sequence[str]) -> None:
    """None is dropped before all tables are ours: a transaction that holds one stops us here."""
    server.run(f"LOCK TABLES {', '.join(f'{table} WRITE' for table in tables)}")
    try:
        for database in databases:
            for name in _triggers(server, database):
                server.run(f"DROP TRIGGER {quote(database)}.{quote(name)}")
    finally:
        server.run("UNLOCK TABLES")


def _tables(server: Admin, database: str) -> list[str]:
    return names_of(partial(server.rows, of=database), TABLES, ":of")


def _triggers(server: Admin, database: str) -> list[str]:
    return sorted(_listed(server, "TRIGGER_NAME", "TRIGGERS", "TRIGGER_SCHEMA", database))


def _drop_rest(server: Admin, live: str) -> None:
    """Views, routines and events of the old state: the backup's come in their place."""
    for name in names_of(partial(server.rows, of=live), "'VIEW'", ":of"):
        server.run(f"DROP VIEW {quote(live)}.{quote(name)}")
    routines = server.rows(
        "SELECT ROUTINE_TYPE, ROUTINE_NAME FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = :of",
        of=live,
    )
    for kind, name in routines:
        server.run(f"DROP {kind} {quote(live)}.{quote(name)}")
    for name in _listed(server, "EVENT_NAME", "EVENTS", "EVENT_SCHEMA", live):
        server.run(f"DROP EVENT {quote(live)}.{quote(name)}")


def _save(server: Admin, url: URL, definitions: IO[bytes], events: IO[bytes]) -> None:
    """The live database's triggers, routines and views; its events apart: a kept copy must not run them."""
    program = program_for("dump", str(server.value("SELECT VERSION()")))
    dump_part(program, url, PROGRAMS, (), definitions)
    views = names_of(partial(server.rows, of=url.database), "'VIEW'", ":of")
    if views:
        dump_part(program, url, VIEWS, views, definitions)
    dump_part(program, url, EVENTS, (), events)


def _load_saved(saved: IO[bytes], url: URL) -> None:
    saved.seek(0)
    run_client(url, saved)


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


def names_of(query: Callable[..., Sequence[Any]], types: str, schema: str = "DATABASE()") -> list[str]:
    """The names of tables or views of some types, sequences first: defaults may use them."""
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
