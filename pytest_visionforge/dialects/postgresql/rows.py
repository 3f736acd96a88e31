"""Rows of some tables in the place of others: one transaction, filled by COPY from another database."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import URL

from pytest_visionforge.database.facts import Table
from pytest_visionforge.database.session import unescaped, verbatim
from pytest_visionforge.dialects.postgresql.databases import LONGEST_NAME, connected
from pytest_visionforge.dialects.postgresql.language import quote, quote_table
from pytest_visionforge.dialects.writing import Admin

LOCK_SECONDS = 20
_KEYS = (
    "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
    " WHERE contype = 'f' AND conparentid = 0 AND (conrelid = ANY(CAST(:tables AS regclass[]))"
    " OR confrelid = ANY(CAST(:tables AS regclass[]))) ORDER BY conname"
).replace("::", "\\:\\:")
_TRIGGERS = (
    "SELECT tgrelid::regclass::text, tgname, tgenabled FROM pg_trigger"
    " WHERE NOT tgisinternal AND tgenabled <> 'D' AND tgrelid = ANY(CAST(:tables AS regclass[]))"
).replace("::", "\\:\\:")
_SEQUENCES = (
    "SELECT s.oid::regclass::text, a.attname, c.oid::regclass::text FROM pg_class s"
    " JOIN pg_depend d ON d.objid = s.oid AND d.deptype IN ('a', 'i') JOIN pg_class c ON c.oid = d.refobjid"
    " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.refobjsubid"
    " WHERE s.relkind = 'S' AND d.refobjid = ANY(CAST(:tables AS regclass[]))"
).replace("::", "\\:\\:")
_ENABLE = {"O": "ENABLE", "R": "ENABLE REPLICA", "A": "ENABLE ALWAYS"}


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
        name, source = _aside(table, f"quarantine_{self.tag}"), quote_table(table.schema, table.name)
        there = quote_table(table.schema, name)
        self.server.run(f"CREATE TABLE IF NOT EXISTS {there} AS TABLE {source} WITH NO DATA")
        with _without_triggers(self.server, [table]):
            moved = self.server.value(
                f"WITH gone AS (DELETE FROM {source} c WHERE {where} RETURNING *),"
                f" there AS (INSERT INTO {there} SELECT * FROM gone RETURNING 1) SELECT count(*) FROM there"
            )
        return name, int(moved)


@contextmanager
def replacing(
    scratch: URL,
    url: URL,
    tables: Sequence[Table],
    around: Sequence[Table],
    tag: str,
    progress: Callable[[str], None],
) -> Iterator[Rows]:
    """Foreign keys are dropped and made again, which proves every row; user's triggers are off."""
    with connected(url) as server, connected(scratch) as source:
        server.run("BEGIN")
        try:
            server.run(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'")
            names = [quote_table(table.schema, table.name) for table in (*tables, *around)]
            server.run(f"LOCK TABLE {', '.join(names)} IN ACCESS EXCLUSIVE MODE")
            rows = Rows(server, tag)
            with _without_keys(server, tables), _without_triggers(server, tables):
                for table in tables:
                    progress(f"replacing the rows of {table.id}")
                    rows.kept.append(_replace(server, source, table, tag))
                yield rows
            progress("committing")
            _raise_sequences(server, tables)  # which no transaction takes back
            server.run("COMMIT")
        except BaseException:
            server.run("ROLLBACK")
            raise


def _replace(server: Admin, source: Admin, table: Table, tag: str) -> str:
    name, old = quote_table(table.schema, table.name), _aside(table, f"old_{tag}")
    server.run(f"CREATE TABLE {quote_table(table.schema, old)} AS TABLE {name}")
    server.run(f"TRUNCATE {name}")
    columns = ", ".join(unescaped(quote(column.name)) for column in table.columns if not column.generated)
    name = unescaped(name)
    with (
        source.driver.cursor() as reader,
        server.driver.cursor() as writer,
        reader.copy(f"COPY (SELECT {columns} FROM {name}) TO STDOUT (FORMAT binary)") as out,
        writer.copy(f"COPY {name} ({columns}) FROM STDIN (FORMAT binary)") as into,
    ):
        for data in out:
            into.write(data)
    return old


@contextmanager
def _without_keys(server: Admin, tables: Sequence[Table]) -> Iterator[None]:
    keys = server.rows(_KEYS, tables=_regclasses(tables))
    for table, name, _ in keys:
        server.run(f"ALTER TABLE {verbatim(table)} DROP CONSTRAINT {quote(name)}")
    yield
    for table, name, definition in keys:
        server.run(f"ALTER TABLE {verbatim(table)} ADD CONSTRAINT {quote(name)} {verbatim(definition)}")


@contextmanager
def _without_triggers(server: Admin, tables: Sequence[Table]) -> Iterator[None]:
    triggers = server.rows(_TRIGGERS, tables=_regclasses(tables))
    for table, name, _ in triggers:
        server.run(f"ALTER TABLE {verbatim(table)} DISABLE TRIGGER {quote(name)}")
    yield
    for table, name, how in triggers:
        server.run(f"ALTER TABLE {verbatim(table)} {_ENABLE[how]} TRIGGER {quote(name)}")


def _raise_sequences(server: Admin, tables: Sequence[Table]) -> None:
    """No sequence gives a number that is there already; none is lowered."""
    for sequence, column, table in server.rows(_SEQUENCES, tables=_regclasses(tables)):
        name, of = verbatim(sequence), f"SELECT max({quote(column)}) FROM {verbatim(table)}"
        server.run(
            f"SELECT setval(CAST(:name AS regclass), m.most) FROM (SELECT ({of}) AS most) m, {name} s"
            " WHERE m.most > s.last_value",
            name=sequence,
        )


def _regclasses(tables: Sequence[Table]) -> list[str]:
    return [unescaped(quote_table(table.schema, table.name)) for table in tables]


def _aside(table: Table, end: str) -> str:
    """A table's name with an ending, within 63 bytes."""
    return table.name.encode()[: LONGEST_NAME - len(end) - 2].decode(errors="ignore") + f"__{end}"
