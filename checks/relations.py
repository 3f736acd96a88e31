"""How rows of two tables belong together: by a reference of the plan, or by a declared foreign key."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_visionforge import CannotTell
from pytest_visionforge.plan.values.rules import Reference

if TYPE_CHECKING:
    from pytest_visionforge.database import Database, Table
    from pytest_visionforge.names import Names
    from pytest_visionforge.plan.values.plan import Plan

OTHER = "vf_other"  # the name of the other table in a statement


@dataclass(frozen=True, slots=True)
class Relation:
    """Rows of `child` belong to the row of `parent` whose columns hold the same values."""

    child: Table
    columns: tuple[str, ...]
    parent: Table
    parent_columns: tuple[str, ...]

    def in_parent(self, database: Database, extra: str) -> str:
        """`EXISTS (...)`: the row of the child has a row in the parent, for which `extra` holds."""
        ours = [f"{database.name_of(self.child)}.{database.quote(column)}" for column in self.columns]
        match = _equal(ours, [self.of_parent(database, column) for column in self.parent_columns])
        return f"EXISTS (SELECT 1 FROM {database.name_of(self.parent)} {OTHER} WHERE {match} AND ({extra}))"

    def without_parent(self, database: Database) -> tuple[str, str]:
        """Join and condition of the rows of the child that have no row in the parent."""
        return _absent(database, self.child, self.columns, self.parent, self.parent_columns)

    def without_child(self, database: Database) -> tuple[str, str]:
        """Join and condition of the rows of the parent that have no row in the child."""
        return _absent(database, self.parent, self.parent_columns, self.child, self.columns)

    def without_null(self, database: Database) -> str:
        """The row of the child names a parent: none of its columns is NULL (SQL's MATCH SIMPLE)."""
        table = database.name_of(self.child)
        return " AND ".join(f"{table}.{database.quote(column)} IS NOT NULL" for column in self.columns)

    def of_parent(self, database: Database, column: str) -> str:
        """A column of the parent, inside `in_parent`."""
        return f"{OTHER}.{database.quote(column)}"


def _absent(
    database: Database, table: Table, columns: tuple[str, ...], other: Table, theirs: tuple[str, ...]
) -> tuple[str, str]:
    """Join and condition of the rows of `table` that have none in `other`.

    Where an index leads to the other row it is looked up. Where there is none, which SQLite would take
    as an order to read the whole table for every row, all its values are gathered once.
    """
    name, quote = database.name_of(table), database.quote
    ours = [f"{name}.{quote(column)}" for column in columns]
    if _indexed(other, theirs):
        match = _equal(ours, [f"{OTHER}.{quote(column)}" for column in theirs])
        return "", f"NOT EXISTS (SELECT 1 FROM {database.name_of(other)} {OTHER} WHERE {match})"
    keys = [f"vf_key_{number}" for number in range(len(theirs))]
    gathered = ", ".join(f"{quote(column)} AS {key}" for column, key in zip(theirs, keys, strict=True))
    match = _equal(ours, [f"{OTHER}.{key}" for key in keys])
    join = f" LEFT JOIN (SELECT DISTINCT {gathered} FROM {database.name_of(other)}) {OTHER} ON {match}"
    return join, f"{OTHER}.{keys[0]} IS NULL"


def _equal(ours: list[str], theirs: list[str]) -> str:
    return " AND ".join(f"{their} = {our}" for our, their in zip(ours, theirs, strict=True))


def _indexed(table: Table, columns: tuple[str, ...]) -> bool:
    """Does a key or an index of the table begin with these columns?"""
    whole = [index for index in table.indexes if index.valid and not index.where]
    keys = [key for key in (table.primary_key, *table.unique_keys, *whole) if key]
    return any(set(key.columns[: len(columns)]) == set(columns) for key in keys)


def relation(plan: Plan, names: Names, child: str, parent: str, column: str = "") -> Relation:
    """The one relation between two tables of the plan, through `column` of the child if one is named.

    Raises CannotTell where there is none or, which would be a guess, where there are several.
    """
    for found in (set(_referenced(plan, names, child, parent)), set(_declared(names, child, parent))):
        fitting = [each for each in found if not column or names.column(child, column) in each.columns]
        if len(fitting) == 1:
            return fitting[0]
        if fitting:
            ways = ", ".join(sorted("+".join(each.columns) for each in fitting))
            raise CannotTell(
                f"{child} belongs to {parent} in several ways: by {ways}",
                f'name the one that is meant: [tables.{child}] references = {{ COLUMN = "{parent}.KEY" }}',
            )
    return _by_key(names, child, parent, column)


def _referenced(plan: Plan, names: Names, child: str, parent: str) -> Iterator[Relation]:
    """The relations that the plan declares."""
    wanted = names.table_id(child), names.table_id(parent)
    for each in plan.rules_of(Reference):
        if (names.table_id(each.table), names.table_id(each.parent)) == wanted:
            yield of_reference(names, each)


def of_reference(names: Names, reference: Reference) -> Relation:
    """The relation that a `references` of the plan says."""
    return Relation(
        child=names.table(reference.table),
        columns=(names.column(reference.table, reference.column),),
        parent=names.table(reference.parent),
        parent_columns=(names.column(reference.parent, reference.parent_column),),
    )


def _declared(names: Names, child: str, parent: str) -> Iterator[Relation]:
    """The relations that the schema declares."""
    table, other = names.table(child), names.table(parent)
    for key in table.foreign_keys:
        if key.parent == other.id:
            yield Relation(table, key.columns, other, key.parent_columns)


def _by_key(names: Names, child: str, parent: str, column: str) -> Relation:
    """The named column points to the parent's key, where that is one column."""
    table, other = names.table(child), names.table(parent)
    if column and len(other.key) == 1:
        return Relation(table, (names.column(child, column),), other, other.key)
    raise CannotTell(
        f"neither the schema nor the plan says how {child} belongs to {parent}",
        f'declare it: [tables.{child}] references = {{ COLUMN = "{parent}.KEY" }}',
    )
