"""One run of a plan's checks: what every process of it knows and opens.

Under xdist each worker has a `Run` of its own; they share the record's directory, in which the
process that owns the session leaves what it did (`Prepared`).
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from pytest_visionforge.errors import CannotConnect, VisionForgeError
from pytest_visionforge.outcome import CannotTell
from pytest_visionforge.plan.values.changes import Changes
from pytest_visionforge.plan.values.plan import Plan
from pytest_visionforge.progress import Progress
from pytest_visionforge.rules import POSTMIGRATION, PREMIGRATION
from pytest_visionforge.scope import Scope, Server

if TYPE_CHECKING:
    from pytest_visionforge.backup import Backup
    from pytest_visionforge.compare import Baseline
    from pytest_visionforge.database import Database, Schema

BASELINE = "baseline.jsonl.zst"
PREPARED = "prepared.json"
REFUSED = "it was not begun, for no backup can be made with it: see recovery.backup"


@dataclass(frozen=True)
class Prepared:
    """What was done before the checks: the backup's id and its proof, or why there is none."""

    backup: str = ""
    proof: str = ""
    baseline_error: str = ""
    backup_error: str = ""
    proof_error: str = ""

    @property
    def failed(self) -> str:
        """The first that went wrong, "" where nothing did; what follows from it needs no word."""
        failures = {
            "no backup": self.backup_error if self.baseline_error in ("", REFUSED) else "",
            "no baseline": self.baseline_error,
            "the backup is not proved": self.proof_error,
        }
        return next((f"{what}: {why}" for what, why in failures.items() if why), "")

    def write(self, directory: Path) -> None:
        """Leaves it where the workers and later runs find it."""
        directory.mkdir(parents=True, exist_ok=True)
        (directory / PREPARED).write_text(json.dumps(asdict(self)), "utf-8")

    @classmethod
    def read(cls, directory: Path) -> Prepared:
        """What was left there; nothing where nothing was done."""
        path = directory / PREPARED
        return cls(**json.loads(path.read_text("utf-8"))) if path.is_file() else cls()


class Run:
    """The plan, the phase, the databases, the baseline and the backup of one run.

    `stamp` (when it began) and `token` (random) name it in all its processes; `phase` is "" until the
    checks of one phase were selected. What it opens, `close` closes.
    """

    def __init__(self, plan: Plan, stamp: str, token: str, records: Path) -> None:
        self.plan = plan
        self.stamp = stamp
        self.token = token
        self.records = records
        self.phase = ""
        self._databases: dict[str, Database] = {}
        self._unreachable: dict[str, str] = {}
        self._stack = ExitStack()
        self._aside: TextIO | None = None

    @property
    def id(self) -> str:
        """The record's id."""
        return f"{self.stamp}-{self.phase}-{self.token}"

    @property
    def changes(self) -> Changes:
        """What the migration may have changed by now: nothing, unless this is after it."""
        return self.plan.changes if self.phase == POSTMIGRATION else Changes()

    @property
    def directory(self) -> Path:
        """Where this run's record goes."""
        return self.records / self.id

    def close(self) -> None:
        """Closes databases and drops scratch databases."""
        self._stack.close()
        for database in self._databases.values():
            database.close()

    # ------------------------------------------------------------------ words of long checks

    def speak(self, stream: TextIO) -> None:
        """From now on long checks tell how far they are where the stream leads now, past pytest's capturing."""
        with suppress(OSError, ValueError):  # it has no file: then nobody looks
            self._aside = self._stack.enter_context(os.fdopen(os.dup(stream.fileno()), "w", errors="replace"))

    @contextmanager
    def progress(self) -> Iterator[Callable[[str], None]]:
        """What one check tells of its progress; unheard in a worker, whose terminal is another's."""
        if self._aside is None:
            yield lambda words: None
        else:
            with Progress(self._aside, apart=True) as tell:
                yield tell

    # ------------------------------------------------------------------ databases

    def role(self, phase: str) -> str:
        """Which database a phase is about: after a rollback it is the source again."""
        return self.plan.migrated if phase == POSTMIGRATION else "source"

    def database(self, role: str) -> Database:
        """A database, not opened yet."""
        from pytest_visionforge.database import Database

        if role not in self._databases:
            address = self.plan.source if role == "source" else self.plan.target
            limits = self.plan.limits
            self._databases[role] = Database(
                role,
                address.url,
                shown=address.shown,
                seconds=limits.check_time,
                connections=limits.connections,
            )
        return self._databases[role]

    def reachable(self, role: str) -> Database:
        """A database that answers; CannotTell, tried only once in a run, where it does not."""
        database = self.database(role)
        if role not in self._unreachable:
            try:
                with database.session():
                    self._unreachable[role] = ""
            except CannotConnect as error:
                self._unreachable[role] = f"because readiness.connect[{role}] failed: {error}"
        if self._unreachable[role]:
            raise CannotTell(self._unreachable[role])
        return database

    def schema(self, phase: str) -> Schema | None:
        """The schema that a phase's checks are about; None where it cannot be read.

        Then no check of a table is collected; so that this is no pass, whatever else wants the
        database in this run cannot tell either, even if it answers later.
        """
        role = self.role(phase)
        try:
            return self.reachable(role).schema
        except CannotTell:
            return None
        except VisionForgeError as error:
            self._unreachable[role] = f"because the schema of the {role} could not be read: {error}"
            return None

    def scope(self, phase: str) -> Scope:
        """What the objects of a phase's checks are found in."""
        schema = self.schema(phase)
        return Scope(
            plan=self.plan,
            phase=phase,
            schema=schema,
            baseline=None if phase == PREMIGRATION else self.baseline_or_none,
            directories=self._directories(phase) if schema else (),
            servers={role: self._server(role) for role in self.plan.roles},
        )

    def _server(self, role: str) -> Server:
        """What a database says of itself; its dialect alone where it does not answer."""
        dialect = self.database(role).dialect.name
        try:
            database = self.reachable(role)
            return Server(dialect, database.identity.dbms, database.version)
        except (CannotTell, VisionForgeError):
            return Server(dialect)

    def _directories(self, phase: str) -> tuple[str, ...]:
        database = self.database(self.role(phase))
        with database.session() as session:
            return tuple(database.dialect.catalog.data_directories(session, database.url))

    # ------------------------------------------------------------------ before

    @cached_property
    def premigration(self) -> Path | None:
        """The record of the premigration run that this one is measured against; None if there is none."""
        if self.phase == PREMIGRATION:
            return self.directory
        ended = (path.parent for path in self.records.glob(f"*-{PREMIGRATION}-*/record.json"))
        return max((path for path in ended if (path / BASELINE).is_file()), default=None)

    @property
    def baseline_or_none(self) -> Baseline | None:
        """The baseline, where there is a readable one."""
        try:
            return self.baseline
        except CannotTell:
            return None

    @cached_property
    def baseline(self) -> Baseline:
        """The facts of every table before the migration; CannotTell where there are none."""
        from pytest_visionforge import compare

        directory = self.premigration
        if directory is None:
            raise CannotTell("there is no baseline", "run pytest -m premigration before the migration")
        error = Prepared.read(directory).baseline_error
        if error:
            raise CannotTell(f"because the baseline failed: {error}")
        try:
            return compare.read(directory / BASELINE)
        except VisionForgeError as error_:
            raise CannotTell(f"because the baseline cannot be read: {error_}") from None

    @cached_property
    def backup(self) -> Backup:
        """The backup that premigration took; CannotTell where there is none."""
        from pytest_visionforge import backup

        prepared = Prepared.read(self.premigration) if self.premigration else Prepared()
        if prepared.backup_error or not prepared.backup:
            raise CannotTell(f"because the backup failed: {prepared.backup_error or 'none was taken'}")
        try:
            return backup.find(self.plan.backup.directory, prepared.backup, self.plan.backup.store)
        except VisionForgeError as error:
            raise CannotTell(f"because the backup is gone: {error}") from None

    @cached_property
    def before(self) -> Callable[[], Database]:
        """Gives the database as it was before the migration: the source, or the backup in scratch."""
        if not self.plan.in_place and self.phase == POSTMIGRATION:
            return lambda: self.reachable("source")
        return lambda: self._scratch

    @cached_property
    def _scratch(self) -> Database:
        from pytest_visionforge import backup

        worker = os.environ.get("PYTEST_XDIST_WORKER", "")
        url = self.database("source").url
        return self._stack.enter_context(backup.scratch(self.backup, url=url, apart=worker and f"_{worker}"))
