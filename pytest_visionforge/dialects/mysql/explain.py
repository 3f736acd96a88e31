"""How MariaDB and MySQL would read the tables of a query."""

from __future__ import annotations

from pytest_visionforge.database.session import Session, verbatim
from pytest_visionforge.dialects.pulse import Access


def accesses(session: Session, sql: str) -> tuple[Access, ...]:
    """One for each table, in the order of the plan; a table of one row or none is passed over."""
    found = [row._mapping for row in session.all(f"EXPLAIN {verbatim(sql)}")]
    read = [row for row in found if row["table"] and row["type"] not in (None, "system", "NULL")]
    return tuple(dict.fromkeys(Access(str(row["table"]), str(row["key"] or "")) for row in read))
