"""Proving a backup: its bytes, its decoding, and that what is restored from it is what was there."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import URL

from pytest_visionforge import dialects
from pytest_visionforge.backup import contents, files, payload
from pytest_visionforge.backup.catalogue import UNFINISHED, Backup
from pytest_visionforge.backup.manifest import Level, Manifest, Proof, sealed, written
from pytest_visionforge.compare import identity_digests
from pytest_visionforge.cutover.journal import Journal
from pytest_visionforge.database import Database, Schema, Session
from pytest_visionforge.errors import BackupError
from pytest_visionforge.outcome import CannotTell

Progress = Callable[[str], None]
SECONDS = 6 * 3600.0  # per statement in a scratch database: a whole table may be read


class Disproved(BackupError):
    """A backup was looked at and is not what its manifest says."""


@dataclass(frozen=True, slots=True)
class Payloads:
    """The payloads of a backup, for the archive room."""

    backup: Backup

    @property
    def names(self) -> Sequence[str]:
        """Their names, in the order in which they were written."""
        return [file.name.removesuffix(payload.SUFFIX) for file in self.backup.manifest.files]

    def open(self, name: str) -> AbstractContextManager[payload.Raw]:
        """The bytes of one."""
        files = self.backup.manifest.files
        file = next(file for file in files if file.name == name + payload.SUFFIX)
        return payload.reading(self.backup.path, file)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a proof has looked at."""

    says: str
    tables: int = 0
    rows: int = 0
    notes: tuple[str, ...] = ()


def verify(
    backup: Backup,
    level: Level = "restored",
    *,
    progress: Progress | None = None,
    scratch_url: URL | str | None = None,
) -> Proof:
    """Proves a backup and keeps the proof beside it.

    "hashed": every file is the bytes that the manifest names. "decoded": and each can be read to its
    end by the DBMS's means. "restored": and in a scratch database (on the server of `scratch_url`)
    schema, sequences, counts and digests of every table are what they were. Raises Disproved where
    it is not so, which is kept as well; BackupError where it could not be looked at.
    """
    say, started = progress or _silent, time.monotonic()
    with Journal(backup.journal).step(
        f"backup verify {level}", backup.manifest.shown, backup=backup.id
    ) as end:
        try:
            seen = _look(backup, level, say, scratch_url)
        except Disproved as error:
            _keep(backup, level, started, Seen(str(error)), holds=False)
            raise
        proof = _keep(backup, level, started, seen, holds=True)
        end |= {"says": proof.says, "tables": proof.tables, "rows": proof.rows}
    return proof


def _look(backup: Backup, level: Level, say: Progress, scratch_url: URL | str | None) -> Seen:
    check_hashes(backup, say)
    if level == "hashed":
        return Seen(f"{len(backup.manifest.files)} files are the bytes that were written")
    if level == "decoded":
        _decode(backup, say)
        return Seen(f"{len(backup.manifest.files)} files can be read to their end")
    with scratch(backup, url=scratch_url, progress=say) as database:
        return prove(backup.manifest, database, say)


def check_hashes(backup: Backup, say: Progress) -> None:
    """Raises Disproved where a file is missing, cut off or altered."""
    for file in backup.manifest.files:
        say(f"hashing {file.name}")
        with _disproving(backup):
            payload.check_hash(backup.path, file)


def _decode(backup: Backup, say: Progress) -> None:
    archive = dialects.named(backup.manifest.dialect).archive
    payloads = Payloads(backup)
    with files.workplace(_work(backup)) as work:
        for name in payloads.names:
            say(f"decoding {name}")
            with _disproving(backup), payloads.open(name) as raw:
                archive.check(name, raw, work)


def _work(backup: Backup) -> Path:
    return backup.path.parent / f"{UNFINISHED}verify-{backup.tag}-{time.time_ns()}"


@contextmanager
def scratch(
    backup: Backup, *, url: URL | str | None = None, apart: str = "", progress: Progress | None = None
) -> Iterator[Database]:
    """The state that a backup holds, restored into a scratch database that is dropped afterwards.

    Where the DBMS is a server, `url` is that of any database on the one that is to hold it. Processes
    that each want one of the same backup at the same time give it an ending of their own (`apart`).
    """
    say = progress or _silent
    archive = dialects.named(backup.manifest.dialect).archive
    address = None if url is None else address_for(backup, url)
    with archive.scratch(address, backup.tag + apart, backup.path.parent) as empty:
        archive.load(Payloads(backup), empty, say)
        with opened(empty) as database:
            yield database


def opened(url: URL) -> Database:
    """A restored database, for reading it whole."""
    return Database("scratch", url.render_as_string(hide_password=False), seconds=SECONDS)


def address_for(backup: Backup, url: URL | str) -> URL:
    """A URL, if it is one of the DBMS that the backup is of; else BackupError."""
    address = dialects.parse_url(url)
    if dialects.of(address).name != backup.manifest.dialect:
        raise BackupError(
            f"{backup.id} is a backup of {backup.manifest.dbms} and cannot be restored into"
            f" {address.get_backend_name()}"
        )
    return address


def prove(manifest: Manifest, database: Database, say: Progress) -> Seen:
    """Raises Disproved where a restored database is not what the manifest says."""
    say("reading the schema")
    with database.session() as session:
        schema = session.dialect.catalog.read_schema(session)
        wrong = [*contents.different_objects(manifest.objects, contents.objects_of(schema))]
        wrong += contents.different_sequences(manifest.sequences, contents.sequences_of(schema))
        wrong += _damage(session)
        notes: list[str] = []
        if manifest.kind != "schema":
            say("comparing every row")
            wrong += _different_rows(manifest, session, schema, notes, say)
    if wrong:
        more = f" (and {len(wrong) - 5} more)" if len(wrong) > 5 else ""
        raise Disproved(f"restored, {manifest.id} is not what was backed up: {'; '.join(wrong[:5])}{more}")
    return _proved(manifest, tuple(notes))


def _different_rows(
    manifest: Manifest, session: Session, schema: Schema, notes: list[str], say: Progress
) -> list[str]:
    exclude = [id for id in schema.tables if id in manifest.tables and manifest.tables[id].digests is None]
    found = identity_digests(session, schema, exclude=exclude, progress=say)
    wrong = list(contents.different_rows(manifest, session, schema, found))
    for id, key, lost in contents.orphans(session, schema):
        says = (
            f"{lost:,} rows of {id} refer through {', '.join(key.columns)} to rows that {key.parent} has not"
        )
        if id in found and (key.parent in found or key.parent not in schema.tables) and not wrong:
            notes.append(f"{says}, as in the original")
        else:
            wrong.append(says)
    return wrong


def _damage(session: Session) -> tuple[str, ...]:
    try:
        return session.dialect.catalog.damage(session, "")
    except CannotTell:
        return ()  # the DBMS has no such check: the digests have read every row


def _proved(manifest: Manifest, notes: tuple[str, ...]) -> Seen:
    if manifest.kind == "schema":
        return Seen(
            f"restored: {len(manifest.objects)} tables and views are defined as they were", notes=notes
        )
    held = manifest.tables.values()
    counted = [id for id, table in manifest.tables.items() if table.digest is None]
    if counted:
        notes = (*notes, f"only counted, not compared: {', '.join(counted)}")
    compared, rows = len(manifest.tables) - len(counted), sum(table.rows or 0 for table in held)
    says = f"restored and compared: {compared} tables with {rows:,} rows are identical"
    return Seen(says, compared, rows, notes)


def _keep(backup: Backup, level: Level, started: float, seen: Seen, *, holds: bool) -> Proof:
    now = datetime.now(UTC)
    found = Proof(
        manifest=backup.manifest.sha256,
        level=level,
        when=now.isoformat(timespec="milliseconds"),
        seconds=round(time.monotonic() - started, 3),
        holds=holds,
        says=seen.says,
        tables=seen.tables,
        rows=seen.rows,
        notes=seen.notes,
    )
    proof = sealed(found)
    try:
        files.write_new(backup.path / f"proof-{now:%Y%m%dT%H%M%S%f}-{level}.json", written(proof))
    except OSError as error:
        raise BackupError(f"the proof of {backup.id} cannot be kept: {files.why(error)}") from None
    return proof


@contextmanager
def _disproving(backup: Backup) -> Iterator[None]:
    """What the bytes of a backup refuse is a proof against it."""
    try:
        yield
    except BackupError as error:
        raise Disproved(f"{backup.id}: {error}") from None


def _silent(_: str) -> None:
    """Nobody listens."""
