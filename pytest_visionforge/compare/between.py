"""Two databases that are both at hand, compared table by table, without a baseline."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from pytest_visionforge.compare.baseline import typed
from pytest_visionforge.compare.projection import Projection, of_table
from pytest_visionforge.compare.rows import Differences
from pytest_visionforge.compare.segments import digests
from pytest_visionforge.compare.values import SECONDS, TableComparison, comparison, counted, look, missing
from pytest_visionforge.database import Database, Table
from pytest_visionforge.errors import DatabaseError
from pytest_visionforge.plan.values import Plan


def between(
    source: Database,
    target: Database,
    plan: Plan,
    tables: Sequence[str] | None = None,
    progress: Callable[[str], None] | None = None,
) -> Iterator[TableComparison]:
    """Compares tables (ids as in the target; None: all that the plan leaves in place), one after the other.

    What the plan declares under `[changes]` and `[tables]` is taken into account. A table that one
    side does not have is not equal. DatabaseError where a named one is on neither side.
    """
    found = tables if tables is not None else _tables(source, plan)
    for table in found:
        yield _compare(source, target, plan, table, progress)


def _tables(source: Database, plan: Plan) -> list[str]:
    ids = (plan.changes.after(id) for id in source.schema.tables)
    return [id for id in ids if id is not None]


def _compare(
    source: Database, target: Database, plan: Plan, id: str, progress: Callable[[str], None] | None
) -> TableComparison:
    change = plan.changes.of(id)
    before, after = source.schema.tables.get(change.before), target.schema.tables.get(id)
    if before is None or after is None:
        return _one_sided(source, target, id, before, after)
    known = plan.tables.get(id) or plan.tables.get(before.id)
    rows_before = source.count(before, seconds=SECONDS)
    if known and known.exclude:
        return counted(rows_before, target, after, known.exclude)
    if change.rows == "any":
        return counted(rows_before, target, after, 'the plan declares rows = "any"')
    projection = of_table(plan, before, source.dialect, target.dialect, after, _typed(source))
    if not projection.columns:
        return counted(rows_before, target, after, "no column is the same before and after")
    gone = [column.name for column in projection.columns if after.column(column.name) is None]
    if gone:
        return missing(rows_before, "", target, after, gone)
    return _digested(source, target, plan, projection, before, after, progress)


def _typed(source: Database) -> Callable[[Table, str], str]:
    def type_of(table: Table, expression: str) -> str:
        with source.session() as session:
            return typed(session)(table, expression)

    return type_of


def _one_sided(
    source: Database, target: Database, id: str, before: Table | None, after: Table | None
) -> TableComparison:
    if before is None and after is None:
        raise DatabaseError(f"neither {source.shown} nor {target.shown} has a table {id}")
    lost = source.count(before, seconds=SECONDS) if before else 0
    added = target.count(after, seconds=SECONDS) if after else 0
    side = target if before else source
    return TableComparison(
        table=id,
        rows_before=lost,
        rows_after=added,
        digest_before="",
        digest_after="",
        method="tables by name",
        equal=False,
        note=f"{side.shown} has no such table",
        lost=lost,
        added=added,
    )


def _digested(
    source: Database,
    target: Database,
    plan: Plan,
    projection: Projection,
    before: Table,
    after: Table,
    progress: Callable[[str], None] | None,
) -> TableComparison:
    old = projection.side_before(source.dialect, before)
    new = projection.side_after(target.dialect, after)
    may_add = plan.changes.of(after.id).rows == "appended"
    found = Differences(new.fields, new.key, plan.record.sample, may_add)
    with source.session(seconds=SECONDS) as was, target.session(seconds=SECONDS) as now:
        first = digests(was, old, projection.fingerprint, progress=progress)
        second = digests(now, new, projection.fingerprint, like=first, progress=progress)
        look(found, first.differing(second), first.digits, (was, old), (now, new))
    return comparison(projection, after.id, first, second, found)
