"""Every type that a DBMS has is compared: equal to itself, and a change in it is found."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_visionforge.compare.reading import Field
from pytest_visionforge.compare.rows import Differences
from tests.compare.conftest import Migration, NewDatabase, run

POSTGRESQL = {
    "smallint": ("1", "2"),
    "numeric": ("1.5", "1.50000000000000000000000001"),
    "numeric(10,2)": ("1.5", "1.51"),
    "real": ("0.1", "0.10000001"),
    "double precision": ("'NaN'", "'Infinity'"),
    "boolean": ("true", "false"),
    "money": ("1.5", "1.51"),
    "char(5)": ("'a'", "'b'"),
    '"char"': ("'a'", "'b'"),
    "name": ("'a'", "'b'"),
    "text": ("'a'", "'a '"),
    "bytea": ("'\\x00ff'", "'\\x00fe'"),
    "date": ("'2024-01-01'", "'infinity'"),
    "time": ("'10:00'", "'10:00:00.000001'"),
    "timetz": ("'10:00+02'", "'10:00+03'"),
    "timestamp": ("'2024-01-01 10:00'", "'4000-01-01 10:00 BC'"),
    "timestamptz": ("'2024-01-01 10:00+02'", "'2024-01-01 10:00+03'"),
    "interval": ("'1 day'", "'24 hours'"),
    "uuid": ("'6f9619ff-8b86-d011-b42d-00c04fc964ff'", "'6f9619ff-8b86-d011-b42d-00c04fc964fe'"),
    "json": ("""'{"a":1}'""", """'{"a": 1}'"""),
    "jsonb": ("""'{"a":1}'""", """'{"a": 1.5}'"""),
    "xml": ("'<a/>'", "'<a></a>'"),
    "inet": ("'10.0.0.1'", "'10.0.0.1/24'"),
    "macaddr": ("'08:00:2b:01:02:03'", "'08:00:2b:01:02:04'"),
    "bit(3)": ("B'101'", "B'100'"),
    "varbit": ("B'10'", "B'100'"),
    "int[]": ("'{1,2}'", "'{2,1}'"),
    "text[]": ("""'{"a,b"}'""", "'{a,b}'"),
    "int4range": ("'[1,5)'", "'[1,5]'"),
    "point": ("'(1,2)'", "'(2,1)'"),
    "tsvector": ("'a b'", "'a c'"),
    "mood": ("'sad'", "'glad'"),
    "cents": ("1.5", "1.51"),
}
MARIADB = {
    "tinyint unsigned": ("1", "255"),
    "bigint unsigned": ("18446744073709551615", "18446744073709551614"),
    "int(8) zerofill": ("1", "2"),
    "decimal(10,2) unsigned zerofill": ("1.5", "1.51"),
    "decimal(65,30)": ("1.5", "1.500000000000000000000000000001"),
    "decimal(10,0)": ("100", "10"),
    "float": ("0.1", "0.1000001"),
    "double": ("0.1", "0.10000000000000002"),
    "bit(9)": ("b'100000001'", "b'100000000'"),
    "boolean": ("true", "false"),
    "year": ("2024", "2025"),
    "char(5)": ("'a'", "'b'"),
    "varchar(5) character set latin1": ("'ä'", "'a'"),
    "varchar(5)": ("'ß'", "'ss'"),
    "longtext": ("'a'", "'a '"),
    "enum('a','b')": ("'a'", "'b'"),
    "set('a','b')": ("'a'", "'a,b'"),
    "binary(3)": ("'a'", "'b'"),
    "varbinary(3)": ("x'00ff'", "x'00fe'"),
    "longblob": ("x'00ff'", "x'00fe'"),
    "date": ("'2024-01-01'", "'2024-01-02'"),
    "time": ("'10:00'", "'-838:59:59'"),
    "time(6)": ("'10:00'", "'10:00:00.000001'"),
    "datetime": ("'2024-01-01 10:00'", "'2024-01-01 10:00:01'"),
    "datetime(6)": ("'2024-01-01 10:00'", "'2024-01-01 10:00:00.000001'"),
    "timestamp": ("'2024-01-01 10:00'", "'2024-01-01 11:00'"),
    "json": ("""'{"a":1}'""", """'{"a":2}'"""),
    "inet6": ("'::1'", "'::2'"),
    "uuid": ("'6f9619ff-8b86-d011-b42d-00c04fc964ff'", "'6f9619ff-8b86-d011-b42d-00c04fc964fe'"),
    "point": ("point(1, 2)", "point(2, 1)"),
}
SQLITE = {
    "": ("1", "'1'"),
    "INTEGER": ("1", "x'31'"),
    "NUMERIC(10,2)": ("0.1", "0.10000000000000002"),
    "REAL": ("9e999", "-9e999"),
    "TEXT": ("'1'", "x'31'"),
    "BLOB": ("x'00ff'", "x'00fe'"),
    "ANYTHING GOES": ("9007199254740993", "9007199254740992.0"),
    "VARCHAR(5)": ("'a' || char(0) || 'b'", "'a' || char(0) || 'c'"),
    "DATE": ("CAST(x'ff' AS TEXT)", "CAST(x'fe' AS TEXT)"),
}


@pytest.mark.parametrize("dbms", ["postgresql", "mariadb", "sqlite"])
def test_every_type(dbms: str, new_database: NewDatabase, tmp_path: Path) -> None:
    """A value of each type is equal to itself, alone and beside NULL, and another is named with its column."""
    migration = Migration(new_database(dbms), new_database(dbms), tmp_path)
    types = {"postgresql": POSTGRESQL, "mariadb": MARIADB, "sqlite": SQLITE}[dbms]
    if dbms == "postgresql":
        migration.both("CREATE TYPE mood AS ENUM ('sad', 'glad')", "CREATE DOMAIN cents AS numeric(10,2)")
    columns = [f"c{number}" for number in range(len(types))]
    defined = ", ".join(f"{name} {type} NULL" for name, type in zip(columns, types, strict=True))
    first = ", ".join(values[0] for values in types.values())
    migration.both(
        f"CREATE TABLE t (id integer PRIMARY KEY, {defined})",
        f"INSERT INTO t VALUES (1, {first})",
        "INSERT INTO t (id) VALUES (2)",
    )
    assert migration.compare("t").equal
    plan = migration.plan()
    baseline = migration.baseline(plan)
    for name, (old, new) in zip(columns, types.values(), strict=True):
        for other in (new, "NULL"):
            migration.after(f"UPDATE t SET {name} = {other} WHERE id = 1")
            found = migration.compare_with(baseline, "t", plan)
            assert [set(offender.before) for offender in found.offenders] == [{name}], (name, other)
            migration.close()
        migration.after(f"UPDATE t SET {name} = {old} WHERE id = 1")
    migration.close()


def test_generated_columns(migration: Migration) -> None:
    """Generated columns are compared as others are."""
    migration.both(
        "CREATE TABLE t (id integer PRIMARY KEY, a integer, b integer GENERATED ALWAYS AS (a + 1) STORED)",
        "INSERT INTO t (id, a) VALUES (1, 1)",
    )
    assert migration.compare("t").equal
    migration.after("UPDATE t SET a = 2")
    assert set(migration.compare("t").offenders[0].before) == {"a", "b"}


def test_texts_that_look_like_separators(new_database: NewDatabase, tmp_path: Path) -> None:
    """Garbage in columns of UUIDs cannot make two different rows read alike."""
    migration = Migration(new_database("sqlite"), new_database("postgresql"), tmp_path)
    run(migration.before_url, "CREATE TABLE t (id integer PRIMARY KEY, a UUID, b UUID)")
    run(migration.after_url, "CREATE TABLE t (id integer PRIMARY KEY, a text, b text)")
    run(migration.before_url, "INSERT INTO t VALUES (1, 'x|y', 'z')")
    run(migration.after_url, "INSERT INTO t VALUES (1, 'x', 'y|z')")
    assert migration.compare("t").altered == 1
    migration.close()


def test_many_copies_are_counted() -> None:
    """Copies of a row are counted without being kept or searched."""
    found = Differences((Field("v", "v", "number", "integer"),), (), sample=3)
    found.look(iter([("m", ("1",))] * 200_000), iter([("m", ("1",))] * 200_002))
    assert (found.lost, found.added, len(found.offenders)) == (0, 2, 2)
