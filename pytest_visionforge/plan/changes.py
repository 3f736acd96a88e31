"""`[changes]`: what the migration may change."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pytest_visionforge.plan.grammar import Wrong
from pytest_visionforge.plan.grants import grant
from pytest_visionforge.plan.shape import (
    Place,
    entries,
    flag,
    keys,
    list_of,
    names,
    record_of,
    table_of,
    text,
)
from pytest_visionforge.plan.values.changes import Changes, ColumnChanges, Declared, RoleChanges, TableChange

_declared = record_of(Declared, {"added": names, "dropped": names, "changed": names})

_COLUMNS = {
    "renamed": table_of(text),
    "added": names,
    "dropped": names,
    "values": table_of(text),
    "types": names,
    "nullable": names,
    "defaults": names,
    "collations": names,
    "comments": names,
}


def _columns(value: Any, place: Place) -> ColumnChanges:
    columns = ColumnChanges(**keys(value, place, _COLUMNS))
    olds = tuple(columns.renamed.values())
    if len(set(olds)) < len(olds):
        raise Wrong("renames one column twice")
    if both := set(olds) & set(columns.dropped) or set(columns.renamed) & set(columns.added):
        raise Wrong(f"{', '.join(sorted(both))}: a renamed column is neither added nor dropped")
    return columns


_TABLE = {
    "renamed_from": text,
    "split_from": text,
    "added": flag,
    "dropped": flag,
    "columns": _columns,
    "rows": text,
    "indexes": _declared,
    "keys": _declared,
    "checks": _declared,
    "triggers": _declared,
    "partitions": _declared,
    "policies": _declared,
    "options": names,
}


def _table(name: str, value: Any, place: Place) -> TableChange:
    change = TableChange(name, **keys(value, place, _TABLE))
    if change.added + change.dropped + bool(change.renamed_from) + bool(change.split_from) > 1:
        raise Wrong("a table is either added, or dropped, or renamed, or split from another")
    if change.split_from == name:
        raise Wrong("is split from itself; a table that only loses rows or columns has `rows` and `columns`")
    if change.split_from:
        return replace(change, added=True)
    if change.renamed_from == name:
        raise Wrong("is renamed from its own name")
    return change


def _tables(value: Any, place: Place) -> dict[str, TableChange]:
    changes = dict(entries(value, place, _table))
    olds = [change.renamed_from for change in changes.values() if change.renamed_from]
    for old in sorted({old for old in olds if olds.count(old) > 1}):
        place.note(f"two tables are renamed from {old}")
    return changes


def _grant(value: Any, place: Place) -> str:
    grant(text(value, place))
    return str(value)


_grants = list_of(_grant)
_OBJECTS = ("views", "sequences", "routines", "types", "extensions", "events")

changes = record_of(
    Changes,
    {
        "tables": _tables,
        **dict.fromkeys(_OBJECTS, _declared),
        "grants": record_of(Declared, {"added": _grants, "dropped": _grants, "changed": _grants}),
        "roles": record_of(RoleChanges, {"renamed": table_of(text)}),
        "owners": names,
        "options": names,
    },
)
