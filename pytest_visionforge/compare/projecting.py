"""How the projection of a table follows from its columns and from what the plan declares of it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace

from pytest_visionforge.compare import canonical
from pytest_visionforge.compare.projection import Comparand, Projection
from pytest_visionforge.database import Schema, Session, Table, verbatim
from pytest_visionforge.dialects import Dialect
from pytest_visionforge.plan.values.changes import Changes, ColumnChanges, TableChange
from pytest_visionforge.plan.values.plan import Plan
from pytest_visionforge.plan.values.rules import TablePlan

WHOLE_TABLE = {"unchanged", "appended", "any"}

Typed = Callable[[Table, str], str]  # the type of an expression over a table's rows


def identity(table: Table, dialect: Dialect) -> Projection:
    """Every column as it is: the proof that a restored table is the one that was backed up."""
    return project(TableChange(table.id), TablePlan(table.id), table, None, dialect, dialect)


def of_table(
    plan: Plan,
    change: TableChange,
    table: Table,
    before: Dialect,
    after: Dialect,
    table_after: Table | None,
    typed: Typed,
) -> Projection:
    """What the plan says of a change, and of the table before that it is about."""
    known = plan.tables.get(change.name) or TablePlan(change.name)
    if not known.key and not change.split_from:
        known = plan.tables.get(table.id) or known
    change = replace(change, columns=_taken(change.columns, table)) if change.split_from else change
    return project(change, known, table, table_after, before, after, typed)


def change_of(plan: Plan, table: str) -> TableChange:
    """What is declared for a table that goes by that name before the migration."""
    return plan.changes.of(plan.changes.after(table) or table)


def _taken(changes: ColumnChanges, table: Table) -> ColumnChanges:
    """The columns that a split table takes: those that are named, as if all others were dropped.

    An expression that is the mere name of a column is that column.
    """
    if not changes.renamed and not changes.values:
        return changes
    names = [column.name for column in table.columns]
    renamed = dict(changes.renamed)
    for new, sql in changes.values.items():
        if sql in names and sql not in renamed.values():
            renamed[new] = sql
    return replace(
        changes,
        renamed=renamed,
        values={new: sql for new, sql in changes.values.items() if new not in renamed},
        dropped=tuple(name for name in names if name not in renamed.values()),
    )


def project(
    change: TableChange,
    known: TablePlan,
    table: Table,
    table_after: Table | None,
    before: Dialect,
    after: Dialect,
    typed: Typed = lambda table, expression: "",
) -> Projection:
    """The projection of one table; `table_after` is None while it is not known."""
    columns = tuple(
        _with_form(column, table_after, before, after) for column in _columns(table, change.columns, typed)
    )
    key = _key(table, change.columns, known)
    compared = {column.name for column in columns}
    key = key if set(key) <= compared else ()
    declared = _names_after(table.key, change.columns)
    unique = bool(key) and key == declared and (table_after is None or _is_indexed(table_after, key))
    condition = "" if change.rows in WHOLE_TABLE else change.rows
    packs = before.name == after.name and before.canonical.PACKS
    return Projection(table.id, change.name, columns, key, unique, condition, packs)


def _is_indexed(table: Table, key: tuple[str, ...]) -> bool:
    """Does an index lead to a range of the key, on the side after too?"""
    keys = [each.columns for each in (table.primary_key, *table.unique_keys) if each]
    indexes = [index.columns for index in table.indexes if index.valid and not index.where]
    return any(columns[: len(key)] == key for columns in (*keys, *indexes))


def _columns(table: Table, changes: ColumnChanges, typed: Typed) -> list[Comparand]:
    """The columns that are compared, in the order before; those that only `values` gives come last."""
    old_to_new = {old: new for new, old in changes.renamed.items()}
    found = []
    for column in table.columns:
        name = old_to_new.get(column.name, column.name)
        if column.name in changes.dropped and column.name not in old_to_new and name not in changes.values:
            continue
        if name in changes.added and name not in changes.values:
            continue
        expression = changes.values.get(name, "")
        found.append(
            Comparand(
                name=name,
                before=column.name,
                expression=expression,
                type_before=column.type,
                type_after="",
                collation_before=column.collation,
                nullable_before=column.nullable,
            )
        )
    names = {column.name for column in found}
    for name, expression in changes.values.items():
        if name not in names:
            found.append(Comparand(name, "", expression, "", ""))
    return [_typed(column, table, typed) for column in found]


def _typed(column: Comparand, table: Table, typed: Typed) -> Comparand:
    if not column.expression:
        return column
    type_before = typed(table, column.expression)
    return replace(column, before="", type_before=type_before, collation_before=None, nullable_before=True)


def _with_form(column: Comparand, table_after: Table | None, before: Dialect, after: Dialect) -> Comparand:
    """The column with everything that depends on both sides of it."""
    found = table_after.column(column.name) if table_after else None
    column = replace(
        column,
        type_after=found.type if found else "",
        collation_after=found.collation if found else None,
        nullable_after=found.nullable if found else column.nullable_before,
    )
    form = canonical.form_of(before, column.type_before, after, column.type_after)
    return replace(
        column,
        family=form.family,
        note=form.note,
        packed=_packed(column, before, after),
        order=_order(column, before, after),
    )


def _packed(column: Comparand, before: Dialect, after: Dialect) -> str:
    """The binary form that both types have; "" where there is none."""
    if before.name != after.name:
        return ""
    first = before.canonical.packed(column.type_before or column.type_after)
    second = after.canonical.packed(column.type_after or column.type_before)
    return first if first == second else ""


def _order(column: Comparand, before: Dialect, after: Dialect) -> str:
    """The order that both columns have; "" where theirs differ, or no index gives it."""
    if column.expression:
        return ""
    order = before.canonical.order(column.type_before, column.collation_before)
    if column.type_after:
        return order if order == after.canonical.order(column.type_after, column.collation_after) else ""
    if before.name == after.name:
        return order
    if not after.canonical.TYPED:
        return after.canonical.order(column.type_before, None)
    return order if order in ("number", "date", "timestamp") else ""


def _key(table: Table, changes: ColumnChanges, known: TablePlan) -> tuple[str, ...]:
    """The plan's key, by names before or after; else the one that the schema declares."""
    return _names_after(known.key or table.key, changes)


def _names_after(names: Collection[str], changes: ColumnChanges) -> tuple[str, ...]:
    old_to_new = {old: new for new, old in changes.renamed.items()}
    return tuple(old_to_new.get(name, name) for name in names)


def tables_compared(schema: Schema, changes: Changes) -> tuple[str, ...]:
    """The ids, as before, of the tables that are still there afterwards as far as the plan declares."""
    return tuple(id for id in schema.tables if changes.after(id) is not None)


def typed(session: Session) -> Callable[[Table, str], str]:
    """Tells the type of an expression over a table, by asking the database."""
    dialect = session.dialect

    def type_of(table: Table, expression: str) -> str:
        name = dialect.language.quote_table(table.schema, table.name)
        return dialect.canonical.type_of(session, name, f"({verbatim(expression)})")

    return type_of
