"""Integrity of what the schema itself declares: views, sequences, hierarchies, CHECKs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
from pytest_visionforge.errors import CannotConnect, DatabaseError, TimeLimit

from .kinds import Kind, kind_of
from .offenders import Offence, displayed, judge
from .repeated import repeated
from .scope import scope_of_table
from .sight import tell_unlisted

if TYPE_CHECKING:
    from pytest_visionforge.compare.sequences import Behind
    from pytest_visionforge.database import CheckConstraint, Database, Sequence, Session, Table
    from pytest_visionforge.names import Names
    from pytest_visionforge.objects import ForeignKeyOf
    from pytest_visionforge.plan.values.plan import Plan

BOTH = (PREMIGRATION, POSTMIGRATION)
DEEPEST = 100  # steps up a hierarchy that are followed


@rule(*BOTH)
def check_views(database: Database) -> Evidence | Finding:
    """Every view can be run.

    A view whose table, column or function is gone is found by whoever opens the page that needs it, and a
    dump with it does not load.

    Remedy: Correct the view, or drop it.
    """
    views = database.schema.views.values()
    names = {view.id: database.dialect.language.quote_table(view.schema, view.name) for view in views}
    with database.session() as session:
        broken = [
            Offender({"view": id}, error) for id, name in names.items() if (error := _error(session, name))
        ]
    if not broken:
        tell_unlisted(database)
        return Evidence(f"{len(names)} views")
    shown = "; ".join(map(str, broken[:3]))
    return Finding(
        f"{len(broken)} of {len(names)} views: {shown}", len(broken), len(names), tuple(broken[:20])
    )


def _error(session: Session, view: str) -> str:
    """Why a view cannot be run; "" where it can."""
    try:
        session.all(f"SELECT * FROM {view} LIMIT 0")
    except (TimeLimit, CannotConnect):
        raise
    except DatabaseError as error:
        if error.remedy:  # it is we who may not, and not the view that is broken
            raise CannotTell(f"{view}: {error}", error.remedy) from None
        return str(error)
    return ""


@rule(PREMIGRATION, severity=Severity.WARN, dialects=("postgresql",))
def check_sequences(sequences_behind: Mapping[str, Behind], sequence: Sequence) -> Evidence | Finding:
    """The sequence goes on above the highest value of its column.

    Rows that were loaded with their ids leave the sequence where it was: the next insert fails. SQLite and
    InnoDB see to it themselves. After the migration baseline.sequences looks once more.

    Remedy: Set the sequence above the highest value.
    """
    behind = sequences_behind.get(sequence.id)
    if behind:
        return Finding(str(behind), sample=(Offender({"sequence": sequence.id}, str(behind)),))
    if sequence.next is None:
        raise CannotTell(
            f"{sequence.id}: its next number cannot be read", f"GRANT SELECT ON SEQUENCE {sequence.id}"
        )
    return Evidence(f"next is {sequence.next:,}")


@rule(*BOTH, severity=Severity.WARN)
def check_partial_keys(
    plan: Plan, database: Database, names: Names, composite_key: ForeignKeyOf
) -> Evidence | Finding:
    """A foreign key of several columns is set in all of them, or in none.

    With one of them NULL it names no parent (MATCH SIMPLE): nothing checks the others.

    Remedy: Set all columns or none; declare them NOT NULL, or the key MATCH FULL.
    """
    table, key = composite_key
    scope = scope_of_table(plan, database, names, table)
    null = [f"{scope.quoted(column)} IS NULL" for column in key.columns]
    words = f"{', '.join(key.columns)} set in part"
    return judge(scope, Offence({words: f"({' OR '.join(null)}) AND NOT ({' AND '.join(null)})"}))


@rule(*BOTH, severity=Severity.WARN, asked=True)
def check_cycles(database: Database, plan: Plan, own_key: ForeignKeyOf) -> Evidence | Finding:
    """No row of a hierarchy is above itself.

    Whoever walks such a hierarchy never comes to its top. It is followed for 100 steps.

    Remedy: Break the cycle at the rows that are named.
    """
    table, key = own_key
    name, quote = database.name_of(table), database.quote
    (up,), (id_,) = key.columns, key.parent_columns
    sql = (
        f"WITH RECURSIVE vf_way (vf_id, vf_up, vf_steps) AS ("
        f"SELECT {quote(id_)}, {quote(up)}, 1 FROM {name} WHERE {quote(up)} IS NOT NULL"
        f" UNION ALL SELECT vf_way.vf_id, vf_next.{quote(up)}, vf_way.vf_steps + 1 FROM vf_way JOIN {name} vf_next"
        f" ON vf_next.{quote(id_)} = vf_way.vf_up"
        f" WHERE vf_way.vf_steps < {DEEPEST} AND vf_way.vf_up <> vf_way.vf_id AND vf_next.{quote(up)} IS NOT NULL)"
        f" SELECT DISTINCT vf_id FROM vf_way WHERE vf_up = vf_id ORDER BY vf_id"
    )
    with database.session() as session:
        found = [row[0] for row in session.all(sql)]
    if not found:
        return Evidence("none")
    sample = tuple(Offender({id_: str(value)}) for value in found[: plan.record.sample])
    return Finding(
        f"{len(found):,} rows are above themselves", len(found), None, sample, "", displayed(database, sql)
    )


@rule(*BOTH, dialects=("mysql", "postgresql"))
def check_check_constraints(
    plan: Plan, database: Database, names: Names, checked_table: Table
) -> Evidence | Finding:
    """Every row keeps the CHECK constraints of its table.

    Rows come in while checks are switched off (check_constraint_checks, NOT VALID, NOT ENFORCED), and stay.
    What the server itself has tested on all rows is not tested again; SQLite's own check covers them.

    Remedy: Correct the rows, then validate the constraint.
    """
    scope = scope_of_table(plan, database, names, checked_table)
    tested = database.dialect.catalog.CHECKS_HOLD
    doubtful = [each for each in checked_table.checks if not (tested and each.validated)]
    if not doubtful:
        return Evidence(f"{len(checked_table.checks)} constraints, tested by the server")
    return judge(scope, Offence(dict(map(_broken, doubtful))))


def _broken(check: CheckConstraint) -> tuple[str, str]:
    expression = check.expression.removeprefix("CHECK ").removesuffix(" NOT VALID")
    return f"not {check.name or check.expression}", f"NOT ({verbatim(expression)})"


@rule(PREMIGRATION, dialects=("sqlite", "postgresql"), towards=("mysql",))
def check_unique_on_target(plan: Plan, database: Database, names: Names, table: Table) -> Evidence | Finding:
    """Keys of text stay unique under the target's collation.

    MariaDB and MySQL take 'Anna', 'anna' and 'anna ' for one value: the load stops at the second of them.
    Accents are not looked at, though most collations pass them by too.

    Remedy: Merge or rename the rows, or give the column a binary collation in the target.
    """
    scope = scope_of_table(plan, database, names, table)
    for columns in _text_keys(table):
        terms = [
            f"lower(rtrim({scope.quoted(each)}))" if _is_text(table, each) else scope.quoted(each)
            for each in columns
        ]
        said = repeated(scope, terms, ", ".join(columns))
        if isinstance(said, Finding):
            return said
    return Evidence("no key of text is ambiguous")


def _text_keys(table: Table) -> Iterator[tuple[str, ...]]:
    """The columns of every key that has a text in it."""
    keys = [key.columns for key in (table.primary_key, *table.unique_keys) if key]
    indexes = [index.columns for index in table.indexes if index.unique and not index.where]
    for columns in dict.fromkeys(keys + indexes):
        known = all(table.column(name) for name in columns)
        if known and any(_is_text(table, name) for name in columns):
            yield columns


def _is_text(table: Table, column: str) -> bool:
    facts = table.column(column)
    return facts is not None and kind_of(facts) is Kind.TEXT
