"""Two databases of one MariaDB or MySQL server, and what is exactly equal in them."""

from __future__ import annotations

import re

from sqlalchemy import Engine

from pytest_visionforge.database.database import Database
from pytest_visionforge.database.session import Session
from pytest_visionforge.dialects.mysql import canonical
from pytest_visionforge.dialects.mysql import session as opening
from pytest_visionforge.dialects.mysql.language import plain, quote

PIECES = 32
_ONE_NAME = re.compile(r"`(?:[^`]|``)*`")
_COMPARABLE = {"number", "double", "date", "timestamp", "time"}
_BY_INDEX = {"eq_ref", "const", "system"}


def engine(before: Database, after: Database, connections: int) -> Engine | None:
    """Connections as the user before, where both databases are on one server."""
    servers = {database.identity.id.rpartition(":")[0] for database in (before, after)}
    return opening.engine(before.url, connections) if len(servers) == 1 else None


def tables(before: Database, after: Database, old: str, new: str) -> tuple[str, str]:
    """The names of a table before and one after in such a connection."""
    return _named(before, old), _named(after, new)


def _named(database: Database, table: str) -> str:
    schema = f"{quote(database.url.database or '')}." if _ONE_NAME.fullmatch(table) else ""
    return f"{schema}{table}"


def pieces(connections: int) -> int:
    """Into how many ranges of the key a table is cut."""
    return PIECES


def same(left: str, right: str, family: str, types: tuple[str, str]) -> str | None:
    """SQL: both are NULL, or equal to the byte; a collation ignores case, accents and blanks at the end."""
    if {canonical.family(type) for type in types} != {family}:
        return None
    if family in _COMPARABLE or (family == "bytes" and all(map(_is_binary, types))):
        return f"({left} <=> {right})"
    if family != "text":
        return None
    octets = f"CAST({left} AS BINARY) <=> CAST({right} AS BINARY)"
    return f"IF(CHARSET({left}) = CHARSET({right}), {octets}, {plain(left)} <=> {plain(right)})"


def _is_binary(type: str) -> bool:
    return "binary" in type.lower() or "blob" in type.lower()


def seeks(session: Session, query: str, keys: int) -> bool:
    """Does a join find each row by the index of its whole key? Else it would take longer than digests do."""
    return any(step.type in _BY_INDEX for step in session.all(f"EXPLAIN {query}")[1:])
