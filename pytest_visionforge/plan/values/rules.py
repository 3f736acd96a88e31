"""What must hold: the rules of tables, and business rules, as frozen values.

The names of rules, `table.word.part`, are those of test items, waivers and the record.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import ClassVar, Literal

from pytest_visionforge.outcome import Severity

When = Literal["both", "before", "after"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRule:
    """What must hold in one table: the parent of every rule below.

    `where` narrows the rows that are looked at; `sample` names columns that may be shown beside the
    key; `when` says whether it holds before the migration, after it, or both.
    """

    word: ClassVar[str]
    table: str
    severity: Severity = Severity.BLOCK
    where: str = ""
    sample: tuple[str, ...] = ()
    when: When = "both"
    why: str = ""

    @property
    def part(self) -> str:
        """The column or expression that the rule is about; '' where it is about the whole table."""
        return ""

    @property
    def name(self) -> str:
        """`table.word.part`: how items, waivers and records call the rule."""
        return ".".join(filter(None, (self.table, self.word, self.part)))

    def __str__(self) -> str:
        return ".".join(filter(None, (self.table, self.part)))


@dataclass(frozen=True, slots=True, kw_only=True)
class _ColumnRule(TableRule):
    column: str

    @property
    def part(self) -> str:
        return self.column


@dataclass(frozen=True, slots=True, kw_only=True)
class NotNull(_ColumnRule):
    """`not_null`: the column has a value in every row."""

    word: ClassVar[str] = "not_null"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unique(TableRule):
    """`unique`: no two rows have the same values; `columns` are columns or expressions."""

    word: ClassVar[str] = "unique"
    columns: tuple[str, ...]

    @property
    def part(self) -> str:
        """The columns or expressions, joined by commas."""
        return ",".join(self.columns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern(_ColumnRule):
    """`pattern`: the whole value matches a regular expression (Python's syntax)."""

    word: ClassVar[str] = "pattern"
    regex: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted(_ColumnRule):
    """`accepted`: the value is one of a set."""

    word: ClassVar[str] = "accepted"
    values: tuple[str | int | float | bool | date, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Range(_ColumnRule):
    """`range`: low <= value <= high; None where a side is open. Numbers, dates or timestamps as text."""

    word: ClassVar[str] = "range"
    low: str | None = None
    high: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NotFuture(_ColumnRule):
    """`not_future`: the timestamp is not later than the server's now."""

    word: ClassVar[str] = "not_future"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows(TableRule):
    """`rows`: the table has at least `low` and at most `high` rows."""

    word: ClassVar[str] = "rows"
    low: int | None = None
    high: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference(_ColumnRule):
    """`references`: every value is found in the parent: a relation that the schema does not declare."""

    word: ClassVar[str] = "references"
    parent: str
    parent_column: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Has(TableRule):
    """`has`: every row has at least one row in the child table (`child.child_column` points here)."""

    word: ClassVar[str] = "has"
    child: str
    child_column: str

    @property
    def part(self) -> str:
        """The child and its column."""
        return f"{self.child}.{self.child_column}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order(TableRule):
    """`order`: each column is not later than every one after it; NULLs are passed over, pair by pair."""

    word: ClassVar[str] = "order"
    columns: tuple[str, ...]

    @property
    def part(self) -> str:
        """The columns in their order."""
        return "<=".join(self.columns)


@dataclass(frozen=True, slots=True, kw_only=True)
class After(_ColumnRule):
    """`after`: the value is not before the parent row's; the relation is a reference or a foreign key."""

    word: ClassVar[str] = "after"
    parent: str
    parent_column: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Calculated(_ColumnRule):
    """`calculated`: the column is what the expression gives.

    `tolerance`: None for half a unit of the column's last decimal.
    """

    word: ClassVar[str] = "calculated"
    expression: str
    tolerance: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregate(_ColumnRule):
    """`aggregate`: the column is `function` over the rows of `child` that belong to this row.

    `expression` is over the child's columns ('' in `count(child)`), `condition` narrows its rows.
    """

    word: ClassVar[str] = "aggregate"
    function: Literal["sum", "count", "min", "max", "avg"]
    child: str
    expression: str = ""
    condition: str = ""
    tolerance: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Holds(TableRule):
    """`check`: the SQL condition is not false in any row (NULL passes, as in a CHECK constraint)."""

    word: ClassVar[str] = "check"
    expression: str
    id: str = ""

    @property
    def part(self) -> str:
        """The id, or the expression on one line."""
        return self.id or " ".join(self.expression.split())


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedAt(_ColumnRule):
    """`changed_at`: the column that is set on each change, by which recent changes are found."""

    word: ClassVar[str] = "changed_at"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation(TableRule):
    """`expectations`: one great_expectations expectation on the table."""

    word: ClassVar[str] = "expectations"
    type: str
    arguments: Mapping[str, object] = field(default_factory=dict, hash=False)
    id: str = ""

    @property
    def part(self) -> str:
        """The id, or the type and the column that it is about."""
        column = self.arguments.get("column")
        return self.id or (f"{self.type}.{column}" if column else self.type)


@dataclass(frozen=True, slots=True)
class TablePlan:
    """`[tables.NAME]`: what must hold in one table.

    `exclude` is the reason why the table is not compared ('' where it is). `key` names the columns
    that identify a row where the schema declares none.
    """

    name: str
    rules: tuple[TableRule, ...] = ()
    exclude: str = ""
    key: tuple[str, ...] = ()
    sample: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BusinessRule:
    """`[[rules]]` or `rules/*.sql`: rows that the SQL returns are violations.

    `sql` maps a DBMS (sqlite, postgresql, mysql) to its text; "" is the text for any.
    """

    id: str
    sql: Mapping[str, str] = field(hash=False)
    why: str = ""
    remedy: str = ""
    severity: Severity = Severity.BLOCK
    when: When = "both"
    parameters: Mapping[str, str | int | float | bool] = field(default_factory=dict, hash=False)
    path: Path | None = None

    def __str__(self) -> str:
        return self.id

    def text(self, dbms: str) -> str:
        """The SQL for one DBMS; '' where the rule has none for it."""
        return self.sql.get(dbms, self.sql.get("", ""))
