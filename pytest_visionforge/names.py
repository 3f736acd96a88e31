"""What the plan's names are called in the database at hand, before or after the migration.

A plan names tables and columns as they are after the migration; names from before are understood
too. The declared changes lead from the one to the other.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_visionforge.outcome import CannotTell
from pytest_visionforge.plan.values.changes import TableChange
from pytest_visionforge.plan.values.plan import Plan
from pytest_visionforge.plan.values.rules import TableRule
from pytest_visionforge.rules import POSTMIGRATION

if TYPE_CHECKING:
    from pytest_visionforge.database import Schema, Table


@dataclass(frozen=True)
class Names:
    """The plan's names in one schema, in one phase."""

    plan: Plan
    schema: Schema
    phase: str

    @property
    def _after(self) -> bool:
        return self.phase == POSTMIGRATION

    def _change(self, table: str) -> TableChange:
        changes = self.plan.changes
        return changes.of(changes.after(table) or table)

    def table_id(self, table: str) -> str:
        """The id that the plan's table has in this phase, whether or not it is there."""
        if table in self.schema.tables:
            return table
        if self._after:
            return self.plan.changes.after(table) or table
        return self._change(table).before

    def table(self, table: str) -> Table:
        """The plan's table in this phase; CannotTell where there is none."""
        found = self.schema.tables.get(self.table_id(table))
        if found is None:
            raise CannotTell(f"there is no table {table}" + _did_you_mean(table, self.schema.tables))
        return found

    def column(self, table: str, column: str) -> str:
        """The column's name in this phase; CannotTell where the table has none of that name."""
        facts = self.table(table)
        renamed = self._change(table).columns.renamed
        older = {old: new for new, old in renamed.items()}
        for name in (column, (older if self._after else renamed).get(column)):
            if name and facts.column(name):
                return name
        known = [each.name for each in facts.columns]
        raise CannotTell(f"{facts} has no column {column}" + _did_you_mean(column, known))

    def not_applicable(self, rule: TableRule) -> str:
        """Why a rule does not apply in this phase, by what the plan declares; '' where it does."""
        side = "after" if self._after else "before"
        if rule.when not in ("both", side):
            return f"the plan wants it only {rule.when} the migration"
        change = self._change(rule.table)
        if (change.added and not self._after) or (change.dropped and self._after):
            return f"there is no table {rule.table} {side} the migration"
        absent = self._absent_columns(change)
        mentioned = set(re.findall(r"\w+", f"{rule.part} {getattr(rule, 'expression', '')} {rule.where}"))
        missing = sorted(mentioned & absent)
        return f"{rule.table} has no {', '.join(missing)} {side} the migration" if missing else ""

    def _absent_columns(self, change: TableChange) -> set[str]:
        """Columns that the declared changes leave without a counterpart in this phase."""
        facts = self.schema.tables.get(change.name if self._after else change.before)
        present = {column.name for column in facts.columns} if facts else set()
        declared = change.columns
        if self._after:
            return set(declared.dropped) - present
        return ({*declared.added, *declared.values} - set(declared.renamed)) - present


def _did_you_mean(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), 1)
    return f'; did you mean "{close[0]}"?' if close else ""
