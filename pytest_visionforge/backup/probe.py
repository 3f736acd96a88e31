"""A probe of a restored database: does it take a new row? Each is rolled back."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import URL, Connection, create_engine, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.pool import NullPool

from pytest_visionforge import dialects
from pytest_visionforge.database import Schema, Table
from pytest_visionforge.database.session import message_of
from pytest_visionforge.dialects import Dialect


@dataclass(slots=True)
class Probed:
    """How many tables took a row, which refused a copy of one by their keys, and what is wrong."""

    tables: int = 0
    refused: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


def probe(url: URL, schema: Schema) -> Probed:
    """Inserts a copy of a row into each table whose rows get a number by themselves, and takes it back.

    Tables with triggers are left out: a trigger may act outside the database.
    """
    numbered = {owner[0]: owner[1] for owner in (s.owner for s in schema.sequences.values()) if owner}
    found = Probed()
    engine = create_engine(url, poolclass=NullPool)
    try:
        with engine.connect() as connection:
            for id, column in sorted(numbered.items()):
                table = schema.tables.get(id)
                if table and not table.triggers and not table.elsewhere:
                    _insert(connection, dialects.of(url), table, column, found)
    finally:
        engine.dispose()
    return found


def _insert(connection: Connection, dialect: Dialect, table: Table, number: str, found: Probed) -> None:
    copied = [c for c in table.columns if c.name != number and c.generated is None]
    if not copied:
        return
    quote, unique = dialect.language.quote, _unique(table)
    columns = ", ".join(quote(c.name) for c in copied)
    values = ", ".join("NULL" if c.nullable and c.name in unique else quote(c.name) for c in copied)
    name = dialect.language.quote_table(table.schema, table.name)
    try:
        connection.execute(text(f"INSERT INTO {name} ({columns}) SELECT {values} FROM {name} LIMIT 1"))
        found.tables += 1
    except IntegrityError:
        found.refused.append(table.id)  # a copy: one of the table's other keys may forbid it
    except DBAPIError as error:
        found.wrong.append(f"{table.id} takes no row: {message_of(error).partition('DETAIL')[0].strip()}")
    finally:
        connection.rollback()


def _unique(table: Table) -> set[str]:
    """The columns of keys beside the primary one: a copy would be a second row of that key."""
    indexes = [index.columns for index in table.indexes if index.unique]
    return {
        column for columns in (*(key.columns for key in table.unique_keys), *indexes) for column in columns
    }
