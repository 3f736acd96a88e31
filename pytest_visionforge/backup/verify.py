"""Proving a backup: its bytes, its decoding, and that what is restored from it is what was there."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import URL

from pytest_visionforge import dialects
from pytest_visionforge.backup import files, lock, own, stores
from pytest_visionforge.backup.catalogue import UNFINISHED, Backup
from pytest_visionforge.backup.guarded import unguarded
from pytest_visionforge.backup.manifest import Level, Proof, sealed, written
from pytest_visionforge.backup.payload import Raw
from pytest_visionforge.backup.probe import probe
from pytest_visionforge.backup.proving import Disproved, Seen, not_what_was, prove
from pytest_visionforge.database import Database
from pytest_visionforge.errors import BackupError, DatabaseError, Hindered
from pytest_visionforge.plan.values.sections import OwnBackup

__all__ = ["Disproved", "Payloads", "Seen", "prove", "scratch", "verify"]

Progress = Callable[[str], None]
_ANOTHER = "take another one (visionforge backup list), and look at the disk that this one lies on"
SECONDS = 6 * 3600.0  # per statement in a scratch database: a whole table may be read


@dataclass(frozen=True, slots=True)
class Payloads:
    """The payloads of a backup, for the archive room."""

    backup: Backup

    @property
    def names(self) -> Sequence[str]:
        """Their names, in the order in which they were written."""
        return [stores.name_of(file) for file in self.backup.manifest.files]

    def open(self, name: str) -> AbstractContextManager[Raw]:
        """The bytes of one."""
        file = next(file for file in self.backup.manifest.files if stores.name_of(file) == name)
        return stores.reading(self.backup.store, self.backup.path, file)


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
    action = f"backup verify {level}"
    with lock.step(backup.path.parent, action, backup.manifest.shown, backup=backup.id) as end:
        try:
            seen = _look(backup, level, say, scratch_url)
        except Disproved as error:
            _keep(backup, level, started, Seen(str(error)), holds=False)
            raise
        seen = replace(seen, notes=(*seen.notes, *unguarded(backup.path.parent, backup.path)))
        proof = _keep(backup, level, started, seen, holds=True)
        end |= {"says": proof.says, "tables": proof.tables, "rows": proof.rows}
    return proof


def _look(backup: Backup, level: Level, say: Progress, scratch_url: URL | str | None) -> Seen:
    if backup.manifest.store == "own":
        return _look_at_own(backup, level, say, scratch_url)
    check_hashes(backup, say)
    if level == "hashed":
        return Seen(f"{len(backup.manifest.files)} files are the bytes that were written")
    if level == "decoded":
        _decode(backup, say)
        return Seen(f"{len(backup.manifest.files)} files can be read to their end")
    return _restored(backup, say, scratch_url)


def _look_at_own(backup: Backup, level: Level, say: Progress, scratch_url: URL | str | None) -> Seen:
    if level == "restored":
        return _restored(backup, say, scratch_url)
    with _disproving(backup):
        own.check_listed(_own(backup), backup.id, backup.manifest.name, backup.path, say)
    return Seen(f"the backup {backup.manifest.name} is listed by the tool that made it")


def _own(backup: Backup) -> OwnBackup:
    if backup.store.own is None:
        raise BackupError(f"{backup.id} was made by the commands of [backup.own]: the plan must name them")
    return backup.store.own


def _restored(backup: Backup, say: Progress, scratch_url: URL | str | None) -> Seen:
    with scratch(backup, url=scratch_url, progress=say) as database:
        try:
            seen = prove(backup.manifest, database, say)
            say("inserting a row into each table, to be taken back")
            probed = probe(database.url, database.schema)
        except DatabaseError as error:
            raise BackupError(f"{backup.id}: what was restored from it cannot be read: {error}") from None
    if probed.wrong:
        raise not_what_was(backup.manifest, probed.wrong)
    refused = [f"by their keys, these took no copy of a row: {', '.join(probed.refused)}"]
    notes = (*seen.notes, *(refused if probed.refused else ()))
    return replace(seen, inserted=probed.tables, notes=notes)


def check_hashes(backup: Backup, say: Progress) -> None:
    """Raises Disproved where a file is missing, cut off or altered."""
    if backup.manifest.store.startswith("restic:"):
        stores.refuse_locked(backup.store, backup.path, backup.manifest.files)
    for file in backup.manifest.files:
        say(f"hashing {file.name}")
        with _disproving(backup):
            stores.check_hash(backup.store, backup.path, file)


def _decode(backup: Backup, say: Progress) -> None:
    archive = dialects.named(backup.manifest.dialect).archive
    payloads = Payloads(backup)
    stores.refuse_locked(backup.store, backup.path, backup.manifest.files)
    with files.workplace(_work(backup)) as work:
        for name in payloads.names:
            say(f"decoding {name}")
            with _disproving(backup), payloads.open(name) as raw:
                archive.check(name, raw, work)


def _work(backup: Backup) -> Path:
    return backup.path.parent / f"{UNFINISHED}verify-{backup.tag}-{time.time_ns()}"


@contextmanager
def scratch(
    backup: Backup,
    *,
    url: URL | str | None = None,
    apart: str = "",
    tables: Collection[str] = (),
    progress: Progress | None = None,
) -> Iterator[Database]:
    """The state that a backup holds, restored into a scratch database that is dropped afterwards.

    Where the DBMS is a server, `url` is that of any database on the one that is to hold it. Processes
    that each want one of the same backup at the same time give it an ending of their own (`apart`). Where
    only some `tables` (ids) are wanted, the rows of the others are left out, as far as the DBMS can.
    """
    say = progress or _silent
    archive = dialects.named(backup.manifest.dialect).archive
    address = None if url is None else address_for(backup, url)
    if address:
        refuse_lacking(backup, address)
    for disk in archive.scratch_disks(address, backup.path.parent):
        files.refuse_small_disk(Path(disk), backup.manifest.bytes)
    with archive.scratch(address, backup.tag + apart, backup.path.parent) as empty:
        if backup.manifest.store == "own":
            with _restored_by_own(backup, empty, say) as brought, opened(brought) as database:
                yield database
            return
        archive.load(Payloads(backup), empty, say, tables)
        with opened(empty) as database:
            yield database


@contextmanager
def _restored_by_own(backup: Backup, empty: URL, say: Progress) -> Iterator[URL]:
    log = backup.path / f"restore-{datetime.now(UTC):%Y%m%dT%H%M%S%f}.log"
    name = backup.manifest.name
    with (
        files.workplace(_work(backup)) as folder,
        own.restored(_own(backup), backup.id, name, empty, log, folder, say) as brought,
    ):
        yield brought


def refuse_lacking(backup: Backup, url: URL) -> None:
    """Raises BackupError where the server has not what the dump needs: roles, extensions."""
    if lost := dialects.of(url).archive.lacking(url, backup.manifest.needs):
        raise BackupError(f"{backup.id} cannot be restored here: {'; '.join(lost)}")


def refuse_own(backup: Backup) -> None:
    """Raises BackupError where another tool made the backup: it restores it, we prove it."""
    if backup.manifest.store == "own":
        raise BackupError(
            f"{backup.id} was made by a tool of your own: restore it with that one;"
            f" visionforge backup verify {backup.id} proves what it restores"
        )


def opened(url: URL) -> Database:
    """A restored database, for reading it whole."""
    return Database("scratch", url, seconds=SECONDS)


def address_for(backup: Backup, url: URL | str) -> URL:
    """A URL, if it is one of the DBMS that the backup is of; else BackupError."""
    address = dialects.parse_url(url)
    if dialects.of(address).name != backup.manifest.dialect:
        raise BackupError(
            f"{backup.id} is a backup of {backup.manifest.dbms} and cannot be restored into"
            f" {address.get_backend_name()}"
        )
    return address


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
        inserted=seen.inserted,
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
    """What the bytes of a backup refuse is a proof against it; what this machine lacks is none."""
    try:
        yield
    except Hindered:
        raise
    except BackupError as error:
        raise Disproved(f"{backup.id}: {error}; {_ANOTHER}") from None


def _silent(_: str) -> None:
    """Nobody listens."""
