"""Routines, types, extensions and events of the schema after against those before."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from pytest_visionforge.compare import named
from pytest_visionforge.compare.pair import Pair, SchemaDifference
from pytest_visionforge.database import Definition, Schema
from pytest_visionforge.plan.values.changes import Changes

GROUPS = ("routines", "types", "extensions", "events")


def differences(
    before: Schema, after: Schema, changes: Changes, pair: Pair, carried: Callable[[str], str]
) -> Iterator[SchemaDifference]:
    """What differs of each kind; between two DBMS they do not compare."""
    if not pair.same:
        return
    for group in GROUPS:
        old, new = getattr(before, group), getattr(after, group)
        found = named.differences(
            _named(old, new, pair), _named(new, {}, pair), getattr(changes, group), carried
        )
        yield from (replace(each, owner=group) for each in found)


def _named(
    objects: Mapping[str, Definition], now: Mapping[str, Definition], pair: Pair
) -> dict[str, named.Named]:
    remedy = pair.after.remedy
    return {
        key: named.Named(
            kind=each.kind,
            object=each.id,
            names=frozenset((each.id, each.name, key)),
            text=each.text,
            restored=remedy.definition(each, None),
            reverted=remedy.definition(each, now[key]) if key in now else "",
            dropped=remedy.drop(each.kind, each.id, None),
        )
        for key, each in objects.items()
    }
