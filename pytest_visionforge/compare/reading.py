"""How one side of a comparison is read: plain values of SQL texts."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_visionforge.dialects import Dialect


def decoded(value: str | bytes | None) -> str | None:
    """A canonical text as the client got it: bytes that are no UTF-8 become lone surrogates."""
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value


@dataclass(frozen=True, slots=True)
class Field:
    """One column of a side: how it is called after the migration, and the SQL that gives it here.

    `packed` is its binary form and `order` the order of a key's column, both the same on both sides
    and "" where there is none.
    """

    name: str
    expression: str
    family: str
    type: str
    collation: str | None = None
    nullable: bool = True
    packed: str = ""
    order: str = ""

    def text(self, dialect: Dialect) -> str:
        """SQL: its canonical text."""
        return dialect.canonical.text(self.expression, self.family, self.type, self.collation)


@dataclass(frozen=True, slots=True)
class Reading:
    """How one side of a comparison is read: `table` and `where` are SQL.

    `ranges`: by ranges of its key, or else by buckets. `packs`: digests are of the binary form of rows.
    `in_order` is SQL behind the table's name with which rows come in the order of the key by themselves.
    """

    table: str
    fields: tuple[Field, ...]
    key: tuple[str, ...] = ()
    where: str = ""
    ranges: bool = False
    packs: bool = False
    in_order: str = ""

    @property
    def key_fields(self) -> tuple[Field, ...]:
        """The fields of the key, in its order."""
        return tuple(field for name in self.key for field in self.fields if field.name == name)

    @property
    def mark_fields(self) -> tuple[Field, ...]:
        """What a row is found by on the other side: its key, or all of it that SQL can tell equal."""
        plain = tuple(field for field in self.fields if field.family != "json")
        return self.key_fields or plain or self.fields

    def source(self, condition: str = "", *, in_order: bool = False) -> str:
        """SQL: FROM the table WHERE its rows meet a condition."""
        where = " AND ".join(filter(None, (self.where, condition)))
        table = f"{self.table} {self.in_order}" if in_order else self.table
        return f"FROM {table}" + (f" WHERE {where}" if where else "")

    def row(self, dialect: Dialect) -> str:
        """SQL: the text of a row."""
        return dialect.canonical.row(self.fields)

    def hashed(self, dialect: Dialect) -> str:
        """SQL: what segments' digests are of: the binary form of a row, or its text."""
        return dialect.canonical.pack(self.fields) if self.packs else self.row(dialect)

    @property
    def marks_rows(self) -> bool:
        """Is what a row is found by the whole row?"""
        return self.mark_fields == self.fields and not self._are_documents

    @property
    def _are_documents(self) -> bool:
        return all(field.family == "json" for field in self.mark_fields)

    def mark(self, dialect: Dialect) -> str:
        """SQL: the hash by which a row is found on the other side.

        Of documents alone it is one of how many quotes are in them: all else may be written otherwise.
        """
        if not self._are_documents:
            return dialect.canonical.sha256(dialect.canonical.row(self.mark_fields))
        quotes = [_quotes(dialect, field) for field in self.mark_fields]
        return dialect.canonical.sha256(dialect.canonical.joined(quotes))


def _quotes(dialect: Dialect, field: Field) -> str:
    text = field.text(dialect)
    number = dialect.language.as_text(f"(length({text}) - length(replace({text}, '\"', '')))")
    return f"COALESCE({number}, '~')"
