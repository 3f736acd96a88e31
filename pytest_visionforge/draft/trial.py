"""Guesses are tried on the live database, by the very checks that will judge them as rules."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

from pytest_visionforge.database import Database, Session
from pytest_visionforge.draft.guess import FEW, Guess
from pytest_visionforge.errors import DatabaseError
from pytest_visionforge.names import Names
from pytest_visionforge.outcome import CannotTell, Evidence
from pytest_visionforge.plan.shape import Place
from pytest_visionforge.plan.tables import tables
from pytest_visionforge.plan.values import Address, BackupPlan, Plan, RecordPlan, TablePlan
from pytest_visionforge.rules import PREMIGRATION

STATEMENT_SECONDS = 5.0
# word of the plan -> suite of its check, and what the check calls the rule
CHECKS = {
    "references": ("integrity", "reference"),
    "has": ("integrity", "has"),
    "accepted": ("integrity", "accepted"),
    "range": ("integrity", "range_"),
    "unique": ("integrity", "unique"),
    "not_null": ("integrity", "not_null"),
    "order": ("consistency", "order"),
    "after": ("consistency", "after"),
    "not_future": ("consistency", "not_future"),
    "calculated": ("consistency", "calculated"),
    "aggregate": ("consistency", "aggregate"),
}


class Held(Database):
    """A database through one read-only session, so that a whole draft sees one state of it."""

    def __init__(self, role: str, address: Address) -> None:
        super().__init__(role, address.url, shown=address.shown, seconds=STATEMENT_SECONDS, connections=1)
        self._stack = ExitStack()
        self._held: Session | None = None

    @contextmanager
    def session(self, *, seconds: float | None = None) -> Iterator[Session]:
        """The one session; `seconds` is what it was opened with."""
        if self._held is None:
            self._held = self._stack.enter_context(super().session())
        yield self._held

    def close(self) -> None:
        """Ends the session and closes its connection."""
        self._held = None
        self._stack.close()
        super().close()


class Trial:
    """Says of guesses whether they hold; none does once the `seconds` for all of them are over."""

    def __init__(self, database: Database, seconds: float) -> None:
        self.database = database
        self.late = False
        self._end = time.monotonic() + seconds
        self._accepted: dict[str, TablePlan] = {}
        here = Address(database.url.render_as_string(hide_password=False), database.shown)
        self._start = Plan(
            name="draft",
            path=Path("visionforge.toml").absolute(),
            sha256="",
            source=here,
            target=here,
            backup=BackupPlan(Path()),
            record=RecordPlan(Path(), sample=0),
        )

    def holds(self, guess: Guess) -> bool:
        """Does the rule read, and does its check find nothing wrong?"""
        if guess.word == "changed_at":
            return True  # it names a column, and asserts nothing of the rows of today
        self.late = self.late or time.monotonic() > self._end
        if self.late or not (plan := self._plan(guess)):
            return False
        (rule,) = plan.tables[guess.table].rules[-1:]
        suite, argument = CHECKS[guess.word]
        check = getattr(import_module(f"pytest_visionforge.checks.{suite}"), f"check_{guess.word}")
        names = Names(plan, self.database.schema, PREMIGRATION)
        try:
            found = check(plan=plan, database=self.database, names=names, **{argument: rule})
        except (CannotTell, DatabaseError):
            return False
        return isinstance(found, Evidence)

    def accept(self, references: list[Guess]) -> None:
        """From now on these references stand in the plan, for rules that need a way to another table."""
        for each in references:
            self._accepted[each.table] = self._with(each) or TablePlan(each.table)

    def _with(self, guess: Guess) -> TablePlan | None:
        """What is accepted of its table, and the guess as the last rule; None if it does not read."""
        place = Place(file="", directory=Path(), environ={}, errors=[])
        found = tables({guess.table: guess.raw}, place)
        if place.errors:
            return None
        before = self._accepted.get(guess.table, TablePlan(guess.table))
        return TablePlan(guess.table, (*before.rules, *found[guess.table].rules))

    def _plan(self, guess: Guess) -> Plan | None:
        """The plan of all that is accepted, and the guess; None if it does not read."""
        with_guess = self._with(guess)
        if with_guess is None:
            return None
        return replace(self._start, tables={**self._accepted, guess.table: with_guess})

    def all_values(self, table: str, column: str) -> list[str] | None:
        """Every value of a column of few texts, told apart by each character; None where there are more."""
        database, language = self.database, self.database.dialect.language
        quoted = database.quote(column)
        text = language.as_text(quoted)
        sql = (
            f"SELECT min({text}) FROM {database.name_of(database.schema.tables[table])}"
            f" WHERE {quoted} IS NOT NULL GROUP BY {language.plain(text)} LIMIT {FEW + 1}"
        )
        if self.late:
            return None
        try:
            with database.session() as session:
                found: list[Any] = [value for (value,) in session.all(sql)]
        except DatabaseError:
            return None
        return sorted(map(str, found)) if len(found) <= FEW else None
