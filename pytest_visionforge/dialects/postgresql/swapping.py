"""A database in the place of another: scratch databases, and two renames in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from pathlib import Path
from threading import Timer
from typing import Any

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError

from pytest_visionforge.database.session import verbatim
from pytest_visionforge.dialects.postgresql.language import quote
from pytest_visionforge.dialects.rooms.archive import Payloads
from pytest_visionforge.dialects.writing import Admin, admin, is_kept
from pytest_visionforge.errors import BackupError

LONGEST_NAME = 63  # bytes
MAINTENANCE = ("postgres", "template1")
ATTEMPTS = 5
OBJECT_IN_USE = "55006"
_SETTINGS = (
    "SELECT r.rolname, unnest(s.setconfig) FROM pg_db_role_setting s"
    " JOIN pg_database d ON d.oid = s.setdatabase LEFT JOIN pg_roles r ON r.oid = s.setrole"
    " WHERE d.datname = :name"
)
_RIGHTS = (
    "SELECT r.rolname, a.privilege_type, a.is_grantable FROM pg_database d, aclexplode(d.datacl) a"
    " LEFT JOIN pg_roles r ON r.oid = a.grantee WHERE d.datname = :name"
)
_FACTS = (
    "SELECT pg_get_userbyid(datdba) AS owner, datconnlimit AS limit, datacl IS NOT NULL AS has_rights,"
    " shobj_description(oid, 'pg_database') AS comment, pg_encoding_to_char(encoding) AS encoding,"
    " to_jsonb(d) AS all FROM pg_database d WHERE datname = :name"
)


@contextmanager
def scratch(url: URL | None, tag: str, directory: Path | None) -> Iterator[URL]:
    """`vf_scratch_<tag>` on the same server, with the encoding and locale of the database at `url`."""
    if url is None:
        raise BackupError("a scratch database needs a server: name the URL of a database on it")
    name = f"vf_scratch_{tag}"
    with _maintenance(url) as server, _alone(server, name):
        _drop(server, name)
        server.run(f"CREATE DATABASE {quote(name)} TEMPLATE template0 {_locale(server, url)}")
        try:
            yield url.set(database=name)
        finally:
            _drop(server, name)


def exists(url: URL) -> bool:
    """Is there a database of that name?"""
    with _maintenance(url) as server:
        return bool(_facts(server, str(url.database)))


def swap(scratch: URL, url: URL, payloads: Payloads, tag: str, progress: Callable[[str], None]) -> str:
    """Renames both databases in one transaction, after the old one's settings are copied."""
    name, new = str(url.database), str(scratch.database)
    with _maintenance(url) as server:
        if not _facts(server, name):
            _rename(server, [(new, name)], progress)
            return ""
        _refuse_tied(server, name)
        _copy_settings(server, scratch, name)
        old = _free_name(server, name, tag)
        progress(f"swapping: the old database becomes {old}")
        _rename(server, [(name, old), (new, name)], progress)
    return old


def put_back(kept: str, url: URL, tag: str, progress: Callable[[str], None]) -> str:
    """The kept database back in the place of the live one, which is kept in turn."""
    name = str(url.database)
    with _maintenance(url) as server:
        _refuse_tied(server, name)
        old = _free_name(server, name, tag)
        progress(f"swapping: the database becomes {old}")
        _rename(server, [(name, old), (kept, name)], progress)
    return old


def copy(url: URL, tag: str, progress: Callable[[str], None]) -> str:
    """A copy of the database's files beside it, in about the time that the disk needs."""
    name = str(url.database)
    with _maintenance(url) as server:
        made = _free_name(server, name, tag, "safe")
        file_copy = " STRATEGY file_copy" if _version(server) >= 150000 else ""  # before, the only way
        progress(f"copying the database to {made}")
        _complaining_of_users(
            server, f"CREATE DATABASE {quote(made)} TEMPLATE {quote(name)}{file_copy}", str(name)
        )
        try:
            _copy_settings(server, url.set(database=made), name)
        except BaseException:
            _drop(server, made)
            raise
    return made


def kept(url: URL) -> list[str]:
    """The databases beside it that hold its former states."""
    with _maintenance(url) as server:
        names = [str(row[0]) for row in server.rows("SELECT datname FROM pg_database ORDER BY oid DESC")]
    return [name for name in names if is_kept(name, str(url.database), LONGEST_NAME)]


def discard(url: URL, kept: str) -> None:
    """Drops a kept database."""
    with _maintenance(url) as server:
        _drop(server, kept)


def recover(url: URL, progress: Callable[[str], None]) -> str:
    """A swap is one transaction: what a run that died leaves is its scratch database."""
    with _maintenance(url) as server:
        left = server.rows(
            "SELECT datname FROM pg_database"
            " WHERE datname LIKE 'vf\\_scratch\\_%' AND pg_has_role(datdba, 'USAGE')"
        )
        dropped = [name for (name,) in left if _is_free(server, name)]
        for name in dropped:
            progress(f"dropping {name}")
            _drop(server, name)
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
    facts, new = _facts(server, live), quote(str(scratch.database))
    server.run(f"ALTER DATABASE {new} OWNER TO {quote(facts['owner'])}")
    server.run(f"ALTER DATABASE {new} CONNECTION LIMIT {int(facts['limit'])}")
    if facts["comment"] is not None:
        server.run(f"COMMENT ON DATABASE {new} IS {_literal(facts['comment'])}")
    if facts["has_rights"]:
        _copy_rights(server, new, live)
    with connected(scratch) as connection:  # FROM CURRENT takes a value without parsing it
        for role, setting in connection.rows(_SETTINGS, name=live):
            _copy_setting(connection, new, role, setting)


def _copy_rights(server: Admin, new: str, live: str) -> None:
    owner = _facts(server, live)["owner"]
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


def _facts(server: Admin, name: str) -> Mapping[str, Any]:
    """What the server says of a database; {} where there is none."""
    rows = server.rows(_FACTS, name=name)
    return dict(rows[0]._mapping) if rows else {}


def _locale(server: Admin, url: URL) -> str:
    facts = _facts(server, str(url.database))
    if not facts:
        return ""
    raw = facts["all"]
    words = [f"ENCODING {_literal(facts['encoding'])}"]
    words += [f"LC_COLLATE {_literal(raw['datcollate'])}", f"LC_CTYPE {_literal(raw['datctype'])}"]
    provider = {"i": "icu", "b": "builtin"}.get(raw.get("datlocprovider", "c"))
    locale = raw.get("datlocale") or raw.get("daticulocale")
    if provider and locale:
        words += [f"LOCALE_PROVIDER {provider}", f"{provider.upper()}_LOCALE {_literal(locale)}"]
    return " ".join(words)


def _free_name(server: Admin, name: str, tag: str, word: str = "old") -> str:
    """`<name>__<word>_<tag>`, within 63 bytes, that no database has."""
    number = 1
    while True:
        end = f"__{word}_{tag}" + (f"_{number}" if number > 1 else "")
        old = name.encode()[: LONGEST_NAME - len(end)].decode(errors="ignore") + end
        if not _facts(server, old):
            return old
        number += 1


def _is_free(server: Admin, name: str) -> bool:
    """Takes the lock of a name, unless another run has it; the lock ends with the connection."""
    return bool(server.value("SELECT pg_try_advisory_lock(hashtextextended(:name, 0))", name=name))


@contextmanager
def _alone(server: Admin, name: str) -> Iterator[None]:
    """A name on the server is ours; what a dead run left under it may then be dropped."""
    if not _is_free(server, name):
        raise BackupError(f"another run is using {name}; wait until it has ended")
    yield  # the lock ends with the connection


def _drop(server: Admin, name: str) -> None:
    server.run(f"DROP DATABASE IF EXISTS {quote(name)} WITH (FORCE)")


@contextmanager
def _maintenance(url: URL) -> Iterator[Admin]:
    """A connection to another database of the server than the one that is to be renamed."""
    with connected(maintenance_url(url)) as connection:
        yield connection


def maintenance_url(url: URL) -> URL:
    """Another database of the server that answers."""
    others = [url.set(database=name) for name in MAINTENANCE if name != url.database]
    return next(filter(_answers, others), others[-1])


def _answers(url: URL) -> bool:
    try:
        with connected(url):
            return True
    except BackupError:
        return False


def connected(url: URL) -> AbstractContextManager[Admin]:
    """A connection that may write; errors are BackupError with a remedy."""
    return admin(url, {"connect_timeout": 5, "application_name": "visionforge"}, _remedy)


def _remedy(error: DBAPIError) -> str:
    state = getattr(error.orig, "sqlstate", None)
    if state == "42501":
        return "; the role needs CREATEDB and must own the database (ALTER ROLE ... CREATEDB)"
    return "; stop what uses it, then restore again" if state == OBJECT_IN_USE else ""


def _literal(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "''")
    return verbatim(f" E'{escaped}'")
