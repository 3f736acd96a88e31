"""Guesses are tried on the live database, by the very checks that will judge them as rules."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from importlib import import_module
from pathlib import Path
from threading import local
from typing import Any, TypeVar

from pytest_visionforge.database import Database, Session, Snapshot
from pytest_visionforge.draft import family as families
from pytest_visionforge.draft.family import SOME, Family, Row
from pytest_visionforge.draft.guess import FEW, Guess
from pytest_visionforge.draft.related import Link
from pytest_visionforge.draft.sight import ROWS, Sight, rows_of
from pytest_visionforge.errors import DatabaseError
from pytest_visionforge.names import Names
from pytest_visionforge.outcome import CannotTell, Evidence
from pytest_visionforge.plan.shape import Place
from pytest_visionforge.plan.tables import tables
from pytest_visionforge.plan.values.plan import Plan
from pytest_visionforge.plan.values.rules import TablePlan
from pytest_visionforge.plan.values.sections import Address, BackupPlan, RecordPlan
from pytest_visionforge.rules import PREMIGRATION

STATEMENT_SECONDS = 5.0
SESSIONS = 3
T = TypeVar("T")
R = TypeVar("R")
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
    """A database through a few read-only sessions on one snapshot, so that a whole draft sees one state of it."""

    def __init__(self, role: str, address: Address) -> None:
        super().__init__(
            role, address.url, shown=address.shown, seconds=STATEMENT_SECONDS, connections=SESSIONS
        )
        self._stack = ExitStack()
        self._held: Snapshot | None = None
        self._mine = local()  # the session that this thread works with

    @contextmanager
    def session(self, *, seconds: float | None = None) -> Iterator[Session]:
        """A session of the snapshot, the same for all that a thread asks; `seconds` is what it was opened with."""
        if found := getattr(self._mine, "session", None):
            yield found
            return
        with self._snapshot().lease() as session, self._working_with(session):
            yield session

    def spread(self, function: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        """What the function gives of each item, in their order; it is at work in as many threads as sessions."""

        def work(session: Session, item: T) -> R:
            with self._working_with(session):
                return function(item)

        for future in [self._snapshot().start(work, item) for item in items]:
            yield future.result()

    @contextmanager
    def _working_with(self, session: Session) -> Iterator[None]:
        self._mine.session = session
        try:
            yield
        finally:
            self._mine.session = None

    def _snapshot(self) -> Snapshot:
        if self._held is None:
            self._held = self._stack.enter_context(self.snapshot())
        return self._held

    @cached_property
    def _now(self) -> datetime:
        return super().now()

    def now(self) -> datetime:
        """The server's clock, as it was when the draft first asked for it."""
        return self._now

    def close(self) -> None:
        """Ends what still runs, and the sessions, and closes their connections."""
        self._held = None
        self._stack.close()
        super().close()


class Trial:
    """Says of guesses whether they hold; none does once the `seconds` for all of them are over."""

    def __init__(self, database: Held, seconds: float) -> None:
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

    def family(self, link: Link) -> Family:
        """Of two tables the rows that belong together: of the first parents, where not all children are seen."""
        parent, child = link.parent, link.child
        found = families.keys(parent, link.parent_column)
        if not found or link.column not in child.columns:
            return Family()
        parents = dict(zip(found, families.rows(parent), strict=True))
        if not child.whole and not self.late:
            some = found[:SOME]
            children = self._children(child, link.column, some)
            if children is not None:
                return families.family({key: parents[key] for key in some}, children, link.column, some)
        return families.family(parents, families.rows(child), link.column, parents if child.whole else ())

    def _children(self, child: Sight, column: str, keys: list[int]) -> Iterator[Row] | None:
        """All rows that belong to some parents; None where they are many, or cannot be read in time."""
        columns = tuple(each for each in child.table.columns if each.name in child.columns)
        where = f" WHERE {self.database.quote(column)} IN ({', '.join(map(str, keys))})"
        try:
            with self.database.session() as session:
                found = rows_of(self.database, session, child.table, columns, child.families, where)
        except DatabaseError:
            return None
        return families.rows(replace(child, first=found)) if len(found) < ROWS else None

    def all_values(self, sight: Sight, column: str) -> list[str] | None:
        """Every value of a column of few texts, told apart by each character; None where there are more."""
        if sight.whole:
            return sorted(set(sight.values[column]))
        database, language = self.database, self.database.dialect.language
        quoted = database.quote(column)
        text = language.as_text(quoted)
        sql = (
            f"SELECT min({text}) FROM {database.name_of(sight.table)}"
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
