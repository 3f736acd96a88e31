"""Facts beside tables' own: what is known by its text alone, and who may do what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pytest_visionforge.database.names import object_id


@dataclass(frozen=True, slots=True)
class Definition:
    """An object that is known by its text: a routine, a type, an extension or an event.

    `kind` is function, procedure, aggregate, type, domain, extension or event. `text` is the statement
    that creates it, or of types, extensions and events what follows their name in it; "" where the role
    may not see it. `arguments` are a PostgreSQL routine's types in parentheses, which belong to its id.
    """

    kind: str
    name: str
    text: str
    schema: str | None = None
    arguments: str = ""

    @property
    def id(self) -> str:
        """What plans and records call it."""
        return object_id(self.schema, self.name) + self.arguments

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


@dataclass(frozen=True, slots=True)
class Policy:
    """A row security policy; `text` is what follows the table in the statement that creates it."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Partition:
    """A partition of a table, by its own id; `bounds` as the DBMS writes them.

    `parent` is the id of the partition that it is a part of, "" where that is the table itself; `by`
    says how it is partitioned in turn ("": it is not).
    """

    name: str
    bounds: str
    parent: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True)
class Grant:
    """What a role may do on an object that it does not own; `column` is "" where it is all of them.

    `kind` is table, view, sequence, function, procedure, schema or database; `object` is its id, "" for
    the database. `role` is as the DBMS writes it, PUBLIC for everyone.
    """

    privilege: str
    kind: str
    object: str
    role: str
    column: str = ""
    grantable: bool = False


def definitions(data: Mapping[str, Mapping[str, Any]]) -> dict[str, Definition]:
    """The objects that `asdict` gave, by their keys."""
    return {key: Definition(**each) for key, each in data.items()}
