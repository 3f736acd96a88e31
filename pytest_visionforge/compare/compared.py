"""What the comparison of one table found, and how it is found: segment by segment, then row by row."""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
from pytest_visionforge.plan.values import Plan

SECONDS = 6 * 3600.0  # for a statement over a whole table: comparing is bounded by its table, not by checks
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
        differing: list[Told] = []
        for before, after in self._told(tour):
            if not differ(before, after):
                continue
            if tour.ranges:
                self._look(found, before, after)
            else:
                differing.append((before, after))
            if not found.complete:
                break
        self._look_into_buckets(found, differing, tour.digits)
        return self._comparison(tour, found)

    @cached_property
    def _old(self) -> Side:
        return self.old()

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

    def _look(self, found: Differences, before: Digest, after: Digest) -> None:
        """Reads a range that differs, if what is read as before is what the baseline saw."""
        if self.taken is not None:
            self._prepare()
            again = self._old.snapshot.run(self._old.digests, [before.segment])[0]
            self.stale |= again != before
            before = again
        look(found, self._old, self.new, before, after)

    def _look_into_buckets(self, found: Differences, differing: list[Told], digits: int) -> None:
        if not differing:
            return
        if self.taken is not None:
            self._prepare()
            again = {digest.segment: digest for digest in self._old.snapshot.run(self._old.buckets, digits)}
            self.stale |= any(
                before != again.get(before.segment, Digest(before.segment, 0, "")) for before, _ in differing
            )
        look_into_buckets(found, self._old, self.new, [before.segment for before, _ in differing], digits)

    def _prepare(self) -> None:
        self._old.prepare(self.taken is not None and self.taken.ranges)

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
