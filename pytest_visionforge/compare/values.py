"""Every row before against every row after: counts and digests first, rows only where they differ."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace

from pytest_visionforge.compare.baseline import Baseline, TableBaseline
from pytest_visionforge.compare.compared import SECONDS, Comparing, TableComparison, counted, missing
from pytest_visionforge.compare.digests import Side
from pytest_visionforge.compare.pace import Pace, Progress
from pytest_visionforge.compare.projecting import of_table, typed
from pytest_visionforge.compare.projection import Projection
from pytest_visionforge.compare.segments import TableDigests
from pytest_visionforge.compare.statistics import statistics, told
from pytest_visionforge.database import Database, Snapshot, Table
from pytest_visionforge.errors import RecordError
from pytest_visionforge.plan.values.changes import TableChange
from pytest_visionforge.plan.values.plan import Plan

FEW = 4  # segments of a table that one session reads as fast as several
Before = Callable[[], Database]


def compare_table(
    baseline: Baseline,
    table_id_after: str,
    plan: Plan,
    target: Database,
    before: Before,
    progress: Progress | None = None,
) -> TableComparison:
    """Compares one table of the target with the baseline, as the plan declares.

    `before` gives the database as it was; it is asked for only where rows must be read, or where
    the plan or the types have changed since the baseline so that its digests do not serve. The
    caller closes it.
    """
    change = plan.changes.of(table_id_after)
    entry, table_before = _entry(baseline, change)
    table = target.table(table_id_after)
    if entry.excluded or change.rows == "any":
        return counted(entry.rows, target, table, entry.excluded or 'the plan declares rows = "any"')
    sides = _Sides(baseline, entry, plan, table_before, table, target, before)
    if not sides.projection.columns:
        return counted(entry.rows, target, table, "no column is the same before and after")
    gone = sides.projection.missing(table)
    if gone:
        digest = entry.projected.digest if entry.projected else ""
        return missing(entry.rows, digest, target, table, gone)
    return sides.compare(Pace(plan.limits.load, progress))


def _entry(baseline: Baseline, change: TableChange) -> tuple[TableBaseline, Table]:
    """What the baseline knows of a table; of a split one that is declared since, only where it is from."""
    entry, table = baseline.of(change), baseline.table(change.origin)
    if table is not None and entry is None and change.split_from:
        return TableBaseline(baseline.tables[change.origin].rows), table
    if entry is None or table is None:
        raise RecordError(
            f"{baseline.path} knows no table {change.origin}; if the migration adds it, declare"
            f" [changes.tables.{change.name}] added = true"
        )
    return entry, table


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
        self.projection: Projection = of_table(
            self.plan,
            self.plan.changes.of(self.table.id),
            self.table_before,
            self.baseline.dialect,
            self.target.dialect,
            self.table,
            self._typed,
        )

    def _typed(self, table: Table, expression: str) -> str:
        """The type that the expression had for the baseline; where it is new, the database is asked."""
        known = self.entry.projection.columns if self.entry.projection else ()
        for column in known:
            if column.expression == expression:
                return column.type_before
        with self.before().session() as session:
            return typed(session)(table, expression)

    def compare(self, pace: Pace) -> TableComparison:
        """Digests against digests, and rows where they differ."""
        taken = self._taken()
        with ExitStack() as stack:

            def old() -> Side:
                database = self.before()
                snapshot = stack.enter_context(database.snapshot(seconds=SECONDS))
                return Side(snapshot, self.projection.side_before(database.dialect, self.table_before), pace)

            few = taken is not None and len(taken.segments) < FEW
            snapshot = stack.enter_context(
                self.target.snapshot(seconds=SECONDS, connections=1 if few else None)
            )
            new = Side(snapshot, self.projection.side_after(self.target.dialect, self.table), pace)
            found = Comparing(self.plan, self.projection, self.table.id, taken, old, new).run()
            return found if found.equal else self._told(found, snapshot)

    def _told(self, found: TableComparison, snapshot: Snapshot) -> TableComparison:
        """With what the statistics of the columns say: of one DBMS, since others write values otherwise."""
        if not self.entry.columns or self.baseline.dialect is not self.target.dialect:
            return found
        names = {column.name: column.before for column in self.projection.columns if not column.expression}
        words = told(self.entry.columns, statistics(snapshot, self.table, found.rows_after), names)
        return replace(found, note="; ".join(filter(None, (found.note, words))))

    def _taken(self) -> TableDigests | None:
        """The digests of the baseline, where they serve."""
        taken = self.entry.projected
        return taken if taken and taken.fingerprint == self.projection.fingerprint else None
