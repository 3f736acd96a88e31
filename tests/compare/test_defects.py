"""Each defect of a schema is found, mended by the SQL that is shown, and none where it is declared."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_visionforge import backup
from pytest_visionforge.compare import SchemaDifference, differences
from pytest_visionforge.database import Database, Schema
from pytest_visionforge.plan.values.changes import Changes
from tests import samples
from tests.compare import defects
from tests.compare.defects import Defect
from tests.servers import Server

_SQL = re.compile(r"(ALTER|COMMENT|CREATE|DROP|GRANT|REVOKE) .*;", re.DOTALL)


class Sides:
    """The database before, and after: all defects of a DBMS are planted in them in turn."""

    def __init__(self, before: str, after: str) -> None:
        self.urls = before, after
        with Database("source", before) as database:
            self.dialect, self.before = database.dialect, database.schema

    def after(self) -> Schema:
        """The schema of the side after as it is now."""
        with Database("target", self.urls[1]) as database:
            return database.schema

    def found(self, after: Schema, changes: Changes | None = None) -> tuple[SchemaDifference, ...]:
        """The differences between the two."""
        return differences(self.before, after, changes or Changes(), self.dialect, self.dialect)

    def execute(self, *statements: str) -> None:
        """Runs statements on the side after."""
        samples.execute(self.urls[1], *statements)


@pytest.fixture(scope="module")
def on_postgresql(postgresql_server: Server) -> Iterator[Sides]:
    """Two databases on PostgreSQL, and two roles that hold rights in them."""
    names = (defects.READER, defects.OTHER)
    for name in names:
        postgresql_server.run(f"CREATE ROLE {name}")
    urls = postgresql_server.create(), postgresql_server.create()
    for url in urls:
        samples.execute(url, defects.POSTGRESQL_DDL)
    yield Sides(*urls)
    for url in urls:
        postgresql_server.drop(url)
    for name in names:
        postgresql_server.run(f"DROP ROLE {name}")


@pytest.fixture(scope="module")
def on_mariadb(mariadb_server: Server) -> Iterator[Sides]:
    """The same on MariaDB."""
    names = (defects.READER, defects.OTHER)
    for name in names:
        mariadb_server.run(f"CREATE USER {name}@'%'")
    urls = [mariadb_server.create("CHARACTER SET utf8mb4") for _ in range(2)]
    for url in urls:
        samples.execute(url, *defects.MARIADB_DDL.split(";"))
    yield Sides(*urls)
    for url in urls:
        mariadb_server.drop(url)
    for name in names:
        mariadb_server.run(f"DROP USER {name}@'%'")


@pytest.fixture(scope="module")
def on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Sides:
    """The same on SQLite, where nobody has rights."""
    folder: Path = tmp_path_factory.mktemp("defects")
    urls = [f"sqlite:///{folder / name}.db" for name in ("before", "after")]
    for url in urls:
        samples.execute(url, *defects.SQLITE_DDL.split(";"))
    return Sides(*urls)


def _check(sides: Sides, defect: Defect) -> None:
    assert sides.found(sides.before, defect.declared) != (), "what is declared did not happen"
    sides.execute(*defect.sql)
    try:
        after = sides.after()
        found = sides.found(after)
        assert sorted((each.kind, each.object) for each in found) == sorted(defect.found)
        assert all(each.owner for each in found)
        remedies = list(dict.fromkeys(each.remedy for each in found if each.remedy))
        assert defect.remedy in "\n".join(remedies)
        assert sides.found(after, defect.declared) == ()
        statements = (remedy.split(";\n") for remedy in remedies if _SQL.fullmatch(remedy))
        sides.execute(*(statement for several in statements for statement in several))
    finally:
        sides.execute(*defect.undo)
    assert sides.found(sides.after()) == ()


@pytest.mark.parametrize("defect", defects.POSTGRESQL, ids=str)
def test_on_postgresql(on_postgresql: Sides, defect: Defect) -> None:
    """A defect is found with the SQL that mends it; declared, it is none, and not happening is one."""
    _check(on_postgresql, defect)


@pytest.mark.parametrize("defect", defects.MARIADB, ids=str)
def test_on_mariadb(on_mariadb: Sides, defect: Defect) -> None:
    """The same on MariaDB."""
    _check(on_mariadb, defect)


@pytest.mark.parametrize("defect", defects.SQLITE, ids=str)
def test_on_sqlite(on_sqlite: Sides, defect: Defect) -> None:
    """The same on SQLite."""
    _check(on_sqlite, defect)


@pytest.mark.parametrize("dbms", ["postgresql", "mariadb", "sqlite"])
def test_a_restored_backup_has_the_same_schema(
    dbms: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """What a backup restores does not differ in anything but rights, and of these in nothing that it could keep."""
    sides: Sides = request.getfixturevalue(f"on_{dbms}")
    with Database("source", sides.urls[0], seconds=60) as database, database.session() as session:
        made = backup.create(session, tmp_path, url=sides.urls[0])
    with backup.scratch(made, url=None if dbms == "sqlite" else sides.urls[0]) as scratch:
        told = differences(
            sides.before, scratch.schema, Changes(), sides.dialect, sides.dialect, with_rights=False
        )
    assert [each for each in told if each.owner != "events"] == []
    assert [(each.kind, each.object) for each in told] == (
        [("event", "cleaning")] if dbms == "mariadb" else []
    )
