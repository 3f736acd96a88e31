"""A record as a real cutover leaves it, with every kind of result in it."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

from pytest_visionforge.outcome import Evidence, Finding, Offender, Outcome, Result, Severity, Verdict
from pytest_visionforge.record.record import (
    Completeness,
    DatabaseFacts,
    Origin,
    Record,
    TableFacts,
    WaiverFacts,
)

EVIL = "<img src=x onerror=alert(1)>"
STARTED = datetime(2026, 11, 22, 2, 9, 12, 345678, tzinfo=UTC)


def result(name: str, outcome: Outcome = Outcome.PASSED, **facts: Any) -> Result:
    """A result of the rule `name` up to its last dot."""
    rule = facts.pop("rule", name.partition("[")[0])
    suite, _, check = rule.partition(".")
    about = name.partition("[")[2].rstrip("]")
    given = {
        "nodeid": f"visionforge.toml::{suite}.py::check_{check}[{about}]",
        "rule": rule,
        "name": name,
        "phase": "postmigration",
        "suite": suite,
        "severity": Severity.WARN if outcome is Outcome.WARNED else Severity.BLOCK,
        "law": f"The {check.replace('_', ' ')} are as the plan says.",
        "why": "",
        "remedy": "",
        "outcome": outcome,
        "seconds": 0.034,
    }
    return Result(**{**given, **facts})


def violated(name: str, count: int = 1, **facts: Any) -> Result:
    """A violated result with a finding of `count` rows."""
    finding = Finding(says=f"{count} rows are wrong", count=count, of=8412)
    return result(name, Outcome.VIOLATED, **{"finding": finding, **facts})


FAILURES = (
    result(
        "baseline.values[orders.amount]",
        Outcome.VIOLATED,
        law="No value changes that the plan does not declare.",
        why="The migration rounds to 2 digits, the baseline has 4: invoices would no longer add up.",
        remedy="Copy the amount unchanged, or declare it in [changes.tables.orders] columns.values.",
        seconds=4.81,
        finding=Finding(
            says="orders.amount differs from the baseline in 3 rows",
            count=3,
            of=1_048_576,
            sample=(
                Offender({"id": "123456"}, before={"amount": "4567.8901"}, after={"amount": "4567.89"}),
                Offender({"id": "123999"}, before={"amount": "0.0049"}, after={"amount": "0.00"}),
                Offender(
                    {"id": "700001"},
                    before={"amount": "1.0050", "note": " paid "},
                    after={"amount": "1.01", "note": None},
                ),
            ),
            reproduce="select id, amount from orders\nwhere id in (123456, 123999, 700001)",
        ),
    ),
    result(
        f"integrity.rows[{EVIL}]",
        Outcome.VIOLATED,
        law="Each table holds as many rows as before.",
        remedy="Find where the rows went: visionforge explain integrity.rows",
        finding=Finding(says=f"{EVIL} has 996 rows, 1,004 were there before", count=8, of=1004),
        seconds=0.41,
    ),
    result(
        "orders.accepted.status",
        Outcome.VIOLATED,
        rule="consistency.accepted",
        law="Each value is one of the accepted ones.",
        reason="4 rows, waived up to 3",
        finding=Finding(
            says="4 rows have a status that is not accepted",
            count=4,
            of=1_048_576,
            sample=tuple(
                Offender({"id": str(n), "shop": "Øst 🚲"}, says="status = 'refunded'")
                for n in (17, 21, 999, 1200)
            ),
        ),
    ),
)
UNDECIDED = result(
    "performance.plans[last orders of a customer]",
    Outcome.CANNOT_TELL,
    law="No query of the application gets a worse plan.",
    reason="because connect failed: password authentication failed for postgresql://shop:hunter2@db/shop",
    remedy="grant pg_read_all_stats to shop",
)
WARNINGS = (
    result(
        "customers.pattern.email",
        Outcome.WARNED,
        rule="consistency.pattern",
        law="The whole value matches the pattern.",
        finding=Finding(
            says="2 of 41,208 addresses are none",
            count=2,
            of=41_208,
            sample=(Offender({"id": "8"}), Offender({"id": "4711"})),
        ),
    ),
    result(
        "schema.indexes[orders]",
        Outcome.WARNED,
        law="No index is lost.",
        finding=Finding(says="ix_orders_old is not used since 2025-01-01"),
    ),
)
WAIVED = result(
    "customers.accepted.country",
    Outcome.WAIVED,
    rule="consistency.accepted",
    law="Each value is one of the accepted ones.",
    reason="waived until 2026-12-31 by a.meyer: 3 legacy customers in GB, to be merged (SHOP-812)",
    finding=Finding(says="3 rows have a country that is not accepted", count=3, of=41_208),
)
TABLES = ("customers", "orders", "order_lines", "products", "payments", EVIL, "naïve Ünïcode", "audit_log")
GOOD = (
    *(
        result(f"{rule}[{table}]", evidence=Evidence("identical", 1000 * n), seconds=0.02 * n)
        for rule in ("integrity.keys", "baseline.digests", "schema.columns", "consistency.references")
        for n, table in enumerate(TABLES, 1)
    ),
    result("smoke.endpoints[https://shop.example/orders]", evidence=Evidence("200 in 81 ms"), seconds=0.08),
    result("recovery.sequences[all]", Outcome.NOT_APPLICABLE, reason="SQLite has no sequences"),
)
RESULTS = (*GOOD[:9], *WARNINGS, *FAILURES, UNDECIDED, WAIVED, *GOOD[9:])


def _digest(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _table(n: int, name: str) -> TableFacts:
    rows = 1_048_576 // n**3
    changes = {"orders": 0, EVIL: -8, "payments": 2048, "audit_log": 0}
    method = "64-bit sum of row digests, 32 segments"
    if name == "audit_log":
        return TableFacts(name, rows, None, note="excluded: append-only log, moved by replication")
    differs = name in changes
    return TableFacts(
        name,
        rows,
        rows + changes.get(name, 0),
        _digest(name),
        _digest(name, "after") if differs else _digest(name),
        method,
        "renamed from customer" if name == "customers" else "",
    )


def record(**facts: Any) -> Record:
    """The record of a postmigration run that says NO-GO."""
    given = {
        "id": "20261122T020912Z-postmigration-7f3a9c",
        "plan": "shop: MySQL 5.7 -> PostgreSQL 17",
        "plan_sha256": _digest("plan"),
        "phase": "postmigration",
        "started": STARTED,
        "finished": STARTED + timedelta(seconds=127.5),
        "verdict": Verdict.NO_GO,
        "exit_status": 1,
        "completeness": Completeness(
            planned=45,
            ran=42,
            skipped=1,
            deselected=1,
            waived=1,
            not_applicable=1,
            reasons=(
                "3 blocking checks are violated: baseline.values[orders.amount], "
                f"integrity.rows[{EVIL}], orders.accepted.status",
                "1 check could not be decided: performance.plans[last orders of a customer]",
                "1 planned check was skipped: visionforge.toml::smoke.py::check_command[pytest] (no pytest)",
            ),
        ),
        "results": RESULTS,
        "origin": Origin("a.meyer", "db-7.shop.example", "3.13.1", "9.2.0", "0.1.0", "4f0c" * 10),
        "databases": {
            "source": DatabaseFacts(
                "mysql://shop@old/shop", "MySQL", "5.7.44", "uuid 3e11fa47-71ca", 3_100_000_000
            ),
            "target": DatabaseFacts(
                "postgresql://shop@db/shop", "PostgreSQL", "17.2", "system 7423 database shop", 4_200_000_000
            ),
        },
        "tables": tuple(_table(n, name) for n, name in enumerate(TABLES, 1)),
        "changes": ("customer is renamed to customers", "customers.fax is dropped"),
        "backup": {
            "name": "20261122T014100Z-shop",
            "bytes": 3_141_592,
            "sha256": _digest("backup"),
            "verified": "restored",
            "restore_seconds": 74.2,
        },
        "baseline": {"written": "2026-11-22T01:52:00+00:00", "tables": 8, "sha256": _digest("baseline")},
        "waivers": (
            WaiverFacts(
                "customers.accepted.country", "3 legacy customers in GB", "a.meyer", "2026-12-31", "used", 3
            ),
            WaiverFacts("orders.accepted.status", "refunds", "a.meyer", "2026-12-31", "exceeded", 3),
            WaiverFacts("products.range.price", "old prices", "b.li", "2026-01-31", "expired"),
        ),
        "not_checked": (
            "audit_log was not compared: append-only log of 2 TB, moved by replication",
            "The suite expectations did not run: the plan has no expectations.",
        ),
        "previous": _digest("previous"),
    }
    return Record(**{**given, **facts})


def premigration(**facts: Any) -> Record:
    """The record of the premigration run before it, which said GO."""
    earlier = STARTED - timedelta(minutes=27)
    given = {
        "id": "20261122T014212Z-premigration-0a1b2c",
        "phase": "premigration",
        "started": earlier,
        "finished": earlier + timedelta(seconds=81.4),
        "verdict": Verdict.GO,
        "exit_status": 0,
        "completeness": Completeness(planned=len(GOOD), ran=len(GOOD)),
        "results": GOOD,
        "changes": (),
    }
    return record(**{**given, **facts})
