"""What a restored database must be: by catalogue, sequences, orphans, damage, counts and digests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pytest_visionforge.backup import contents
from pytest_visionforge.backup.manifest import Manifest
from pytest_visionforge.compare import behind, identity_digests
from pytest_visionforge.database import Database, Schema, Session, Snapshot
from pytest_visionforge.errors import BackupError
from pytest_visionforge.outcome import CannotTell

Progress = Callable[[str], None]


class Disproved(BackupError):
    """A backup was looked at and is not what its manifest says."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a proof has looked at."""

    says: str
    tables: int = 0
    rows: int = 0
    inserted: int = 0
    notes: tuple[str, ...] = ()


def prove(manifest: Manifest, database: Database, say: Progress) -> Seen:
    """Raises Disproved where a restored database is not what the manifest says."""
    say("reading the schema")
    with database.snapshot() as snapshot:
        session = snapshot.main
        schema = session.dialect.catalog.read_schema(session)
        wrong = [*contents.different_objects(manifest.objects, contents.objects_of(schema))]
        wrong += contents.different_sequences(manifest, contents.sequences_of(schema))
        wrong += _damage(session)
        notes: list[str] = []
        if manifest.kind != "schema":
            say("comparing every row")
            wrong += _different_rows(manifest, snapshot, schema, notes, say)
            notes += [f"{state}, as in the original" for state in behind(session, schema)]
    if wrong:
        raise not_what_was(manifest, wrong)
    return _proved(manifest, tuple(notes))


def not_what_was(manifest: Manifest, wrong: Sequence[str]) -> Disproved:
    """What is raised where a restored database is not what was backed up."""
    more = f" (and {len(wrong) - 5} more)" if len(wrong) > 5 else ""
    return Disproved(f"restored, {manifest.id} is not what was backed up: {'; '.join(wrong[:5])}{more}")


def _different_rows(
    manifest: Manifest, snapshot: Snapshot, schema: Schema, notes: list[str], say: Progress
) -> list[str]:
    session, before = snapshot.main, contents.digests_of(manifest)
    exclude = [id for id in schema.tables if id in manifest.tables and id not in before]
    found = identity_digests(snapshot, schema, exclude, say, like=before)
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
        return Seen(f"restored: {len(manifest.objects)} objects are defined as they were", notes=notes)
    held = manifest.tables.values()
    uncompared = {id: table.rows for id, table in manifest.tables.items() if table.digest is None}
    if counted := [id for id, rows in uncompared.items() if rows is not None]:
        notes = (*notes, f"only counted, not compared: {', '.join(counted)}")
    if foreign := [id for id, rows in uncompared.items() if rows is None]:
        notes = (*notes, f"not in the backup, for their rows lie in another database: {', '.join(foreign)}")
    compared, rows = len(manifest.tables) - len(uncompared), sum(table.rows or 0 for table in held)
    says = f"restored and compared: {compared} tables with {rows:,} rows are identical"
    return Seen(says, compared, rows, notes=notes)
