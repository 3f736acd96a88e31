"""Plans of queries: what each DBMS must have in its `explain`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pytest_visionforge.database.session import Session
    from pytest_visionforge.dialects.pulse import Access


class ExplainRoom(Protocol):
    """How a DBMS would read the tables of a query."""

    def accesses(self, session: Session, sql: str) -> tuple[Access, ...]:
        """How each table is read, in the order of the DBMS's own plan."""
