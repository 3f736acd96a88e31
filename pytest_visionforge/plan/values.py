"""The plan as frozen values: what is migrated and what must hold.

Nothing here reads a file or a database. `read.py` makes these values from TOML. All of them are
hashable: mappings take part in comparing, not in the hash.
The names of rules, `table.word.part`, are those of test items, waivers and the record.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import ClassVar, Literal, TypeVar

from pytest_visionforge.outcome import Severity

When = Literal["both", "before", "after"]


@dataclass(frozen=True, slots=True)
class Address:
    """Where a database is. `url` may hold a password: it is never shown, `shown` is."""

    url: str = field(repr=False)
    shown: str

    def __str__(self) -> str:
        return self.shown


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


R = TypeVar("R", bound=TableRule)


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
class Declared:
    """Objects of one kind that the migration adds, drops or alters on purpose."""

    added: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ColumnChanges:
    """`[changes.tables.NAME] columns.*`.

    `renamed` is new -> old; `values` is column after -> SQL expression over the row before, in the
    source's SQL; `types`, `nullable` and `defaults` name columns whose type, nullability or default
    may differ.
    """

    renamed: Mapping[str, str] = field(default_factory=dict, hash=False)
    added: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    values: Mapping[str, str] = field(default_factory=dict, hash=False)
    types: tuple[str, ...] = ()
    nullable: tuple[str, ...] = ()
    defaults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TableChange:
    """`[changes.tables.NAME]`: how one table may differ after the migration (NAME as it is then).

    `rows` is "unchanged", "appended" (rows may be added), "any", or a condition in the source's SQL
    on the row before: exactly those rows are there afterwards.
    """

    name: str
    renamed_from: str = ""
    added: bool = False
    dropped: bool = False
    columns: ColumnChanges = ColumnChanges()
    rows: str = "unchanged"
    indexes: Declared = Declared()
    keys: Declared = Declared()
    checks: Declared = Declared()
    triggers: Declared = Declared()

    @property
    def before(self) -> str:
        """The table's name before the migration."""
        return self.renamed_from or self.name


@dataclass(frozen=True, slots=True)
class Changes:
    """`[changes]`: everything that the migration may change; the rest must come out as it was."""

    tables: Mapping[str, TableChange] = field(default_factory=dict, hash=False)
    views: Declared = Declared()
    sequences: Declared = Declared()

    def of(self, table: str) -> TableChange:
        """What is declared for a table, named as it is after the migration."""
        return self.tables.get(table, TableChange(name=table))

    def after(self, table_before: str) -> str | None:
        """The name after the migration of a table named as it was before; None if it is dropped."""
        for change in self.tables.values():
            if change.renamed_from == table_before:
                return change.name
        return None if self.of(table_before).dropped else table_before


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


@dataclass(frozen=True, slots=True)
class Migration:
    """`[migration]`: the command, the services around it, the application's version."""

    command: str = ""
    version: str = ""
    stop: str = ""
    start: str = ""
    lock_wait_max: float = 5.0
    timeout: float = 7200.0


@dataclass(frozen=True, slots=True)
class Environment:
    """`[environment]`: variables, patterns for their values, distributions, programs."""

    variables: tuple[str, ...] = ()
    match: Mapping[str, str] = field(default_factory=dict, hash=False)
    packages: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class System:
    """`[system]`: `disk_factor` times the database must be free; `paths` need rights (of r, w, x)."""

    disk_factor: float = 2.0
    paths: Mapping[Path, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class BackupPlan:
    """`[backup]`: where, what kind, how long it is kept, and who puts it back."""

    directory: Path
    kind: Literal["full", "schema", "data"] = "full"
    keep: Mapping[str, int | str] = field(default_factory=dict, hash=False)
    rollback: Literal["never", "on-failure"] = "never"
    verify: Literal["restored", "decoded", "hashed"] = "restored"
    max_age: float = 86400.0


@dataclass(frozen=True, slots=True)
class Limits:
    """`[limits]`: seconds, shares (0..1) and counts."""

    response_time: float = 5.0
    error_rate: float = 0.01
    cpu: float = 0.8
    memory: float = 0.9
    check_time: float = 30.0
    connections: int = 4


@dataclass(frozen=True, slots=True)
class RecordPlan:
    """`[record]`: where records go, and how many keys a finding shows."""

    directory: Path
    sample: int = 20


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`[[endpoints]]`: an HTTP address of the application and what it must answer.

    `shown` is the address as the plan writes it, with its `$NAME`s: `url` may hold a secret.
    `body` is a text that the answer contains.
    """

    url: str = field(repr=False)
    status: int = 200
    body: str = ""
    response_time: float | None = None
    shown: str = ""

    def __str__(self) -> str:
        return self.shown


@dataclass(frozen=True, slots=True)
class NamedQuery:
    """`[[queries]]`: a query of the application that must answer, and how fast."""

    name: str
    sql: str
    low: int | None = None
    high: int | None = None
    slowdown: float = 1.5

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class SmokeTest:
    """`[[smoke]]`: a command that must exit 0."""

    command: str

    def __str__(self) -> str:
        return self.command


@dataclass(frozen=True, slots=True)
class Waiver:
    """`[[waivers]]`: a violation that is accepted up to `rows` rows, to the end of `until` (UTC)."""

    check: str
    reason: str
    by: str
    until: date
    rows: int | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole plan; `sha256` is that of the file, and of the rule files beside it."""

    name: str
    path: Path
    sha256: str
    source: Address
    target: Address
    backup: BackupPlan
    record: RecordPlan
    migration: Migration = Migration()
    environment: Environment = Environment()
    system: System = System()
    limits: Limits = Limits()
    tables: Mapping[str, TablePlan] = field(default_factory=dict, hash=False)
    changes: Changes = Changes()
    rules: tuple[BusinessRule, ...] = ()
    endpoints: tuple[Endpoint, ...] = ()
    queries: tuple[NamedQuery, ...] = ()
    smoke: tuple[SmokeTest, ...] = ()
    waivers: tuple[Waiver, ...] = ()

    @property
    def in_place(self) -> bool:
        """Source and target are the same database."""
        return self.source == self.target

    @property
    def directory(self) -> Path:
        """Where the plan file is: relative paths start here."""
        return self.path.parent

    def rules_of(self, kind: type[R]) -> Iterator[R]:
        """The rules of one kind over all tables, in the order of the plan."""
        for table in self.tables.values():
            for rule in table.rules:
                if isinstance(rule, kind):
                    yield rule
