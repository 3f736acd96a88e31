"""What the objects of a phase's checks are found in: the plan, and the facts of its databases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_visionforge.names import Names
from pytest_visionforge.plan.values.changes import Changes
from pytest_visionforge.plan.values.plan import Plan
from pytest_visionforge.rules import POSTMIGRATION

if TYPE_CHECKING:
    from pytest_visionforge.compare import Baseline
    from pytest_visionforge.database import Schema, Table


@dataclass(frozen=True)
class Server:
    """What a database says of itself: its dialect, product and version ("" and () if it does not answer)."""

    dialect: str
    product: str = ""
    version: tuple[int, ...] = ()


@dataclass(frozen=True)
class Scope:
    """The plan, the phase, and the facts of the databases if they answer.

    `schema` is of the database that the phase is about. `not_applicable` gathers why an object is left out.
    """

    plan: Plan
    phase: str
    schema: Schema | None = None
    baseline: Baseline | None = None
    directories: tuple[str, ...] = ()
    servers: Mapping[str, Server] = field(default_factory=dict)
    not_applicable: dict[str, str] = field(default_factory=dict)

    @property
    def tables(self) -> tuple[Table, ...]:
        """The tables at hand; () where the database does not answer."""
        return tuple(self.schema.tables.values()) if self.schema else ()

    @property
    def role(self) -> str:
        """The database that the phase is about."""
        return self.plan.migrated if self.phase == POSTMIGRATION else "source"

    @property
    def changes(self) -> Changes:
        """What the migration may have changed by this phase: nothing, but after it."""
        return self.plan.changes if self.phase == POSTMIGRATION else Changes()

    def excluded(self, table: str) -> str:
        """Why a table is not compared, by the plan or as it is; '' where it is compared."""
        found = self.schema.tables.get(table) if self.schema else None
        if found and found.elsewhere:
            return found.elsewhere
        named = self.plan.tables.get(table) or self.plan.tables.get(self.plan.changes.after(table) or table)
        return named.exclude if named else ""

    @property
    def names(self) -> Names:
        """The plan's names in this phase; without a schema, as they stand in the plan."""
        from pytest_visionforge.database import Schema

        return Names(self.plan, self.schema or Schema(), self.phase)
