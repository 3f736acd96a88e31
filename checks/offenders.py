"""The rows that break a rule: counted on the server, sampled by key, and how to see them again.

A rule gives conditions, each under the words that the finding says of the rows that meet it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from pytest_visionforge import Evidence, Finding, Offender
from pytest_visionforge.database import unescaped

if TYPE_CHECKING:
    from pytest_visionforge.database import Database, Session

    from .scope import Scope


@dataclass(frozen=True, slots=True)
class Offence:
    """What makes a row an offender: `reasons` (words -> SQL), one of which holds.

    `passed_over` is the condition of rows that cannot be decided, `because` says which they are;
    `join` belongs to FROM. `related` says that conditions look into other tables: servers plan those
    better in a WHERE of their own. `parameters` are those of the conditions.
    """

    reasons: Mapping[str, str]
    passed_over: str = "1 = 0"
    because: str = "with NULL"
    join: str = ""
    related: bool = False
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @property
    def condition(self) -> str:
        """The condition of all offenders."""
        return " OR ".join(f"({condition})" for condition in self.reasons.values())

    @property
    def parts(self) -> tuple[str, ...]:
        """The conditions that are to be told apart: none where there is only one."""
        return tuple(self.reasons.values()) if len(self.reasons) > 1 else ()


@dataclass(frozen=True, slots=True)
class Count:
    """How many rows were looked at, offend, could not be decided; how many for each reason."""

    of: int
    offending: int
    undecided: str
    reasons: Mapping[str, int]

    def __str__(self) -> str:
        noted = f" ({self.undecided})" if self.undecided else ""
        return f"{rows_of(self.offending, self.of)}: {self._reasons()}{noted}"

    def _reasons(self) -> str:
        if len(self.reasons) == 1:
            return next(iter(self.reasons))
        return "; ".join(f"{words} ({number:,})" for words, number in self.reasons.items())


def judge(scope: Scope, offence: Offence, remedy: str = "") -> Evidence | Finding:
    """Evidence where no row of the scope offends, else a finding."""
    with scope.database.session() as session:
        count = _count(session, scope, offence)
        if not count.offending:
            return Evidence(count.undecided, count.of)
        sample = _sample(session, scope, offence)
    return Finding(
        says=str(count),
        count=count.offending,
        of=count.of,
        sample=sample,
        remedy=remedy,
        reproduce=displayed(scope.database, _rows(scope, offence), offence.parameters),
    )


def _count(session: Session, scope: Scope, offence: Offence) -> Count:
    """All numbers, in one pass over the table where no other table is asked."""
    looked_at = f"SELECT count(*), {_times(offence.passed_over)}"
    offenders = ", ".join([_times(offence.condition), *map(_times, offence.parts)])
    if offence.related:
        filtered = scope.rows(offence.condition, join=offence.join)
        numbers = [*session.row(f"{looked_at} {scope.rows()}", **offence.parameters)]
        numbers += session.row(f"SELECT {offenders} {filtered}", **offence.parameters)
    else:
        everything = scope.rows(join=offence.join)
        numbers = [*session.row(f"{looked_at}, {offenders} {everything}", **offence.parameters)]
    of, undecided, offending, *each = (int(number or 0) for number in numbers)
    reasons = zip(offence.reasons, each or [offending], strict=True)
    noted = passed_over(undecided, offence.because)
    return Count(of, offending, noted, {words: number for words, number in reasons if number})


def _sample(session: Session, scope: Scope, offence: Offence) -> tuple[Offender, ...]:
    """The first offenders by key; none where nothing names them."""
    if not scope.shown or not scope.limit:
        return ()
    flags = [f"CASE WHEN {condition} THEN 1 ELSE 0 END" for condition in offence.parts]
    sql = f"{_rows(scope, offence, flags)} LIMIT {scope.limit}"
    width, words = len(scope.shown), list(offence.reasons)
    return tuple(
        scope.offender(row[:width], [word for word, met in zip(words, row[width:], strict=False) if met])
        for row in session.all(sql, **offence.parameters)
    )


def _rows(scope: Scope, offence: Offence, more: Iterable[str] = ()) -> str:
    """The statement that gives the offenders."""
    columns = ", ".join([*map(scope.quoted, scope.shown), *more]) or f"{scope.name}.*"
    return f"SELECT {columns} {scope.rows(offence.condition, join=offence.join)}{scope.by_key}"


def _times(condition: str) -> str:
    return f"sum(CASE WHEN {condition} THEN 1 ELSE 0 END)"


def rows_of(count: int, of: int) -> str:
    """`3 of 8,412 rows`."""
    return f"{count:,} of {of:,} row{'' if of == 1 else 's'}"


def passed_over(number: int, because: str = "with NULL") -> str:
    """What is said of rows that could not be decided; '' where there are none."""
    return f"{number:,} {because} passed over" if number else ""


_PARAMETER = re.compile(r"(?<![:\w\\]):(\w+)(?![:\w])")


def displayed(database: Database, sql: str, parameters: Mapping[str, Any] | None = None) -> str:
    """A statement as a person may run it: the values of the plan stand in place of its parameters."""
    known = parameters or {}

    def literal(match: re.Match[str]) -> str:
        return _literal(database, known[match[1]]) if match[1] in known else match[0]

    return unescaped(_PARAMETER.sub(literal, sql))


def _literal(database: Database, value: Any) -> str:
    if isinstance(value, str | date):
        return database.dialect.language.literal(str(value))
    return str(value).upper() if isinstance(value, bool) else str(value)
