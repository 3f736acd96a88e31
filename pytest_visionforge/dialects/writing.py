"""A connection that may write: for scratch databases and for putting a backup back, nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from pytest_visionforge.database.session import message_of
from pytest_visionforge.errors import BackupError

_KEPT = re.compile(r"(.+)__(?:old|safe)_[0-9a-f]{8}(?:_[0-9]+)?", re.S)


def is_kept(name: str, live: str, longest: int) -> bool:
    """Is it the name of a kept state of `live`? Names of `longest` bytes or characters are cut off."""
    found = _KEPT.fullmatch(name)
    if not found:
        return False
    whole = max(len(name), len(name.encode())) < longest - 3  # a cut in a character leaves up to three
    return found[1] == live if whole else live.startswith(found[1])


class Admin:
    """Runs statements, each a transaction by itself; names go in through the language room's `quote`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @property
    def engine(self) -> Engine:
        """Opens further connections of the same kind."""
        return self._connection.engine

    @property
    def driver(self) -> Any:
        """The driver's own connection."""
        return self._connection.connection.driver_connection

    def run(self, sql: str, **parameters: Any) -> None:
        """A statement without rows."""
        self._connection.execute(text(sql), parameters)

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
