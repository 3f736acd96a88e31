"""Keys, indexes, checks and triggers of a table after against those that the plan promises."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from pytest_visionforge.compare.expected import ExpectedTable, is_plain, plain
from pytest_visionforge.compare.pair import Pair, SchemaDifference
from pytest_visionforge.database import ForeignKey, Index, Key, Table
from pytest_visionforge.plan.values.changes import Declared


def differences(expected: ExpectedTable, actual: Table, pair: Pair) -> Iterator[SchemaDifference]:
    """What differs; between two DBMS without the checks and triggers, whose texts do not compare."""
    change = expected.change
    keys = _together(change.keys, change.indexes)  # a unique index is a key to us, whatever the plan calls it
    yield from _primary_key(expected, actual, pair)
    yield from _parts("unique key", expected, actual, _unique_keys(pair), keys)
    yield from _parts("foreign key", expected, actual, _foreign_keys(pair), change.keys)
    yield from _parts("index", expected, actual, _indexes(pair), change.indexes)
    if pair.same:
        yield from _parts("check", expected, actual, _checks(pair), change.checks)
        yield from _parts("trigger", expected, actual, _triggers(pair), change.triggers)
    yield from _undone(expected, actual, pair)


def _together(first: Declared, second: Declared) -> Declared:
    return Declared(
        (*first.added, *second.added), (*first.dropped, *second.dropped), (*first.changed, *second.changed)
    )


def _primary_key(expected: ExpectedTable, actual: Table, pair: Pair) -> Iterator[SchemaDifference]:
    old, new = expected.table.primary_key, actual.primary_key
    columns = (old.columns if old else (), new.columns if new else ())
    changes = expected.change.keys
    named = {*changes.added, *changes.dropped, *changes.changed}
    known = {name for key in (old, new) if key for name in _names_of_primary_key(key)}
    if columns[0] == columns[1] or named & known:
        return
    before, after = (f"({', '.join(found)})" if found else "none" for found in columns)
    remedy = pair.added(actual, f"PRIMARY KEY ({pair.names(columns[0])})") if columns[0] else ""
    yield SchemaDifference("primary key", expected.id, f"was {before}, is {after}", remedy, before, after)


def _names_of_primary_key(key: Key) -> set[str]:
    """What a plan may call it."""
    return {key.name, "primary key", "PRIMARY KEY", "PRIMARY", ",".join(key.columns)}


@dataclass(frozen=True, slots=True)
class _Part:
    """One part of a table: what it is compared by, the names a plan may call it by, how it is put back."""

    identity: str
    names: tuple[str, ...]
    remedy: str


Parts = Callable[[Table], Iterator[_Part]]


def _parts(
    kind: str, expected: ExpectedTable, actual: Table, parts: Parts, declared: Declared
) -> Iterator[SchemaDifference]:
    """Parts are compared by what they are, not by their names, and each as often as it is there."""
    old, new = list(parts(expected.table)), list(parts(actual))
    left = [part.identity for part in new]
    for part in old:
        if part.identity in left:
            left.remove(part.identity)
        elif not _is_named(part, (*declared.dropped, *declared.changed)):
            yield SchemaDifference(
                kind, _named(expected.id, part), f"is not there: {part.identity}", part.remedy, part.identity
            )
    known = [part.identity for part in old]
    for part in new:
        if part.identity in known:
            known.remove(part.identity)
        elif not _is_named(part, (*declared.added, *declared.changed)):
            yield SchemaDifference(
                kind,
                _named(expected.id, part),
                f"is new and not declared: {part.identity}",
                "",
                "",
                part.identity,
            )


def _named(table: str, part: _Part) -> str:
    return f"{table}.{part.names[0]}" if part.names[0] else table


def _is_named(part: _Part, names: Iterable[str]) -> bool:
    return bool(set(part.names) & set(names))


def _undone(expected: ExpectedTable, actual: Table, pair: Pair) -> Iterator[SchemaDifference]:
    """What is declared and did not happen."""
    keys = (_unique_keys(pair), _foreign_keys(pair))
    topics: list[tuple[str, Declared, tuple[Parts, ...]]] = [
        ("key", expected.change.keys, keys),
        ("index", expected.change.indexes, (_unique_keys(pair), _indexes(pair))),
        ("check", expected.change.checks, (_checks(pair),)),
        ("trigger", expected.change.triggers, (_triggers(pair),)),
    ]
    for kind, declared, kinds in topics:
        yield from _unchanged(kind, expected, actual, kinds, declared)
        there = {name for parts in kinds for part in parts(actual) for name in part.names}
        if kind == "key" and actual.primary_key:
            there |= _names_of_primary_key(actual.primary_key)
        for name in declared.added:
            if name not in there:
                yield SchemaDifference(kind, f"{expected.id}.{name}", "is declared as added and is not there")
        for name in declared.dropped:
            if name in there:
                yield SchemaDifference(
                    kind, f"{expected.id}.{name}", "is declared as dropped and is still there"
                )


def _unchanged(
    kind: str, expected: ExpectedTable, actual: Table, kinds: tuple[Parts, ...], declared: Declared
) -> Iterator[SchemaDifference]:
    """What is declared to change and is the same under the same name."""
    old, new = (
        {name: part.identity for parts in kinds for part in parts(table) for name in part.names if name}
        for table in (expected.table, actual)
    )
    for name in declared.changed:
        if name in old and old[name] == new.get(name):
            says = "is declared to change and is as before"
            yield SchemaDifference(kind, f"{expected.id}.{name}", says)


def _unique_keys(pair: Pair) -> Parts:
    """Unique keys, and unique indexes over plain columns, which hold the same."""

    def parts(table: Table) -> Iterator[_Part]:
        keys = [(key.name, key.columns) for key in table.unique_keys]
        keys += [(index.name, index.columns) for index in table.indexes if _is_key(index, table)]
        for name, columns in keys:
            remedy = f"CREATE UNIQUE INDEX {pair.quote(name or '_'.join(columns))} ON {pair.named(table)}"
            listed = ", ".join(sorted(columns))
            yield _Part(f"({listed})", (name, ",".join(columns)), f"{remedy} ({pair.names(columns)});")

    return parts


def _is_key(index: Index, table: Table) -> bool:
    plain = all(table.column(column) for column in index.columns)
    return index.unique and plain and not index.where and not any(index.options)


def _foreign_keys(pair: Pair) -> Parts:
    def parts(table: Table) -> Iterator[_Part]:
        for key in table.foreign_keys:
            yield _Part(
                _reference(key, pair),
                (key.name, ",".join(key.columns)),
                pair.added(table, _clause(key, pair)),
            )

    return parts


def _reference(key: ForeignKey, pair: Pair) -> str:
    columns = sorted(zip(key.columns, key.parent_columns, strict=False)) or [
        (name, "?") for name in key.columns
    ]
    ours, theirs = (", ".join(names) for names in zip(*columns, strict=True))
    actions = {"ON DELETE": _action(key.on_delete), "ON UPDATE": _action(key.on_update)}
    words = "".join(f" {when} {what}" for when, what in actions.items() if what)
    state = "" if key.validated or not pair.same else " NOT VALID"
    return f"({ours}) -> {key.parent} ({theirs}){words}{state}"


def _action(action: str) -> str:
    """NO ACTION and RESTRICT refuse alike."""
    return "" if action.upper() in ("NO ACTION", "RESTRICT", "") else action.upper()


def _clause(key: ForeignKey, pair: Pair) -> str:
    named = f"CONSTRAINT {pair.quote(key.name)} " if key.name else ""
    actions = f" ON DELETE {key.on_delete} ON UPDATE {key.on_update}"
    return (
        f"{named}FOREIGN KEY ({pair.names(key.columns)}) REFERENCES {pair.quote(key.parent)}"
        f" ({pair.names(key.parent_columns)}){actions}"
    )


def _indexes(pair: Pair) -> Parts:
    """Indexes by their structure; those that are keys are compared as keys."""

    def parts(table: Table) -> Iterator[_Part]:
        for index in table.indexes:
            if _is_key(index, table) or _serves_reference(index, table, pair):
                continue
            if pair.same or is_plain(index, table):
                names = (index.name, ",".join(index.columns))
                yield _Part(_structure(index, pair), names, _created(index, table, pair))

    return parts


def _serves_reference(index: Index, table: Table, pair: Pair) -> bool:
    """Did the DBMS make it by itself for a foreign key, as MySQL does, or may it have?"""
    keys = [key for key in table.foreign_keys if key.columns == index.columns]
    return any(key.name == index.name for key in keys) or bool(keys and not pair.same)


def _structure(index: Index, pair: Pair) -> str:
    terms = [
        f"{column} {option}".strip()
        for column, option in zip(index.columns, index.options or ("",) * len(index.columns), strict=True)
    ]
    words = ["unique" if index.unique else "", f"({', '.join(terms if pair.same else index.columns)})"]
    if pair.same:
        include = f"include ({', '.join(index.include)})" if index.include else ""
        where = f"where {plain(index.where)}" if index.where else ""
        words += [
            include,
            where,
            f"using {index.method}" if index.method else "",
            "" if index.valid else "INVALID",
        ]
    return " ".join(filter(None, words))


def _created(index: Index, table: Table, pair: Pair) -> str:
    columns = ", ".join(pair.quote(name) if table.column(name) else name for name in index.columns)
    unique = "UNIQUE " if index.unique else ""
    where = f" WHERE {index.where}" if index.where else ""
    return f"CREATE {unique}INDEX {pair.quote(index.name)} ON {pair.named(table)} ({columns}){where};"


def _checks(pair: Pair) -> Parts:
    def parts(table: Table) -> Iterator[_Part]:
        for check in table.checks:
            named = f"CONSTRAINT {pair.quote(check.name)} " if check.name else ""
            remedy = pair.added(table, f"{named}CHECK ({check.expression})")
            state = "" if check.validated else " NOT VALID"
            yield _Part(plain(check.expression) + state, (check.name, check.expression), remedy)

    return parts


def _triggers(pair: Pair) -> Parts:
    def parts(table: Table) -> Iterator[_Part]:
        for trigger in table.triggers:
            state = "" if trigger.enabled else " (disabled)"
            text = f"{trigger.name}: {plain(trigger.definition)}{state}"
            yield _Part(text, (trigger.name,), trigger.definition.rstrip("; ") + ";")

    return parts
