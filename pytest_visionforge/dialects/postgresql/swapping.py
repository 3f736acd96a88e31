"""A database in the place of another: two renames in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from threading import Timer

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError

from pytest_visionforge.dialects.postgresql.databases import (
    OBJECT_IN_USE,
    connected,
    drop,
    facts_of,
    free_name,
    is_free,
    literal,
    maintenance,
)
from pytest_visionforge.dialects.postgresql.language import quote
from pytest_visionforge.dialects.rooms.archive import Payloads
from pytest_visionforge.dialects.writing import Admin
from pytest_visionforge.errors import BackupError

ATTEMPTS = 5
_SETTINGS = (
    "SELECT r.rolname, unnest(s.setconfig) FROM pg_db_role_setting s"
    " JOIN pg_database d ON d.oid = s.setdatabase LEFT JOIN pg_roles r ON r.oid = s.setrole"
    " WHERE d.datname = :name"
)
_RIGHTS = (
    "SELECT r.rolname, a.privilege_type, a.is_grantable FROM pg_database d, aclexplode(d.datacl) a"
    " LEFT JOIN pg_roles r ON r.oid = a.grantee WHERE d.datname = :name"
)


def swap(scratch: URL, url: URL, payloads: Payloads, tag: str, progress: Callable[[str], None]) -> str:
    """Renames both databases in one transaction, after the old one's settings are copied."""
    name, new = str(url.database), str(scratch.database)
    with maintenance(url) as server:
        if not facts_of(server, name):
            _rename(server, [(new, name)], progress)
            return ""
        _refuse_tied(server, name)
        _copy_settings(server, scratch, name)
        old = free_name(server, name, tag)
        progress(f"swapping: the old database becomes {old}")
        _rename(server, [(name, old), (new, name)], progress)
    return old


def put_back(kept: str, url: URL, tag: str, progress: Callable[[str], None]) -> str:
    """The kept database back in the place of the live one, which is kept in turn."""
    name = str(url.database)
    with maintenance(url) as server:
        _refuse_tied(server, name)
        old = free_name(server, name, tag)
        progress(f"swapping: the database becomes {old}")
        _rename(server, [(name, old), (kept, name)], progress)
    return old


def copy(url: URL, tag: str, progress: Callable[[str], None]) -> str:
    """A copy of the database's files beside it, in about the time that the disk needs."""
    name = str(url.database)
    with maintenance(url) as server:
        made = free_name(server, name, tag, "safe")
        file_copy = " STRATEGY file_copy" if _version(server) >= 150000 else ""  # before, the only way
        progress(f"copying the database to {made}")
        _complaining_of_users(
            server, f"CREATE DATABASE {quote(made)} TEMPLATE {quote(name)}{file_copy}", str(name)
        )
        try:
            _copy_settings(server, url.set(database=made), name)
        except BaseException:
            drop(server, made)
            raise
    return made


def recover(url: URL, progress: Callable[[str], None]) -> str:
    """A swap is one transaction: what a run that died leaves is its scratch database."""
    with maintenance(url) as server:
        left = server.rows(
            "SELECT datname FROM pg_database"
            " WHERE datname LIKE 'vf\\_scratch\\_%' AND pg_has_role(datdba, 'USAGE')"
        )
        dropped = [name for (name,) in left if is_free(server, name)]
        for name in dropped:
            progress(f"dropping {name}")
            drop(server, name)
    return f"left by a run that died, and dropped: {', '.join(dropped)}" if dropped else ""


def _complaining_of_users(server: Admin, sql: str, name: str) -> None:
    """Runs a statement that wants the database for itself; names who is in the way."""
    try:
        server.run(sql)
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != OBJECT_IN_USE:
            raise
        users = server.rows(
            "SELECT DISTINCT coalesce(nullif(application_name, ''), usename) FROM pg_stat_activity"
            " WHERE datname = :name ORDER BY 1",
            name=name,
        )
        raise BackupError(
            f"{name} is in use by {', '.join(str(row[0]) for row in users[:5]) or 'somebody'}:"
            " a copy of its files needs it alone; stop what uses it, then try again"
        ) from None


def _refuse_tied(server: Admin, name: str) -> None:
    """What belongs to the very database, and would stay with the old state."""
    found = server.rows(
        "SELECT 'prepared transaction ' || gid FROM pg_prepared_xacts WHERE database = :name UNION ALL"
        " SELECT 'replication slot ' || slot_name FROM pg_replication_slots WHERE database = :name UNION ALL"
        " SELECT 'subscription ' || subname FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid"
        " WHERE d.datname = :name",
        name=name,
    )
    if found:
        raise BackupError(
            f"{', '.join(row[0] for row in found[:5])} would stay with the old state of {name}:"
            " end or drop it, restore, and make it again"
        )


def _version(server: Admin) -> int:
    return int(server.value("SELECT current_setting('server_version_num')"))


def _rename(server: Admin, pairs: Sequence[tuple[str, str]], progress: Callable[[str], None]) -> None:
    """All renames, or none. RENAME itself keeps new connections out while it waits for the old to end."""
    for attempt in range(ATTEMPTS):
        helper = Timer(0.1 * attempt, partial(_end_connections, server.engine.url, [old for old, _ in pairs]))
        helper.start()
        try:
            server.run("BEGIN")
            for old, new in pairs:
                server.run(f"ALTER DATABASE {quote(old)} RENAME TO {quote(new)}")
            server.run("COMMIT")
            return
        except DBAPIError as error:
            server.run("ROLLBACK")
            if getattr(error.orig, "sqlstate", None) != OBJECT_IN_USE or attempt == ATTEMPTS - 1:
                raise
        finally:
            helper.join()
        progress("waiting for connections to end")


def _end_connections(url: URL, names: Sequence[str]) -> None:
    with suppress(BackupError), connected(url) as connection:  # then RENAME says who is in the way
        connection.rows(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = ANY(:names) AND pid <> pg_backend_pid()",
            names=list(names),
        )


def _copy_settings(server: Admin, scratch: URL, live: str) -> None:
    """Owner, rights, limit, comment and settings belong to a database, not to a dump of it."""
    facts, new = facts_of(server, live), quote(str(scratch.database))
    server.run(f"ALTER DATABASE {new} OWNER TO {quote(facts['owner'])}")
    server.run(f"ALTER DATABASE {new} CONNECTION LIMIT {int(facts['limit'])}")
    if facts["comment"] is not None:
        server.run(f"COMMENT ON DATABASE {new} IS {literal(facts['comment'])}")
    if facts["has_rights"]:
        _copy_rights(server, new, live)
    with connected(scratch) as connection:  # FROM CURRENT takes a value without parsing it
        for role, setting in connection.rows(_SETTINGS, name=live):
            _copy_setting(connection, new, role, setting)


def _copy_rights(server: Admin, new: str, live: str) -> None:
    owner = facts_of(server, live)["owner"]
    server.run(f"REVOKE ALL ON DATABASE {new} FROM PUBLIC, {quote(owner)}")
    for role, right, grantable in server.rows(_RIGHTS, name=live):
        to = quote(role) if role else "PUBLIC"
        server.run(f"GRANT {right} ON DATABASE {new} TO {to}{' WITH GRANT OPTION' if grantable else ''}")


def _copy_setting(connection: Admin, new: str, role: str | None, setting: str) -> None:
    name, _, value = setting.partition("=")
    connection.rows("SELECT set_config(:name, :value, false)", name=name, value=value)
    whose = f"ROLE {quote(role)} IN DATABASE {new}" if role else f"DATABASE {new}"
    connection.run(f"ALTER {whose} SET {'.'.join(map(quote, name.split('.')))} FROM CURRENT")
    connection.run(f"RESET {'.'.join(map(quote, name.split('.')))}")
