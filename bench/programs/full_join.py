"""DuckDB's own full join over its scanners: what one would write by hand.

    python -m bench.programs.full_join URL URL

Prints the keys of the rows that differ, as a JSON list. Two threads; all else as DuckDB comes. The
extensions are those of the packages on PyPI, and nothing is fetched.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from pathlib import Path

import duckdb
from sqlalchemy import URL, make_url

from bench.data import COLUMNS, TABLE, TYPES

SCANNERS = {"sqlite": "sqlite", "postgresql": "postgres", "mysql": "mysql"}


def main(source: str, target: str) -> None:
    """Joins the tables on their key, and compares every other column."""
    a, b = make_url(source), make_url(target)
    cast = a.get_backend_name() != b.get_backend_name()
    with duckdb.connect() as connection:
        connection.execute("SET threads = 2")
        for name, url in (("a", a), ("b", b)):
            _attach(connection, name, url)
        print(json.dumps([key for (key,) in connection.execute(_join(cast)).fetchall()]))


def _attach(connection: duckdb.DuckDBPyConnection, name: str, url: URL) -> None:
    scanner = SCANNERS[url.get_backend_name()]
    package = import_module(f"duckdb_extension_{scanner}_scanner")
    (extension,) = Path(str(package.__file__)).parent.rglob("*.duckdb_extension")
    connection.execute(f"LOAD '{extension}'")
    address = _address(url).replace("'", "''")
    connection.execute(f"ATTACH '{address}' AS {name} (TYPE {scanner}, READ_ONLY)")


def _address(url: URL) -> str:
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    words = {"host": url.host, "port": url.port, "user": url.username, "password": url.password}
    words["dbname" if url.get_backend_name() == "postgresql" else "database"] = url.database
    return " ".join(f"{word}={value}" for word, value in words.items() if value)


def _join(cast: bool) -> str:
    """The join; between two DBMS the values are brought to the declared types first."""

    def value(side: str, column: str) -> str:
        return f"CAST({side}.{column} AS {TYPES[column].replace('(6)', '')})" if cast else f"{side}.{column}"

    differ = " OR ".join(f"{value('a', name)} IS DISTINCT FROM {value('b', name)}" for name in COLUMNS)
    return (
        f"SELECT coalesce(a.id, b.id) FROM a.{TABLE} a FULL JOIN b.{TABLE} b ON a.id = b.id"
        f" WHERE {differ} ORDER BY 1"
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
