"""A database of many tables: how long collecting its checks takes, and the whole of premigration.

A thousand of them (or `--rows`, if that is less), each with a key, a foreign key, a CHECK and ten rows.
Without a backup: `create` is a program of its own that makes none.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping

from bench.databases import folder, run
from bench.measure import run as timed
from bench.measure import say
from bench.report import stamp, table
from bench.section import Bench, Json, Section, names

PARTS = ("sqlite", "pg", "mariadb")
TABLES, ROWS = 1000, 10
PLAN = """
plan = "{count} tables"
[database]
url = "{url}"
[backup]
verify = "hashed"
[backup.own]
create  = "echo none"
restore = "true"
"""
COMMAND = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "premigration")


def measure(bench: Bench, part: str) -> Json:
    """Collecting, then premigration, of one DBMS; what the gate says does not matter, how long it takes does."""
    count = min(TABLES, bench.rows)
    say(f"making {count:,} tables in {names(part)}")
    url = _made(bench, part, count)
    plan = folder() / f"tables-{part}" / "visionforge.toml"
    plan.parent.mkdir(exist_ok=True)
    plan.write_text(PLAN.format(count=count, url=url), "utf-8")
    collected = timed([*COMMAND, "--collect-only", str(plan)])
    checked = timed([*COMMAND, str(plan)])
    say(f"  {collected.seconds:8.2f} s  collecting\n  {checked.seconds:8.2f} s  premigration")
    found = re.search(r"(\d+) tests? collected", collected.output)
    return {
        "tables": count,
        "checks": int(found[1]) if found else 0,
        "collecting": round(collected.seconds, 2),
        "premigration": round(checked.seconds, 2),
        "peak_mb": round(checked.peak_mb, 1),
        "errors": "" if found and checked.status in (0, 1) else (checked.output + checked.errors)[-500:],
    }


def _made(bench: Bench, part: str, count: int) -> str:
    """The URL of a new database with so many tables."""
    if part == "sqlite":
        path = folder() / f"vf_bench_{count}_tables.db"
        path.unlink(missing_ok=True)
        url = f"sqlite:///{path}"
    else:
        server, name = bench.databases.server(part), f"vf_bench_{count}_tables"
        url = server.admin.set(database=name).render_as_string(hide_password=False)
        server.drop(url)
        server.run(f"CREATE DATABASE {name}")
    run(url, *_statements(count))
    return url


def _statements(count: int) -> Iterator[str]:
    for number in range(count):
        parent = f"t{number - 1 if number else 0:04}"
        yield (
            f"CREATE TABLE t{number:04} (id integer NOT NULL PRIMARY KEY, parent integer,"
            f" code varchar(20) NOT NULL, price numeric(12, 2), made_at timestamp NULL, CHECK (price >= 0),"
            f" FOREIGN KEY (parent) REFERENCES {parent} (id))"
        )
        rows = ", ".join(f"({row}, NULL, 'c{row}', {row}.50, '2024-01-01 10:00:00')" for row in range(ROWS))
        yield f"INSERT INTO t{number:04} VALUES {rows}"


def show(entries: Mapping[str, Json]) -> str:
    """One table."""
    lines = (
        [
            names(part),
            f"{each['tables']:,}",
            f"{each['checks']:,}",
            f"{each['collecting']:.1f}",
            f"{each['premigration']:.1f}",
            f"{each['peak_mb']:.0f}",
            stamp({**each, "rows": each["tables"] * ROWS})
            + (f", FAILED: {each['errors']}" if each["errors"] else ""),
        ]
        for part, each in entries.items()
    )
    heads = ("", "tables", "checks", "collecting s", "premigration s, without backup", "peak MB", "measured")
    return table(heads, lines)


SECTION = Section("tables", "Many tables", PARTS, measure, show)
