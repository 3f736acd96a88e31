"""How PostgreSQL is backed up and put back: pg_dump and pg_restore.

Definitions and rows lie apart. So the rows can be dumped by several pg_dumps at once, all on one
snapshot, and are loaded before keys, indexes and triggers are made: keys are proved, no trigger fires.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

from sqlalchemy import URL

from pytest_visionforge.database.names import split_id
from pytest_visionforge.database.session import Session
from pytest_visionforge.dialects.child import CHUNK, Program, feed, pour, printed, run
from pytest_visionforge.dialects.disks import scratch_disks
from pytest_visionforge.dialects.postgresql import making
from pytest_visionforge.dialects.postgresql.databases import (
    connected,
    discard,
    exists,
    kept,
    prepare_scratch,
    scratch,
)
from pytest_visionforge.dialects.postgresql.foreign import load_foreign, recognises
from pytest_visionforge.dialects.postgresql.locks import refuse_many
from pytest_visionforge.dialects.postgresql.needs import lacking, needs
from pytest_visionforge.dialects.postgresql.programs import (
    UNREADABLE,
    command,
    conninfo,
    newest,
    program_for,
)
from pytest_visionforge.dialects.postgresql.rows import replacing
from pytest_visionforge.dialects.postgresql.session import export_snapshot
from pytest_visionforge.dialects.postgresql.swapping import copy, put_back, recover, swap
from pytest_visionforge.dialects.rooms.archive import Dumped, Payloads, Raw, Sink
from pytest_visionforge.errors import BackupError, Hindered

__all__ = [
    "check",
    "copy",
    "discard",
    "dump",
    "exists",
    "kept",
    "lacking",
    "load",
    "load_foreign",
    "make",
    "needs",
    "place",
    "prepare",
    "prepare_scratch",
    "put_back",
    "recognises",
    "recover",
    "replacing",
    "scratch",
    "scratch_disks",
    "swap",
    "workspace",
]

SCHEMA, DATA = "schema.dump", "data.dump"
# Not --schema-only and --data-only: neither fills materialized views.
DEFINITIONS, ROWS = ("--section=pre-data", "--section=post-data"), "--section=data"
DUMP_OPTIONS = ("--format=custom", "--compress=0", "--no-password", "--lock-wait-timeout=30s")
# A subscription would ask another server for rows as soon as it is enabled, and holds on to its database.
LOAD_OPTIONS = ("--exit-on-error", "--no-password", "--no-subscriptions")
JOBS = max(1, min(4, (os.cpu_count() or 1) // 2))  # each is a pg_dump, a server process and a compressor
_WHOLE = (b" FK CONSTRAINT ", b" MATERIALIZED VIEW DATA ")
Part = tuple[str, tuple[str, ...]]  # a payload, and the options that it is made with
_OURS = (
    " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND c.relpersistence <> 't'"
    " AND NOT EXISTS (SELECT FROM pg_depend d"
    " WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')"
)
_LARGEST = (
    f"SELECT n.nspname, c.relname, coalesce(pg_table_size(c.oid), 0){_OURS} AND c.relkind = 'r'"
    " ORDER BY 3 DESC, 1, 2 LIMIT 64"
)


def place(url: URL) -> str:
    """Host, port and name."""
    host = url.host or url.query.get("host") or "local"
    return f"postgresql:{host}:{url.port or 5432}/{url.database or url.username}"


def workspace(session: Session, url: URL, kind: str) -> int:
    """None: pg_dump writes into the payloads."""
    return 0


def prepare(session: Session, url: URL, kind: str) -> None:
    """The programs are there, and not older than the server: also what loads a dump, or it is never proved."""
    for name in ("pg_dump", "pg_restore"):
        program_for(name, session.dialect.session.version(session))
    refuse_many(session, *((1, 0) if kind == "schema" else (1 + JOBS, 1)))


def dump(
    session: Session,
    url: URL,
    kind: str,
    write: Callable[[str], AbstractContextManager[Sink]],
    workplace: Path,
    progress: Callable[[str], None],
) -> Dumped:
    """Runs pg_dump on the snapshot that the session sees, once for each payload, all at once."""
    program = program_for("pg_dump", session.dialect.session.version(session))
    snapshot = export_snapshot(session)
    fixed = (*DUMP_OPTIONS, f"--snapshot={snapshot}", f"--dbname={conninfo(url)}")
    parts = [(SCHEMA, ("--schema-only",))] if kind == "schema" else [(SCHEMA, DEFINITIONS), *_rows(session)]
    progress(f"pg_dump: {', '.join(name.partition('.')[0] for name, _ in parts)}")
    with ExitStack() as sinks:
        pour(
            *(
                (command(program, (*fixed, *options), url), sinks.enter_context(write(name)))
                for name, options in parts
            )
        )
    return Dumped({"pg_dump": program.shown}, DUMP_OPTIONS, shared=True)


def _rows(session: Session) -> Iterator[Part]:
    """The payloads of rows: the first holds what no other does."""
    groups = _dealt([(_pattern(*name), int(size)) for *name, size in session.all(_LARGEST)], JOBS)
    yield DATA, (ROWS, *(f"--exclude-table={name}" for group in groups for name in group))
    for number, group in enumerate(groups, start=2):
        yield f"data-{number}.dump", (ROWS, "--strict-names", *(f"--table={name}" for name in group))


def _dealt(tables: Sequence[tuple[str, int]], jobs: int) -> list[list[str]]:
    """The largest tables (largest first) in `jobs` groups of about one size, without the first group."""
    groups: list[list[str]] = [[] for _ in range(jobs)]
    sizes = [0] * jobs
    for name, size in tables:
        smallest = sizes.index(min(sizes))
        groups[smallest].append(name)
        sizes[smallest] += size
    return [group for group in groups[1:] if group]


def _pattern(schema: str, name: str) -> str:
    """A name for pg_dump's --table, which takes patterns: between quotes a sign is only a sign."""
    return ".".join('"' + part.replace('"', '""') + '"' for part in (schema, name))


def check(name: str, raw: Raw, workplace: Path) -> None:
    """pg_restore reads the whole archive and writes it nowhere."""
    try:
        feed((command(newest("pg_restore"), ("--file=/dev/null",), None), raw))
    except BackupError as error:
        if UNREADABLE in str(error):
            raise Hindered(str(error)) from None
        raise


def load(payloads: Payloads, url: URL, progress: Callable[[str], None], only: Collection[str] = ()) -> None:
    """Runs pg_restore: definitions, rows, what acts on rows; then ANALYZE: a dump holds no statistics."""
    with connected(url) as connection:
        number = int(connection.value("SELECT current_setting('server_version_num')"))
    program = program_for("pg_restore", divmod(number, 10_000))
    restore = [*LOAD_OPTIONS, f"--dbname={conninfo(url)}"]
    with _file(payloads, SCHEMA) as definitions:
        progress("pg_restore: schema")
        run(command(program, (*restore, "--section=pre-data", definitions), url))
        progress("pg_restore: data")
        with ExitStack() as raws:
            rows = [name for name in payloads.names if name != SCHEMA]
            load_rows = command(program, (*restore, *_tables(only)), url)
            feed(*((load_rows, raws.enter_context(payloads.open(name))) for name in rows))
        progress("pg_restore: keys, indexes, triggers")
        jobs = f"--jobs={min(4, os.cpu_count() or 1)}"
        with _listed(program, definitions, only) as listed:
            run(command(program, (*restore, *listed, "--section=post-data", jobs, definitions), url))
    progress("analyzing")
    with connected(url) as connection:
        connection.run("ANALYZE")


def make(payloads: Payloads, url: URL, progress: Callable[[str], None]) -> bool:
    """Makes the database of the dump where it is gone."""
    progress("making the database")
    with _file(payloads, SCHEMA) as definitions:
        return making.make(definitions, url)


def _tables(only: Collection[str]) -> list[str]:
    """The options that leave the rows of other tables out (those of one name in other schemas come along)."""
    parts = [split_id(id) for id in only]
    return [f"--schema={schema or 'public'}" for schema, _ in parts] + [
        f"--table={name}" for _, name in parts
    ]


@contextmanager
def _listed(program: Program, definitions: str, only: Collection[str]) -> Iterator[tuple[str, ...]]:
    """The options that leave out what does not hold without all rows: foreign keys, views that store rows."""
    if not only:
        yield ()
        return
    with (
        tempfile.NamedTemporaryFile(prefix="visionforge-") as kept,
        printed(command(program, ("--list", definitions), None)) as lines,
    ):
        kept.writelines(line for line in lines if not any(kind in line for kind in _WHOLE))
        kept.flush()
        yield (f"--use-list={kept.name}",)


@contextmanager
def _file(payloads: Payloads, name: str) -> Iterator[str]:
    """A payload as a file, for pg_restore to read by several jobs; it is private and does not stay."""
    with tempfile.NamedTemporaryFile(prefix="visionforge-") as file, payloads.open(name) as raw:
        while data := raw.read(CHUNK):
            file.write(data)
        file.flush()
        yield file.name
