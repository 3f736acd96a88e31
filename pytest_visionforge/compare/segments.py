"""Segments of a table and their digests: plain values, so that any process may compute them.

A table with a unique key whose order is the same on both sides is cut into ranges of the key, by the
key's own distribution. Any other is cut into buckets by the hash of its key, or, where it has no key,
by the hash of the whole row: then equal rows are counted, and a lost duplicate is a difference.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pytest_visionforge.compare.reading import Reading
from pytest_visionforge.dialects import Dialect
from pytest_visionforge.errors import DatabaseError

ROWS = 16_000  # of a segment, about
BYTES = 200_000_000  # of a segment at most, in the memory of the server
WIDTH = 1_100  # bytes of a value in the binary form of a row, at most


def rows_of_a_segment(reading: Reading) -> int:
    """`ROWS`, or fewer where a row has so many columns that these might be too much for the server."""
    return max(1, min(ROWS, BYTES // (WIDTH * len(reading.fields))))


def digits_for(rows: int) -> int:
    """How many hex digits of a hash make buckets of about `ROWS` rows."""
    digits = 0
    while rows > ROWS * 16**digits and digits < 6:
        digits += 1
    return digits


@dataclass(frozen=True, slots=True)
class Segment:
    """Which rows: keys above `low` up to `high` (canonical texts; () for no bound), or a bucket.

    `nulls` is the segment of the rows whose key holds a NULL and is in no range.
    """

    low: tuple[str, ...] = ()
    high: tuple[str, ...] = ()
    bucket: str | None = None
    nulls: bool = False

    def __str__(self) -> str:
        if self.bucket is not None:
            return f"bucket {self.bucket or 'of all rows'}"
        if self.nulls:
            return "the rows without a key"
        low, high = ", ".join(self.low), ", ".join(self.high)
        return (
            f"keys {f'above {low}' if low else 'from the first'} {f'up to {high}' if high else 'to the last'}"
        )

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Segment:
        """The segment that `asdict` gave."""
        return cls(**{**data, "low": tuple(data["low"]), "high": tuple(data["high"])})


@dataclass(frozen=True, slots=True)
class Digest:
    """The number of rows of a segment, and the SHA-256 that stands for them."""

    segment: Segment
    rows: int
    sha256: str

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Digest:
        """The digest that `asdict` gave."""
        return cls(Segment.from_json(data["segment"]), data["rows"], data["sha256"])


@dataclass(frozen=True, slots=True)
class TableDigests:
    """The digests of all segments of a table.

    `fingerprint` is that of the projection; `digits` is the length of a bucket's name.
    """

    fingerprint: str
    method: str
    digits: int
    segments: tuple[Digest, ...]

    @property
    def rows(self) -> int:
        """The number of rows."""
        return sum(digest.rows for digest in self.segments)

    @property
    def ranges(self) -> bool:
        """Are the segments ranges of the key?"""
        return bool(self.segments) and all(found.segment.bucket is None for found in self.segments)

    @property
    def digest(self) -> str:
        """One SHA-256 for the whole table."""
        facts = [[asdict(found.segment), found.rows, found.sha256] for found in self.segments if found.rows]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()

    def as_json(self) -> dict[str, Any]:
        """The digests as plain values for `json`."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> TableDigests:
        """The digests that `as_json` gave."""
        segments = tuple(map(Digest.from_json, data["segments"]))
        return cls(data["fingerprint"], data["method"], data["digits"], segments)

    def differing(self, other: TableDigests) -> tuple[Segment, ...]:
        """The segments whose rows differ; one that only one side has is empty on the other."""
        ours, theirs = self._by_segment(), other._by_segment()
        return tuple(
            segment for segment in dict.fromkeys((*ours, *theirs)) if ours.get(segment) != theirs.get(segment)
        )

    def _by_segment(self) -> dict[Segment, tuple[int, str]]:
        return {found.segment: (found.rows, found.sha256) for found in self.segments if found.rows}


def condition_of(dialect: Dialect, reading: Reading, segment: Segment) -> str:
    """SQL: the rows of a range; '' for all."""
    keys = [field.expression for field in reading.key_fields]
    if segment.nulls:
        return "(" + " OR ".join(f"{key} IS NULL" for key in keys) + ")"
    low = _above(keys, _limits(dialect, reading, segment.low)) if segment.low else ""
    high = _up_to(keys, _limits(dialect, reading, segment.high)) if segment.high else ""
    return " AND ".join(filter(None, (low, high)))


def above(dialect: Dialect, reading: Reading, low: tuple[str, ...]) -> str:
    """SQL: the rows whose whole key is there and above a bound (() for none)."""
    holes = [f"{field.expression} IS NOT NULL" for field in reading.key_fields if field.nullable]
    return " AND ".join(filter(None, (condition_of(dialect, reading, Segment(low)), *holes)))


def _limits(dialect: Dialect, reading: Reading, bounds: tuple[str, ...]) -> list[str]:
    fields = zip(bounds, reading.key_fields, strict=True)
    return [dialect.canonical.limit(bound, field.order) for bound, field in fields]


def _above(keys: Sequence[str], bounds: Sequence[str]) -> str:
    """Spelled out column by column: not every DBMS uses an index for `(a, b) > (x, y)`."""
    key, bound = keys[0], bounds[0]
    if len(keys) == 1:
        return f"{key} > {bound}"
    return f"({key} >= {bound} AND ({key} > {bound} OR {_above(keys[1:], bounds[1:])}))"


def _up_to(keys: Sequence[str], bounds: Sequence[str]) -> str:
    key, bound = keys[0], bounds[0]
    if len(keys) == 1:
        return f"{key} <= {bound}"
    return f"({key} <= {bound} AND ({key} < {bound} OR {_up_to(keys[1:], bounds[1:])}))"


def bucket_name(segment: Segment) -> str:
    """A bucket's name; DatabaseError where it is none that we gave."""
    if not re.fullmatch(r"[0-9a-f]*", segment.bucket or ""):
        raise DatabaseError(f"{segment.bucket!r} is no bucket: the baseline is not what it was")
    return segment.bucket or ""
