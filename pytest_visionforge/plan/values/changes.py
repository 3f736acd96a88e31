"""`[changes]`: what the migration may change, as frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Declared:
    """Objects of one kind that the migration adds, drops or alters on purpose."""

    added: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ColumnChanges:
    """`[changes.tables.NAME] columns.*`.

    `renamed` is new -> old; `values` is column after -> SQL expression over the row before, in the
    source's SQL; `types`, `nullable`, `defaults`, `collations` and `comments` name columns of which that
    may differ (`types` covers the collation too).
    """

    renamed: Mapping[str, str] = field(default_factory=dict, hash=False)
    added: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    values: Mapping[str, str] = field(default_factory=dict, hash=False)
    types: tuple[str, ...] = ()
    nullable: tuple[str, ...] = ()
    defaults: tuple[str, ...] = ()
    collations: tuple[str, ...] = ()
    comments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TableChange:
    """`[changes.tables.NAME]`: how one table may differ after the migration (NAME as it is then).

    `rows` is "unchanged", "appended" (rows may be added), "any", or a condition in the source's SQL
    on the row before: exactly those rows are there afterwards. `split_from` is the table before of
    whose rows an added one takes what `columns.renamed` and `columns.values` name, or every column.
    `options` are properties of the table itself that may differ: "comment", "engine", "row security"
    and whatever else a finding names.
    """

    name: str
    renamed_from: str = ""
    split_from: str = ""
    added: bool = False
    dropped: bool = False
    columns: ColumnChanges = ColumnChanges()
    rows: str = "unchanged"
    indexes: Declared = Declared()
    keys: Declared = Declared()
    checks: Declared = Declared()
    triggers: Declared = Declared()
    partitions: Declared = Declared()
    policies: Declared = Declared()
    options: tuple[str, ...] = ()

    @property
    def before(self) -> str:
        """The table's name before the migration."""
        return self.renamed_from or self.name

    @property
    def origin(self) -> str:
        """The name before the migration of the table that its rows are from."""
        return self.split_from or self.before


@dataclass(frozen=True, slots=True)
class RoleChanges:
    """`[changes.roles]`: `renamed` is new -> old, of those who own objects and hold grants."""

    renamed: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Changes:
    """`[changes]`: everything that the migration may change; the rest must come out as it was.

    `owners` names objects whose owner may differ, `options` properties of the database itself. A name in
    `grants` is a text such as "select on orders to reporting", of which parts may be left out.
    """

    tables: Mapping[str, TableChange] = field(default_factory=dict, hash=False)
    views: Declared = Declared()
    sequences: Declared = Declared()
    routines: Declared = Declared()
    types: Declared = Declared()
    extensions: Declared = Declared()
    events: Declared = Declared()
    grants: Declared = Declared()
    roles: RoleChanges = RoleChanges()
    owners: tuple[str, ...] = ()
    options: tuple[str, ...] = ()

    def of(self, table: str) -> TableChange:
        """What is declared for a table, named as it is after the migration."""
        return self.tables.get(table, TableChange(name=table))

    def after(self, table_before: str) -> str | None:
        """The name after the migration of a table named as it was before; None if it is dropped."""
        for change in self.tables.values():
            if change.renamed_from == table_before:
                return change.name
        return None if self.of(table_before).dropped else table_before
