"""The columns of a table after against those that the plan promises."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from pytest_visionforge.compare import canonical
from pytest_visionforge.compare.expected import ExpectedTable
from pytest_visionforge.compare.pair import Pair, SchemaDifference
from pytest_visionforge.database import Column, Table
from pytest_visionforge.plan.values.changes import ColumnChanges


def differences(expected: ExpectedTable, actual: Table, pair: Pair) -> Iterator[SchemaDifference]:
    """What differs, and what is declared and did not happen."""
    changes = expected.change.columns
    wanted = {column.name: column for column in expected.table.columns}
    added = {*changes.added, *(set(changes.values) - set(wanted))}
    for name, column in wanted.items():
        found = actual.column(name)
        if found is None:
            declared = pair.after.remedy.declared(column)
            remedy = f"ALTER TABLE {pair.named(actual)} ADD COLUMN {declared};"
            yield _missing(expected, name, "is not there", remedy if pair.same else "")
        else:
            yield from _column(expected, column, found, actual, pair)
    for name in sorted(added):
        if actual.column(name) is None:
            yield _missing(expected, name, "is declared as added and is not there", "")
    kept = set(wanted) | added
    for name in changes.dropped:
        if name not in kept and actual.column(name) is not None:
            yield _missing(expected, name, "is declared as dropped and is still there", "")
    for found in actual.columns:
        if found.name not in kept and found.name not in changes.dropped:
            remedy = f"declare [changes.tables.{expected.id}] columns.added"
            yield _missing(expected, found.name, "is new and not declared", remedy)


def _missing(expected: ExpectedTable, column: str, says: str, remedy: str) -> SchemaDifference:
    return SchemaDifference("column", f"{expected.id}.{column}", says, remedy)


@dataclass(frozen=True, slots=True)
class _Topic:
    """One respect in which a column may differ: texts that are equal where it does not, and what is kept."""

    kind: str
    before: str
    after: str
    declared: tuple[str, ...]
    facts: tuple[str, ...]
    note: str = ""


def _column(
    expected: ExpectedTable, old: Column, new: Column, actual: Table, pair: Pair
) -> Iterator[SchemaDifference]:
    id = f"{expected.id}.{new.name}"
    topics = _topics(expected, old, new, pair)
    wrong = [each for each in topics if each.before != each.after and new.name not in each.declared]
    wanted = _reverted(old, new, wrong)
    for each in wrong:
        remedy = pair.after.remedy.column(actual, wanted, each.kind) if _is_writable(each, pair) else ""
        says = f"was {each.before}, is {each.after}{each.note}"
        yield SchemaDifference(each.kind, id, says, remedy, each.before, each.after)
    yield from _unchanged(id, expected.change.columns, old, new, pair)


def _unchanged(
    id: str, changes: ColumnChanges, old: Column, new: Column, pair: Pair
) -> Iterator[SchemaDifference]:
    """What is declared to change and did not; between two DBMS only where that is told for certain."""
    topics = [
        ("type", ("type", "collation"), changes.types),
        ("default", ("default", "identity", "generated", "variant"), changes.defaults),
        ("collation", ("collation",), changes.collations),
        ("comment", ("comment",), changes.comments),
    ]
    for kind, facts, declared in (
        ("nullability", ("nullable",), changes.nullable),
        *(topics if pair.same else ()),
    ):
        if new.name in declared and all(getattr(old, fact) == getattr(new, fact) for fact in facts):
            yield SchemaDifference(kind, id, "is declared to change and is as before")


def _is_writable(topic: _Topic, pair: Pair) -> bool:
    """Can what was there before be said in the words of the DBMS after?"""
    return pair.same or topic.kind in ("nullability", "comment")


def _reverted(old: Column, new: Column, wrong: list[_Topic]) -> Column:
    """The column after with what is not declared as it was."""
    facts = {fact: getattr(old, fact) for topic in wrong for fact in topic.facts}
    return replace(new, **facts)


def _topics(expected: ExpectedTable, old: Column, new: Column, pair: Pair) -> list[_Topic]:
    changes = expected.change.columns
    is_key = bool(expected.table.primary_key and old.name in expected.table.primary_key.columns)
    types, note = _types(old, new, pair)
    topics = [
        _Topic("type", *types, changes.types, ("type", "collation"), note),
        _Topic("nullability", *_nullability(old, new, pair, is_key), changes.nullable, ("nullable",)),
        _Topic("default", *_defaults(old, new, pair), changes.defaults, ("default",)),
        _Topic(
            "generated", *_generated(old, new, pair), changes.defaults, ("generated", "default", "variant")
        ),
    ]
    if pair.same:
        collations = (*changes.types, *changes.collations)
        identities = _identity(old), _identity(new)
        topics += [
            _Topic("identity", *identities, changes.defaults, ("identity", "default", "variant")),
            _Topic("collation", *_texts(old.collation, new.collation), collations, ("collation",)),
        ]
    if pair.comments:
        topics.append(_Topic("comment", *_texts(old.comment, new.comment), changes.comments, ("comment",)))
    return topics


def _texts(before: str | None, after: str | None) -> tuple[str, str]:
    return before or "none", after or "none"


def _identity(column: Column) -> str:
    return f"an identity {column.variant}".strip() if column.identity else "no identity"


def _types(old: Column, new: Column, pair: Pair) -> tuple[tuple[str, str], str]:
    """The types as texts that are equal where they are, and what the one after holds less."""
    if pair.same:
        return (old.type, new.type), ""
    return _mapped(old, new, pair)


_KIN = ({"number", "double"}, {"uuid", "text"}, {"uuid", "bytes"}, {"json", "text"}, {"other", "text"})


def _mapped(old: Column, new: Column, pair: Pair) -> tuple[tuple[str, str], str]:
    """Equal texts where the type after can hold what the type before does."""
    first, second = pair.before.canonical.family(old.type), pair.after.canonical.family(new.type)
    untyped = not pair.before.canonical.TYPED or not pair.after.canonical.TYPED
    kin = [*_KIN, {"date", "timestamp"}, {"other", first}, {"other", second}] if untyped else _KIN
    if first != second and not any({first, second} == pair_of for pair_of in kin):
        return (old.type, new.type), ""
    if {"other", "json", "uuid"} & {first, second}:
        return ("", ""), ""
    less = pair.before.catalog.capacity(old).lost_in(pair.after.catalog.capacity(new))
    words = ", ".join(dict.fromkeys(less))
    if not words:
        return ("", ""), ""
    return (old.type, f"{new.type} {_charset(new)}".strip()), f", which holds less: {words}"


def _charset(column: Column) -> str:
    return f"collate {column.collation}" if column.collation else ""


def _nullability(old: Column, new: Column, pair: Pair, is_key: bool) -> tuple[str, str]:
    if is_key and not pair.same:
        return "", ""  # a primary key's columns are never NULL, whether a DBMS says so or not
    words = {True: "NULL allowed", False: "NOT NULL"}
    return words[old.nullable], words[new.nullable]


def _defaults(old: Column, new: Column, pair: Pair) -> tuple[str, str]:
    before, after = old.default, new.default
    if not pair.same:
        literals = canonical.literal(before), canonical.literal(after)
        if None in literals or old.identity or new.identity:
            return "", ""
        before, after = literals
    return _default(before), _default(after)


def _default(text: str | None) -> str:
    return f"default {text if text is not None else 'NULL'}"


def _generated(old: Column, new: Column, pair: Pair) -> tuple[str, str]:
    if not pair.same:
        words = {True: "generated", False: "not generated"}
        return words[bool(old.generated)], words[bool(new.generated)]
    return _generation(old), _generation(new)


def _generation(column: Column) -> str:
    variant = "" if column.identity else column.variant
    return " ".join(filter(None, (column.generated or "not generated", variant)))
