"""What two schemas hold and nobody compared, by name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pytest_visionforge.compare import canonical, definitions, views
from pytest_visionforge.compare.expected import ExpectedTable, expected_tables, is_plain
from pytest_visionforge.compare.pair import Pair
from pytest_visionforge.database import Schema
from pytest_visionforge.dialects import Dialect
from pytest_visionforge.plan.values.changes import Changes


def not_compared(
    before: Schema, after: Schema, changes: Changes, before_dialect: Dialect, after_dialect: Dialect
) -> tuple[str, ...]:
    """Sentences: what the two schemas hold and could not be compared, by name."""
    pair = Pair(before_dialect, after_dialect)
    found = (*before.hidden, *after.hidden, *before.unseen, *after.unseen)
    hidden = tuple(f"not visible: {words}" for words in dict.fromkeys(map(str, found)))
    if pair.same:
        why = "it names what the migration renames or drops"
        return (*hidden, *_listed("text of view", views.untold(before, after, changes), why))
    tables = [found for found in expected_tables(before, changes) if found.id in after.tables]
    return (*hidden, *_of_tables(tables, pair), *_of_the_rest(before, after, pair))


def _of_tables(tables: list[ExpectedTable], pair: Pair) -> Iterator[str]:
    why = f"{pair.before.name} and {pair.after.name} write it differently"
    checks = [f"{each.id}.{check.name or check.expression}" for each in tables for check in each.table.checks]
    indexes = [
        f"{each.id}.{index.name}"
        for each in tables
        for index in each.table.indexes
        if not is_plain(index, each.table)
    ]
    defaults = [
        f"{each.id}.{column.name}"
        for each in tables
        for column in each.table.columns
        if column.default is not None and canonical.literal(column.default) is None
    ]
    yield from _listed("CHECK", checks, why)
    yield from _listed("trigger", _names(tables, "triggers"), why)
    yield from _listed("expression or partial index", indexes, why)
    yield from _listed("default that is no literal:", defaults, why)
    yield from _listed("partition", _names(tables, "partitions"), why)
    yield from _listed("policy", _names(tables, "policies"), why)
    if not pair.comments:
        comments = [each.id for each in tables if each.table.comment]
        comments += (
            f"{each.id}.{column.name}" for each in tables for column in each.table.columns if column.comment
        )
        yield from _listed("comment", comments, "only one of the two has comments")


def _names(tables: Iterable[ExpectedTable], parts: str) -> list[str]:
    return [f"{each.id}.{part.name}" for each in tables for part in getattr(each.table, parts)]


def _of_the_rest(before: Schema, after: Schema, pair: Pair) -> Iterator[str]:
    why = f"{pair.before.name} and {pair.after.name} write it differently"
    yield from _listed("text of view", [id for id in before.views if id in after.views], why)
    sequences = [id for id, sequence in before.sequences.items() if sequence.owner is None]
    fed = "only those that feed a column are known by it"
    yield from _listed("sequence that feeds no column:", sequences, fed)
    for group in definitions.GROUPS:
        yield from _listed(group, [each.id for each in getattr(before, group).values()], why)
    grants = [
        f"{each.privilege} on {each.object or 'the database'} to {each.role}" for each in before.grants or ()
    ]
    users = "users and roles are the DBMS's own"
    yield from _listed("grant", list(dict.fromkeys(grants)), users)
    yield from _listed("owner", [f"{key}: {owner}" for key, owner in before.owners.items()], users)


def _listed(kind: str, names: list[str], why: str) -> tuple[str, ...]:
    return (f"{len(names)} x {kind} not compared ({', '.join(names)}): {why}",) if names else ()
