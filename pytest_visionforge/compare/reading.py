"""How one side of a comparison is read: plain values of SQL texts."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Field:
    """One column of a side: how it is called after the migration, and the SQL that gives it here."""

    name: str
    expression: str
    family: str
    type: str


@dataclass(frozen=True, slots=True)
class Reading:
    """How one side of a comparison is read: `table` and `where` are SQL; `ranges` by its key, or buckets."""

    table: str
    fields: tuple[Field, ...]
    key: tuple[str, ...] = ()
    where: str = ""
    ranges: bool = False

    @property
    def key_fields(self) -> tuple[Field, ...]:
        """The fields of the key, in its order."""
        return tuple(field for name in self.key for field in self.fields if field.name == name)

    @property
    def mark_fields(self) -> tuple[Field, ...]:
        """What a row is found by on the other side: its key, or all of it that SQL can tell equal."""
        plain = tuple(field for field in self.fields if field.family != "json")
        return self.key_fields or plain or self.fields
