"""Queries of the application: do they answer, how fast, and by which indexes, against the baseline."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pytest_visionforge.database import Database, Session, verbatim
from pytest_visionforge.dialects.pulse import Access
from pytest_visionforge.plan.values.changes import Changes
from pytest_visionforge.plan.values.sections import NamedQuery

LEAST = 0.005  # seconds: a query that is slower by less is not slower


@dataclass(frozen=True, slots=True)
class Answered:
    """What a query answered: its rows, the seconds of each run, and how it reads its tables."""

    name: str
    rows: int
    seconds: tuple[float, ...]
    accesses: tuple[Access, ...]

    @property
    def fastest(self) -> float:
        """The run that was disturbed least."""
        return min(self.seconds)

    @property
    def says(self) -> str:
        """In one line."""
        return f"{self.rows:,} rows, {self.fastest * 1000:.1f} ms (the fastest of {len(self.seconds)})"

    def as_json(self) -> dict[str, Any]:
        """Plain values for `json`."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Answered:
        """What `as_json` gave."""
        accesses = tuple(Access(**each) for each in data["accesses"])
        return cls(data["name"], data["rows"], tuple(data["seconds"]), accesses)


def answer(query: NamedQuery, database: Database) -> Answered:
    """Runs a query as often as the plan says, after once that does not count; DatabaseError where it fails."""
    with database.session() as session:
        accesses = database.dialect.explain.accesses(session, query.sql)
        rows, _ = _timed(session, query.sql)
        seconds = tuple(_timed(session, query.sql)[1] for _ in range(query.samples))
    return Answered(query.name, rows, seconds, accesses)


def _timed(session: Session, sql: str) -> tuple[int, float]:
    """The rows, counted as they stream by, and the seconds to the last one."""
    begin = time.perf_counter()
    rows = sum(1 for _ in session.rows(verbatim(sql)))
    return rows, round(time.perf_counter() - begin, 6)


def is_slower(before: Answered, now: Answered, slowdown: float) -> bool:
    """More than the plan allows, and by more than what one can measure."""
    return now.fastest > before.fastest * slowdown and now.fastest - before.fastest > LEAST


def lost(before: Answered, now: Answered, changes: Changes) -> tuple[str, ...]:
    """A sentence for each table that was read by an index and is read as a whole now."""
    whole = {access.table for access in now.accesses if access.whole}
    found = []
    for access in before.accesses:
        table = changes.after(access.table) or access.table
        if not access.whole and table in whole:
            found.append(f"{table} is read as a whole, where {access.index} was used before")
    return tuple(dict.fromkeys(found))
