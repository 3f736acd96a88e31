"""The schema after against the one before and what the plan declares: what differs, and how to mend it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from pytest_visionforge.compare import canonical
from pytest_visionforge.compare.expected import ExpectedTable, expected_tables, mentions, renamed_tables
from pytest_visionforge.database import Column, ForeignKey, Index, Schema, Sequence, Table
from pytest_visionforge.dialects import Dialect
from pytest_visionforge.plan.values import Changes, Declared

P = TypeVar("P")
Facts = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SchemaDifference:
    """One object that is not as it was and was declared to be.

    `kind` is table, column, type, nullability, default, generated, primary key, unique key,
    foreign key, index, check, trigger, view or sequence. `remedy` is SQL or a sentence, "" where
    there is no simple one; `before` and `after` are the facts, "" where there is none.
    """

    kind: str
    object: str
    says: str
    remedy: str = ""
    before: str = ""
    after: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.object}: {self.says}"


def differences(
    before: Schema, after: Schema, changes: Changes, before_dialect: Dialect, after_dialect: Dialect
) -> tuple[SchemaDifference, ...]:
    """What differs and is not declared, and what is declared and did not happen.

    Between two DBMS only what both say alike is compared; `not_compared` names the rest.
    """
    pair = _Pair(before_dialect, after_dialect)
    found = list(_tables(before, after, changes, pair))
    for expected in expected_tables(before, changes):
        actual = after.tables.get(expected.id)
        if actual is not None:
            found.extend(_of_table(expected, actual, pair))
    found.extend(_views(before, after, changes, pair))
    found.extend(_sequences(before, after, changes, pair))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Pair:
    """The two DBMS, and how the one after says things."""

    before: Dialect
    after: Dialect

    @property
    def same(self) -> bool:
        return self.before.name == self.after.name

    def quote(self, name: str) -> str:
        return self.after.language.quote(name).replace("\\:", ":")

    def names(self, names: Iterable[str]) -> str:
        return ", ".join(map(self.quote, names))

    def table(self, table: Table) -> str:
        return self.after.language.quote_table(table.schema, table.name).replace("\\:", ":")

    def added(self, table: Table, clause: str) -> str:
        """How a constraint is put back."""
        if self.after.canonical.ALTERS:
            return f"ALTER TABLE {self.table(table)} ADD {clause};"
        return f"rebuild {self.table(table)} with: {clause}"


# ---------------------------------------------------------------- tables


def _tables(before: Schema, after: Schema, changes: Changes, pair: _Pair) -> Iterator[SchemaDifference]:
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


def _of_table(expected: ExpectedTable, actual: Table, pair: _Pair) -> Iterator[SchemaDifference]:
    yield from _columns(expected, actual, pair)
    yield from _primary_key(expected, actual, pair)
    yield from _parts("unique key", expected, actual, _unique_keys(pair), expected.change.keys, pair)
    yield from _parts("foreign key", expected, actual, _foreign_keys(pair), expected.change.keys, pair)
    yield from _parts("index", expected, actual, _indexes(pair), expected.change.indexes, pair)
    if pair.same:
        yield from _parts("check", expected, actual, _checks(pair), expected.change.checks, pair)
        yield from _parts("trigger", expected, actual, _triggers(pair), expected.change.triggers, pair)


# ---------------------------------------------------------------- columns


def _columns(expected: ExpectedTable, actual: Table, pair: _Pair) -> Iterator[SchemaDifference]:
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


def _definition(column: Column, pair: _Pair) -> str:
    parts = [pair.quote(column.name), column.type]
    if column.generated:
        parts.append(f"GENERATED ALWAYS AS ({column.generated})")
    if column.default is not None:
        parts.append(f"DEFAULT {column.default}")
    return " ".join(parts if column.nullable else [*parts, "NOT NULL"])


def _column(expected: ExpectedTable, old: Column, new: Column, pair: _Pair) -> Iterator[SchemaDifference]:
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


def _types(old: Column, new: Column, pair: _Pair) -> tuple[str, str]:
    """The types as texts that are equal where they are; between two DBMS by what they can hold."""
    if pair.same:
        collations = (old.collation or "", new.collation or "")
        texts = (old.type, new.type)
        if collations[0] == collations[1]:
            return texts
        return f"{texts[0]} collate {collations[0]}".strip(), f"{texts[1]} collate {collations[1]}".strip()
    return _mapped(old, new, pair)


_KIN = ({"number", "double"}, {"uuid", "text"}, {"uuid", "bytes"}, {"json", "text"}, {"other", "text"})


def _mapped(old: Column, new: Column, pair: _Pair) -> tuple[str, str]:
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


def _nullability(old: Column, new: Column, pair: _Pair, is_key: bool) -> tuple[str, str]:
    if is_key and not pair.same:
        return "", ""  # a primary key's columns are never NULL, whether a DBMS says so or not
    words = {True: "NULL allowed", False: "NOT NULL"}
    return words[old.nullable], words[new.nullable]


def _defaults(old: Column, new: Column, pair: _Pair) -> tuple[str, str]:
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


def _generated(old: Column, new: Column, pair: _Pair) -> tuple[str, str]:
    if not pair.same:
        words = {True: "generated", False: "not generated"}
        return words[bool(old.generated)], words[bool(new.generated)]
    return old.generated or "not generated", new.generated or "not generated"


# ---------------------------------------------------------------- keys, indexes, checks, triggers


def _primary_key(expected: ExpectedTable, actual: Table, pair: _Pair) -> Iterator[SchemaDifference]:
    old, new = expected.table.primary_key, actual.primary_key
    columns = (old.columns if old else (), new.columns if new else ())
    changes = expected.change.keys
    named = {*changes.added, *changes.dropped, *changes.changed}
    known = {key.name for key in (expected.before.primary_key, new) if key} | {"primary key", "PRIMARY"}
    if columns[0] == columns[1] or named & (known | {",".join(found) for found in columns if found}):
        return
    before, after = (f"({', '.join(found)})" if found else "none" for found in columns)
    remedy = pair.added(actual, f"PRIMARY KEY ({pair.names(columns[0])})") if columns[0] else ""
    yield SchemaDifference("primary key", expected.id, f"was {before}, is {after}", remedy, before, after)


@dataclass(frozen=True, slots=True)
class _Part:
    """One part of a table: what it is compared by, the names a plan may call it by, how it is put back."""

    identity: str
    names: tuple[str, ...]
    remedy: str


Parts = Callable[[Table], Iterator[_Part]]


def _parts(
    kind: str, expected: ExpectedTable, actual: Table, parts: Parts, declared: Declared, pair: _Pair
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
    yield from _undone(kind, expected.id, old, new, declared)


def _named(table: str, part: _Part) -> str:
    return f"{table}.{part.names[0]}" if part.names[0] else table


def _is_named(part: _Part, names: Iterable[str]) -> bool:
    return bool(set(part.names) & set(names))


def _undone(
    kind: str, table: str, old: list[_Part], new: list[_Part], declared: Declared
) -> Iterator[SchemaDifference]:
    """What is declared of these parts and did not happen."""
    for name in declared.dropped:
        if any(name in part.names for part in old) and any(name in part.names for part in new):
            yield SchemaDifference(kind, f"{table}.{name}", "is declared as dropped and is still there")


def _unique_keys(pair: _Pair) -> Parts:
    """Unique keys, and unique indexes over plain columns, which hold the same."""

    def parts(table: Table) -> Iterator[_Part]:
        keys = [(key.name, key.columns) for key in table.unique_keys]
        keys += [(index.name, index.columns) for index in table.indexes if _is_key(index, table)]
        for name, columns in keys:
            remedy = f"CREATE UNIQUE INDEX {pair.quote(name or '_'.join(columns))} ON {pair.table(table)}"
            listed = ", ".join(sorted(columns))
            yield _Part(f"({listed})", (name, ",".join(columns)), f"{remedy} ({pair.names(columns)});")

    return parts


def _is_key(index: Index, table: Table) -> bool:
    plain = all(table.column(column) for column in index.columns)
    return index.unique and plain and not index.where and not any(index.options)


def _foreign_keys(pair: _Pair) -> Parts:
    def parts(table: Table) -> Iterator[_Part]:
        for key in table.foreign_keys:
            yield _Part(
                _reference(key, pair),
                (key.name, ",".join(key.columns)),
                pair.added(table, _clause(key, pair)),
            )

    return parts


def _reference(key: ForeignKey, pair: _Pair) -> str:
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


def _clause(key: ForeignKey, pair: _Pair) -> str:
    named = f"CONSTRAINT {pair.quote(key.name)} " if key.name else ""
    actions = f" ON DELETE {key.on_delete} ON UPDATE {key.on_update}"
    return (
        f"{named}FOREIGN KEY ({pair.names(key.columns)}) REFERENCES {pair.quote(key.parent)}"
        f" ({pair.names(key.parent_columns)}){actions}"
    )


def _indexes(pair: _Pair) -> Parts:
    """Indexes by their structure; those that are keys are compared as keys."""

    def parts(table: Table) -> Iterator[_Part]:
        behind = {key.columns for key in table.foreign_keys}
        for index in table.indexes:
            if _is_key(index, table) or (
                not pair.same and (index.columns in behind or not _is_plain(index, table))
            ):
                continue
            yield _Part(
                _structure(index, pair), (index.name, ",".join(index.columns)), _created(index, table, pair)
            )

    return parts


def _is_plain(index: Index, table: Table) -> bool:
    return all(table.column(column) for column in index.columns) and not index.where


def _structure(index: Index, pair: _Pair) -> str:
    terms = [
        f"{column} {option}".strip()
        for column, option in zip(index.columns, index.options or ("",) * len(index.columns), strict=True)
    ]
    words = ["unique" if index.unique else "", f"({', '.join(terms if pair.same else index.columns)})"]
    if pair.same:
        include = f"include ({', '.join(index.include)})" if index.include else ""
        where = f"where {_plain(index.where)}" if index.where else ""
        words += [
            include,
            where,
            f"using {index.method}" if index.method else "",
            "" if index.valid else "INVALID",
        ]
    return " ".join(filter(None, words))


def _created(index: Index, table: Table, pair: _Pair) -> str:
    columns = ", ".join(pair.quote(name) if table.column(name) else name for name in index.columns)
    unique = "UNIQUE " if index.unique else ""
    where = f" WHERE {index.where}" if index.where else ""
    return f"CREATE {unique}INDEX {pair.quote(index.name)} ON {pair.table(table)} ({columns}){where};"


def _checks(pair: _Pair) -> Parts:
    def parts(table: Table) -> Iterator[_Part]:
        for check in table.checks:
            named = f"CONSTRAINT {pair.quote(check.name)} " if check.name else ""
            remedy = pair.added(table, f"{named}CHECK ({check.expression})")
            state = "" if check.validated else " NOT VALID"
            yield _Part(_plain(check.expression) + state, (check.name, check.expression), remedy)

    return parts


def _triggers(pair: _Pair) -> Parts:
    def parts(table: Table) -> Iterator[_Part]:
        for trigger in table.triggers:
            state = "" if trigger.enabled else " (disabled)"
            text = f"{trigger.name}: {_plain(trigger.definition)}{state}"
            yield _Part(text, (trigger.name,), trigger.definition.rstrip("; ") + ";")

    return parts


def _plain(text: str) -> str:
    """SQL without regard to blanks and to quotes around names."""
    return " ".join(text.split()).replace('"', "").replace("`", "")


# ---------------------------------------------------------------- views and sequences


def _views(before: Schema, after: Schema, changes: Changes, pair: _Pair) -> Iterator[SchemaDifference]:
    declared = changes.views
    for id, view in before.views.items():
        now = after.views.get(id)
        if now is None and id not in declared.dropped:
            remedy = _view_remedy(view.definition, pair.quote(view.name), materialized=view.materialized)
            yield SchemaDifference("view", id, "is not there", remedy if pair.same else "")
        elif now is not None and id in declared.dropped:
            yield SchemaDifference("view", id, "is declared as dropped and is still there")
        elif (
            now is not None
            and pair.same
            and id not in declared.changed
            and not _is_touched(id, before, changes)
        ):
            if _plain(view.definition) != _plain(now.definition):
                remedy = f"its definition was: {view.definition}"
                yield SchemaDifference(
                    "view", id, "is defined in another way", remedy, view.definition, now.definition
                )
    for id in declared.added:
        if id not in after.views:
            yield SchemaDifference("view", id, "is declared as added and is not there")
    for id in after.views:
        if id not in before.views and id not in (*declared.added, *declared.changed):
            yield SchemaDifference("view", id, "is new and not declared")


def _view_remedy(definition: str, name: str, *, materialized: bool) -> str:
    if definition.lstrip().upper().startswith("CREATE"):
        return definition.rstrip("; ") + ";"
    return f"CREATE {'MATERIALIZED ' if materialized else ''}VIEW {name} AS {definition.strip().rstrip(';')};"


def _is_touched(view: str, before: Schema, changes: Changes) -> bool:
    """Does a view's text hold a name that the migration changes? Then its text changes with it."""
    names = set(renamed_tables(before, changes))
    for change in changes.tables.values():
        names.update(change.columns.renamed.values(), change.columns.dropped)
    return mentions(before.views[view].definition, names)


def _sequences(before: Schema, after: Schema, changes: Changes, pair: _Pair) -> Iterator[SchemaDifference]:
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


# ---------------------------------------------------------------- what cannot be compared


def not_compared(
    before: Schema, after: Schema, changes: Changes, before_dialect: Dialect, after_dialect: Dialect
) -> tuple[str, ...]:
    """Sentences: what the two schemas hold and could not be compared, by name."""
    pair = _Pair(before_dialect, after_dialect)
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
        if not _is_plain(index, found.table)
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
