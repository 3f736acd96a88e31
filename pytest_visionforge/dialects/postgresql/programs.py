"""PostgreSQL's own programs: which is run, how it connects, what of its words may be shown."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from typing import Any

from sqlalchemy import URL

from pytest_visionforge.dialects.child import Command, Program, installed
from pytest_visionforge.errors import BackupError, Hindered

PLACES = (
    "/usr/lib/postgresql/*/bin/",
    "/usr/pgsql-*/bin/",
    "/usr/local/pgsql/bin/",
    "/opt/homebrew/opt/*/bin/",
)
# Settings that would change what the programs do behind our back.
CLEARED: dict[str, str | None] = dict.fromkeys(
    ("PGOPTIONS", "PGSERVICE", "PGSERVICEFILE", "PGDATABASE", "PGHOSTADDR")
)
UNREADABLE = "unsupported version"  # what pg_restore says of an archive by a newer pg_dump
REMEDIES = {
    "out of shared memory|max_locks_per": (
        "its table of locks is full: ALTER SYSTEM SET max_locks_per_transaction to twice what SHOW says, or more,"
        " and restart the server"
    ),
    "row-level security": "use a role with BYPASSRLS, or the tables' owner",
    "LOCK TABLE .* MODE": "another transaction holds the table: wait until it has ended, then try again",
    "permission denied": "grant the role what it lacks, or use the owner",
    "password authentication failed": "check the password",
    r"\bSSL\b|certificate|no encryption": "see sslmode and sslrootcert in the URL",
    UNREADABLE: "a newer pg_dump wrote it: install postgresql-client of its major version",
    "connection to server": "check that the server runs and can be reached",
    "terminating connection|server closed": "see the server's log, then try again",
    "No space left": "free some space on the server",
    'role ".*" does not exist': "create the role on the server",
}
_ERROR = re.compile(r"^(pg_dump|pg_restore): (error|fatal|detail): ", re.I)


def program_for(name: str, server: tuple[int, ...]) -> Program:
    """The program of the server's own major version, or of the next one that is installed.

    An older one cannot read the server; a much newer one writes what the server does not know.
    """
    programs = _installed(name)
    majors = [program.version[0] for program in programs if program.version[0] >= server[0]]
    if not majors:
        raise _missing(name, server, programs)
    return next(program for program in reversed(programs) if program.version[0] == majors[0])


def newest(name: str) -> Program:
    """The newest one: it reads every archive that an older one wrote."""
    programs = _installed(name)
    if not programs:
        raise _missing(name, (), ())
    return programs[-1]


def _installed(name: str) -> tuple[Program, ...]:
    return installed(name, *(f"{folder}{name}" for folder in PLACES))


def _missing(name: str, server: tuple[int, ...], found: Sequence[Program]) -> Hindered:
    wanted = f" {server[0]} or newer" if server else ""
    seen = f" (found only {', '.join(program.shown for program in found)})" if found else ""
    package = f"postgresql-client-{server[0]}" if server else "postgresql-client"
    return Hindered(f"{name}{wanted} is not installed{seen}; install it: apt-get install {package}")


def command(program: Program, arguments: Sequence[str], url: URL | None) -> Command:
    """What is run; the password goes into the child's environment, which only we and root can read."""
    password = str((url and (url.password or url.query.get("password"))) or "")
    return Command(
        arguments=(program.path, *arguments),
        environment={**CLEARED, **({"PGPASSWORD": password} if password else {})},
        tidy=partial(_tidy, secret=password),
        remedies=REMEDIES,
    )


def conninfo(url: URL) -> str:
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


def _tidy(line: str, secret: str) -> str:
    """An error's own line; not the statement, not the rows, not the password."""
    if not _ERROR.match(line):
        return ""
    line = re.sub(r"Key \(.*", "", line)[:500].strip()
    return line.replace(secret, "***") if secret else line
