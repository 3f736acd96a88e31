"""SQLite's facts: from pragmas where they tell, from the text of CREATE where they do not."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from pytest_visionforge.database import (
    CheckConstraint,
    Database,
    ForeignKey,
    Index,
    Key,
    Schema,
    Sequence,
    Table,
)
from pytest_visionforge.dialects.sqlite import definition
from tests import samples

AWKWARD = """
CREATE TABLE "P (x"( /* c ( */ id integer primary key autoincrement,
  "co:de%" text NOT NULL COLLATE nocase UNIQUE DEFAULT 'a,b)(' CHECK (length("co:de%") > 0) -- hello (
  , [n m] varchar(20) CONSTRAINT ck CHECK([n m] <> ')') CONSTRAINT filled NOT NULL CHECK (1),
  g int GENERATED ALWAYS AS (id + 1) STORED, h AS (id || 'x'),
  CONSTRAINT uu UNIQUE ([n m], g), CHECK (g > 1)
  CONSTRAINT fk1 FOREIGN KEY (g) REFERENCES child (A) ON DELETE CASCADE
  FOREIGN KEY (id) REFERENCES missing (q) FOREIGN KEY (g) REFERENCES Wr)
"""
OTHERS = (
    'CREATE TABLE child (a integer PRIMARY KEY, b text UNIQUE, c REFERENCES "P (x" ("CO:DE%"))',
    "CREATE TABLE wr (k text PRIMARY KEY, v) WITHOUT ROWID",
    'CREATE INDEX "i d" ON "P (x" (lower([n m]) DESC, "co:de%" COLLATE binary, id) WHERE g > 5 AND id < 7',
    "CREATE UNIQUE INDEX ui ON child (c)",
    "CREATE VIEW v AS SELECT * FROM nowhere",
    "CREATE TRIGGER tr AFTER INSERT ON CHILD BEGIN SELECT 1; END",
    "CREATE VIEW vv AS SELECT a FROM child",
    "CREATE TRIGGER vt INSTEAD OF INSERT ON vv BEGIN SELECT 1; END",
    "CREATE VIRTUAL TABLE f USING fts5(x, y)",
    "CREATE VIRTUAL TABLE box USING rtree(id, low, high)",
    "CREATE TABLE nullable (k text PRIMARY KEY)",
)


def schema_of(url: str) -> Schema:
    """The schema of a database."""
    with Database("source", url) as database:
        return database.schema


@pytest.fixture
def schema(sqlite: str) -> Schema:
    """The schema of a database full of what is awkward to read."""
    samples.execute(sqlite, AWKWARD, *OTHERS)
    return schema_of(sqlite)


@pytest.fixture
def awkward(schema: Schema) -> Table:
    """The table with comments, quotes and constraints of all kinds."""
    return schema.tables["P (x"]


def test_tables(schema: Schema) -> None:
    """The tables behind virtual tables, and SQLite's own, are not the application's."""
    kinds = {id: table.kind for id, table in schema.tables.items() if table.kind != "table"}
    assert kinds == {"f": "virtual", "box": "virtual"}
    assert set(schema.tables) - set(kinds) == {"P (x", "child", "nullable", "wr"}
    assert [column.name for column in schema.tables["f"].columns] == ["x", "y"]


def test_columns(awkward: Table) -> None:
    """Collations, defaults, generated columns and AUTOINCREMENT are read."""
    id, code, _, stored, virtual = awkward.columns
    assert (id.identity, id.nullable) == (True, False)
    assert (code.collation, code.default, code.nullable) == ("NOCASE", "'a,b)('", False)
    assert (stored.generated, virtual.generated) == ("id + 1", "id || 'x'")
    assert not stored.identity


def test_rowid_is_never_null(schema: Schema) -> None:
    """INTEGER PRIMARY KEY is the rowid; other primary keys of SQLite may hold NULL, and say so."""
    assert not schema.tables["child"].columns[0].nullable
    assert not schema.tables["wr"].columns[0].nullable
    assert schema.tables["nullable"].columns[0].nullable


def test_checks(awkward: Table) -> None:
    """CHECKs are found among comments and quoted parentheses, with their names where they have one."""
    assert awkward.checks == (
        CheckConstraint("", 'length("co:de%") > 0'),
        CheckConstraint("ck", "[n m] <> ')'"),
        CheckConstraint("", "1"),
        CheckConstraint("", "g > 1"),
    )


def test_keys(awkward: Table) -> None:
    """Keys have a name where they were given one."""
    assert awkward.primary_key == Key("", ("id",))
    assert awkward.unique_keys == (Key("", ("co:de%",)), Key("uu", ("n m", "g")))


def test_foreign_keys(awkward: Table, schema: Schema) -> None:
    """References are in the order of their declaration, and name tables and columns as they are written."""
    assert awkward.foreign_keys == (
        ForeignKey("fk1", ("g",), "child", ("a",), "CASCADE"),
        ForeignKey("", ("id",), "missing", ("q",)),
        ForeignKey("", ("g",), "wr", ("k",)),
    )
    assert schema.tables["child"].foreign_keys == (ForeignKey("", ("c",), "P (x", ("co:de%",)),)


def test_indexes(awkward: Table, schema: Schema) -> None:
    """Expressions, conditions, directions and collations of an index are read."""
    index = Index(
        name="i d",
        columns=("(lower([n m]))", "co:de%", "id"),
        where="g > 5 AND id < 7",
        options=("DESC", "COLLATE BINARY", ""),
    )
    assert awkward.indexes == (index,)
    assert schema.tables["child"].indexes == (Index("ui", ("c",), unique=True),)


def test_views_and_triggers(schema: Schema) -> None:
    """A trigger is found at its table, however that is spelt, and at its view; a broken view is listed."""
    assert [trigger.name for trigger in schema.tables["child"].triggers] == ["tr"]
    assert [trigger.name for trigger in schema.views["vv"].triggers] == ["vt"]
    assert "nowhere" in schema.views["v"].definition
    assert (schema.views["v"].columns, schema.views["vv"].columns) == ((), ("a",))


def test_options(schema: Schema, sqlite: str) -> None:
    """What kind of table it is, and how the database writes texts, are read."""
    assert schema.tables["wr"].options == {"without rowid": "on"}
    assert schema.tables["child"].options == {}
    assert schema.options == {"encoding": "UTF-8"}
    samples.execute(sqlite, "CREATE TABLE exact (a int, b int AS (a) STORED, c int AS (a)) STRICT")
    exact = schema_of(sqlite).tables["exact"]
    assert exact.options == {"strict": "on"}
    assert [column.variant for column in exact.columns] == ["", "stored", "virtual"]


def test_autoincrement(sqlite: str) -> None:
    """The next number of AUTOINCREMENT follows the highest ever given; 1 where none was."""
    samples.execute(
        sqlite,
        "CREATE TABLE used (id integer PRIMARY KEY AUTOINCREMENT)",
        "CREATE TABLE fresh (id integer PRIMARY KEY AUTOINCREMENT)",
        "CREATE TABLE plain (id integer PRIMARY KEY)",
        "INSERT INTO used VALUES (41), (99)",
        "DELETE FROM used WHERE id = 99",
    )
    assert schema_of(sqlite).sequences == {
        "fresh": Sequence("fresh", 1, owner=("fresh", "id")),
        "used": Sequence("used", 100, owner=("used", "id")),
    }


def test_unknown_module(sqlite: str, tmp_path: Path) -> None:
    """A virtual table of a module that is not there is named as hidden, and the rest is read."""
    samples.execute(sqlite, "CREATE TABLE t (a)", "CREATE VIRTUAL TABLE f USING fts5(x)")
    connection = sqlite3.connect(tmp_path / "test.db")
    connection.execute("PRAGMA writable_schema = 1")
    connection.execute("UPDATE sqlite_schema SET sql = replace(sql, 'fts5', 'nomodule')")
    connection.commit()
    connection.close()
    schema = schema_of(sqlite)
    assert "t" in schema.tables
    assert "f" not in schema.tables
    assert "nomodule" in str(schema.hidden[0])


def test_damage(sqlite: str, tmp_path: Path) -> None:
    """A byte that changed in an index is damage of its table, and of no other."""
    rows = ", ".join(f"('needle-{number:04}')" for number in range(500))
    samples.execute(
        sqlite,
        "CREATE TABLE hay (a text)",
        f"INSERT INTO hay VALUES {rows}",
        "CREATE INDEX i ON hay (a)",
        "CREATE TABLE other (a)",
    )
    path = tmp_path / "test.db"
    content = path.read_bytes()
    at = content.rindex(b"needle-0250")
    path.write_bytes(content[:at] + b"N" + content[at + 1 :])
    with Database("source", sqlite) as database, database.session() as session:
        for name in ("", "hay"):
            assert any("index i" in line for line in database.dialect.catalog.damage(session, name))
        assert database.dialect.catalog.damage(session, "other") == ()


def test_write_ahead_log_counts(sqlite: str) -> None:
    """What stands in the write-ahead log is a part of the size."""
    samples.pragma(sqlite, "journal_mode = WAL")
    with Database("source", sqlite) as database, database.session() as session:
        session.value("SELECT count(*) FROM sqlite_schema")  # keeps the log from being folded in
        before = database.size()
        samples.execute(sqlite, "CREATE TABLE t (a)", "INSERT INTO t VALUES (zeroblob(100000))")
        assert database.size() > before + 100_000


PIECES = some.sampled_from(
    [
        "a",
        "CHECK",
        "UNIQUE",
        "PRIMARY KEY",
        "CONSTRAINT",
        "(",
        ")",
        ",",
        "'",
        '"',
        "[",
        "]",
        "--",
        "/*",
        "*/",
        "\n",
        "1",
    ]
)


@given(some.lists(PIECES).map(" ".join))
def test_reader_never_fails(text: str) -> None:
    """Whatever text stands in the catalogue, reading it ends without an error."""
    definition.table(f"CREATE TABLE t ({text})")


@given(some.text(some.characters(min_codepoint=32), min_size=1, max_size=20))
def test_reader_unquotes(name: str) -> None:
    """A constraint's name is read back in each of SQLite's quotes."""
    quoted = '"' + name.replace('"', '""') + '"'
    found = definition.table(f"CREATE TABLE t (a CONSTRAINT {quoted} CHECK (a > ')'))")
    assert found.checks == [(name, "a > ')'")]
