"""What is seen of a table at a first look: how many rows, how large, and its first rows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from pytest_visionforge.database import Column, Database, Session, Table
from pytest_visionforge.errors import DatabaseError

ROWS = 200  # that are looked at first: what does not hold in them is not tried
LEAST = 5  # values on which a guess may rest
LONGEST = 40  # characters of a value that may be one of a few accepted ones
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d.*)?", re.S)
_SHOWN = ("number", "double", "text", "date", "timestamp")


@dataclass(frozen=True)
class Sight:
    """A table: `rows` and `size` (bytes) are None where they cannot be told; `unread` says why no row is.

    `first` are its first rows, of them the `columns` whose values can be compared; texts are cut.
    `families` says what kind of value each column holds.
    """

    table: Table
    rows: int | None = None
    size: int | None = None
    first: tuple[tuple[Any, ...], ...] = ()
    columns: tuple[str, ...] = ()
    families: Mapping[str, str] = field(default_factory=dict)
    unread: str = ""

    @cached_property
    def all(self) -> dict[str, tuple[Any, ...]]:
        """Column -> its values in the first rows; {} where no row was seen."""
        return dict(zip(self.columns, zip(*self.first, strict=True), strict=True)) if self.first else {}

    @cached_property
    def values(self) -> dict[str, list[Any]]:
        """The same, NULL left out."""
        return {name: [each for each in found if each is not None] for name, found in self.all.items()}

    @property
    def whole(self) -> bool:
        """Are its first rows all that there are?"""
        return self.rows == len(self.first)

    @cached_property
    def linked(self) -> frozenset[str]:
        """The columns of its keys and of its references."""
        references = {name for key in self.table.foreign_keys for name in key.columns}
        unique = {name for key in self.table.unique_keys for name in key.columns}
        return frozenset(self.table.key) | references | unique

    def _points(self, name: str) -> bool:
        """Is the column a whole key, or a part of a reference?"""
        return self.table.key == (name,) or any(name in key.columns for key in self.table.foreign_keys)

    @cached_property
    def moments(self) -> tuple[str, ...]:
        """The columns that hold days or moments."""
        return tuple(name for name in self.values if self._is_moment(name))

    def _is_moment(self, name: str) -> bool:
        found = self.values[name]
        if len(found) < LEAST:
            return False
        if self.families[name] in ("date", "timestamp"):
            return True
        return self.families[name] == "text" and all(_MOMENT.fullmatch(str(each)) for each in found)

    @cached_property
    def amounts(self) -> tuple[str, ...]:
        """The columns that hold numbers which count or measure something."""
        return tuple(
            name
            for name, found in self.values.items()
            if self.families[name] in ("number", "double") and name not in self.linked
            if len(found) >= LEAST and not any(isinstance(each, bool | str | bytes) for each in found)
        )

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """The columns that hold short texts, and no moments."""
        return tuple(
            name
            for name, found in self.values.items()
            if self.families[name] == "text" and name not in self.moments and not self._points(name)
            if len(found) >= LEAST and all(isinstance(e, str) and len(e) <= LONGEST for e in found)
        )


def look(database: Database, session: Session, table: Table, size: int | None) -> Sight:
    """A first look at a table; what cannot be read, or not in time, says so."""
    family = database.dialect.canonical.family
    families = {column.name: family(column.type) for column in table.columns}
    columns = tuple(column for column in table.columns if families[column.name] in _SHOWN)
    try:
        first = rows_of(database, session, table, columns, families) if columns else ()
        rows = len(first)
        if not columns or rows == ROWS:  # fewer are all that there are: they need no count
            rows = session.count(table)
    except DatabaseError as error:
        return Sight(table, None, size, unread=str(error))
    return Sight(table, rows, size, first, tuple(column.name for column in columns), families)


def rows_of(
    database: Database,
    session: Session,
    table: Table,
    columns: tuple[Column, ...],
    families: Mapping[str, str],
    where: str = "",
) -> tuple[tuple[Any, ...], ...]:
    """The first rows, of those that a condition such as ` WHERE id = 3` leaves."""
    shown = ", ".join(_shown(database, columns, families))
    found = session.all(f"SELECT {shown} FROM {database.name_of(table)}{where} LIMIT {ROWS}")
    return tuple(tuple(row) for row in found)


def _shown(database: Database, columns: tuple[Column, ...], families: Mapping[str, str]) -> Iterator[str]:
    for column in columns:
        quoted = database.quote(column.name)
        if families[column.name] == "text":
            text = database.dialect.language.as_text(quoted)
            yield f"CASE WHEN {quoted} IS NOT NULL THEN substr({text}, 1, {LONGEST + 1}) END"
        else:
            yield quoted
