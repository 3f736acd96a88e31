"""Rows that are on one side only, by their whole-numbered keys: found by counts and sums of ranges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from pytest_visionforge.compare.reading import Reading
from pytest_visionforge.database import Session, Snapshot

PARTS = 64  # into which a range that differs is cut
FEW = 2_000  # rows whose keys are read rather than cut once more
MANY = 100_000  # rows with one value in the first column of their key: their keys are not read
_PRIME = 1_000_003  # sums are of remainders: no sum of keys overflows
Key = tuple[int, ...]
Range = tuple[int, int]  # of the first column of the key: from, to (not in it)
Told = tuple[Range, int]  # a range that does not hold the same keys, and the rows of the fuller side
Facts = tuple[int, ...]  # of a range: how many rows, and the sum of each column of the key
Side = tuple[Snapshot, Reading]


class Alone(NamedTuple):
    """The keys that are on one side only, in order."""

    before: Sequence[Key] = ()
    after: Sequence[Key] = ()


@dataclass(frozen=True, slots=True)
class Look:
    """A first look at the keys of both sides: how many rows each has, and which ranges do not hold the same."""

    rows_before: int
    rows_after: int
    differing: Sequence[Told]


def look(before: Side, after: Side) -> Look:
    """Counts and sums the keys of both sides, in one scan of each."""
    ends = [end for snapshot, reading in (before, after) for end in snapshot.run(_ends, reading)]
    ranges = _parts((min(ends), max(ends) + 1)) if ends else []
    first, second = _both(before, after, _facts, ranges)
    return Look(_rows(first), _rows(second), _unlike(ranges, first, second))


def alone(before: Side, after: Side, differing: Sequence[Told], limit: int) -> Alone | None:
    """The keys that are only before, and only after; None where there are more than `limit`, or too many to see."""
    lost: set[Key] = set()
    added: set[Key] = set()
    waiting = list(differing)
    while waiting:
        each, rows = waiting.pop()
        if rows <= FEW or (each[1] - each[0] == 1 and rows <= MANY):
            first, second = _both(before, after, _keys, each)
            lost |= first - second
            added |= second - first
        elif each[1] - each[0] == 1:
            return None
        else:
            parts = _parts(each)
            waiting += _unlike(parts, *_both(before, after, _facts, parts))
        if len(lost) + len(added) > limit:
            return None
    return Alone(tuple(sorted(lost)), tuple(sorted(added)))


def _both(before: Side, after: Side, function: Any, *args: Any) -> list[Any]:
    futures = [snapshot.start(function, reading, *args) for snapshot, reading in (before, after)]
    return [future.result() for future in futures]


def _rows(facts: Sequence[Facts]) -> int:
    return sum(each[0] for each in facts)


def _unlike(ranges: Sequence[Range], first: Sequence[Facts], second: Sequence[Facts]) -> list[Told]:
    sides = zip(ranges, first, second, strict=True)
    return [(each, max(ours[0], theirs[0])) for each, ours, theirs in sides if ours != theirs]


def _facts(session: Session, reading: Reading, ranges: Sequence[Range]) -> list[Facts]:
    """How many rows each range has, and the sums of the remainders of their keys."""
    if not ranges:
        return []
    sums = "".join(f", sum({field.expression} % {_PRIME})" for field in reading.key_fields)
    query = " UNION ALL ".join(
        f"SELECT {number} AS n, count(*){sums} {reading.source(_within(reading, each))}"
        for number, each in enumerate(ranges)
    )
    found = {int(number): tuple(int(value or 0) for value in facts) for number, *facts in session.all(query)}
    return [found[number] for number in range(len(ranges))]


def _keys(session: Session, reading: Reading, each: Range) -> set[Key]:
    names = ", ".join(field.expression for field in reading.key_fields)
    rows = session.all(f"SELECT {names} {reading.source(_within(reading, each))}")
    return {tuple(int(value) for value in row) for row in rows}


def _ends(session: Session, reading: Reading) -> list[int]:
    """The least and the greatest of the first column of the key; [] where there are no rows."""
    first = reading.key_fields[0].expression
    return [
        int(end)
        for end in session.row(f"SELECT min({first}), max({first}) {reading.source()}")
        if end is not None
    ]


def _within(reading: Reading, each: Range) -> str:
    first = reading.key_fields[0].expression
    return f"{first} >= {each[0]} AND {first} <= {each[1] - 1}"


def _parts(each: Range) -> list[Range]:
    low, high = each
    step = max(1, -(-(high - low) // PARTS))
    return [(start, min(start + step, high)) for start in range(low, high, step)]
