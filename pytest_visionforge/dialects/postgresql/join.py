"""Two schemas of one PostgreSQL database, and what is exactly equal in them."""

from __future__ import annotations

from sqlalchemy import Engine

from pytest_visionforge.database.database import Database
from pytest_visionforge.database.session import Session
from pytest_visionforge.dialects.capacity import base_of
from pytest_visionforge.dialects.postgresql import canonical
from pytest_visionforge.dialects.postgresql import session as opening

_COMPARABLE = {"date", "double", "bytes", "uuid"}
_NUMBERS = {"smallint", "integer", "bigint", "numeric"}


def engine(before: Database, after: Database, connections: int) -> Engine | None:
    """Connections as the role before, where both are one database: no other can be reached from it."""
    same = before.identity.id == after.identity.id
    return opening.engine(before.url, connections) if same else None


def tables(before: Database, after: Database, old: str, new: str) -> tuple[str, str]:
    """The names of a table before and one after: they hold their schemas."""
    return old, new


def pieces(connections: int) -> int:
    """Into how many ranges of the key a table is cut: rows need not lie in its order, so few."""
    return connections


def same(left: str, right: str, family: str, types: tuple[str, str]) -> str | None:
    """SQL: both are NULL, or equal to the byte, whatever a collation thinks."""
    if {canonical.family(type) for type in types} != {family}:
        return None
    first, second = map(base_of, types)
    if family == "text":
        left, right = (f'{value}::text COLLATE "C"' for value in (left, right))
    elif not (family in _COMPARABLE or _NUMBERS.issuperset((first, second)) or _alike(family, first, second)):
        return None
    return f"({left} IS NOT DISTINCT FROM {right})"


def _alike(family: str, first: str, second: str) -> bool:
    return first == second and family in ("number", "timestamp", "time")


def seeks(session: Session, query: str, keys: int) -> bool:
    """A join that finds nothing by an index is done by hashing."""
    return True
