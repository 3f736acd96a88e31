"""One difference between two schemas, and the two DBMS that it is between."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pytest_visionforge.database import Sequence, Table, unescaped
from pytest_visionforge.dialects import Dialect

# what does not belong to a table, as it is checked together
GROUPS = ("views", "sequences", "routines", "types", "extensions", "events", "database")


@dataclass(frozen=True, slots=True)
class SchemaDifference:
    """One object that is not as it was and was declared to be.

    `kind` is table, column, type, nullability, default, identity, generated, collation, comment,
    primary key, unique key, foreign key, index, check, trigger, partition, policy, view, sequence,
    owner, grant, the kind of a definition (function, type, extension ...) or an option's name. `remedy`
    is SQL or a sentence, "" where there is no simple one; `before` and `after` are the facts, "" where
    there is none. `owner` is the id of the table that it belongs to, or one of `GROUPS`.
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

    @property
    def comments(self) -> bool:
        """Both have comments."""
        return self.before.catalog.COMMENTS and self.after.catalog.COMMENTS

    def quote(self, name: str) -> str:
        """A name as people write it in SQL."""
        return unescaped(self.after.language.quote(name))

    def names(self, names: Iterable[str]) -> str:
        """Names in a list."""
        return ", ".join(map(self.quote, names))

    def named(self, object: Table | Sequence) -> str:
        """A table's or sequence's name as people write it in SQL."""
        return unescaped(self.after.language.quote_table(object.schema, object.name))

    def added(self, table: Table, clause: str) -> str:
        """How a constraint is put back."""
        if self.after.canonical.ALTERS:
            return f"ALTER TABLE {self.named(table)} ADD {clause};"
        return f"rebuild {self.named(table)} with: {clause}"
