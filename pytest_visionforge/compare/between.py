"""Two databases that are both at hand, compared table by table, without a baseline."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from pytest_visionforge.compare import joins
from pytest_visionforge.compare import segments as cut
from pytest_visionforge.compare.compared import (
    SECONDS,
    Comparing,
    TableComparison,
    comparison,
    counted,
    missing,
)
from pytest_visionforge.compare.digests import Side
from pytest_visionforge.compare.pace import Pace, Progress
from pytest_visionforge.compare.projecting import of_table, typed
from pytest_visionforge.compare.projection import Projection
from pytest_visionforge.compare.rows import Differences
from pytest_visionforge.compare.views import is_compared
from pytest_visionforge.database import Database, Table
from pytest_visionforge.errors import DatabaseError
from pytest_visionforge.plan.values.plan import Plan

SMALL = 4  # segments of a table that one session reads as fast as several


def between(
    source: Database,
    target: Database,
    plan: Plan,
    tables: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> Iterator[TableComparison]:
    """Compares tables (ids as in the target; None: all that the plan leaves in place), one after the other.

    What the plan declares under `[changes]` and `[tables]` is taken into account. A table that one
    side does not have is not equal. Each table is compared in two snapshots, one of each side.
    DatabaseError where a named one is on neither side.
    """
    found = tables if tables is not None else _tables(source, plan)
    for table in found:
        yield _Between(source, target, plan, table, progress).compare()


def _tables(source: Database, plan: Plan) -> list[str]:
    ids = (plan.changes.after(id) for id in source.schema.tables)
    splits = (change.name for change in plan.changes.tables.values() if change.split_from)
    views = (id for id in source.schema.views if is_compared(plan, id))
    return [*(id for id in ids if id is not None), *splits, *views]


def _table(database: Database, id: str) -> Table | None:
    known = id in database.schema.tables or id in database.schema.views
    return database.table(id) if known else None


@dataclass(frozen=True)
class _Between:
    """One table of two databases."""

    source: Database
    target: Database
    plan: Plan
    id: str
    progress: Progress | None

    def compare(self) -> TableComparison:
        """Joins both sides where one connection sees both, or else takes digests of both at once."""
        change = self.plan.changes.of(self.id)
        before, after = _table(self.source, change.origin), _table(self.target, self.id)
        if before is None or after is None:
            return self._one_sided(before, after)
        known = self.plan.tables.get(self.id) or self.plan.tables.get(before.id)
        if known and known.exclude:
            return self._counted(before, after, known.exclude)
        if change.rows == "any":
            return self._counted(before, after, 'the plan declares rows = "any"')
        dialects = self.source.dialect, self.target.dialect
        projection = of_table(self.plan, change, before, *dialects, after, _typed(self.source))
        if not projection.columns:
            return self._counted(before, after, "no column is the same before and after")
        gone = projection.missing(after)
        if gone:
            return missing(self.source.count(before, seconds=SECONDS), "", self.target, after, gone)
        return self._joined(projection, before, after) or self._digested(projection, before, after)

    def _one_sided(self, before: Table | None, after: Table | None) -> TableComparison:
        if before is None and after is None:
            raise DatabaseError(f"neither {self.source.shown} nor {self.target.shown} has a table {self.id}")
        lost = self.source.count(before, seconds=SECONDS) if before else 0
        added = self.target.count(after, seconds=SECONDS) if after else 0
        return TableComparison(
            table=self.id,
            rows_before=lost,
            rows_after=added,
            digest_before="",
            digest_after="",
            method="tables by name",
            equal=False,
            note=f"{(self.target if before else self.source).shown} has no such table",
            lost=lost,
            added=added,
        )

    def _counted(self, before: Table, after: Table, why: str) -> TableComparison:
        return counted(self.source.count(before, seconds=SECONDS), self.target, after, why)

    def _joined(self, projection: Projection, before: Table, after: Table) -> TableComparison | None:
        """Every value against every value, in one statement; None where that cannot be.

        One statement over a whole table cannot rest: so it is none where the load is bounded.
        """
        if self.plan.limits.load < 1:
            return None
        old = projection.side_before(self.source.dialect, before)
        new = projection.side_after(self.target.dialect, after)
        may_add = self.plan.changes.of(self.id).rows == "appended"
        found = Differences(new.fields, new.key, self.plan.record.sample, may_add)
        joined = joins.join(
            self.source, self.target, old, new, found, unique=projection.unique, progress=self._told
        )
        if joined is None:
            return None
        return comparison(
            self.id,
            found,
            rows_before=joined.rows_before,
            rows_after=joined.rows_after,
            method=joined.method,
            notes=projection.notes,
        )

    def _told(self, words: str) -> None:
        if self.progress:
            self.progress(f"{self.id}: {words}")

    def _digested(self, projection: Projection, before: Table, after: Table) -> TableComparison:
        """Digests of both sides at once, and rows where they differ."""
        old = projection.side_before(self.source.dialect, before)
        new = projection.side_after(self.target.dialect, after)
        pace = Pace(self.plan.limits.load, self.progress)
        sessions = 1 if self._is_small(before) else None
        with (
            self.source.snapshot(seconds=SECONDS, connections=sessions) as was,
            self.target.snapshot(seconds=SECONDS, connections=sessions) as now,
        ):
            first, second = Side(was, old, pace), Side(now, new, pace)
            return Comparing(self.plan, projection, self.id, None, lambda: first, second).run()

    def _is_small(self, table: Table) -> bool:
        some = SMALL * cut.ROWS
        name = self.source.name_of(table)
        return bool(
            self.source.value(f"SELECT count(*) FROM (SELECT 1 FROM {name} LIMIT {some}) AS few") < some
        )


def _typed(source: Database) -> Callable[[Table, str], str]:
    def type_of(table: Table, expression: str) -> str:
        with source.session() as session:
            return typed(session)(table, expression)

    return type_of
