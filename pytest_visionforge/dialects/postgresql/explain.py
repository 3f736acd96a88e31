"""How PostgreSQL would read the tables of a query."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from pytest_visionforge.database.session import Session, verbatim
from pytest_visionforge.dialects.pulse import Access


def accesses(session: Session, sql: str) -> tuple[Access, ...]:
    """One for each table, in the order of the plan."""
    found = session.value(f"EXPLAIN (FORMAT JSON) {verbatim(sql)}")
    data = json.loads(found) if isinstance(found, str) else found
    return tuple(dict.fromkeys(_of(data[0]["Plan"])))


def _of(node: Mapping[str, Any], table: str = "") -> Iterator[Access]:
    table = node.get("Relation Name", table)  # a bitmap's index is a node below its table's
    if "Index Name" in node:
        yield Access(table, node["Index Name"])
    elif node["Node Type"] in ("Seq Scan", "Sample Scan"):
        yield Access(table)
    for child in node.get("Plans", ()):
        yield from _of(child, table)
