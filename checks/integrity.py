"""Is every value and every row what it must be, each for itself and against its relatives?"""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING

from pytest_visionforge import (
    POSTMIGRATION,
    PREMIGRATION,
    CannotTell,
    Evidence,
    Finding,
    rule,
)
from pytest_visionforge.database import verbatim

from .integrity_schema import check_check_constraints as check_check_constraints
from .integrity_schema import check_cycles as check_cycles
from .integrity_schema import check_partial_keys as check_partial_keys
from .integrity_schema import check_sequences as check_sequences
from .integrity_schema import check_unique_on_target as check_unique_on_target
from .integrity_schema import check_views as check_views
from .integrity_table import check_physical as check_physical
from .integrity_table import check_physical_check as check_physical_check
from .integrity_table import check_primary_key as check_primary_key
from .integrity_table import check_validated as check_validated
from .kinds import NUMBERS, Kind, kind_of
from .moments import beyond_moment, is_moment, unreadable
from .offenders import Offence, displayed, judge
from .queries import checks_of
from .relations import Relation, of_reference, relation
from .repeated import repeated
from .scope import scope_of, scope_of_table

if TYPE_CHECKING:
    from pytest_visionforge.database import Column, Database
    from pytest_visionforge.names import Names
    from pytest_visionforge.objects import ForeignKeyOf
    from pytest_visionforge.plan.values import rules
    from pytest_visionforge.plan.values.plan import Plan

    from .scope import Scope

BOTH = (PREMIGRATION, POSTMIGRATION)


# ---------------------------------------------------------------- rows and their relatives


@rule(*BOTH)
def check_rows(plan: Plan, database: Database, names: Names, rows: rules.Rows) -> Evidence | Finding:
    """The table has as many rows as it must have.

    An empty table makes every other rule pass. The rows are counted, never estimated.

    Remedy: Find out who deleted or did not load them; if the number is right, change `rows` in the plan.
    """
    scope = scope_of(plan, database, names, rows)
    sql = f"SELECT count(*) {scope.rows()}"
    count = int(database.value(sql))
    missing = max((rows.low or 0) - count, 0)
    excess = 0 if rows.high is None else max(count - rows.high, 0)
    if not missing and not excess:
        return Evidence(rows=count)
    low, high = (f"{side:,}" if side is not None else "" for side in (rows.low, rows.high))
    return Finding(
        says=f"{scope.table} has {count:,} row{'' if count == 1 else 's'}, {low}..{high} were expected",
        count=missing or excess,
        of=count,
        reproduce=displayed(database, sql),
    )


@rule(*BOTH)
def check_foreign_keys(
    plan: Plan, database: Database, names: Names, foreign_key: ForeignKeyOf
) -> Evidence | Finding:
    """Every row that names a parent by a foreign key has one.

    A declared key is no proof: rows come in with checks switched off, under NOT VALID, or into SQLite
    without its pragma. A key that is partly NULL names no parent.

    Remedy: Insert the missing parents, set the columns to NULL, or delete the rows.
    """
    table, key = foreign_key
    parent = database.schema.tables.get(key.parent)
    if parent is None:
        return Finding(
            f"the foreign key on {', '.join(key.columns)} refers to {key.parent}, which is not there",
            remedy=f"create {key.parent}, or drop the foreign key",
        )
    scope = scope_of_table(plan, database, names, table)
    return _orphans(scope, Relation(table, key.columns, parent, key.parent_columns))


@rule(*BOTH)
def check_references(
    plan: Plan, database: Database, names: Names, reference: rules.Reference
) -> Evidence | Finding:
    """Every value is found in the parent that the plan names.

    The schema does not declare this relation, so nothing but this rule watches it.

    Remedy: Insert the missing parents, set the column to NULL, or delete the rows; then declare the
    foreign key, so that it stays so.
    """
    return _orphans(scope_of(plan, database, names, reference), of_reference(names, reference))


def _orphans(scope: Scope, related: Relation) -> Evidence | Finding:
    """The rows whose parent is missing."""
    named, (join, absent) = related.without_null(scope.database), related.without_parent(scope.database)
    columns, theirs = ", ".join(related.columns), ", ".join(related.parent_columns)
    words = f"{columns} is not in {related.parent}.{theirs}"
    reasons = {words: f"{named} AND {absent}"}
    offence = Offence(reasons, passed_over=f"NOT ({named})", join=join, related=True)
    remedy = f"insert the missing rows of {related.parent}, set {columns} to NULL, or delete the rows"
    return judge(scope, offence, remedy)


@rule(*BOTH)
def check_has(plan: Plan, database: Database, names: Names, has: rules.Has) -> Evidence | Finding:
    """Every row has at least one row in the child table.

    A parent without children is what is left when the children were not loaded, or were loaded elsewhere.

    Remedy: Load the missing children, or delete the rows that stand alone.
    """
    scope = scope_of(plan, database, names, has)
    related = relation(plan, names, has.child, has.table, has.child_column)
    words = f"without a row in {related.child} by {', '.join(related.columns)}"
    join, absent = related.without_child(database)
    return judge(scope, Offence({words: absent}, join=join, related=True))


# ---------------------------------------------------------------- values


@rule(*BOTH)
def check_not_null(
    plan: Plan, database: Database, names: Names, not_null: rules.NotNull
) -> Evidence | Finding:
    """The column has a value in every row.

    NULL passes every other rule.

    Remedy: Fill the column, then declare it NOT NULL.
    """
    scope = scope_of(plan, database, names, not_null)
    column = names.column(not_null.table, not_null.column)
    remedy = f"fill {scope.table}.{column}, then declare it NOT NULL"
    return judge(scope, Offence({f"{column} is NULL": f"{scope.quoted(column)} IS NULL"}), remedy)


@rule(*BOTH)
def check_unique(plan: Plan, database: Database, names: Names, unique: rules.Unique) -> Evidence | Finding:
    """No two rows have the same values.

    Rows in which one of them is NULL are passed over, as in a UNIQUE constraint. What is the same is said
    by the column's collation; write lower(...) to be stricter.

    Remedy: Merge or correct the rows, then declare the constraint.
    """
    scope = scope_of(plan, database, names, unique)
    terms = [_term(scope, names, unique.table, text) for text in unique.columns]
    return repeated(scope, terms, ", ".join(unique.columns))


def _term(scope: Scope, names: Names, table: str, text: str) -> str:
    """A column by its name, or an expression as it stands."""
    try:
        return scope.quoted(names.column(table, text))
    except CannotTell:
        if re.fullmatch(r"\w+", text):
            raise  # a mere name is a column that is not there, not an expression
        return f"({verbatim(text)})"


@rule(*BOTH)
def check_pattern(plan: Plan, database: Database, names: Names, pattern: rules.Pattern) -> Evidence | Finding:
    """Every value matches the pattern from its first character to its last.

    NULL is passed over. The pattern is Python's, handed to the server: keep to what all understand
    (classes, groups, repetition).

    Remedy: Correct the values, or widen the pattern in the plan.
    """
    scope = scope_of(plan, database, names, pattern)
    column = names.column(pattern.table, pattern.column)
    quoted = scope.quoted(column)
    words, matches = f"{column} does not match {pattern.regex}", database.dialect.language.matches
    offence = Offence(
        {words: f"NOT ({matches(quoted, 'regex')})"},
        passed_over=f"{quoted} IS NULL",
        parameters={"regex": pattern.regex},
    )
    return judge(scope, offence)


@rule(*BOTH)
def check_accepted(
    plan: Plan, database: Database, names: Names, accepted: rules.Accepted
) -> Evidence | Finding:
    """Every value is one of the accepted ones.

    NULL is passed over. Text is compared character by character, whatever the collation takes for equal.

    Remedy: Correct the values, or add them to `accepted` in the plan.
    """
    scope = scope_of(plan, database, names, accepted)
    column = scope.column(names.column(accepted.table, accepted.column))
    quoted, language = scope.quoted(column), database.dialect.language
    texts = kind_of(column) is Kind.TEXT or any(isinstance(value, str | date) for value in accepted.values)
    compared = language.plain(language.as_text(quoted)) if texts else quoted
    given = map(str, accepted.values) if texts else accepted.values
    parameters = {f"value_{number}": value for number, value in enumerate(given)}
    known = ", ".join(f":{name}" for name in parameters)
    words = f"{column.name} is none of {', '.join(map(str, accepted.values))}"
    condition = f"{compared} NOT IN ({known})"
    offence = Offence({words: condition}, passed_over=f"{quoted} IS NULL", parameters=parameters)
    return judge(scope, offence)


@rule(*BOTH)
def check_range(plan: Plan, database: Database, names: Names, range_: rules.Range) -> Evidence | Finding:
    """Every value lies between the bounds, which belong to the range.

    NULL is passed over. A bound that is a day without a time takes in the whole of that day.

    Remedy: Correct the values, or widen the range in the plan.
    """
    scope = scope_of(plan, database, names, range_)
    column = scope.column(names.column(range_.table, range_.column))
    sides = (("<", range_.low), (">", range_.high))
    of_moments = any(side and is_moment(side) for _, side in sides)
    beyond = beyond_moment if of_moments else _beyond_number
    reasons = {
        f"{column.name} {sign} {side}": beyond(scope, column, sign, side) for sign, side in sides if side
    }
    if of_moments:
        reasons |= unreadable(database, column.name, scope.quoted(column))
    return judge(scope, Offence(reasons, passed_over=f"{scope.quoted(column)} IS NULL"))


def _beyond_number(scope: Scope, column: Column, sign: str, side: str) -> str:
    """The condition of numbers beyond a bound; the bound is a literal, so that no digit of it is lost."""
    kind = kind_of(column)
    if kind not in NUMBERS and kind is not Kind.OTHER:
        raise CannotTell(
            f"{scope.table}.{column.name} is of type {column.type}: a range of numbers says nothing of it",
            f'convert it: check = ["cast({column.name} as ...) between ... and ..."]',
        )
    return f"{scope.quoted(column)} {sign} {side}"


globals().update(checks_of("integrity"))
