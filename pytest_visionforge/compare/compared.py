"""What the comparison of one table found, and how it is found: segment by segment, then row by row."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property

from pytest_visionforge.compare.digests import Side, Told, Tour
from pytest_visionforge.compare.locate import differ, look, look_into_buckets
from pytest_visionforge.compare.projection import Projection
from pytest_visionforge.compare.rows import Differences
from pytest_visionforge.compare.segments import Digest, TableDigests
from pytest_visionforge.compare.walk import Unordered
from pytest_visionforge.database import Database, Session, Table
from pytest_visionforge.outcome import Offender
from pytest_visionforge.plan.values.plan import Plan

SECONDS = 6 * 3600.0  # for a statement over a whole table: comparing is bounded by its table, not by checks
LOOKS = 4  # ranges that are looked into at once
STALE = "what is read as before is not the baseline: it has other digests"


@dataclass(frozen=True, slots=True)
class TableComparison:
    """What a table is after the migration, against what it was and was declared to become.

    `lost`, `added` and `altered` count rows; where not `complete`, at least so many. `offenders`
    are the first of them. `equal` tells whether the table is as declared. `method` says how it was
    compared and how strong that is, `note` what was compared less than exactly.
    """

    table: str
    rows_before: int
    rows_after: int
    digest_before: str
    digest_after: str
    method: str
    equal: bool
    note: str = ""
    lost: int = 0
    added: int = 0
    altered: int = 0
    complete: bool = True
    offenders: tuple[Offender, ...] = ()

    @property
    def says(self) -> str:
        """One sentence: what was found, with its numbers."""
        counts = {"lost": self.lost, "altered": self.altered, "added": self.added}
        found = ", ".join(f"{count:,} {word}" for word, count in counts.items() if count)
        rows = f"{self.rows_before:,} rows before, {self.rows_after:,} after"
        least = "" if self.complete else "at least "
        return f"{rows}: {least}{found}" if found else rows


def counted(rows_before: int, target: Database, table: Table, why: str) -> TableComparison:
    """Rows are counted and nothing is claimed of them."""
    after = target.count(table, seconds=SECONDS)
    note = f"not compared: {why}"
    return TableComparison(table.id, rows_before, after, "", "", "rows counted only", True, note)


def missing(
    rows_before: int, digest_before: str, target: Database, table: Table, columns: list[str]
) -> TableComparison:
    """Columns that should hold the values before are not there: every row has lost something."""
    after = target.count(table, seconds=SECONDS)
    return TableComparison(
        table=table.id,
        rows_before=rows_before,
        rows_after=after,
        digest_before=digest_before,
        digest_after="",
        method="columns by name",
        equal=False,
        note=f"not there, and not declared as dropped: {', '.join(columns)}",
        altered=rows_before,
        offenders=tuple(Offender({"column": name}, "is not there") for name in columns),
    )


@dataclass
class Comparing:
    """Compares one table on two sides.

    `taken` are the digests of the side before, where there is a baseline; then `old` is asked for only
    where a segment differs.
    """

    plan: Plan
    projection: Projection
    table: str
    taken: TableDigests | None
    old: Callable[[], Side]
    new: Side
    stale: bool = field(default=False, init=False)

    def run(self) -> TableComparison:
        """Goes through all segments; stops once enough rows are known to offend."""
        try:
            return self._run(ranges=True)
        except Unordered:
            return self._run(ranges=False)

    def _run(self, *, ranges: bool) -> TableComparison:
        reading = self.new.reading
        may_add = self.plan.changes.of(self.table).rows == "appended"
        found = Differences(reading.fields, reading.key, self.plan.record.sample, may_add)
        sides = [self.new] if self.taken else [self._old, self.new]
        tour = Tour(self.table, sides, self.taken, ranges=ranges)
        differing = (told for told in self._told(tour) if differ(*told))
        if tour.ranges:
            self._look_into_ranges(found, differing)
        else:
            self._look_into_buckets(found, list(differing), tour.digits)
        return self._comparison(tour, found)

    @cached_property
    def _old(self) -> Side:
        """The side before; the tour makes it ready, where it goes through it."""
        side = self.old()
        if self.taken is not None:
            side.prepare(self.taken.ranges)
        return side

    def _told(self, tour: Tour) -> Iterator[tuple[Digest, Digest]]:
        """The digests of each segment before and after; one that only one side has is empty on the other."""
        if self.taken is None:
            yield from ((first, second) for first, second in tour.digests())
            return
        known = {digest.segment: digest for digest in self.taken.segments}
        for (after,) in tour.digests():
            yield known.pop(after.segment, Digest(after.segment, 0, "")), after
        for before in known.values():
            yield before, Digest(before.segment, 0, "")

    def _look_into_ranges(self, found: Differences, differing: Iterable[Told]) -> None:
        """Reads the ranges that differ, some at once, while the tour goes on; stops once there are enough."""
        threads, looks = ThreadPoolExecutor(LOOKS, "visionforge look"), deque[Future[Differences]]()
        try:
            for before, after in differing:
                looks.append(threads.submit(self._look, self._old, found.alike(), before, after))
                while found.complete and looks and (len(looks) > LOOKS or looks[0].done()):
                    found.add(looks.popleft().result())
                if not found.complete:
                    return
            while found.complete and looks:
                found.add(looks.popleft().result())
        finally:
            threads.shutdown(wait=False, cancel_futures=True)

    def _look(self, old: Side, found: Differences, before: Digest, after: Digest) -> Differences:
        """Reads a range that differs, if what is read as before is what the baseline saw."""
        if self.taken is not None:
            again = old.snapshot.run(old.digests, [before.segment])[0]
            if again != before:
                self.stale = True
            before = again
        look(found, old, self.new, before, after)
        return found

    def _look_into_buckets(self, found: Differences, differing: list[Told], digits: int) -> None:
        if not differing:
            return
        if self.taken is not None:
            again = {digest.segment: digest for digest in self._old.snapshot.run(self._old.buckets, digits)}
            self.stale |= any(
                before != again.get(before.segment, Digest(before.segment, 0, "")) for before, _ in differing
            )
        look_into_buckets(found, self._old, self.new, [before.segment for before, _ in differing], digits)

    def _comparison(self, tour: Tour, found: Differences) -> TableComparison:
        """What the digests and, where these differ, the rows say together."""
        before = self.taken or tour.table(0, "")
        after = tour.table(len(tour.sides) - 1, "")
        if not found.complete:
            rows = [int(side.snapshot.run(_count, side)) for side in tour.sides]
        notes = (*self.projection.notes, *([STALE] if self.stale else []))
        known = found.complete or self.taken is not None
        return comparison(
            self.table,
            found,
            rows_before=before.rows if known else rows[0],
            rows_after=after.rows if found.complete else rows[-1],
            digest_before=before.digest if known else "",
            digest_after=after.digest if found.complete else "",
            method=tour.method,
            notes=notes,
            stale=self.stale,
        )


def _count(session: Session, side: Side) -> int:
    return int(session.value(f"SELECT count(*) {side.reading.source()}"))


def comparison(
    table: str,
    found: Differences,
    *,
    rows_before: int,
    rows_after: int,
    method: str,
    notes: tuple[str, ...],
    digest_before: str = "",
    digest_after: str = "",
    stale: bool = False,
) -> TableComparison:
    """What the rows that were found to differ say of a table."""
    return TableComparison(
        table=table,
        rows_before=rows_before,
        rows_after=rows_after,
        digest_before=digest_before,
        digest_after=digest_after,
        method=method,
        equal=not found.offending and not stale,
        note="; ".join(notes),
        lost=found.lost,
        added=found.added,
        altered=found.altered,
        complete=found.complete,
        offenders=tuple(sorted(found.offenders, key=_order)),
    )


def _order(offender: Offender) -> list[tuple[bool, float, str]]:
    """Sorts by key, numbers as numbers."""
    return [_comparable(value or "") for value in offender.key.values()]


def _comparable(text: str) -> tuple[bool, float, str]:
    try:
        return (False, float(text), text)
    except ValueError:
        return (True, 0.0, text)
