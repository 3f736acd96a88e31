"""What a restore would do, without doing it: what would come, what would go aside, how long it takes."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from sqlalchemy import URL

from pytest_visionforge import dialects
from pytest_visionforge.backup import contents
from pytest_visionforge.backup.catalogue import Backup
from pytest_visionforge.backup.partial import ACTION as OF_TABLES
from pytest_visionforge.backup.partial import closure, refuse_unknown
from pytest_visionforge.backup.restore import ACTION, refuse_target, target_schema
from pytest_visionforge.backup.verify import address_for, refuse_own
from pytest_visionforge.cutover import journal
from pytest_visionforge.database import Database, Schema
from pytest_visionforge.errors import BackupError, DatabaseError, TimeLimit

COUNT_SECONDS = 30.0  # for one table's rows; whoever wants to know at once need not know exactly


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a restore would do: `changes` are sentences, one for each table or view that would be another.

    `refused` says why it would not be done ("" where it would). `seconds` is how long it took last
    time in this place, or else how long its proof took; None where neither is known.
    """

    backup: str
    shown: str
    level: str
    changes: tuple[str, ...]
    refused: str
    bytes: int
    seconds: float | None


def outlook(backup: Backup, url: URL | str, *, replace: bool = False) -> Outlook:
    """What `restore` would do with the same arguments; it only reads."""
    address = address_for(backup, url)
    archive = dialects.of(address).archive
    found = target_schema(archive, address)
    shown = address.render_as_string(hide_password=True)
    refused = ""
    try:
        refuse_own(backup)
        refuse_target(backup, shown, found, replace=replace)
    except BackupError as error:
        refused = str(error)
    changes: tuple[str, ...] = ("what is there cannot be read, and would go aside",)
    if found is not None:
        changes = (*_objects(backup, found), *_rows(backup, address, found))
    return Outlook(
        backup=backup.id,
        shown=shown,
        level=backup.level or "not proved",
        changes=changes,
        refused=refused,
        bytes=backup.manifest.bytes or backup.raw_size,
        seconds=seconds(backup, archive.place(address)),
    )


def outlook_of_tables(
    backup: Backup, url: URL | str, tables: Collection[str], *, bound: bool = False
) -> Outlook:
    """What `restore_tables` would do; it only reads, so rows that would refer to nothing are not seen.

    `bound` takes the tables that are bound to these by foreign keys of the database as it is.
    """
    address = address_for(backup, url)
    archive = dialects.of(address).archive
    with Database("target", address.render_as_string(hide_password=False)) as database:
        found = database.schema
    wanted = sorted(closure(set(tables), found) if bound else set(tables))
    refused = ""
    try:
        refuse_own(backup)
        refuse_unknown(backup, wanted, found)
    except BackupError as error:
        refused = str(error)
    place = archive.place(address)
    return Outlook(
        backup=backup.id,
        shown=address.render_as_string(hide_password=True),
        level=backup.level or "not proved",
        changes=tuple(_rows(backup, address, found, wanted)),
        refused=refused,
        bytes=backup.manifest.bytes or backup.raw_size,
        seconds=seconds(backup, place, OF_TABLES),
    )


def seconds(backup: Backup, place: str, action: str = ACTION) -> float | None:
    """How long a restore of this kind of backup will take, as far as is known."""
    last = journal.last_seconds(backup.journal, action, place=place)
    return last if last is not None else (backup.proof.seconds if backup.proof else None)


def _objects(backup: Backup, found: Schema) -> Iterator[str]:
    """Each table or view that would come, go or be defined otherwise."""
    now, then = contents.objects_of(found), backup.manifest.objects
    for name in sorted({*now, *then}):
        if name not in then:
            yield f"{name} would go aside: the backup has none"
        elif name not in now:
            yield f"{name} would come back"
        elif now[name] != then[name]:
            yield f"{name} would be defined as it was"


def _rows(backup: Backup, url: URL, found: Schema, wanted: Collection[str] | None = None) -> Iterator[str]:
    """Each table whose number of rows would change; of the wanted ones, each."""
    with Database("target", url.render_as_string(hide_password=False), seconds=COUNT_SECONDS) as database:
        for id, held in backup.manifest.tables.items():
            if held.rows is None or id not in found.tables or (wanted is not None and id not in wanted):
                continue
            try:
                now = database.count(found.tables[id])
            except TimeLimit:
                yield f"{id}: {held.rows:,} rows in the backup, too many now to count"
            except DatabaseError as error:
                yield f"{id}: {held.rows:,} rows in the backup, now it cannot be read ({error})"
            else:
                if now != held.rows or wanted is not None:
                    yield f"{id}: {now:,} rows would become {held.rows:,}"
