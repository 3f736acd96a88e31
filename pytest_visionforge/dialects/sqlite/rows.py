"""Rows of some tables in the place of others: one transaction over two files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import URL

from pytest_visionforge.database.facts import Table
from pytest_visionforge.database.session import verbatim
from pytest_visionforge.dialects.sqlite.language import quote
from pytest_visionforge.dialects.sqlite.session import path_of
from pytest_visionforge.dialects.writing import Admin, admin


@dataclass(slots=True)
class Rows:
    """See `rooms.archive.Replaced`."""

    server: Admin
    tag: str
    kept: list[str] = field(default_factory=list)

    def value(self, sql: str, **parameters: Any) -> Any:
        """The first value of a query."""
        return self.server.value(sql, **parameters)

    def set_aside(self, table: Table, where: str) -> tuple[str, int]:
        """Moves rows into a table of their own."""
        name = f"{table.name}__quarantine_{self.tag}"
        self.server.run(
            f"CREATE TABLE IF NOT EXISTS {quote(name)} AS SELECT * FROM {quote(table.name)} WHERE 0"
        )
        before = int(self.value(f"SELECT count(*) FROM {quote(name)}"))
        self.server.run(f"INSERT INTO {quote(name)} SELECT * FROM {quote(table.name)} c WHERE {where}")
        with _without_triggers(self.server, [table]):
            self.server.run(f"DELETE FROM {quote(table.name)} AS c WHERE {where}")
        return name, int(self.value(f"SELECT count(*) FROM {quote(name)}")) - before


@contextmanager
def replacing(
    scratch: URL,
    url: URL,
    tables: Sequence[Table],
    around: Sequence[Table],
    tag: str,
    progress: Callable[[str], None],
) -> Iterator[Rows]:
    """The write lock is ours from the beginning; foreign keys and triggers are off."""
    with admin(url, {"timeout": 20}, lambda _: "; stop what writes, then try again") as server:
        server.run("PRAGMA foreign_keys = 0")
        server.run("ATTACH :path AS visionforge_scratch", path=str(path_of(scratch)))
        server.run("BEGIN IMMEDIATE")
        try:
            rows = Rows(server, tag)
            with _without_triggers(server, tables):
                for table in tables:
                    progress(f"replacing the rows of {table.id}")
                    rows.kept.append(_replace(server, table, tag))
            yield rows
            progress("committing")
            server.run("COMMIT")
        except BaseException:
            server.run("ROLLBACK")
            raise


def _replace(server: Admin, table: Table, tag: str) -> str:
    name, old = quote(table.name), f"{table.name}__old_{tag}"
    columns = ", ".join(_stored(server, table))
    server.run(f"CREATE TABLE {quote(old)} AS SELECT {columns} FROM main.{name}")
    server.run(f"DELETE FROM main.{name}")
    server.run(f"INSERT INTO main.{name} ({columns}) SELECT {columns} FROM visionforge_scratch.{name}")
    return old


def _stored(server: Admin, table: Table) -> list[str]:
    """The columns that hold values; the row's number too, where the table has one and nothing else is called so."""
    found = server.rows("SELECT name, hidden FROM pragma_table_xinfo(:name)", name=table.name)
    names = {str(name).lower() for name, _ in found}
    without = server.rows("SELECT wr FROM pragma_table_list WHERE name = :name", name=table.name)[0][0]
    number = [] if without or "rowid" in names else ["rowid"]
    return number + [quote(name) for name, hidden in found if not hidden]


@contextmanager
def _without_triggers(server: Admin, tables: Sequence[Table]) -> Iterator[None]:
    """Drops their triggers and makes them again, as they were."""
    triggers = [
        (name, sql)
        for table in tables
        for name, sql in server.rows(
            "SELECT name, sql FROM main.sqlite_schema WHERE type = 'trigger' AND tbl_name = :table COLLATE NOCASE",
            table=table.name,
        )
    ]
    for name, _ in triggers:
        server.run(f"DROP TRIGGER main.{quote(name)}")
    yield
    for _, sql in triggers:
        server.run(verbatim(sql))
