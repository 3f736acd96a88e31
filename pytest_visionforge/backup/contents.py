"""What a database holds, in the form that a manifest keeps and a proof compares."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace

from pytest_visionforge.backup.manifest import Held, Manifest
from pytest_visionforge.compare import TableDigests, unequal
from pytest_visionforge.database import ForeignKey, Schema, Session, Table
from pytest_visionforge.dialects import Dialect


def objects_of(schema: Schema) -> dict[str, str]:
    """Each table, view, routine and type with the SHA-256 of all its facts, and of who owns it.

    Not events and extensions: a copy leaves out what acts by itself, a server has its own versions. And no
    index that is not valid: nobody uses it, and where it failed while it was built no dump holds it.
    """
    tables = {f"table {id}": asdict(_sound(table)) for id, table in schema.tables.items()}
    views = {f"view {id}": asdict(view) for id, view in schema.views.items()}
    others = {id: asdict(each) for id, each in {**schema.routines, **schema.types}.items()}
    found = tables | views | others
    return {id: _digest({**facts, "owner": schema.owners.get(id, "")}) for id, facts in found.items()}


def _sound(table: Table) -> Table:
    return replace(table, indexes=tuple(index for index in table.indexes if index.valid))


def sequences_of(schema: Schema) -> dict[str, int | None]:
    """Each sequence with the number that it gives next."""
    return {id: sequence.next for id, sequence in schema.sequences.items()}


def held(session: Session, schema: Schema, digests: Mapping[str, TableDigests]) -> dict[str, Held]:
    """What there is of each table: digests where they were taken, else the count, of a foreign one nothing."""
    return {
        id: _held(digests[id]) if id in digests else _counted(session, table)
        for id, table in schema.tables.items()
    }


def _counted(session: Session, table: Table) -> Held:
    return Held() if table.elsewhere else Held(rows=session.count(table))


def _held(digests: TableDigests) -> Held:
    return Held(digests.rows, digests.digest, json.loads(json.dumps(digests.as_json())))


def digests_of(manifest: Manifest) -> dict[str, TableDigests]:
    """The digests that a manifest holds, by table id."""
    return {id: TableDigests.from_json(held.digests) for id, held in manifest.tables.items() if held.digests}


def different_objects(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[str, ...]:
    """A sentence for each table or view that is missing, added or defined otherwise."""
    return tuple(
        f"{name} {_how(before.get(name), after.get(name))}"
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    )


def _how(before: str | None, after: str | None) -> str:
    if after is None:
        return "is missing"
    return "was not in the original" if before is None else "is not defined as it was"


def moved(before: Mapping[str, int | None], after: Mapping[str, int | None]) -> dict[str, int]:
    """The sequences from which numbers were drawn in between: no snapshot holds them still."""
    return {
        name: number
        for name, number in after.items()
        if number is not None and before.get(name) not in (None, number)
    }


def different_sequences(manifest: Manifest, found: Mapping[str, int | None]) -> tuple[str, ...]:
    """A sentence for each sequence that would give another number next than one while it was dumped."""
    return tuple(
        f"sequence {name} would give {found.get(name)} next, not {number}"
        for name, number in sorted(manifest.sequences.items())
        if number is not None and not _is_between(number, found.get(name), manifest.moved.get(name, number))
    )


def _is_between(first: int, found: int | None, last: int) -> bool:
    return found is not None and min(first, last) <= found <= max(first, last)


def different_rows(
    manifest: Manifest, session: Session, schema: Schema, found: Mapping[str, TableDigests]
) -> tuple[str, ...]:
    """A sentence for each table whose rows are not those of the manifest."""
    counted = {id: held.rows for id, held in manifest.tables.items() if held.digests is None}
    miscounted = (
        f"{id}: {rows:,} rows, then {now:,}"
        for id, rows in counted.items()
        if rows is not None and id in schema.tables and (now := session.count(schema.tables[id])) != rows
    )
    return (*unequal(digests_of(manifest), found), *miscounted)


def orphans(session: Session, schema: Schema) -> Iterator[tuple[str, ForeignKey, int]]:
    """Each foreign key that does not hold: table id, key, rows without a parent."""
    for id, table in schema.tables.items():
        for key in table.foreign_keys:
            lost = _lost(session, table, key, schema.tables.get(key.parent))
            if lost:
                yield id, key, lost


def _lost(session: Session, table: Table, key: ForeignKey, parent: Table | None) -> int:
    name = session.dialect.language.quote_table(table.schema, table.name)
    lost = lost_where(session.dialect, key, parent)
    return int(session.value(f"SELECT count(*) FROM {name} c WHERE {lost}"))


def lost_where(dialect: Dialect, key: ForeignKey, parent: Table | None) -> str:
    """SQL: true of a row `c` whose key is whole (a NULL in it refers to nothing) and leads to no parent."""
    language = dialect.language
    here = [f"c.{language.quote(column)}" for column in key.columns]
    whole = " AND ".join(f"{column} IS NOT NULL" for column in here)
    if parent is None:
        return whole
    there = [f"p.{language.quote(column)}" for column in key.parent_columns]
    same = " AND ".join(f"{left} = {right}" for left, right in zip(here, there, strict=True))
    name = language.quote_table(parent.schema, parent.name)
    return f"{whole} AND NOT EXISTS (SELECT 1 FROM {name} p WHERE {same})"


def _digest(facts: object) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()
