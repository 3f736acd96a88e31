"""PostgreSQL's statements that put an object back."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from pytest_visionforge.database.definitions import Definition, Grant, Partition, Policy
from pytest_visionforge.database.facts import Column, Table, View
from pytest_visionforge.database.names import split_id
from pytest_visionforge.database.session import unescaped
from pytest_visionforge.dialects.postgresql import language

_RELATIONS = ("table", "view", "sequence")


def _quote(name: str) -> str:
    return unescaped(language.quote(name))


def _literal(text: str) -> str:
    return unescaped(language.literal(text))


def _qualified(schema: str | None, name: str) -> str:
    return unescaped(language.quote_table(schema, name))


def _named(id: str) -> str:
    """An object's quoted name, with a routine's arguments."""
    name, bracket, arguments = id.partition("(")
    return _qualified(*split_id(name)) + bracket + arguments


def _table(table: Table) -> str:
    return _qualified(table.schema, table.name)


def declared(column: Column) -> str:
    """A column as it stands in CREATE TABLE."""
    words = [
        f"{_quote(column.name)} {column.type}",
        f"COLLATE {_quote(column.collation)}" if column.collation else "",
        f"GENERATED ALWAYS AS ({column.generated}) {column.variant.upper()}" if column.generated else "",
        f"GENERATED {column.variant.upper()} AS IDENTITY" if column.identity else "",
        f"DEFAULT {column.default}" if column.default is not None else "",
        "" if column.nullable else "NOT NULL",
    ]
    return " ".join(filter(None, words))


def column(table: Table, column: Column, topic: str) -> str:
    """Makes a column what it should be in one topic."""
    if topic == "comment":
        return f"COMMENT ON COLUMN {_table(table)}.{_quote(column.name)} IS {_literal(column.comment)};"
    change = _CHANGES[topic](column)
    if not change:
        return f"make the column again: {declared(column)}"
    return f"ALTER TABLE {_table(table)} ALTER COLUMN {_quote(column.name)} {change};"


def _type(column: Column) -> str:
    collation = f" COLLATE {_quote(column.collation)}" if column.collation else ""
    return f"TYPE {column.type}{collation} USING CAST({_quote(column.name)} AS {column.type})"


def _default(column: Column) -> str:
    if column.identity:
        return f"ADD GENERATED {column.variant.upper()} AS IDENTITY"
    return "DROP DEFAULT" if column.default is None else f"SET DEFAULT {column.default}"


_CHANGES: dict[str, Callable[[Column], str]] = {
    "type": _type,
    "nullability": lambda column: f"{'DROP' if column.nullable else 'SET'} NOT NULL",
    "default": _default,
    "identity": lambda column: f"SET GENERATED {column.variant.upper()}" if column.identity else "",
    "generated": lambda column: "",
    "collation": lambda column: f"TYPE {column.type} COLLATE {_quote(column.collation or 'default')}",
}


def option(table: Table, name: str, value: str) -> str:
    """Sets an option of a table, or its comment."""
    if name == "comment":
        return f"COMMENT ON TABLE {_table(table)} IS {_literal(value)};"
    change = _OPTIONS[name](value) if name in _OPTIONS else _parameter(name, value)
    return f"ALTER TABLE {_table(table)} {change};" if change else ""


def _parameter(name: str, value: str) -> str:
    return f"SET ({name} = {value})" if value else f"RESET ({name})"


def _replica_identity(value: str) -> str:
    return "" if value.startswith("index") else f"REPLICA IDENTITY {value.upper() or 'DEFAULT'}"


def _row_security(value: str) -> str:
    if not value:
        return "DISABLE ROW LEVEL SECURITY"
    force = "FORCE" if value == "forced" else "NO FORCE"
    return f"ENABLE ROW LEVEL SECURITY, {force} ROW LEVEL SECURITY"


_OPTIONS: dict[str, Callable[[str], str]] = {
    "row security": _row_security,
    "unlogged": lambda value: "SET UNLOGGED" if value else "SET LOGGED",
    "inherits": lambda value: f"INHERIT {value}" if value and "," not in value else "",
    "replica identity": _replica_identity,
    "partitioned by": lambda value: "",
    "kind": lambda value: "",
}


def view(view: View) -> str:
    """Creates a view; a materialized one is filled by it."""
    kind = "MATERIALIZED VIEW" if view.materialized else "VIEW"
    parameters = [f"{name} = {value}" for name, value in view.options.items() if name != "comment"]
    options = f" WITH ({', '.join(parameters)})" if parameters else ""
    name, text = _qualified(view.schema, view.name), view.definition.strip().rstrip("; ")
    return f"CREATE {kind} {name}{options} AS {text};"


def partition(before: Table, now: Table, partition: Partition, is_table: bool) -> str:
    """Attaches a table that is there, or creates one."""
    if now.kind != "partitioned":
        return ""
    parent = _named(partition.parent) if partition.parent else _table(now)
    if is_table:
        return f"ALTER TABLE {parent} ATTACH PARTITION {_named(partition.name)} {partition.bounds};"
    by = f" PARTITION BY {partition.by}" if partition.by else ""
    return f"CREATE TABLE {_named(partition.name)} PARTITION OF {parent} {partition.bounds}{by};"


def policy(table: Table, policy: Policy) -> str:
    """Creates a row security policy."""
    return f"CREATE POLICY {_quote(policy.name)} ON {_table(table)} {policy.text};"


def definition(wanted: Definition, now: Definition | None) -> str:
    """Creates a routine, type or extension, or changes it into what it was."""
    if wanted.kind in ("function", "procedure", "aggregate"):
        return f"{wanted.text.rstrip('; ')};"
    name = _quote(wanted.name) if wanted.kind == "extension" else _named(wanted.id)
    if now is None:
        word = "AS " if wanted.kind in ("type", "domain") else ""
        return f"CREATE {wanted.kind.upper()} {name} {word}{wanted.text};"
    if wanted.kind == "extension":
        return _extension(name, wanted.text, now.text)
    return _enum(name, wanted.text, now.text) or f"its definition was: {wanted.text}"


def _extension(name: str, wanted: str, now: str) -> str:
    schema, version = wanted.split(" VERSION ")
    changes = [] if now.startswith(f"{schema} VERSION") else [f"ALTER EXTENSION {name} SET {schema};"]
    if not now.endswith(f" VERSION {version}"):
        changes.append(f"ALTER EXTENSION {name} UPDATE TO {version};")
    return "\n".join(changes)


def _enum(name: str, wanted: str, now: str) -> str:
    """Adds the labels that are gone, each behind the one that it stood behind; a label cannot be dropped."""
    old, new = (re.findall(r"'(?:[^']|'')*'", text) for text in (wanted, now))
    if not wanted.startswith("ENUM") or not now.startswith("ENUM") or set(old) <= set(new):
        return ""
    places = [f" AFTER {before}" for before in old[:-1]]
    first = f" BEFORE {new[0]}" if new else ""
    return "\n".join(
        f"ALTER TYPE {name} ADD VALUE {label}{place};"
        for label, place in zip(old, [first, *places], strict=True)
        if label not in new
    )


def drop(kind: str, id: str, table: Table | None) -> str:
    """Drops an object of that kind."""
    if kind == "policy" and table:
        return f"DROP POLICY {_quote(id)} ON {_table(table)};"
    name = _quote(id) if kind == "extension" else _named(id)
    return f"DROP {kind.upper()} {name};"


def owner(kind: str, id: str, owner: str) -> str:
    """Gives an object back to its owner; views and sequences are tables to ALTER TABLE."""
    word = "TABLE" if kind in _RELATIONS else kind.upper()
    name = _quote(split_id(id)[1]) if kind == "schema" else _named(id)
    return f"ALTER {word} {name} OWNER TO {_quote(owner)};"


def grant(grants: Sequence[Grant]) -> str:
    """Grants what one role may do on one object."""
    ending = " WITH GRANT OPTION" if grants[0].grantable else ""
    return f"GRANT {_rights(grants)} TO {_role(grants[0].role)}{ending};"


def revoke(grants: Sequence[Grant]) -> str:
    """Takes it away."""
    return f"REVOKE {_rights(grants)} FROM {_role(grants[0].role)};"


def _rights(grants: Sequence[Grant]) -> str:
    first = grants[0]
    privileges = (
        f"{each.privilege} ({_quote(each.column)})" if each.column else each.privilege for each in grants
    )
    name = _quote(split_id(first.object)[1]) if first.kind == "schema" else _named(first.object)
    word = "" if first.kind in ("table", "view") else f"{first.kind.upper()} "
    return f"{', '.join(privileges)} ON {word}{name}"


def _role(role: str) -> str:
    return role if role == "PUBLIC" else _quote(role)
