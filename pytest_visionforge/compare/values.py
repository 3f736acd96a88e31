"""Every row before against every row after: counts and digests first, rows only where they differ."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pytest_visionforge.compare.baseline import Baseline, TableBaseline, typed
from pytest_visionforge.compare.projection import Projection, of_table
from pytest_visionforge.compare.reading import Reading
from pytest_visionforge.compare.rows import Differences
from pytest_visionforge.compare.segments import Segment, TableDigests, digests, rows_of
from pytest_visionforge.database import Database, Session, Table
from pytest_visionforge.errors import RecordError
from pytest_visionforge.outcome import Offender
from pytest_visionforge.plan.values import Plan

SECONDS = 6 * 3600.0  # for a statement over a whole table: comparing is bounded by its table, not by checks
Before = Callable[[], Database]


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


def compare_table(
    baseline: Baseline, table_id_after: str, plan: Plan, target: Database, before: Before
) -> TableComparison:
    """Compares one table of the target with the baseline, as the plan declares.

    `before` gives the database as it was; it is asked for only where rows must be read, or where
    the plan or the types have changed since the baseline so that its digests do not serve. The
    caller closes it.
    """
    change = plan.changes.of(table_id_after)
    entry = _entry(baseline, change.before)
    table = target.table(table_id_after)
    if entry.excluded or change.rows == "any":
        return counted(entry.rows, target, table, entry.excluded or 'the plan declares rows = "any"')
    sides = _Sides(baseline, entry, plan, baseline.schema.tables[change.before], table, target, before)
    if not sides.projection.columns:
        return counted(entry.rows, target, table, "no column is the same before and after")
    gone = [c.name for c in sides.projection.columns if table.column(c.name) is None]
    if gone:
        digest = entry.projected.digest if entry.projected else ""
        return missing(entry.rows, digest, target, table, gone)
    return sides.compare(may_add=change.rows == "appended")


def _entry(baseline: Baseline, table: str) -> TableBaseline:
    if table not in baseline.tables or table not in baseline.schema.tables:
        raise RecordError(
            f"{baseline.path} knows no table {table}; if the migration adds it, declare"
            f" [changes.tables.{table}] added = true"
        )
    return baseline.tables[table]


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
class _Sides:
    """Both sides of one table; opens the side before only where it must."""

    baseline: Baseline
    entry: TableBaseline
    plan: Plan
    table_before: Table
    table: Table
    target: Database
    before: Before

    def __post_init__(self) -> None:
        self.projection = of_table(
            self.plan, self.table_before, self.baseline.dialect, self.target.dialect, self.table, self._typed
        )

    def _typed(self, table: Table, expression: str) -> str:
        """The type that the expression had for the baseline; where it is new, the database is asked."""
        known = self.entry.projection.columns if self.entry.projection else ()
        for column in known:
            if column.expression == expression:
                return column.type_before
        with self.before().session() as session:
            return typed(session)(table, expression)

    def compare(self, *, may_add: bool) -> TableComparison:
        """Digests against digests, and rows where they differ."""
        old = self._digests_before()
        with self.target.session(seconds=SECONDS) as session:
            reading = self.projection.side_after(self.target.dialect, self.table)
            new = digests(session, reading, old.fingerprint, like=old)
        differing = old.differing(new)
        found = Differences(reading.fields, reading.key, self.plan.record.sample, may_add)
        if differing:
            self._look(found, differing, old.digits)
        return comparison(self.projection, self.table.id, old, new, found)

    def _digests_before(self) -> TableDigests:
        taken = self.entry.projected
        if taken and taken.fingerprint == self.projection.fingerprint:
            return taken
        database = self.before()
        with database.session(seconds=SECONDS) as session:
            reading = self.projection.side_before(database.dialect, self.table_before)
            return digests(session, reading, self.projection.fingerprint)

    def _look(self, found: Differences, segments: tuple[Segment, ...], digits: int) -> None:
        database = self.before()
        old = self.projection.side_before(database.dialect, self.table_before)
        new = self.projection.side_after(self.target.dialect, self.table)
        with (
            database.session(seconds=SECONDS) as was,
            self.target.session(seconds=SECONDS) as now,
        ):
            look(found, segments, digits, (was, old), (now, new))


def look(
    found: Differences,
    segments: tuple[Segment, ...],
    digits: int,
    before: tuple[Session, Reading],
    after: tuple[Session, Reading],
) -> None:
    """Reads the segments that differ: ranges one by one, buckets in one scan."""
    buckets = tuple(segment for segment in segments if segment.bucket is not None)
    for part in (buckets,) if buckets else ((segment,) for segment in segments):
        found.look(rows_of(*before, part, digits), rows_of(*after, part, digits))
        if not found.complete:
            return


def comparison(
    projection: Projection, table: str, old: TableDigests, new: TableDigests, found: Differences
) -> TableComparison:
    """What the digests and, where these differ, the rows say together."""
    same = old.digest == new.digest
    settled = any(column.family == "json" for column in projection.columns)
    seen = found.lost + found.added + found.altered
    notes = [*projection.notes]
    if not same and not seen and not settled:
        notes.append("the digests differ, the rows read alike: what is read as before is not the baseline")
    return TableComparison(
        table=table,
        rows_before=old.rows,
        rows_after=new.rows,
        digest_before=old.digest,
        digest_after=new.digest,
        method=old.method,
        equal=same or (not found.offending and (settled or bool(seen))),
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
