"""How PostgreSQL is backed up and put back: pg_dump and pg_restore."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from sqlalchemy import URL

from pytest_visionforge.database.session import Session
from pytest_visionforge.dialects import Dumped, Payloads, Raw, Sink
from pytest_visionforge.dialects.child import feed, pour
from pytest_visionforge.dialects.postgresql.programs import command, conninfo, newest, program_for
from pytest_visionforge.dialects.postgresql.session import export_snapshot
from pytest_visionforge.dialects.postgresql.swapping import connected, scratch, swap

__all__ = ["check", "dump", "load", "place", "scratch", "swap"]

FULL, SCHEMA, DATA = "full.dump", "schema.dump", "data.dump"
DUMP_OPTIONS = ("--format=custom", "--compress=0", "--no-password", "--lock-wait-timeout=30s")
LOAD_OPTIONS = ("--exit-on-error", "--no-password")
Part = tuple[str, tuple[str, ...]]  # a payload, and the options that it is made or read with
KINDS: dict[str, tuple[Part, ...]] = {
    "full": ((FULL, ()),),
    "schema": ((SCHEMA, ("--schema-only",)),),
    "data": ((SCHEMA, ("--schema-only",)), (DATA, ("--data-only",))),
}
# Rows come before what acts on rows: so keys and foreign keys are proved, and no trigger fires.
APART: tuple[Part, ...] = ((SCHEMA, ("--section=pre-data",)), (DATA, ()), (SCHEMA, ("--section=post-data",)))


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
    program = program_for("pg_dump", session.dialect.session.version(session))
    snapshot = export_snapshot(session)
    for name, options in KINDS[kind]:
        progress(f"pg_dump: {name.partition('.')[0]}")
        arguments = (*DUMP_OPTIONS, *options, f"--snapshot={snapshot}", f"--dbname={conninfo(url)}")
        with write(name) as sink:
            pour(command(program, arguments, url), sink)
    return Dumped({"pg_dump": program.shown}, DUMP_OPTIONS, shared=True)


def check(name: str, raw: Raw, workplace: Path) -> None:
    """pg_restore reads the whole archive and writes it nowhere."""
    feed(command(newest("pg_restore"), ("--file=/dev/null",), None), raw)


def load(payloads: Payloads, url: URL, progress: Callable[[str], None]) -> None:
    """Runs pg_restore, then ANALYZE: a dump holds no statistics."""
    with connected(url) as connection:
        number = int(connection.value("SELECT current_setting('server_version_num')"))
    program = program_for("pg_restore", divmod(number, 10_000))
    for name, options in APART if DATA in payloads.names else [(name, ()) for name in payloads.names]:
        progress(" ".join(("pg_restore:", name.partition(".")[0], *options)))
        with payloads.open(name) as raw:
            feed(command(program, (*LOAD_OPTIONS, *options, f"--dbname={conninfo(url)}"), url), raw)
    progress("analyzing")
    with connected(url) as connection:
        connection.run("ANALYZE")
