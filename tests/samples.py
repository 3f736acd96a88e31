"""The sample databases, loaded by the driver alone into a database of any DBMS."""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from pytest_visionforge import dialects

_SCRIPTS = {"postgresql": "Chinook_PostgreSql.sql", "mysql": "Chinook_MySql.sql"}
_FOLDERS = {"postgresql": "postgres", "mysql": "mysql"}
_LOADS = ("department", "employee", "dept_emp", "dept_manager", "title", "salary1")

_PIECE = re.compile(
    r"""(?P<comment>--[^\n]*|\#[^\n]*|/\*.*?\*/|^[ \t]*\\[^\n]*)   # also psql's own commands
    |'(?:[^'\\]|''|\\.)*'|"(?:[^"]|"")*"|`[^`]*`|\$\$.*?\$\$
    |(?P<end>;)|.""",
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)
_NOT_OURS = re.compile(r"(create|drop)\s+database\b|use\b|source\b|select\b|flush\b", re.IGNORECASE)


def chinook(url: str, data: Path) -> None:
    """Loads Chinook, a music shop: 11 tables, 15,607 rows."""
    dialect = dialects.parse_url(url).get_backend_name()
    if dialect == "sqlite":
        _copy(data / "chinook" / "Chinook_Sqlite.sqlite", url)
    else:
        run(url, (data / "chinook" / _SCRIPTS[dialect]).read_text(encoding="utf-8-sig"))


def employees(url: str, data: Path) -> None:
    """Loads Employees: 1,000 of them in 6 tables (PostgreSQL has an `audit` besides) and 2 views."""
    dialect = dialects.parse_url(url).get_backend_name()
    if dialect == "sqlite":
        _copy(data / "employees" / "sqlite" / "employee.db", url)
        return
    folder = data / "employees" / _FOLDERS[dialect]
    names = ("employee.sql", *(f"load_{name}.sql" for name in _LOADS))
    run(url, "\n".join((folder / name).read_text(encoding="utf-8-sig") for name in names))


def run(url: str, script: str) -> None:
    """Runs the statements of a script in one transaction, on a connection that may write."""
    execute(url, *statements(script))


def execute(url: str, *sql: str) -> None:
    """Runs statements in one transaction, on a connection that may write."""
    engine = create_engine(dialects.parse_url(url), poolclass=NullPool)
    connection = engine.raw_connection()
    try:
        cursor = connection.cursor()
        if engine.name == "sqlite":
            cursor.execute("BEGIN")  # its driver would commit each CREATE by itself
        for statement in sql:
            cursor.execute(statement)
        connection.commit()
    finally:
        connection.close()


def statements(script: str) -> Iterator[str]:
    """The statements of a script without comments, commands of a shell, and what leaves the database."""
    pieces: list[str] = []
    for match in _PIECE.finditer(script + "\n;"):
        if match["end"]:
            statement = "".join(pieces).strip()
            if statement and not _NOT_OURS.match(statement):
                yield statement
            pieces = []
        else:
            pieces.append(" " if match["comment"] else match.group())


def _copy(file: Path, url: str) -> None:
    path = dialects.parse_url(url).database
    assert path
    shutil.copyfile(file, path)


def pragma(url: str, setting: str) -> None:
    """Sets a pragma of a SQLite database outside any transaction."""
    with closing(sqlite3.connect(str(dialects.parse_url(url).database))) as connection:
        connection.execute(f"PRAGMA {setting}")
