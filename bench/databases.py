"""The databases that are measured: two of each size on each DBMS, made once and kept between runs.

The servers are private ones whose data stay in the bench's folder, or those that the environment
names, as for the tests (`VISIONFORGE_TEST_POSTGRESQL`, `VISIONFORGE_TEST_MARIADB`).
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, create_engine, make_url
from sqlalchemy.pool import NullPool

from bench.data import COLUMNS, TABLE, create, lines, rows
from bench.measure import say
from tests import servers

NAMES = {"sqlite": "SQLite", "pg": "PostgreSQL", "mariadb": "MariaDB"}
SIDES = ("before", "after")
_POSTGRESQL = ("shared_buffers=1GB", "max_wal_size=8GB", "checkpoint_timeout=1h")
_MARIADB = ("innodb-buffer-pool-size=2G", "innodb-log-file-size=1G")
_STARTS = {"pg": (servers.postgresql, _POSTGRESQL), "mariadb": (servers.mariadb, _MARIADB)}


def folder() -> Path:
    """Where everything that can be made again is kept: `BENCH_DIR`, or a folder among the temporary ones."""
    path = Path(os.environ.get("BENCH_DIR") or Path(tempfile.gettempdir()) / "visionforge-bench").absolute()
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(0o755)  # the servers' user passes through
    return path


def marker(url: str) -> Path:
    """The file that is there while a database is changed: one that was left so is made anew."""
    return folder() / f"{Path(str(make_url(url).database)).name}.changed"


class Databases:
    """Finds or makes the databases; starts a server when it is first asked for."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._servers: dict[str, servers.Server] = {}

    def pair(self, source: str, target: str, count: int) -> tuple[str, str]:
        """The URLs of a database before and one after, with so many rows; the rows are the same."""
        return self.url(source, "before", count), self.url(target, "after", count)

    def url(self, name: str, side: str, count: int) -> str:
        """The URL of one database (`sqlite`, `pg` or `mariadb`; `before` or `after`), which is filled."""
        urls = [self._located(name, f"vf_bench_{count}_{each}") for each in SIDES]
        if any(marker(url).exists() for url in urls) or not all(_is_filled(url, count) for url in urls):
            say(f"making {count:,} rows in {NAMES[name]}, before and after")
            self._make(name, urls, count)
            for url in urls:
                marker(url).unlink(missing_ok=True)
        return urls[SIDES.index(side)]

    def server(self, name: str) -> servers.Server:
        """The server of a DBMS."""
        if name not in self._servers:
            start, settings = _STARTS[name]
            self._servers[name] = self._stack.enter_context(start(folder(), *settings))
        return self._servers[name]

    def versions(self) -> dict[str, str]:
        """The versions of Python, SQLite, and the servers that were asked for."""
        asked = {NAMES[name]: server.admin for name, server in self._servers.items()}
        return {
            "Python": platform.python_version(),
            "SQLite": sqlite3.sqlite_version,
            **{name: _number(str(run(admin, "SELECT version()")[0][0])) for name, admin in asked.items()},
        }

    def _located(self, name: str, database: str) -> str:
        if name == "sqlite":
            return f"sqlite:///{folder() / database}.db"
        return self.server(name).admin.set(database=database).render_as_string(hide_password=False)

    def _make(self, name: str, urls: Sequence[str], count: int) -> None:
        if name == "sqlite":
            fill_sqlite(urls, count)
            return
        for url in urls:
            self.server(name).drop(url)
        fill = fill_postgresql if name == "pg" else fill_mariadb
        fill(self.server(name), urls, count)


@contextmanager
def databases() -> Iterator[Databases]:
    """The databases of one run of the bench; the servers end with it."""
    with ExitStack() as stack:
        yield Databases(stack)


@contextmanager
def connected(url: URL | str) -> Iterator[Any]:
    """A connection of the driver's own, that commits each statement."""
    engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    try:
        with closing(engine.raw_connection()) as connection:
            yield connection.driver_connection
    finally:
        engine.dispose()


def run(url: URL | str, *statements: str) -> list[tuple[Any, ...]]:
    """Runs statements, and gives the rows of the last."""
    with connected(url) as connection:
        cursor = connection.cursor()
        for statement in statements:
            cursor.execute(statement)
        return [tuple(row) for row in cursor.fetchall()] if cursor.description else []


def fill_sqlite(urls: Sequence[str], count: int) -> None:
    """Makes two SQLite files that are the same."""
    first, second = (Path(str(make_url(url).database)) for url in urls)
    first.unlink(missing_ok=True)
    with closing(sqlite3.connect(first, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute(create("sqlite"))
        connection.execute("BEGIN")
        connection.executemany(f"INSERT INTO {TABLE} VALUES ({', '.join('?' * len(COLUMNS))})", rows(count))
        connection.execute("COMMIT")
        connection.execute("ANALYZE")
        connection.execute("PRAGMA journal_mode = DELETE")
    shutil.copyfile(first, second)


def fill_postgresql(server: servers.Server, urls: Sequence[str], count: int) -> None:
    """Makes two databases: COPY into the first, and the second is a copy of its files."""
    first, second = (make_url(url).database for url in urls)
    server.run(f"CREATE DATABASE {first} TEMPLATE template0 ENCODING 'UTF8'")
    with connected(urls[0]) as connection:
        cursor = connection.cursor()
        cursor.execute(create("postgresql"))
        with cursor.copy(f"COPY {TABLE} FROM STDIN") as copy:
            for line in lines(count):
                copy.write(line)
        cursor.execute(f"VACUUM (FREEZE, ANALYZE) {TABLE}")
    server.run("CHECKPOINT")
    server.run(f"CREATE DATABASE {second} TEMPLATE {first} STRATEGY file_copy")


def fill_mariadb(server: servers.Server, urls: Sequence[str], count: int) -> None:
    """Makes two databases: LOAD DATA into the first, and the second from the first."""
    first, second = (make_url(url).database for url in urls)
    for name in (first, second):
        server.run(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=folder(), suffix=".tsv") as file:
        file.writelines(lines(count))
        file.flush()
        load = f"LOAD DATA LOCAL INFILE '{file.name}' INTO TABLE {TABLE} CHARACTER SET utf8mb4"
        run(make_url(urls[0]).update_query_dict({"local_infile": "1"}), create("mysql"), load)
    copy = f"INSERT INTO {TABLE} SELECT * FROM {first}.{TABLE} ORDER BY id"
    run(urls[1], "SET unique_checks = 0", create("mysql"), copy)
    for url in urls:
        run(url, f"ANALYZE TABLE {TABLE}")


def _number(version: str) -> str:
    found = re.search(r"\d+\.[\d.]+", version)
    return found[0] if found else version


def _is_filled(url: str, count: int) -> bool:
    """Whether the database is there, with its rows: one that was cut short is made anew."""
    found = make_url(url)
    if found.get_backend_name() == "sqlite":
        return Path(str(found.database)).exists() and _rows(url) == count
    listed = {
        "postgresql": ("postgres", "SELECT datname FROM pg_database"),
        "mysql": ("information_schema", "SELECT schema_name FROM schemata"),
    }
    database, sql = listed[found.get_backend_name()]
    return (found.database,) in run(found.set(database=database), sql) and _rows(url) == count


def _rows(url: str) -> int:
    """How many rows the table has; -1 where there is no such table."""
    try:
        return int(run(url, f"SELECT count(*) FROM {TABLE}")[0][0])
    except Exception:  # whatever is wrong with it, it is made anew
        return -1
