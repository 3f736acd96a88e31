"""Putting a backup back: beside the database first, proved there, then in its place at once."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import URL

from pytest_visionforge import dialects
from pytest_visionforge.backup import contents, lock, verify
from pytest_visionforge.backup.catalogue import Backup
from pytest_visionforge.database import Database, Schema
from pytest_visionforge.dialects.rooms.archive import ArchiveRoom
from pytest_visionforge.errors import BackupError, CannotConnect, DatabaseError

ACTION = "backup restore"
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Restored:
    """What was put back: `kept` is where the old state is now ("" where there was or is none).

    `recovered` says what an earlier run that died had left, and what became of it.
    """

    backup: str
    shown: str
    kept: str
    seconds: float
    says: str
    recovered: str = ""


def restore(
    backup: Backup,
    url: URL | str,
    *,
    replace: bool = False,
    keep_old: bool = True,
    progress: Progress | None = None,
) -> Restored:
    """Puts a backup in the place of the database at `url`; the old one is kept beside it, if it shall be.

    It is restored into a scratch database next to the old one and proved there as `verify` does, so
    until the swap nothing is changed, and a backup that fails its proof is never put back. A database
    that holds something is refused unless `replace` says that it may go aside, and one whose definitions
    change meanwhile is refused anyway. Raises BackupError; the database is then what it was.
    """
    say, started = progress or _silent, time.monotonic()
    address = verify.address_for(backup, url)
    verify.refuse_own(backup)
    archive = dialects.of(address).archive
    shown = address.render_as_string(hide_password=True)
    with lock.step(backup.path.parent, ACTION, shown, place=archive.place(address), backup=backup.id) as end:
        recovered = archive.recover(address, say)
        before = target_schema(archive, address)
        refuse_target(backup, shown, before, replace=replace)
        verify.check_hashes(backup, say)
        payloads = verify.Payloads(backup)
        with (
            _made(archive, payloads, address, say) as is_new,
            archive.scratch(address, backup.tag, None) as scratch,
        ):
            verify.refuse_lacking(backup, scratch)
            archive.load(payloads, scratch, say)
            with verify.opened(scratch) as database:
                seen = verify.prove(backup.manifest, database, say)
            _refuse_moving_target(archive, address, before)
            kept = archive.swap(scratch, address, payloads, secrets.token_hex(4), say)
        end |= {"says": seen.says, "kept": kept, "recovered": recovered}
        say("looking at it in its place")
        _look(backup, address, kept)
        if kept and (is_new or not keep_old):
            archive.discard(address, kept)
            end["kept"] = kept = ""
    say(f"restored {backup.id}")
    return Restored(backup.id, shown, kept, round(time.monotonic() - started, 3), seen.says, recovered)


@contextmanager
def _made(archive: ArchiveRoom, payloads: verify.Payloads, url: URL, say: Progress) -> Iterator[bool]:
    """A database that is gone comes back with its settings first; without rows it does not stay."""
    is_new = not archive.exists(url) and archive.make(payloads, url, say)
    try:
        yield is_new
    except BaseException:
        if is_new:
            archive.discard(url, str(url.database))
        raise


def refuse_target(backup: Backup, shown: str, found: Schema | None, *, replace: bool) -> None:
    """Nothing is put over what somebody may still want, unless it is said that it may.

    `found` is what the target holds; None where it cannot be read.
    """
    if not replace:
        held = [*found.tables, *found.views] if found else ["something that cannot be read"]
        if held:
            names = ", ".join(held[:5]) + (", ..." if len(held) > 5 else "")
            raise BackupError(
                f"{shown} is not empty, it holds {names}: restore into an empty database,"
                " or say that this one may be put aside (replace)"
            )
    if backup.kind != "full":
        _refuse_losing(backup, found or Schema())


def _refuse_losing(backup: Backup, found: Schema) -> None:
    """What a backup of a part does not hold must not vanish with the old state."""
    if backup.kind == "schema" and found.tables:
        raise BackupError(
            f"{backup.id} holds no rows, and the database has {len(found.tables)} tables:"
            " restore it into an empty one"
        )
    if backup.kind == "data":
        _refuse_other_schema(backup, contents.objects_of(found))


def _refuse_other_schema(backup: Backup, objects: Mapping[str, str]) -> None:
    differ = contents.different_objects(backup.manifest.objects, objects)
    if differ:
        raise BackupError(
            f"{backup.id} holds rows for another schema: {'; '.join(differ[:5])};"
            " put the schema back first, or restore a full backup"
        )


def target_schema(archive: ArchiveRoom, url: URL) -> Schema | None:
    """What a database that is to be replaced holds: nothing where there is none, None where it is broken."""
    try:
        with Database("target", url) as database:
            return database.schema
    except CannotConnect:
        return None if archive.exists(url) else Schema()
    except DatabaseError:
        return None


def _refuse_moving_target(archive: ArchiveRoom, url: URL, before: Schema | None) -> None:
    """A migration that runs while the backup is loaded would be lost without a word."""
    now = target_schema(archive, url)
    if before is None or now is None:
        return
    differ = contents.different_objects(contents.objects_of(before), contents.objects_of(now))
    if differ:
        raise BackupError(
            f"the database was changed while the backup was loaded: {'; '.join(differ[:5])};"
            " nothing was put back: stop who changes it, and restore again"
        )


def _look(backup: Backup, url: URL, kept: str) -> None:
    """What people will use is defined as the backup says."""
    try:
        with verify.opened(url) as database:
            differ = contents.different_objects(backup.manifest.objects, contents.objects_of(database.schema))
    except DatabaseError as error:
        differ = (str(error),)
    if differ:
        aside = f"; the state before is kept in {kept}" if kept else ""
        raise BackupError(f"{backup.id} was put back, but in its place {'; '.join(differ[:5])}{aside}")


def _silent(_: str) -> None:
    """Nobody listens."""
