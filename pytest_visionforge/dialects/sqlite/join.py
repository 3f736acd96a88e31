"""Two SQLite files through one connection, and what is exactly equal in them."""

from __future__ import annotations

import re
import sqlite3
from urllib.parse import quote as quote_uri

from sqlalchemy import Engine, event

from pytest_visionforge.database.database import Database
from pytest_visionforge.database.session import Session
from pytest_visionforge.dialects.sqlite import session as opening
from pytest_visionforge.errors import CannotConnect

OTHER = "after"  # what the file after is attached as; the one before is `main`
PIECES = 32


def engine(before: Database, after: Database, connections: int) -> Engine | None:
    """Connections to the file before, with the file after attached, both read-only."""
    path = opening.path_of(after.url)

    def attach(connection: sqlite3.Connection, record: object) -> None:
        connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 1)
        try:
            connection.execute(f"ATTACH ? AS {OTHER}", (f"file:{quote_uri(str(path))}?mode=ro",)).fetchall()
        except sqlite3.Error as error:  # files of different encodings cannot be read together
            raise CannotConnect(str(error)) from None
        finally:
            connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)

    both = opening.engine(before.url, connections)
    event.listen(both, "connect", attach)
    return both


def tables(before: Database, after: Database, old: str, new: str) -> tuple[str, str]:
    """The names of a table before and one after in such a connection."""
    return f"main.{old}", f"{OTHER}.{new}"


def pieces(connections: int) -> int:
    """Into how many ranges of the key a table is cut."""
    return PIECES


def same(left: str, right: str, family: str, types: tuple[str, str]) -> str | None:
    """SQL: both are NULL, or of one storage class and equal to the byte; 5.0 is 5.

    The signs keep a column's affinity from making '5' and 5 equal, the collation its own from counting.
    """
    if family != "stored":
        return None
    return f"(+{left} COLLATE BINARY IS +{right} COLLATE BINARY)"


def seeks(session: Session, query: str, keys: int) -> bool:
    """Does a join find each row by the index of its whole key? Else it would take longer than digests do."""
    inner = str(session.all(f"EXPLAIN QUERY PLAN {query}")[1].detail)
    return bool(re.match(r"SEARCH (?!.*AUTOMATIC)", inner)) and inner.count("=?") >= keys
