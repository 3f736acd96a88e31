"""SQLite's statements that put an object back; a table's own properties take a new table."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pytest_visionforge.database.definitions import Definition, Grant, Partition, Policy
from pytest_visionforge.database.facts import Column, Table, View
from pytest_visionforge.database.session import unescaped
from pytest_visionforge.dialects.sqlite import language

_BARE = re.compile(r"'(?:[^']|'')*'|[-+]?[\w.]+")


def _quote(name: str) -> str:
    return unescaped(language.quote(name))


def declared(column: Column) -> str:
    """A column as it stands in CREATE TABLE."""
    default = column.default or ""
    words = [
        f"{_quote(column.name)} {column.type}".strip(),
        f"COLLATE {column.collation}" if column.collation else "",
        f"GENERATED ALWAYS AS ({column.generated}) {column.variant.upper()}" if column.generated else "",
        "" if column.nullable else "NOT NULL",
        f"DEFAULT {default if _BARE.fullmatch(default) else f'({default})'}" if default else "",
    ]
    return " ".join(filter(None, words))


def column(table: Table, column: Column, topic: str) -> str:
    """No column changes where it stands."""
    return f"rebuild {_quote(table.name)} with the column: {declared(column)}"


def option(table: Table, name: str, value: str) -> str:
    """Nor does a table."""
    return f"rebuild {_quote(table.name)} {'with' if value else 'without'} {name.upper()}"


def view(view: View) -> str:
    """The text of its creation is what there is of a view."""
    return f"{view.definition.rstrip('; ')};"


def partition(before: Table, now: Table, partition: Partition, is_table: bool) -> str:
    """There are no partitions."""
    return ""


def policy(table: Table, policy: Policy) -> str:
    """There is no row security."""
    return ""


def definition(wanted: Definition, now: Definition | None) -> str:
    """There are neither routines nor types."""
    return ""


def drop(kind: str, id: str, table: Table | None) -> str:
    """Drops an object of that kind."""
    return f"DROP {kind.upper()} {_quote(id)};"


def owner(kind: str, id: str, owner: str) -> str:
    """A file has no owners within."""
    return ""


def grant(grants: Sequence[Grant]) -> str:
    """Nor grants."""
    return ""


def revoke(grants: Sequence[Grant]) -> str:
    """Nor anything to revoke."""
    return ""
