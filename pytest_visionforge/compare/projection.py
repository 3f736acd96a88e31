"""What of a table is compared: its columns on both sides, after everything that the plan declares."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from pytest_visionforge.compare import canonical
from pytest_visionforge.compare.reading import Field, Reading
from pytest_visionforge.database import Schema, Table, verbatim
from pytest_visionforge.dialects import Dialect
from pytest_visionforge.plan.values import Changes, ColumnChanges, Plan, TableChange, TablePlan

FORM = 1  # of the canonical texts: digests of another form cannot be compared with ours
WHOLE_TABLE = {"unchanged", "appended", "any"}


@dataclass(frozen=True, slots=True)
class Comparand:
    """One column: its name after the migration, and what gives its value before.

    `before` is a column's name, or, where `expression` is set, nothing: then the expression over
    the row before is its value. The types are as each DBMS prints them, "" where not known.
    """

    name: str
    before: str
    expression: str
    type_before: str
    type_after: str
    family: str
    ordered: bool
    note: str = ""


@dataclass(frozen=True, slots=True)
class Projection:
    """What of one table is compared with what.

    `key` names columns as they are after the migration; `unique` tells that a constraint says so.
    `condition` narrows the rows before, in the source's SQL; "" for all.
    """

    table_before: str
    table_after: str
    columns: tuple[Comparand, ...]
    key: tuple[str, ...] = ()
    unique: bool = False
    condition: str = ""

    @property
    def fingerprint(self) -> str:
        """What the digests depend on: digests of another fingerprint do not compare with these."""
        columns = [(c.name, c.before, c.expression, c.family, c.ordered) for c in self.columns]
        facts = [FORM, self.table_before, columns, self.key, self.unique, self.condition]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()

    @property
    def notes(self) -> tuple[str, ...]:
        """What is compared less than exactly: the columns, and how."""
        columns: dict[str, list[str]] = {}
        for column in self.columns:
            if column.note:
                columns.setdefault(column.note, []).append(column.name)
        return tuple(f"{', '.join(names)}: {note}" for note, names in columns.items())

    def side_before(self, dialect: Dialect, table: Table) -> Reading:
        """How the database as it was is read."""
        language = dialect.language
        fields = tuple(
            Field(c.name, _expression(c, language.quote), c.family, c.type_before or c.type_after)
            for c in self.columns
        )
        where = f"({verbatim(self.condition)})" if self.condition else ""
        return self._reading(language.quote_table(table.schema, table.name), fields, where)

    def side_after(self, dialect: Dialect, table: Table) -> Reading:
        """How the database as it is now is read."""
        language = dialect.language
        fields = tuple(
            Field(c.name, language.quote(c.name), c.family, c.type_after or c.type_before)
            for c in self.columns
        )
        return self._reading(language.quote_table(table.schema, table.name), fields, "")

    def _reading(self, table: str, fields: tuple[Field, ...], where: str) -> Reading:
        key = [column for column in self.columns if column.name in self.key]
        ranges = bool(key) and self.unique and all(column.ordered for column in key)
        return Reading(table, fields, self.key, where, ranges)

    def as_json(self) -> dict[str, Any]:
        """The projection as plain values for `json`."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Projection:
        """The projection that `as_json` gave."""
        columns = tuple(Comparand(**column) for column in data["columns"])
        return cls(**{**data, "columns": columns, "key": tuple(data["key"])})


def _expression(column: Comparand, quote: Callable[[str], str]) -> str:
    return f"({verbatim(column.expression)})" if column.expression else quote(column.before)


Typed = Callable[[Table, str], str]  # the type of an expression over a table's rows


def identity(table: Table, dialect: Dialect) -> Projection:
    """Every column as it is: the proof that a restored table is the one that was backed up."""
    return project(TableChange(table.id), TablePlan(table.id), table, None, dialect, dialect)


def of_table(
    plan: Plan, table: Table, before: Dialect, after: Dialect, table_after: Table | None, typed: Typed
) -> Projection:
    """What the plan says of a table, named as it was before the migration."""
    change = plan.changes.of(plan.changes.after(table.id) or table.id)
    known = plan.tables.get(change.name) or plan.tables.get(table.id) or TablePlan(table.id)
    return project(change, known, table, table_after, before, after, typed)


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
    condition = "" if change.rows in WHOLE_TABLE else change.rows
    return Projection(table.id, change.name, columns, key, bool(key) and key == declared, condition)


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
        found.append(Comparand(name, column.name, expression, column.type, "", "", False))
    names = {column.name for column in found}
    for name, expression in changes.values.items():
        if name not in names:
            found.append(Comparand(name, "", expression, "", "", "", False))
    return [_typed(column, table, typed) for column in found]


def _typed(column: Comparand, table: Table, typed: Typed) -> Comparand:
    if not column.expression:
        return column
    return replace(column, before="", type_before=typed(table, column.expression))


def _with_form(column: Comparand, table_after: Table | None, before: Dialect, after: Dialect) -> Comparand:
    found = table_after.column(column.name) if table_after else None
    type_after = found.type if found else ""
    form = canonical.form_of(before, column.type_before, after, type_after)
    ordered = form.family in _ordered_families(before, after) and all(
        dialect.canonical.ordered(type)
        for dialect, type in ((before, column.type_before or type_after), (after, type_after))
        if type
    )
    return replace(column, type_after=type_after, family=form.family, note=form.note, ordered=ordered)


def _ordered_families(before: Dialect, after: Dialect) -> set[str]:
    """The families that both DBMS can cut into the same ranges; without types, times are text of any form."""
    typed = before.canonical.TYPED and after.canonical.TYPED
    return {"number", "date", "timestamp"} if typed else {"number", "stored"}


def _key(table: Table, changes: ColumnChanges, known: TablePlan) -> tuple[str, ...]:
    """The plan's key, by names before or after; else the one that the schema declares."""
    return _names_after(known.key or table.key, changes)


def _names_after(names: Collection[str], changes: ColumnChanges) -> tuple[str, ...]:
    old_to_new = {old: new for new, old in changes.renamed.items()}
    return tuple(old_to_new.get(name, name) for name in names)


def tables_compared(schema: Schema, changes: Changes) -> tuple[str, ...]:
    """The ids, as before, of the tables that are still there afterwards as far as the plan declares."""
    return tuple(id for id in schema.tables if changes.after(id) is not None)
