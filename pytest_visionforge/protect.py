"""`--visionforge-protect`: the plan's database is what it was before one's own tests, whatever they did.

The process that owns the session (under xdist the controller) makes and proves a backup before the
first test, and puts it back after the last. Between the two the journal has an open entry, so that
a session that was killed is known to the next one.
"""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_visionforge.errors import PlanError, VisionForgeError
from pytest_visionforge.progress import Progress

if TYPE_CHECKING:
    from pytest_visionforge.backup import Backup
    from pytest_visionforge.cutover.journal import Entry, Journal
    from pytest_visionforge.plan.values.plan import Plan

ACTION = "protect"
FAILED = (pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.INTERRUPTED, pytest.ExitCode.INTERNAL_ERROR)


class Protector:
    """Backs up before the session, puts back after it; `when` is "always", "on-failure" or "never"."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.when: str = config.getoption("visionforge_protect")
        self.said: list[str] = []
        self._open = ExitStack()
        self._backup: Backup | None = None
        self._plan: Plan | None = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        """Makes the backup, before a worker or a test begins; a usage error where that cannot be."""
        try:
            self._plan = plan = self._read()
            refuse_open(plan)
            with Progress(sys.stderr) as tell:
                self._backup = made = _proved(plan, tell)
            self._open.enter_context(
                _journal(plan).step(ACTION, plan.target.shown, backup=made.id, when=self.when)
            )
        except VisionForgeError as error:
            raise pytest.UsageError(f"--visionforge-protect: {error}") from None

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_sessionfinish(
        self, session: pytest.Session, exitstatus: int
    ) -> Generator[None, object, object]:
        """Puts the backup back, once all tests and workers have ended, also after Ctrl-C."""
        result = yield
        if self._backup is None or self._plan is None:
            return result
        failed = exitstatus in FAILED
        if self.when == "always" or (self.when == "on-failure" and failed):
            self._put_back(session, self._plan, self._backup)
        else:
            self.said.append(f"the database is as the tests left it; {self._backup.id} is as it was before")
            self._open.close()
        return result

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Says what became of the database."""
        for line in self.said:
            terminalreporter.line(f"visionforge-protect: {line}")

    def _read(self) -> Plan:
        from pytest_visionforge import plan
        from pytest_visionforge.session import plan_path

        path = plan_path(self.config)
        if path is None:
            raise PlanError("no plan was found: write a visionforge.toml beside your pytest.ini")
        read = plan.read(path)
        if not read.in_place:
            raise PlanError("the plan has two databases; protecting is for one: write a plan with [database]")
        return read

    def _put_back(self, session: pytest.Session, plan: Plan, made: Backup) -> None:
        """A database that could not be put back must not look like a good end."""
        from pytest_visionforge import backup
        from pytest_visionforge.cutover.rollback import rollback

        try:
            with Progress(sys.stderr) as tell:
                done = rollback(plan, backup_id=made.id, echo=tell)
            if done.kept:
                backup.discard(plan.backup.directory, plan.target.url, done.kept)
            self.said.append(f"the database is as it was before the tests: {done.says}")
            self._open.close()
        except VisionForgeError as error:
            self.said.append(
                f"THE DATABASE WAS NOT PUT BACK: {error}; visionforge rollback --backup {made.id}"
            )
            session.exitstatus = pytest.ExitCode.INTERNAL_ERROR


def refuse_open(plan: Plan) -> None:
    """PlanError where a protected session was killed, and its backup has not been put back since."""
    journal = _journal(plan)
    for entry in _open_entries(plan, journal.path):
        if not _is_back(journal.path, entry):
            id = entry.facts["backup"]
            raise PlanError(
                f"a protected session that began {entry.time} was killed, and the database may be as its tests"
                f" left it. Put it back: visionforge rollback --backup {id} --yes"
            )
        journal.close(entry, error="Killed", says="its backup was put back later")


def _open_entries(plan: Plan, path: Path) -> tuple[Entry, ...]:
    from pytest_visionforge.cutover.journal import unfinished

    return tuple(
        each for each in unfinished(path) if (each.action, each.object) == (ACTION, plan.target.shown)
    )


def _is_back(path: Path, opened: Entry) -> bool:
    """Has its backup been put back since?"""
    from pytest_visionforge.cutover.journal import steps

    return any(
        begin.seq > opened.seq and end.result == "ok" and begin.facts.get("backup") == opened.facts["backup"]
        for begin, end in steps(path)
        if begin.action == "rollback"
    )


def _journal(plan: Plan) -> Journal:
    from pytest_visionforge.cutover.migrate import journal_of

    return journal_of(plan)


def _proved(plan: Plan, tell: Progress) -> Backup:
    """A full backup of the database as it is now, restored once."""
    from pytest_visionforge import backup
    from pytest_visionforge.database import Database

    with Database("source", plan.source.url, shown=plan.source.shown) as database:
        made = backup.create(
            database,
            plan.backup.directory,
            kind="full",
            url=database.url,
            shown=plan.source.shown,
            progress=tell,
            store=plan.backup.store,
            level="restored",
        )
    backup.verify(made, level="restored", progress=tell, scratch_url=plan.source.url)
    return made
