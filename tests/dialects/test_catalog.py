"""What each DBMS's catalogue says, law by law on all of them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as some

from pytest_visionforge.database import Column, Database, Key, Schema, Table
from tests import samples
from tests.soak import examples

DDL = (
    "CREATE TABLE parents (id int NOT NULL, code varchar(20) NOT NULL, note text, PRIMARY KEY (id),"
    " CONSTRAINT codes UNIQUE (code), CONSTRAINT filled CHECK (code <> ''))",
    "CREATE TABLE children (id int NOT NULL, parent int DEFAULT 7, twin int, price numeric(10,2),"
    " PRIMARY KEY (id), CONSTRAINT belongs FOREIGN KEY (parent) REFERENCES parents (id)"
    " ON DELETE CASCADE ON UPDATE SET NULL)",
    "CREATE TABLE pairs (a int NOT NULL, b int NOT NULL, c int, PRIMARY KEY (b, a))",
    "CREATE TABLE followers (x int, y int, FOREIGN KEY (x, y) REFERENCES pairs (b, a))",
    "CREATE INDEX by_price ON children (price DESC, twin)",
    "CREATE UNIQUE INDEX twins ON children (twin)",
    "CREATE VIEW cheap AS SELECT id FROM children WHERE price < 1",
)


def schema_of(url: str) -> Schema:
    """The schema of a database."""
    with Database("source", url) as database:
        return database.schema


@pytest.fixture
def schema(url: str) -> Schema:
    """The schema of a small database with one of everything that all DBMS have."""
    samples.execute(url, *DDL)
    return schema_of(url)


def names(columns: tuple[Column, ...]) -> list[str]:
    """The names of columns."""
    return [column.name for column in columns]


def test_tables_and_columns(schema: Schema) -> None:
    """Tables are listed by id, with their columns in order."""
    assert list(schema.tables) == ["children", "followers", "pairs", "parents"]
    assert names(schema.tables["children"].columns) == ["id", "parent", "twin", "price"]
    assert all(table.kind == "table" and table.schema is None for table in schema.tables.values())
    assert schema.hidden == ()


def test_column(schema: Schema) -> None:
    """A column says whether it may be NULL, and its default."""
    columns = {column.name: column for column in schema.tables["children"].columns}
    assert [columns[name].nullable for name in ("id", "parent")] == [False, True]
    assert [columns[name].default for name in ("parent", "twin")] == ["7", None]
    assert "10,2" in columns["price"].type
    assert not any(column.identity or column.generated for column in columns.values())


def test_keys(schema: Schema) -> None:
    """Primary and unique keys have their columns in the order of the key."""
    parents, pairs = schema.tables["parents"], schema.tables["pairs"]
    assert pairs.primary_key is not None
    assert pairs.primary_key.columns == ("b", "a")
    assert parents.unique_keys == (Key("codes", ("code",)),)
    assert parents.indexes == ()


def test_foreign_keys(schema: Schema) -> None:
    """A foreign key knows both sides, pair by pair, and what happens on delete and update."""
    belongs = schema.tables["children"].foreign_keys[0]
    assert (belongs.name, belongs.columns, belongs.parent, belongs.parent_columns) == (
        "belongs",
        ("parent",),
        "parents",
        ("id",),
    )
    assert (belongs.on_delete, belongs.on_update, belongs.validated) == ("CASCADE", "SET NULL", True)
    follows = schema.tables["followers"].foreign_keys[0]
    assert (follows.columns, follows.parent_columns) == (("x", "y"), ("b", "a"))
    assert (follows.on_delete, follows.on_update) == ("NO ACTION", "NO ACTION")


def test_checks(schema: Schema) -> None:
    """A CHECK has its name and its expression."""
    (check,) = schema.tables["parents"].checks
    assert check.name == "filled"
    assert "code" in check.expression
    assert "<>" in check.expression


def test_indexes(schema: Schema) -> None:
    """An index has its columns, what is not the default of each, and whether it is unique."""
    table = schema.tables["children"]
    by_price = next(index for index in table.indexes if index.name == "by_price")
    assert by_price.columns == ("price", "twin")
    assert by_price.options[0].startswith("DESC")
    assert by_price.options[1] == ""
    assert (by_price.valid, by_price.unique, by_price.where) == (True, False, "")
    keys = [(key.name, key.columns) for key in table.unique_keys]
    unique = [(index.name, index.columns) for index in table.indexes if index.unique]
    assert keys + unique == [("twins", ("twin",))]


def test_views(schema: Schema) -> None:
    """A view has its definition, without the database's name in it."""
    assert list(schema.views) == ["cheap"]
    definition = schema.views["cheap"].definition
    assert "children" in definition
    assert "vf_test" not in definition
    assert schema.views["cheap"].columns == ("id",)


def test_json(schema: Schema) -> None:
    """A schema that was read comes back from JSON equal."""
    assert Schema.from_json(json.loads(json.dumps(schema.as_json()))) == schema


def test_everything_is_readable(url: str) -> None:
    """The owner may read all tables, none is damaged, and the data lie on this machine."""
    samples.execute(url, "CREATE TABLE t (a int PRIMARY KEY)", "INSERT INTO t VALUES (1)")
    if url.startswith("postgresql"):
        samples.execute(url, "CREATE EXTENSION amcheck")
    with Database("source", url) as database, database.session() as session:
        catalog = database.dialect.catalog
        assert catalog.unreadable(session) == ()
        assert catalog.damage(session, "") == ()
        assert catalog.damage(session, "t") == ()
        assert all(Path(path).is_dir() for path in catalog.data_directories(session, database.url))


def test_empty_database(url: str) -> None:
    """A database without objects has an empty schema, but for its own encoding and what PostgreSQL brings."""
    found = schema_of(url)
    assert "utf" in found.options["encoding"].lower()
    assert replace(found, options={}, owners={}, grants=()) == Schema()
    assert set(found.owners) <= {"schema public"}
    assert {(each.kind, each.object) for each in found.grants or ()} <= {("schema", "public")}


def test_thousand_tables(url: str) -> None:
    """A thousand tables are read with all of their facts."""
    tables = (
        f"CREATE TABLE t{number:04} (id int PRIMARY KEY, other int REFERENCES t{max(number - 1, 0):04} (id))"
        for number in range(1000)
    )
    samples.execute(url, *tables)
    schema = schema_of(url)
    assert list(schema.tables) == [f"t{number:04}" for number in range(1000)]
    assert all(table.key == ("id",) for table in schema.tables.values())


HOSTILE = some.text(
    some.sampled_from("aZ_0 .,;:%'\"`\\[]()$#-/*@?\t\nßäé漢😀{}")
    | some.characters(min_codepoint=1, max_codepoint=0x2FFF),
    min_size=1,
    max_size=15,
).filter(lambda name: name == name.strip() and name.isprintable())


@settings(
    max_examples=examples(20),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(name=HOSTILE, column=HOSTILE, value=some.text(some.characters(min_codepoint=32, max_codepoint=0x2FFF)))
@example("select", "order", "")
@example("Robert'); DROP TABLE t;--", "a:b::c", ":x %s %(x)s")
@example('"', "''", "\\'\"")
@example("x" * 63, "y" * 63, "z")
@example("%s %d %%", ":name", "100%")
@example("[a]", "`b`", "\\")
@example("Mixed Case", "MIXED case", "é")
def test_hostile_names(url: str, name: str, column: str, value: str) -> None:
    """A table and a column of any name are created, read, counted and asked by their quoted names."""
    if url.startswith("mysql"):  # whose names hold no character beyond U+FFFF
        name, column = name.replace("😀", "e"), column.replace("😀", "e")
    with Database("source", url) as database:
        quoted, quoted_column = _as_written(database.quote(name)), _as_written(database.quote(column))
        literal = "'" + value.replace("'", "''") + "'"
        if url.startswith("mysql"):
            literal = literal.replace("\\", "\\\\")
        samples.execute(
            url,
            f"CREATE TABLE {quoted} ({quoted_column} varchar(200) NOT NULL, PRIMARY KEY ({quoted_column}))",
            f"INSERT INTO {quoted} VALUES ({literal})",
        )
        try:
            _ask(database, name, column, value)
        finally:
            samples.execute(url, f"DROP TABLE {quoted}")


def _as_written(quoted: str) -> str:
    """A quoted name as it is for the driver itself, where colons are only colons."""
    return quoted.replace(r"\:", ":")


def _ask(database: Database, name: str, column: str, value: str) -> None:
    (table,) = database.schema.tables.values()
    assert (table.name, table.columns[0].name, table.key) == (name, column, (column,))
    assert database.table(Table(name).id) is table
    assert database.count(table) == 1
    with database.session() as session:
        sql = f"SELECT {database.quote(column)} FROM {database.name_of(table)}"
        assert session.value(sql) == value
        assert [
            row[0] for row in session.rows(f"{sql} WHERE {database.quote(column)} = :value", value=value)
        ] == [value]
        assert database.dialect.catalog.unreadable(session) == ()
        if database.dialect.name != "postgresql":
            assert database.dialect.catalog.damage(session, table.id) == ()
