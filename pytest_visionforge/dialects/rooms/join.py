"""Two databases in one query: what each DBMS must have in its `join`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from sqlalchemy import Engine

if TYPE_CHECKING:
    from pytest_visionforge.database.database import Database
    from pytest_visionforge.database.session import Session


class JoinRoom(Protocol):
    """How two databases of one DBMS are seen through one connection, and what is exactly equal in them."""

    def engine(self, before: Database, after: Database, connections: int) -> Engine | None:
        """A pool of read-only connections that see both databases; None where there can be none."""

    def tables(self, before: Database, after: Database, old: str, new: str) -> tuple[str, str]:
        """The names of a table before and one after (quoted) in such a connection."""

    def pieces(self, connections: int) -> int:
        """Into how many ranges of the key a table is cut."""

    def same(self, left: str, right: str, family: str, types: tuple[str, str]) -> str | None:
        """SQL: both are NULL, or equal to the byte; None where SQL cannot tell exactly."""

    def seeks(self, session: Session, query: str, keys: int) -> bool:
        """Does a join find each row by the index of its whole key? Else it would take longer than digests do."""
