"""A database in the place of another: scratch databases, and one RENAME TABLE."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import IO, Any

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError

from pytest_visionforge.dialects.mysql import swaps
from pytest_visionforge.dialects.mysql.language import quote
from pytest_visionforge.dialects.mysql.programs import (
    EVENTS,
    PROGRAMS,
    VIEWS,
    Marked,
    dump_part,
    program_for,
    run_client,
)
from pytest_visionforge.dialects.rooms.archive import Payloads
from pytest_visionforge.dialects.writing import Admin, admin, is_kept
from pytest_visionforge.errors import BackupError

LOCK_SECONDS = 20
LONGEST_NAME = 64  # characters
TABLES = "'BASE TABLE', 'SYSTEM VERSIONED', 'SEQUENCE'"
Progress = Callable[[str], None]


@contextmanager
def scratch(url: URL | None, tag: str, directory: Path | None) -> Iterator[URL]:
    """`vf_scratch_<tag>` on the same server, with the character set of the database at `url`."""
    if url is None:
        raise BackupError("a scratch database needs a server: name the URL of a database on it")
    name = f"vf_scratch_{tag}"
    with connected(url) as server:
        if server.value("SELECT GET_LOCK(:name, 0)", name=name) != 1:
            raise BackupError(f"another run is using {name}; wait until it has ended")
        _drop(server, name)
        server.run(f"CREATE DATABASE {quote(name)} {_character_set(server, url)}")
        try:
            yield url.set(database=name)
        finally:
            _drop(server, name)


def exists(url: URL) -> bool:
    """Is there a database of that name?"""
    with connected(url) as server:
        return _exists(server, str(url.database))


def swap(scratch: URL, url: URL, payloads: Payloads, tag: str, progress: Progress) -> str:
    """Moves all tables with one RENAME TABLE; triggers, routines, views and events are put back after it.

    Triggers cannot move between databases: they are dropped before, and come back if the rename fails.
    What has to be done is recorded on the server before anything is: `recover` does it if we die.
    """
    with connected(url) as server, swaps.alone(server, str(url.database)), tempfile.TemporaryFile() as rest:
        _refuse_foreign_references(server, str(url.database))
        _refresh_statistics(server, str(scratch.database), progress)
        _gather(payloads, rest)
        return _swapped(server, scratch, url, tag, {swaps.REST: rest}, progress)


def put_back(kept: str, url: URL, tag: str, progress: Progress) -> str:
    """The kept tables and their programs back in the place of the live ones, which are kept in turn."""
    source = url.set(database=kept)
    with (
        connected(url) as server,
        swaps.alone(server, str(url.database)),
        tempfile.TemporaryFile() as rest,
        tempfile.TemporaryFile() as programs,
    ):
        _refuse_foreign_references(server, str(url.database))
        _save(server, source, programs)
        programs.seek(0)
        shutil.copyfileobj(programs, rest)
        rest.write(swaps.read(server, kept, swaps.EVENTS))
        old = _swapped(server, source, url, tag, {swaps.REST: rest, swaps.KEPT: programs}, progress)
        _drop(server, kept)
    return old


def copy(url: URL, tag: str, progress: Progress) -> str:
    """A server that has no copy of a database's files says so."""
    raise BackupError(
        "MariaDB and MySQL cannot copy a database in an instant: take a snapshot of the volume or the file"
        " system (LVM, ZFS, the cloud's) while the server is stopped or with mariadb-backup,"
        " or use a proved backup: visionforge backup create"
    )


def kept(url: URL) -> list[str]:
    """The databases beside it that hold its former states."""
    with connected(url) as server:
        names = [str(row[0]) for row in server.rows("SELECT SCHEMA_NAME FROM information_schema.SCHEMATA")]
    return sorted(name for name in names if is_kept(name, str(url.database), LONGEST_NAME))


def discard(url: URL, kept: str) -> None:
    """Drops a kept database."""
    with connected(url) as server:
        _drop(server, kept)


def recover(url: URL, progress: Progress) -> str:
    """Undoes a swap whose run died before the tables moved, completes one that died after."""
    said = []
    with connected(url) as server, swaps.alone(server, str(url.database)):
        for plan in swaps.unfinished(server, str(url.database)):
            if _has_moved(server, plan):
                _complete(server, plan, url, progress)
                said.append(f"a swap that had died was completed; the state before it is {plan.old}")
            else:
                _go_back(server, plan, url, progress)
                said.append("a swap that had died before the tables moved was undone")
        said += _drop_dead(server)
    return "; ".join(said)


def _drop_dead(server: Admin) -> Iterator[str]:
    """Scratch databases whose run has died: nobody holds their lock."""
    left = server.rows(
        "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME LIKE 'vf|_scratch|_%' ESCAPE '|'"
    )
    for (name,) in left:
        if server.value("SELECT GET_LOCK(:name, 0)", name=name) == 1:
            _drop(server, name)
            server.run("DO RELEASE_LOCK(:name)", name=name)
            yield f"left by a run that died, and dropped: {name}"


def _swapped(
    server: Admin, scratch: URL, url: URL, tag: str, parts: Mapping[str, IO[bytes]], progress: Progress
) -> str:
    """All of it, or the way back; where the old state is ("" where there was none)."""
    live = str(url.database)
    absent = not _exists(server, live)
    if absent:
        server.run(f"CREATE DATABASE {quote(live)} {_character_set(server, scratch)}")
    progress("noting what is to be done")
    plan = _recorded(server, scratch, url, _free_name(server, live, tag), parts)
    try:
        progress(f"swapping: the old tables go to {plan.old}")
        _move(server, [(live, plan.old, plan.before), (plan.scratch, live, plan.new)], progress)
        _complete(server, plan, url, progress)
    except BaseException:
        with connected(url) as fresh:
            _go_back(fresh, plan, url, progress)
            if absent:
                _drop(fresh, live)
        raise
    if absent:
        _drop(server, plan.old)
    return "" if absent else plan.old


def _recorded(server: Admin, scratch: URL, url: URL, old: str, parts: Mapping[str, IO[bytes]]) -> swaps.Plan:
    live, new = str(url.database), str(scratch.database)
    plan = swaps.Plan(live, old, new, _tables(server, live), _tables(server, new), _triggers(server, live))
    server.run(f"CREATE DATABASE {quote(old)} {_character_set(server, url)}")
    try:
        with tempfile.TemporaryFile() as definitions, tempfile.TemporaryFile() as events:
            _save(server, url, definitions)
            _save_events(server, url, events)
            swaps.write(server, plan, {**parts, swaps.DEFINITIONS: definitions, swaps.EVENTS: events})
    except BaseException:
        _drop(server, old)
        raise
    return plan


def _has_moved(server: Admin, plan: swaps.Plan) -> bool:
    """One RENAME TABLE moves all or none, so any table tells."""
    if plan.before:
        return plan.before[0] in _tables(server, plan.old)
    return not plan.new or plan.new[0] in _tables(server, plan.live)


def _complete(server: Admin, plan: swaps.Plan, url: URL, progress: Progress) -> None:
    """What follows the move; it may be done again after any part of it."""
    progress("dropping the old views, routines and events")
    _drop_rest(server, plan.live)
    progress("putting back triggers, routines, views and events")
    _load(server, plan, swaps.REST, url)
    progress("completing the old state")
    _load(server, plan, swaps.DEFINITIONS, url.set(database=plan.old))
    swaps.finish(server, plan)


def _go_back(server: Admin, plan: swaps.Plan, url: URL, progress: Progress) -> None:
    """Everything where it was; it may be done again after any part of it."""
    progress("going back")
    if _has_moved(server, plan):
        swaps.turn(server, plan)
        _move(server, [(plan.live, plan.scratch, plan.new), (plan.old, plan.live, plan.before)], progress)
    if swaps.turned(server, plan) or _triggers(server, plan.live) != list(plan.triggers):
        _drop_rest(server, plan.live)
        for part in (swaps.DEFINITIONS, swaps.EVENTS):
            _load(server, plan, part, url)
        _load(server, plan, swaps.KEPT, url.set(database=plan.scratch))
    _drop(server, plan.old)


def _load(server: Admin, plan: swaps.Plan, part: str, url: URL) -> None:
    content = swaps.read(server, plan.old, part)
    if content:
        run_client(url, BytesIO(content))


def _gather(payloads: Payloads, rest: IO[bytes]) -> None:
    """What the backup holds beside its tables: triggers and routines, views, events."""
    for name in (PROGRAMS, VIEWS, EVENTS):
        if name in payloads.names:
            with payloads.open(name) as raw:
                shutil.copyfileobj(Marked(raw), rest)


def _refresh_statistics(server: Admin, database: str, progress: Progress) -> None:
    """The optimizer's statistics move with the tables."""
    progress("analyzing")
    for name in names_of(partial(server.rows, of=database), "'BASE TABLE', 'SYSTEM VERSIONED'", ":of"):
        server.run(f"ANALYZE TABLE {quote(database)}.{quote(name)}")


def _move(server: Admin, moves: Sequence[tuple[str, str, Sequence[str]]], progress: Progress) -> None:
    """Every table at once: a foreign key follows its tables only if they move together."""
    pairs = [
        (f"{quote(source)}.{quote(name)}", f"{quote(target)}.{quote(name)}")
        for source, target, names in moves
        for name in names
    ]
    if pairs:
        server.run(f"SET lock_wait_timeout = {LOCK_SECONDS}")
        _drop_triggers(server, [source for source, _, _ in moves], [source for source, _ in pairs])
        progress("moving the tables")
        server.run(f"RENAME TABLE {', '.join(f'{source} TO {target}' for source, target in pairs)}")


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
    names = names_of(partial(server.rows, of=database), TABLES, ":of")
    return [name for name in names if name != swaps.RECORD]


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


def _save(server: Admin, url: URL, definitions: IO[bytes]) -> None:
    """A database's triggers, routines and views."""
    program = program_for("dump", str(server.value("SELECT VERSION()")))
    dump_part(program, url, PROGRAMS, (), definitions)
    views = names_of(partial(server.rows, of=url.database), "'VIEW'", ":of")
    if views:
        dump_part(program, url, VIEWS, views, definitions)


def _save_events(server: Admin, url: URL, events: IO[bytes]) -> None:
    """Events apart, and only where there are some: a kept copy must not run them."""
    if _listed(server, "EVENT_NAME", "EVENTS", "EVENT_SCHEMA", str(url.database)):
        dump_part(program_for("dump", str(server.value("SELECT VERSION()"))), url, EVENTS, (), events)


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
        old = name[: LONGEST_NAME - len(end)] + end
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


def connected(url: URL, database: str = "") -> AbstractContextManager[Admin]:
    """A connection to the server, by itself without a database: the one of the URL may be gone."""
    arguments = {"connect_timeout": 5, "charset": "utf8mb4", "program_name": "visionforge"}
    return admin(url.set(database=database), arguments, _remedy)


def _remedy(error: DBAPIError) -> str:
    number = error.orig.args[0] if error.orig and error.orig.args else None
    if number == 1205:
        return "; a transaction holds a table: stop what uses the database, then restore again"
    if number in (1044, 1142, 1227):
        return "; the role needs ALL PRIVILEGES on the database and on `vf_scratch_%` and `%__old_%`"
    return ""
