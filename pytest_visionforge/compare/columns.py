"""The columns of a table after against those that the plan promises."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pytest_visionforge.compare import canonical
from pytest_visionforge.compare.expected import ExpectedTable
from pytest_visionforge.compare.pair import Pair, SchemaDifference
from pytest_visionforge.database import Column, Table


def differences(expected: ExpectedTable, actual: Table, pair: Pair) -> Iterator[SchemaDifference]:
    """What differs, and what is declared and did not happen."""
    changes = expected.change.columns
    wanted = {column.name: column for column in expected.table.columns}
    added = {*changes.added, *(set(changes.values) - set(wanted))}
    for name, column in wanted.items():
        found = actual.column(name)
        if found is None:
            remedy = f"ALTER TABLE {pair.table(actual)} ADD COLUMN {_definition(column, pair)};"
            yield _missing(expected, name, "is not there", remedy if pair.same else "")
        else:
            yield from _column(expected, column, found, pair)
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


def _definition(column: Column, pair: Pair) -> str:
    parts = [pair.quote(column.name), column.type]
    if column.generated:
        parts.append(f"GENERATED ALWAYS AS ({column.generated})")
    if column.default is not None:
        parts.append(f"DEFAULT {column.default}")
    return " ".join(parts if column.nullable else [*parts, "NOT NULL"])


def _column(expected: ExpectedTable, old: Column, new: Column, pair: Pair) -> Iterator[SchemaDifference]:
    id = f"{expected.id}.{new.name}"
    changes = expected.change.columns
    remedy = f"change the column back to: {_definition(old, pair)}" if pair.same else ""
    is_key = bool(expected.table.primary_key and old.name in expected.table.primary_key.columns)
    topics = [
        ("type", *_types(old, new, pair), changes.types),
        ("nullability", *_nullability(old, new, pair, is_key), changes.nullable),
        ("default", *_defaults(old, new, pair), changes.defaults),
        ("generated", *_generated(old, new, pair), changes.defaults),
    ]
    for kind, before, after, declared in topics:
        if before != after and new.name not in declared:
            yield SchemaDifference(kind, id, f"was {before}, is {after}", remedy, before, after)
    if new.name in changes.types and pair.same and _types(old, new, pair)[0] == _types(old, new, pair)[1]:
        yield SchemaDifference("type", id, f"is declared to change and is {new.type} as before")
    if new.name in changes.nullable and old.nullable == new.nullable:
        yield SchemaDifference("nullability", id, "is declared to change and is as before")
    if new.name in changes.defaults and pair.same and old.default == new.default:
        yield SchemaDifference("default", id, "is declared to change and is as before")


def _types(old: Column, new: Column, pair: Pair) -> tuple[str, str]:
    """The types as texts that are equal where they are; between two DBMS by what they can hold."""
    if pair.same:
        collations = (old.collation or "", new.collation or "")
        texts = (old.type, new.type)
        if collations[0] == collations[1]:
            return texts
        return f"{texts[0]} collate {collations[0]}".strip(), f"{texts[1]} collate {collations[1]}".strip()
    return _mapped(old, new, pair)


_KIN = ({"number", "double"}, {"uuid", "text"}, {"uuid", "bytes"}, {"json", "text"}, {"other", "text"})


def _mapped(old: Column, new: Column, pair: Pair) -> tuple[str, str]:
    """Equal texts where the type after can hold what the type before does."""
    first, second = pair.before.canonical.family(old.type), pair.after.canonical.family(new.type)
    untyped = not pair.before.canonical.TYPED or not pair.after.canonical.TYPED
    kin = [*_KIN, {"date", "timestamp"}, {"other", first}, {"other", second}] if untyped else _KIN
    if first != second and not any({first, second} == pair_of for pair_of in kin):
        return old.type, new.type
    return (old.type, new.type) if _narrower(old.type, new.type, first) else ("", "")


def _narrower(old: str, new: str, family: str) -> bool:
    """Does the type after hold fewer characters or digits, as far as both say how many?"""
    first, second = _sizes(old), _sizes(new)
    if family == "text" and "char" in old.lower() and "char" in new.lower():
        return bool(first and second and second[0] < first[0])
    if family != "number" or len(first) != 2 or len(second) != 2:
        return False
    return second[1] < first[1] or second[0] - second[1] < first[0] - first[1]


def _sizes(type: str) -> list[int]:
    found = re.search(r"\((\d+)(?:\s*,\s*(\d+))?\)", type)
    return [int(size) for size in found.groups() if size] if found else []


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
    parts = [
        f"default {text if text is not None else 'NULL'}{' identity' if column.identity else ''}"
        for text, column in ((before, old), (after, new))
    ]
    return parts[0], parts[1]


def _generated(old: Column, new: Column, pair: Pair) -> tuple[str, str]:
    if not pair.same:
        words = {True: "generated", False: "not generated"}
        return words[bool(old.generated)], words[bool(new.generated)]
    return old.generated or "not generated", new.generated or "not generated"
