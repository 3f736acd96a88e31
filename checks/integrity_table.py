"""Integrity of a table itself: its pages, its key, its constraints."""

from __future__ import annotations

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
from pytest_visionforge.errors import CannotConnect, DatabaseError, TimeLimit

from .offenders import displayed
from .repeated import repeated
from .scope import scope_of_table

if TYPE_CHECKING:
    from pytest_visionforge.database import CheckConstraint, Database, ForeignKey, Table
    from pytest_visionforge.names import Names
    from pytest_visionforge.plan.values.plan import Plan

BOTH = (PREMIGRATION, POSTMIGRATION)
NOT_STORED_HERE = ("virtual", "foreign")  # kinds of tables that only stand for something else


@rule(*BOTH)
def check_physical(plan: Plan, database: Database, table: Table) -> Evidence | Finding:
    """The table is not damaged: its rows can be read to the last one, its pages and indexes are whole.

    The DBMS's own check looks at pages and indexes without locking anybody out. Where it cannot be run
    every value is read instead, which proves the rows and not the indexes. What is damaged, a migration
    would copy, lose or stumble over.

    Remedy: Do not migrate. Rebuild a damaged index (REINDEX); restore a damaged table from a backup.
    """
    if table.kind in NOT_STORED_HERE:
        return Evidence(f"a {table.kind} table has no pages of its own")
    try:
        damage = _damage(database, table)
    except CannotTell as reason:
        return _read_through(database, table, str(reason))
    except (TimeLimit, CannotConnect):
        raise
    except DatabaseError as error:
        if error.remedy:  # refused, which says nothing of the table
            return _read_through(database, table, f"{error}: {error.remedy}")
        damage = (str(error),)
    if not damage:
        return Evidence("the DBMS's own check found nothing")
    sample = tuple(Offender({"table": table.id}, line) for line in damage[: plan.record.sample])
    return Finding(f"{table} is damaged: {damage[0]}", len(damage), sample=sample)


@rule(*BOTH, severity=Severity.WARN)
def check_physical_check(database: Database) -> Evidence:
    """The DBMS's own check of pages and indexes can be run here.

    Without it damaged indexes stay unseen: they answer queries wrongly, and raise no error.
    """
    table = next((each for each in database.schema.tables.values() if each.kind not in NOT_STORED_HERE), None)
    if table is not None:
        _damage(database, table)
    return Evidence("it was run" if table else "there is no table")


def _damage(database: Database, table: Table) -> tuple[str, ...]:
    with database.session() as session:
        return database.dialect.catalog.damage(session, table.id)


def _read_through(database: Database, table: Table, reason: str) -> Evidence | Finding:
    """Reads every value, the long ones too; what cannot be read is damaged."""
    as_text = database.dialect.language.as_text
    lengths = "".join(f", sum(length({as_text(database.quote(each.name))}))" for each in table.columns)
    sql = f"SELECT count(*){lengths} FROM {database.name_of(table)}"
    try:
        with database.session() as session:
            rows = int(session.row(sql)[0])
    except (TimeLimit, CannotConnect):
        raise
    except DatabaseError as error:
        if error.remedy:
            raise CannotTell(str(error), error.remedy) from None
        return Finding(f"{table} cannot be read: {error}", reproduce=displayed(database, sql))
    return Evidence(f"every value was read; its indexes were not checked: {reason}", rows)


@rule(*BOTH, severity=Severity.WARN)
def check_primary_key(plan: Plan, database: Database, names: Names, table: Table) -> Evidence | Finding:
    """Every row can be told from every other: the table has a primary key, or a unique one without NULL.

    Without one a difference cannot be named by its row, and a repeated load doubles rows unseen. Such a
    table is compared as a multiset of whole rows, which proves that all are there.

    Remedy: ALTER TABLE ... ADD PRIMARY KEY (...), or name the columns in the plan: key = ["..."].
    """
    if table.kind in NOT_STORED_HERE:
        return Evidence(f"a {table.kind} table cannot have a key here")
    scope = scope_of_table(plan, database, names, table)
    enforced = _never_null(table, table.key) or _unique_index(table)
    if enforced:
        return Evidence(f"key: {', '.join(enforced)}")
    if scope.key:
        terms = list(map(scope.quoted, scope.key))
        return repeated(scope, terms, ", ".join(scope.key), nulls_too=True)
    return Finding(
        says=f"{table} has neither a primary key nor a unique one without NULL",
        remedy=displayed(database, f"ALTER TABLE {database.name_of(table)} ADD PRIMARY KEY (...)")
        + f'; or, in the plan, [tables."{table.id}"] key = ["..."]',
    )


def _never_null(table: Table, columns: tuple[str, ...]) -> tuple[str, ...]:
    """The columns, if none of them can be NULL (in SQLite those of a primary key can); else ()."""
    declared = {column.name for column in table.columns if not column.nullable}
    return columns if declared.issuperset(columns) else ()


def _unique_index(table: Table) -> tuple[str, ...]:
    """The columns of a unique index that serves as a key; () if none."""
    indexes = (index for index in table.indexes if index.unique and index.valid and not index.where)
    return next(filter(None, (_never_null(table, index.columns) for index in indexes)), ())


@rule(*BOTH)
def check_validated(table: Table) -> Evidence | Finding:
    """Every index, foreign key and CHECK of the table is valid: it holds for the rows from before it, too.

    An index whose building was interrupted is not used, and a unique one protects nothing. A constraint
    that is NOT VALID or NOT ENFORCED was never tested on the rows that are there.

    Remedy: Mend the rows that other findings name, then ALTER TABLE ... VALIDATE CONSTRAINT ...; REINDEX
    INDEX CONCURRENTLY ... for an index.
    """
    tested: tuple[ForeignKey | CheckConstraint, ...] = (*table.foreign_keys, *table.checks)
    invalid = [Offender({"index": each.name}, "is not valid") for each in table.indexes if not each.valid]
    untested = [
        Offender({"constraint": each.name}, "was not tested on old rows")
        for each in tested
        if not each.validated
    ]
    broken = invalid + untested
    of = len(table.indexes) + len(tested)
    if not broken:
        return Evidence(f"{of} indexes and constraints")
    words = ", ".join(str(offender) for offender in broken)
    return Finding(f"{len(broken)} of {of} indexes and constraints: {words}", len(broken), of, tuple(broken))
