"""What PostgreSQL knows beside relations: routines, types, extensions, owners and grants."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from pytest_visionforge.database.definitions import Definition, Grant, Partition, Policy
from pytest_visionforge.database.names import object_id
from pytest_visionforge.database.session import AnyRow, Session
from pytest_visionforge.dialects.postgresql import queries

DEFAULT_SCHEMA = "public"
_ROUTINES = {"f": "function", "w": "function", "p": "procedure", "a": "aggregate"}
_COMMANDS = {"r": "SELECT", "a": "INSERT", "w": "UPDATE", "d": "DELETE", "*": "ALL"}
_IDENTITIES = {"n": "nothing", "f": "full"}


def schema_of(name: str) -> str | None:
    """A schema as the facts have it: None for the default one."""
    return None if name == DEFAULT_SCHEMA else name


def read(session: Session, owned: Iterable[tuple[str, AnyRow]]) -> dict[str, Any]:
    """Routines, types, extensions, owners, grants and the database's options, as `Schema` takes them.

    `owned` are the relations that have an owner of their own, with their keys.
    """
    routines = [(_routine(row), row) for row in session.all(queries.ROUTINES)]
    types = [(_type(row), row) for row in session.all(queries.TYPES)]
    schemas = ((f"schema {object_id(None, row.nspname)}", row) for row in session.all(queries.SCHEMA_OWNERS))
    owners = {str(key): row.owner for key, row in (*owned, *schemas, *routines, *types)}
    extensions = [Definition("extension", row.extname, row.text) for row in session.all(queries.EXTENSIONS)]
    options = session.row(queries.DATABASE)
    return {
        "routines": _by_key(routine for routine, _ in routines),
        "types": _by_key(type for type, _ in types),
        "extensions": _by_key(extensions),
        "owners": dict(sorted(owners.items())),
        "grants": tuple(_grant(row) for row in session.all(queries.GRANTS)),
        "options": {name: value for name, value in options._mapping.items() if value},
    }


def _by_key(found: Iterable[Definition]) -> dict[str, Definition]:
    """Objects by `kind id`, sorted."""
    return {str(each): each for each in sorted(found, key=str)}


def _routine(row: AnyRow) -> Definition:
    kind, schema = _ROUTINES[row.prokind], schema_of(row.nspname)
    return Definition(kind, row.proname, row.text.strip(), schema, f"({row.arguments})")


def _type(row: AnyRow) -> Definition:
    kind = "domain" if row.typtype == "d" else "type"
    return Definition(kind, row.typname, row.text or "()", schema_of(row.nspname))


def _grant(row: AnyRow) -> Grant:
    id = object_id(schema_of(row.nspname) if row.nspname else None, row.name) + row.arguments
    return Grant(row.privilege_type, row.kind, id, row.role, row.column_name, row.is_grantable)


def partition(row: AnyRow) -> Partition:
    """A partition, of a table or of another partition."""
    parent = object_id(schema_of(row.parent_schema), row.parent) if row.level > 1 else ""
    id = object_id(schema_of(row.nspname), row.relname)
    return Partition(id, row.bounds, parent, row.partitioned_by or "")


def policy(row: AnyRow) -> Policy:
    """A row security policy, with what follows the table in its statement."""
    words = [
        f"AS {'PERMISSIVE' if row.polpermissive else 'RESTRICTIVE'} FOR {_COMMANDS[row.polcmd]}",
        f"TO {', '.join(row.roles)}",
        f"USING ({row.condition})" if row.condition else "",
        f"WITH CHECK ({row.condition_of_new})" if row.condition_of_new else "",
    ]
    return Policy(row.polname, " ".join(filter(None, words)))


def options(row: AnyRow) -> dict[str, str]:
    """What is not the usual one of a relation; storage parameters by their names."""
    found = dict(option.split("=", 1) for option in row.reloptions or ())
    return dict(sorted({**found, **dict(_properties(row))}.items()))


def _properties(row: AnyRow) -> Iterator[tuple[str, str]]:
    if row.unlogged:
        yield "unlogged", "on"
    if row.relrowsecurity:
        yield "row security", "forced" if row.relforcerowsecurity else "on"
    if row.partitioned_by:
        yield "partitioned by", row.partitioned_by
    if row.parents:
        yield "inherits", ", ".join(row.parents)
    if row.replica_identity in _IDENTITIES:
        yield "replica identity", _IDENTITIES[row.replica_identity]
    if row.replica_identity == "i":
        yield "replica identity", f"index over {', '.join(row.identity_columns)}"
