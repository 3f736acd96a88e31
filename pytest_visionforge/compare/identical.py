"""Two states of the same tables, told apart by the digests of all their columns."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from pytest_visionforge.compare.digests import digests_before, naming
from pytest_visionforge.compare.pace import Pace, Progress
from pytest_visionforge.compare.projecting import identity
from pytest_visionforge.compare.segments import TableDigests
from pytest_visionforge.database import Schema, Session, Snapshot, Table, sharing


def identity_digests(
    source: Snapshot | Session,
    schema: Schema,
    exclude: Collection[str] = (),
    progress: Progress | None = None,
    like: Mapping[str, TableDigests] | None = None,
) -> dict[str, TableDigests]:
    """The digests of every column of every table but those of `exclude`, and foreign ones, by table id.

    Segments are those of `like`, where it has digests of the same columns, types and key.
    """
    pace, found = Pace(progress=progress), {}
    with sharing(source) as snapshot:
        for id, table in schema.tables.items():
            if id not in exclude and not table.elsewhere:
                with naming(id):
                    found[id] = _identical(snapshot, table, pace, (like or {}).get(id))
    return found


def _identical(snapshot: Snapshot, table: Table, pace: Pace, like: TableDigests | None) -> TableDigests:
    projection = identity(table, snapshot.dialect)
    usable = like is not None and like.fingerprint == projection.fingerprint
    return digests_before(snapshot, projection, table, pace, like=like if usable else None)


def unequal(before: Mapping[str, TableDigests], after: Mapping[str, TableDigests]) -> tuple[str, ...]:
    """A sentence for each table that is not the same on both sides; () where all are."""
    found = (_unequal(id, before.get(id), after.get(id)) for id in dict.fromkeys((*before, *after)))
    return tuple(sentence for sentence in found if sentence)


def _unequal(id: str, before: TableDigests | None, after: TableDigests | None) -> str:
    if before is None or after is None:
        return f"{id} is only in the {'second' if before is None else 'first'}"
    if before.fingerprint != after.fingerprint:
        return f"{id} does not have the same columns, types or key"
    differing = before.differing(after)
    if not differing:
        return ""
    return (
        f"{id}: {before.rows:,} rows, then {after.rows:,}; {len(differing)} segments differ,"
        f" the first is {differing[0]}"
    )
