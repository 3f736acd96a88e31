"""A connection that may write: for scratch databases and for putting a backup back, nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from pytest_visionforge.database.session import message_of
from pytest_visionforge.errors import BackupError


class Admin:
    """Runs statements, each a transaction by itself; names go in through the language room's `quote`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @property
    def engine(self) -> Engine:
        """Opens further connections of the same kind."""
        return self._connection.engine

    def run(self, sql: str) -> None:
        """A statement without rows."""
        self._connection.execute(text(sql))

    def rows(self, sql: str, **parameters: Any) -> Sequence[Any]:
        """All rows of a small query."""
        return self._connection.execute(text(sql), parameters).all()

    def value(self, sql: str, **parameters: Any) -> Any:
        """The first value of the first row."""
        return self.rows(sql, **parameters)[0][0]


@contextmanager
def admin(url: URL, arguments: Mapping[str, Any], remedy: Callable[[DBAPIError], str]) -> Iterator[Admin]:
    """A connection to `url`; what the server refuses is a BackupError that ends with the remedy."""
    shown = url.render_as_string(hide_password=True)
    engine = create_engine(
        url, poolclass=NullPool, isolation_level="AUTOCOMMIT", connect_args=dict(arguments)
    )
    try:
        with engine.connect() as connection:
            yield Admin(connection)
    except DBAPIError as error:
        raise BackupError(f"{shown}: {message_of(error)}{remedy(error)}") from None
    finally:
        engine.dispose()
