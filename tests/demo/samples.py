"""What the tests of the demo share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Engine, text

SCALE = 0.05
Upgrade = Callable[..., None]


def rows(connection: Engine | Connection, sql: str) -> list[tuple[Any, ...]]:
    """The rows of a query."""
    if isinstance(connection, Engine):
        with connection.connect() as opened:
            return rows(opened, sql)
    return [tuple(row) for row in connection.execute(text(sql))]
