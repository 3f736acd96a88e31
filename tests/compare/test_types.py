"""Every type that a DBMS has is compared: equal to itself, and a change in it is found."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from sqlalchemy import text

from pytest_visionforge.compare import TableComparison, between
from pytest_visionforge.compare.reading import Field
from pytest_visionforge.compare.rows import Differences
from pytest_visionforge.database import Database
from tests.compare import typical
from tests.compare.conftest import Migration, NewDatabase, plan_of, run
from tests.compare.mapped import MAPPED, WRITTEN_OTHERWISE, Moved, Value
from tests.damages.sample import writer

TYPES = {"postgresql": typical.POSTGRESQL, "mariadb": typical.MARIADB, "sqlite": typical.SQLITE}
SETUP = {"postgresql": typical.POSTGRESQL_SETUP}


Migrate = Callable[[str, str], Migration]


@pytest.fixture
def migrate(new_database: NewDatabase, tmp_path: Path) -> Iterator[Migrate]:
    """Makes migrations from a new database of one DBMS to one of another; they are closed with the test."""
    with ExitStack() as stack:

        def made(before: str, after: str) -> Migration:
            return stack.enter_context(
                closing(Migration(new_database(before), new_database(after), tmp_path))
            )

        yield made


@pytest.mark.parametrize("dbms", ["postgresql", "mariadb", "sqlite"])
def test_every_type(dbms: str, migrate: Migrate) -> None:
    """A value of each type is equal to itself, and each other one and NULL is named with its column."""
    migration = migrate(dbms, dbms)
    types = TYPES[dbms]
    columns = {f"c{place}": (type, *values) for place, (type, values) in enumerate(types.items())}
    firsts = {name: first for name, (_, first, *_) in columns.items()}
    changes = [(name, other) for name, (_, _, *others) in columns.items() for other in (*others, "NULL")]
    defined = ", ".join(f"{name} {type} NULL" for name, (type, *_) in columns.items())
    rows = ", ".join(f"({id}, {', '.join(firsts.values())})" for id in range(len(changes)))
    migration.both(
        *SETUP.get(dbms, ()),
        f"CREATE TABLE t (id integer PRIMARY KEY, {defined})",
        f"INSERT INTO t VALUES {rows}",
        "INSERT INTO t (id) VALUES (-1)",
    )
    assert all(found.equal for found in _asked(migration, 1))
    settings = ("SET sql_mode = ''",) if dbms == "mariadb" else ()  # zero dates, as old servers have them
    updates = (f"UPDATE t SET {name} = {other} WHERE id = {id}" for id, (name, other) in enumerate(changes))
    migration.after(*settings, *updates)
    for found in _asked(migration, len(changes)):
        named = {int(str(each.key["id"])): (set(each.before), each.after) for each in found.offenders}
        for id, (name, other) in enumerate(changes):
            assert named[id][0] == {name}, (columns[name][0], other)
            assert (named[id][1][name] is None) == (other == "NULL")
        assert (found.altered, found.lost, found.added) == (len(changes), 0, 0)


def _asked(migration: Migration, sample: int) -> Iterator[TableComparison]:
    """The table as its baseline tells of it, and as both databases do."""
    yield migration.compare("t", sample=sample)
    plan = plan_of(migration.folder, migration.before_url, migration.after_url, sample=sample)
    sides = migration.database(migration.before_url), migration.database(migration.after_url)
    yield from between(*sides, plan, ("t",))


def test_no_type_of_postgresql_is_left_out(postgresql: str) -> None:
    """The list of types above holds every one that the server itself has."""
    run(postgresql, *typical.POSTGRESQL_SETUP)
    known = f"SELECT unnest(ARRAY[{', '.join(f'pg_typeof(NULL::{type})' for type in typical.POSTGRESQL)}])"
    sql = (
        "SELECT typname FROM pg_type WHERE typtype IN ('b', 'r', 'm') AND typcategory <> 'A'"
        f" AND typnamespace = 'pg_catalog'::regnamespace AND oid NOT IN ({known})"
    )
    with Database("source", postgresql) as database:
        missing = {row[0] for row in database.all(sql.replace(":", "\\:"))}
    assert missing <= typical.POSTGRESQL_INTERNAL


@pytest.mark.parametrize("pair", [*itertools.permutations(TYPES, 2)], ids="-".join)
@pytest.mark.parametrize("mapped", [MAPPED, WRITTEN_OTHERWISE], ids=["alike", "otherwise"])
def test_every_mapped_type(pair: tuple[str, str], mapped: Sequence[Moved], migrate: Migrate) -> None:
    """A value is the same in each type that it is sensibly moved to; each other one, and NULL, is named."""
    migration = migrate(pair[0], pair[1])
    columns = [moved for moved in mapped if all(moved.types[dbms] for dbms in pair)]
    changes = [(place, other) for place, moved in enumerate(columns) for other in (*moved.others, None)]
    rows = [[moved.value for moved in columns] for _ in changes]
    for dbms, url in zip(pair, (migration.before_url, migration.after_url), strict=True):
        run(url, *SETUP.get(dbms, ()))
        _write(url, dbms, columns, rows)
    for found in _asked(migration, 1):
        assert found.equal, found.offenders
    altered: list[list[Value | None]] = [[*row] for row in rows]
    for row, (place, other) in zip(altered, changes, strict=True):
        row[place] = other
    _write(migration.after_url, pair[1], columns, altered)
    for found in _asked(migration, len(changes)):
        named = {int(str(each.key["id"])): set(each.before) for each in found.offenders}
        for id, (place, other) in enumerate(changes):
            assert named[id] == {f"c{place}"}, (columns[place].types, other)
        assert (found.altered, found.lost, found.added) == (len(changes), 0, 0)


def _write(url: str, dbms: str, columns: list[Moved], rows: Sequence[Sequence[Value | None]]) -> None:
    """Makes the table of mapped types anew, with rows."""
    defined = ", ".join(f"c{place} {moved.types[dbms]} NULL" for place, moved in enumerate(columns))
    bound = [
        {f"c{n}": columns[n].bound(dbms, value) for n, value in enumerate(row)} | {"id": id}
        for id, row in enumerate(rows)
    ]
    places = ", ".join(f":{name}" for name in bound[0])
    engine = writer(url)
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE IF EXISTS t"))
        connection.execute(text(f"CREATE TABLE t (id integer PRIMARY KEY, {defined})"))
        connection.execute(text(f"INSERT INTO t ({', '.join(bound[0])}) VALUES ({places})"), bound)
    engine.dispose()


@pytest.mark.parametrize("after", ["mariadb", "postgresql", "sqlite"])
def test_bytes_that_are_no_text(after: str, migrate: Migrate) -> None:
    """Bytes that are no UTF-8, and became question marks in a column of text, are differences."""
    migration = migrate("mariadb", after)
    run(migration.before_url, "CREATE TABLE t (id integer PRIMARY KEY, b varbinary(9))")
    run(migration.before_url, "INSERT INTO t VALUES (1, x'ff'), (2, x'41fe'), (3, x'41')")
    run(migration.after_url, "CREATE TABLE t (id integer PRIMARY KEY, b varchar(9))")
    run(migration.after_url, "INSERT INTO t VALUES (1, '?'), (2, 'A?'), (3, 'A')")
    for found in _asked(migration, 9):
        assert [each.key["id"] for each in found.offenders] == ["1", "2"]


@pytest.mark.parametrize("after", ["mariadb", "postgresql"])
def test_a_double_that_no_decimal_holds(after: str, migrate: Migrate) -> None:
    """Doubles that became what a decimal makes of too small and too great numbers are differences."""
    migration = migrate("mariadb", after)
    run(migration.before_url, "CREATE TABLE t (id integer PRIMARY KEY, b double)")
    run(migration.before_url, "INSERT INTO t VALUES (1, 1e-40), (2, 1e70), (3, 0.1), (4, -1e22), (5, 1e-7)")
    run(migration.after_url, "CREATE TABLE t (id integer PRIMARY KEY, b numeric(65,30))")
    greatest = f"{'9' * 35}.{'9' * 30}"
    run(migration.after_url, f"INSERT INTO t VALUES (1, 0), (2, {greatest}), (3, 0.1)")
    run(migration.after_url, f"INSERT INTO t VALUES (4, -1{'0' * 22}), (5, 0.0000001)")
    for found in _asked(migration, 9):
        assert [each.key["id"] for each in found.offenders] == ["1", "2"]


def test_documents_alone(migrate: Migrate) -> None:
    """Documents that are all there is in a table without a key are compared as values."""
    migration = migrate("mariadb", "postgresql")
    run(migration.before_url, "CREATE TABLE t (d json)")
    run(migration.after_url, "CREATE TABLE t (d jsonb)")
    migration.both("""INSERT INTO t VALUES ('{"b":1,"a":2}'), ('{"b":1,"a":2}'), ('{"x": [1.50]}'), (NULL)""")
    assert all(found.equal for found in _asked(migration, 9))
    migration.after("""UPDATE t SET d = '{"x": [1.51]}' WHERE d = '{"x": [1.50]}'""")
    for found in _asked(migration, 9):
        assert (found.lost, found.added, found.altered) == (1, 1, 0)


def test_generated_columns(migration: Migration) -> None:
    """Generated columns are compared as others are."""
    migration.both(
        "CREATE TABLE t (id integer PRIMARY KEY, a integer, b integer GENERATED ALWAYS AS (a + 1) STORED)",
        "INSERT INTO t (id, a) VALUES (1, 1)",
    )
    assert migration.compare("t").equal
    migration.after("UPDATE t SET a = 2")
    assert set(migration.compare("t").offenders[0].before) == {"a", "b"}


def test_texts_that_look_like_separators(migrate: Migrate) -> None:
    """Garbage in columns of UUIDs cannot make two different rows read alike."""
    migration = migrate("sqlite", "postgresql")
    run(migration.before_url, "CREATE TABLE t (id integer PRIMARY KEY, a UUID, b UUID)")
    run(migration.after_url, "CREATE TABLE t (id integer PRIMARY KEY, a text, b text)")
    run(migration.before_url, "INSERT INTO t VALUES (1, 'x|y', 'z')")
    run(migration.after_url, "INSERT INTO t VALUES (1, 'x', 'y|z')")
    assert migration.compare("t").altered == 1


def test_many_copies_are_counted() -> None:
    """Copies of a row are counted without being kept or searched."""
    found = Differences((Field("v", "v", "number", "integer"),), (), sample=3)
    found.look(iter([("m", ("1",))] * 200_000), iter([("m", ("1",))] * 200_002))
    assert (found.lost, found.added, len(found.offenders)) == (0, 2, 2)
