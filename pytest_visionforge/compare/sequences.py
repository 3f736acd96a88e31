"""Sources of numbers: whether the next one is free, and whether it went back."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_visionforge.compare.baseline import Baseline
from pytest_visionforge.database import Schema, Sequence, Session
from pytest_visionforge.plan.values.changes import Changes


@dataclass(frozen=True, slots=True)
class Behind:
    """A sequence whose next number is not above the highest one in the column that it feeds."""

    sequence: str
    table: str
    column: str
    next: int
    highest: int

    def __str__(self) -> str:
        return (
            f"{self.sequence} gives {self.next:,} next, but {self.table}.{self.column}"
            f" holds {self.highest:,}: the next insert fails"
        )


@dataclass(frozen=True, slots=True)
class WentBack:
    """A sequence that gives a lower number than it would have given at the baseline."""

    sequence: str
    before: int
    after: int

    def __str__(self) -> str:
        return f"{self.sequence} would have given {self.before:,} next and now gives {self.after:,}"


def behind(session: Session, schema: Schema) -> list[Behind]:
    """The sequences whose next number is taken already. One that cannot be read is none of them."""
    found = (_behind(session, schema, sequence) for sequence in schema.sequences.values())
    return [state for state in found if state]


def _behind(session: Session, schema: Schema, sequence: Sequence) -> Behind | None:
    table = schema.tables.get(sequence.owner[0]) if sequence.owner else None
    if table is None or table.elsewhere or sequence.owner is None or sequence.next is None:
        return None
    language = session.dialect.language
    column = sequence.owner[1]
    name = language.quote_table(table.schema, table.name)
    end = "max" if sequence.increment > 0 else "min"
    highest = session.value(f"SELECT {end}({language.quote(column)}) FROM {name}")
    if highest is None or not _is_taken(sequence.next, int(highest), sequence.increment):
        return None
    return Behind(sequence.id, table.id, column, sequence.next, int(highest))


def _is_taken(next: int, end: int, increment: int) -> bool:
    return next <= end if increment > 0 else next >= end


def went_back(baseline: Baseline, schema: Schema, changes: Changes) -> list[WentBack]:
    """The sequences that give lower numbers than at the baseline, but for those that the plan changes."""
    after = {_name(sequence): sequence for sequence in schema.sequences.values()}
    found = []
    for id, before in baseline.sequences.items():
        now = after.get(_name(before, changes))
        if id in changes.sequences.changed or now is None or before.next is None or now.next is None:
            continue
        if (now.next - before.next) * before.increment < 0:
            found.append(WentBack(now.id, before.next, now.next))
    return found


def _name(sequence: Sequence, changes: Changes | None = None) -> tuple[str, str]:
    """What a sequence is known by: the column that it feeds, as it is after the migration; else its id."""
    if sequence.owner is None:
        return ("", sequence.id)
    table, column = sequence.owner
    if changes is None:
        return (table, column)
    after = changes.after(table) or table
    renamed = {old: new for new, old in changes.of(after).columns.renamed.items()}
    return (after, renamed.get(column, column))
