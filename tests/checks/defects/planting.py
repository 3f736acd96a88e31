"""A defect for every rule on every DBMS that it names: what is made first, planted, and undone.

`base` makes what the rule looks at, without a fault; `plant` breaks it; `undo` takes both away. Text is
SQL; anything else is a context manager over a `Field` that plants while it is open.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from tests.checks.field import Field

Plant = str | Callable[[Field], AbstractContextManager[None]]


@dataclass(frozen=True)
class Defect:
    """One defect; `limits`, `target` and `plan` say how it is looked at while it is there."""

    plant: Plant
    undo: str = ""
    base: str = ""
    limits: Mapping[str, float] = field(default_factory=dict)
    target: str = ""
    plan: Mapping[str, Any] | None = None
    clean: Callable[[Field], AbstractContextManager[object]] = nullcontext


def admin(plant: str, undo: str) -> Callable[[Field], AbstractContextManager[None]]:
    """Statements of the administrator, each by itself, parted by `;;`."""

    @contextmanager
    def planted(field: Field) -> Iterator[None]:
        try:
            for sql in plant.split(";;"):
                field.admin(sql)
            yield
        finally:
            for sql in undo.split(";;"):
                field.admin(sql)

    return planted


def patched(target: object, name: str, value: object) -> Callable[[Field], AbstractContextManager[None]]:
    """What the machine says, replaced: a full disk cannot be planted."""

    @contextmanager
    def planted(field: Field) -> Iterator[None]:
        with field.patch.context() as patch:
            patch.setattr(target, name, value)
            yield

    return planted


def held(*sql: str) -> Callable[[Field], AbstractContextManager[None]]:
    """A transaction that stays open."""
    return lambda field: field.held(*sql)


def waiting(sql: str) -> Callable[[Field], AbstractContextManager[None]]:
    """Two sessions that want to write the same row."""
    return lambda field: field.waiting(sql)


CHILD = (
    "CREATE TABLE child (id integer NOT NULL PRIMARY KEY, parent {type},"
    " FOREIGN KEY (parent) REFERENCES customers (id))"
)
WORDS = "CREATE TABLE words (id integer NOT NULL PRIMARY KEY, word {type})"
