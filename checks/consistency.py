"""Do the values agree with each other, within a row, between rows, and with the rules of the business?"""

from __future__ import annotations

from datetime import UTC, timedelta
from itertools import combinations
from typing import TYPE_CHECKING

from pytest_visionforge import (
    POSTMIGRATION,
    PREMIGRATION,
    CannotTell,
    Evidence,
    Finding,
    Offender,
    Severity,
    rule,
)
from pytest_visionforge.database import verbatim
from pytest_visionforge.errors import DatabaseError, TimeLimit

from .agreement import disagreement
from .kinds import NUMBERS, kind_of
from .moments import differ_in_kind, later, moment_literal, unreadable
from .offenders import Offence, displayed, judge
from .queries import checks_of, violations, with_parameters
from .relations import relation
from .scope import as_shown, column_of, scope_of, scope_of_table

if TYPE_CHECKING:
    from pytest_visionforge.database import Column, Database, Table
    from pytest_visionforge.names import Names
    from pytest_visionforge.plan.values import rules
    from pytest_visionforge.plan.values.plan import Plan

    from .relations import Relation
    from .scope import Scope

BOTH = (PREMIGRATION, POSTMIGRATION)
CLOCKS_MAY_DIFFER = timedelta(minutes=5)


# ---------------------------------------------------------------- time


@rule(*BOTH)
def check_order(plan: Plan, database: Database, names: Names, order: rules.Order) -> Evidence | Finding:
    """What happens later has the later timestamp: the columns are in order in every row.

    Every pair is compared, so that NULL in the middle does not let the first be later than the last. A
    pair with NULL is passed over. Between a day and a moment the days are compared.

    Remedy: Correct the timestamps; a shift of whole hours comes from a time zone.
    """
    scope = scope_of(plan, database, names, order)
    columns = [scope.column(names.column(order.table, name)) for name in order.columns]
    reasons = {}
    for first, last in combinations(columns, 2):
        reasons[f"{last.name} before {first.name}"] = _earlier(scope, first, last)
    for column in columns:
        if kind_of(column) not in NUMBERS:
            reasons |= unreadable(database, column.name, scope.quoted(column))
    null = " OR ".join(f"{scope.quoted(column)} IS NULL" for column in columns)
    return judge(scope, Offence(reasons, passed_over=null, because="with NULL in some pairs"))


def _earlier(scope: Scope, first: Column, last: Column) -> str:
    """The condition of rows whose last comes before the first; numbers compare as numbers."""
    left, right = scope.quoted(first), scope.quoted(last)
    if {kind_of(first), kind_of(last)} <= NUMBERS:
        return f"{left} > {right}"
    return later(scope.database, left, right, by_day=differ_in_kind(first, last))


@rule(*BOTH)
def check_after(plan: Plan, database: Database, names: Names, after: rules.After) -> Evidence | Finding:
    """No row is older than the row that it belongs to.

    A row without a parent, or with NULL on either side, is passed over.

    Remedy: Correct the timestamps; if all are older, parent and child were written in two time zones.
    """
    scope = scope_of(plan, database, names, after)
    related = relation(plan, names, after.table, after.parent)
    column = scope.column(names.column(after.table, after.column))
    theirs = column_of(related.parent, names.column(after.parent, after.parent_column))
    ours, parents = scope.quoted(column), related.of_parent(database, theirs.name)
    earlier = later(database, parents, ours, by_day=differ_in_kind(column, theirs))
    reasons = {f"{column.name} before {related.parent}.{theirs.name}": related.in_parent(database, earlier)}
    reasons |= unreadable(database, column.name, ours)
    for words, condition in unreadable(database, f"{related.parent}.{theirs.name}", parents).items():
        reasons[words] = related.in_parent(database, condition)
    compared = related.in_parent(database, f"{parents} IS NOT NULL")
    offence = Offence(
        reasons,
        passed_over=f"{ours} IS NULL OR NOT {compared}",
        because="without a parent or with NULL",
        related=True,
    )
    return judge(scope, offence)


@rule(*BOTH)
def check_not_future(
    plan: Plan, database: Database, names: Names, not_future: rules.NotFuture
) -> Evidence | Finding:
    """No timestamp lies in the future: more than the 5 minutes by which clocks may differ.

    NULL is passed over. Now is what the database's server says.

    Remedy: A shift of whole hours comes from a time zone: write UTC. Correct the rows.
    """
    limit = (database.now() + CLOCKS_MAY_DIFFER).astimezone(UTC).replace(tzinfo=None)
    bound = moment_literal(database, limit.isoformat(" ", "seconds"))
    scope = scope_of(plan, database, names, not_future)
    column = names.column(not_future.table, not_future.column)
    quoted = scope.quoted(column)
    reasons = {f"{column} in the future": later(database, quoted, bound)}
    reasons |= unreadable(database, column, quoted)
    return judge(scope, Offence(reasons, passed_over=f"{quoted} IS NULL"))


# ---------------------------------------------------------------- what can be computed


@rule(*BOTH)
def check_calculated(
    plan: Plan, database: Database, names: Names, calculated: rules.Calculated
) -> Evidence | Finding:
    """The column is what its formula gives.

    Numbers may differ by half a unit of the column's last decimal, or by the plan's `tolerance`. Where
    only one of the two is NULL they differ; write coalesce(...) if NULL counts as nothing.

    Remedy: Compute the column again, or correct the formula in the plan.
    """
    scope = scope_of(plan, database, names, calculated)
    column = scope.column(names.column(calculated.table, calculated.column))
    formula = " ".join(calculated.expression.split())
    return disagreement(scope, column, f"({verbatim(calculated.expression)})", formula, calculated.tolerance)


@rule(*BOTH)
def check_aggregate(
    plan: Plan, database: Database, names: Names, aggregate: rules.Aggregate
) -> Evidence | Finding:
    """The column is what its rows in the child table add up to.

    Of no rows the sum and the count are 0, the rest is NULL. Tolerance and NULL are as in `calculated`.

    Remedy: Compute the column again, or look for children that were lost, doubled or moved.
    """
    scope = scope_of(plan, database, names, aggregate)
    column = scope.column(names.column(aggregate.table, aggregate.column))
    related = relation(plan, names, aggregate.child, aggregate.table)
    expression = f".{aggregate.expression}" if aggregate.expression else ""
    condition = f" where {aggregate.condition}" if aggregate.condition else ""
    formula = f"{aggregate.function}({aggregate.child}{expression}{condition})"
    value = "vf_sums.vf_value"
    if aggregate.function in ("sum", "count"):
        value = f"coalesce({value}, 0)"
    join = _sums(scope, column, related, aggregate)
    return disagreement(scope, column, value, formula, aggregate.tolerance, join=join)


def _sums(scope: Scope, column: Column, related: Relation, aggregate: rules.Aggregate) -> str:
    """Joins to each row what its children give; one pass over the child, rows without children stay."""
    quote, language = scope.database.quote, scope.database.dialect.language
    value = verbatim(aggregate.expression) or "*"
    if aggregate.function != "count" and kind_of(column) in NUMBERS:
        value = language.number(f"({value})")
    keys = [quote(name) for name in related.columns]
    named = ", ".join(f"{key} AS vf_key_{number}" for number, key in enumerate(keys))
    where = f" WHERE {verbatim(aggregate.condition)}" if aggregate.condition else ""
    parents = map(scope.quoted, related.parent_columns)
    match = " AND ".join(f"vf_sums.vf_key_{number} = {parent}" for number, parent in enumerate(parents))
    return (
        f" LEFT JOIN (SELECT {named}, {aggregate.function}({value}) AS vf_value"
        f" FROM {scope.database.name_of(related.child)}{where} GROUP BY {', '.join(keys)}) vf_sums ON {match}"
    )


@rule(*BOTH)
def check_check(plan: Plan, database: Database, names: Names, holds: rules.Holds) -> Evidence | Finding:
    """The condition holds in every row.

    A row for which it gives NULL is passed over, as in a CHECK constraint.

    Remedy: Correct the rows, then declare the condition as a CHECK constraint.
    """
    scope = scope_of(plan, database, names, holds)
    condition = verbatim(holds.expression)
    words = f"not {' '.join(holds.expression.split())}"
    return judge(scope, Offence({words: f"NOT ({condition})"}, passed_over=f"({condition}) IS NULL"))


@rule(*BOTH, severity=Severity.WARN, dialects=("sqlite", "postgresql"))
def check_generated(
    plan: Plan, database: Database, names: Names, computed_table: Table
) -> Evidence | Finding:
    """A column that the database computes holds what its expression gives.

    It was computed when the row was written: by another version, with another function, or before a load
    that brought the values along.

    Remedy: UPDATE the rows, so that they are computed again.
    """
    scope = scope_of_table(plan, database, names, computed_table)
    reasons = {}
    for column in computed_table.columns:
        if column.generated:
            same = database.dialect.language.same(scope.quoted(column), f"({verbatim(column.generated)})")
            reasons[f"{column.name} is not {column.generated}"] = f"NOT ({same})"
    return judge(scope, Offence(reasons))


# ---------------------------------------------------------------- rules of the business


@rule(*BOTH)
def check_rules(plan: Plan, database: Database, business_rule: rules.BusinessRule) -> Evidence | Finding:
    """The query of the business rule returns no row.

    Each row that it returns is a violation; all are counted, the first ones shown with the columns that
    the query selects.

    Remedy: Correct the rows that the query returns.
    """
    text = business_rule.text(database.dialect.name).strip().rstrip(";")
    if not text:
        raise CannotTell(
            f"the rule has no SQL for {database.dialect.name}",
            f'write sql = {{ {database.dialect.name} = "..." }} beside the others',
        )
    sql = with_parameters(text, business_rule.parameters)
    try:
        with database.session() as session:
            count, rows = violations(session, sql, business_rule.parameters, plan.record.sample)
    except TimeLimit:
        raise
    except DatabaseError as error:
        where = business_rule.path.name if business_rule.path else f"[[rules]] {business_rule.id}"
        raise CannotTell(f"its SQL fails: {error}", f"correct the SQL of {where}") from None
    if not count:
        return Evidence("the query returned no row")
    return Finding(
        says=f"the query returned {count:,} row{'' if count == 1 else 's'}",
        count=count,
        sample=tuple(Offender({name: as_shown(value) for name, value in row.items()}) for row in rows),
        reproduce=displayed(database, sql, business_rule.parameters),
    )


globals().update(checks_of("consistency"))
