"""The sections of a plan beside its tables, rules and changes, as frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Literal

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
