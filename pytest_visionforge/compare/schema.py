"""The schema after against the one before and what the plan declares: what differs, and how to mend it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from pytest_visionforge.compare import columns, definitions, parts, properties, rights, views
from pytest_visionforge.compare.expected import ExpectedTable, expected_tables, renamed_in
from pytest_visionforge.compare.pair import Pair, SchemaDifference
from pytest_visionforge.database import Schema, Sequence
from pytest_visionforge.dialects import Dialect
from pytest_visionforge.plan.values.changes import Changes


def differences(
    before: Schema,
    after: Schema,
    changes: Changes,
    before_dialect: Dialect,
    after_dialect: Dialect,
    *,
    with_rights: bool = True,
) -> tuple[SchemaDifference, ...]:
    """What differs and is not declared, and what is declared and did not happen.

    Between two DBMS only what both say alike is compared; `not_compared` names the rest. A copy that
    lies elsewhere, such as a backup in a scratch database, may have other owners and grants, and its
    database other options: compare it without rights.
    """
    pair = Pair(before_dialect, after_dialect)
    found = [replace(each, owner=each.object) for each in _tables(before, after, changes)]
    for expected in expected_tables(before, changes):
        actual = after.tables.get(expected.id)
        if actual is not None:
            of_table = (
                *columns.differences(expected, actual, pair),
                *parts.differences(expected, actual, pair),
                *properties.differences(expected, actual, pair, frozenset(after.tables)),
            )
            found += (replace(each, owner=expected.id) for each in of_table)
    found += (replace(each, owner="views") for each in views.differences(before, after, changes, pair))
    found += (replace(each, owner="sequences") for each in _sequences(before, after, changes, pair))
    found += definitions.differences(before, after, changes, pair, renamed_in(before, changes))
    if with_rights:
        found += rights.differences(before, after, changes, pair)
        found += _options(before, after, changes, pair)
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


def _sequences(before: Schema, after: Schema, changes: Changes, pair: Pair) -> Iterator[SchemaDifference]:
    """A sequence is known by the column that it feeds; one that feeds none by its id."""
    declared = changes.sequences
    expected = {table.before.id: table for table in expected_tables(before, changes)}
    fed = {sequence.owner for sequence in after.sequences.values() if sequence.owner}
    for id, sequence in before.sequences.items():
        if id in declared.dropped:
            if id in after.sequences:
                yield SchemaDifference("sequence", id, "is declared as dropped and is still there")
        elif sequence.owner:
            owner = _owner_after(sequence, expected)  # None: dropped, or missing and told as that
            if owner and owner not in fed:
                yield SchemaDifference("sequence", id, f"is not there, which fed {'.'.join(owner)}")
        elif pair.same and id not in declared.changed:
            yield from _free_sequence(sequence, after.sequences.get(id), pair)
    for id in declared.added:
        if id not in after.sequences:
            yield SchemaDifference("sequence", id, "is declared as added and is not there")
    for id, sequence in after.sequences.items() if pair.same else ():
        is_known = id in before.sequences or id in (*declared.added, *declared.changed)
        if sequence.owner is None and not is_known:
            yield SchemaDifference(
                "sequence", id, "is new and not declared", f"DROP SEQUENCE {pair.named(sequence)};"
            )


def _free_sequence(old: Sequence, new: Sequence | None, pair: Pair) -> Iterator[SchemaDifference]:
    name = pair.named(old)
    if new is None:
        start = "" if old.next is None else f" START WITH {old.next}"
        remedy = f"CREATE SEQUENCE {name} INCREMENT BY {old.increment}{start};"
        yield SchemaDifference("sequence", old.id, "is not there", remedy)
    elif old.increment != new.increment:
        says = f"went by {old.increment}, goes by {new.increment}"
        remedy = f"ALTER SEQUENCE {name} INCREMENT BY {old.increment};"
        yield SchemaDifference("sequence", old.id, says, remedy, str(old.increment), str(new.increment))


def _owner_after(sequence: Sequence, expected: Mapping[str, ExpectedTable]) -> tuple[str, str] | None:
    table, column = sequence.owner or ("", "")
    found = expected.get(table)
    if found is None:
        return None
    new = {old: name for name, old in found.change.columns.renamed.items()}
    name = new.get(column, column)
    return (found.id, name) if found.table.column(name) else None


def _options(before: Schema, after: Schema, changes: Changes, pair: Pair) -> Iterator[SchemaDifference]:
    """The database's own."""
    for name in sorted({*before.options, *after.options}) if pair.same else ():
        old, new = before.options.get(name, ""), after.options.get(name, "")
        if (old == new) == (name in changes.options):
            says = f"was {old or 'none'}, is {new or 'none'}"
            if old == new:
                says = "is declared to change and is as before"
            yield SchemaDifference(name, "the database", says, "", old, new, "database")
