"""The rows of one table that a rule looks at, and how they are named, ordered and shown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pytest_visionforge import CannotTell, Offender
from pytest_visionforge.database import verbatim

if TYPE_CHECKING:
    from pytest_visionforge.database import Column, Database, Table
    from pytest_visionforge.names import Names
    from pytest_visionforge.plan.values.plan import Plan
    from pytest_visionforge.plan.values.rules import TablePlan, TableRule

LONGEST = 80  # characters of one value in a sample


@dataclass(frozen=True, slots=True)
class Scope:
    """What a rule looks at: a table, narrowed by `where` (SQL).

    At most `limit` rows are shown, by their `key` and by the columns that the plan names (`beside`).
    """

    database: Database
    table: Table
    key: tuple[str, ...]
    beside: tuple[str, ...]
    limit: int
    where: str = ""

    @property
    def name(self) -> str:
        """The table's quoted name."""
        return self.database.name_of(self.table)

    def column(self, name: str) -> Column:
        """The facts of a column; CannotTell where the table has none of that name."""
        return column_of(self.table, name)

    def quoted(self, column: Column | str) -> str:
        """A column of the table, for a statement that may have other tables in it."""
        name = column if isinstance(column, str) else column.name
        return f"{self.name}.{self.database.quote(name)}"

    def rows(self, *conditions: str, join: str = "") -> str:
        """`FROM ... WHERE ...` for the rows that count and meet the conditions."""
        narrowed = [f"({condition})" for condition in (self.where, *conditions) if condition]
        return f"FROM {self.name}{join}" + (f" WHERE {' AND '.join(narrowed)}" if narrowed else "")

    @property
    def shown(self) -> tuple[str, ...]:
        """The columns of a sample: the key, then what the plan names beside it."""
        return tuple(dict.fromkeys((*self.key, *self.beside)))

    @property
    def by_key(self) -> str:
        """` ORDER BY ...` the key."""
        return f" ORDER BY {', '.join(map(self.quoted, self.key))}" if self.key else ""

    def offender(self, row: Iterable[Any], says: Iterable[str] = ()) -> Offender:
        """One row of a sample (the columns of `shown`): its key, and in words what stands beside it."""
        values = dict(zip(self.shown, map(as_shown, row), strict=True))
        beside = [f"{name}={_in_words(value)}" for name, value in values.items() if name not in self.key]
        return Offender({name: values[name] for name in self.key}, ", ".join([*beside, *says]))


def scope_of(plan: Plan, database: Database, names: Names, rule: TableRule) -> Scope:
    """What a rule of the plan looks at."""
    table, declared = names.table(rule.table), plan.tables.get(rule.table)
    beside = (*rule.sample, *(declared.sample if declared else ()))
    return Scope(
        database=database,
        table=table,
        key=table.key or _declared_key(names, declared),
        beside=tuple(names.column(rule.table, name) for name in beside),
        limit=plan.record.sample,
        where=verbatim(rule.where),
    )


def scope_of_table(plan: Plan, database: Database, names: Names, table: Table) -> Scope:
    """All rows of a table, whether or not the plan speaks of it."""
    tables = plan.tables.values()
    declared = next((each for each in tables if names.table_id(each.name) == table.id), None)
    beside = tuple(names.column(declared.name, name) for name in declared.sample) if declared else ()
    key = table.key or _declared_key(names, declared)
    return Scope(database=database, table=table, key=key, beside=beside, limit=plan.record.sample)


def _declared_key(names: Names, declared: TablePlan | None) -> tuple[str, ...]:
    return tuple(names.column(declared.name, name) for name in declared.key) if declared else ()


def column_of(table: Table, name: str) -> Column:
    """The facts of a column; CannotTell where the table has none of that name."""
    column = table.column(name)
    if column is None:
        raise CannotTell(f"{table} has no column {name}")
    return column


def as_shown(value: Any) -> str | None:
    """A value of a sample as text, not too long; None for NULL."""
    if value is None:
        return None
    if isinstance(value, bytes | bytearray | memoryview):
        text = "0x" + bytes(value[:LONGEST]).hex()
    else:
        text = value.isoformat(" ") if isinstance(value, datetime) else str(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _in_words(value: str | None) -> str:
    return "NULL" if value is None else value or "''"
