"""From one DBMS to another: what is declared is GO, what differs is named."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_visionforge.database import Database
from tests import samples
from tests.scenarios import chinook
from tests.scenarios.site import Site
from tests.servers import Server

TWO = """
plan = "across"
[source]
url = "$SOURCE"
[target]
url = "$TARGET"
"""

EMPLOYEES = """
[changes.tables.audit]
added = true
[changes.tables.employee]
indexes.added = ["idx_employee_hire_date"]
[changes.tables.salary]
indexes.added = ["idx_salary_amount"]
"""

# Published with the sample (test_employee_md5.sql).
PUBLISHED = {
    "employee": 1000,
    "department": 9,
    "dept_manager": 16,
    "dept_emp": 1103,
    "title": 1470,
    "salary": 9488,
}


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory, data: Path, postgresql_server: Server) -> Iterator[Site]:
    """Chinook on SQLite, and on PostgreSQL, where everything has another name."""
    folder = tmp_path_factory.mktemp("music")
    source = f"sqlite:///{folder / 'chinook.db'}"
    samples.chinook(source, data)
    target = postgresql_server.create()
    samples.chinook(target, data)
    site = Site(folder, {"SOURCE": source, "TARGET": target})
    site.plan(TWO + _renames(source))
    assert site.pytest("-m", "premigration").returncode == 0
    yield site
    postgresql_server.drop(target)


def _renames(source: str, values: bool = True) -> str:
    """Every table and column declared as renamed; the SQLite file alone has blanks after Edinburgh."""
    plain = chinook.NAMES["postgresql"].plain
    trimmed = {"Customer": ("city", "City"), "Invoice": ("billing_city", "BillingCity")}
    text = ""
    with Database("source", source) as database:
        for table in database.schema.tables.values():
            columns = ", ".join(f'{plain(column.name)} = "{column.name}"' for column in table.columns)
            text += f'[changes.tables.{plain(table.name)}]\nrenamed_from = "{table.name}"\n'
            text += f"columns.renamed = {{ {columns} }}\n"
            if values and table.name in trimmed:
                after, before = trimmed[table.name]
                text += f"columns.values = {{ {after} = 'rtrim(\"{before}\")' }}\n"
    return text


def test_renamed_from_sqlite_to_postgresql_is_go(music: Site) -> None:
    """The same content under declared names is the same."""
    done = music.pytest("-m", "postmigration")
    assert done.returncode == 0, done.stdout
    tables = music.record("postmigration")["tables"]
    assert sum(table["rows_after"] for table in tables) == 15607


def test_what_differs_between_the_samples_is_found(music: Site) -> None:
    """Eight blanks that only one of the two published scripts has are found, each by its key."""
    plan = (music.folder / "visionforge.toml").read_text("utf-8")
    music.plan(TWO + _renames(music.environment["SOURCE"], values=False))
    try:
        assert music.pytest("-m", "postmigration").returncode == 1
    finally:
        music.plan(plan)
    violated = music.violated("postmigration")
    assert violated["customer.values"]["finding"]["count"] == 1
    assert violated["invoice.values"]["finding"]["count"] == 7
    assert violated["customer.values"]["finding"]["sample"][0]["key"] == {"customer_id": "54"}


@pytest.mark.parametrize(
    ("plant", "mend", "name", "key"),
    [
        (
            "UPDATE invoice SET total = total + 0.01 WHERE invoice_id = 9",
            "UPDATE invoice SET total = total - 0.01 WHERE invoice_id = 9",
            "invoice.values",
            {"invoice_id": "9"},
        ),
        (
            "UPDATE customer SET company = '' WHERE customer_id = 2",
            "UPDATE customer SET company = NULL WHERE customer_id = 2",
            "customer.values",
            {"customer_id": "2"},
        ),
        (
            "UPDATE employee SET hire_date = hire_date + interval '1 hour' WHERE employee_id = 4",
            "UPDATE employee SET hire_date = hire_date - interval '1 hour' WHERE employee_id = 4",
            "employee.values",
            {"employee_id": "4"},
        ),
    ],
)
def test_a_defect_across_dbms_is_named(
    music: Site, plant: str, mend: str, name: str, key: dict[str, str]
) -> None:
    """A cent, a NULL, an hour: each is found by its key in the other DBMS."""
    chinook.execute(music.environment["TARGET"], plant)
    try:
        done = music.pytest("-m", "postmigration")
    finally:
        chinook.execute(music.environment["TARGET"], mend)
    assert done.returncode == 1, done.stdout
    assert music.violated("postmigration")[name]["finding"]["sample"][0]["key"] == key


@pytest.fixture(scope="module")
def staff(
    tmp_path_factory: pytest.TempPathFactory, data: Path, postgresql_server: Server, mariadb_server: Server
) -> Iterator[Site]:
    """Employees on MariaDB and on PostgreSQL, as their authors published them."""
    folder = tmp_path_factory.mktemp("staff")
    source, target = mariadb_server.create("CHARACTER SET utf8mb4"), postgresql_server.create()
    samples.employees(source, data)
    samples.employees(target, data)
    site = Site(folder, {"SOURCE": source, "TARGET": target})
    site.plan(TWO + EMPLOYEES)
    premigration = site.pytest("-m", "premigration")
    assert premigration.returncode == 0, premigration.stdout
    yield site
    postgresql_server.drop(target)
    mariadb_server.drop(source)


def test_a_sequence_left_behind_is_found(staff: Site) -> None:
    """The published PostgreSQL script inserts ids and leaves the sequence at 1: the next insert would fail."""
    chinook.execute(staff.environment["TARGET"], "ALTER SEQUENCE employee_emp_no_seq RESTART")
    assert staff.pytest("-m", "postmigration").returncode == 1
    assert list(staff.violated("postmigration")) == ["sequences.employee_emp_no_seq"]


def test_employees_from_mariadb_to_postgresql_is_go(staff: Site) -> None:
    """Once the differences of the schema are declared, every row is the same, in the published numbers."""
    chinook.execute(staff.environment["TARGET"], "SELECT setval('employee_emp_no_seq', 11000)")
    done = staff.pytest("-m", "postmigration")
    assert done.returncode == 0, done.stdout
    tables = staff.record("postmigration")["tables"]
    assert {table["name"]: table["rows_after"] for table in tables} == PUBLISHED


def test_an_undeclared_table_is_found(staff: Site) -> None:
    """A table that only the target has is a finding until it is declared."""
    plan = (staff.folder / "visionforge.toml").read_text("utf-8")
    staff.plan(TWO + EMPLOYEES.replace("[changes.tables.audit]\nadded = true\n", ""))
    try:
        staff.pytest("-m", "postmigration")
    finally:
        staff.plan(plan)
    assert "audit.schema" in staff.violated("postmigration")
