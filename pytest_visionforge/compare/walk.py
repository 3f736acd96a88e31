"""Cuts a table into ranges of its key, by walking along its index: no look at all of it beforehand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

from pytest_visionforge.compare.reading import Reading
from pytest_visionforge.compare.segments import Segment, above, condition_of, rows_of_a_segment
from pytest_visionforge.database import Session, Snapshot
from pytest_visionforge.errors import DatabaseError


class Unordered(Exception):
    """A key holds what its column's type does not say, so that its order is not what it seems."""


def walk(side: Callable[[], tuple[Snapshot, Reading]], low: tuple[str, ...] = ()) -> Iterator[Segment]:
    """The ranges that hold every row above `low` once, in the order of the key; Unordered where that cannot be.

    `side` gives the one that makes the next step.
    """
    while True:
        snapshot, reading = side()
        high = snapshot.run(_bound, reading, low, rows_of_a_segment(reading))
        if high and high == low:
            raise Unordered
        yield Segment(low, high)
        if not high:
            break
        low = high
    if any(field.nullable for field in reading.key_fields):
        yield Segment(nulls=True)


def _bound(session: Session, reading: Reading, low: tuple[str, ...], rows: int) -> tuple[str, ...]:
    """The key so many rows after a bound; () where there are fewer."""
    condition = above(session.dialect, reading, low)
    order = ", ".join(field.expression for field in reading.key_fields)
    found = _bounds(
        session, reading, f"{reading.source(condition)} ORDER BY {order} LIMIT 1 OFFSET {rows - 1}"
    )
    return found[0] if found else ()


def cuts(session: Session, reading: Reading, segment: Segment, rows: int) -> list[Segment]:
    """A range, cut into ranges of so many rows; more where many rows have the same key."""
    condition = condition_of(session.dialect, reading, segment)
    order = ", ".join(field.expression for field in reading.key_fields)
    numbered = f", row_number() OVER (ORDER BY {order}) AS n {reading.source(condition)}"
    found = _bounds(session, reading, numbered, f"WHERE n % {rows} = 0 ORDER BY n")
    edges = [segment.low, *(bound for bound in dict.fromkeys(found) if bound != segment.high), segment.high]
    return [Segment(low, high) for low, high in pairwise(edges)]


def _bounds(session: Session, reading: Reading, source: str, more: str = "") -> list[tuple[str, ...]]:
    """The keys of rows as the texts of bounds."""
    canonical, fields = session.dialect.canonical, reading.key_fields
    names = [f"k{number}" for number in range(len(fields))]
    texts = [canonical.bound(name, field.order) for name, field in zip(names, fields, strict=True)]
    keys = ", ".join(f"{field.expression} AS {name}" for name, field in zip(names, fields, strict=True))
    rows = session.all(f"SELECT {', '.join(texts)} FROM (SELECT {keys} {source}) AS edges {more}")
    found = [tuple(row) for row in rows]
    for bounds in found:
        _prove(session, reading, bounds)
    return found


def _prove(session: Session, reading: Reading, bounds: tuple[str, ...]) -> None:
    try:
        for bound, field in zip(bounds, reading.key_fields, strict=True):
            session.dialect.canonical.limit(bound, field.order)
    except DatabaseError:
        raise Unordered from None
