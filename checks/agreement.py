"""Where a column and what it should be disagree: numbers within a tolerance, the rest exactly."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from pytest_visionforge import Evidence, Finding

from .kinds import NUMBERS, Kind, kind_of, tolerance_of
from .moments import day
from .offenders import Offence, judge

if TYPE_CHECKING:
    from pytest_visionforge.database import Column

    from .scope import Scope

BINARY = Decimal("1e-12")  # of the value: what sums of binary floating point may lose
FLOATING = Decimal("1e-9")  # of the value: where no scale is declared


def disagreement(
    scope: Scope, column: Column, value: str, formula: str, tolerance: float | None, *, join: str = ""
) -> Evidence | Finding:
    """Evidence where the column is what `value` (SQL) gives in every row, else a finding.

    `formula` is the value in the words of the plan; `tolerance` None for the one that the type gives.
    """
    stored = scope.quoted(column)
    differs = _differs(scope, column, stored, value, tolerance)
    reasons = {
        f"{column.name} is not {formula}": f"{stored} IS NOT NULL AND {value} IS NOT NULL AND ({differs})",
        f"{column.name} is NULL, {formula} is not": f"{stored} IS NULL AND {value} IS NOT NULL",
        f"{formula} is NULL, {column.name} is not": f"{stored} IS NOT NULL AND {value} IS NULL",
    }
    return judge(scope, Offence(reasons, passed_over=f"{stored} IS NULL AND {value} IS NULL", join=join))


def _differs(scope: Scope, column: Column, stored: str, value: str, tolerance: float | None) -> str:
    """The condition under which two values that are not NULL differ, by the kind of the column."""
    language, kind = scope.database.dialect.language, kind_of(column)
    if tolerance is not None or kind in NUMBERS:
        return _apart(language.number(stored), language.number(value), _allowed(column, tolerance))
    if kind is Kind.TEXT:
        stored, value = (language.plain(language.as_text(each)) for each in (stored, value))
    elif kind is Kind.DATE:
        stored, value = (day(scope.database, each) for each in (stored, value))
    elif kind is Kind.MOMENT:
        moments = [f"({language.timestamp(each)})" for each in (stored, value)]
        unread = " OR ".join(f"{moment} IS NULL" for moment in moments)
        return f"NOT {language.same(*moments)} OR {unread}"
    return f"NOT {language.same(stored, value)}"


def _allowed(column: Column, tolerance: float | None) -> Decimal | None:
    return tolerance_of(column) if tolerance is None else Decimal(repr(tolerance))


def _apart(left: str, right: str, allowed: Decimal | None) -> str:
    """Two numbers are further apart than allowed, a decimal literal: it stays exact where the sums are."""
    sizes = f"(abs({left}) + abs({right}))"
    if allowed is None:
        return f"abs({left} - {right}) > {FLOATING:f} * (1 + {sizes})"
    return f"abs({left} - {right}) > {allowed:f} + {BINARY:f} * {sizes}"
