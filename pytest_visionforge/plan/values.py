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
#: What can be alerted of while the migration runs.
ALERTS = ("cpu", "memory", "disk", "lock_wait", "transaction", "replication_lag", "replication_slot", "error")
#: Programs that look at a migration before it runs, and the one DBMS whose SQL each reads; "" for all.
DJANGO_LINTER = "django-migration-linter"  # goes through manage.py
LINTERS: Mapping[str, str] = {"squawk": "postgresql", "sqlfluff": "", DJANGO_LINTER: ""}


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
    source's SQL; `types`, `nullable`, `defaults`, `collations` and `comments` name columns of which that
    may differ (`types` covers the collation too).
    """

    renamed: Mapping[str, str] = field(default_factory=dict, hash=False)
    added: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    values: Mapping[str, str] = field(default_factory=dict, hash=False)
    types: tuple[str, ...] = ()
    nullable: tuple[str, ...] = ()
    defaults: tuple[str, ...] = ()
    collations: tuple[str, ...] = ()
    comments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TableChange:
    """`[changes.tables.NAME]`: how one table may differ after the migration (NAME as it is then).

    `rows` is "unchanged", "appended" (rows may be added), "any", or a condition in the source's SQL
    on the row before: exactly those rows are there afterwards. `split_from` is the table before of
    whose rows an added one takes what `columns.renamed` and `columns.values` name, or every column.
    `options` are properties of the table itself that may differ: "comment", "engine", "row security"
    and whatever else a finding names.
    """

    name: str
    renamed_from: str = ""
    split_from: str = ""
    added: bool = False
    dropped: bool = False
    columns: ColumnChanges = ColumnChanges()
    rows: str = "unchanged"
    indexes: Declared = Declared()
    keys: Declared = Declared()
    checks: Declared = Declared()
    triggers: Declared = Declared()
    partitions: Declared = Declared()
    policies: Declared = Declared()
    options: tuple[str, ...] = ()

    @property
    def before(self) -> str:
        """The table's name before the migration."""
        return self.renamed_from or self.name

    @property
    def origin(self) -> str:
        """The name before the migration of the table that its rows are from."""
        return self.split_from or self.before


@dataclass(frozen=True, slots=True)
class RoleChanges:
    """`[changes.roles]`: `renamed` is new -> old, of those who own objects and hold grants."""

    renamed: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Changes:
    """`[changes]`: everything that the migration may change; the rest must come out as it was.

    `owners` names objects whose owner may differ, `options` properties of the database itself. A name in
    `grants` is a text such as "select on orders to reporting", of which parts may be left out.
    """

    tables: Mapping[str, TableChange] = field(default_factory=dict, hash=False)
    views: Declared = Declared()
    sequences: Declared = Declared()
    routines: Declared = Declared()
    types: Declared = Declared()
    extensions: Declared = Declared()
    events: Declared = Declared()
    grants: Declared = Declared()
    roles: RoleChanges = RoleChanges()
    owners: tuple[str, ...] = ()
    options: tuple[str, ...] = ()

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
class Step:
    """`[[migration.steps]]`: one command of several; `repeatable`: it may be run again after it failed."""

    name: str
    command: str
    repeatable: bool = False

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Migration:
    """`[migration]`: what is run, the services around it, the application's version.

    Commands are run by /bin/sh in the plan's directory. `errors` and `ignore` are regular expressions
    of lines that are errors, or are none, whatever the exit status says. `files` are patterns of the SQL files
    that it runs, `linters` the programs that must look at it (empty: those that are installed); `alembic`
    is an alembic.ini, `django` a manage.py.
    """

    command: str = ""
    steps: tuple[Step, ...] = ()
    version: str = ""
    notes: str = ""
    stop: str = ""
    start: str = ""
    start_previous: str = ""
    errors: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    linters: tuple[str, ...] = ()
    alembic: Path | None = None
    django: Path | None = None
    lock_wait_max: float = 5.0
    timeout: float = 7200.0

    @property
    def all_steps(self) -> tuple[Step, ...]:
        """The steps; the one command as the only step where there are none."""
        return self.steps or ((Step("migration", self.command),) if self.command else ())


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
class OwnBackup:
    """`[backup.own]`: the commands (as words) of another tool that backs up, lists, restores, cleans up.

    `url` is the database that `restore` brings up; None: it fills the scratch database that it is told of.
    """

    create: tuple[str, ...]
    restore: tuple[str, ...]
    list: tuple[str, ...] = ()
    stop: tuple[str, ...] = ()
    url: Address | None = None
    timeout: float = 6 * 3600.0


@dataclass(frozen=True, slots=True)
class Store:
    """Where the payloads of backups go, if not as they are into the directory: no secrets, but where these are.

    `repository` is restic's, `password_file` holds its password (None: restic's own environment says it).
    `recipients` are those of age, `identity` the file by which what is encrypted to them is read back.
    With `own` there are no payloads of ours.
    """

    repository: str = field(default="", repr=False)  # the address of a server may hold a password
    password_file: Path | None = None
    recipients: tuple[str, ...] = ()
    identity: Path | None = None
    own: OwnBackup | None = None


@dataclass(frozen=True, slots=True)
class BackupPlan:
    """`[backup]`: where, what kind, how long it is kept, and who puts it back."""

    directory: Path
    kind: Literal["full", "schema", "data"] = "full"
    keep: Mapping[str, int | str | tuple[str, ...]] = field(default_factory=dict, hash=False)
    rollback: Literal["never", "on-failure"] = "never"
    verify: Literal["restored", "decoded", "hashed"] = "restored"
    max_age: float = 86400.0
    store: Store = Store()


@dataclass(frozen=True, slots=True)
class Limits:
    """`[limits]`: seconds, shares (0..1), bytes and counts.

    `transaction` is the age of a transaction of others that keeps the migration from starting;
    `replication_slot` is what a slot may keep of the log while the migration runs;
    `migration_memory` is what the migration's own processes may hold together, None for no limit.
    """

    response_time: float = 5.0
    error_rate: float = 0.01
    cpu: float = 0.8
    memory: float = 0.9
    disk: float = 0.98
    transaction: float = 60.0
    replication_lag: float = 60.0
    replication_slot: int = 1_000_000_000
    migration_memory: int | None = None
    check_time: float = 30.0
    connections: int = 4
    load: float = 1.0


@dataclass(frozen=True, slots=True)
class Checks:
    """`[checks]`: rules that run only when asked for (`also`), and numbers of rules (`limits`).

    `also` are ids, or "all"; `limits` is `suite.word.name` -> number.
    """

    also: tuple[str, ...] = ()
    limits: Mapping[str, float] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class RecordPlan:
    """`[record]`: where records go, how many keys a finding shows, how long they are kept, who must sign.

    `keep` has `last` (of each phase) and `within` (a duration, as it is written); empty: nothing is pruned.
    `signers` maps a person or machine to an Ed25519 public key (base64); `signatures` of them must
    have signed before the gate opens.
    """

    directory: Path
    sample: int = 20
    keep: Mapping[str, int | str] = field(default_factory=dict, hash=False)
    signers: Mapping[str, str] = field(default_factory=dict, hash=False)
    signatures: int = 0


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`[[endpoints]]`: an HTTP address of the application and what it must answer.

    `shown` is the address as the plan writes it, with its `$NAME`s: `url` may hold a secret.
    `body` is a text that the answer contains. It is asked `samples` times after `warm_up` times that do
    not count, `concurrency` at once.
    """

    url: str = field(repr=False)
    status: int = 200
    body: str = ""
    response_time: float | None = None
    samples: int = 20
    warm_up: int = 2
    concurrency: int = 1
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
    samples: int = 5

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class SmokeTest:
    """`[[smoke]]`: a command that must exit 0 within `timeout` seconds."""

    command: str
    timeout: float = 600.0

    def __str__(self) -> str:
        return self.command


@dataclass(frozen=True, slots=True)
class Alerts:
    """`[alerts]`: who is told while the migration runs, and which alerts end it.

    `webhook` is a secret as a whole. `command` is run by /bin/sh and finds the alert in its environment.
    """

    webhook: str = field(default="", repr=False)
    command: str = ""
    abort: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Contact:
    """`[contacts.ID]`: a person or vendor; asked once a problem has lasted `after` seconds."""

    id: str
    name: str
    role: str = ""
    phone: str = ""
    mail: str = ""
    after: float = 0.0


@dataclass(frozen=True, slots=True)
class Waiver:
    """`[[waivers]]`: a violation that is accepted up to `rows` rows, to the end of `until` (UTC).

    One that `visionforge waivers --adopt` wrote has no `reason`, `by` and `until` (None) until somebody fills
    them in, and holds nothing until then.
    """

    check: str
    reason: str
    by: str
    until: date | None
    rows: int | None = None

    @property
    def unfilled(self) -> tuple[str, ...]:
        """The keys that nobody has filled in."""
        said = {"reason": self.reason, "by": self.by, "until": self.until}
        return tuple(key for key, value in said.items() if not value)


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
    checks: Checks = Checks()
    tables: Mapping[str, TablePlan] = field(default_factory=dict, hash=False)
    changes: Changes = Changes()
    rules: tuple[BusinessRule, ...] = ()
    endpoints: tuple[Endpoint, ...] = ()
    queries: tuple[NamedQuery, ...] = ()
    smoke: tuple[SmokeTest, ...] = ()
    alerts: Alerts = Alerts()
    contacts: tuple[Contact, ...] = ()
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
