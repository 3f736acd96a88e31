"""The databases of a server: scratch ones, kept ones, and what each holds by name."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError

from pytest_visionforge.dialects.mysql.language import quote
from pytest_visionforge.dialects.writing import Admin, admin, is_kept
from pytest_visionforge.errors import BackupError

LONGEST_NAME = 64  # characters
TABLES = "'BASE TABLE', 'SYSTEM VERSIONED', 'SEQUENCE'"


@contextmanager
def scratch(url: URL | None, tag: str, directory: Path | None) -> Iterator[URL]:
    """`vf_scratch_<tag>` on the same server, with the character set of the database at `url`."""
    if url is None:
        raise BackupError("a scratch database needs a server: name the URL of a database on it")
    name = f"vf_scratch_{tag}"
    with connected(url) as server:
        if server.value("SELECT GET_LOCK(:name, 0)", name=name) != 1:
            raise BackupError(f"another run is using {name}; wait until it has ended")
        drop(server, name)
        create(server, name, url)
        try:
            yield url.set(database=name)
        finally:
            drop(server, name)


def prepare_scratch(url: URL) -> None:
    """Makes one, to see that the user may: rights for names that begin like ours can be written in many ways."""
    with scratch(url, secrets.token_hex(4), None):
        pass


def exists(url: URL) -> bool:
    """Is there a database of that name?"""
    with connected(url) as server:
        return has(server, str(url.database))


def kept(url: URL) -> list[str]:
    """The databases beside it that hold its former states."""
    with connected(url) as server:
        names = [str(row[0]) for row in server.rows("SELECT SCHEMA_NAME FROM information_schema.SCHEMATA")]
    return sorted(name for name in names if is_kept(name, str(url.database), LONGEST_NAME))


def discard(url: URL, kept: str) -> None:
    """Drops a kept database."""
    with connected(url) as server:
        drop(server, kept)


def drop_dead(server: Admin) -> Iterator[str]:
    """Drops scratch databases whose run has died, since nobody holds their lock, and says which."""
    left = server.rows(
        "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME LIKE 'vf|_scratch|_%' ESCAPE '|'"
    )
    for (name,) in left:
        if server.value("SELECT GET_LOCK(:name, 0)", name=name) == 1:
            drop(server, name)
            server.run("DO RELEASE_LOCK(:name)", name=name)
            yield f"left by a run that died, and dropped: {name}"


def names_of(query: Callable[..., Sequence[Any]], types: str, schema: str = "DATABASE()") -> list[str]:
    """The names of tables or views of some types, sequences first: defaults may use them."""
    sql = (
        f"SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = {schema}"
        f" AND TABLE_TYPE IN ({types}) ORDER BY TABLE_TYPE = 'SEQUENCE' DESC, TABLE_NAME"
    )
    return [str(row[0]) for row in query(sql)]


def relations(server: Admin, database: str, types: str) -> list[str]:
    """The names of tables or views of some types in any database of the server."""
    return names_of(partial(server.rows, of=database), types, ":of")


def listed(server: Admin, column: str, table: str, schema: str, database: str) -> list[str]:
    """One column of what information_schema lists of a database."""
    sql = f"SELECT {column} FROM information_schema.{table} WHERE {schema} = :database"
    return [str(row[0]) for row in server.rows(sql, database=database)]


def has(server: Admin, name: str) -> bool:
    """Is there a database of that name?"""
    return bool(listed(server, "SCHEMA_NAME", "SCHEMATA", "SCHEMA_NAME", name))


def free_name(server: Admin, name: str, tag: str) -> str:
    """`<name>__old_<tag>`, within 64 characters, that no database has."""
    number = 1
    while True:
        end = f"__old_{tag}" + (f"_{number}" if number > 1 else "")
        old = name[: LONGEST_NAME - len(end)] + end
        if not has(server, old):
            return old
        number += 1


def create(server: Admin, name: str, like: URL) -> None:
    """A new database, with the character set of another one where that is there."""
    server.run(f"CREATE DATABASE {quote(name)} {_character_set(server, like)}")


def drop(server: Admin, name: str) -> None:
    """Drops a database that may be gone already."""
    server.run(f"DROP DATABASE IF EXISTS {quote(name)}")


def _character_set(server: Admin, url: URL) -> str:
    row = server.rows(
        "SELECT DEFAULT_CHARACTER_SET_NAME, DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA"
        " WHERE SCHEMA_NAME = :name",
        name=url.database,
    )
    return f"CHARACTER SET {row[0][0]} COLLATE {row[0][1]}" if row else "CHARACTER SET utf8mb4"


def connected(url: URL, database: str = "") -> AbstractContextManager[Admin]:
    """A connection to the server, by itself without a database: the one of the URL may be gone."""
    arguments = {"connect_timeout": 5, "charset": "utf8mb4", "program_name": "visionforge"}
    return admin(url.set(database=database), arguments, _remedy)


def _remedy(error: DBAPIError) -> str:
    number = error.orig.args[0] if error.orig and error.orig.args else None
    if number == 1205:
        return "; a transaction holds a table: stop what uses the database, then restore again"
    if number in (1044, 1142, 1227):
        return (
            "; the user needs all rights on the database, on scratch databases and on what is kept: GRANT ALL ON"
            r" `vf\_scratch\_%`.* TO it, and for a restore GRANT ALL ON `%\_\_old\_%`.* TO it"
        )
    return ""
