"""What a table is besides its columns and keys: options, comment, partitions and policies."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_visionforge.compare import named
from pytest_visionforge.compare.expected import ExpectedTable
from pytest_visionforge.compare.pair import Pair, SchemaDifference
from pytest_visionforge.database import Table


def differences(
    expected: ExpectedTable, actual: Table, pair: Pair, tables: frozenset[str]
) -> Iterator[SchemaDifference]:
    """What differs; between two DBMS the comment alone. `tables` are the ids of those that are there."""
    yield from _options(expected, actual, pair)
    if pair.same:
        change, wanted = expected.change, expected.table
        old = _partitions(wanted, wanted, actual, pair, tables)
        new = _partitions(actual, wanted, actual, pair, tables)
        yield from named.differences(old, new, change.partitions, str)
        policies = _policies(wanted, actual, pair), _policies(actual, actual, pair)
        yield from named.differences(policies[0], policies[1], change.policies, str)


def _options(expected: ExpectedTable, actual: Table, pair: Pair) -> Iterator[SchemaDifference]:
    old, new = _of(expected.table, pair), _of(actual, pair)
    for name in sorted({*old, *new}):
        before, after = old.get(name, ""), new.get(name, "")
        is_declared = name in expected.change.options
        if before != after and not is_declared:
            says = f"was {before or 'none'}, is {after or 'none'}"
            remedy = pair.after.remedy.option(actual, name, before)
            yield SchemaDifference(name, expected.id, says, remedy, before, after)
    for name in expected.change.options:
        if old.get(name, "") == new.get(name, "") and pair.same:
            yield SchemaDifference(name, expected.id, "is declared to change and is as before")


def _of(table: Table, pair: Pair) -> dict[str, str]:
    comment = {"comment": table.comment} if pair.comments else {}
    return {"kind": table.kind, **table.options, **comment} if pair.same else comment


def _partitions(
    table: Table, before: Table, now: Table, pair: Pair, tables: frozenset[str]
) -> dict[str, named.Named]:
    remedy = pair.after.remedy
    return {
        f"{each.parent} {each.name}": named.Named(
            kind="partition",
            object=f"{now.id}.{each.name}",
            names=frozenset((each.name,)),
            text=" ".join(filter(None, (each.bounds, each.by and f"PARTITION BY {each.by}"))) or "by hash",
            restored=remedy.partition(before, now, each, each.name in tables) if table is before else "",
        )
        for each in table.partitions
    }


def _policies(table: Table, now: Table, pair: Pair) -> dict[str, named.Named]:
    remedy = pair.after.remedy
    found = {}
    for each in table.policies:
        create, drop = remedy.policy(now, each), remedy.drop("policy", each.name, now)
        found[each.name] = named.Named(
            kind="policy",
            object=f"{now.id}.{each.name}",
            names=frozenset((each.name,)),
            text=each.text,
            restored=create,
            reverted=f"{drop}\n{create}",
            dropped=drop,
        )
    return found
