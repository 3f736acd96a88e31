"""Segments of a table and their digests: plain values, so that any process may compute them.

A table whose declared key is of numbers, dates or timestamps is cut into ranges of the key, by the
key's own distribution. Any other is cut into buckets by the hash of its key, or, where it has no
key, by the hash of the whole row: then equal rows are counted, and a lost duplicate is a difference.
Neither way depends on a collation. Digests are SHA-256 over the SHA-256s of canonical rows.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import asdict, dataclass
from functools import partial
from itertools import pairwise
from typing import Any

from pytest_visionforge.compare.reading import Field, Reading
from pytest_visionforge.database import Session, verbatim
from pytest_visionforge.errors import DatabaseError

ROWS = 10_000  # of a segment, about
MANY = 1_000  # buckets from which on a statement that names them is worse than reading all rows
_BOUND = re.compile(r"-?\d+(\.\d+)?|\d{4,}-\d\d-\d\d( \d\d:\d\d:\d\d(\.\d+)?)?")
Progress = Callable[[str], None]


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
        segments = tuple(
            Digest(Segment.from_json(found["segment"]), found["rows"], found["sha256"])
            for found in data["segments"]
        )
        return cls(data["fingerprint"], data["method"], data["digits"], segments)

    def differing(self, other: TableDigests) -> tuple[Segment, ...]:
        """The segments whose rows differ; one that only one side has is empty on the other."""
        ours, theirs = self._by_segment(), other._by_segment()
        return tuple(
            segment for segment in dict.fromkeys((*ours, *theirs)) if ours.get(segment) != theirs.get(segment)
        )

    def _by_segment(self) -> dict[Segment, tuple[int, str]]:
        return {found.segment: (found.rows, found.sha256) for found in self.segments if found.rows}


def run(
    segments: Iterable[Segment], function: Callable[[Segment], Digest], pool: Executor | None = None
) -> Iterator[Digest]:
    """The digests of segments, in their order; on a pool where there is one."""
    return pool.map(function, segments) if pool else map(function, segments)


def digests(
    session: Session,
    reading: Reading,
    fingerprint: str,
    *,
    like: TableDigests | None = None,
    progress: Progress | None = None,
) -> TableDigests:
    """The digests of a table, in segments of about `ROWS` rows or in those of `like`.

    That the segments hold every row is proved by counting; DatabaseError where they do not.
    """
    session.dialect.canonical.prepare(session)
    total = int(session.value(f"SELECT count(*) {_source(reading, '')}"))
    ranges = _ranges(session, reading) if like is None else _ranges_of(like)
    if ranges is None:
        digits = like.digits if like else _digits(total)
        found: tuple[Digest, ...] = tuple(_buckets(session, reading, digits))
        method = f"SHA-256 of rows, in buckets by {'key' if reading.key else 'row'}"
    else:
        digits, method = 0, f"SHA-256 of rows, in ranges of {', '.join(reading.key)}"
        found = tuple(_told(run(ranges, partial(digest_of, session, reading)), len(ranges), progress))
        if sum(digest.rows for digest in found) != total:
            found = (*found, digest_of(session, reading, Segment(nulls=True)))
    result = TableDigests(fingerprint, method, digits, found)
    if result.rows != total:
        raise DatabaseError(f"{reading.table}: {total:,} rows, but segments reach {result.rows:,} of them")
    return result


def _told(found: Iterable[Digest], of: int, progress: Progress | None) -> Iterator[Digest]:
    for number, digest in enumerate(found, 1):
        if progress and number % 100 == 0:
            progress(f"segment {number} of {of}")
        yield digest


def digest_of(session: Session, reading: Reading, segment: Segment) -> Digest:
    """The digest of one range of the key; the same at any time for the same rows."""
    canonical = session.dialect.canonical
    row = _row(session, reading)
    key = ", ".join(field.expression for field in reading.key_fields)
    order = canonical.sha256(row) if segment.nulls else key
    source = _source(reading, condition_of(reading, segment))
    return Digest(segment, *canonical.digest(session, source, row, order))


def condition_of(reading: Reading, segment: Segment) -> str:
    """SQL: the rows of a range; '' for all."""
    keys = [field.expression for field in reading.key_fields]
    if segment.nulls:
        return "(" + " OR ".join(f"{key} IS NULL" for key in keys) + ")"
    low = _above(keys, [_literal(bound) for bound in segment.low]) if segment.low else ""
    high = _up_to(keys, [_literal(bound) for bound in segment.high]) if segment.high else ""
    return " AND ".join(filter(None, (low, high)))


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


def _literal(bound: str) -> str:
    if not _BOUND.fullmatch(bound):
        raise DatabaseError(f"{bound!r} is no bound of a segment: the baseline is not what it was")
    return bound if re.fullmatch(r"-?\d+(\.\d+)?", bound) else verbatim(f"'{bound}'")


def _ranges(session: Session, reading: Reading) -> tuple[Segment, ...] | None:
    """The ranges of the key that hold `ROWS` rows each; None where the table must go into buckets."""
    if not reading.ranges:
        return None
    bounds = list(_bounds(session, reading))
    if any(bound is None or not _BOUND.fullmatch(bound) for bounds_of in bounds for bound in bounds_of):
        return None
    edges = [(), *bounds, ()]
    return tuple(Segment(low, high) for low, high in pairwise(edges))


def _bounds(session: Session, reading: Reading) -> Iterator[tuple[str, ...]]:
    fields = reading.key_fields
    keys = [field.expression for field in fields]
    names = [f"k{number}" for number in range(len(keys))]
    texts = [
        session.dialect.canonical.text(
            name, "number" if field.family == "stored" else field.family, field.type
        )
        for name, field in zip(names, fields, strict=True)
    ]
    columns = ", ".join(f"{key} AS {name}" for key, name in zip(keys, names, strict=True))
    number = f"row_number() OVER (ORDER BY {', '.join(keys)})"
    for row in session.rows(
        f"SELECT {', '.join(texts)} FROM (SELECT {columns}, {number} AS n"
        f" {_source(reading, '')}) AS numbered WHERE n % {ROWS} = 0 ORDER BY n"
    ):
        yield tuple(row)


def _ranges_of(like: TableDigests) -> tuple[Segment, ...] | None:
    segments = tuple(found.segment for found in like.segments if not found.segment.nulls)
    if any(segment.bucket is not None for segment in segments) or not segments:
        return None
    return segments


def _digits(total: int) -> int:
    """How many hex digits of a hash make buckets of about `ROWS` rows."""
    digits = 0
    while total > ROWS * 16**digits and digits < 6:
        digits += 1
    return digits


def _buckets(session: Session, reading: Reading, digits: int) -> Iterator[Digest]:
    """One scan of the table: a bucket is no range that an index could find."""
    canonical = session.dialect.canonical
    row = canonical.sha256(_row(session, reading))
    if reading.mark_fields != reading.fields:
        bucket = f"substr({mark_of(session, reading)}, 1, {digits})"
        query = f"SELECT {bucket} AS b, {row} AS h, 1 AS n {_source(reading, '')}"
    else:
        query = (
            f"SELECT substr(h, 1, {digits}) AS b, h, count(*) AS n"
            f" FROM (SELECT {row} AS h {_source(reading, '')}) AS hashed_rows GROUP BY h"
        )
    for name, rows, found in canonical.buckets(session, query):
        yield Digest(Segment(bucket=name), rows, found)


def _texts(session: Session, fields: Iterable[Field]) -> list[str]:
    text = session.dialect.canonical.text
    return [text(field.expression, field.family, field.type) for field in fields]


def _row(session: Session, reading: Reading) -> str:
    return session.dialect.canonical.row(_texts(session, reading.fields))


def mark_of(session: Session, reading: Reading) -> str:
    """SQL: the hash by which a row is found on the other side."""
    canonical = session.dialect.canonical
    return canonical.sha256(canonical.row(_texts(session, reading.mark_fields)))


def _source(reading: Reading, condition: str) -> str:
    where = " AND ".join(filter(None, (reading.where, condition)))
    return f"FROM {reading.table}" + (f" WHERE {where}" if where else "")


def rows_of(
    session: Session, reading: Reading, segments: Sequence[Segment], digits: int
) -> Iterator[tuple[str, tuple[str | None, ...]]]:
    """(mark, canonical texts) of the rows of segments of one kind, sorted by their mark, streamed."""
    session.dialect.canonical.prepare(session)
    canonical, language = session.dialect.canonical, session.dialect.language
    mark = mark_of(session, reading)
    if segments[0].bucket is not None:
        condition = _in_buckets(mark, segments, digits)
    else:
        condition = " OR ".join(f"({condition_of(reading, segment) or '1 = 1'})" for segment in segments)
    texts = [canonical.fetched(text) for text in _texts(session, reading.fields)]
    names = [f"f{number}" for number in range(len(texts))]
    columns = [f"{mark} AS m", *(f"{text} AS {name}" for text, name in zip(texts, names, strict=True))]
    for found in session.rows(
        f"SELECT {', '.join(['m', *names])} FROM (SELECT {', '.join(columns)}"
        f" {_source(reading, f'({condition})')}) AS marked ORDER BY {language.plain('m')}"
    ):
        yield found[0], tuple(_decoded(value) for value in found[1:])


def _in_buckets(mark: str, segments: Sequence[Segment], digits: int) -> str:
    if digits == 0 or len(segments) > MANY:
        return "1 = 1"
    names = ", ".join(f"'{_name(segment)}'" for segment in segments)
    return f"substr({mark}, 1, {digits}) IN ({names})"


def _name(segment: Segment) -> str:
    if not re.fullmatch(r"[0-9a-f]*", segment.bucket or ""):
        raise DatabaseError(f"{segment.bucket!r} is no bucket: the baseline is not what it was")
    return segment.bucket or ""


def _decoded(value: str | bytes | None) -> str | None:
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value
