"""The digests of a table, computed where the data is: many segments at once, on one snapshot."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass

from pytest_visionforge.compare.pace import Journey, Pace
from pytest_visionforge.compare.projection import Projection
from pytest_visionforge.compare.reading import Reading
from pytest_visionforge.compare.segments import (
    Digest,
    Segment,
    TableDigests,
    condition_of,
    digits_for,
    rows_of_a_segment,
)
from pytest_visionforge.compare.unfinished import Unfinished
from pytest_visionforge.compare.walk import Unordered, walk
from pytest_visionforge.database import Session, Snapshot, Table
from pytest_visionforge.errors import DatabaseError

ROOM = 4  # times the rows of a segment that one may hold on the other side and still be hashed
LENGTH = 200_000  # characters of a statement that asks for several digests


@dataclass(frozen=True)
class Side:
    """One side of a comparison: where its rows are, and how they are read."""

    snapshot: Snapshot
    reading: Reading
    pace: Pace

    def prepare(self, ranges: bool) -> None:
        """Makes the sessions ready; before anything else is done with them."""
        for session in self.snapshot.sessions:
            session.dialect.canonical.prepare(session, ranges)

    def start(self, segment: Segment) -> Future[Digest]:
        """Computes the digest of a range in another thread."""
        return self.snapshot.start(self._digest, segment)

    def _digest(self, session: Session, segment: Segment) -> Digest:
        began = time.monotonic()
        found = self.digests(session, [segment])[0]
        self.pace.rest(self.snapshot, session, time.monotonic() - began)
        return found

    def digests(self, session: Session, segments: Sequence[Segment]) -> list[Digest]:
        """The digests of ranges, in few statements; that of a range with too many rows is ""."""
        dialect, reading = session.dialect, self.reading
        row = reading.hashed(dialect)
        order = "" if reading.in_order else ", ".join(field.expression for field in reading.key_fields)
        at_once = max(1, LENGTH // len(row))
        limit = ROOM * rows_of_a_segment(reading)
        nulls = any(segment.nulls for segment in segments)
        if nulls:
            order, limit = dialect.canonical.sha256(reading.row(dialect)), 10**9
        found: list[tuple[int, str]] = []
        for first in range(0, len(segments), at_once):
            sources = [
                reading.source(condition_of(dialect, reading, segment), in_order=not nulls)
                for segment in segments[first : first + at_once]
            ]
            found += dialect.canonical.digests(
                session, sources, row, order, limit=limit, packed=reading.packs
            )
        return [Digest(segment, *each) for segment, each in zip(segments, found, strict=True)]

    def buckets(self, session: Session, digits: int) -> list[Digest]:
        """One scan of the table: a bucket is no range that an index could find."""
        dialect, reading = session.dialect, self.reading
        row = dialect.canonical.sha256(reading.row(dialect))
        if not reading.marks_rows:
            bucket = f"substr({reading.mark(dialect)}, 1, {digits})"
            query = f"SELECT {bucket} AS b, {row} AS h, 1 AS n {reading.source()}"
        else:
            query = (
                f"SELECT substr(h, 1, {digits}) AS b, h, count(*) AS n"
                f" FROM (SELECT {row} AS h {reading.source()}) AS hashed_rows GROUP BY h"
            )
        found = dialect.canonical.buckets(session, query)
        return [Digest(Segment(bucket=name), rows, digest) for name, rows, digest in found]

    def count(self) -> Future[int]:
        """Counts all rows, by themselves."""
        return self.snapshot.start(
            lambda session: int(session.value(f"SELECT count(*) {self.reading.source()}"))
        )


Told = tuple[Digest, ...]  # the digests of one segment: one of each side


class Tour:
    """Goes through a table segment by segment, on one or two sides at once.

    Its segments are those of `like`, an earlier tour, or else new ones. What each side gave is in `seen`;
    `digits` is the length of a bucket's name. `begun` are the first digests, of ranges, of a tour of one
    side that was interrupted: it goes on behind them.
    """

    def __init__(
        self,
        table: str,
        sides: Sequence[Side],
        like: TableDigests | None = None,
        *,
        ranges: bool = True,
        begun: Sequence[Digest] = (),
    ) -> None:
        self.sides = sides
        self.like = like
        self.ranges = like.ranges if like else ranges and sides[0].reading.ranges
        self.digits = like.digits if like else 0
        self.seen: tuple[list[Digest], ...] = tuple([] for _ in sides)
        self._begun = [digest for digest in begun if digest.segment.high] if self.ranges else []
        self.journey = Journey(table, sides[0].pace)
        self._waiting: deque[list[Future[Digest]]] = deque()

    def digests(self) -> Iterator[Told]:
        """The digests of each segment; at the end it is proved by counting that they hold every row.

        Unordered where there are no ranges, whatever the key's type says.
        """
        for side in self.sides:
            side.prepare(self.ranges)
        counts = [side.count() for side in self.sides]
        yield from self._kept((digest,) for digest in self._begun)
        yield from self._kept(self._by_ranges(counts) if self.ranges else self._by_buckets(counts))
        yield from self._proved([count.result() for count in counts])

    def table(self, number: int, fingerprint: str) -> TableDigests:
        """The digests of one side, once all were computed."""
        return TableDigests(fingerprint, self.method, self.digits, tuple(self.seen[number]))

    @property
    def method(self) -> str:
        """How the digests are computed, and how strong they are."""
        reading, sessions = self.sides[0].reading, self.sides[0].snapshot.sessions
        if not self.ranges:
            by = "key" if reading.key else "row"
            return f"SHA-256 of the text of rows, in buckets by {by}"
        what = "the binary values" if reading.packs else "the text"
        keys = ", ".join(reading.key)
        by = "one session" if len(sessions) == 1 else f"{len(sessions)} sessions on one snapshot"
        return f"SHA-256 of {what} of rows, in ranges of {keys}, by {by}"

    def _kept(self, found: Iterable[Told]) -> Iterator[Told]:
        for told in found:
            for seen, digest in zip(self.seen, told, strict=True):
                seen.append(digest)
            yield told

    def _by_ranges(self, counts: Sequence[Future[int]]) -> Iterator[Told]:
        """As many segments ahead as keep every session at work."""
        window = 2 + 2 * max(len(side.snapshot.sessions) for side in self.sides)
        waiting = self._waiting
        for segment in self._segments():
            waiting.append([side.start(segment) for side in self.sides])
            if len(waiting) > window:
                yield self._told(waiting.popleft(), counts)
        while waiting:
            yield self._told(waiting.popleft(), counts)

    def _segments(self) -> Iterator[Segment]:
        if self.like is None:
            return walk(self._ahead, self._begun[-1].segment.high if self._begun else ())
        return (digest.segment for digest in self.like.segments)

    def _ahead(self) -> tuple[Snapshot, Reading]:
        """The side that has less to do."""
        undone = [sum(not futures[n].done() for futures in self._waiting) for n in range(len(self.sides))]
        side = self.sides[undone.index(min(undone))]
        return side.snapshot, side.reading

    def _told(self, futures: list[Future[Digest]], counts: Sequence[Future[int]]) -> Told:
        told = tuple(future.result() for future in futures)
        if counts[0].done():
            self.journey.expect(counts[0].result() - sum(digest.rows for digest in self._begun))
        self.journey.went(told[0].rows)
        return told

    def _by_buckets(self, counts: Sequence[Future[int]]) -> Iterator[Told]:
        if self.like is None:
            self.digits = digits_for(counts[0].result())
        self.journey.went(0)
        futures = [side.snapshot.start(side.buckets, self.digits) for side in self.sides]
        found = [{digest.segment: digest for digest in future.result()} for future in futures]
        for segment in sorted({segment for each in found for segment in each}, key=str):
            yield tuple(each.get(segment, Digest(segment, 0, "")) for each in found)

    def _proved(self, totals: Sequence[int]) -> Iterator[Told]:
        """Rows whose key is NULL may be on a side only where the other says that there can be none."""
        if self._is_short(totals) and self.ranges and not self._has_nulls():
            yield from self._kept([tuple(side.start(Segment(nulls=True)).result() for side in self.sides)])
        for side, seen, total in zip(self.sides, self.seen, totals, strict=True):
            reached = sum(digest.rows for digest in seen)
            if reached != total:
                raise DatabaseError(
                    f"{side.reading.table}: {total:,} rows, but segments reach {reached:,} of them"
                )

    def _is_short(self, totals: Sequence[int]) -> bool:
        return any(sum(d.rows for d in seen) != total for seen, total in zip(self.seen, totals, strict=True))

    def _has_nulls(self) -> bool:
        return any(digest.segment.nulls for digest in self.seen[0])


def digests(
    snapshot: Snapshot,
    reading: Reading,
    fingerprint: str,
    *,
    table: str,
    like: TableDigests | None = None,
    pace: Pace | None = None,
    unfinished: Unfinished | None = None,
) -> TableDigests:
    """The digests of a table, in new segments or in those of `like`; it goes on with what is `unfinished`.

    That the segments hold every row is proved by counting; DatabaseError where they do not.
    """
    unfinished = unfinished or Unfinished()
    if whole := unfinished.whole(fingerprint):
        return whole
    sides = [Side(snapshot, reading, pace or Pace())]
    tour = Tour(table, sides, like, begun=unfinished.begun(fingerprint))
    try:
        for number, (digest,) in enumerate(tour.digests()):
            if tour.ranges and number >= len(unfinished.begun(fingerprint)):
                unfinished.went(fingerprint, digest)
    except Unordered:
        tour = Tour(table, sides, ranges=False)
        deque(tour.digests(), maxlen=0)
    found = tour.table(0, fingerprint)
    unfinished.ended(fingerprint, found)
    return found


@contextmanager
def naming(table: str) -> Iterator[None]:
    """Says of an error which table it is about."""
    try:
        yield
    except DatabaseError as error:
        raise type(error)(f"{table}: {error}") from None


def digests_before(
    snapshot: Snapshot,
    projection: Projection,
    table: Table,
    pace: Pace,
    kept: Unfinished | None = None,
    like: TableDigests | None = None,
) -> TableDigests:
    """The digests of what is compared of a table, as it is before the migration."""
    reading = projection.side_before(snapshot.dialect, table)
    fingerprint = projection.fingerprint
    return digests(snapshot, reading, fingerprint, table=table.id, like=like, pace=pace, unfinished=kept)
