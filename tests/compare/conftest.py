"""Two databases of one DBMS: as it was, and as the migration left it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from pytest_visionforge.compare import Baseline, TableComparison, compare_table, read, take
from pytest_visionforge.database import Database
from pytest_visionforge.plan.values.changes import Changes, TableChange
from pytest_visionforge.plan.values.plan import Plan
from pytest_visionforge.plan.values.rules import TablePlan
from pytest_visionforge.plan.values.sections import Address, BackupPlan, RecordPlan
from tests import servers

# what the tests' schemas write in the words of each DBMS
WORDS = {
    "sqlite": {"TIMESTAMP": "TIMESTAMP", "DOUBLE": "DOUBLE", "BLOB": "BLOB", "BOOLEAN": "BOOLEAN"},
    "postgresql": {
        "TIMESTAMP": "timestamp",
        "DOUBLE": "double precision",
        "BLOB": "bytea",
        "BOOLEAN": "boolean",
    },
    "mysql": {"TIMESTAMP": "datetime(6)", "DOUBLE": "double", "BLOB": "longblob", "BOOLEAN": "boolean"},
}


def run(url: str, *statements: str) -> None:
    """Runs statements and commits them; $WORD stands for the DBMS's own word."""
    engine = create_engine(url)
    name = {"mariadb": "mysql"}.get(engine.dialect.name, engine.dialect.name)
    try:
        with engine.begin() as connection:
            for statement in statements:
                for word, here in WORDS[name].items():
                    statement = statement.replace(f"${word}", here)
                connection.exec_driver_sql(statement.replace("%", "%%") if name != "sqlite" else statement)
    finally:
        engine.dispose()


def plan_of(
    folder: Path,
    source: str,
    target: str | None = None,
    *changes: TableChange,
    tables: tuple[TablePlan, ...] = (),
    sample: int = 20,
) -> Plan:
    """A plan; in place where there is no target."""
    first = Address(source, "source")
    return Plan(
        name="test",
        path=folder / "visionforge.toml",
        sha256="0" * 64,
        source=first,
        target=Address(target, "target") if target else first,
        backup=BackupPlan(folder),
        record=RecordPlan(folder, sample=sample),
        tables={table.name: table for table in tables},
        changes=Changes({change.name: change for change in changes}),
    )


@dataclass
class Migration:
    """A database before, and after; both are closed with the test."""

    before_url: str
    after_url: str
    folder: Path
    opened: list[Database] = field(default_factory=list)
    asked: int = 0  # how often the database before was asked for

    def both(self, *statements: str) -> None:
        """Runs statements on both sides."""
        run(self.before_url, *statements)
        run(self.after_url, *statements)

    def after(self, *statements: str) -> None:
        """Runs statements on the side after: the migration."""
        run(self.after_url, *statements)

    def database(self, url: str) -> Database:
        """A database that is closed with the test."""
        self.opened.append(Database("source", url))
        return self.opened[-1]

    def baseline(self, plan: Plan) -> Baseline:
        """The baseline of the side before, written and read again."""
        database = self.database(self.before_url)
        path = self.folder / "baseline.zst"
        with database.session() as session:
            take(session, plan, database.schema, path)
        return read(path)

    def plan(self, *changes: TableChange, tables: tuple[TablePlan, ...] = (), sample: int = 20) -> Plan:
        """A plan of a migration in place, or of one across where the DBMS differ."""
        across = self.before_url.split(":")[0] != self.after_url.split(":")[0]
        target = self.after_url if across else None
        return plan_of(self.folder, self.before_url, target, *changes, tables=tables, sample=sample)

    def compare(
        self, table: str, *changes: TableChange, tables: tuple[TablePlan, ...] = (), sample: int = 20
    ) -> TableComparison:
        """Takes the baseline of the side before and compares one table of the side after."""
        plan = self.plan(*changes, tables=tables, sample=sample)
        return self.compare_with(self.baseline(plan), table, plan)

    def compare_with(self, baseline: Baseline, table: str, plan: Plan) -> TableComparison:
        """Compares one table with a baseline."""

        def before() -> Database:
            self.asked += 1
            return self.database(self.before_url)

        return compare_table(baseline, table, plan, self.database(self.after_url), before)

    def close(self) -> None:
        """Closes every database."""
        for database in self.opened:
            database.close()


NewDatabase = Callable[[str], str]


@pytest.fixture
def new_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[NewDatabase]:
    """Makes new databases of a DBMS ("sqlite", "postgresql", "mariadb"); gives their URLs."""
    made: list[tuple[servers.Server, str]] = []

    def create(dbms: str) -> str:
        if dbms == "sqlite":
            path = tmp_path / f"new{len(list(tmp_path.iterdir()))}.db"
            shutil.copy(str(request.getfixturevalue("sqlite")).removeprefix("sqlite:///"), path)
            return f"sqlite:///{path}"
        server: servers.Server = request.getfixturevalue(f"{dbms}_server")
        made.append((server, server.create("CHARACTER SET utf8mb4" if dbms == "mariadb" else "")))
        return made[-1][1]

    yield create
    for server, url in made:
        server.drop(url)


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def migration(
    request: pytest.FixtureRequest, new_database: NewDatabase, tmp_path: Path
) -> Iterator[Migration]:
    """A migration in place, on each DBMS in turn."""
    yield from _migration(new_database(request.param), new_database(request.param), tmp_path)


@pytest.fixture(
    params=[
        "sqlite-postgresql",
        "sqlite-mariadb",
        "mariadb-postgresql",
        "postgresql-mariadb",
        "postgresql-sqlite",
    ]
)
def across(request: pytest.FixtureRequest, new_database: NewDatabase, tmp_path: Path) -> Iterator[Migration]:
    """A migration from one DBMS to another, for each pair in turn."""
    before, after = str(request.param).split("-")
    yield from _migration(new_database(before), new_database(after), tmp_path)


def _migration(before: str, after: str, folder: Path) -> Iterator[Migration]:
    migration = Migration(before, after, folder / "records")
    migration.folder.mkdir()
    yield migration
    migration.close()
