"""Rows of some tables in the place of others: one transaction over two databases of a server."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError

from pytest_visionforge.database.facts import Table
from pytest_visionforge.dialects.mysql.databases import LONGEST_NAME, connected
from pytest_visionforge.dialects.mysql.language import quote
from pytest_visionforge.dialects.mysql.swapping import LOCK_SECONDS
from pytest_visionforge.dialects.writing import Admin
from pytest_visionforge.errors import BackupError


@dataclass(slots=True)
class Rows:
    """See `rooms.archive.Replaced`. Tables are made on a connection of their own: here, it would commit."""

    server: Admin
    maker: Admin
    database: str
    tag: str
    kept: list[str] = field(default_factory=list)
    made: list[str] = field(default_factory=list)

    def value(self, sql: str, **parameters: Any) -> Any:
        """The first value of a query."""
        return self.server.value(sql, **parameters)

    def set_aside(self, table: Table, where: str) -> tuple[str, int]:
        """Moves rows into a table of their own."""
        _refuse_triggers(self.server, self.database, [table], "DELETE")
        there = self.make(table, f"quarantine_{self.tag}")
        columns, name = _columns(table), quote(table.name)
        before = int(self.value(f"SELECT count(*) FROM {quote(there)}"))
        self.server.run(f"INSERT INTO {quote(there)} SELECT {columns} FROM {name} c WHERE {where}")
        self.server.run(f"DELETE c FROM {name} AS c WHERE {where}")
        return there, int(self.value(f"SELECT count(*) FROM {quote(there)}")) - before

    def make(self, table: Table, end: str) -> str:
        """An empty table for some of a table's rows."""
        name = f"{table.name[: LONGEST_NAME - len(end) - 2]}__{end}"
        if name not in self.made:
            self.made.append(name)
            self.maker.run(
                f"CREATE TABLE {quote(name)} AS SELECT {_columns(table)} FROM {quote(table.name)} LIMIT 0"
            )
        return name


@contextmanager
def replacing(
    scratch: URL,
    url: URL,
    tables: Sequence[Table],
    around: Sequence[Table],
    tag: str,
    progress: Callable[[str], None],
) -> Iterator[Rows]:
    """Every read takes locks, so nobody writes what would no longer fit; triggers cannot be off."""
    database = str(url.database)
    with connected(url, database) as server, connected(url, database) as maker:
        _refuse_triggers(server, database, tables, "INSERT", "DELETE")
        rows = Rows(server, maker, database, tag)
        try:
            rows.kept += [rows.make(table, f"old_{tag}") for table in tables]
            for setting in (
                f"innodb_lock_wait_timeout = {LOCK_SECONDS}",
                "foreign_key_checks = 0",
                "unique_checks = 1",
                "sql_mode = 'NO_AUTO_VALUE_ON_ZERO'",
                "TRANSACTION ISOLATION LEVEL SERIALIZABLE",
            ):
                server.run(f"SET SESSION {setting}")
            server.run("START TRANSACTION")
            for table, old in zip(tables, rows.kept, strict=True):
                progress(f"replacing the rows of {table.id}")
                _replace(server, str(scratch.database), table, old)
            yield rows
            progress("committing")
            server.run("COMMIT")
        except BaseException:
            with suppress(DBAPIError):
                server.run("ROLLBACK")
            for name in rows.made:
                maker.run(f"DROP TABLE IF EXISTS {quote(name)}")
            raise


def _replace(server: Admin, scratch: str, table: Table, old: str) -> None:
    name, columns = quote(table.name), _columns(table)
    server.run(f"INSERT INTO {quote(old)} SELECT {columns} FROM {name}")
    server.run(f"DELETE FROM {name}")
    server.run(f"INSERT INTO {name} ({columns}) SELECT {columns} FROM {quote(scratch)}.{name}")


def _columns(table: Table) -> str:
    return ", ".join(quote(column.name) for column in table.columns if not column.generated)


def _refuse_triggers(server: Admin, database: str, tables: Sequence[Table], *events: str) -> None:
    """The server cannot switch triggers off, and to drop them would end the transaction."""
    found = [
        str(name)
        for table in tables
        for name, event in server.rows(
            "SELECT TRIGGER_NAME, EVENT_MANIPULATION FROM information_schema.TRIGGERS"
            " WHERE EVENT_OBJECT_SCHEMA = :database AND EVENT_OBJECT_TABLE = :table",
            database=database,
            table=table.name,
        )
        if event in events
    ]
    if found:
        raise BackupError(
            f"triggers would fire on the rows that are put back: {', '.join(found[:5])};"
            " drop them, restore the tables, and make them again"
        )
