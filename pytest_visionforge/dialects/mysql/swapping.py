"""A database in the place of another: one RENAME TABLE, and all that it leaves behind."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from typing import IO

from sqlalchemy import URL

from pytest_visionforge.dialects.mysql import swaps
from pytest_visionforge.dialects.mysql.databases import (
    TABLES,
    connected,
    create,
    drop,
    drop_dead,
    free_name,
    has,
    listed,
    relations,
)
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
from pytest_visionforge.dialects.writing import Admin
from pytest_visionforge.errors import BackupError

LOCK_SECONDS = 20
Progress = Callable[[str], None]


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
        drop(server, kept)
    return old


def copy(url: URL, tag: str, progress: Progress) -> str:
    """A server that has no copy of a database's files says so."""
    raise BackupError(
        "MariaDB and MySQL cannot copy a database in an instant: take a snapshot of the volume or the file"
        " system (LVM, ZFS, the cloud's) while the server is stopped or with mariadb-backup,"
        " or use a proved backup: visionforge backup create"
    )


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
        said += drop_dead(server)
    return "; ".join(said)


def _swapped(
    server: Admin, scratch: URL, url: URL, tag: str, parts: Mapping[str, IO[bytes]], progress: Progress
) -> str:
    """All of it, or the way back; where the old state is ("" where there was none)."""
    live = str(url.database)
    absent = not has(server, live)
    if absent:
        create(server, live, scratch)
    progress("noting what is to be done")
    plan = _recorded(server, scratch, url, free_name(server, live, tag), parts)
    try:
        progress(f"swapping: the old tables go to {plan.old}")
        _move(server, [(live, plan.old, plan.before), (plan.scratch, live, plan.new)], progress)
        _complete(server, plan, url, progress)
    except BaseException:
        with connected(url) as fresh:
            _go_back(fresh, plan, url, progress)
            if absent:
                drop(fresh, live)
        raise
    if absent:
        drop(server, plan.old)
    return "" if absent else plan.old


def _recorded(server: Admin, scratch: URL, url: URL, old: str, parts: Mapping[str, IO[bytes]]) -> swaps.Plan:
    live, new = str(url.database), str(scratch.database)
    plan = swaps.Plan(live, old, new, _tables(server, live), _tables(server, new), _triggers(server, live))
    create(server, old, url)
    try:
        with tempfile.TemporaryFile() as definitions, tempfile.TemporaryFile() as events:
            _save(server, url, definitions)
            _save_events(server, url, events)
            swaps.write(server, plan, {**parts, swaps.DEFINITIONS: definitions, swaps.EVENTS: events})
    except BaseException:
        drop(server, old)
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
    drop(server, plan.old)


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
    for name in relations(server, database, "'BASE TABLE', 'SYSTEM VERSIONED'"):
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
    names = relations(server, database, TABLES)
    return [name for name in names if name != swaps.RECORD]


def _triggers(server: Admin, database: str) -> list[str]:
    return sorted(listed(server, "TRIGGER_NAME", "TRIGGERS", "TRIGGER_SCHEMA", database))


def _drop_rest(server: Admin, live: str) -> None:
    """Views, routines and events of the old state: the backup's come in their place."""
    for name in relations(server, live, "'VIEW'"):
        server.run(f"DROP VIEW {quote(live)}.{quote(name)}")
    routines = server.rows(
        "SELECT ROUTINE_TYPE, ROUTINE_NAME FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = :of",
        of=live,
    )
    for kind, name in routines:
        server.run(f"DROP {kind} {quote(live)}.{quote(name)}")
    for name in listed(server, "EVENT_NAME", "EVENTS", "EVENT_SCHEMA", live):
        server.run(f"DROP EVENT {quote(live)}.{quote(name)}")


def _save(server: Admin, url: URL, definitions: IO[bytes]) -> None:
    """A database's triggers, routines and views."""
    program = program_for("dump", str(server.value("SELECT VERSION()")))
    dump_part(program, url, PROGRAMS, (), definitions)
    views = relations(server, str(url.database), "'VIEW'")
    if views:
        dump_part(program, url, VIEWS, views, definitions)


def _save_events(server: Admin, url: URL, events: IO[bytes]) -> None:
    """Events apart, and only where there are some: a kept copy must not run them."""
    if listed(server, "EVENT_NAME", "EVENTS", "EVENT_SCHEMA", str(url.database)):
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
