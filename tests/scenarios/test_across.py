"""From one DBMS to another: what is declared is GO, what differs is named."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from pytest_visionforge.compare import TableComparison, between
from pytest_visionforge.database import Database
from pytest_visionforge.plan.values.changes import ColumnChanges, TableChange
from tests import samples
from tests.compare.conftest import plan_of
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

PAIRS = tuple(itertools.permutations(chinook.NAMES, 2))
# What the published scripts of Chinook say differently: one of them has no blank after Edinburgh, and
# MariaDB takes the backslashes in names of tracks for escapes. By table and column: where, which rows.
DIFFERENT = {
    ("Customer", "City"): ("postgresql", {"54"}),
    ("Invoice", "BillingCity"): ("postgresql", {"20", "141", "152", "207", "336", "359", "381"}),
    ("Track", "Name"): ("mariadb", {"3435", "3448", "3485", "3499"}),
}


@contextmanager
def _loaded(
    load: Callable[[str, Path], None], data: Path, folder: Path, postgresql: Server, mariadb: Server
) -> Iterator[Mapping[str, Database]]:
    """A sample on each DBMS, as published."""
    urls = {
        "sqlite": f"sqlite:///{folder / 'sample.db'}",
        "postgresql": postgresql.create(),
        "mariadb": mariadb.create("CHARACTER SET utf8mb4"),
    }
    for url in urls.values():
        load(url, data)
    databases = {dbms: Database("source", url) for dbms, url in urls.items()}
    yield databases
    for database in databases.values():
        database.close()
    postgresql.drop(urls["postgresql"])
    mariadb.drop(urls["mariadb"])


@pytest.fixture(scope="module")
def shops(
    tmp_path_factory: pytest.TempPathFactory, data: Path, postgresql_server: Server, mariadb_server: Server
) -> Iterator[Mapping[str, Database]]:
    """Chinook on each DBMS."""
    folder = tmp_path_factory.mktemp("shops")
    with _loaded(samples.chinook, data, folder, postgresql_server, mariadb_server) as found:
        yield found


@pytest.fixture(scope="module")
def offices(
    tmp_path_factory: pytest.TempPathFactory, data: Path, postgresql_server: Server, mariadb_server: Server
) -> Iterator[Mapping[str, Database]]:
    """Employees on each DBMS."""
    folder = tmp_path_factory.mktemp("offices")
    with _loaded(samples.employees, data, folder, postgresql_server, mariadb_server) as found:
        yield found


@pytest.mark.parametrize(("before", "after"), PAIRS)
def test_chinook_between_any_two(
    shops: Mapping[str, Database], tmp_path: Path, before: str, after: str
) -> None:
    """Every row of the published samples is the same, but for what their scripts say differently."""
    renamed = _renamed(shops["sqlite"], chinook.NAMES[before], chinook.NAMES[after])
    found = _between(shops[before], shops[after], tmp_path, *renamed)
    assert sum(table.rows_before for table in found) == sum(table.rows_after for table in found) == 15607
    expected: dict[tuple[str, str], set[str | None]] = {
        (chinook.NAMES[after].plain(table), chinook.NAMES[after].plain(column)): set(keys)
        for (table, column), (odd, keys) in DIFFERENT.items()
        if odd in (before, after)
    }
    assert _altered(found) == expected
    assert sum(table.lost + table.added for table in found) == 0
    assert {table.table for table in found if not table.equal} == {table for table, _ in expected}


def _renamed(sample: Database, before: chinook.Names, after: chinook.Names) -> Iterator[TableChange]:
    """Every table and column that the two scripts name differently, declared so."""
    for table in sample.schema.tables.values():
        names = {after.plain(column.name): before.plain(column.name) for column in table.columns}
        columns = ColumnChanges(renamed={new: old for new, old in names.items() if new != old})
        old, new = before.plain(table.name), after.plain(table.name)
        yield TableChange(new, renamed_from=old if old != new else "", columns=columns)


def _between(
    source: Database, target: Database, folder: Path, *changes: TableChange
) -> list[TableComparison]:
    first, second = (each.url.render_as_string(hide_password=False) for each in (source, target))
    plan = plan_of(folder, first, second, *changes)
    return [*between(source, target, plan, [change.name for change in changes])]


def _altered(found: list[TableComparison]) -> dict[tuple[str, str], set[str | None]]:
    """The keys of the rows that are altered, by table and column."""
    altered: dict[tuple[str, str], set[str | None]] = {}
    for table in found:
        for offender in table.offenders:
            (key,), (column,) = offender.key.values(), offender.before
            altered.setdefault((table.table, column), set()).add(key)
    return altered


@pytest.mark.parametrize(("before", "after"), PAIRS)
def test_employees_between_any_two(
    offices: Mapping[str, Database], tmp_path: Path, before: str, after: str
) -> None:
    """The published scripts hold the same rows, whatever their types are."""
    changes = [TableChange(table) for table in PUBLISHED]
    found = _between(offices[before], offices[after], tmp_path, *changes)
    assert {table.table: table.rows_after for table in found} == PUBLISHED
    for table in found:
        assert table.equal, table
        assert (table.rows_before, table.offenders) == (table.rows_after, ())


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
