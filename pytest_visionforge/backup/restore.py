"""Putting a backup back: beside the database first, proved there, then in its place at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlalchemy import URL

from pytest_visionforge import dialects
from pytest_visionforge.backup import contents, verify
from pytest_visionforge.backup.catalogue import Backup
from pytest_visionforge.cutover.journal import Journal
from pytest_visionforge.database import Database, Schema
from pytest_visionforge.errors import BackupError, CannotConnect

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Restored:
    """What was put back: `kept` is where the old state is now ("" where there was or is none)."""

    backup: str
    shown: str
    kept: str
    seconds: float
    says: str


def restore(
    backup: Backup, url: URL | str, *, keep_old: bool = True, progress: Progress | None = None
) -> Restored:
    """Puts a backup in the place of the database at `url`; the old one is kept beside it.

    It is restored into a scratch database next to the old one and proved there as `verify` does, so
    until the swap nothing is changed, and a backup that fails its proof is never put back. Raises
    BackupError; the database is then what it was.
    """
    say, started = progress or _silent, time.monotonic()
    address = verify.address_for(backup, url)
    shown = address.render_as_string(hide_password=True)
    with Journal(backup.journal).step("backup restore", shown, backup=backup.id) as end:
        _refuse_losing(backup, address)
        verify.check_hashes(backup, say)
        archive = dialects.of(address).archive
        payloads = verify.Payloads(backup)
        with archive.scratch(address, backup.tag, None) as scratch:
            archive.load(payloads, scratch, say)
            with verify.opened(scratch) as database:
                seen = verify.prove(backup.manifest, database, say)
            kept = archive.swap(scratch, address, payloads, backup.tag, keep_old, say)
        end |= {"says": seen.says, "kept": kept}
    say(f"restored {backup.id}")
    return Restored(backup.id, shown, kept, round(time.monotonic() - started, 3), seen.says)


def _refuse_losing(backup: Backup, url: URL) -> None:
    """What a backup of a part does not hold must not vanish with the old state."""
    if backup.kind == "full":
        return
    found = _schema(url)
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


def _schema(url: URL) -> Schema:
    """The schema of the database that is to be replaced; an empty one where there is none."""
    try:
        with Database("target", url.render_as_string(hide_password=False)) as database:
            return database.schema
    except CannotConnect:
        return Schema()


def _silent(_: str) -> None:
    """Nobody listens."""
