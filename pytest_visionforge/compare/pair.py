"""One difference between two schemas, and the two DBMS that it is between."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pytest_visionforge.database import Table
from pytest_visionforge.dialects import Dialect


@dataclass(frozen=True, slots=True)
class SchemaDifference:
    """One object that is not as it was and was declared to be.

    `kind` is table, column, type, nullability, default, generated, primary key, unique key,
    foreign key, index, check, trigger, view or sequence. `remedy` is SQL or a sentence, "" where
    there is no simple one; `before` and `after` are the facts, "" where there is none. `owner` is the
    id of the table that it belongs to, or "views" or "sequences".
    """

    kind: str
    object: str
    says: str
    remedy: str = ""
    before: str = ""
    after: str = ""
    owner: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.object}: {self.says}"


@dataclass(frozen=True, slots=True)
class Pair:
    """The two DBMS, and how the one after says things."""

    before: Dialect
    after: Dialect

    @property
    def same(self) -> bool:
        """Both are the same DBMS, so that its texts compare."""
        return self.before.name == self.after.name

    def quote(self, name: str) -> str:
        """A name as people write it in SQL."""
        return self.after.language.quote(name).replace("\\:", ":")

    def names(self, names: Iterable[str]) -> str:
        """Names in a list."""
        return ", ".join(map(self.quote, names))

    def table(self, table: Table) -> str:
        """A table's name as people write it in SQL."""
        return self.after.language.quote_table(table.schema, table.name).replace("\\:", ":")

    def added(self, table: Table, clause: str) -> str:
        """How a constraint is put back."""
        if self.after.canonical.ALTERS:
            return f"ALTER TABLE {self.table(table)} ADD {clause};"
        return f"rebuild {self.table(table)} with: {clause}"
