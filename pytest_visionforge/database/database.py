"""One database, opened read-only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from types import TracebackType
from typing import Any

from sqlalchemy import URL, Connection, Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from pytest_visionforge import dialects
from pytest_visionforge.database.facts import Column, Schema, Table, View
from pytest_visionforge.database.session import AnyRow, Session, message_of
from pytest_visionforge.database.snapshot import Snapshot
from pytest_visionforge.errors import CannotConnect, DatabaseError


def as_table(session: Session, view: View) -> Table:
    """A view as the table that it looks like: the types of its columns are asked, and no key is known."""
    language, canonical = session.dialect.language, session.dialect.canonical
    name = language.quote_table(view.schema, view.name)
    columns = tuple(
        Column(column, canonical.type_of(session, name, language.quote(column))) for column in view.columns
    )
    return Table(view.name, view.schema, columns, kind="view")


@dataclass(frozen=True, slots=True)
class Identity:
    """Which database this is, as its server tells: `id` is the same for two roads to the same one."""

    id: str
    dbms: str
    version: str
    shown: str


class Database:
    """One database: its schema, its sizes, its queries, through read-only sessions.

    `role` is "source", "target" or "scratch". `seconds` is the time limit of each statement and
    `connections` the most sessions at once. Nothing is opened before it is asked for; close it, or
    use it as a context manager. `shown` never holds a password.
    """

    def __init__(
        self, role: str, url: str | URL, *, shown: str = "", seconds: float = 30.0, connections: int = 4
    ) -> None:
        self.role = role
        self.url = dialects.parse_url(url)
        self.shown = shown or self.url.render_as_string(hide_password=True)
        self.dialect = dialects.of(self.url)
        self.seconds = seconds
        self.connections = connections

    def __repr__(self) -> str:
        return f"<Database {self.role} {self.shown}>"

    def __enter__(self) -> Database:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes every connection; the database can be used again afterwards."""
        if "_engine" in self.__dict__:
            self._engine.dispose()
            del self.__dict__["_engine"]

    @cached_property
    def _engine(self) -> Engine:
        return self.dialect.session.engine(self.url, self.connections)

    @contextmanager
    def session(self, *, seconds: float | None = None) -> Iterator[Session]:
        """A read-only transaction on one snapshot, with a time limit per statement.

        Raises CannotConnect, and DatabaseError or TimeLimit from what is run in it.
        """
        limit = seconds or self.seconds
        connection = self._connect()
        try:
            self._begin([connection], limit)
            yield Session(connection, self.dialect, limit)
        except (KeyboardInterrupt, SystemExit):
            with suppress(Exception):  # the connection may be gone: then nothing runs on it
                self.dialect.session.cancel(connection)
            raise
        finally:
            _close(connection)

    @contextmanager
    def snapshot(self, *, seconds: float | None = None, connections: int | None = None) -> Iterator[Snapshot]:
        """Several sessions on one snapshot, at most `connections` of the database's own number.

        Where that they see the same state cannot be proved, or the server has no more connections to
        give, there are fewer. Meanwhile there is none left for `session`. Raises as `session` does.
        """
        limit = seconds or self.seconds
        opened = [self._connect()]
        try:
            with suppress(CannotConnect):  # fewer will do
                more = min(connections or self.connections, self.connections) - 1
                opened.extend(self._connect() for _ in range(more))
            together = self._begin(opened, limit)
            kept = opened if together else opened[:1]
            for connection in opened[len(kept) :]:
                connection.close()
            with Snapshot([Session(connection, self.dialect, limit) for connection in kept]) as snapshot:
                yield snapshot
        finally:
            for connection in opened:
                _close(connection)

    def _connect(self) -> Connection:
        try:
            return self._engine.connect()
        except ImportError as error:
            remedy = f"pip install 'pytest-visionforge[{self.dialect.name}]'"
            raise CannotConnect(f"{self.role} {self.shown}: {error}: {remedy}") from None
        except (CannotConnect, SQLAlchemyError, OSError, TypeError) as error:  # TypeError: the URL's ?options
            raise CannotConnect(self._why(error)) from None

    def _begin(self, connections: list[Connection], seconds: float) -> bool:
        try:
            return self.dialect.session.begin_all(connections, seconds)
        except SQLAlchemyError as error:
            raise CannotConnect(self._why(error)) from None

    def _why(self, error: Exception) -> str:
        if isinstance(error, CannotConnect):
            return f"{self.role} {self.shown}: {error}"
        words = message_of(error) if isinstance(error, DBAPIError) else str(error)
        if self.url.password:
            words = words.replace(self.url.password, "***")
        return f"{self.role} {self.shown}: {words}; check the URL, its rights, and that the server runs"

    def all(self, sql: str, **parameters: Any) -> list[AnyRow]:
        """The rows of one small query, in a session of its own."""
        with self.session() as session:
            return session.all(sql, **parameters)

    def value(self, sql: str, **parameters: Any) -> Any:
        """The first value of one query, in a session of its own."""
        with self.session() as session:
            return session.value(sql, **parameters)

    @cached_property
    def schema(self) -> Schema:
        """The facts of the application's objects, read once."""
        with self.session() as session:
            return self.dialect.catalog.read_schema(session)

    def table(self, id: str) -> Table:
        """A table, or a view as one, by its id; DatabaseError where there is none."""
        if id in self.schema.tables:
            return self.schema.tables[id]
        if id in self.schema.views:
            with self.session() as session:
                return as_table(session, self.schema.views[id])
        raise DatabaseError(f"{self.role} {self.shown} has no table {id}")

    def name_of(self, table: Table) -> str:
        """A table's quoted name, for a statement."""
        return self.dialect.language.quote_table(table.schema, table.name)

    def quote(self, name: str) -> str:
        """A quoted name, for a statement."""
        return self.dialect.language.quote(name)

    def count(self, table: Table, *, seconds: float | None = None) -> int:
        """The exact number of rows."""
        with self.session(seconds=seconds) as session:
            return session.count(table)

    @cached_property
    def identity(self) -> Identity:
        """Which database this is; two roads to the same one give the same `id`."""
        version = ".".join(map(str, self.version))  # a session of its own: there may be only one
        with self.session() as session:
            return Identity(
                id=self.dialect.session.identity(session, self.url),
                dbms=self.dialect.session.product(session),
                version=version,
                shown=self.shown,
            )

    @cached_property
    def version(self) -> tuple[int, ...]:
        """The server's version."""
        with self.session() as session:
            return self.dialect.session.version(session)

    def now(self) -> datetime:
        """The server's clock, UTC."""
        with self.session() as session:
            return self.dialect.session.now(session)

    def state(self) -> str:
        """Words that stay the same only as long as nobody writes; "" where that cannot be known."""
        with self.session() as session:
            return self.dialect.session.state(session)

    def size(self) -> int:
        """The size of the database on disk, in bytes."""
        with self.session() as session:
            return self.dialect.catalog.database_size(session, self.url)

    def table_sizes(self) -> dict[str, int]:
        """Bytes on disk of each table with its indexes, by id; without the tables whose size is hidden."""
        with self.session() as session:
            sizes = self.dialect.catalog.table_sizes(session)
        tables = self.schema.tables.items()
        return {id: sizes[t.schema, t.name] for id, t in tables if (t.schema, t.name) in sizes}


def _close(connection: Connection) -> None:
    """Ends a session; a server that is gone has ended it by itself, and whoever met that has said so."""
    with suppress(SQLAlchemyError):
        connection.close()
