"""The sample databases are read as they are known to be, on each DBMS."""

from __future__ import annotations

from pathlib import Path

from pytest_visionforge.database import Database, Schema
from tests import samples

CHINOOK = {
    "album": 347,
    "artist": 275,
    "customer": 59,
    "employee": 8,
    "genre": 25,
    "invoice": 412,
    "invoiceline": 2240,
    "mediatype": 5,
    "playlist": 18,
    "playlisttrack": 8715,
    "track": 3503,
}
EMPLOYEES = {
    "department": 9,
    "dept_emp": 1103,
    "dept_manager": 16,
    "employee": 1000,
    "salary": 9488,
    "title": 1470,
}


def plain(name: str) -> str:
    """A name without the spelling in which the scripts differ."""
    return name.lower().replace("_", "")


def references(schema: Schema) -> set[tuple[str, tuple[str, ...], str, tuple[str, ...]]]:
    """The references of a schema, in plain names."""
    return {
        (plain(id), tuple(map(plain, key.columns)), plain(key.parent), tuple(map(plain, key.parent_columns)))
        for id, table in schema.tables.items()
        for key in table.foreign_keys
    }


def test_chinook(url: str, data: Path) -> None:
    """Chinook has 11 tables and 15,607 rows, each table a primary key, and 11 references."""
    samples.chinook(url, data)
    with Database("source", url) as database:
        schema = database.schema
        counted = {plain(id): database.count(table) for id, table in schema.tables.items()}
    assert counted == CHINOOK
    assert sum(counted.values()) == 15_607
    assert all(table.primary_key for table in schema.tables.values())
    assert len(references(schema)) == 11
    assert ("track", ("albumid",), "album", ("albumid",)) in references(schema)
    assert ("employee", ("reportsto",), "employee", ("employeeid",)) in references(schema)


def test_employees(url: str, data: Path) -> None:
    """Employees has the same rows and references everywhere, and two views."""
    samples.employees(url, data)
    with Database("source", url) as database:
        schema = database.schema
        counted = {name: database.count(schema.tables[name]) for name in EMPLOYEES}
    assert counted == EMPLOYEES
    assert set(schema.views) == {"current_dept_emp", "dept_emp_latest_date"}
    assert schema.tables["title"].key == ("emp_no", "title", "from_date")
    assert references(schema) == {
        ("deptemp", ("deptno",), "department", ("deptno",)),
        ("deptemp", ("empno",), "employee", ("empno",)),
        ("deptmanager", ("deptno",), "department", ("deptno",)),
        ("deptmanager", ("empno",), "employee", ("empno",)),
        ("salary", ("empno",), "employee", ("empno",)),
        ("title", ("empno",), "employee", ("empno",)),
    }


def test_statements() -> None:
    """A script is cut at its statements' ends, not at semicolons in texts, comments or functions."""
    script = """
    -- a comment; with 'a quote
    CREATE DATABASE x; USE x;
    \\c x;
    \\echo 'loading'
    INSERT INTO t VALUES (N'it''s; here', "a;b", `c;d`); /* ; */ # another; one
    INSERT INTO t VALUES ('back\\'slash;');
    CREATE FUNCTION f() AS $$ BEGIN a; b; END $$;
    SELECT 1; source other.sql;
    CREATE TABLE last (a int)
    """
    assert [" ".join(statement.split()) for statement in samples.statements(script)] == [
        """INSERT INTO t VALUES (N'it''s; here', "a;b", `c;d`)""",
        "INSERT INTO t VALUES ('back\\'slash;')",
        "CREATE FUNCTION f() AS $$ BEGIN a; b; END $$",
        "CREATE TABLE last (a int)",
    ]
