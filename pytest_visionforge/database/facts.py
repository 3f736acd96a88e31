"""What a database is made of, as frozen facts: no connection, no dialect, plain values for JSON.

A table's `id` is what plans, test items and records call it: its name, with the schema before it
where that is not the default one (`sales.orders`). A part that holds a dot or a quote itself is
written in double quotes (`"a.b"`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from pytest_visionforge.database.definitions import Definition, Grant, Partition, Policy, definitions
from pytest_visionforge.database.hidden import RELATIONS, Hidden
from pytest_visionforge.database.names import object_id


@dataclass(frozen=True, slots=True)
class Column:
    """A column; `type` as the DBMS prints it, `default` and `generated` as SQL text (None: without).

    `variant` is how it is generated ("stored", "virtual"), or an identity ("always", "by default").
    `collation` is None where it has none, or the one that goes without saying.
    """

    name: str
    type: str
    nullable: bool = True
    default: str | None = None
    generated: str | None = None
    identity: bool = False
    collation: str | None = None
    comment: str = ""
    variant: str = ""


@dataclass(frozen=True, slots=True)
class Key:
    """A primary or unique key; `name` is "" where SQLite's was declared without one."""

    name: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A declared reference; `parent` is a table id; `validated` is False where old rows were never tested.

    `parent_columns` is () where the reference leads nowhere (SQLite lets that be declared).
    """

    name: str
    columns: tuple[str, ...]
    parent: str
    parent_columns: tuple[str, ...]
    on_delete: str = "NO ACTION"
    on_update: str = "NO ACTION"
    validated: bool = True


@dataclass(frozen=True, slots=True)
class CheckConstraint:
    """A CHECK, or PostgreSQL's EXCLUDE; `expression` as the DBMS prints it.

    `validated` is False where old rows were never tested, or where it is not enforced.
    """

    name: str
    expression: str
    validated: bool = True


@dataclass(frozen=True, slots=True)
class Index:
    """An index that is not there for a primary or unique constraint.

    `columns` are names, and expressions in parentheses. `options` says for each of them what is
    not the default (`DESC`, a collation, an operator class, a prefix's length); () where all is.
    `include` are columns that are only carried along. `where` is a partial index's condition.
    """

    name: str
    columns: tuple[str, ...]
    unique: bool = False
    where: str = ""
    valid: bool = True
    method: str = ""
    options: tuple[str, ...] = ()
    include: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Trigger:
    """A trigger, with its whole definition; `enabled` is False where ordinary writes do not fire it."""

    name: str
    definition: str
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class Table:
    """A table; `schema` is None in the default schema.

    `kind` is "table", "partitioned" (its partitions are no tables of their own), "virtual" or "foreign".
    `options` are properties of the table itself that are not the usual ones, or that have no usual one:
    its engine, collation, row security and the like, by their names.
    """

    name: str
    schema: str | None = None
    columns: tuple[Column, ...] = ()
    primary_key: Key | None = None
    unique_keys: tuple[Key, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    checks: tuple[CheckConstraint, ...] = ()
    indexes: tuple[Index, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    kind: str = "table"
    comment: str = ""
    partitions: tuple[Partition, ...] = ()
    policies: tuple[Policy, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def elsewhere(self) -> str:
        """Why its rows are none of this database's; "" where they are. Nobody reads those, or waits for them."""
        return "a foreign table, its rows lie in another database" if self.kind == "foreign" else ""

    @property
    def id(self) -> str:
        """What plans, test items and records call the table."""
        return object_id(self.schema, self.name)

    def __str__(self) -> str:
        return self.id

    def column(self, name: str) -> Column | None:
        """The column of that name; None where there is none."""
        return next((column for column in self.columns if column.name == name), None)

    @property
    def key(self) -> tuple[str, ...]:
        """The columns that identify a row; () where none do.

        The primary key, or else the first unique key or index over columns that are never NULL.
        """
        if self.primary_key:
            return self.primary_key.columns
        indexes = (index for index in self.indexes if index.unique and index.valid and not index.where)
        filled = {column.name for column in self.columns if not column.nullable}
        keys: tuple[Key | Index, ...] = (*self.unique_keys, *indexes)
        for key in keys:
            if filled.issuperset(key.columns) and not _shortened(key):
                return key.columns
        return ()


@dataclass(frozen=True, slots=True)
class View:
    """A view or materialized view; `definition` is "" where the role may not see it.

    `columns` are the names of its columns, () where it is broken; `options` as those of a table.
    """

    name: str
    definition: str
    schema: str | None = None
    materialized: bool = False
    triggers: tuple[Trigger, ...] = ()
    columns: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def id(self) -> str:
        """What plans and records call the view."""
        return object_id(self.schema, self.name)


@dataclass(frozen=True, slots=True)
class Sequence:
    """A source of numbers: a sequence, an AUTO_INCREMENT, an AUTOINCREMENT.

    `next` is the number that it will give next (None: it cannot be read). `owner` is
    (table id, column) where it feeds one; then `name` is its own name or the table's.
    """

    name: str
    next: int | None
    increment: int = 1
    owner: tuple[str, str] | None = None
    schema: str | None = None

    @property
    def id(self) -> str:
        """What plans and records call the sequence."""
        return object_id(self.schema, self.name)


@dataclass(frozen=True, slots=True)
class Schema:
    """All objects of one database that belong to the application, tables and the rest by id, sorted.

    Routines, types, extensions and events stand under `kind id`. `owners` maps `kind id` of an object to
    its owner (MariaDB: the definer in whose name it runs). `grants` is None where the role may not see
    them. `options` are the database's own: its encoding and collation. `hidden` is what the role may not
    see of tables, views and rows, so what is not in here; `unseen` the same of rights, routines and events.
    """

    tables: Mapping[str, Table] = field(default_factory=dict)
    views: Mapping[str, View] = field(default_factory=dict)
    sequences: Mapping[str, Sequence] = field(default_factory=dict)
    hidden: tuple[Hidden, ...] = ()
    routines: Mapping[str, Definition] = field(default_factory=dict)
    types: Mapping[str, Definition] = field(default_factory=dict)
    extensions: Mapping[str, Definition] = field(default_factory=dict)
    events: Mapping[str, Definition] = field(default_factory=dict)
    owners: Mapping[str, str] = field(default_factory=dict)
    grants: tuple[Grant, ...] | None = ()
    options: Mapping[str, str] = field(default_factory=dict)
    unseen: tuple[Hidden, ...] = ()

    @property
    def unlisted(self) -> tuple[Hidden, ...]:
        """Why there may be tables and views of which not even the names are in here; () where all are."""
        return tuple(each for each in self.hidden if each.what == RELATIONS)

    def as_json(self) -> dict[str, Any]:
        """The schema as plain values for `json`."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Schema:
        """The schema that `as_json` gave (lists in place of tuples are taken)."""
        kinds = ("routines", "types", "extensions", "events")
        grants = data["grants"]
        return cls(
            tables={id: _table(table) for id, table in data["tables"].items()},
            views={id: _view(view) for id, view in data["views"].items()},
            sequences={id: _sequence(sequence) for id, sequence in data["sequences"].items()},
            hidden=_hidden(data["hidden"]),
            **{kind: definitions(data[kind]) for kind in kinds},
            owners=data["owners"],
            grants=None if grants is None else tuple(Grant(**grant) for grant in grants),
            options=data["options"],
            unseen=_hidden(data["unseen"]),
        )


def _hidden(data: Iterable[Mapping[str, str]]) -> tuple[Hidden, ...]:
    return tuple(Hidden(**each) for each in data)


def _shortened(key: Key | Index) -> bool:
    """Does it tell only the first characters of a column apart (MySQL's prefix indexes)?"""
    return isinstance(key, Index) and any(option.startswith("(") for option in key.options)


def _key(data: Mapping[str, Any]) -> Key:
    return Key(**{**data, "columns": tuple(data["columns"])})


def _foreign_key(data: Mapping[str, Any]) -> ForeignKey:
    tuples = {"columns": tuple(data["columns"]), "parent_columns": tuple(data["parent_columns"])}
    return ForeignKey(**{**data, **tuples})


def _index(data: Mapping[str, Any]) -> Index:
    tuples = {name: tuple(data[name]) for name in ("columns", "options", "include")}
    return Index(**{**data, **tuples})


def _view(data: Mapping[str, Any]) -> View:
    triggers = tuple(Trigger(**trigger) for trigger in data["triggers"])
    return View(**{**data, "triggers": triggers, "columns": tuple(data["columns"])})


def _sequence(data: Mapping[str, Any]) -> Sequence:
    return Sequence(**{**data, "owner": tuple(data["owner"]) if data["owner"] else None})


def _table(data: Mapping[str, Any]) -> Table:
    return Table(
        **{
            **data,
            "columns": tuple(Column(**column) for column in data["columns"]),
            "primary_key": data["primary_key"] and _key(data["primary_key"]),
            "unique_keys": tuple(map(_key, data["unique_keys"])),
            "foreign_keys": tuple(map(_foreign_key, data["foreign_keys"])),
            "checks": tuple(CheckConstraint(**check) for check in data["checks"]),
            "indexes": tuple(map(_index, data["indexes"])),
            "triggers": tuple(Trigger(**trigger) for trigger in data["triggers"]),
            "partitions": tuple(Partition(**partition) for partition in data["partitions"]),
            "policies": tuple(Policy(**policy) for policy in data["policies"]),
        }
    )
