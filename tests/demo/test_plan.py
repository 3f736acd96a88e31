"""The demo's plan: its rules hold on clean data and go red on a defect, its changes are the migration's."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import Engine

from pytest_visionforge import plan as p
from pytest_visionforge.demo.demo import lay_out, plan_for
from pytest_visionforge.demo.generate import generate
from pytest_visionforge.demo.tables import connect, metadata
from pytest_visionforge.plan.values.plan import Plan
from tests.demo import laws
from tests.demo.samples import Upgrade, rows

# For each rule of before the migration, what breaks it in one table.
DEFECTS = {
    "accounts.rows": "delete from accounts",
    "accounts.not_null.email": "update accounts set email = null where id = 1",
    "accounts.not_null.name": "update accounts set name = null where id = 1",
    "accounts.unique.lower(email)": (
        "update accounts set email = (select upper(email) from accounts where id = 1) where id = 2"
    ),
    "accounts.pattern.email": "update accounts set email = 'nobody' where id = 1",
    "accounts.accepted.tier": "update accounts set tier = 'gold' where id = 1",
    "accounts.range.credit_limit": "update accounts set credit_limit = 100000.01 where id = 1",
    "accounts.not_future.created_at": "update accounts set created_at = '9999-01-01 00:00:00' where id = 1",
    "accounts.has.projects.account_id": "delete from projects where account_id = 1",
    "projects.unique.account_id,slug": "insert into projects select * from projects where id = 1",
    "projects.after.created_at": "update projects set created_at = '2001-01-01 00:00:00' where id = 1",
    "media.not_null.path": "update assets set path = null where rowid = 1",
    "media.accepted.kind": "update assets set kind = 'sound' where rowid = 1",
    "media.range.bytes": "update assets set bytes = 0 where rowid = 1",
    "models.range.accuracy": "update models set accuracy = 1.01 where id = 1",
    "models.range.version": "update models set version = 0 where id = 1",
    "models.after.created_at": "update models set created_at = '2001-01-01 00:00:00' where id = 1",
    "runs.accepted.status": "update runs set status = 'lost' where id = 1",
    "runs.order.created_at<=started_at<=finished_at": (
        "update runs set started_at = null, finished_at = '2001-01-01 00:00:00' where id = 1"
    ),
    "runs.after.created_at": "update runs set created_at = '2001-01-01 00:00:00' where id = 1",
    "runs.check.status not in ('finished', 'failed') or finished_at is not null": (
        "update runs set finished_at = null where status = 'finished'"
    ),
    "invoices.pattern.number": "update invoices set number = 'VF-24-1' where id = 1",
    "invoices.accepted.status": "update invoices set status = 'due' where id = 1",
    "invoices.range.amount": "update invoices set amount = -0.01 where id = 1",
    "invoices.range.paid": "update invoices set paid = -0.01 where id = 1",
    "invoices.has.invoice_lines.invoice_id": "delete from invoice_lines where invoice_id = 1",
    "invoices.order.issued_at<=due_at": "update invoices set due_at = '2001-01-01 00:00:00' where id = 1",
    "invoices.order.issued_at<=paid_at": "update invoices set paid_at = '2001-01-01 00:00:00' where id = 1",
    "invoices.after.issued_at": "update invoices set issued_at = '2001-01-01 00:00:00' where id = 1",
    "invoices.aggregate.paid": "update invoices set paid = paid + 0.0001 where id = 1",
    "invoices.aggregate.line_count": "insert into invoice_lines select * from invoice_lines limit 1",
    "invoices.check.status <> 'paid' or paid_at is not null": "update invoices set paid_at = null",
    "invoice_lines.range.line_no": "update invoice_lines set line_no = 0 where invoice_id = 1",
    "invoice_lines.range.quantity": "update invoice_lines set quantity = -1 where invoice_id = 1",
    "invoice_lines.calculated.line_total": "update invoice_lines set line_total = line_total + 0.0001",
    "payments.accepted.status": "update payments set status = 'lost' where id = 1",
    "payments.accepted.method": "update payments set method = 'barter' where id = 1",
    "payments.after.paid_at": "update payments set paid_at = '2001-01-01 00:00:00' where id = 1",
    "audit_events.not_null.actor": "update audit_events set actor = null where rowid = 1",
    "audit_events.not_null.action": "update audit_events set action = null where rowid = 1",
    "audit_events.not_null.at": "update audit_events set at = null where rowid = 1",
    "audit_events.references.account_id": "update audit_events set account_id = 0 where rowid = 1",
    "audit_events.not_future.at": "update audit_events set at = '9999-01-01 00:00:00' where rowid = 1",
    "invoices-add-up": "update invoice_lines set line_total = line_total + 0.01 where invoice_id = 1",
    "paid-invoices-are-settled": "update invoices set status = 'paid', paid = 0 where id = 1",
    "retries-follow-a-failure": "update runs set retry_of = (select id from runs where status = 'finished')",
    "schema-is-at-0001": "update alembic_version set version_num = '0002'",
}


def plan_at(directory: Path, url: str = "sqlite:///visionforge.db", dbms: str = "sqlite") -> Plan:
    """The demo's plan, read as the plugin reads it."""
    path = directory / "visionforge.toml"
    path.write_text(plan_for(dbms), encoding="utf-8")
    return p.read(path, {"VISIONFORGE_DEMO_DB": url})


def broken(engine: Engine, plan: Plan, when: str) -> dict[str, int]:
    """Every rule that is to hold at this time, and how many rows break it."""
    with engine.connect() as connection:
        found = {
            rule.name: laws.broken(
                connection, rule, table.name if when == "after" else plan.changes.of(table.name).before
            )
            for table in plan.tables.values()
            for rule in table.rules
            if rule.when in ("both", when)
        }
        own = {
            rule.id: laws.offenders(connection, rule) for rule in plan.rules if rule.when in ("both", when)
        }
    return found | own


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small generated database, to be copied."""
    path = tmp_path_factory.mktemp("small") / "small.db"
    generate(f"sqlite:///{path}", scale=0.01)
    return path


def test_every_rule_holds_before_and_after(engine: Engine, upgrade: Upgrade, tmp_path: Path) -> None:
    """No rule of the plan is broken by generated data, nor after the good migration, on any DBMS."""
    plan = plan_at(tmp_path, dbms=engine.dialect.name)
    before = broken(engine, plan, "before")
    assert len(before) > 40
    assert {name: rows for name, rows in before.items() if rows} == {}
    upgrade(engine, fixed=True)
    assert {name: rows for name, rows in broken(engine, plan, "after").items() if rows} == {}


def test_a_defect_is_planted_for_every_rule(tmp_path: Path) -> None:
    """No rule of before the migration goes untried."""
    plan = plan_at(tmp_path)
    tried = {rule.name for table in plan.tables.values() for rule in table.rules if rule.when != "after"}
    assert tried | {rule.id for rule in plan.rules if rule.when != "after"} == set(DEFECTS)


@pytest.mark.parametrize("name", DEFECTS)
def test_a_rule_goes_red_on_its_defect(name: str, small: Path, tmp_path: Path) -> None:
    """Each rule finds the rows that break it."""
    path = Path(shutil.copy(small, tmp_path))
    plant(path, DEFECTS[name])
    engine = connect(f"sqlite:///{path}")
    assert broken(engine, plan_at(tmp_path), "before")[name] > 0
    engine.dispose()


def plant(path: Path, statement: str) -> None:
    """Run a statement in a copy of the tables that has none of their constraints."""
    with sqlite3.connect(path) as connection:
        for table in metadata.tables:
            connection.execute(f"alter table {table} rename to kept_{table}")
            connection.execute(f"create table {table} as select * from kept_{table}")
        assert connection.execute(statement).rowcount > 0
    connection.close()


def test_a_migration_that_stops_halfway_breaks_the_rule_of_after(small: Path, tmp_path: Path) -> None:
    """At revision 0001 the rule that wants 0002 is broken."""
    engine = connect(f"sqlite:///{small}")
    (last,) = [rule for rule in plan_at(tmp_path).rules if rule.when == "after"]
    with engine.connect() as connection:
        assert laws.offenders(connection, last) == 1
    engine.dispose()


def test_declared_values_are_what_the_migration_gives(
    engine: Engine, upgrade: Upgrade, tmp_path: Path
) -> None:
    """Each expression under [changes], over the rows before, gives the column after, on every DBMS."""
    changes = plan_at(tmp_path, dbms=engine.dialect.name).changes.tables.values()
    declared = [(change, *item) for change in changes for item in change.columns.values.items()]
    wanted = [
        rows(engine, f"select {_key(change.name)}, {expression} from {change.before} order by 1")
        for change, _, expression in declared
    ]
    assert len(declared) == 4
    upgrade(engine, fixed=True)
    for (change, column, _), values in zip(declared, wanted, strict=True):
        assert rows(engine, f"select {_key(change.name)}, {column} from {change.name} order by 1") == values


def _key(table: str) -> str:
    """What identifies a row: Alembic's own table has one row, whose key is what changes."""
    return "1" if table == "alembic_version" else "id"


def test_the_address_is_relative_to_the_plan(tmp_path: Path) -> None:
    """The short address of the demo names the database beside the plan."""
    lay_out(tmp_path, fixed=True)
    plan = p.read(tmp_path / "visionforge.toml", {"VISIONFORGE_DEMO_DB": "sqlite:///visionforge.db"})
    assert str(tmp_path / "visionforge.db") in plan.source.url
    assert str(plan.source) == "sqlite:///visionforge.db"
