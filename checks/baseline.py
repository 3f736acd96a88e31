"""Is every row what it was, but for what the plan declares?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_visionforge import (
    POSTMIGRATION,
    PREMIGRATION,
    ROLLBACK,
    CannotTell,
    Evidence,
    Finding,
    Offender,
    rule,
)

from .moments import later, moment_literal
from .offenders import Offence, judge
from .scope import scope_of

if TYPE_CHECKING:
    from pytest_visionforge.compare import Baseline, SchemaDifference, TableComparison
    from pytest_visionforge.compare.sequences import Behind
    from pytest_visionforge.database import Database
    from pytest_visionforge.database import Sequence as NumberSequence
    from pytest_visionforge.plan.values.rules import ChangedAt
    from pytest_visionforge.run import Run

WHOLE_SECONDS = 6 * 3600.0  # per statement: a whole table is read


@rule(PREMIGRATION)
def check_taken(baseline: Baseline) -> Evidence:
    """The baseline holds every table.

    After the migration each table is compared with what it was before; what the baseline does not
    hold cannot be compared, and what nobody compared may be lost.

    Remedy: Mend what the message names, and run pytest -m premigration again.
    """
    rows = sum(table.rows for table in baseline.tables.values())
    return Evidence(
        f"{len(baseline.tables)} tables, {rows:,} rows, taken {baseline.taken:%Y-%m-%d %H:%M:%SZ}", rows
    )


@rule(POSTMIGRATION)
def check_premigration(run: Run) -> Evidence | Finding:
    """The premigration run that this one is measured against ended in GO.

    A baseline of a database that was not ready proves that it was carried over faithfully, faults
    and all.

    Remedy: Roll back, mend what premigration found, and start again; or accept it with a waiver.
    """
    from pytest_visionforge import record

    if run.premigration is None:
        return Finding(
            "there is no premigration run", remedy="run pytest -m premigration before the migration"
        )
    before = record.read(run.premigration)
    if before.verdict == "GO":
        return Evidence(f"{before.id} ended in GO")
    return Finding(f"{before.id} ended in {before.verdict}: {'; '.join(before.completeness.reasons)}")


@rule(POSTMIGRATION, ROLLBACK)
def check_database(database: Database, baseline: Baseline, run: Run) -> Evidence | Finding:
    """The baseline was taken from the database that the plan calls the source.

    Compared with the baseline of another database, even a perfect migration looks broken, and a
    broken one may look perfect.

    Remedy: Name the right database in the plan, or run premigration on this one.
    """
    source = database if run.plan.in_place else run.reachable("source")
    identity = source.identity.id
    if identity == baseline.identity.id:
        return Evidence(f"{source.shown}: {identity}")
    return Finding(f"the baseline is of {baseline.identity.id}, the source is {identity}")


@rule(POSTMIGRATION, ROLLBACK)
def check_values(
    database: Database,
    baseline: Baseline,
    run: Run,
    before: Callable[[], Database],
    compared: str,
) -> Evidence | Finding:
    """Every row has the values that it had, but for what the plan declares.

    A value that changed unseen is found by a customer, long after the backup is gone. Digests of
    every segment are compared where the data is; only where they differ rows are read, and the lost,
    added and altered ones are named.

    Remedy: Correct the migration so that it leaves the values alone, or declare what it does to them
    under [changes.tables].
    """
    from pytest_visionforge import compare

    plan = replace(run.plan, changes=run.changes)
    with run.progress() as tell:
        result = compare.compare_table(baseline, compared, plan, database, before, tell)
    if result.equal:
        return Evidence(f"{result.says}; {result.method}", result.rows_after, _facts(result))
    return Finding(
        f"{result.says}{f'; {result.note}' if result.note else ''}",
        count=max(1, result.lost + result.added + result.altered),
        of=result.rows_before,
        sample=result.offenders,
        facts=_facts(result),
    )


def _facts(result: TableComparison) -> dict[str, object]:
    words = ("table", "rows_before", "rows_after", "digest_before", "digest_after", "method", "note")
    return {word: getattr(result, word) for word in words}


@rule(POSTMIGRATION, ROLLBACK)
def check_rows(database: Database, baseline: Baseline, run: Run, compared: str) -> Evidence | Finding:
    """The table has as many rows as it had, but for what the plan declares.

    The cheapest sign of a loss. Equal counts prove little: check_values proves the rows.

    Remedy: See what check_values names as lost or added; or declare rows = "appended", "any" or a
    condition under [changes].
    """
    change = run.changes.of(compared)
    known = baseline.of(change)
    if known is None:
        raise CannotTell(f"the baseline knows no table {change.origin}")
    wanted = known.projected.rows if known.projected and run.phase == POSTMIGRATION else known.rows
    table = database.table(compared)
    found = database.count(table)
    may_differ = change.rows == "any" or (change.rows == "appended" and found >= wanted)
    if found == wanted or may_differ:
        return Evidence(f"{wanted:,} rows before, {found:,} after", found)
    lost = f"{wanted - found:,} fewer" if found < wanted else f"{found - wanted:,} more"
    return Finding(
        f"{found:,} rows, where {wanted:,} were expected: {lost}",
        count=abs(wanted - found),
        of=wanted,
        reproduce=f"SELECT count(*) FROM {database.name_of(table)}",
    )


@rule(POSTMIGRATION, ROLLBACK)
def check_schema(
    schema_differences: Mapping[str, Sequence[SchemaDifference]], schema_object: str
) -> Evidence | Finding:
    """The object is defined as it was, but for what the plan declares.

    A lost index is slow, a lost key or NOT NULL lets wrong rows in, a lost default or trigger breaks
    the next insert: none of them shows in the rows.

    Remedy: Put it back with the SQL shown, or declare it under [changes].
    """
    found = schema_differences.get(schema_object, ())
    if not found:
        return Evidence()
    return Finding(
        "; ".join(map(str, found)),
        count=len(found),
        sample=tuple(
            Offender(
                {each.kind: each.object},
                each.says,
                {"definition": each.before or None},
                {"definition": each.after or None},
            )
            for each in found
        ),
        remedy="\n".join(dict.fromkeys(each.remedy for each in found if each.remedy)),
    )


@rule(POSTMIGRATION, ROLLBACK)
def check_sequences(
    database: Database,
    sequences_behind: Mapping[str, Behind],
    baseline: Baseline,
    run: Run,
    sequence: NumberSequence,
) -> Evidence | Finding:
    """The sequence goes on above the highest value of its column, and has not gone back.

    Rows that were copied with their ids leave the sequence where it was created: the first insert of
    the application after the cutover fails, or takes a number that was given before.

    Remedy: Set the sequence above the highest value before the application starts.
    """
    from pytest_visionforge import compare

    behind = [sequences_behind[sequence.id]] if sequence.id in sequences_behind else []
    back = [
        each
        for each in compare.went_back(baseline, database.schema, run.changes)
        if each.sequence == sequence.id
    ]
    found = [*behind, *back]
    if found:
        return Finding(
            "; ".join(map(str, found)),
            sample=tuple(Offender({"sequence": sequence.id}, str(e)) for e in found),
        )
    if sequence.next is None:
        raise CannotTell(
            f"{sequence.id}: its next number cannot be read", f"GRANT SELECT ON SEQUENCE {sequence.id}"
        )
    return Evidence(f"next is {sequence.next:,}")


@rule(POSTMIGRATION)
def check_recent_changes(run: Run, baseline: Baseline, changed_at: ChangedAt) -> Evidence | Finding:
    """What changed last on the source has arrived.

    Writers that were not stopped write into the database that nobody will look at again, or beside the
    migration. No row of the source has changed since the baseline was taken, by the column that is set on
    each change. Times without a zone are taken for UTC.

    Remedy: Stop every writer, go back, and begin again with premigration.
    """
    from pytest_visionforge.names import Names

    if run.plan.in_place and changed_at.column in run.changes.of(changed_at.table).columns.values:
        return Evidence(f"the migration itself sets {changed_at.column}, as declared")
    phase = POSTMIGRATION if run.plan.in_place else PREMIGRATION
    source = run.reachable("source")
    names = Names(run.plan, source.schema, phase)
    scope = scope_of(run.plan, source, names, changed_at)
    column = scope.column(names.column(changed_at.table, changed_at.column))
    changed = later(source, scope.quoted(column), moment_literal(source, baseline.taken.isoformat()))
    words = f"{column.name} is later than the baseline, {baseline.taken:%Y-%m-%d %H:%M:%SZ}"
    return judge(scope, Offence({words: changed}))


@rule(POSTMIGRATION)
def check_quiet_source(run: Run, baseline: Baseline, pair: tuple[str, str]) -> Evidence | Finding:
    """The source is, row by row, what it was when the baseline was taken.

    What was written to the source since then may have arrived or not; whoever wrote it believes that it
    has, and nobody will look at the source again. All its tables are digested once more.

    Remedy: Stop every writer of the source, empty the target, and begin again with premigration.
    """
    from pytest_visionforge import compare

    source = run.reachable(pair[0])
    before = {id: table.whole for id, table in baseline.tables.items() if table.whole}
    uncompared = set(source.schema.tables) & {id for id in baseline.tables if id not in before}
    with run.progress() as tell, source.snapshot(seconds=WHOLE_SECONDS) as snapshot:
        now = compare.identity_digests(snapshot, source.schema, uncompared, tell, like=before)
    found = compare.unequal(before, now)
    if found:
        return Finding(
            f"{len(found)} tables of the source were written to since the baseline: {'; '.join(found[:10])}",
            count=len(found),
            of=len(before),
        )
    rows = sum(table.rows for table in now.values())
    return Evidence(f"{len(now)} tables of the source are as the baseline has them", rows)
