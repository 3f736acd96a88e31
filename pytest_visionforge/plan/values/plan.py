"""A whole plan as one frozen value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from pytest_visionforge.plan.values.changes import Changes
from pytest_visionforge.plan.values.rules import BusinessRule, TablePlan, TableRule
from pytest_visionforge.plan.values.sections import (
    Address,
    Alerts,
    BackupPlan,
    Checks,
    Contact,
    Endpoint,
    Environment,
    Limits,
    Migration,
    NamedQuery,
    RecordPlan,
    SmokeTest,
    System,
    Waiver,
)

R = TypeVar("R", bound=TableRule)


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole plan; `sha256` is that of the file, and of the rule files beside it."""

    name: str
    path: Path
    sha256: str
    source: Address
    target: Address
    backup: BackupPlan
    record: RecordPlan
    migration: Migration = field(default_factory=Migration)
    environment: Environment = field(default_factory=Environment)
    system: System = field(default_factory=System)
    limits: Limits = field(default_factory=Limits)
    checks: Checks = field(default_factory=Checks)
    tables: Mapping[str, TablePlan] = field(default_factory=dict, hash=False)
    changes: Changes = field(default_factory=Changes)
    rules: tuple[BusinessRule, ...] = ()
    endpoints: tuple[Endpoint, ...] = ()
    queries: tuple[NamedQuery, ...] = ()
    smoke: tuple[SmokeTest, ...] = ()
    alerts: Alerts = field(default_factory=Alerts)
    contacts: tuple[Contact, ...] = ()
    waivers: tuple[Waiver, ...] = ()

    @property
    def in_place(self) -> bool:
        """Source and target are the same database."""
        return self.source == self.target

    @property
    def roles(self) -> tuple[str, ...]:
        """The databases, by what they are in the migration: source and target, or in place the source alone."""
        return ("source",) if self.in_place else ("source", "target")

    @property
    def migrated(self) -> str:
        """The role of the database that the migration writes into."""
        return self.roles[-1]

    @property
    def directory(self) -> Path:
        """Where the plan file is: relative paths start here."""
        return self.path.parent

    def rules_of(self, kind: type[R]) -> Iterator[R]:
        """The rules of one kind over all tables, in the order of the plan."""
        for table in self.tables.values():
            for rule in table.rules:
                if isinstance(rule, kind):
                    yield rule
