"""MariaDB's and MySQL's own programs: which is run, how it connects, what of its words may be shown."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import IO

from sqlalchemy import URL

from pytest_visionforge.database.names import split_id
from pytest_visionforge.database.session import unescaped
from pytest_visionforge.dialects.child import Command, Program, feed, installed, pour
from pytest_visionforge.dialects.mysql import tls
from pytest_visionforge.dialects.mysql.language import quote
from pytest_visionforge.dialects.rooms.archive import Payloads, Raw, Sink
from pytest_visionforge.errors import BackupError

FULL, SCHEMA, DATA = "full.sql", "schema.sql", "data.sql"
PROGRAMS, VIEWS, EVENTS = "programs.sql", "views.sql", "events.sql"
# What each payload is made with, beside DUMP_OPTIONS.
PARTS: dict[str, tuple[str, ...]] = {
    FULL: ("--skip-triggers",),
    SCHEMA: ("--skip-triggers", "--no-data"),
    DATA: ("--skip-triggers", "--no-create-info"),
    PROGRAMS: ("--no-create-info", "--no-data", "--triggers", "--add-drop-trigger", "--routines"),
    VIEWS: ("--skip-triggers", "--no-data"),
    EVENTS: ("--no-create-info", "--no-data", "--skip-triggers", "--events"),
}
DUMP_OPTIONS = (
    "--single-transaction",
    "--quick",
    "--hex-blob",
    "--no-tablespaces",
    "--order-by-primary",
    "--default-character-set=utf8mb4",
    "--max-allowed-packet=1G",
    "--skip-dump-date",
    "--loose-set-gtid-purged=OFF",
    "--loose-column-statistics=0",
)
# Neither mode lets a dump run commands of the client's own, and none of our files is sent to a server.
LOAD_OPTIONS = (
    "--batch",
    "--binary-mode",
    "--loose-sandbox",
    "--loose-local-infile=0",
    "--init-command=SET SESSION lock_wait_timeout = 60",
    "--default-character-set=utf8mb4",
    "--max-allowed-packet=1G",
)
ASK = ("--no-defaults", "--version")  # what is wrong in ~/.my.cnf would stop even that
MARIADB = 10  # the first version of its own; MySQL has not come so far
MARKER = b"-- Dump completed"
_TABLE, _ROWS, _HEAD = b"-- Table structure for ", b"-- Dumping data for table ", 400
REMEDIES = {
    r"\b(2026|3159)\b|\b(SSL|TLS)\b|certificate": "see ssl_ca and ssl_mode in the URL",
    "Access denied for user.*using password": "check user and password",
    "privileges to SHOW CREATE": (
        "GRANT SELECT ON mysql.proc to the user (MySQL: SHOW_ROUTINE), or be the routine's definer"
    ),
    r"\b(1044|1142|1227)\b|command denied|Access denied": "grant the user what it lacks",
    r"\b(1356|1449|1146)\b|definer": "mend or drop what is broken there, then try again",
    r"\b(2002|2003|2005)\b|Can't connect": "check that the server runs and can be reached",
    r"\b(1153|2006|2020)\b|max_allowed_packet": (
        "see the server's log, then try again; where it names max_allowed_packet: SET GLOBAL max_allowed_packet ="
        " 1073741824, for in a dump a row is twice as long"
    ),
    r"\b(1053|1317|1927|2013)\b|Lost connection": "see the server's log, then try again",
    r"\b(1021|1114|28)\b|No space left": "free some space on the server",
}
# Errors that quote names; what others quote may be rows.
_NAMING = {1044, 1045, 1049, 1142, 1146, 1227, 1356, 1419, 1449, 2002, 2003, 2005, 2013}


def program_for(kind: str, product: str) -> Program:
    """The server's own dump program or client; the other maker's where it is missing."""
    maria, mysql = {"dump": ("mariadb-dump", "mysqldump"), "client": ("mariadb", "mysql")}[kind]
    ours = "mariadb" in product.lower()
    for name in (maria, mysql) if ours else (mysql, maria):
        if found := installed(name, ask=ASK):
            return found[-1]
    package = "mariadb-client" if ours else "mysql-client"
    raise BackupError(f"{maria} is not installed; install it: apt-get install {package}")


def refuse_falling_back(program: Program, url: URL) -> None:
    """MariaDB's programs insist on encryption only where they prove the server's name as well.

    Without any proof (`ssl=true`) they are as safe as the driver: it has seen the server encrypt, and whoever
    takes that away in between could as well show a certificate of his own.
    """
    if tls.mode(tls.spelled(url)) == "verify_ca" and program.version[0] >= MARIADB:
        raise BackupError(
            f"{program.name} would go on unencrypted where somebody takes the encryption away, unless it proves"
            " the server's name too: use the name in its certificate, without ssl_check_hostname=false"
        )


def dump_part(program: Program, url: URL, name: str, tables: Sequence[str], sink: Sink | IO[bytes]) -> None:
    """Dumps one payload, of the tables or views named; a dump without its end marker is an error."""
    marked = MarkedSink(sink)
    with _secrets(url, program) as (option, descriptor):
        arguments = (program.path, option, *DUMP_OPTIONS, *PARTS[name], "--", str(url.database), *tables)
        pour((_command(arguments, descriptor, url), marked))
    if not marked.whole:
        raise BackupError(f"{program.name} ended without an error, but its dump has no end")


def load_part(
    payloads: Payloads, name: str, url: URL, progress: Callable[[str], None], only: Collection[str] = ()
) -> None:
    """Loads one payload; with `only`, no rows of other tables."""
    progress(f"loading: {name.partition('.')[0]}")
    with payloads.open(name) as raw:
        marked = Marked(raw)
        run_client(url, OnlyRows(marked, only) if only else marked)


def run_client(url: URL, raw: Raw | IO[bytes]) -> None:
    """Runs statements in a database, up to the first that fails."""
    program = program_for("client", "mariadb")
    with _secrets(url, program) as (option, descriptor):
        arguments = (program.path, option, *LOAD_OPTIONS, f"--database={url.database}")
        feed((_command(arguments, descriptor, url), raw))


def _command(arguments: Sequence[str], descriptor: int, url: URL) -> Command:
    return Command(
        arguments=arguments,
        environment=dict.fromkeys(("MYSQL_PWD", "MYSQL_HOST", "MYSQL_TCP_PORT", "MYSQL_UNIX_PORT")),
        descriptors=(descriptor,),
        tidy=partial(_tidy, secret=str(url.password or "")),
        remedies=REMEDIES,
    )


@contextmanager
def _secrets(url: URL, program: Program) -> Iterator[tuple[str, int]]:
    """How to connect, in an option file that has no name: only the child can read it.

    It is the only option file: another, read after it, could lead the child to another server.
    """
    refuse_falling_back(program, url)
    query = url.query
    options: dict[str, object] = {"host": url.host, "port": url.port, "user": url.username}
    options |= {"password": url.password, "socket": query.get("unix_socket")}
    options |= {"protocol": None if "unix_socket" in query else "tcp", **tls.options(url)}
    lines = ["[client]", *(_option(key, value) for key, value in options.items() if value is not None)]
    reader, writer = os.pipe()
    try:
        os.write(writer, ("\n".join(lines) + "\n").encode())
        os.close(writer)
        yield f"--defaults-file=/dev/fd/{reader}", reader
    finally:
        os.close(reader)


def _option(key: str, value: object) -> str:
    escaped = str(value).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'{key}="{escaped}"' if escaped else key


def _tidy(line: str, secret: str) -> str:
    """The error's own line; quoted parts are shown only where they are names, for they may be rows."""
    found = re.match(r"(?:ERROR |[\w-]+: (?:Got error: )?)(\d+)?", line)
    if not found or "unknown " in line:  # a warning about an option that only the other maker knows
        return ""
    at_end = re.search(r"\((\d+)\)$", line.strip())
    if int(found[1] or (at_end[1] if at_end else 0)) not in _NAMING:
        line = re.sub(r"(?<!\w)'.*'", "'...'", line)
    return (line.replace(secret, "***") if secret else line)[:500].strip()


class MarkedSink:
    """Passes a dump on and remembers whether it ended with the marker."""

    def __init__(self, sink: Sink | IO[bytes]) -> None:
        self._sink = sink
        self._end = b""

    def write(self, data: bytes) -> None:
        """The next bytes."""
        self._sink.write(data)
        self._end = (self._end + data[-200:])[-200:]

    @property
    def whole(self) -> bool:
        """Is the last line the marker?"""
        return MARKER in self._end.rstrip().rpartition(b"\n")[2]


class Marked:
    """Passes a dump on and refuses one that does not end with the marker."""

    def __init__(self, raw: Raw) -> None:
        self._raw = raw
        self._seen = MarkedSink(Nowhere())

    def read(self, size: int = 1 << 20) -> bytes:
        """The next bytes."""
        data = self._raw.read(size)
        if not data and not self._seen.whole:
            raise BackupError("the dump is cut off: the marker at its end is missing")
        self._seen.write(data)
        return data


class OnlyRows:
    """Passes a dump on without the rows of other tables than those named (by id).

    A line of a dump tells which table's rows follow; no value holds the beginning of a line, for the
    dump program writes line ends within values as signs.
    """

    def __init__(self, raw: Marked, tables: Collection[str]) -> None:
        self._raw = raw
        self._wanted = {_ROWS + unescaped(quote(split_id(id)[1])).encode() for id in tables}
        self._rest = b""
        self._begins, self._passes = True, True

    def read(self, size: int = 1 << 20) -> bytes:
        """The next bytes."""
        while True:
            data = self._raw.read(size)
            passed = b"".join(self._kept(data))
            if passed or not data:
                return passed

    def _kept(self, data: bytes) -> Iterator[bytes]:
        lines = filter(None, re.split(rb"(?<=\n)", self._rest + data))
        self._rest = b""
        for line in lines:
            if self._begins and not line.endswith(b"\n") and len(line) < _HEAD and data:
                self._rest = line  # the last one: too short yet to be told
                return
            if self._begins:
                self._turn(line)
            self._begins = line.endswith(b"\n")
            if self._passes:
                yield line

    def _turn(self, line: bytes) -> None:
        if line.startswith(_ROWS):
            self._passes = line.strip() in self._wanted
        elif line.startswith(_TABLE):
            self._passes = True


class Nowhere:
    """A sink of which nothing is kept."""

    def write(self, data: bytes) -> None:
        """Nothing is kept."""
