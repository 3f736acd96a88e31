"""The schema after against the one before and what the plan declares: what differs, and how to mend it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from pytest_visionforge.compare import canonical, columns, parts
from pytest_visionforge.compare.expected import (
    ExpectedTable,
    expected_tables,
    is_plain,
    mentions,
    plain,
    renamed_tables,
)
from pytest_visionforge.compare.pair import Pair, SchemaDifference
from pytest_visionforge.database import Schema, Sequence, View
from pytest_visionforge.dialects import Dialect
from pytest_visionforge.plan.values import Changes


def differences(
    before: Schema, after: Schema, changes: Changes, before_dialect: Dialect, after_dialect: Dialect
) -> tuple[SchemaDifference, ...]:
    """What differs and is not declared, and what is declared and did not happen.

    Between two DBMS only what both say alike is compared; `not_compared` names the rest.
    """
    pair = Pair(before_dialect, after_dialect)
    found = [replace(each, owner=each.object) for each in _tables(before, after, changes)]
    for expected in expected_tables(before, changes):
        actual = after.tables.get(expected.id)
        if actual is not None:
            of_table = (
                *columns.differences(expected, actual, pair),
                *parts.differences(expected, actual, pair),
            )
            found += (replace(each, owner=expected.id) for each in of_table)
    found += (replace(each, owner="views") for each in _views(before, after, changes, pair))
    found += (replace(each, owner="sequences") for each in _sequences(before, after, changes, pair))
    return tuple(found)


def _tables(before: Schema, after: Schema, changes: Changes) -> Iterator[SchemaDifference]:
    expected = {table.id: table.before for table in expected_tables(before, changes)}
    for id, table in expected.items():
        if id not in after.tables:
            was = f" (before: {table.id})" if table.id != id else ""
            yield SchemaDifference(
                "table", id, f"is not there{was}", "restore it from the backup, or declare it as dropped"
            )
    for name, change in changes.tables.items():
        if change.dropped and name in after.tables:
            yield SchemaDifference("table", name, "is declared as dropped and is still there")
        if change.added and name not in after.tables:
            yield SchemaDifference("table", name, "is declared as added and is not there")
        if change.renamed_from and change.renamed_from not in before.tables:
            yield SchemaDifference(
                "table", name, f"is declared as renamed from {change.renamed_from}, which was not there"
            )
    for id in after.tables:
        if id not in expected and not changes.of(id).added and not changes.of(id).dropped:
            yield SchemaDifference(
                "table", id, "is new and not declared", f"declare [changes.tables.{id}] added = true"
            )


def _views(before: Schema, after: Schema, changes: Changes, pair: Pair) -> Iterator[SchemaDifference]:
    declared = changes.views
    for id, view in before.views.items():
        now = after.views.get(id)
        if now is None:
            if id not in declared.dropped:
                remedy = _view_remedy(view, pair) if pair.same else ""
                yield SchemaDifference("view", id, "is not there", remedy)
        elif id in declared.dropped:
            yield SchemaDifference("view", id, "is declared as dropped and is still there")
        elif pair.same and id not in declared.changed and not _is_touched(id, before, changes):
            yield from _view(view, now)
    for id in declared.added:
        if id not in after.views:
            yield SchemaDifference("view", id, "is declared as added and is not there")
    for id in after.views:
        if id not in before.views and id not in (*declared.added, *declared.changed):
            yield SchemaDifference("view", id, "is new and not declared")


def _view(before: View, after: View) -> Iterator[SchemaDifference]:
    old, new = before.definition, after.definition
    if plain(old) != plain(new):
        remedy = f"its definition was: {old}"
        yield SchemaDifference("view", before.id, "is defined in another way", remedy, old, new)


def _view_remedy(view: View, pair: Pair) -> str:
    definition = view.definition.strip().rstrip("; ")
    if definition.upper().startswith("CREATE"):
        return f"{definition};"
    kind = "MATERIALIZED VIEW" if view.materialized else "VIEW"
    return f"CREATE {kind} {pair.quote(view.name)} AS {definition};"


def _is_touched(view: str, before: Schema, changes: Changes) -> bool:
    """Does a view's text hold a name that the migration changes? Then its text changes with it."""
    names = set(renamed_tables(before, changes))
    for change in changes.tables.values():
        names.update(change.columns.renamed.values(), change.columns.dropped)
    return mentions(before.views[view].definition, names)


def _sequences(before: Schema, after: Schema, changes: Changes, pair: Pair) -> Iterator[SchemaDifference]:
    """A sequence is known by the column that it feeds; one that feeds none by its id."""
    expected = {table.before.id: table for table in expected_tables(before, changes)}
    fed = {sequence.owner for sequence in after.sequences.values() if sequence.owner}
    for id, sequence in before.sequences.items():
        if id in changes.sequences.dropped or (sequence.owner is None and not pair.same):
            continue
        owner = _owner_after(sequence, expected)
        if sequence.owner and owner is None:
            continue  # its table or column is dropped, or is missing and told as that
        if owner not in fed if owner else id not in after.sequences:
            column = f", which fed {'.'.join(owner)}" if owner else ""
            yield SchemaDifference("sequence", id, f"is not there{column}")
    for id in changes.sequences.added:
        if id not in after.sequences:
            yield SchemaDifference("sequence", id, "is declared as added and is not there")


def _owner_after(sequence: Sequence, expected: Mapping[str, ExpectedTable]) -> tuple[str, str] | None:
    table, column = sequence.owner or ("", "")
    found = expected.get(table)
    if found is None:
        return None
    new = {old: name for name, old in found.change.columns.renamed.items()}
    name = new.get(column, column)
    return (found.id, name) if found.table.column(name) else None


def not_compared(
    before: Schema, after: Schema, changes: Changes, before_dialect: Dialect, after_dialect: Dialect
) -> tuple[str, ...]:
    """Sentences: what the two schemas hold and could not be compared, by name."""
    pair = Pair(before_dialect, after_dialect)
    hidden = tuple(f"not visible: {words}" for words in dict.fromkeys((*before.hidden, *after.hidden)))
    if pair.same:
        touched = [id for id in before.views if id in after.views and _is_touched(id, before, changes)]
        return (*hidden, *_listed("text of view", touched, "it names what the migration renames or drops"))
    tables = [found for found in expected_tables(before, changes) if found.id in after.tables]
    why = f"{before_dialect.name} and {after_dialect.name} write it differently"
    checks = [
        f"{found.id}.{check.name or check.expression}" for found in tables for check in found.table.checks
    ]
    triggers = [f"{found.id}.{trigger.name}" for found in tables for trigger in found.table.triggers]
    indexes = [
        f"{found.id}.{index.name}"
        for found in tables
        for index in found.table.indexes
        if not is_plain(index, found.table)
    ]
    defaults = [
        f"{found.id}.{column.name}"
        for found in tables
        for column in found.table.columns
        if column.default is not None and canonical.literal(column.default) is None
    ]
    sequences = [id for id, sequence in before.sequences.items() if sequence.owner is None]
    return (
        *hidden,
        *_listed("CHECK", checks, why),
        *_listed("trigger", triggers, why),
        *_listed("expression or partial index", indexes, why),
        *_listed("default that is no literal:", defaults, why),
        *_listed("text of view", [id for id in before.views if id in after.views], why),
        *_listed(
            "sequence that feeds no column:", sequences, "only those that feed a column are known by it"
        ),
    )


def _listed(kind: str, names: list[str], why: str) -> tuple[str, ...]:
    return (f"{len(names)} x {kind} not compared ({', '.join(names)}): {why}",) if names else ()
