"""How PostgreSQL is backed up and put back: pg_dump, pg_restore, and two renames in one transaction."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from pathlib import Path
from threading import Timer
from typing import Any

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError

from pytest_visionforge.database.session import Session, verbatim
from pytest_visionforge.dialects import Dumped, Payloads, Raw, Sink
from pytest_visionforge.dialects.child import Command, Program, feed, installed, pour
from pytest_visionforge.dialects.postgresql.language import quote
from pytest_visionforge.dialects.postgresql.session import export_snapshot
from pytest_visionforge.dialects.writing import Admin, admin
from pytest_visionforge.errors import BackupError

FULL, SCHEMA, DATA = "full.dump", "schema.dump", "data.dump"
DUMP_OPTIONS = ("--format=custom", "--compress=0", "--no-password", "--lock-wait-timeout=30s")
LOAD_OPTIONS = ("--exit-on-error", "--no-password")
PLACES = (
    "/usr/lib/postgresql/*/bin/",
    "/usr/pgsql-*/bin/",
    "/usr/local/pgsql/bin/",
    "/opt/homebrew/opt/*/bin/",
)
LONGEST_NAME = 63  # bytes
MAINTENANCE = ("postgres", "template1")
ATTEMPTS = 5
OBJECT_IN_USE = "55006"
# Settings that would change what the programs do behind our back.
CLEARED = dict.fromkeys(("PGOPTIONS", "PGSERVICE", "PGSERVICEFILE", "PGDATABASE", "PGHOSTADDR"), None)


def place(url: URL) -> str:
    """Host, port and name."""
    host = url.host or url.query.get("host") or "local"
    return f"postgresql:{host}:{url.port or 5432}/{url.database or url.username}"


def dump(
    session: Session,
    url: URL,
    kind: str,
    write: Callable[[str], AbstractContextManager[Sink]],
    workplace: Path,
    progress: Callable[[str], None],
) -> Dumped:
    """Runs pg_dump on the snapshot that the session sees."""
    program = _program("pg_dump", session.dialect.session.version(session))
    snapshot = export_snapshot(session)
    wanted = {"full": ((FULL, ()),), "schema": ((SCHEMA, ("--schema-only",)),)}.get(
        kind, ((SCHEMA, ("--schema-only",)), (DATA, ("--data-only",)))
    )
    for name, options in wanted:
        progress(f"pg_dump: {name.partition('.')[0]}")
        arguments = (*DUMP_OPTIONS, *options, f"--snapshot={snapshot}", f"--dbname={_conninfo(url)}")
        with write(name) as sink:
            pour(_command(program, arguments, url), sink)
    return Dumped({"pg_dump": program.shown}, DUMP_OPTIONS, shared=True)


def check(name: str, raw: Raw, workplace: Path) -> None:
    """pg_restore reads the whole archive and writes it nowhere."""
    programs = installed("pg_restore", *(f"{folder}pg_restore" for folder in PLACES))
    if not programs:
        raise _missing("pg_restore", ())
    feed(_command(programs[-1], ("--file=/dev/null",), None), raw)


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


def load(payloads: Payloads, url: URL, progress: Callable[[str], None]) -> None:
    """Runs pg_restore; definitions that act on rows come after the rows."""
    with _connected(url) as connection:
        version = divmod(int(connection.value("SELECT current_setting('server_version_num')")), 10_000)
    program = _program("pg_restore", version)
    both = DATA in payloads.names
    steps: tuple[tuple[str, tuple[str, ...]], ...] = tuple((name, ()) for name in payloads.names)
    if both:
        steps = ((SCHEMA, ("--section=pre-data",)), (DATA, ()), (SCHEMA, ("--section=post-data",)))
    for name, options in steps:
        progress(
            f"pg_restore: {name.partition('.')[0]} {' '.join(options).removeprefix('--section=')}".strip()
        )
        with payloads.open(name) as raw:
            feed(_command(program, (*LOAD_OPTIONS, *options, f"--dbname={_conninfo(url)}"), url), raw)
    with _connected(url) as connection:
        progress("analyzing")
        connection.run("ANALYZE")


def swap(
    scratch: URL, url: URL, payloads: Payloads, tag: str, keep_old: bool, progress: Callable[[str], None]
) -> str:
    """Renames both databases in one transaction, after the old one's settings are copied."""
    name, new = str(url.database), str(scratch.database)
    with _maintenance(url) as server:
        if not _facts(server, name):
            _rename(server, [(new, name)], progress)
            return ""
        _copy_settings(server, scratch, name)
        old = _free_name(server, name, tag)
        progress(f"swapping: the old database becomes {old}")
        _rename(server, [(name, old), (new, name)], progress)
        if not keep_old:
            _drop(server, old)
    return old if keep_old else ""


def _rename(server: Admin, pairs: Sequence[tuple[str, str]], progress: Callable[[str], None]) -> None:
    """All renames, or none. RENAME itself keeps new connections out while it waits for the old to end."""
    for attempt in range(ATTEMPTS):
        helper = Timer(0.1 * attempt, partial(_end_connections, server.engine.url, [old for old, _ in pairs]))
        helper.start()
        try:
            server.run("BEGIN")
            for old, new in pairs:
                server.run(f"ALTER DATABASE {quote(old)} RENAME TO {quote(new)}")
            return server.run("COMMIT")
        except DBAPIError as error:
            server.run("ROLLBACK")
            if getattr(error.orig, "sqlstate", None) != OBJECT_IN_USE or attempt == ATTEMPTS - 1:
                raise
        finally:
            helper.join()
        progress("waiting for connections to end")


def _end_connections(url: URL, names: Sequence[str]) -> None:
    with suppress(BackupError), _connected(url) as connection:  # then RENAME says who is in the way
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
    with _connected(scratch) as connection:  # FROM CURRENT takes a value without parsing it
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


_SETTINGS = (
    "SELECT r.rolname, unnest(s.setconfig) FROM pg_db_role_setting s"
    " JOIN pg_database d ON d.oid = s.setdatabase LEFT JOIN pg_roles r ON r.oid = s.setrole WHERE d.datname = :name"
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


def _free_name(server: Admin, name: str, tag: str) -> str:
    """`<name>__old_<tag>`, within 63 bytes, that no database has."""
    number = 1
    while True:
        end = f"__old_{tag}" + (f"_{number}" if number > 1 else "")
        old = name.encode()[: LONGEST_NAME - len(end)].decode(errors="ignore") + end
        if not _facts(server, old):
            return old
        number += 1


@contextmanager
def _alone(server: Admin, name: str) -> Iterator[None]:
    """A name on the server is ours; what a dead run left under it may then be dropped."""
    if not server.value("SELECT pg_try_advisory_lock(hashtextextended(:name, 0))", name=name):
        raise BackupError(f"another run is using {name}; wait until it has ended")
    yield  # the lock ends with the connection


def _drop(server: Admin, name: str) -> None:
    server.run(f"DROP DATABASE IF EXISTS {quote(name)} WITH (FORCE)")


@contextmanager
def _maintenance(url: URL) -> Iterator[Admin]:
    """A connection to another database of the server than the one that is to be renamed."""
    others = [name for name in MAINTENANCE if name != url.database]
    for name in others[:-1]:
        try:
            _probe(url.set(database=name))
        except BackupError:
            continue
        others = [name]
    with _connected(url.set(database=others[-1])) as connection:
        yield connection


def _probe(url: URL) -> None:
    with _connected(url):
        pass


def _connected(url: URL) -> AbstractContextManager[Admin]:
    return admin(url, {"connect_timeout": 5, "application_name": "visionforge"}, _remedy)


def _remedy(error: DBAPIError) -> str:
    state = getattr(error.orig, "sqlstate", None)
    if state == "42501":
        return "; the role needs CREATEDB and must own the database (ALTER ROLE ... CREATEDB)"
    return "; stop what uses it, then restore again" if state == OBJECT_IN_USE else ""


def _literal(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "''")
    return verbatim(f" E'{escaped}'")


def _program(name: str, server: tuple[int, ...]) -> Program:
    """The program of the server's own major version, or the next newer one: an older cannot, and a much
    newer one writes what an older server does not know."""
    programs = installed(name, *(f"{folder}{name}" for folder in PLACES))
    fitting = [program for program in programs if program.version[0] >= server[0]]
    if not fitting:
        raise _missing(name, server, programs)
    return next(reversed([program for program in fitting if program.version[0] == fitting[0].version[0]]))


def _missing(name: str, server: tuple[int, ...], found: Sequence[Program] = ()) -> BackupError:
    wanted = f" {server[0]} or newer" if server else ""
    seen = f" (found only {', '.join(program.shown for program in found)})" if found else ""
    package = f"postgresql-client-{server[0]}" if server else "postgresql-client"
    return BackupError(f"{name}{wanted} is not installed{seen}; install it: apt-get install {package}")


def _conninfo(url: URL) -> str:
    """Where the database is, without the password."""
    from psycopg.conninfo import make_conninfo

    if "sslpassword" in url.query:
        raise BackupError(
            "sslpassword would be seen in the process list: use a key file without a passphrase"
        )
    parts: dict[str, Any] = {key: value for key, value in url.query.items() if key != "password"}
    parts |= {"host": url.host, "port": url.port, "user": url.username, "dbname": url.database}
    parts |= {"connect_timeout": 5, "application_name": "visionforge"}
    return str(make_conninfo("", **{key: value for key, value in parts.items() if value is not None}))


def _command(program: Program, arguments: Sequence[str], url: URL | None) -> Command:
    password = url and (url.password or url.query.get("password"))
    return Command(
        arguments=(program.path, *arguments),
        environment={**CLEARED, **({"PGPASSWORD": str(password)} if password else {})},
        tidy=partial(_tidy, secret=str(password or "")),
    )


_ERROR = re.compile(r"^(pg_dump|pg_restore): (error|fatal|detail): ", re.I)


def _tidy(line: str, secret: str) -> str:
    """An error's own line; not the statement, not the rows, not the password."""
    if not _ERROR.match(line):
        return ""
    line = re.sub(r"Key \(.*", "", line)[:500].strip()
    return line.replace(secret, "***") if secret else line
