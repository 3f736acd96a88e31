"""A database with rows, a plan about it, and the checks called by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from pytest_visionforge import PREMIGRATION, CannotTell, Evidence, Finding
from pytest_visionforge.database import Database, Table
from pytest_visionforge.names import Names
from pytest_visionforge.plan.values.plan import Plan
from pytest_visionforge.plan.values.rules import TablePlan, TableRule
from pytest_visionforge.plan.values.sections import Address, BackupPlan, RecordPlan
from pytest_visionforge.rules import facts_of
from tests import samples
from tests.checks import matrix


@dataclass
class Bench:
    """A real database with a plan; `run` calls a check as the plugin does, by the names of its arguments."""

    database: Database
    plan: Plan
    phase: str = PREMIGRATION

    @property
    def dbms(self) -> str:
        """sqlite, postgresql or mysql."""
        return self.database.dialect.name

    @property
    def names(self) -> Names:
        """The plan's names."""
        return Names(self.plan, self.database.schema, self.phase)

    def table(self, name: str) -> Table:
        """The facts of a table."""
        return self.names.table(name)

    def rules(self, *rules: TableRule, **more: Any) -> None:
        """Makes these the plan's rules."""
        tables = {rule.table: TablePlan(rule.table, (rule,)) for rule in rules}
        for table in tables:
            own = tuple(rule for rule in rules if rule.table == table)
            tables[table] = replace(tables[table], rules=own, **more)
        self.plan = replace(self.plan, tables=tables)

    def run(self, check: Callable[..., Any], **objects: Any) -> Any:
        """What a check returns; a rule of the plan that is its object is taken into the plan first."""
        for each in objects.values():
            if isinstance(each, TableRule) and each.table not in self.plan.tables:
                self.rules(each)
        known = {"plan": self.plan, "database": self.database, "names": self.names, **objects}
        rule = facts_of(check)
        assert rule is not None
        return check(**{name: known[name] for name in rule.needs})

    def found(self, check: Callable[..., Any], **objects: Any) -> Finding:
        """The finding of a check that must find something; its `reproduce` must show as many rows."""
        said = self.run(check, **objects)
        assert isinstance(said, Finding), said
        matrix.note(facts_of(check), self.dbms, "red")
        if said.reproduce.startswith("SELECT") and said.of is not None and said.sample:
            assert len(self.database.all(said.reproduce.replace(":", r"\:"))) == said.count
        return said

    def passes(self, check: Callable[..., Any], **objects: Any) -> Evidence:
        """The evidence of a check that must find nothing."""
        said = self.run(check, **objects)
        assert isinstance(said, Evidence), said
        matrix.note(facts_of(check), self.dbms, "green")
        return said

    def cannot_tell(self, check: Callable[..., Any], **objects: Any) -> CannotTell:
        """Why a check cannot tell."""
        with pytest.raises(CannotTell) as caught:
            self.run(check, **objects)
        return caught.value


Make = Callable[..., Bench]


@pytest.fixture(autouse=True)
def noted(record_property: Callable[[str, object], None]) -> Iterator[None]:
    """Notes for the matrix what a bench has seen in this test."""
    with matrix.noting(record_property):
        yield


def make_plan(url: str, directory: Path, **more: Any) -> Plan:
    """A plan about one database."""
    address = Address(url, make_url(url).render_as_string(hide_password=True))
    return Plan(
        name="shop",
        path=directory / "visionforge.toml",
        sha256="0" * 64,
        source=address,
        target=address,
        backup=BackupPlan(directory / "backups"),
        record=RecordPlan(directory / "reports"),
        **more,
    )


@pytest.fixture
def bench(url: str, tmp_path: Path) -> Iterator[Make]:
    """Makes a bench of a script of SQL, on each DBMS in turn."""
    yield from _benches(url, tmp_path)


@pytest.fixture
def sqlite_bench(sqlite: str, tmp_path: Path) -> Iterator[Make]:
    """Makes a bench on SQLite alone, for what only SQLite lets in."""
    yield from _benches(sqlite, tmp_path)


@pytest.fixture
def postgresql_bench(postgresql: str, tmp_path: Path) -> Iterator[Make]:
    """Makes a bench on PostgreSQL alone, for what only PostgreSQL has."""
    yield from _benches(postgresql, tmp_path)


@pytest.fixture
def mariadb_bench(mariadb: str, tmp_path: Path) -> Iterator[Make]:
    """Makes a bench on MariaDB alone, for what only MariaDB lets in."""
    yield from _benches(mariadb, tmp_path)


def _benches(url: str, directory: Path) -> Iterator[Make]:
    with Database("source", url, seconds=20, connections=1) as database:  # one must be enough for a check

        def make(script: str = "", **more: Any) -> Bench:
            samples.run(url, script)
            return Bench(database, make_plan(url, directory, **more))

        yield make


SHOP = """
CREATE TABLE customers (
    id integer NOT NULL PRIMARY KEY, email varchar(60), country varchar(2), score decimal(8, 2),
    born date, created_at timestamp NULL, nick varchar(20)
);
CREATE TABLE orders (
    id integer NOT NULL PRIMARY KEY, customer_id integer, status varchar(10), net decimal(10, 2),
    tax decimal(10, 2), total decimal(10, 2), line_count integer,
    ordered_at timestamp NULL, paid_at timestamp NULL, shipped_on date, last_line timestamp NULL
);
CREATE TABLE order_lines (
    order_id integer NOT NULL, line integer NOT NULL, price decimal(10, 2), quantity integer,
    cancelled integer, added_at timestamp NULL, PRIMARY KEY (order_id, line)
);
INSERT INTO customers VALUES
    (1, 'a@shop.example', 'DE', 10.00, '1990-05-01', '2024-01-01 08:00:00', 'anna'),
    (2, 'b@shop.example', 'FR', 100.00, '2000-12-31', '2024-01-02 08:00:00', NULL),
    (3, 'c@shop.example', NULL, NULL, NULL, NULL, NULL);
INSERT INTO orders VALUES
    (1, 1, 'paid', 20.00, 2.00, 22.00, 2, '2024-02-01 10:00:00', '2024-02-02 09:00:00', '2024-02-02',
     '2024-02-01 10:05:00'),
    (2, 1, 'new', 0.30, 0.03, 0.33, 1, '2024-03-01 10:00:00', NULL, NULL, '2024-03-01 10:05:00'),
    (3, 2, 'paid', 0.00, 0.00, 0.00, 0, '2024-03-02 10:00:00', '2024-03-02 11:00:00', '2024-03-02', NULL),
    (4, NULL, 'new', NULL, NULL, NULL, 0, NULL, NULL, NULL, NULL);
INSERT INTO order_lines VALUES
    (1, 1, 5.00, 2, 0, '2024-02-01 10:00:00'), (1, 2, 10.00, 1, 0, '2024-02-01 10:05:00'),
    (2, 1, 0.10, 3, 0, '2024-03-01 10:05:00');
"""


@pytest.fixture
def shop(bench: Make) -> Make:
    """Makes a bench of a small shop without a fault, and what a script adds to it."""
    return lambda script="", **more: bench(SHOP + script, **more)
