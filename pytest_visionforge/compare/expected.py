"""The schema that the plan promises: the one before, with everything renamed and dropped as declared."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from pytest_visionforge.database import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Key,
    Policy,
    Schema,
    Table,
    Trigger,
)
from pytest_visionforge.plan.values.changes import Changes, TableChange

_NAMING = ("inherits", "partitioned by", "replica identity")  # options whose values name tables or columns


@dataclass(frozen=True, slots=True)
class ExpectedTable:
    """A table as it should be: `id` after the migration, `before` as it was, `table` with the names after."""

    id: str
    before: Table
    table: Table
    change: TableChange


def expected_tables(schema: Schema, changes: Changes) -> tuple[ExpectedTable, ...]:
    """The tables that should be there afterwards, without those that the plan drops or adds."""
    found = []
    for id, table in schema.tables.items():
        after = changes.after(id)
        if after is not None:
            change = changes.of(after)
            found.append(ExpectedTable(after, table, _expected(table, change, schema, changes), change))
    return tuple(found)


def _expected(table: Table, change: TableChange, schema: Schema, changes: Changes) -> Table:
    names = column_names(table, change)
    gone = {column.name for column in table.columns} - set(names)
    own = {table.name: change.name} if change.renamed_from else {}
    texts = Renaming({**renamed_tables(schema, changes), **own, **_renamed(names)})
    roles = Renaming({old: new for new, old in changes.roles.renamed.items()})
    return replace(
        table,
        columns=tuple(_column(column, names, texts) for column in table.columns if column.name in names),
        primary_key=_key(table.primary_key, names) if table.primary_key else None,
        unique_keys=tuple(filter(None, (_key(key, names) for key in table.unique_keys))),
        foreign_keys=tuple(
            filter(None, (_foreign_key(key, table, names, schema, changes) for key in table.foreign_keys))
        ),
        checks=tuple(
            CheckConstraint(check.name, texts(check.expression), check.validated)
            for check in table.checks
            if not mentions(check.expression, gone)
        ),
        indexes=tuple(filter(None, (_index(index, names, gone, texts) for index in table.indexes))),
        triggers=tuple(
            Trigger(trigger.name, texts(trigger.definition), trigger.enabled) for trigger in table.triggers
        ),
        policies=tuple(Policy(policy.name, texts(roles(policy.text))) for policy in table.policies),
        options={name: texts(value) if name in _NAMING else value for name, value in table.options.items()},
    )


def column_names(table: Table, change: TableChange) -> dict[str, str]:
    """The names before -> after of the columns that should still be there."""
    new = {old: name for name, old in change.columns.renamed.items()}
    return {
        column.name: new.get(column.name, column.name)
        for column in table.columns
        if column.name in new or column.name not in change.columns.dropped
    }


def renamed_tables(schema: Schema, changes: Changes) -> dict[str, str]:
    """The names before -> after of the tables that the plan renames."""
    return {change.renamed_from: name for name, change in changes.tables.items() if change.renamed_from}


def _renamed(names: Mapping[str, str]) -> dict[str, str]:
    return {old: new for old, new in names.items() if old != new}


class Renaming:
    """Puts new names into a text of SQL, word by word."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self.names = names

    def __call__(self, text: str) -> str:
        """The text with the names after."""
        if not self.names:
            return text
        words = "|".join(sorted(map(re.escape, self.names), key=len, reverse=True))
        return re.sub(rf"(?<!\w)({words})(?!\w)", lambda found: self.names[found[1]], text)

    def whole(self, text: str) -> str:
        """The same of a whole statement, where a server keeps the old name as `new AS old`."""
        words = "|".join(map(re.escape, dict.fromkeys(self.names.values())))
        return re.sub(rf"(?<!\w)({words}) AS \1(?!\w)", r"\1", plain(self(text))) if words else text


def renamed_in(schema: Schema, changes: Changes) -> Renaming:
    """Every rename of the plan, of tables and of columns wherever they are."""
    found = dict(renamed_tables(schema, changes))
    for change in changes.tables.values():
        found.update((old, new) for new, old in change.columns.renamed.items())
    return Renaming(found)


def names_of(schema: Schema, changes: Changes) -> set[str]:
    """The names, as they were, of all that the plan renames or drops of tables."""
    gone = {name for change in changes.tables.values() for name in change.columns.dropped}
    return {*renamed_in(schema, changes).names, *gone}


def mentions(text: str, names: Iterable[str]) -> bool:
    """Does a text of SQL hold one of the names as a word?"""
    return any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text) for name in names)


def _column(column: Column, names: Mapping[str, str], texts: Renaming) -> Column:
    generated = texts(column.generated) if column.generated else column.generated
    return replace(column, name=names[column.name], generated=generated)


def _key(key: Key, names: Mapping[str, str]) -> Key | None:
    if not set(key.columns) <= set(names):
        return None
    return Key(key.name, tuple(names[column] for column in key.columns))


def _foreign_key(
    key: ForeignKey, table: Table, names: Mapping[str, str], schema: Schema, changes: Changes
) -> ForeignKey | None:
    """The reference with the names after; None where a column or the parent is dropped."""
    parent = changes.after(key.parent)
    if parent is None or not set(key.columns) <= set(names):
        return None
    parent_table = schema.tables.get(key.parent)
    parents = column_names(parent_table, changes.of(parent)) if parent_table else {}
    return replace(
        key,
        columns=tuple(names[column] for column in key.columns),
        parent=parent,
        parent_columns=tuple(parents.get(column, column) for column in key.parent_columns),
    )


def _index(index: Index, names: Mapping[str, str], gone: set[str], texts: Renaming) -> Index | None:
    """The index with the names after; None where it is over a column that is dropped."""
    if gone.intersection((*index.columns, *index.include)) or mentions(index.where, gone):
        return None
    expressions = [column for column in index.columns if column not in names]
    if any(mentions(expression, gone) for expression in expressions):
        return None
    return replace(
        index,
        columns=tuple(names.get(column, texts(column)) for column in index.columns),
        include=tuple(names.get(column, column) for column in index.include),
        where=texts(index.where),
    )


def plain(text: str) -> str:
    """SQL without regard to blanks and to quotes around names."""
    return " ".join(text.split()).replace('"', "").replace("`", "")


def is_plain(index: Index, table: Table) -> bool:
    """Is it over columns alone, and over all rows?"""
    return all(table.column(column) for column in index.columns) and not index.where
