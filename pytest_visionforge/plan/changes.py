"""`[changes]`: what the migration may change."""

from __future__ import annotations

from typing import Any

from pytest_visionforge.plan.grammar import Wrong
from pytest_visionforge.plan.shape import Place, entries, flag, keys, names, record_of, table_of, text
from pytest_visionforge.plan.values import Changes, ColumnChanges, Declared, TableChange

_declared = record_of(Declared, {"added": names, "dropped": names, "changed": names})

_COLUMNS = {
    "renamed": table_of(text),
    "added": names,
    "dropped": names,
    "values": table_of(text),
    "types": names,
    "nullable": names,
    "defaults": names,
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
    "added": flag,
    "dropped": flag,
    "columns": _columns,
    "rows": text,
    "indexes": _declared,
    "keys": _declared,
    "checks": _declared,
    "triggers": _declared,
}


def _table(name: str, value: Any, place: Place) -> TableChange:
    change = TableChange(name, **keys(value, place, _TABLE))
    if change.added + change.dropped + bool(change.renamed_from) > 1:
        raise Wrong("a table is either added, or dropped, or renamed")
    if change.renamed_from == name:
        raise Wrong("is renamed from its own name")
    return change


def _tables(value: Any, place: Place) -> dict[str, TableChange]:
    changes = dict(entries(value, place, _table))
    olds = [change.renamed_from for change in changes.values() if change.renamed_from]
    for old in sorted({old for old in olds if olds.count(old) > 1}):
        place.note(f"two tables are renamed from {old}")
    return changes


changes = record_of(Changes, {"tables": _tables, "views": _declared, "sequences": _declared})
