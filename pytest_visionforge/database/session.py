"""A session: one read-only transaction that sees one state of the database."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeAlias

from sqlalchemy import Connection, Row, text
from sqlalchemy.exc import DBAPIError

from pytest_visionforge.database.denied import grant_for, lock_holder
from pytest_visionforge.errors import DatabaseError, TimeLimit

if TYPE_CHECKING:
    from pytest_visionforge.database.facts import Table
    from pytest_visionforge.dialects import Dialect

AnyRow: TypeAlias = "Row[*tuple[Any, ...]]"
BATCH = 1000  # rows fetched at a time: memory does not grow with the table


def verbatim(sql: str) -> str:
    """SQL of the user's own as a part of a statement: its colons are colons, not parameters."""
    return sql.replace(":", r"\:")


def unescaped(sql: str) -> str:
    """SQL of a statement as drivers take it and people read it: what `verbatim` did, undone."""
    return sql.replace(r"\:", ":")


class Session:
    """Runs statements on one connection, all within one read-only transaction (one snapshot).

    Statements are text in which `:name` is a parameter; what comes from elsewhere goes in through
    `verbatim` or the dialect's `quote`. Errors are `DatabaseError` and `TimeLimit`, and hold the
    server's message, never the statement's parameters; the next statement runs all the same, and
    sees the same state.
    """

    def __init__(self, connection: Connection, dialect: Dialect, seconds: float) -> None:
        self.connection = connection
        self.dialect = dialect
        self._seconds = seconds
        self._streaming = False

    @property
    def seconds(self) -> float:
        """The time limit of each statement, enforced by the server."""
        return self._seconds

    def cancel(self) -> None:
        """Stops the statement that runs, from another thread; it raises TimeLimit or DatabaseError there."""
        self.dialect.session.cancel(self.connection)

    def rows(self, sql: str, **parameters: Any) -> Iterator[AnyRow]:
        """The rows of a query, streamed: read all of them, or close it, before the next statement.

        On SQLite and MariaDB the time limit holds for the whole of it, on PostgreSQL for each batch.
        """
        with self._translated():
            result = self.connection.execute(text(sql), parameters, execution_options={"yield_per": BATCH})
            if not result.returns_rows:
                raise DatabaseError("the statement is no query: it gives no rows")
            self._streaming = True
            try:
                yield from result
            finally:
                self._streaming = False
                result.close()

    def all(self, sql: str, **parameters: Any) -> list[AnyRow]:
        """The rows of a query that is known to be small; none of a statement that is no query."""
        with self._translated():
            result = self.connection.execute(text(sql), parameters)
            return list(result) if result.returns_rows else []

    def grouped(self, sql: str, **parameters: Any) -> dict[Any, list[AnyRow]]:
        """The rows of a query that is known to be small, in lists by their first column ([] where none)."""
        groups: dict[Any, list[AnyRow]] = defaultdict(list)
        for row in self.all(sql, **parameters):
            groups[row[0]].append(row)
        return groups

    def row(self, sql: str, **parameters: Any) -> AnyRow:
        """The only row of a query; DatabaseError where there is none."""
        rows = self.all(sql, **parameters)
        if not rows:
            raise DatabaseError("a query that must give one row gave none")
        return rows[0]

    def value(self, sql: str, **parameters: Any) -> Any:
        """The first value of the first row; None where there is no row."""
        rows = self.all(sql, **parameters)
        return rows[0][0] if rows else None

    def count(self, table: Table) -> int:
        """The exact number of rows."""
        name = self.dialect.language.quote_table(table.schema, table.name)
        return int(self.value(f"SELECT count(*) FROM {name}"))

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Turns the driver's errors into ours: without statement, parameters and traceback noise."""
        if self._streaming:  # MariaDB would drop the rest of the stream, without a word
            raise RuntimeError("this session still streams rows; read them all, or use a second session")
        try:
            yield
        except DBAPIError as error:
            with suppress(DBAPIError):  # the connection may be gone: then the error itself says so
                self.dialect.session.recover(self.connection)
            raise self._ours(error) from None

    def _ours(self, error: DBAPIError) -> DatabaseError:
        if self.dialect.session.is_time_limit(error.orig):
            return TimeLimit(f"cancelled after its time limit of {self.seconds:g} s")
        words = message_of(error)
        ours = DatabaseError("; ".join(filter(None, (words, lock_holder(words)))))
        ours.code = str(getattr(error.orig, "sqlstate", None) or "")
        ours.remedy = grant_for(str(ours), str(self.connection.engine.url.username or "ROLE"))
        return ours


def message_of(error: DBAPIError) -> str:
    """The driver's own words in one line, without the statement and its parameters."""
    original = error.orig
    if original is None:
        return type(error).__name__
    words = original.args[-1] if original.args and isinstance(original.args[-1], str) else str(original)
    return " ".join(words.split())
