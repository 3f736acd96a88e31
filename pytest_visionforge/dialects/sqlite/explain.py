"""How SQLite would read the tables of a query."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pytest_visionforge.database.session import Session, verbatim
from pytest_visionforge.dialects.pulse import Access

_LINE = re.compile(r"(?P<how>SCAN|SEARCH) (?:TABLE )?(?P<table>\S+)(?: AS \S+)?(?: USING (?P<by>.*))?")
_INDEX = re.compile(r"(?P<automatic>AUTOMATIC )?(?:PARTIAL )?(?:COVERING )?INDEX (?P<name>\S+)?")


def accesses(session: Session, sql: str) -> tuple[Access, ...]:
    """One for each table, in the order of the plan; an index that SQLite makes for itself is none."""
    details = (str(row[3]) for row in session.all(f"EXPLAIN QUERY PLAN {verbatim(sql)}"))
    return tuple(dict.fromkeys(access for detail in details for access in _of(detail)))


def _of(detail: str) -> Iterator[Access]:
    line = _LINE.match(detail)
    if line is None or line["table"].startswith("("):
        return
    by = line["by"] or ""
    index = _INDEX.match(by)
    if index and not index["automatic"]:
        yield Access(line["table"], index["name"] or "")
    elif "PRIMARY KEY" in by:
        yield Access(line["table"], "primary key")
    elif line["how"] == "SCAN" or index:
        yield Access(line["table"])
