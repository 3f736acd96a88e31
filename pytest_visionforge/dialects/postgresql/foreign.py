"""Dumps of PostgreSQL that are none of our backups: read into a scratch database, with few rights.

A plain dump is a script for psql, and psql does whatever it says. So psql is not used: the statements are
sent as they are, rows as rows, and of psql's own commands none is done.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

from sqlalchemy import URL

from pytest_visionforge.dialects.child import CHUNK, run
from pytest_visionforge.dialects.lines import lines
from pytest_visionforge.dialects.postgresql.databases import connected
from pytest_visionforge.dialects.postgresql.programs import command, conninfo, newest
from pytest_visionforge.dialects.postgresql.quoting import Quoting
from pytest_visionforge.dialects.rooms.archive import Raw
from pytest_visionforge.errors import BackupError

MAGIC = b"PGDMP"
SCRIPT = b"-- PostgreSQL database dump"
END = b"-- PostgreSQL database dump complete"
OPTIONS = (
    *("--exit-on-error", "--no-password", "--no-owner", "--no-privileges", "--no-comments"),
    *("--no-security-labels", "--no-publications", "--no-subscriptions"),
)
_POWERS = (
    "SELECT rolsuper OR pg_has_role('pg_execute_server_program', 'MEMBER')"
    " OR pg_has_role('pg_write_server_files', 'MEMBER') OR pg_has_role('pg_read_server_files', 'MEMBER')"
    " FROM pg_roles WHERE rolname = current_user"
)
_ROWS = re.compile(rb"COPY .* FROM stdin;$")
# What belongs to the server that the dump comes from: owners, rights, and what only owners may say.
_ITS_OWN = re.compile(
    rb"(ALTER .* OWNER TO |GRANT |REVOKE |SET SESSION AUTHORIZATION |COMMENT ON EXTENSION |SET default_tablespace"
    rb"|ALTER DEFAULT PRIVILEGES |SECURITY LABEL )"
)
_HARMLESS = re.compile(rb"\\(un)?restrict [A-Za-z0-9]+$")


def recognises(head: bytes) -> bool:
    """Is it how pg_dump begins, custom or plain?"""
    return head.startswith(MAGIC) or SCRIPT in head[:200]


def load_foreign(
    head: bytes,
    open: Callable[[], AbstractContextManager[Raw]],
    url: URL,
    progress: Callable[[str], None],
) -> tuple[str, ...]:
    """Restores without owners and rights, by a role that cannot reach out of the database."""
    with connected(url) as connection:
        if connection.value(_POWERS):
            raise BackupError(
                f"a dump that is not ours may do whatever its role may: {url.username} is a superuser, or may run"
                " programs or read files on the server. CREATE ROLE examiner LOGIN CREATEDB PASSWORD '...', and"
                " verify it with a plan of that role's URL: --plan examine.toml"
            )
    progress("restoring")
    with open() as raw:
        if head.startswith(MAGIC):
            _restore(raw, url)
        else:
            _run(raw, url)
    return ("without owners and rights",)


def _restore(raw: Raw, url: URL) -> None:
    with tempfile.NamedTemporaryFile(prefix="visionforge-") as file:
        while data := raw.read(CHUNK):
            file.write(data)
        file.flush()
        run(command(newest("pg_restore"), (*OPTIONS, f"--dbname={conninfo(url)}", file.name), url))


def _run(raw: Raw, url: URL) -> None:
    import psycopg

    password = str(url.password or url.query.get("password") or "")
    try:
        with (
            psycopg.connect(conninfo(url), password=password or None, autocommit=True) as connection,
            connection.cursor() as cursor,
        ):
            _send(lines(raw), cursor)
    except psycopg.Error as error:
        said = error.diag.message_primary or str(error).partition("\n")[0]
        raise BackupError(f"the dump cannot be restored: {said}") from None


def _send(script: Iterator[bytes], cursor: Any) -> None:
    """Statements are sent by sections: a line that begins a comment, outside of quotes, begins one."""
    waiting: list[bytes] = []
    quoting, whole = Quoting(), False
    for line in script:
        outside, text = quoting.outside, line.rstrip()
        if outside and _ROWS.match(text):
            _flush(waiting, cursor)
            _copy(text, script, cursor)
        elif outside and text.startswith(b"\\"):
            if not _HARMLESS.match(text):
                raise BackupError(f"the dump holds a command for psql, which is not run: {text[:40]!r}")
        elif outside and text.startswith(b"--"):
            _flush(waiting, cursor)
        elif not (outside and _ITS_OWN.match(text) and text.endswith(b";")):
            quoting.read(line)
            waiting.append(line)
        whole = whole or (outside and text == END)
    _flush(waiting, cursor)
    if not whole or not quoting.outside:
        raise BackupError("the dump is cut off: the marker at its end is missing")


def _flush(waiting: list[bytes], cursor: Any) -> None:
    if b"".join(waiting).strip():
        cursor.execute(b"".join(waiting))
    waiting.clear()


def _copy(statement: bytes, script: Iterator[bytes], cursor: Any) -> None:
    with cursor.copy(statement.removesuffix(b";")) as copy:
        for line in script:
            if line.rstrip(b"\r\n") == b"\\.":
                return
            copy.write(line)
        raise BackupError("the dump is cut off: the end of a table's rows is missing")
