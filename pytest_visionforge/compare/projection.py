"""What of a table is compared: its columns on both sides, after everything that the plan declares."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from pytest_visionforge.compare.reading import Field, Reading
from pytest_visionforge.database import Table, verbatim
from pytest_visionforge.dialects import Dialect

FORM = 3  # of the canonical texts: digests of another form cannot be compared with ours


@dataclass(frozen=True, slots=True)
class Comparand:
    """One column: its name after the migration, and what gives its value before.

    `before` is a column's name, or, where `expression` is set, nothing: then the expression over
    the row before is its value. The types are as each DBMS prints them, "" where not known. `packed`
    and `order` are its binary form and its order, "" where the two sides do not have the same.
    """

    name: str
    before: str
    expression: str
    type_before: str
    type_after: str
    family: str = ""
    packed: str = ""
    order: str = ""
    collation_before: str | None = None
    collation_after: str | None = None
    nullable_before: bool = True
    nullable_after: bool = True
    note: str = ""


@dataclass(frozen=True, slots=True)
class Projection:
    """What of one table is compared with what.

    `key` names columns as they are after the migration; `unique` tells that a constraint says so.
    `packs`: both sides have the same binary form of rows. `condition` narrows the rows before, in the
    source's SQL; "" for all.
    """

    table_before: str
    table_after: str
    columns: tuple[Comparand, ...]
    key: tuple[str, ...] = ()
    unique: bool = False
    condition: str = ""
    packs: bool = False

    @property
    def fingerprint(self) -> str:
        """What the digests depend on: digests of another fingerprint do not compare with these."""
        columns = [(c.name, c.before, c.expression, c.family, c.packed, c.order) for c in self.columns]
        facts = [FORM, self.table_before, columns, self.key, self.unique, self.condition, self.packs]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()

    @property
    def notes(self) -> tuple[str, ...]:
        """What is compared less than exactly: the columns, and how."""
        columns: dict[str, list[str]] = {}
        for column in self.columns:
            if column.note:
                columns.setdefault(column.note, []).append(column.name)
        return tuple(f"{', '.join(names)}: {note}" for note, names in columns.items())

    def missing(self, table: Table) -> list[str]:
        """The columns that the table after should have, and has not."""
        return [column.name for column in self.columns if table.column(column.name) is None]

    def side_before(self, dialect: Dialect, table: Table) -> Reading:
        """How the database as it was is read."""
        language = dialect.language
        fields = tuple(
            Field(
                name=c.name,
                expression=_expression(c, language.quote),
                family=c.family,
                type=c.type_before or c.type_after,
                collation=c.collation_before,
                nullable=c.nullable_before,
                packed=c.packed,
                order=c.order,
            )
            for c in self.columns
        )
        where = f"({verbatim(self.condition)})" if self.condition else ""
        return self._reading(dialect, table, fields, where)

    def side_after(self, dialect: Dialect, table: Table) -> Reading:
        """How the database as it is now is read."""
        language = dialect.language
        fields = tuple(
            Field(
                name=c.name,
                expression=language.quote(c.name),
                family=c.family,
                type=c.type_after or c.type_before,
                collation=c.collation_after,
                nullable=c.nullable_after,
                packed=c.packed,
                order=c.order,
            )
            for c in self.columns
        )
        return self._reading(dialect, table, fields, "")

    def _reading(self, dialect: Dialect, table: Table, fields: tuple[Field, ...], where: str) -> Reading:
        name = dialect.language.quote_table(table.schema, table.name)
        key = [column for column in self.columns if column.name in self.key]
        ranges = bool(key) and self.unique and all(column.order for column in key)
        found = Reading(name, fields, self.key, where, ranges, self.packs)
        columns = {dialect.language.quote(column.name): column.name for column in table.columns}
        keys = [columns.get(field.expression, "") for field in found.key_fields]
        return replace(found, in_order=dialect.canonical.in_order(table, keys))

    def as_json(self) -> dict[str, Any]:
        """The projection as plain values for `json`."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Projection:
        """The projection that `as_json` gave."""
        columns = tuple(Comparand(**column) for column in data["columns"])
        return cls(**{**data, "columns": columns, "key": tuple(data["key"])})


def _expression(column: Comparand, quote: Callable[[str], str]) -> str:
    return f"({verbatim(column.expression)})" if column.expression else quote(column.before)
