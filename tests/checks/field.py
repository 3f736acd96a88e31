"""A place to plant defects in: one database per DBMS, which is clean before and after each of them."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import create_engine, make_url
from sqlalchemy.pool import NullPool

from checks import consistency, integrity, readiness
from pytest_visionforge import PREMIGRATION, CannotTell, Evidence, Finding, dialects
from pytest_visionforge.database import Database
from pytest_visionforge.errors import DatabaseError
from pytest_visionforge.names import Names
from pytest_visionforge.objects import of_rule
from pytest_visionforge.plan.values.plan import Plan
from pytest_visionforge.plan.values.sections import Address, Checks
from pytest_visionforge.rules import Rule, facts_of
from pytest_visionforge.scope import Scope, Server
from tests import samples, servers
from tests.checks.conftest import make_plan

SUITES: Mapping[str, ModuleType] = {
    "readiness": readiness,
    "integrity": integrity,
    "consistency": consistency,
}
BASE = (
    "CREATE TABLE customers (id integer NOT NULL PRIMARY KEY, email varchar(60));"
    "INSERT INTO customers VALUES (1, 'a')"
)
SECONDS = 20.0
Said = list[Evidence | Finding | CannotTell]


@dataclass
class Field:
    """A database, the server it is on (None: SQLite), a folder, and pytest's patches."""

    url: str
    server: servers.Server | None
    folder: Path
    patch: pytest.MonkeyPatch

    @property
    def dialect(self) -> str:
        """sqlite, postgresql or mysql."""
        return dialects.of(dialects.parse_url(self.url)).name

    @property
    def name(self) -> str:
        """The database's name."""
        return str(make_url(self.url).database)

    def run(self, script: str) -> None:
        """Statements in one transaction; on SQLite also on the catalogue itself."""
        if self.dialect == "sqlite":
            with closing(sqlite3.connect(self.name)) as connection:
                connection.executescript(f"PRAGMA writable_schema = ON; {script}")
        else:
            samples.execute(
                self.url, *filter(None, map(str.strip, script.split(";;" if ";;" in script else ";")))
            )

    def admin(self, sql: str) -> None:
        """A statement of its own, as the administrator."""
        assert self.server
        self.server.run(sql.replace("{db}", self.name))

    def alone(self, *sql: str) -> None:
        """Statements on a connection of their own, outside any transaction."""
        engine = create_engine(dialects.parse_url(self.url), poolclass=NullPool, isolation_level="AUTOCOMMIT")
        connection = engine.raw_connection()
        driver: Any = connection.driver_connection
        connection.detach()  # so that closing it does not roll back
        for statement in sql:
            driver.cursor().execute(statement)
        driver.close()

    @contextmanager
    def held(self, *sql: str) -> Iterator[None]:
        """A transaction that stays open after these statements."""
        engine = create_engine(dialects.parse_url(self.url), poolclass=NullPool)
        with engine.connect() as connection:
            for statement in sql:
                connection.exec_driver_sql(statement)
            time.sleep(0.2)  # InnoDB tells of its transactions with some delay
            yield
            connection.rollback()

    @contextmanager
    def waiting(self, sql: str) -> Iterator[None]:
        """A session that waits for a lock while it runs a statement."""
        thread = threading.Thread(target=lambda: samples.execute(self.url, sql), daemon=True)
        with self.held(sql):
            thread.start()
            time.sleep(0.5)
            yield
        thread.join(SECONDS)


@dataclass(frozen=True)
class Look:
    """How a rule is looked at: its limits, where the migration leads to, and what else the plan says."""

    limits: Mapping[str, float]
    target: str = ""
    plan: Mapping[str, Any] | None = None
    asked: bool = True

    def outcomes(self, id: str, field: Field) -> Said:
        """What a rule says of each of its objects; nothing where it does not apply."""
        suite, _, word = id.partition(".")
        ((_, said),) = self.all_outcomes([vars(SUITES[suite])[f"check_{word}"]], field)
        return said

    def all_outcomes(self, checks: Iterable[Callable[..., Any]], field: Field) -> Iterator[tuple[Rule, Said]]:
        """What each check says of each of its objects."""
        with (
            Database("source", field.url, seconds=SECONDS, connections=2) as source,
            Database("target", self._target(field), seconds=SECONDS, connections=2) as target,
        ):
            for check in checks:
                rule = facts_of(check)
                assert rule
                scope = Scope(
                    plan=self._plan(rule.id, field),
                    phase=PREMIGRATION,
                    schema=source.schema,
                    directories=(str(field.folder),),
                    servers=self._servers(source, target, field),
                )
                objects = of_rule(rule, scope)
                yield rule, list(_called(check, rule.needs, objects, scope, source, target))

    def _target(self, field: Field) -> str:
        return self.target if "://" in self.target else field.url

    def _servers(self, source: Database, target: Database, field: Field) -> dict[str, Server]:
        ours = Server(source.dialect.name, source.identity.dbms, source.version)
        theirs = ours if "://" in self.target else Server(self.target, self.target)
        return {"source": ours, "target": theirs} if self.target else {"source": ours}

    def _plan(self, id: str, field: Field) -> Plan:
        plan = make_plan(field.url, field.folder)
        limits = {f"{id}.{name}": value for name, value in self.limits.items()}
        checks = Checks(also=("all",) if self.asked else (), limits=limits)
        if self.target:
            plan = replace(plan, target=Address(f"elsewhere {self.target}", "elsewhere"))
        return replace(plan, checks=checks, **(self.plan or {}))


def _called(
    check: Callable[..., Any],
    needs: tuple[str, ...],
    objects: list[Any] | None,
    scope: Scope,
    source: Database,
    target: Database,
) -> Iterator[Evidence | Finding | CannotTell]:
    databases = {"source": source, "target": target}
    known: dict[str, Any] = {
        "plan": scope.plan,
        "database": source,
        "unopened": databases.__getitem__,
        "names": Names(scope.plan, source.schema, scope.phase),
    }
    if "sequences_behind" in needs:
        from pytest_visionforge import compare

        with source.session() as session:
            known["sequences_behind"] = {
                each.sequence: each for each in compare.behind(session, source.schema)
            }
    for value in [None] if objects is None else [each.value for each in objects]:
        given = {name: known.get(name, value) for name in needs}
        try:
            yield check(**given)
        except CannotTell as reason:
            yield reason
        except DatabaseError as error:  # no answer either, as the plugin takes it
            yield CannotTell(str(error), error.remedy)
