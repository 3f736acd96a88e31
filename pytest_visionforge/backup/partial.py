"""Some tables put back: their rows as they were, and no reference that leads nowhere afterwards."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal

from sqlalchemy import URL

from pytest_visionforge import dialects
from pytest_visionforge.backup import lock
from pytest_visionforge.backup.catalogue import Backup
from pytest_visionforge.backup.contents import digests_of, lost_where
from pytest_visionforge.backup.verify import SECONDS, Payloads, address_for, check_hashes, opened, refuse_own
from pytest_visionforge.compare import identity_digests, unequal
from pytest_visionforge.database import Database, ForeignKey, Schema, Table
from pytest_visionforge.dialects import Dialect
from pytest_visionforge.dialects.rooms.archive import Replaced
from pytest_visionforge.errors import BackupError

ACTION = "backup restore tables"
Dangling = Literal["refuse", "closure", "quarantine"]
Progress = Callable[[str], None]
Broken = dict[tuple[str, tuple[str, ...]], int]  # table and columns of a foreign key -> rows without a parent


@dataclass(frozen=True, slots=True)
class TablesRestored:
    """What was put back: the tables' ids, the tables that keep their old rows, and how long it took.

    `quarantined` are the tables that hold rows which would have referred to nothing, with their number.
    """

    backup: str
    tables: tuple[str, ...]
    kept: tuple[str, ...]
    quarantined: tuple[tuple[str, int], ...]
    seconds: float
    says: str


def restore_tables(
    backup: Backup,
    url: URL | str,
    tables: Collection[str],
    *,
    dangling: Dangling = "refuse",
    progress: Progress | None = None,
) -> TablesRestored:
    """Puts the rows of some tables (by id) back into the database at `url`, in one transaction.

    The backup is restored into a scratch database and the tables proved there. Rows that would then
    refer to nothing are refused with a list; "closure" takes every table that refers to these or that
    they refer to as well; "quarantine" moves such rows into tables of their own. Raises BackupError:
    then nothing is changed.
    """
    say, started, address = progress or _silent, time.monotonic(), address_for(backup, url)
    archive = dialects.of(address).archive
    shown, place = address.render_as_string(hide_password=True), archive.place(address)
    with lock.step(
        backup.path.parent, ACTION, shown, place=place, backup=backup.id, tables=sorted(tables)
    ) as end:
        refuse_own(backup)
        archive.recover(address, say)
        live = _schema(address)
        refuse_unknown(backup, tables, live)
        check_hashes(backup, say)
        with archive.scratch(address, backup.tag, None) as scratch:
            archive.load(Payloads(backup), scratch, say, () if dangling == "closure" else tables)
            with opened(scratch) as database:
                wanted = _wanted(live, database.schema, tables, dangling)
                _prove(backup, database, wanted, say)
            done = _replace(backup, scratch, address, live, wanted, dangling, say)
        end |= {"kept_tables": done[0], "quarantined": done[1]}
    rows = sum(backup.manifest.tables[id].rows or 0 for id in wanted)
    says = f"{len(wanted)} tables with {rows:,} rows are back, and every reference holds"
    return TablesRestored(
        backup.id, tuple(wanted), done[0], done[1], round(time.monotonic() - started, 3), says
    )


def _schema(url: URL) -> Schema:
    with Database("target", url) as database:
        return database.schema


def _wanted(live: Schema, then: Schema, tables: Collection[str], dangling: Dangling) -> list[str]:
    """The ids of the tables to put back; each must be on both sides, with the same columns."""
    wanted = closure(set(tables), live, then) if dangling == "closure" else set(tables)
    for id in sorted(wanted):
        _refuse_other_columns(id, live, then)
    return sorted(wanted)


def refuse_unknown(backup: Backup, tables: Collection[str], live: Schema) -> None:
    """Each table must be in the backup, with rows, and in the database."""
    if backup.kind == "schema":
        raise BackupError(f"{backup.id} holds no rows")
    held = backup.manifest.tables
    for id in tables:
        if id not in held:
            close = get_close_matches(id, held, 1)
            meant = f'; did you mean "{close[0]}"?' if close else ""
            raise BackupError(f"{backup.id} has no table {id}{meant}")
        _refuse_gone(id, live)


def _refuse_gone(id: str, live: Schema) -> None:
    if id not in live.tables:
        raise BackupError(
            f"the database has no table {id}: make it again first, or restore the whole backup"
            " into another database (--into) and take the table from there"
        )


def closure(tables: set[str], *schemas: Schema) -> set[str]:
    """The tables that are bound to these by foreign keys, in either direction, over any number of steps."""
    bound = {
        (table.id, key.parent)
        for schema in schemas
        for table in schema.tables.values()
        for key in table.foreign_keys
    }
    while True:
        more = {id for pair in bound if tables & set(pair) for id in pair} - tables
        if not more:
            return tables
        tables = tables | more


def _refuse_other_columns(id: str, live: Schema, then: Schema) -> None:
    _refuse_gone(id, live)
    if id not in then.tables:
        raise BackupError(f"{id}, which is bound to these tables, is not in the backup; use quarantine")
    here, there = (
        [(column.name, column.type, bool(column.generated)) for column in schema.tables[id].columns]
        for schema in (live, then)
    )
    differ = sorted({str(each[0]) for each in {*here} ^ {*there}})
    if differ or len(here) != len(there):
        raise BackupError(
            f"{id} has other columns now than in the backup ({', '.join(differ) or 'their number'}):"
            " restore the whole backup into another database (--into) and copy what you need"
        )


def _prove(backup: Backup, database: Database, tables: Sequence[str], say: Progress) -> None:
    """The scratch database has the rows that the backup names, in the tables that are put back."""
    schema = database.schema  # a session of its own: the snapshot takes all there are
    held = {id: digests for id, digests in digests_of(backup.manifest).items() if id in tables}
    exclude = [id for id in schema.tables if id not in tables]
    with database.snapshot() as snapshot:
        found = identity_digests(snapshot, schema, exclude, say, like=held)
    wrong = unequal(held, {id: digests for id, digests in found.items() if id in held})
    if wrong:
        raise BackupError(f"restored, {backup.id} is not what was backed up: {'; '.join(wrong[:5])}")


Outcome = tuple[tuple[str, ...], tuple[tuple[str, int], ...]]


def _replace(
    backup: Backup,
    scratch: URL,
    url: URL,
    live: Schema,
    wanted: Sequence[str],
    dangling: Dangling,
    say: Progress,
) -> Outcome:
    """The transaction: rows replaced, counted, every reference around them looked at."""
    dialect, before = dialects.of(url), _broken(url, live, wanted)
    tables = [live.tables[id] for id in wanted]
    around = [
        live.tables[id]
        for id in dict.fromkeys(id for pair in _keys(live, wanted) for id in (pair[0].id, pair[1].parent))
        if id not in wanted and id in live.tables
    ]
    with dialect.archive.replacing(scratch, url, tables, around, secrets.token_hex(4), say) as rows:
        _count(backup, dialect, rows, tables)
        say("looking at every reference")
        moved = _settle(dialect, rows, live, wanted, before, dangling)
    return tuple(rows.kept), moved


def _keys(schema: Schema, tables: Collection[str]) -> list[tuple[Table, ForeignKey]]:
    """The foreign keys of these tables, and those that lead to them."""
    return [
        (table, key)
        for table in schema.tables.values()
        for key in table.foreign_keys
        if table.id in tables or key.parent in tables
    ]


def _broken(url: URL, schema: Schema, tables: Collection[str]) -> Broken:
    """References that lead nowhere even now: they are not of our making."""
    with (
        Database("target", url, seconds=SECONDS) as database,
        database.session() as session,
    ):
        found = _lost(session.dialect, session.value, schema, tables)
        return {(table.id, key.columns): count for table, key, count in found}


def _lost(
    dialect: Dialect, value: Callable[[str], Any], schema: Schema, tables: Collection[str]
) -> Iterator[tuple[Table, ForeignKey, int]]:
    """Each foreign key of these tables, or to them, with the number of rows whose parent is not there."""
    for table, key in _keys(schema, tables):
        name = dialect.language.quote_table(table.schema, table.name)
        lost = lost_where(dialect, key, schema.tables.get(key.parent))
        yield table, key, int(value(f"SELECT count(*) FROM {name} c WHERE {lost}"))


def _count(backup: Backup, dialect: Dialect, rows: Replaced, tables: Sequence[Table]) -> None:
    for table in tables:
        name = dialect.language.quote_table(table.schema, table.name)
        now, then = int(rows.value(f"SELECT count(*) FROM {name}")), backup.manifest.tables[table.id].rows
        if then is not None and now != then:
            raise BackupError(
                f"{table.id} has {now:,} rows after they were put back, not {then:,}: somebody writes;"
                " nothing was changed"
            )


def _settle(
    dialect: Dialect,
    rows: Replaced,
    schema: Schema,
    tables: Collection[str],
    before: Broken,
    dangling: Dangling,
) -> tuple[tuple[str, int], ...]:
    """No row refers to nothing that did not before: or it is an error, or it goes aside."""
    moved, around = dict[str, int](), set(tables)
    while True:
        found = [
            (table, key, count)
            for table, key, count in _lost(dialect, rows.value, schema, around)
            if count > before.get((table.id, key.columns), 0)
        ]
        if not found:
            return tuple(moved.items())
        if dangling != "quarantine":
            raise _dangles(found, closure(set(tables), schema))
        for table, key, _ in found:
            name, count = rows.set_aside(table, lost_where(dialect, key, schema.tables.get(key.parent)))
            moved[name] = moved.get(name, 0) + count
            around.add(table.id)  # others may have referred to the rows that are gone


def _dangles(found: Sequence[tuple[Table, ForeignKey, int]], bound: Collection[str]) -> BackupError:
    listed = "; ".join(
        f"{count:,} rows of {table.id} refer through {', '.join(key.columns)} to rows"
        f" that {key.parent} would not have"
        for table, key, count in found
    )
    return BackupError(
        f"{listed}; nothing was changed. Put back all that is bound together (--closure: {', '.join(sorted(bound))}),"
        " or set these rows aside (--quarantine)"
    )


def _silent(_: str) -> None:
    """Nobody listens."""
